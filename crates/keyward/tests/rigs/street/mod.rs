//! A server as a process of its own, and everything around it as strangers and honest clients see it: what the siege and the
//! soak of garbage share. It knows of the program only what its users know.
//!
//! | file | what |
//! | --- | --- |
//! | `server.rs` | the server process: its data, its log, its processor, its memory |
//! | `http.rs` | HTTP/1.1 from an address of one's choice, plain or over TLS |
//! | `frames.rs`, `wire.rs` | HTTP/2 by hand |
//! | `browser.rs` | a browser that keeps its cookies and signs in |

pub(crate) mod browser;
pub(crate) mod frames;
pub(crate) mod http;
pub(crate) mod server;
pub(crate) mod wire;

use std::error::Error;
use std::net::Ipv4Addr;
use std::process::Command;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Choices from a seed: the same seed gives the same choices (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below this one.
    pub(crate) const fn below(&mut self, most: usize) -> usize {
        let most = if most == 0 { 1 } else { most };
        (self.next() % most as u64) as usize
    }

    /// Whether it is the one of that many.
    pub(crate) const fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    /// One of these; the default of none.
    pub(crate) fn of<T: Clone + Default>(&mut self, all: &[T]) -> T {
        all.get(self.below(all.len())).cloned().unwrap_or_default()
    }
}

/// The address of a stranger, each in a network (/24) of its own: 127.64.0.1, 127.64.1.1 and so on.
pub(crate) const fn stranger(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 64 + ((number >> 8) & 63) as u8, (number & 255) as u8, 1)
}

/// The address of an honest client, each in a network of its own and none of them a stranger's.
pub(crate) const fn honest(number: usize) -> Ipv4Addr {
    Ipv4Addr::new(127, 1 + ((number >> 8) & 31) as u8, (number & 255) as u8, 1)
}

/// By nearest rank, of sorted values; NaN of none.
pub(crate) fn percentile(sorted: &[f64], of_hundred: usize) -> f64 {
    let rank = (sorted.len() * of_hundred).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}

/// Puts the thread that calls it on this processor, and lets others go first by that much.
///
/// # Errors
/// The system has no `taskset` or no `renice`, or does not allow it.
pub(crate) fn settle_thread(core: usize, nice: u8) -> Result<(), Failure> {
    let link = std::fs::read_link("/proc/thread-self")?;
    let thread = link.file_name().and_then(|name| name.to_str()).ok_or("no thread id")?;
    let (core, nice) = (core.to_string(), nice.to_string());
    for arguments in [&["taskset", "-cp", &core, thread], &["renice", "-n", &nice, thread]] {
        let output = Command::new("env").args(arguments).output()?;
        if !output.status.success() {
            return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
    }
    Ok(())
}

/// How many processors there are.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}
