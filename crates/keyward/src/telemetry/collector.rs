//! The way to the trace collector: HTTP/1.1 with protobuf or gRPC, with TLS or without. The client is made at the first use and lives on
//! our own runtime; the SDK's thread, which has none, waits for it.

use super::grpc;
use super::otel::{Export, Protocol};
use crate::dns::Dns;
use crate::outgoing::causes;
use crate::own_thread::begin;
use http::uri::Scheme;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Limited};
use opentelemetry_http::{Bytes, HttpClient, HttpError};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity};
use std::error::Error;
use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime::Handle;
use tokio::sync;
use tokio::sync::oneshot::Receiver;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// The longest answer that is read, in bytes: it says what was not taken.
const LONGEST_ANSWER: usize = 64 * 1024;

/// The client of one collector. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    shared: Arc<Shared>,
    runtime: Handle,
}

#[derive(Debug)]
struct Shared {
    export: Export,
    making: sync::Mutex<Making>,
    /// Why the last attempt failed. The exporter keeps no cause.
    cause: Mutex<Option<String>>,
}

/// The client, and the attempt to make it that has not ended.
#[derive(Debug, Default)]
struct Making {
    made: Option<Client>,
    attempt: Option<Receiver<Result<Client, HttpError>>>,
}

impl Collector {
    /// For what the environment asks for. `runtime` does the sending.
    pub(super) fn new(export: Export, runtime: Handle) -> Self {
        let shared = Shared { export, making: sync::Mutex::default(), cause: Mutex::default() };
        Self { shared: Arc::new(shared), runtime }
    }

    /// Why the last attempt failed.
    pub(super) fn cause(&self) -> Option<String> {
        self.shared.cause.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl HttpClient for Collector {
    // `#[async_trait]` written out.
    fn send_bytes<'s, 'f>(
        &'s self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        let shared = Arc::clone(&self.shared);
        let sending = self.runtime.spawn(async move { shared.send(request).await });
        Box::pin(async move { sending.await? })
    }
}

impl Shared {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let sent = self.exchange(request).await;
        let cause = match &sent {
            Ok((_, cause)) => cause.clone(),
            Err(error) => Some(whole(error.as_ref())),
        };
        *self.cause.lock().unwrap_or_else(PoisonError::into_inner) = cause;
        sent.map(|(answer, _)| answer)
    }

    async fn exchange(
        &self,
        request: Request<Bytes>,
    ) -> Result<(Response<Bytes>, Option<String>), HttpError> {
        let client = self.client().await?;
        match self.export.protocol {
            Protocol::Http => Ok((received(&client, request).await?.0, None)),
            Protocol::Grpc => {
                let call = grpc::call(request).ok_or("the batch of spans is too long for one message")?;
                let (answer, trailers) = received(&client, call).await?;
                Ok(grpc::answer(answer, trailers.as_ref()))
            }
        }
    }

    /// The client. One that cannot be made, since a certificate is not there, is tried again the next time. The files are read
    /// beside the runtime, by one thread at most: where they cannot be read in time, the same attempt is waited for the next time.
    async fn client(&self) -> Result<Client, HttpError> {
        let mut making = self.making.lock().await;
        if let Some(made) = &making.made {
            return Ok(made.clone());
        }
        let attempt = match making.attempt.take() {
            Some(attempt) => attempt,
            None => self.attempt()?,
        };
        let Ok(ended) = timeout(self.export.timeout, making.attempt.insert(attempt)).await else {
            return Err("the files of its certificates were not read in time".into());
        };
        making.attempt = None;
        Ok(making.made.insert(ended??).clone())
    }

    fn attempt(&self) -> io::Result<Receiver<Result<Client, HttpError>>> {
        let export = self.export.clone();
        begin(move || build(&export))
    }
}

/// Sends, and takes the whole answer, with what comes after its body.
async fn received(
    client: &Client,
    request: Request<Bytes>,
) -> Result<(Response<Bytes>, Option<HeaderMap>), HttpError> {
    let answer: Response<reqwest::Body> = client.execute(request.try_into()?).await?.into();
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, LONGEST_ANSWER).collect().await?;
    let trailers = body.trailers().cloned();
    Ok((Response::from_parts(parts, body.to_bytes()), trailers))
}

fn build(export: &Export) -> Result<Client, HttpError> {
    let builder =
        Client::builder().redirect(Policy::none()).timeout(export.timeout).dns_resolver(Arc::new(Dns::new()));
    let builder = match export.protocol {
        Protocol::Http => builder.http1_only(),
        Protocol::Grpc => builder.http2_prior_knowledge(),
    };
    let built = trusting(builder, export)?.build();
    built.map_err(|error| format!("the client of the collector cannot be made: {}", causes(&error)).into())
}

/// With the certificates that are trusted, and the one that is shown.
fn trusting(builder: ClientBuilder, export: &Export) -> Result<ClientBuilder, HttpError> {
    if export.endpoint.scheme() != Some(&Scheme::HTTPS) {
        // No proxy gets to see what is sent in the clear, and no certificate is needed.
        return Ok(builder.no_proxy().tls_certs_only([]));
    }

    let builder = match &export.certificate {
        Some(path) => {
            let trusted = Certificate::from_pem_bundle(&read(path)?)?;
            if trusted.is_empty() {
                return Err(format!("{} holds no certificate", path.display()).into());
            }
            builder.tls_certs_only(trusted)
        }
        None => builder,
    };
    let Some((certificate, key)) = &export.identity else { return Ok(builder) };
    let (certificate, key) = (read(certificate)?, read(key)?);
    let both = Zeroizing::new([certificate.as_slice(), b"\n", key.as_slice()].concat());
    Ok(builder.identity(Identity::from_pem(&both)?))
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, String> {
    std::fs::read(path).map(Zeroizing::new).map_err(|error| format!("{}: {error}", path.display()))
}

/// An error with all that stands behind it, without the URL: it may hold a password.
fn whole(error: &(dyn Error + Send + Sync + 'static)) -> String {
    match error.downcast_ref::<reqwest::Error>() {
        Some(error) if error.is_timeout() => "no whole answer in time".to_owned(),
        Some(error) => causes(error),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
