//! The variables of OpenTelemetry, read as its specification says: an empty one is not set, and a value that is not known, or not built
//! in, is warned of and ignored. Orchestrators set them for every process, so none of them ends a start.
//!
//! What is not read here (service name, resource, headers, sampler) the SDK reads itself, by the same rules but for the warnings.

use http::Uri;
use http::uri::{Authority, Scheme};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// The method of OTLP/gRPC that takes spans.
const GRPC_METHOD: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

const GENERAL_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const ENDPOINTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", GENERAL_ENDPOINT];
const PROTOCOLS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
const TIMEOUTS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
const INSECURE: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"];
const COMPRESSION: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
const CERTIFICATES: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];
const CLIENT_CERTIFICATES: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"];
const CLIENT_KEYS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"];

/// Samplers that the SDK has.
const SAMPLERS: [&str; 6] = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
];
/// Exporters that OpenTelemetry names and that are not built in.
const OTHER_EXPORTERS: [&str; 5] = ["console", "logging", "zipkin", "jaeger", "otlp/stdout"];

/// A value that is ignored. It is not shown: it may hold a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ignored {
    pub(crate) variable: &'static str,
    pub(crate) text: String,
}

/// How spans are sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Protocol {
    #[default]
    Http,
    Grpc,
}

/// What the environment says of the way to the collector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Export {
    pub(super) endpoint: Uri,
    pub(super) protocol: Protocol,
    pub(super) timeout: Duration,
    /// The certificates that are trusted instead of the machine's (PEM).
    pub(super) certificate: Option<PathBuf>,
    /// The certificate chain that is shown to the collector, and its key (PEM).
    pub(super) identity: Option<(PathBuf, PathBuf)>,
    pub(super) queue: usize,
    pub(super) batch: usize,
    pub(super) delay: Duration,
}

/// What the environment asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Asked {
    /// `None`: no spans are exported.
    pub(super) export: Option<Export>,
    /// Whether an endpoint is named and cannot be used.
    pub(super) is_unusable: bool,
    pub(crate) ignored: Vec<Ignored>,
}

impl Asked {
    /// Reads the variables.
    pub(crate) fn of(lookup: &dyn Fn(&str) -> Option<String>) -> Self {
        let mut reader = Reader { lookup, ignored: Vec::new() };
        let is_asked_for = ENDPOINTS.iter().any(|name| reader.get(name).is_some());
        if !is_asked_for || !reader.is_enabled() {
            return Self { ignored: reader.ignored, ..Self::default() };
        }
        let export = reader.export();
        Self { is_unusable: export.is_none(), export, ignored: reader.ignored }
    }
}

struct Reader<'l> {
    lookup: &'l dyn Fn(&str) -> Option<String>,
    ignored: Vec<Ignored>,
}

impl Reader<'_> {
    fn get(&self, name: &str) -> Option<String> {
        let value = (self.lookup)(name)?.trim().to_owned();
        Some(value).filter(|value| !value.is_empty())
    }

    fn ignore(&mut self, variable: &'static str, text: impl Into<String>) {
        self.ignored.push(Ignored { variable, text: text.into() });
    }

    /// The first of the variables with a value that can be read; the others are ignored.
    fn first<T, const N: usize>(
        &mut self,
        names: [&'static str; N],
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<(&'static str, T)> {
        for name in names {
            let Some(value) = self.get(name) else { continue };
            match read(&value) {
                Ok(value) => return Some((name, value)),
                Err(text) => self.ignore(name, text),
            }
        }
        None
    }

    /// A number; outside the range its nearer end counts.
    fn number<const N: usize>(
        &mut self,
        names: [&'static str; N],
        range: RangeInclusive<u64>,
        usual: u64,
    ) -> u64 {
        let (least, most) = (*range.start(), *range.end());
        let read = |value: &str| match value.parse::<u64>() {
            Ok(number) if number >= least => Ok(number),
            Ok(_) | Err(_) => {
                Err(format!("it must be a whole number from {least} to {most}; {usual} counts"))
            }
        };
        match self.first(names, read) {
            Some((name, number)) if number > most => {
                self.ignore(name, format!("it must be a whole number from {least} to {most}; {most} counts"));
                most
            }
            Some((_, number)) => number,
            None => usual,
        }
    }

    /// True is `true` alone, in whatever case.
    fn flag<const N: usize>(&mut self, names: [&'static str; N]) -> bool {
        let read = |value: &str| match value.to_ascii_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err("it must be true or false; false counts".to_owned()),
        };
        self.first(names, read).is_some_and(|(_, flag)| flag)
    }

    fn is_enabled(&mut self) -> bool {
        if self.flag(["OTEL_SDK_DISABLED"]) {
            return false;
        }
        let name = "OTEL_TRACES_EXPORTER";
        let Some(value) = self.get(name) else { return true };
        let words: Vec<String> = value.split(',').map(|word| word.trim().to_ascii_lowercase()).collect();
        if words.iter().any(|word| word == "otlp") {
            return true;
        }
        let is_known = |word: &String| word == "none" || OTHER_EXPORTERS.contains(&word.as_str());
        if !words.iter().all(is_known) {
            self.ignore(name, "it names no exporter that is known; otlp counts");
            return true;
        }
        if words.iter().any(|word| word != "none") {
            self.ignore(name, "no other exporter than otlp is built in: no spans are exported");
        }
        false
    }

    fn export(&mut self) -> Option<Export> {
        let protocol = self.first(PROTOCOLS, protocol).map(|(_, protocol)| protocol).unwrap_or_default();
        let endpoint = self.endpoint(protocol);
        // They are read in any case: all that is ignored is said at once.
        let timeout = Duration::from_millis(self.number(TIMEOUTS, 1..=600_000, 10_000));
        let queue = self.number(["OTEL_BSP_MAX_QUEUE_SIZE"], 1..=65_536, 2_048);
        let batch = self.number(["OTEL_BSP_MAX_EXPORT_BATCH_SIZE"], 1..=65_536, 512).min(queue);
        let delay = Duration::from_millis(self.number(["OTEL_BSP_SCHEDULE_DELAY"], 1..=3_600_000, 5_000));
        let certificate = self.path(CERTIFICATES);
        let identity = self.identity();
        self.look_at_the_rest();
        Some(Export {
            endpoint: endpoint?,
            protocol,
            timeout,
            certificate,
            identity,
            // Absent: never, it was looked at.
            queue: usize::try_from(queue).ok()?,
            batch: usize::try_from(batch).ok()?,
            delay,
        })
    }

    fn endpoint(&mut self, protocol: Protocol) -> Option<Uri> {
        if protocol == Protocol::Grpc {
            let bare = if self.flag(INSECURE) { "http" } else { "https" };
            return self.first(ENDPOINTS, |value| grpc_endpoint(value, bare)).map(|(_, endpoint)| endpoint);
        }
        let (name, mut endpoint) = self.first(ENDPOINTS, |value| web(value).map(|_| value.to_owned()))?;
        if name == GENERAL_ENDPOINT {
            endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
        }
        // Absent: never, it was looked at.
        endpoint.parse().ok()
    }

    fn path(&mut self, names: [&'static str; 2]) -> Option<PathBuf> {
        self.first(names, |value| Ok(PathBuf::from(value))).map(|(_, path)| path)
    }

    fn identity(&mut self) -> Option<(PathBuf, PathBuf)> {
        match (self.path(CLIENT_CERTIFICATES), self.path(CLIENT_KEYS)) {
            (Some(certificate), Some(key)) => Some((certificate, key)),
            (None, None) => None,
            (Some(_), None) | (None, Some(_)) => {
                self.ignore(
                    CLIENT_KEYS[1],
                    "a client's certificate and its key belong together; neither counts",
                );
                None
            }
        }
    }

    /// What is not built in, or what the SDK ignores without a word.
    fn look_at_the_rest(&mut self) {
        let compression = |value: &str| match value.to_ascii_lowercase().as_str() {
            "none" => Ok(()),
            _ => Err("no compression is built in; spans are sent as they are".to_owned()),
        };
        self.first(COMPRESSION, compression);
        let wrong = || "it names no sampler that is built in; parentbased_always_on counts".to_owned();
        let sampler = |value: &str| SAMPLERS.contains(&value).then_some(()).ok_or_else(wrong);
        self.first(["OTEL_TRACES_SAMPLER"], sampler);
    }
}

fn protocol(value: &str) -> Result<Protocol, String> {
    match value.to_ascii_lowercase().as_str() {
        "http/protobuf" => Ok(Protocol::Http),
        "grpc" => Ok(Protocol::Grpc),
        _ => Err("it must be http/protobuf or grpc; the former counts".to_owned()),
    }
}

/// A URL that names a server.
fn web(value: &str) -> Result<(Scheme, Authority), String> {
    let wrong = || "it must be a URL that begins with http:// or https://; it does not count".to_owned();
    let parts = value.parse::<Uri>().map_err(|_| wrong())?.into_parts();
    match (parts.scheme, parts.authority) {
        (Some(scheme), Some(authority)) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => {
            Ok((scheme, authority))
        }
        // Absent: it names no server, or is of another scheme.
        _ => Err(wrong()),
    }
}

/// The method at the server that is named, whatever path stands there; a name without a scheme has the one that is given.
fn grpc_endpoint(value: &str, bare: &str) -> Result<Uri, String> {
    let whole = if value.contains("://") { value.to_owned() } else { format!("{bare}://{value}") };
    let (scheme, authority) = web(&whole)?;
    let built = Uri::builder().scheme(scheme).authority(authority).path_and_query(GRPC_METHOD).build();
    built.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(variables: &[(&str, &str)]) -> Asked {
        Asked::of(&|name| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    }

    /// Where spans go and how, and the variables that are ignored.
    fn said(variables: &[(&str, &str)]) -> (Option<(String, Protocol)>, Vec<&'static str>) {
        let asked = asked(variables);
        let export = asked.export.map(|export| (export.endpoint.to_string(), export.protocol));
        (export, asked.ignored.into_iter().map(|ignored| ignored.variable).collect())
    }

    const ENDPOINT: (&str, &str) = (GENERAL_ENDPOINT, "http://127.0.0.1:4318");

    #[test]
    fn nothing_is_exported_that_is_not_asked_for() {
        for variables in [
            &[][..],
            &[(GENERAL_ENDPOINT, "")],
            &[(GENERAL_ENDPOINT, "  ")],
            &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_TRACES_EXPORTER", "otlp")],
            &[ENDPOINT, ("OTEL_SDK_DISABLED", "True")],
            &[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")],
        ] {
            assert_eq!(asked(variables), Asked::default(), "{variables:?}");
        }
    }

    #[test]
    fn an_endpoint_is_one_of_http_or_grpc_with_or_without_tls() {
        let grpc = ("OTEL_EXPORTER_OTLP_PROTOCOL", "gRPC");
        let of_traces = |url| ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", url);
        for (variables, endpoint, protocol) in [
            (&[ENDPOINT][..], "http://127.0.0.1:4318/v1/traces", Protocol::Http),
            (
                &[(GENERAL_ENDPOINT, "https://a.example/otlp/")],
                "https://a.example/otlp/v1/traces",
                Protocol::Http,
            ),
            (&[ENDPOINT, of_traces("https://b.example/x")], "https://b.example/x", Protocol::Http),
            (
                &[(GENERAL_ENDPOINT, "http://a:4317"), grpc],
                &format!("http://a:4317{GRPC_METHOD}"),
                Protocol::Grpc,
            ),
            (&[(GENERAL_ENDPOINT, "https://a/x"), grpc], &format!("https://a{GRPC_METHOD}"), Protocol::Grpc),
            (&[(GENERAL_ENDPOINT, "a:4317"), grpc], &format!("https://a:4317{GRPC_METHOD}"), Protocol::Grpc),
            (
                &[(GENERAL_ENDPOINT, "a:4317"), grpc, ("OTEL_EXPORTER_OTLP_INSECURE", "true")],
                &format!("http://a:4317{GRPC_METHOD}"),
                Protocol::Grpc,
            ),
            (
                &[ENDPOINT, grpc, ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf")],
                "http://127.0.0.1:4318/v1/traces",
                Protocol::Http,
            ),
        ] {
            assert_eq!(said(variables), (Some((endpoint.to_owned(), protocol)), vec![]), "{variables:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_ignored_and_said_and_what_is_usual_counts() {
        let usual = Some(("http://127.0.0.1:4318/v1/traces".to_owned(), Protocol::Http));
        for (variable, value, export) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json", true),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "thrift", true),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "0", true),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "10s", true),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip", true),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "key.pem", true),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "collector:4318", true),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "unix:/run/otel.sock", true),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "0", true),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "2147483647", true),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "many", true),
            ("OTEL_BSP_SCHEDULE_DELAY", "-1", true),
            ("OTEL_TRACES_SAMPLER", "xray", true),
            ("OTEL_SDK_DISABLED", "1", true),
            ("OTEL_TRACES_EXPORTER", "tempo", true),
            ("OTEL_TRACES_EXPORTER", "console", false),
        ] {
            // The general variable with the name goes first where it is the one in question.
            let (found, ignored) = said(&[(variable, value), ENDPOINT]);
            assert_eq!(found, usual.clone().filter(|_| export), "{variable}={value}");
            assert_eq!(ignored.len(), 1, "{variable}={value}");
        }
        let unusable = asked(&[(GENERAL_ENDPOINT, "https://user:secret@")]);
        assert!(unusable.export.is_none() && unusable.is_unusable);
        assert!(unusable.ignored.iter().all(|ignored| !ignored.text.contains("secret")), "{unusable:?}");
    }

    #[test]
    fn a_value_is_ignored_by_itself_and_numbers_stay_in_their_bounds() {
        let found = asked(&[
            ENDPOINT,
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "soon"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "9999999999"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", " /etc/collector.pem "),
        ]);
        let export = found.export.unwrap();
        assert_eq!(export.timeout, Duration::from_millis(500), "the general one counts");
        assert_eq!((export.queue, export.batch), (100, 100), "no batch is longer than the queue");
        assert_eq!(export.delay, Duration::from_secs(5));
        assert_eq!(export.certificate, Some("/etc/collector.pem".into()));
        assert_eq!(found.ignored.len(), 2, "{:?}", found.ignored);
    }
}
