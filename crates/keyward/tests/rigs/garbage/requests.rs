//! Requests of garbage with a structure: a real route, of which some parts are as they should be and others are not. All
//! choices come from a seed.

use super::routes::{Kind, Route};
use super::words::{ACCEPTS, BEARERS, BROKEN, FIELDS, MEMBERS, METHODS, NAMES, RPC, TYPES, VALUES};
use crate::street::Chance;
use std::sync::Arc;
use url::form_urlencoded;

pub(super) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    method: String,
    target: Vec<u8>,
    /// By their names in lower case.
    fields: Fields,
    body: Vec<u8>,
    is_chunked: bool,
    /// Bytes that are no request, in place of all the above.
    broken: Option<Vec<u8>>,
    /// Whether its head is one that HTTP/2 forbids.
    malformed: bool,
}

impl Request {
    /// Whether it is a request at all; what is none may end its connection, after an answer.
    pub(super) const fn is_sound(&self) -> bool {
        self.broken.is_none() && !self.malformed
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// The bytes of HTTP/1.1.
    pub(super) fn bytes(&self) -> Vec<u8> {
        if let Some(broken) = &self.broken {
            return broken.clone();
        }
        let mut bytes = Vec::with_capacity(512 + self.body.len());
        bytes.extend_from_slice(self.method.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(&self.target);
        bytes.extend_from_slice(b" HTTP/1.1\r\nHost: 127.0.0.1\r\n");
        for (name, value) in &self.fields {
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        if self.is_chunked {
            bytes.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
            for piece in self.body.chunks(self.body.len() / 3 + 1) {
                bytes.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
                bytes.extend_from_slice(piece);
                bytes.extend_from_slice(b"\r\n");
            }
            bytes.extend_from_slice(b"0\r\n\r\n");
            return bytes;
        }
        if !self.body.is_empty() {
            bytes.extend_from_slice(format!("Content-Length: {}\r\n", self.body.len()).as_bytes());
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// The fields and the body of HTTP/2. A target that HTTP/2 cannot hold is shortened to the root.
    pub(super) fn frames(&self) -> (Fields, &[u8]) {
        let pseudo = [
            (&b":method"[..], self.method.as_bytes()),
            (b":scheme", b"http"),
            (b":authority", b"127.0.0.1"),
            (b":path", &self.target),
        ];
        let mut fields: Fields = pseudo.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
        fields.extend(self.fields.iter().cloned());
        if self.malformed {
            fields.push((b"X-Upper".to_vec(), b"1".to_vec()));
        }
        (fields, &self.body)
    }

    /// The beginning of it as a person can read it: of a byte that stands many times in a row, one and how many.
    pub(super) fn shown(&self) -> String {
        let bytes = self.bytes();
        let mut shown = String::new();
        for run in bytes.chunk_by(|one, next| one == next).take(700) {
            let byte = run.first().map_or_else(String::new, |byte| byte.escape_ascii().to_string());
            match run.len() {
                many @ 9.. => shown.push_str(&format!("{byte}<{many} times>")),
                few => shown.push_str(&byte.repeat(few)),
            }
        }
        format!("{shown} ({} bytes)", bytes.len())
    }
}

/// What the generator knows of the server.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) routes: Vec<Route>,
    pub(super) beside: Vec<Route>,
    /// Good credentials, of several roles.
    pub(super) keys: Vec<String>,
    /// The cookies of somebody who is signed in.
    pub(super) cookie: String,
    /// Tokens of forms that this browser has, with where they are sent.
    pub(super) tokens: Vec<(String, String)>,
    /// Registered clients.
    pub(super) clients: Vec<String>,
    pub(super) tools: Vec<String>,
    /// Ids of keys, and of users, that may go.
    pub(super) spare_keys: Vec<String>,
    pub(super) spare_users: Vec<String>,
}

/// Makes one request after the other.
pub(super) struct Generator {
    chance: Chance,
    known: Arc<Known>,
    /// Whether they are for HTTP/2.
    two: bool,
    /// Whether this one is as it should be but for its query and its body: it gets further in.
    is_tame: bool,
}

impl Generator {
    pub(super) const fn new(seed: u64, known: Arc<Known>, two: bool) -> Self {
        Self { chance: Chance::new(seed), known, two, is_tame: false }
    }

    pub(super) fn next(&mut self) -> Request {
        if !self.two && self.chance.one_in(60) {
            return self.broken();
        }
        self.is_tame = self.chance.one_in(3);
        let known = Arc::clone(&self.known);
        let list = if self.chance.below(100) < 58 { &known.routes } else { &known.beside };
        let Some(route) = list.get(self.chance.below(list.len())) else { return self.broken() };
        let method = if self.is_tame || self.chance.below(100) < 86 {
            route.method.clone()
        } else {
            self.chance.of(&METHODS).to_owned()
        };
        let target = self.target(route);
        let has_body = match method.as_str() {
            "POST" | "PATCH" | "PUT" => self.chance.below(100) < 90,
            _ => self.chance.one_in(25),
        };
        let body = if has_body { self.body(route) } else { Vec::new() };
        let mut fields = self.credentials(route);
        self.describe(route, has_body, &mut fields);
        if !self.is_tame {
            self.further(&mut fields);
        }
        let is_chunked = has_body && !self.two && self.chance.one_in(8);
        let malformed = self.two && self.chance.one_in(60);
        Request { method, target, fields, body, is_chunked, broken: None, malformed }
    }

    /// Bytes that are no request.
    fn broken(&mut self) -> Request {
        let pattern: &[u8] = self.chance.of(&BROKEN);
        let usual: &[u8] = b"Host: 127.0.0.1\r\nX-Origin-App: garbage\r\n";
        let mut bytes = Vec::with_capacity(256);
        match pattern.windows(3).position(|window| window == b"{h}") {
            Some(at) => {
                bytes.extend_from_slice(pattern.get(..at).unwrap_or_default());
                bytes.extend_from_slice(usual);
                bytes.extend_from_slice(pattern.get(at + 3..).unwrap_or_default());
            }
            None => bytes.extend_from_slice(pattern),
        }
        let (method, target, fields, body) = Default::default();
        Request { method, target, fields, body, is_chunked: false, broken: Some(bytes), malformed: false }
    }

    fn value(&mut self) -> Vec<u8> {
        match self.chance.below(40) {
            0 => vec![b'a'; 300 + self.chance.below(4_000)],
            1 => (0..self.chance.below(30))
                .map(|_| self.chance.of(&[b'\t', b' ', 0x80, 0xff, b'"', b'\\', b'x']))
                .collect(),
            _ => self.chance.of(&VALUES).to_vec(),
        }
    }

    fn target(&mut self, route: &Route) -> Vec<u8> {
        let mut target = Vec::new();
        for segment in route.path.split('/').skip(1) {
            target.push(b'/');
            target.extend(self.segment(segment));
        }
        if !self.is_tame && self.chance.one_in(12) {
            let odd: [&[u8]; 10] =
                [b"/", b"//", b"/..", b"/.", b"/%2f", b"/%00", b";x=1", b"%20", b"/a/b/c", b"/%c3%28"];
            target.extend_from_slice(self.chance.of(&odd));
        }
        if !self.chance.one_in(3) && (!route.query.is_empty() || self.chance.one_in(4)) {
            target.push(b'?');
            target.extend(self.query(route));
        }
        target
    }

    fn segment(&mut self, segment: &str) -> Vec<u8> {
        if !segment.starts_with('{') {
            return segment.as_bytes().to_vec();
        }
        if segment == "{slug}" {
            let odd = self.chance.of(&["harbor-lending", "nobody", "%ff", "acme-capital"]);
            return if self.is_tame { "acme-capital" } else { odd }.into();
        }
        if !self.is_tame && self.chance.one_in(4) {
            return encoded(&self.value());
        }
        let known = Arc::clone(&self.known);
        match segment {
            // Whatever the verb is: the rig's own keys and people stay.
            "{key_id}" => self.chance.of(&known.spare_keys).into_bytes(),
            "{user_id}" => self.chance.of(&known.spare_users).into_bytes(),
            _ => (1 + self.chance.below(700)).to_string().into_bytes(),
        }
    }

    fn query(&mut self, route: &Route) -> Vec<u8> {
        let mut query = Vec::new();
        for _ in 0..=self.chance.below(3) {
            if !query.is_empty() {
                query.push(self.chance.of(b"&&&&;"));
            }
            let name = match self.chance.below(12) {
                0 => self.value(),
                1 => b"filter[loan_amount][gte".to_vec(),
                _ => self.chance.of(&route.query).into_bytes(),
            };
            query.extend(encoded(&name));
            if !self.chance.one_in(15) {
                let value = if route.kind == Kind::Form { self.field(&name) } else { self.value() };
                query.push(b'=');
                query.extend(encoded(&value));
            }
        }
        query
    }

    /// Who asks, as far as a credential says it.
    fn credentials(&mut self, route: &Route) -> Fields {
        let mut fields = Vec::new();
        let known = Arc::clone(&self.known);
        let browses = route.kind == Kind::Form;
        let lot = self.chance.below(100);
        match if self.is_tame { 15 } else { lot } {
            0..15 => {}
            15..70 if !browses => {
                fields
                    .push(("authorization", format!("Bearer {}", self.chance.of(&known.keys)).into_bytes()));
            }
            // A session would be ended by its own form.
            15..70 if route.path != "/sign-out" => fields.push(("cookie", known.cookie.clone().into_bytes())),
            _ => fields.push(("authorization", self.chance.of(&BEARERS).to_vec())),
        }
        if self.is_tame || !self.chance.one_in(8) {
            fields.push(("x-origin-app", b"garbage".to_vec()));
        }
        fields.into_iter().map(|(name, value)| (name.as_bytes().to_vec(), value)).collect()
    }

    /// What a request says of its body and of the answer that it wants.
    fn describe(&mut self, route: &Route, has_body: bool, fields: &mut Fields) {
        if has_body && (self.is_tame || !self.chance.one_in(20)) {
            let right = match route.kind {
                Kind::Form => "application/x-www-form-urlencoded",
                Kind::Json | Kind::Rpc => "application/json",
            };
            let kind = if !self.is_tame && self.chance.one_in(10) { self.chance.of(&TYPES) } else { right };
            fields.push((b"content-type".to_vec(), kind.into()));
        }
        if route.kind == Kind::Rpc || self.chance.one_in(4) {
            let accept = if self.chance.one_in(6) {
                self.chance.of(&ACCEPTS)
            } else {
                "application/json, text/event-stream"
            };
            fields.push((b"accept".to_vec(), accept.into()));
        }
    }

    /// Any fields with any values; some twice.
    fn further(&mut self, fields: &mut Fields) {
        for _ in 0..self.chance.below(5) {
            let name = self.chance.of(&NAMES);
            let value = match name {
                "idempotency-key" if self.chance.one_in(2) => {
                    let (high, low) = (self.chance.next(), self.chance.next());
                    let text = format!("{high:016x}{low:016x}");
                    let (a, b) = text.split_at(8);
                    let ((b, c), rest) = (b.split_at(4), b.get(8..).unwrap_or_default());
                    let (d, e) = rest.split_at(4);
                    format!("{a}-{b}-{}-{d}-{e}", c.get(..4).unwrap_or_default()).into_bytes()
                }
                "content-type" => self.chance.of(&TYPES).into(),
                "accept" => self.chance.of(&ACCEPTS).into(),
                "cookie" => self.cookie(),
                _ => self.value(),
            };
            for _ in 0..=usize::from(self.chance.one_in(8)) {
                fields.push((name.into(), value.clone()));
            }
        }
    }

    /// Names of ours with garbage, and garbage with nothing.
    fn cookie(&mut self) -> Vec<u8> {
        let name =
            self.chance.of(&["keyward_session", "keyward_browser", "keyward_shown", "keyward_known", "name"]);
        [name.as_bytes(), b"=", &self.value(), b"; M\xfcller=\xff"].concat()
    }

    fn body(&mut self, route: &Route) -> Vec<u8> {
        let mut body = match (route.kind, self.chance.below(100)) {
            (_, 0..2) => (0..self.chance.below(200)).map(|_| (self.chance.next() & 255) as u8).collect(),
            (_, 2) => vec![b' '; self.chance.of(&[65_537, 262_144, 262_145, 9_000])],
            (Kind::Form, _) => self.form(route),
            (Kind::Rpc, _) => self.rpc().into_bytes(),
            (Kind::Json, _) => self.object(route).into_bytes(),
        };
        match self.chance.below(30) {
            0 => body.truncate(self.chance.below(body.len())),
            1 => body.splice(0..0, *b"\xef\xbb\xbf").for_each(drop),
            2 => {
                let at = self.chance.below(body.len());
                let other = (self.chance.next() & 255) as u8;
                body.get_mut(at).into_iter().for_each(|byte| *byte = other);
            }
            _ => {}
        }
        // HTTP/2 sends what fits a window at once.
        if self.two {
            body.truncate(32_000);
        }
        body
    }

    fn member(&mut self) -> String {
        match self.chance.below(60) {
            0 => format!("\"{}\"", "a".repeat(200 + self.chance.below(12_000))),
            1 => format!("{}{}", "[".repeat(150), "]".repeat(150)),
            2 => format!("\"garbage {}\"", self.chance.below(100_000)),
            3 => "9".repeat(400),
            _ => self.chance.of(&MEMBERS).to_owned(),
        }
    }

    fn object(&mut self, route: &Route) -> String {
        if self.chance.one_in(20) {
            return self.member();
        }
        let mut members = Vec::new();
        let good = route.example.as_ref().filter(|_| !self.chance.one_in(3));
        for (name, value) in good.into_iter().flatten() {
            if !self.chance.one_in(9) {
                members.push(format!("\"{name}\":{value}"));
            }
        }
        // Of a good one a little is spoilt, and some of it stands twice.
        for _ in 0..self.chance.below(if good.is_some() { 2 } else { 5 }) {
            let name =
                if self.chance.one_in(12) { "unknown".to_owned() } else { self.chance.of(&route.members) };
            members.push(format!("\"{name}\":{}", self.member()));
        }
        format!("{{{}}}", members.join(","))
    }

    fn rpc(&mut self) -> String {
        let method = self.chance.of(&RPC);
        let known = Arc::clone(&self.known);
        let params = match method {
            "tools/call" => {
                let name =
                    if self.chance.one_in(6) { "nothing".to_owned() } else { self.chance.of(&known.tools) };
                let arguments = [
                    "deal_id",
                    "limit",
                    "title",
                    "sort",
                    "loan_amount",
                    "label",
                    "q",
                    "cursor",
                    "email",
                    "role",
                ];
                let (one, two) = (self.chance.of(&arguments), self.chance.of(&arguments));
                let (first, second) = (self.member(), self.member());
                format!("{{\"name\":\"{name}\",\"arguments\":{{\"{one}\":{first},\"{two}\":{second}}}}}")
            }
            "initialize" => format!(
                "{{\"protocolVersion\":{},\"capabilities\":{{}},\"clientInfo\":{{\"name\":\"g\",\"version\":{}}}}}",
                self.chance.of(&["\"2025-06-18\"", "\"2025-11-25\"", "\"1\"", "null"]),
                self.member()
            ),
            _ => self.member(),
        };
        let id = if method.starts_with("notifications") {
            String::new()
        } else {
            format!("\"id\":{},", self.member())
        };
        let message = format!("{{\"jsonrpc\":\"2.0\",{id}\"method\":\"{method}\",\"params\":{params}}}");
        match self.chance.below(25) {
            0 => format!("[{message},{message}]"),
            1 => message.replace("2.0", "3.0"),
            2 => message.replace("\"params\"", "\"method\""),
            _ => message,
        }
    }

    fn field(&mut self, name: &[u8]) -> Vec<u8> {
        let known = Arc::clone(&self.known);
        if name == b"client_id" {
            // The https URL of a host with a name would be looked up in the world.
            let others = ["https://127.0.0.1/c", "keyward-cli", "kw_app_x", ""];
            let other = self.chance.of(&others).to_owned();
            return if self.chance.one_in(3) { other } else { self.chance.of(&known.clients) }.into_bytes();
        }
        match self.chance.below(10) {
            0 | 1 => self.value(),
            2 => self.chance.of(&known.clients).into_bytes(),
            3 => self.chance.of(&known.tokens).1.into_bytes(),
            _ => self.chance.of(&FIELDS).into(),
        }
    }

    fn form(&mut self, route: &Route) -> Vec<u8> {
        let known = Arc::clone(&self.known);
        let mut form = Vec::new();
        if !self.chance.one_in(4) {
            let own = known
                .tokens
                .iter()
                .find(|(action, _)| *action == route.path.replace("{slug}", "acme-capital"));
            let (_, token) = own.cloned().unwrap_or_else(|| self.chance.of(&known.tokens));
            form.extend_from_slice(b"form=");
            form.extend(encoded(token.as_bytes()));
        }
        for _ in 0..self.chance.below(7) {
            if !form.is_empty() {
                form.push(b'&');
            }
            let name = self.chance.of(&route.members);
            form.extend(encoded(name.as_bytes()));
            form.push(b'=');
            let value = self.field(name.as_bytes());
            form.extend(encoded(&value));
        }
        form
    }
}

/// Percent-encoded, so that it stands in a target or a form whatever it is.
fn encoded(bytes: &[u8]) -> Vec<u8> {
    form_urlencoded::byte_serialize(bytes).collect::<String>().into_bytes()
}
