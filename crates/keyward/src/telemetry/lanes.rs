//! Log lines on their way to standard error: a bounded queue and a thread that writes, so that no request waits for the
//! reader of the log.
//!
//! There are two queues, or lanes: one for ERROR and WARN, one for the rest. A flood of requests fills its own lane alone. A
//! line that finds its lane full, by lines or by bytes, is dropped and counted.

use super::cut::cut;
use super::journal;
use std::borrow::Cow;
use std::io::{self, ErrorKind, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;
use tracing::{Level, Metadata};
use tracing_appender::non_blocking::{ErrorCounter, NonBlocking, NonBlockingBuilder};
use tracing_subscriber::fmt::MakeWriter;

/// Lines that a lane holds.
const LINES: usize = 8_192;
/// Bytes that a lane holds.
const BYTES: u64 = 4 * 1024 * 1024;
/// The longest line; a longer one is cut. Ours are a few hundred bytes, and the backtrace of a panic some thousand.
const LONGEST: usize = 16 * 1024;
/// As many bytes are written at once.
const BATCH: usize = 16 * 1024;
/// Between two tries at a reader that takes nothing right now.
const PAUSE: Duration = Duration::from_millis(20);
/// How often the end of the program looks whether everything is written, and how many times.
const LOOK: Duration = Duration::from_millis(5);
const LOOKS: u32 = 400;
/// The same of a panic, after which there may be no end in order.
const LOOKS_OF_PANIC: u32 = 40;

/// The two lanes.
#[derive(Debug)]
pub(crate) struct Lanes {
    severe: Lane,
    routine: Lane,
    /// Whether each line begins with its level, for the journal of systemd.
    has_levels: bool,
    /// A panic has waited in vain, and the reader has not caught up since.
    is_stuck: AtomicBool,
}

impl Lanes {
    /// Lanes to this writer, with a thread each. The threads live as long as the process.
    pub(crate) fn to(out: impl Write + Send + 'static) -> Self {
        Self::holding(out, LINES)
    }

    fn holding(out: impl Write + Send + 'static, lines: usize) -> Self {
        let out = Arc::new(Mutex::new(out));
        let lane = |thread| Lane::to(&out, thread, lines);
        let (severe, routine) = (lane("log-severe"), lane("log-routine"));
        Self { severe, routine, has_levels: false, is_stuck: AtomicBool::new(false) }
    }

    /// The same, with each line's level before it.
    pub(super) fn with_levels(self, has_levels: bool) -> Self {
        Self { has_levels, ..self }
    }

    /// Each lane's name and how many of its lines are not written yet.
    pub(crate) fn waiting(&self) -> [(&'static str, u64); 2] {
        [("severe", self.severe.pending()), ("routine", self.routine.pending())]
    }

    /// Each lane's name, as the metrics have it, and how many lines it has dropped.
    pub(crate) fn dropped(&self) -> [(&'static str, u64); 2] {
        [("severe", self.severe.dropped()), ("routine", self.routine.dropped())]
    }

    /// Waits until all lines are written, for two seconds at most: the reader may have stopped.
    pub(crate) fn flush(&self) {
        looks(LOOKS, || self.severe.pending() == 0 && self.routine.pending() == 0);
    }

    /// Waits until the severe lines are written, for 200 ms at most. It waits for a reader that has stopped once: further panics
    /// are not held up by it.
    pub(super) fn flush_panic(&self) {
        let most = if self.is_stuck.load(Ordering::Relaxed) { 1 } else { LOOKS_OF_PANIC };
        let written = looks(most, || self.severe.pending() == 0);
        self.is_stuck.store(!written, Ordering::Relaxed);
    }
}

/// Looks so many times, with pauses, whether it is done.
fn looks(most: u32, is_done: impl Fn() -> bool) -> bool {
    let mut looks = (0..most).map(|_| {
        let done = is_done();
        if !done {
            sleep(LOOK);
        }
        done
    });
    looks.any(|done| done)
}

impl MakeWriter<'_> for &'static Lanes {
    type Writer = LaneWriter;

    fn make_writer(&self) -> LaneWriter {
        LaneWriter { lane: &self.routine, level: None }
    }

    fn make_writer_for(&self, event: &Metadata<'_>) -> LaneWriter {
        let level = *event.level();
        let lane = if level <= Level::WARN { &self.severe } else { &self.routine };
        LaneWriter { lane, level: self.has_levels.then(|| journal::priority(level)) }
    }
}

#[derive(Debug)]
struct Lane {
    queue: NonBlocking,
    /// Lines that the queue refused. It has room for all that the count lets in, so there are none.
    full: ErrorCounter,
    lines: u64,
    count: Arc<Count>,
}

/// What became of a lane's lines.
#[derive(Debug, Default)]
struct Count {
    /// Queued, and not written yet.
    pending: AtomicU64,
    /// The bytes of those.
    bytes: AtomicU64,
    /// Lost by the writer: the disk is full, or the reader is gone.
    lost: AtomicU64,
    /// Not queued, as the lane was full.
    dropped: AtomicU64,
}

impl Count {
    /// Takes room for a line of so many bytes in a lane of so many lines.
    fn take(&self, lines: u64, bytes: u64) -> bool {
        let before = self.pending.fetch_add(1, Ordering::AcqRel);
        let queued = self.bytes.fetch_add(bytes, Ordering::AcqRel);
        let room = before < lines && queued.saturating_add(bytes) <= BYTES;
        if !room {
            self.bytes.fetch_sub(bytes, Ordering::AcqRel);
            self.pending.fetch_sub(1, Ordering::AcqRel);
        }
        room
    }
}

impl Lane {
    fn to<W: Write + Send + 'static>(out: &Arc<Mutex<W>>, thread: &str, lines: usize) -> Self {
        let count = Arc::new(Count::default());
        let sink = Sink { out: Arc::clone(out), batch: Vec::new(), lines: 0, count: Arc::clone(&count) };
        let most = lines as u64;
        let (queue, guard) = NonBlockingBuilder::default()
            .buffered_lines_limit(lines)
            .lossy(true)
            .thread_name(thread)
            .finish(sink);
        // Dropped, it would print to standard output when the queue is full, and wait there. `Lanes::flush` does its work.
        std::mem::forget(guard);
        Self { full: queue.error_counter(), queue, lines: most, count }
    }

    fn full(&self) -> u64 {
        self.full.dropped_lines() as u64
    }

    fn dropped(&self) -> u64 {
        self.full() + self.count.lost.load(Ordering::Relaxed) + self.count.dropped.load(Ordering::Relaxed)
    }

    /// Lines that are queued and not written yet.
    fn pending(&self) -> u64 {
        self.count.pending.load(Ordering::Acquire).saturating_sub(self.full())
    }
}

/// Puts lines into a lane. It never waits and never fails.
#[derive(Debug)]
pub(crate) struct LaneWriter {
    lane: &'static Lane,
    /// What stands before each line.
    level: Option<&'static str>,
}

impl Write for LaneWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let Lane { queue, count, lines, .. } = self.lane;
        let mut kept =
            if line.len() > LONGEST { Cow::Owned(cut(line, LONGEST)) } else { Cow::Borrowed(line) };
        if let Some(level) = self.level {
            kept = Cow::Owned(journal::marked(&kept, level));
        }
        if count.take(*lines, kept.len() as u64) {
            queue.clone().write_all(&kept)?;
        } else {
            count.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The writing end of a lane, on its thread. Both lanes share what they write to, so that lines stay whole.
struct Sink<W> {
    out: Arc<Mutex<W>>,
    batch: Vec<u8>,
    lines: u64,
    count: Arc<Count>,
}

impl<W: Write> Write for Sink<W> {
    /// Takes one line: the queue gives them whole.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.batch.extend_from_slice(line);
        self.lines += 1;
        if self.batch.len() >= BATCH {
            self.flush()?;
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.lines == 0 {
            return Ok(());
        }
        let written = put(&mut *self.out.lock().unwrap_or_else(PoisonError::into_inner), &self.batch);
        if written.is_err() {
            self.count.lost.fetch_add(self.lines, Ordering::Relaxed);
        }
        self.count.bytes.fetch_sub(self.batch.len() as u64, Ordering::AcqRel);
        self.count.pending.fetch_sub(self.lines, Ordering::AcqRel);
        self.batch.clear();
        self.lines = 0;
        // An error is counted; there is nobody who could be told of it.
        Ok(())
    }
}

/// Writes all of it. A reader that takes nothing right now is waited for, also where the stream does not block.
fn put(out: &mut impl Write, mut rest: &[u8]) -> io::Result<()> {
    while !rest.is_empty() {
        match out.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => rest = rest.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(PAUSE),
            Err(error) => return Err(error),
        }
    }
    out.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};
    use tracing_subscriber::EnvFilter;

    /// A reader that takes a write whenever it is let.
    struct Reader {
        let_go: Receiver<()>,
        taken: Arc<Mutex<String>>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.let_go.recv().map_err(|_| io::Error::from(ErrorKind::BrokenPipe))?;
            self.taken.lock().unwrap().push_str(std::str::from_utf8(bytes).unwrap());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Lanes of eight lines to a reader that has stopped.
    fn stopped() -> (&'static Lanes, Sender<()>, Arc<Mutex<String>>) {
        let (letting, let_go) = channel();
        let taken = Arc::<Mutex<String>>::default();
        let reader = Reader { let_go, taken: Arc::clone(&taken) };
        (kept(Lanes::holding(reader, 8)), letting, taken)
    }

    fn log(lanes: &'static Lanes, events: impl FnOnce()) {
        let subscriber = crate::telemetry::json(lanes, EnvFilter::new("trace"));
        tracing::subscriber::with_default(subscriber, events);
    }

    /// As long as the process, as the program's own are.
    fn kept(lanes: Lanes) -> &'static Lanes {
        Box::leak(Box::new(lanes))
    }

    #[test]
    fn a_flood_of_routine_lines_is_dropped_and_counted_and_pushes_no_severe_line_out() {
        let (lanes, letting, taken) = stopped();
        log(lanes, || {
            for number in 0..1_000 {
                tracing::info!(number, "routine");
            }
            tracing::error!("an error");
            tracing::warn!("a warning");
        });
        let [severe, routine] = lanes.dropped();
        assert_eq!(severe, ("severe", 0));
        // Eight are queued, and a few may have been on their way to the reader.
        assert!(routine.0 == "routine" && (900..1_000).contains(&routine.1), "{routine:?}");
        for _ in 0..2_000 {
            let _ = letting.send(());
        }
        lanes.flush();
        let taken = taken.lock().unwrap();
        assert!(taken.contains("an error") && taken.contains("a warning"), "{taken}");
        assert_eq!(taken.lines().count() as u64, 1_002 - routine.1, "what was not dropped is written");
    }

    #[test]
    fn for_the_journal_each_line_begins_with_its_level_also_one_that_was_cut() {
        let (letting, let_go) = channel();
        let taken = Arc::<Mutex<String>>::default();
        let lanes = Lanes::holding(Reader { let_go, taken: Arc::clone(&taken) }, 8).with_levels(true);
        let lanes = kept(lanes);
        assert_eq!(lanes.waiting(), [("severe", 0), ("routine", 0)]);
        log(lanes, || {
            tracing::error!("an error");
            tracing::info!(long = "x".repeat(2 * LONGEST), "routine");
        });
        let waiting = lanes.waiting();
        (0..10).for_each(|_| letting.send(()).unwrap());
        lanes.flush();
        let taken = taken.lock().unwrap();
        let starts = |start: &str| taken.lines().any(|line| line.starts_with(start));
        assert!(starts("<3>{\"timestamp\"") && starts("<6>{\"timestamp\""), "{taken}");
        assert_eq!((taken.lines().count(), waiting), (2, [("severe", 1), ("routine", 1)]));
        assert!(taken.lines().all(|line| serde_json::from_str::<serde_json::Value>(&line[3..]).is_ok()));
    }

    #[test]
    fn the_end_does_not_wait_for_a_reader_that_has_stopped() {
        let (lanes, _letting, taken) = stopped();
        log(lanes, || tracing::info!("never read"));
        lanes.flush();
        assert!(taken.lock().unwrap().is_empty());
    }

    #[test]
    fn panics_do_not_wait_for_a_reader_that_has_stopped_but_once() {
        let (lanes, letting, taken) = stopped();
        log(lanes, || tracing::error!("a panic"));
        // Forty would take eight seconds.
        let (done, end) = channel();
        std::thread::spawn(move || {
            (0..40).for_each(|_| lanes.flush_panic());
            done.send(()).unwrap();
        });
        end.recv_timeout(Duration::from_secs(4)).expect("they are over");
        assert!(taken.lock().unwrap().is_empty());
        (0..10).for_each(|_| letting.send(()).unwrap());
        lanes.flush();
        log(lanes, || tracing::error!("the next"));
        lanes.flush_panic();
        assert!(taken.lock().unwrap().contains("the next"), "a reader that goes on is waited for again");
    }

    #[test]
    fn lines_that_a_full_disk_loses_are_counted() {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let lanes = kept(Lanes::to(full));
        log(lanes, || {
            tracing::error!("lost");
            tracing::info!("lost");
            tracing::info!("lost");
        });
        lanes.flush();
        assert_eq!(lanes.dropped(), [("severe", 1), ("routine", 2)]);
    }

    #[test]
    fn a_line_beyond_all_measure_is_cut_with_a_mark() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lanes = kept(Lanes::to(file.reopen().unwrap()));
        log(lanes, || tracing::error!(text = "x".repeat(LONGEST), "long"));
        lanes.flush();
        assert_eq!(lanes.dropped(), [("severe", 0), ("routine", 0)]);
        let line = std::fs::read_to_string(file.path()).unwrap();
        let event: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert!(line.len() <= LONGEST && event["text"].as_str().unwrap().ends_with("x…(cut)"), "{line}");
    }

    #[test]
    fn a_lane_holds_a_bounded_number_of_bytes() {
        let (letting, let_go) = channel();
        let taken = Arc::<Mutex<String>>::default();
        let lanes = kept(Lanes::to(Reader { let_go, taken: Arc::clone(&taken) }));
        let text = "x".repeat(10_000);
        log(lanes, || (0..1_000).for_each(|_| tracing::info!(text, "long")));
        let [_, (_, dropped)] = lanes.dropped();
        assert!((550..650).contains(&dropped), "some 4 MiB of 10 MB: {dropped}");
        for _ in 0..2_000 {
            let _ = letting.send(());
        }
        lanes.flush();
        assert_eq!(taken.lock().unwrap().lines().count() as u64, 1_000 - dropped);
        log(lanes, || tracing::info!(text, "long"));
        lanes.flush();
        assert_eq!(lanes.dropped(), [("severe", 0), ("routine", dropped)], "what is written leaves its room");
    }

    #[test]
    fn a_stream_that_does_not_block_is_waited_for() {
        struct Hesitant(u8, Vec<u8>);
        impl Write for Hesitant {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 += 1;
                match self.0 {
                    1 => Err(ErrorKind::WouldBlock.into()),
                    2 => Err(ErrorKind::Interrupted.into()),
                    _ => {
                        self.1.push(bytes[0]);
                        Ok(1)
                    }
                }
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut out = Hesitant(0, Vec::new());
        put(&mut out, b"whole").unwrap();
        assert_eq!(out.1, b"whole");
    }
}
