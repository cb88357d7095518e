//! Reads along with hyper and notes what hyper hides: a head with two framings, and lines that end in a bare line feed.
//!
//! hyper drops a `Content-Length` that stands beside a `Transfer-Encoding`, and takes a line feed for the end of a line
//! (RFC 9112 §2.2 allows it). Another reader in front of us may do neither, and then the two disagree about where a
//! request ends. The scan sees the same bytes in the same order, so its n-th verdict is about hyper's n-th request.
//!
//! It parses as little as it can: lines, the two framing fields, and the length of a body to step over. After a head with
//! `Transfer-Encoding` it reads no further, since the connection ends with that request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// What a head that was read in full was like: `None` if it has one reading, else why not.
pub(crate) type Verdict = Option<&'static str>;

/// Verdicts in the order of the requests. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Verdicts(Arc<Mutex<VecDeque<Verdict>>>);

impl Verdicts {
    fn push(&self, verdict: Verdict) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push_back(verdict);
    }

    /// The verdict on the next request. hyper has read its head, so the scan has too: were there no verdict, the two
    /// would have lost each other, and the request is not to be trusted.
    pub(crate) fn next(&self) -> Verdict {
        let next = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        // Absent: it is refused.
        next.unwrap_or(Some("The request does not begin where the one before it ended"))
    }
}

/// As much of a line as is kept: the framing fields are far shorter, and one that is not is refused.
const KEPT: usize = 64;

/// The scan of one connection.
#[derive(Debug, Default)]
pub(crate) struct HeadScan {
    verdicts: Verdicts,
    place: Place,
    line: Vec<u8>,
    cut: bool,
    last: u8,
    head: Head,
}

#[derive(Debug, Default)]
enum Place {
    #[default]
    Head,
    /// Bytes of a body still to step over.
    Body(u64),
    /// Behind a head after which nothing more is read.
    End,
}

#[derive(Debug, Default)]
struct Head {
    begun: bool,
    bare_line_feed: bool,
    length: Option<u64>,
    coded: bool,
    unreadable: bool,
}

impl HeadScan {
    /// Whose verdicts go there.
    pub(crate) fn new(verdicts: Verdicts) -> Self {
        Self { verdicts, ..Self::default() }
    }

    /// Takes in the bytes that were read next.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            bytes = match self.place {
                Place::End => return,
                Place::Body(left) => {
                    // Absent: longer than memory: all that was read is of the body.
                    let step = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
                    let left = left.saturating_sub(step as u64);
                    self.place = if left == 0 { Place::Head } else { Place::Body(left) };
                    // Absent: never, a step is no longer than the bytes.
                    bytes.get(step..).unwrap_or_default()
                }
                Place::Head => self.head(bytes),
            };
        }
    }

    /// Reads to the end of the line or of the bytes; what is left.
    fn head<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (part, rest) = match end {
            // Absent: never, the place is within.
            Some(end) => (bytes.get(..end).unwrap_or_default(), bytes.get(end + 1..).unwrap_or_default()),
            None => (bytes, [].as_slice()),
        };
        let room = KEPT.saturating_sub(self.line.len());
        self.line.extend(part.iter().take(room));
        self.cut |= part.len() > room;
        // Absent: no byte came, so the last is the one before.
        self.last = part.last().copied().unwrap_or(self.last);
        if end.is_some() {
            self.end_of_line();
        }
        rest
    }

    fn end_of_line(&mut self) {
        let ended_plainly = self.last == b'\r';
        let (line, cut) = (std::mem::take(&mut self.line), std::mem::take(&mut self.cut));
        self.last = 0;
        // Absent: a bare line feed, which is refused below.
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        self.head.bare_line_feed |= !ended_plainly;
        match (line.is_empty(), self.head.begun) {
            // Empty lines before a request are skipped (RFC 9112 §2.2).
            (true, false) => self.head = Head::default(),
            (true, true) => self.end_of_head(),
            (false, false) => self.head.begun = true,
            (false, true) => self.field(line, cut),
        }
    }

    fn field(&mut self, line: &[u8], cut: bool) {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) =
            // Absent: never, the colon is within.
            (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            self.head.coded = true;
            self.head.unreadable |= cut;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            // Absent: it is no number, which is refused.
            let digits = std::str::from_utf8(value.trim_ascii()).ok().and_then(|digits| digits.parse().ok());
            // Two that agree hyper takes for one; of two that differ, neither is read.
            let differs = self.head.length.is_some_and(|before| digits != Some(before));
            self.head.unreadable |= cut || digits.is_none() || differs;
            // Absent: the head is unreadable, so nothing is read behind it.
            self.head.length = Some(digits.unwrap_or(0));
        }
    }

    fn end_of_head(&mut self) {
        let head = std::mem::take(&mut self.head);
        let verdict = if head.coded && head.length.is_some() {
            Some("Content-Length and Transfer-Encoding must not be sent together")
        } else if head.unreadable {
            Some("Content-Length must be one plain number of bytes, and Transfer-Encoding plainly chunked")
        } else if head.bare_line_feed {
            Some("Lines of the head must end with a carriage return and a line feed")
        } else {
            None
        };
        self.place = match (head.coded, verdict, head.length) {
            (true, ..) | (_, Some(_), _) => Place::End,
            (false, None, Some(length)) if length > 0 => Place::Body(length),
            // Absent: no body.
            _ => Place::Head,
        };
        self.verdicts.push(verdict);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The verdicts on what is read in pieces of this size: `.` for a plain head, `!` for an ambiguous one.
    fn scanned(raw: &str, piece: usize) -> String {
        let verdicts = Verdicts::default();
        let mut scan = HeadScan::new(verdicts.clone());
        raw.as_bytes().chunks(piece).for_each(|part| scan.read(part));
        let found: Vec<Verdict> = verdicts.0.lock().unwrap().drain(..).collect();
        found.iter().map(|verdict| if verdict.is_some() { '!' } else { '.' }).collect()
    }

    const CASES: &[(&str, &str)] = &[
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "."),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "."),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", ".."),
        ("POST / HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET GET / HTTP/1.1\r\nHost: a\r\n\r\n", ".."),
        (
            "POST / HTTP/1.1\r\ncontent-LENGTH:19 \r\n\r\nTE: \n\nhost: a\r\n\r\n\r\n.GET / HTTP/1.1\r\n\r\n",
            "..",
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "!",
        ),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n", "!"),
        ("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "."),
        ("GET / HTTP/1.1\nHost: a\n\n", "!"),
        ("GET / HTTP/1.1\r\nHost: a\n\r\n", "!"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\n", "!"),
        ("GET / HTTP/1.1\r\nHost: a\r\n", ""),
        ("POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 4\r\n\r\nGET GET / HTTP/1.1\r\n\r\n", ".."),
        ("POST / HTTP/1.1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nGET GET / HTTP/1.1\r\n\r\n", "!"),
        ("POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n", "!"),
        (
            "POST / HTTP/1.1\r\nContent-Length:                                                          17\r\n\r\n",
            "!",
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 000000000000000000000000000000000000000000000000000017\r\n\r\n",
            "!",
        ),
        (
            "GET / HTTP/1.1\r\nX-Long: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n\r\n",
            ".",
        ),
    ];

    #[test]
    fn a_verdict_does_not_depend_on_how_the_bytes_came() {
        for (raw, expected) in CASES {
            for piece in 1..=raw.len() {
                assert_eq!(scanned(raw, piece), *expected, "{raw:?} in pieces of {piece}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic_and_alike_in_any_pieces(raw in "(GET|\\r|\\n|: |Content-Length|Transfer-Encoding|[0-9]|.){0,60}", piece in 1_usize..20) {
            prop_assert_eq!(scanned(&raw, piece), scanned(&raw, raw.len().max(1)));
        }
    }
}
