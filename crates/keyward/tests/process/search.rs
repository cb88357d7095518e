//! Looks for secrets in bytes: as they are, in hexadecimal, in base64 and as a list of numbers, and in parts.

/// A part of a secret that no text holds by chance.
const PART: usize = 12;
const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const FOR_URLS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What is looked for.
pub(crate) struct Needles {
    needles: Vec<(String, Vec<u8>)>,
    /// By the first two bytes, which needles begin so.
    by_start: Vec<Vec<usize>>,
}

impl Needles {
    pub(crate) fn new() -> Self {
        Self { needles: Vec::new(), by_start: vec![Vec::new(); 1 << 16] }
    }

    /// Adds a secret: every form of every part of it.
    pub(crate) fn add(&mut self, name: &str, secret: &[u8]) {
        assert!(secret.len() >= PART, "{name} is too short to be looked for");
        let last = secret.len() - PART;
        for start in (0..last).step_by(PART).chain([last]) {
            let part = &secret[start..start + PART];
            let mut add = |form: &str, bytes: Vec<u8>| self.push(format!("{name} at {start}, {form}"), bytes);
            add("plain", part.to_owned());
            add("hex", part.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes());
            add("HEX", part.iter().map(|byte| format!("{byte:02X}")).collect::<String>().into_bytes());
            let numbers: Vec<String> = part.iter().map(ToString::to_string).collect();
            add("numbers", numbers.join(", ").into_bytes());
            add("numbers", numbers.join(",").into_bytes());
            for before in 0..3 {
                add("base64", base64(part, before, STANDARD));
                add("base64url", base64(part, before, FOR_URLS));
            }
        }
    }

    /// Adds the random part of an API key: what follows the prefix that everyone may see.
    pub(crate) fn add_key(&mut self, name: &str, key: &str) {
        self.add(name, &key.strip_prefix("lev_sk_").unwrap().as_bytes()[4..]);
    }

    fn push(&mut self, name: String, needle: Vec<u8>) {
        let start = pair(needle[0], needle[1]);
        self.by_start[start].push(self.needles.len());
        self.needles.push((name, needle));
    }

    /// The names of what is found.
    pub(crate) fn found_in(&self, bytes: &[u8]) -> Vec<&str> {
        let mut found = Vec::new();
        for (at, next) in bytes.windows(2).enumerate() {
            for index in &self.by_start[pair(next[0], next[1])] {
                let (name, needle) = &self.needles[*index];
                if bytes[at..].starts_with(needle) {
                    found.push(name.as_str());
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Two bytes as an index.
fn pair(first: u8, second: u8) -> usize {
    usize::from(first) * 256 + usize::from(second)
}

/// Whatever has the form of a whole API key, known or not.
pub(crate) fn key_like(bytes: &[u8]) -> Option<String> {
    let prefix = b"lev_sk_";
    let starts = bytes.windows(prefix.len()).enumerate().filter(|(_, window)| window == prefix);
    starts
        .map(|(at, _)| &bytes[at..])
        .find(|rest| {
            rest[prefix.len()..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count() >= 40
        })
        .map(|rest| String::from_utf8_lossy(&rest[..rest.len().min(80)]).into_owned())
}

/// The characters of the base64 of a text that holds `part` after `before` (0 to 2) unknown bytes, as far as they
/// are known.
fn base64(part: &[u8], before: usize, alphabet: &[u8; 64]) -> Vec<u8> {
    let bytes = [&vec![0; before], part].concat();
    let bit = |at: usize| (bytes[at / 8] >> (7 - at % 8)) & 1;
    let sextet = |at: usize| (0..6).fold(0, |value, offset| value * 2 + usize::from(bit(at * 6 + offset)));
    ((before * 8).div_ceil(6)..bytes.len() * 8 / 6).map(|at| alphabet[sextet(at)]).collect()
}

#[test]
fn the_search_finds_every_form() {
    let secret = "Sesame+opens/the>door?yes";
    let mut needles = Needles::new();
    needles.add("secret", secret.as_bytes());
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let planted = [
        ("plain", format!("say {secret} to it")),
        ("a part", format!("it begins with {}…", &secret[..PART])),
        ("hex", format!("digest={hex}")),
        ("HEX", format!("digest={}", hex.to_uppercase())),
        ("numbers", format!("{:?}", secret.as_bytes())),
        // The same text after nothing, one and two bytes, by another program (coreutils base64).
        ("base64", "U2VzYW1lK29wZW5zL3RoZT5kb29yP3llcw==".to_owned()),
        ("base64 after one", "LVNlc2FtZStvcGVucy90aGU+ZG9vcj95ZXM=".to_owned()),
        ("base64 after two", "LS1TZXNhbWUrb3BlbnMvdGhlPmRvb3I/eWVz".to_owned()),
        ("base64url after two", "LS1TZXNhbWUrb3BlbnMvdGhlPmRvb3I_eWVz".to_owned()),
    ];
    for (form, text) in planted {
        assert!(!needles.found_in(text.as_bytes()).is_empty(), "{form}: {text}");
    }
    assert!(needles.found_in(b"Sesame, close the door. U2VzYW1l. 83, 101, 115").is_empty());
    let key = format!("a lev_sk_{} b", "x".repeat(49));
    assert!(key_like(key.as_bytes()).is_some() && key_like(b"lev_sk_abcdfull_access lev_sk_abcd").is_none());
}
