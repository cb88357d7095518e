//! Figures of the process, by the names that Prometheus' own client libraries use. What the system does not tell (without `/proc`)
//! is left out.

use super::catalog::Figure;
use keyward_core::clock::Timestamp;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::fmt;
use std::fs::{read_dir, read_to_string};

const fn of_process(name: &'static str, kind: &'static str, about: &'static str) -> Figure {
    Figure { name, kind, labels: "", about }
}

const CPU: Figure = of_process("process_cpu_seconds", "counter", "Seconds of CPU that the process has used");
const START: Figure = of_process(
    "process_start_time_seconds",
    "gauge",
    "When the server began to serve, in seconds since 1970, by the machine's clock",
);
const RESIDENT: Figure = of_process("process_resident_memory_bytes", "gauge", "Bytes of memory in use");
const VIRTUAL: Figure = of_process("process_virtual_memory_bytes", "gauge", "Bytes of address space in use");
const FILES: Figure = of_process("process_open_fds", "gauge", "Files, sockets and pipes that are open");
const MOST_FILES: Figure =
    of_process("process_max_fds", "gauge", "Files, sockets and pipes that may be open");
const THREADS: Figure = of_process("process_threads", "gauge", "Threads");

/// Every figure of the process, by its whole name.
pub(crate) const PROCESS: &[Figure] = &[CPU, START, RESIDENT, VIRTUAL, FILES, MOST_FILES, THREADS];

/// Looked up whenever the figures are shown.
#[derive(Debug)]
pub(super) struct OfProcess {
    /// When the server began.
    pub(super) since: Timestamp,
}

impl Collector for OfProcess {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let cpu = encoder.encode_descriptor(CPU.name, CPU.about, None, MetricType::Counter)?;
        ConstCounter::new(cpu_seconds()).encode(cpu)?;
        // Absent: without /proc these figures are not told.
        let status = read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |name| status_of(&status, name).map(|kibibytes| kibibytes.saturating_mul(1024));
        for (figure, value) in [
            (START, u64::try_from(self.since.unix()).ok()),
            (RESIDENT, bytes("VmRSS:")),
            (VIRTUAL, bytes("VmSize:")),
            (FILES, open_files()),
            (MOST_FILES, getrlimit(Resource::Nofile).current),
            (THREADS, status_of(&status, "Threads:")),
        ] {
            if let Some(value) = value {
                let gauge = encoder.encode_descriptor(figure.name, figure.about, None, MetricType::Gauge)?;
                ConstGauge::new(value).encode(gauge)?;
            }
        }
        Ok(())
    }
}

/// Of all threads, in the kernel and outside of it.
fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(used.tv_sec), u32::try_from(used.tv_nsec));
    // Absent: never, it counts up from 0.
    std::time::Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0)).as_secs_f64()
}

/// The number in a line of `/proc/self/status`.
fn status_of(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    value.split_whitespace().next()?.parse().ok()
}

/// Without the one that the look itself opens.
fn open_files() -> Option<u64> {
    let open = read_dir("/proc/self/fd").ok()?.count();
    u64::try_from(open.saturating_sub(1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    #[test]
    fn the_figures_of_the_process_are_those_of_the_system() {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(OfProcess { since: Timestamp::from_unix(1_700_000_000) }));
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let value = |name: &str| {
            let mut values = text.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            values.next().unwrap_or_else(|| panic!("{name}: {text}")).parse::<f64>().unwrap()
        };
        assert!(value("process_cpu_seconds_total") > 0.0);
        assert!((value("process_start_time_seconds") - 1_700_000_000.0).abs() < 0.5);
        assert!(value("process_open_fds") >= 3.0 && value("process_open_fds") <= value("process_max_fds"));
        assert!(value("process_resident_memory_bytes") > 1e6);
        assert!(value("process_virtual_memory_bytes") > value("process_resident_memory_bytes"));
        assert!(value("process_threads") >= 1.0);
        for figure in PROCESS {
            assert!(text.contains(&format!("# TYPE {} {}\n", figure.name, figure.kind)), "{figure:?}");
        }
    }

    #[test]
    fn what_the_system_does_not_tell_is_left_out() {
        assert_eq!(status_of("Name:\tkeyward\nVmRSS:\t  2048 kB\nThreads:\t9\n", "VmRSS:"), Some(2048));
        assert_eq!(status_of("", "VmRSS:"), None);
        assert_eq!(status_of("VmRSS:\tmuch kB\n", "VmRSS:"), None);
    }
}
