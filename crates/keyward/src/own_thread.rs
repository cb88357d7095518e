//! Work that could block without end, as reading a file on a mount that hangs, on a thread of its own.

use std::io;
use std::thread;
use tokio::sync::oneshot::{self, Receiver};

/// Begins it; what it comes to is received. Nothing waits for the thread: one of the runtime's would hold up the end of the
/// process.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn begin<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<Receiver<T>> {
    let (done, end) = oneshot::channel();
    // Absent: nobody waits for it any more.
    thread::Builder::new().name("aside".to_owned()).spawn(move || drop(done.send(work())))?;
    Ok(end)
}
