//! A connection as hyper sees it: what is read is scanned, and a client that does not take its answer is not waited for.

use super::frame_scan::FrameScan;
use super::head_scan::HeadScan;
use super::pulse::{BEHIND, Pulse, STALL};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::unconstrained;
use tokio::time::{Sleep, sleep};

/// Wraps a stream of HTTP/1.1 or HTTP/2.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    /// What was read before it was known which it is.
    first: Vec<u8>,
    seen: Seen,
    /// Runs while nothing is taken.
    stalled: Option<Pin<Box<Sleep>>>,
    /// Runs until all was taken.
    behind: Option<Pin<Box<Sleep>>>,
}

/// Who looks at the bytes, by the version of HTTP.
#[derive(Debug)]
pub(super) enum Seen {
    /// Of HTTP/1.1: one answer at a time is on its way, so the bytes that are taken are its.
    Http1(HeadScan, Pulse),
    /// Of HTTP/2.
    Http2(FrameScan, Pulse),
}

impl Seen {
    fn read(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Http1(scan, _) => scan.read(bytes),
            Self::Http2(scan, pulse) => scan.read(bytes).map_err(|flood| {
                pulse.flood();
                io::Error::other(flood)
            })?,
        }
        Ok(())
    }

    fn wrote(&mut self, bytes: usize) {
        match self {
            Self::Http1(_, pulse) => pulse.moved(),
            Self::Http2(scan, _) => scan.wrote(bytes),
        }
    }
}

impl<S> Watched<S> {
    /// With the bytes that were read already.
    pub(super) fn new(stream: S, first: Vec<u8>, seen: Seen) -> Self {
        Self { stream, first, seen, stalled: None, behind: None }
    }

    /// As [`Watched::progress`], of bytes: what is taken of them moves the connection on.
    fn taken(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &written {
            self.seen.wrote(*bytes);
        }
        self.progress(cx, written)
    }

    /// Passes on what a write came to; one that waits starts the clocks, and one that waited too long fails.
    fn progress<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
        } else {
            let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(STALL)));
            self.behind.get_or_insert_with(|| Box::pin(sleep(BEHIND)));
            if is_over(stalled, cx) {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
        }
        let too_long = self.behind.as_mut().is_some_and(|behind| is_over(behind, cx));
        if too_long { Poll::Ready(Err(io::ErrorKind::TimedOut.into())) } else { written }
    }
}

/// Whether a clock has run down. It is asked whatever budget the task has left: a connection on which there is always something to
/// read uses that up.
fn is_over(clock: &mut Pin<Box<Sleep>>, cx: &mut Context<'_>) -> bool {
    Pin::new(&mut unconstrained(clock)).poll(cx).is_ready()
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        if this.first.is_empty() {
            ready!(Pin::new(&mut this.stream).poll_read(cx, buf))?;
        } else {
            let fits = this.first.len().min(buf.remaining());
            this.first.drain(..fits).for_each(|byte| buf.put_slice(&[byte]));
        }
        Poll::Ready(this.seen.read(buf.filled().get(before..).unwrap_or_default()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.taken(cx, written)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        if flushed.is_ready() {
            // hyper flushes when it has handed over everything.
            this.behind = None;
        }
        this.progress(cx, flushed)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let shut = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.progress(cx, shut)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.taken(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    #[tokio::test(start_paused = true)]
    async fn a_client_that_takes_a_byte_now_and_then_is_not_waited_for_either() {
        let (near, mut far) = tokio::io::duplex(64);
        let mut watched = Watched::new(
            near,
            Vec::new(),
            Seen::Http2(
                FrameScan::new(),
                Pulse::new(tokio::time::Instant::now(), std::time::Duration::from_secs(15)),
            ),
        );
        let dripping = tokio::spawn(async move {
            for taken in 0_u64.. {
                tokio::time::sleep(Duration::from_secs(5)).await;
                if far.read_u8().await.is_err() {
                    return taken * 5;
                }
            }
            0
        });
        let begun = tokio::time::Instant::now();
        let error = watched.write_all(&[0; 1024]).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (io::ErrorKind::TimedOut, 30));
        drop(watched);
        dripping.await.unwrap();
    }

    #[tokio::test]
    async fn what_was_read_before_comes_first() {
        let seen = Seen::Http1(
            HeadScan::default(),
            Pulse::new(tokio::time::Instant::now(), std::time::Duration::from_secs(15)),
        );
        let mut watched = Watched::new(b"world".as_slice(), b"hello ".to_vec(), seen);
        let mut text = String::new();
        watched.read_to_string(&mut text).await.unwrap();
        assert_eq!(text, "hello world");
    }
}
