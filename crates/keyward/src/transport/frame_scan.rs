//! Reads along with hyper on HTTP/2 and counts frames that ask for nothing: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty
//! DATA, frames of unknown types (RFC 9113 §10.5; CVE-2019-9512, CVE-2019-9515, CVE-2019-9518).
//!
//! A client may send some hundred of them between two request heads or pieces of a body, and one more for each piece of an
//! answer that it was sent, since it opens windows as it reads. So keep-alive PINGs beside a long request, and downloads, are
//! never too many. It looks at frame headers, each 9 bytes, and at the length of padding, and steps over what else they hold.

/// What a client of HTTP/2 says first (RFC 9113 §3.4), in bytes.
const PREFACE: u64 = 24;
/// The bytes of a frame's header (RFC 9113 §4.1).
const HEADER: u32 = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
/// The flag of a frame whose first byte says how many of its last ones are padding (RFC 9113 §6.1).
const PADDED: u8 = 0x8;

/// Frames that may come in a row without a head or a piece of a body.
const SPARE: u32 = 500;
/// Bytes of answers for which a client may send one more.
const PIECE: u64 = 512;

/// More frames than anyone needs came in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{SPARE} frames of HTTP/2 without a request")]
pub(super) struct TooMany;

/// The scan of one connection.
#[derive(Debug)]
pub(super) struct FrameScan {
    /// Bytes still to step over: of the preface, or of a frame's payload.
    over: u64,
    /// The bytes of the next frame's header that were read, and how many they are.
    header: u128,
    read: u32,
    /// The next byte is the length of the padding of a DATA frame.
    padding: bool,
    spare: u32,
    /// Bytes of answers that were not yet counted as a piece.
    sent: u64,
}

impl FrameScan {
    /// Of a connection whose preface is still to be read.
    pub(super) const fn new() -> Self {
        Self { over: PREFACE, header: 0, read: 0, padding: false, spare: SPARE, sent: 0 }
    }

    /// Takes in the bytes that were read next.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<(), TooMany> {
        while let Some((first, rest)) = bytes.split_first() {
            if std::mem::take(&mut self.padding) {
                self.over -= 1;
                bytes = rest;
                self.count(self.over > u64::from(*first))?;
            } else if self.over > 0 {
                let step = usize::try_from(self.over).unwrap_or(usize::MAX).min(bytes.len());
                self.over -= step as u64;
                bytes = bytes.get(step..).unwrap_or_default();
            } else {
                bytes = rest;
                self.header = self.header << 8 | u128::from(*first);
                self.read += 1;
                if self.read == HEADER {
                    self.frame()?;
                }
            }
        }
        Ok(())
    }

    fn frame(&mut self) -> Result<(), TooMany> {
        let [_, _, _, _, _, _, _, a, b, c, kind, flags, ..] = self.header.to_be_bytes();
        (self.header, self.read) = (0, 0);
        self.over = u64::from(u32::from_be_bytes([0, a, b, c]));
        self.padding = kind == DATA && flags & PADDED != 0 && self.over > 0;
        match self.padding {
            // Whether it holds anything else, the next byte tells.
            true => Ok(()),
            false => self.count(kind == HEADERS || (kind == DATA && self.over > 0)),
        }
    }

    /// Counts a frame, which is a head or a piece of a body or asks for nothing.
    fn count(&mut self, is_piece: bool) -> Result<(), TooMany> {
        let left = if is_piece { Some(SPARE) } else { self.spare.checked_sub(1) };
        self.spare = left.ok_or(TooMany)?;
        Ok(())
    }

    /// Notes bytes that were sent to the client.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.sent += bytes as u64;
        let pieces = u32::try_from(self.sent / PIECE).unwrap_or(u32::MAX);
        self.sent %= PIECE;
        self.spare = self.spare.saturating_add(pieces).min(SPARE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PING: u8 = 6;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let [.., a, b, c] = u32::try_from(payload).unwrap().to_be_bytes();
        [&[a, b, c, kind, 0, 0, 0, 0, 1][..], &vec![b'x'; payload]].concat()
    }

    fn scanned(frames: &[Vec<u8>], piece: usize) -> Result<(), TooMany> {
        let sent = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frames.concat()].concat();
        let mut scan = FrameScan::new();
        sent.chunks(piece).try_for_each(|piece| scan.read(piece))
    }

    #[test]
    fn control_frames_without_a_request_are_bounded_whatever_kind_they_are() {
        for (kind, payload) in [(2, 5), (4, 0), (4, 6), (PING, 8), (8, 4), (0, 0), (0x77, 100)] {
            for piece in [1, 7, 16_384] {
                let most = vec![frame(kind, payload); SPARE as usize];
                assert_eq!(scanned(&most, piece), Ok(()), "{kind}");
                let more = [most.as_slice(), &[frame(kind, payload)]].concat();
                assert_eq!(scanned(&more, piece), Err(TooMany), "{kind}");
            }
        }
    }

    #[test]
    fn a_head_or_a_piece_of_a_body_allows_as_many_again() {
        for real in [frame(HEADERS, 40), frame(DATA, 1)] {
            let pings = vec![frame(PING, 8); SPARE as usize];
            let frames = [pings.as_slice(), &[real], &pings].concat();
            assert_eq!(scanned(&frames, 1_000), Ok(()));
        }
    }

    fn padded(data: usize, padding: u8) -> Vec<u8> {
        let mut frame = frame(DATA, 1 + data + usize::from(padding));
        frame[4] = PADDED;
        frame[9] = padding;
        frame
    }

    #[test]
    fn a_padded_frame_without_data_is_no_piece_of_a_body() {
        let pings = vec![frame(PING, 8); SPARE as usize];
        for (real, expected) in [
            (padded(0, 0), Err(TooMany)),
            (padded(0, 255), Err(TooMany)),
            (padded(1, 0), Ok(())),
            (padded(300, 255), Ok(())),
        ] {
            for piece in [1, 9, 10, 1_000] {
                let frames = [pings.as_slice(), std::slice::from_ref(&real), &pings].concat();
                assert_eq!(scanned(&frames, piece), expected, "{} bytes in pieces of {piece}", real.len());
            }
        }
        // Of one without even a length nothing is read: the next byte begins the next frame.
        let mut none = frame(DATA, 0);
        none[4] = PADDED;
        let frames = [vec![none; SPARE as usize - 1], vec![frame(HEADERS, 9)], pings].concat();
        assert_eq!(scanned(&frames, 7), Ok(()));
    }

    #[test]
    fn a_client_may_open_windows_for_what_it_is_sent() {
        let mut scan = FrameScan::new();
        scan.read(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
        for _ in 0..10_000 {
            // Of an answer in small pieces, each acknowledged on the stream and on the connection.
            scan.wrote(1_024);
            scan.read(&frame(8, 4)).and_then(|()| scan.read(&frame(8, 4))).unwrap();
        }
        // The answers to PINGs are no such piece.
        let flood = (0..10_000).find(|_| {
            scan.wrote(17);
            scan.read(&frame(PING, 8)).is_err()
        });
        assert!(flood.is_some_and(|pings| pings < 600), "{flood:?}");
    }

    proptest! {
        #[test]
        fn the_pieces_in_which_frames_come_do_not_matter(
            frames in prop::collection::vec((0_u8..10, 0_usize..50, any::<u8>()), 0..800),
            piece in 1_usize..300,
        ) {
            let framed = |(kind, payload, flags)| {
                let mut frame = frame(kind, payload);
                frame[4] = flags;
                frame
            };
            let frames: Vec<_> = frames.into_iter().map(framed).collect();
            prop_assert_eq!(scanned(&frames, piece), scanned(&frames, usize::MAX));
        }
    }
}
