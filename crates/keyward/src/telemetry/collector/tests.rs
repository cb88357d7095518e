//! A collector that speaks HTTP/1.1 and HTTP/2, with TLS or without, and what reaches it.

use super::*;
use crate::telemetry::otel::Asked;
use crate::telemetry::{FinishedRequest, Parent, Traces};
use crate::watch::{Degraded, Part};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivateKeyDer;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a collector was sent.
type Received = Arc<Mutex<Vec<Request<Bytes>>>>;

struct Host {
    address: SocketAddr,
    received: Received,
    /// The status of gRPC that it answers with.
    status: Arc<AtomicU32>,
    certificate: TempDir,
}

impl Host {
    async fn start(tls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = Self {
            address: listener.local_addr().unwrap(),
            received: Received::default(),
            status: Arc::default(),
            certificate: tempfile::tempdir().unwrap(),
        };
        let acceptor = tls.then(|| acceptor(host.certificate.path()));
        let (received, status) = (Arc::clone(&host.received), Arc::clone(&host.status));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                match &acceptor {
                    // A client that does not trust it leaves.
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => drop(tokio::spawn(serve(stream, received.clone(), status.clone()))),
                        Err(_) => continue,
                    },
                    None => drop(tokio::spawn(serve(stream, received.clone(), status.clone()))),
                }
            }
        });
        host
    }

    /// Exports one span by these variables; how many were lost, and whether that is shown.
    async fn export(&self, variables: &[(&str, &str)]) -> (u64, bool) {
        let asked = Asked::of(&|name| {
            let found = variables.iter().find(|(one, _)| *one == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        assert_eq!(asked.ignored, [], "{variables:?}");
        let degraded = Degraded::default();
        let traces = Traces::start(asked, Handle::current(), &degraded).unwrap();
        traces.record(FinishedRequest {
            name: "GET /of/a/test".into(),
            parent: Parent::default(),
            duration: Duration::from_millis(1),
            attributes: Vec::new(),
            failed: false,
        });
        traces.shutdown().await.unwrap();
        (traces.lost()(), degraded.works(Part::Traces))
    }

    fn taken(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut *self.received.lock().unwrap())
    }
}

fn acceptor(at: &Path) -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    std::fs::write(at.join("cert.pem"), made.cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    received: Received,
    status: Arc<AtomicU32>,
) {
    let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
        let (received, status) = (Arc::clone(&received), Arc::clone(&status));
        async move {
            let (parts, body) = request.into_parts();
            let is_grpc = parts.version == http::Version::HTTP_2;
            let body = body.collect().await.unwrap().to_bytes();
            received.lock().unwrap().push(Request::from_parts(parts, body));
            let message = if is_grpc { Bytes::from_static(b"\0\0\0\0\0") } else { Bytes::new() };
            let code = status.load(Ordering::Relaxed).to_string();
            let end = HeaderMap::from_iter([("grpc-status".parse().unwrap(), code.parse().unwrap())]);
            let end = is_grpc.then_some(Ok(end));
            let body = Full::new(message).with_trailers(std::future::ready(end));
            Ok::<_, Infallible>(Response::new(body))
        }
    });
    // The client may leave at any time.
    let _ = Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), answer).await;
}

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
const PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";

#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_a_collector_by_http_and_by_grpc_with_tls_and_without() {
    for tls in [false, true] {
        let host = Host::start(tls).await;
        let scheme = if tls { "https" } else { "http" };
        let url = format!("{scheme}://localhost:{}", host.address.port());
        let certificate = host.certificate.path().join("cert.pem");
        for (protocol, path, kind, prefix) in [
            ("http/protobuf", "/v1/traces", "application/x-protobuf", 0),
            ("grpc", "/opentelemetry.proto.collector.trace.v1.TraceService/Export", "application/grpc", 5),
        ] {
            let variables = [(ENDPOINT, url.as_str()), (PROTOCOL, protocol)];
            let trusting = [(CERTIFICATE, certificate.to_str().unwrap())];
            let variables = [&variables[..], if tls { &trusting } else { &[] }].concat();
            assert_eq!(host.export(&variables).await, (0, false), "{protocol} {scheme}");
            let [request] = <[_; 1]>::try_from(host.taken()).unwrap();
            assert_eq!(request.uri().path(), path);
            assert_eq!(request.headers()["content-type"], kind);
            let (framing, message) = request.body().split_at(prefix);
            assert!(message.windows(14).any(|part| part == b"GET /of/a/test"), "{protocol} {scheme}");
            if prefix > 0 {
                let length = u32::try_from(message.len()).unwrap();
                assert_eq!(framing, [&[0][..], &length.to_be_bytes()].concat());
                assert_eq!(request.headers()["te"], "trailers");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_that_a_collector_of_grpc_refuses_are_counted_and_shown() {
    let host = Host::start(false).await;
    // Not authenticated: it is not tried again.
    host.status.store(16, Ordering::Relaxed);
    let endpoint = format!("http://{}", host.address);
    assert_eq!(host.export(&[(ENDPOINT, &endpoint), (PROTOCOL, "grpc")]).await, (1, true));
    assert_eq!(host.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_whose_certificate_is_not_trusted_gets_nothing() {
    let host = Host::start(true).await;
    let other = Host::start(true).await;
    let certificate = other.certificate.path().join("cert.pem");
    let endpoint = format!("https://localhost:{}", host.address.port());
    let variables = [
        (ENDPOINT, endpoint.as_str()),
        (CERTIFICATE, certificate.to_str().unwrap()),
        // A failure of the connection is tried again until then.
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "500"),
    ];
    assert_eq!(host.export(&variables).await, (1, true));
    assert_eq!(host.taken().len(), 0);
}

#[test]
fn a_client_that_cannot_be_made_says_which_file_is_missing() {
    let asked = Asked::of(&|name| match name {
        ENDPOINT => Some("https://collector.example".to_owned()),
        CERTIFICATE => Some("/nowhere/cert.pem".to_owned()),
        _ => None,
    });
    let error = build(&asked.export.unwrap()).unwrap_err().to_string();
    assert!(error.starts_with("/nowhere/cert.pem: "), "{error}");
}

#[tokio::test]
async fn a_certificate_that_cannot_be_read_holds_up_no_other_task_and_is_waited_for_by_one_thread() {
    let home = tempfile::tempdir().unwrap();
    acceptor(home.path());
    let pipe = home.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let asked = Asked::of(&|name| match name {
        ENDPOINT => Some("https://collector.example".to_owned()),
        CERTIFICATE => pipe.to_str().map(str::to_owned),
        "OTEL_EXPORTER_OTLP_TIMEOUT" => Some("50".to_owned()),
        _ => None,
    });
    let shared = Collector::new(asked.export.unwrap(), Handle::current()).shared;
    // This runtime has one thread.
    for _ in 0..3 {
        let error = shared.client().await.unwrap_err().to_string();
        assert!(error.ends_with("not read in time"), "{error}");
    }
    // One reader gets all of it.
    std::fs::write(&pipe, std::fs::read(home.path().join("cert.pem")).unwrap()).unwrap();
    while let Err(error) = shared.client().await {
        assert!(error.to_string().ends_with("not read in time"), "{error}");
    }
}
