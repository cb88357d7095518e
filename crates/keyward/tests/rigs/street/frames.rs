//! The bytes of HTTP/2 (RFC 9113). Fields are literals that no table keeps, so they can hold whatever a test wants.

pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

pub(crate) const DATA: u8 = 0;
pub(crate) const HEADERS: u8 = 1;
pub(crate) const RST_STREAM: u8 = 3;
pub(crate) const SETTINGS: u8 = 4;
pub(crate) const PING: u8 = 6;
pub(crate) const GOAWAY: u8 = 7;
pub(crate) const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;

pub(crate) const ACK: u8 = 1;
pub(crate) const END_STREAM: u8 = 1;
pub(crate) const END_HEADERS: u8 = 4;

pub(crate) const HEADER_TABLE_SIZE: u16 = 1;
pub(crate) const INITIAL_WINDOW_SIZE: u16 = 4;

/// As much as a frame may hold (the initial SETTINGS_MAX_FRAME_SIZE).
pub(crate) const FRAME: usize = 16_384;

/// One frame.
pub(crate) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let mut frame = Vec::with_capacity(9 + payload.len());
    frame.extend(length.into_iter().skip(1).chain([kind, flags]).chain(stream.to_be_bytes()));
    frame.extend_from_slice(payload);
    frame
}

/// A SETTINGS frame.
pub(crate) fn settings(values: &[(u16, u32)]) -> Vec<u8> {
    let pair = |(name, value): &(u16, u32)| [&name.to_be_bytes()[..], &value.to_be_bytes()].concat();
    frame(SETTINGS, 0, 0, &values.iter().flat_map(pair).collect::<Vec<u8>>())
}

/// HEADERS of these fields, and as many CONTINUATIONs as they need.
pub(crate) fn headers(stream: u32, flags: u8, fields: &[(Vec<u8>, Vec<u8>)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        string(&mut block, name);
        string(&mut block, value);
    }
    let last = block.len().div_ceil(FRAME).saturating_sub(1);
    let parts = block.chunks(FRAME).enumerate().map(|(number, part)| {
        let whole = if number == last { END_HEADERS } else { 0 };
        match number {
            0 => frame(HEADERS, flags | whole, stream, part),
            _ => frame(CONTINUATION, whole, stream, part),
        }
    });
    parts.flatten().collect()
}

/// A string without Huffman coding: its length in the lower seven bits, then in groups of seven, and its bytes (RFC 7541
/// §5.2).
fn string(block: &mut Vec<u8>, text: &[u8]) {
    block.push(text.len().min(127) as u8);
    if let Some(mut more) = text.len().checked_sub(127) {
        while more >= 128 {
            block.push((more % 128) as u8 | 128);
            more /= 128;
        }
        block.push(more as u8);
    }
    block.extend_from_slice(text);
}

/// The status that an answer's block begins with, from a server that was told to keep no table.
pub(crate) fn status(block: &[u8]) -> Option<u16> {
    let mut bytes = block.iter().copied();
    let mut first = bytes.next()?;
    // The size of the table, which the server changes to nothing.
    while first & 0xe0 == 0x20 {
        let mut more = first & 0x1f == 0x1f;
        while more {
            more = bytes.next()? & 0x80 != 0;
        }
        first = bytes.next()?;
    }
    match first {
        0x88..=0x8e => [200, 204, 206, 304, 400, 404, 500].get(usize::from(first - 0x88)).copied(),
        // A literal whose name is one of the table's `:status`.
        0x08..=0x0e | 0x18..=0x1e | 0x48..=0x4e => {
            let length = bytes.next()?;
            let value: Vec<u8> = bytes.take(usize::from(length & 0x7f)).collect();
            let digits = if length & 0x80 == 0 { String::from_utf8(value).ok()? } else { digits(&value)? };
            digits.parse().ok()
        }
        _ => None,
    }
}

/// Three digits by Huffman: five bits for 0 to 2, six for the others (RFC 7541, appendix B).
fn digits(coded: &[u8]) -> Option<String> {
    let bits: String = coded.iter().map(|byte| format!("{byte:08b}")).collect();
    let (mut rest, mut found) = (bits.as_str(), String::new());
    while found.len() < 3 {
        let long = if rest.get(..5)? < "00011" { 5 } else { 6 };
        let code = u32::from_str_radix(rest.get(..long)?, 2).ok()?;
        found.push(char::from_digit(if long == 5 { code } else { code.checked_sub(0x16)? }, 10)?);
        rest = rest.get(long..)?;
    }
    Some(found)
}
