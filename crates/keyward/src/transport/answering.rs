//! One request on its way to the service and back: whose it is, and whether its connection can go on.

use super::connection::{ByProxy, Serving};
use super::head_scan::Verdict;
use super::keep_alive::{KeepAlive, ends};
use super::pulse::{Answered, Pulse};
use super::stream::Peer;
use super::turns::Credit;
use super::unread::lend;
use axum::body::Body;
use http::header::{CONNECTION, EXPECT, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Response, Version};
use hyper::body::{Body as _, Incoming};
use keyward_core::address::{allowed, behind, client};
use keyward_tower::ClientAddress;
use keyward_tower::hygiene::AmbiguousFraming;
use std::convert::Infallible;
use tower::{Service, ServiceExt};

/// From whom the requests of a connection come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Whose {
    /// Who is at the other end.
    pub(super) peer: Peer,
    /// Its address, or the one that a trusted proxy has written in front of the connection.
    pub(super) from: ClientAddress,
    /// Whether it has none because it came by a Unix socket.
    pub(super) by_socket: bool,
}

/// Answers one request, and says so where its connection ends behind the answer.
pub(super) async fn answer(
    serving: Serving,
    request: Request<Incoming>,
    (of, credit): (Whose, Option<Credit>),
    (verdict, keeps): (Verdict, Option<KeepAlive>),
    pulse: Pulse,
) -> Result<Response<Answered<Body>>, Infallible> {
    let running = pulse.begin();
    let shared = request.version() == Version::HTTP_2;
    // What follows a body without a length could be part of it for another reader: nothing more is read from this
    // connection.
    let coded = !shared && request.headers().contains_key(TRANSFER_ENCODING);
    let expects = request.headers().contains_key(EXPECT);
    // On HTTP/2 no answer speaks of its connection.
    let keeps = keeps.filter(|_| !ends(&request));
    let (address, by_proxy) = whose(&serving, &request, of);
    // Of a connection that a proxy opened for itself (its health check), no header was expected.
    if address == ClientAddress::Unknown && by_proxy {
        serving.unknown_addresses.note(of.peer);
    }
    let (mut request, unread) = if shared || coded || request.body().is_end_stream() {
        (request.map(Body::new), None)
    } else {
        let (head, body) = request.into_parts();
        let (body, unread) = lend(body);
        (Request::from_parts(head, Body::new(body)), Some(unread))
    };
    if by_proxy {
        request.extensions_mut().insert(ByProxy);
    }
    request.extensions_mut().insert(address);
    let (credit, own) = match credit {
        Some(of_connection) => (of_connection, None),
        None => {
            let own = serving.turns.credit(address);
            (own.clone(), Some(own))
        }
    };
    request.extensions_mut().insert(credit.clone());
    if let Some(reason) = verdict {
        request.extensions_mut().insert(AmbiguousFraming(reason));
    }
    let mut service = serving.service;
    let answering = service.ready().await?.call(request);
    let mut response = serving.turns.of(own, answering).await?;
    serving.turns.answered(&credit, response.status());
    let closes = match unread {
        // It says so already.
        _ if response.headers().contains_key(CONNECTION) => false,
        Some(unread) => !unread.finish(expects).await,
        None => coded,
    };
    if closes {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(keeps) = keeps {
        keeps.report(response.headers_mut());
    }
    Ok(response.map(|body| running.answered(body, shared)))
}

/// The client's address, and whether a trusted proxy has passed the request on.
fn whose<B>(serving: &Serving, request: &Request<B>, of: Whose) -> (ClientAddress, bool) {
    serving.current.glance(|now| {
        let lines = request.headers().get_all(now.forwarded.header()).iter().map(HeaderValue::as_bytes);
        match of.from {
            ClientAddress::Known(from) => {
                (client(from, now.forwarded, lines, &now.proxies), allowed(from, &now.proxies))
            }
            ClientAddress::Unknown if of.by_socket && now.proxies_by_socket => {
                (behind(now.forwarded, lines, &now.proxies), true)
            }
            ClientAddress::Unknown => (ClientAddress::Unknown, false),
        }
    })
}
