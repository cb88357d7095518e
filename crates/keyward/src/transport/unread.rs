//! What is left of a request's body on HTTP/1.1 when its answer is there: a little of it is read and dropped, so that the
//! connection can go on; otherwise the connection ends, and the answer must say so.
//!
//! hyper closes a connection whose request was not read to its end after it has written the head of the answer, so that a
//! client would send its next request into a connection that is gone.

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::timeout;

/// What is left of a body that is dropped rather than have its connection closed.
const LITTLE: u64 = 64 * 1024;
/// How long it is waited for. Clients send it with the head, without waiting.
const PATIENCE: Duration = Duration::from_millis(500);

#[derive(Debug)]
enum Left<B> {
    /// The service has it.
    Lent,
    /// It was read to its end.
    Nothing,
    /// The service dropped it before its end.
    Rest(B),
}

/// A body while a service has it.
#[derive(Debug)]
pub(super) struct Lent<B: Body> {
    body: Option<B>,
    left: Arc<Mutex<Left<B>>>,
}

/// What comes back of a body.
#[derive(Debug)]
pub(super) struct Unread<B>(Arc<Mutex<Left<B>>>);

/// A body for a service, and what will be left of it.
pub(super) fn lend<B: Body>(body: B) -> (Lent<B>, Unread<B>) {
    let left = Arc::new(Mutex::new(Left::Lent));
    (Lent { body: Some(body), left: Arc::clone(&left) }, Unread(left))
}

impl<B: Body> Drop for Lent<B> {
    fn drop(&mut self) {
        let left = match self.body.take() {
            Some(body) if !body.is_end_stream() => Left::Rest(body),
            _ => Left::Nothing,
        };
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = left;
    }
}

impl<B: Body<Data = Bytes> + Unpin> Body for Lent<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(cx);
        if let Poll::Ready(None) = frame {
            self.body = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl<B: Body<Data = Bytes> + Unpin> Unread<B> {
    /// Whether the connection can go on. A client that waits for `100 Continue` (`expects`) is not made to send what nobody
    /// reads.
    pub(super) async fn finish(self, expects: bool) -> bool {
        let left =
            std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), Left::Nothing);
        match left {
            Left::Nothing => true,
            Left::Lent => false,
            Left::Rest(body) => {
                let little = body.size_hint().exact().is_some_and(|bytes| bytes <= LITTLE);
                little && !expects && timeout(PATIENCE, drained(body)).await.unwrap_or(false)
            }
        }
    }
}

/// Reads a body to its end; whether there was one.
async fn drained<B: Body<Data = Bytes> + Unpin>(mut body: B) -> bool {
    loop {
        match std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
            Some(Ok(_)) => {}
            Some(Err(_)) => return false,
            None => return true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full, StreamBody};

    fn whole(bytes: usize) -> Full<Bytes> {
        Full::new(Bytes::from(vec![b'x'; bytes]))
    }

    #[tokio::test]
    async fn a_connection_goes_on_after_a_body_that_was_read_or_is_small() {
        let (lent, unread) = lend(whole(200_000));
        assert_eq!(lent.collect().await.unwrap().to_bytes().len(), 200_000);
        assert!(unread.finish(false).await, "read to its end");
        for (bytes, expects, goes_on) in [
            (1_000, false, true),
            (1_000, true, false),
            (64 * 1024, false, true),
            (64 * 1024 + 1, false, false),
        ] {
            let (lent, unread) = lend(whole(bytes));
            drop(lent);
            assert_eq!(unread.finish(expects).await, goes_on, "{bytes} bytes, waits: {expects}");
        }
        let (_held, unread) = lend(whole(10));
        assert!(!unread.finish(false).await, "the service still has it");
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_and_what_has_no_length_is_not_waited_for() {
        let silent =
            || StreamBody::new(futures_util::stream::pending::<Result<Frame<Bytes>, std::io::Error>>());
        let (lent, unread) = lend(silent());
        drop(lent);
        assert!(!unread.finish(false).await, "without a length");
        let (lent, unread) = lend(Declared(silent()));
        drop(lent);
        let begun = tokio::time::Instant::now();
        assert!(!unread.finish(false).await);
        assert_eq!(begun.elapsed(), PATIENCE);
    }

    /// Says that it has ten bytes.
    struct Declared<B>(B);

    impl<B: Body<Data = Bytes> + Unpin> Body for Declared<B> {
        type Data = Bytes;
        type Error = B::Error;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
            Pin::new(&mut self.0).poll_frame(cx)
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(10)
        }
    }
}
