//! TLS handshakes in progress: a place for each, so that nobody's handshakes keep the processor from everybody else's.
//!
//! A place is taken when the whole hello is there, since until then it costs only its bytes, and held until the handshake is
//! done, for [`HELD`] at most: a client that does not go on keeps nobody else at its address out for longer. Where there is
//! none, the handshake waits, within the deadline of its connection.

use super::pool::{Place, Pool};
use keyward_core::address::ClientAddress;
use std::num::NonZero;
use std::time::Duration;
use tokio::time::sleep;

/// Places for each processor.
const EACH: u64 = 512;
/// Places of one address, and of one network.
const OF_ADDRESS: u64 = 64;
const OF_NETWORK: u64 = 256;
/// How long a handshake holds its place. Honest ones are done after one round trip.
pub(super) const HELD: Duration = Duration::from_secs(2);
/// Between two looks for a place.
const PAUSE: Duration = Duration::from_millis(50);

/// The places. Clones share them.
#[derive(Clone, Debug)]
pub(super) struct Handshakes(Pool);

impl Handshakes {
    /// As many as this machine can do within a few seconds.
    pub(super) fn of_this_machine() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self(Pool::new(EACH * processors as u64, OF_ADDRESS, OF_NETWORK))
    }

    /// Waits for a place.
    pub(super) async fn turn(&self, from: ClientAddress, is_proxy: bool) -> Place {
        loop {
            match self.0.enter(from, is_proxy) {
                Ok(place) => return place,
                Err(_) => sleep(PAUSE).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    #[tokio::test(start_paused = true)]
    async fn handshakes_of_one_address_wait_for_each_other_and_nobody_else_for_them() {
        let handshakes = Handshakes::of_this_machine();
        let turn = |text: &str, is_proxy| {
            let from = ClientAddress::of(text.parse().unwrap());
            let handshakes = handshakes.clone();
            async move { timeout(Duration::from_secs(1), handshakes.turn(from, is_proxy)).await }
        };
        let mut held = Vec::new();
        for _ in 0..OF_ADDRESS {
            held.push(turn("192.0.2.1", false).await.unwrap());
        }
        assert!(turn("192.0.2.1", false).await.is_err(), "it has its share");
        assert!(turn("192.0.2.2", false).await.is_ok());
        assert!(turn("192.0.2.1", true).await.is_ok(), "a proxy stands for many");
        held.pop();
        assert!(turn("192.0.2.1", false).await.is_ok(), "one of its own is done");
    }
}
