//! One unary call of gRPC over HTTP/2, as a request of OTLP/HTTP and its answer: the message is the same, with five bytes before it,
//! and the status comes after the body. (<https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>)

use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, TE};
use http::{HeaderMap, Request, Response, StatusCode};
use keyward_core::header_text::text;
use opentelemetry_http::Bytes;

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
/// "Not compressed", and the length of the message in four bytes.
const PREFIX: usize = 5;
/// The codes after which the same message can be sent again (OTLP, "failures").
const TRANSIENT: [u32; 6] = [1, 4, 10, 11, 14, 15];

/// The call of a request. `None`: its message is longer than can be said.
pub(super) fn call(request: Request<Bytes>) -> Option<Request<Bytes>> {
    let (mut parts, message) = request.into_parts();
    parts.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    parts.headers.insert(TE, HeaderValue::from_static("trailers"));
    let length = u32::try_from(message.len()).ok()?;
    let framed = [&[0][..], &length.to_be_bytes(), &message].concat();
    Some(Request::from_parts(parts, framed.into()))
}

/// What an answer means in HTTP, for the exporter; and the status of gRPC where it is not that all is well.
pub(super) fn answer(
    answer: Response<Bytes>,
    trailers: Option<&HeaderMap>,
) -> (Response<Bytes>, Option<String>) {
    let (mut parts, body) = answer.into_parts();
    if parts.status != StatusCode::OK {
        return (Response::from_parts(parts, Bytes::new()), None);
    }
    // Where there is no message, the status can stand in the head.
    let code = trailers.and_then(code).or_else(|| code(&parts.headers));
    if code == Some(0) {
        // Absent: an answer without a message says no more.
        let message = body.get(PREFIX..).map(|message| body.slice_ref(message)).unwrap_or_default();
        return (Response::from_parts(parts, message), None);
    }
    let transient = code.is_some_and(|code| TRANSIENT.contains(&code));
    parts.status = if transient { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::BAD_REQUEST };
    let shown = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
    (Response::from_parts(parts, Bytes::new()), Some(format!("gRPC status {shown}")))
}

fn code(headers: &HeaderMap) -> Option<u32> {
    // Absent: it is not said, or cannot be read: that is no success.
    headers.get(STATUS).and_then(text)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_the_message_with_its_length_before_it() {
        let request =
            Request::post("http://a/b").header("api-key", "x").header(CONTENT_TYPE, "application/x-protobuf");
        let call = call(request.body(Bytes::from_static(b"spans")).unwrap()).unwrap();
        assert_eq!(call.body().as_ref(), b"\0\0\0\0\x05spans");
        let header = |name: &str| call.headers().get(name).map(HeaderValue::as_bytes);
        assert_eq!(header("content-type"), Some(&b"application/grpc"[..]));
        assert_eq!(header("te"), Some(&b"trailers"[..]));
        assert_eq!(header("api-key"), Some(&b"x"[..]), "what the environment adds is kept");
    }

    #[test]
    fn an_answer_is_good_by_its_status_alone_wherever_that_stands() {
        let read = |status: u16, head: Option<&str>, end: Option<&str>| {
            let mut response = Response::builder().status(status);
            if let Some(code) = head {
                response = response.header(STATUS, code);
            }
            let trailers = end.map(|code| HeaderMap::from_iter([(STATUS, code.parse().unwrap())]));
            let body = Bytes::from_static(b"\0\0\0\0\x02ok");
            let (response, cause) = answer(response.body(body).unwrap(), trailers.as_ref());
            (response.status().as_u16(), response.into_body(), cause)
        };
        assert_eq!(read(200, None, Some("0")), (200, Bytes::from_static(b"ok"), None));
        assert_eq!(read(200, Some("0"), None).0, 200);
        for (head, end, status, cause) in [
            (None, Some("14"), 503, "gRPC status 14"),
            (Some("4"), None, 503, "gRPC status 4"),
            (None, Some("16"), 400, "gRPC status 16"),
            (Some("8"), None, 400, "gRPC status 8"),
            (None, None, 400, "gRPC status none"),
            (None, Some("zero"), 400, "gRPC status none"),
        ] {
            let read = read(200, head, end);
            assert_eq!((read.0, read.2.as_deref()), (status, Some(cause)));
        }
        assert_eq!(read(502, None, Some("0")).0, 502, "what is no gRPC is not good by chance");
        let bare = Response::builder().header(STATUS, "0").body(Bytes::new()).unwrap();
        assert_eq!(answer(bare, None).0.into_body(), Bytes::new());
    }
}
