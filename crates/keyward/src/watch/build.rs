//! Which program it is, as a figure.

use super::catalog::BUILD_INFO;
use super::labelled::{Labelled, LookedUp};
use crate::version::{COMMIT, DATE};

/// 1, with the version, the commit and its date.
pub(super) fn build_info() -> LookedUp<impl Fn() -> Labelled<3> + Send + Sync + 'static> {
    let values = || {
        let labels = [("version", env!("CARGO_PKG_VERSION")), ("revision", COMMIT), ("date", DATE)];
        vec![(labels.map(|(name, value)| (name, value.to_owned())), 1)]
    };
    LookedUp { figure: BUILD_INFO, values }
}
