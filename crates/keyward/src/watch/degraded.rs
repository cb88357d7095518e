//! Parts that the work does without: each can fail, and the server goes on, says so once, and shows it until the part works again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A part that the work does without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The machine's root certificates: nothing is fetched by HTTPS without them.
    RootCertificates,
    /// The socket of the operator's commands.
    OrdersSocket,
    /// The export of spans.
    Traces,
    /// Notifications to systemd.
    ServiceManager,
}

impl Part {
    pub(super) const ALL: [Self; 4] =
        [Self::RootCertificates, Self::OrdersSocket, Self::Traces, Self::ServiceManager];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::RootCertificates => "root_certificates",
            Self::OrdersSocket => "orders_socket",
            Self::Traces => "traces",
            Self::ServiceManager => "service_manager",
        }
    }
}

/// Which of them fail now. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Degraded(Arc<Flags>);

#[derive(Debug, Default)]
struct Flags {
    root_certificates: AtomicBool,
    orders_socket: AtomicBool,
    traces: AtomicBool,
    service_manager: AtomicBool,
}

impl Degraded {
    fn flag(&self, part: Part) -> &AtomicBool {
        match part {
            Part::RootCertificates => &self.0.root_certificates,
            Part::OrdersSocket => &self.0.orders_socket,
            Part::Traces => &self.0.traces,
            Part::ServiceManager => &self.0.service_manager,
        }
    }

    /// A part fails; whether that is new, and to be said.
    pub(crate) fn fails(&self, part: Part) -> bool {
        !self.flag(part).swap(true, Ordering::Relaxed)
    }

    /// A part works; whether that is new, and to be said.
    pub(crate) fn works(&self, part: Part) -> bool {
        self.flag(part).swap(false, Ordering::Relaxed)
    }

    /// Whether a part fails now.
    pub(crate) fn is_failing(&self, part: Part) -> bool {
        self.flag(part).load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Metrics, ask_degraded};
    use super::*;

    #[test]
    fn a_part_that_fails_is_news_once_and_shown_until_it_works() {
        let degraded = Degraded::default();
        let mut metrics = Metrics::new();
        ask_degraded(&mut metrics, &degraded);
        let shown = |part: Part| {
            let told = metrics.told().unwrap();
            let name = format!("keyward_degraded{{part=\"{}\"}} ", part.name());
            told.lines().find_map(|line| line.strip_prefix(&name).map(str::to_owned)).unwrap()
        };
        for part in Part::ALL {
            assert!(!degraded.works(part), "it has not failed");
            assert_eq!(shown(part), "0");
            assert!(degraded.fails(part));
            assert!(!degraded.fails(part), "it was said");
            assert_eq!(shown(part), "1");
            assert!(degraded.works(part));
            assert_eq!(shown(part), "0");
        }
    }
}
