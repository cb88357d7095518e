//! Looks at the certificate that is served, at the start, after a reload and while time passes: the log says when clients refuse it,
//! or soon will.

use crate::current::Current;
use crate::transport::certificate::{Certificate, Validity};
use keyward_core::clock::Clock;
use std::time::Duration;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(2);

/// Looks for as long as it runs. Says each thing once of one certificate.
pub(crate) async fn forever(current: &Current, clock: &dyn Clock) {
    let mut said = None;
    loop {
        let certificate = current.glance(|now| now.certificate);
        let found = certificate.map(|certificate| (certificate, certificate.validity(clock.now())));
        if let Some((certificate, validity)) = found.filter(|_| found != said) {
            // Absent: nothing was said yet.
            say(certificate, validity, said.is_none_or(|(before, _)| before != certificate));
        }
        said = found;
        tokio::time::sleep(INTERVAL).await;
    }
}

fn say(certificate: Certificate, validity: Validity, is_new: bool) {
    let not_after = tracing::field::display(certificate.not_after());
    match validity {
        Validity::Good => {}
        Validity::Ends(_) => tracing::warn!(not_after, "{validity}"),
        Validity::NotYet(_) | Validity::Expired(_) => tracing::error!(not_after, "{validity}"),
    }
    if is_new && !certificate.is_in_order() {
        tracing::warn!("{OUT_OF_ORDER}");
    }
}

/// What is said of a chain that is out of order: many clients put it right, some do not.
pub(crate) const OUT_OF_ORDER: &str = "the certificate chain is not in order: behind each certificate must come the one that issued it, \
                                       and some clients refuse it otherwise";
