//! The figures of connections.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;

/// What a client was too slow with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct Slow {
    pub(crate) with: &'static str,
}

/// The figures of connections.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Those that are open.
    pub open: Gauge,
    /// Those that were closed at once, since there were too many.
    pub refused: Counter,
    /// Requests that a trusted proxy passed on without an address that can be read.
    pub(crate) unknown_addresses: Counter,
    /// Those that were ended because the client was too slow, by what it was too slow with.
    pub(crate) overdue: Family<Slow, Counter>,
}
