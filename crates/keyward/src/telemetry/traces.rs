//! One OpenTelemetry span for every finished request, over OTLP, when the environment asks for it.
//!
//! The variables are the standard ones (`otel.rs`): `OTEL_EXPORTER_OTLP_ENDPOINT` switches it on.
//!
//! [`Traces::record`] never waits: it puts the span in a bounded queue (2048 spans unless `OTEL_BSP_MAX_QUEUE_SIZE`
//! says otherwise), or drops it when the queue is full. A thread of the SDK takes batches out of it and gives them to
//! a client on our own runtime (`collector.rs`). A batch that cannot be delivered in its time is dropped; an outage is two log
//! events, its beginning and its end.

use super::collector::Collector;
use super::otel::{Asked, Export};
use crate::watch::{Degraded, Part};
use http::HeaderMap;
use keyward_core::header_text::{readable, text};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanContext, SpanId, SpanKind, Status, TraceContextExt, TraceFlags, TraceId,
    TraceState, Tracer, TracerProvider,
};
use opentelemetry::{Context, Key, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, SdkTracer, SdkTracerProvider, SpanData,
};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};
use tokio::runtime::Handle;

/// How long the end of the program waits for the last spans.
const LAST_FLUSH: Duration = Duration::from_secs(3);
/// The longest `tracestate` that is passed on: what W3C asks everyone to carry at least.
const LONGEST_TRACESTATE: usize = 512;

/// Why the last spans may be lost.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TracesError {
    /// The last spans were not all tried in time, or the export has ended before.
    #[error("the last spans may be lost: {0}")]
    Flush(#[from] OTelSdkError),
    /// The runtime ended first.
    #[error("the last spans may be lost: {0}")]
    Runtime(#[from] tokio::task::JoinError),
}

/// The caller's span, from its `traceparent`, if there is one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parent(Option<SpanContext>);

impl Parent {
    /// Reads `traceparent` and `tracestate`. Anything amiss means no parent, as W3C asks. (The SDK's own propagator
    /// is laxer: it takes ids of any length, and signs.)
    pub(crate) fn from_headers(headers: &HeaderMap) -> Self {
        let mut parents = headers.get_all("traceparent").iter();
        match (parents.next().and_then(text), parents.next()) {
            (Some(parent), None) => Self(span_context(parent, headers)),
            _ => Self(None),
        }
    }
}

fn span_context(parent: &str, headers: &HeaderMap) -> Option<SpanContext> {
    let hex = |part: &str, length| {
        part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let mut parts = parent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let shaped = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    if !shaped || version == "ff" || (version == "00" && parts.next().is_some()) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let members = readable(headers.get_all("tracestate"), b',').filter(|one| is_member(one));
    let state = members.collect::<Vec<_>>().join(",");
    let state =
        Some(state).filter(|state| state.len() <= LONGEST_TRACESTATE).and_then(|state| state.parse().ok());
    let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
    let context = SpanContext::new(trace, span, flags, true, state.unwrap_or_else(TraceState::default));
    context.is_valid().then_some(context)
}

/// Whether it is a key with a value, as a vendor writes it.
fn is_member(text: &str) -> bool {
    !text.is_empty() && text.parse::<TraceState>().is_ok()
}

/// All that a span says of a request.
#[derive(Debug)]
pub(crate) struct FinishedRequest {
    /// Method and route, such as `GET /v2/deals/{id}`; never the path as sent.
    pub(crate) name: Cow<'static, str>,
    /// The caller's span.
    pub(crate) parent: Parent,
    /// How long it took; it ends now.
    pub(crate) duration: Duration,
    /// Attributes, short ones; the SDK drops those beyond 128 but cuts no value.
    pub(crate) attributes: Vec<KeyValue>,
    /// Whether it is the server's failure (5xx). A refusal (4xx) is none, by the conventions for server spans.
    pub(crate) failed: bool,
}

/// The export of spans.
#[derive(Debug)]
pub struct Traces {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    lost: Arc<AtomicU64>,
}

impl Traces {
    /// Starts the export that the environment asks for. What is ignored of it, and an export that cannot be started, is said in
    /// the log and ends nothing. `runtime` does the sending.
    pub(crate) fn start(asked: Asked, runtime: Handle, degraded: &Degraded) -> Option<Self> {
        for ignored in &asked.ignored {
            tracing::warn!(
                variable = ignored.variable,
                "a variable of OpenTelemetry is ignored: {}",
                ignored.text
            );
        }
        if asked.is_unusable {
            degraded.fails(Part::Traces);
        }
        match Self::of(asked.export?, runtime, degraded) {
            Ok(traces) => Some(traces),
            Err(error) => {
                degraded.fails(Part::Traces);
                tracing::warn!(%error, "spans cannot be exported");
                None
            }
        }
    }

    fn of(export: Export, runtime: Handle, degraded: &Degraded) -> Result<Self, ExporterBuildError> {
        let (endpoint, timeout) = (export.endpoint.to_string(), export.timeout);
        // The SDK takes any number from the environment, and makes room for all of it at once.
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(export.queue)
            .with_max_export_batch_size(export.batch)
            .with_scheduled_delay(export.delay)
            .build();
        let collector = Collector::new(export, runtime);
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(collector.clone())
            .with_endpoint(endpoint)
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(timeout)
            .build()?;
        let lost = Arc::new(AtomicU64::new(0));
        let watched = Watched { exporter, collector, degraded: degraded.clone(), lost: Arc::clone(&lost) };
        let provider = SdkTracerProvider::builder()
            .with_resource(resource())
            .with_span_processor(BatchSpanProcessor::builder(watched).with_batch_config(batches).build())
            .build();
        Ok(Self { tracer: provider.tracer("keyward"), provider, lost })
    }

    /// Hands over the span of a request. Never waits.
    pub(crate) fn record(&self, request: FinishedRequest) {
        let parent = match request.parent.0 {
            Some(parent) => Context::new().with_remote_span_context(parent),
            None => Context::new(),
        };
        let end = now();
        let start = end.checked_sub(request.duration).unwrap_or(end);
        let builder = SpanBuilder::from_name(request.name)
            .with_kind(SpanKind::Server)
            .with_start_time(start)
            .with_attributes(request.attributes);
        let mut span = self.tracer.build_with_context(builder, &parent);
        if request.failed {
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(end);
    }

    /// How many spans the collector did not get (those that found the queue full are not among them).
    pub(crate) fn lost(&self) -> impl Fn() -> u64 + Send + Sync + 'static {
        let lost = Arc::clone(&self.lost);
        move || lost.load(Ordering::Relaxed)
    }

    /// Sends what is queued, waiting three seconds at most. Spans recorded from now on vanish. To be called while
    /// the runtime still runs: it does the sending. `Ok` says that all were tried, [`Traces::lost`] how many in vain.
    pub(crate) async fn shutdown(&self) -> Result<(), TracesError> {
        let provider = self.provider.clone();
        let ended = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(LAST_FLUSH));
        Ok(ended.await??)
    }
}

#[expect(clippy::disallowed_methods, reason = "the time of a span is only shown; nothing is decided by it")]
fn now() -> SystemTime {
    SystemTime::now()
}

/// What the environment says of this service; its name is ours where nothing is said.
fn resource() -> Resource {
    let named = Resource::builder().build();
    let name = named.get(&Key::from_static_str("service.name")).map(|name| name.to_string());
    match name {
        Some(name) if !name.starts_with("unknown_service") => named,
        _ => Resource::builder().with_service_name("keyward").build(),
    }
}

/// Counts lost spans, and logs when an outage begins and when it ends.
#[derive(Debug)]
struct Watched {
    exporter: SpanExporter,
    collector: Collector,
    degraded: Degraded,
    lost: Arc<AtomicU64>,
}

impl opentelemetry_sdk::trace::SpanExporter for Watched {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let spans = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let sent = self.exporter.export(batch).await;
        match &sent {
            Ok(()) if self.degraded.works(Part::Traces) => {
                let lost = self.lost.load(Ordering::Relaxed);
                tracing::info!(target: "keyward::traces", lost, "the trace collector takes spans again");
            }
            Ok(()) => {}
            Err(error) => {
                self.lost.fetch_add(spans, Ordering::Relaxed);
                if self.degraded.fails(Part::Traces) {
                    let cause = self.collector.cause();
                    tracing::warn!(
                        target: "keyward::traces",
                        %error,
                        cause,
                        "the trace collector does not take spans"
                    );
                }
            }
        }
        sent
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parent(fields: &[(&'static str, &str)]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        Parent::from_headers(&headers).0.map(|context| context.trace_id().to_string())
    }

    #[test]
    fn a_parent_is_read_as_it_must_be_or_not_at_all() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let good = format!("00-{trace}-{span}-01");
        assert_eq!(parent(&[("traceparent", &good)]).as_deref(), Some(trace));
        assert_eq!(
            parent(&[("traceparent", &format!("01-{trace}-{span}-01-later"))]).as_deref(),
            Some(trace)
        );
        assert_eq!(parent(&[]), None);
        assert_eq!(parent(&[("traceparent", &good), ("traceparent", &good)]), None, "two are none");
        for bad in [
            String::new(),
            format!("00-{trace}-{span}"),
            format!("00-{trace}-{span}-01-more"),
            format!("ff-{trace}-{span}-01"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-+{}-{span}-01", &trace[1..]),
            format!("00-{trace}-{span}-1"),
        ] {
            assert_eq!(parent(&[("traceparent", &bad)]), None, "{bad}");
        }
    }

    #[test]
    fn a_member_of_tracestate_that_cannot_be_read_voids_itself_alone() {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let state = |lines: &[&[u8]]| {
            let mut headers =
                HeaderMap::from_iter([("traceparent".parse().unwrap(), parent.parse().unwrap())]);
            for line in lines {
                headers.append("tracestate", http::HeaderValue::from_bytes(line).unwrap());
            }
            Parent::from_headers(&headers).0.unwrap().trace_state().header()
        };
        for bad in
            [b"\x80".as_slice(), b"\xff", b"a=\xff", b"\t", b"", b"no equals sign", &b"a,".repeat(1000)]
        {
            assert_eq!(state(&[&[b"one=1,", bad, b",two=2"].concat()]), "one=1,two=2", "{bad:?}");
            assert_eq!(state(&[b"one=1", bad, b"two=2"]), "one=1,two=2", "{bad:?}");
        }
        assert_eq!(state(&[]), "");
        assert_eq!(state(&[format!("one={}", "1".repeat(600)).as_bytes()]), "", "longer than is passed on");
        let headers = |value: &[u8]| {
            HeaderMap::from_iter([(
                "traceparent".parse().unwrap(),
                http::HeaderValue::from_bytes(value).unwrap(),
            )])
        };
        for bad in [
            b"\xff".as_slice(),
            &[parent.as_bytes(), b"\xff"].concat(),
            &[b"\x80,", parent.as_bytes()].concat(),
        ] {
            assert!(Parent::from_headers(&headers(bad)).0.is_none(), "{bad:?}");
        }
    }
}
