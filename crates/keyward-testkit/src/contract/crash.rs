//! The judge of a crash: a process that ends at any step of a commit leaves the write there whole, or not at all.
//!
//! A child process opens the store, tries one write ([`attempt`]) and dies at a place of its commit. What the judge finds when it opens
//! the store again is held against what the same write leaves where nothing ends it: rows, audit trail, directory. Then the write is
//! repeated as its client repeats it, with the same `Idempotency-Key`: that ends in one write, one row of the trail and one answer.
//!
//! | file | what |
//! | --- | --- |
//! | `crash/seen.rs` | what a store is seen to have |
//! | `crash/writes.rs` | the writes, and what must be there before them |

mod seen;
mod writes;

use super::bench::Bench;
use super::store::{Home, IdentityStore};
use seen::{Newest, Seen};
pub use writes::WRITES;

/// A home whose store can be opened by another process.
pub trait CrashHome: Home + Sized {
    /// A copy of all that the home has, while its store is closed.
    fn copy(&self) -> Self;

    /// Has another process open the store of this home, try this write for the first time ([`attempt`]), report what it came to if it
    /// comes so far, and die at this place.
    fn crash(&self, write: &str, place: &str) -> Crash;
}

/// How a child ended.
#[derive(Debug)]
pub struct Crash {
    /// Whether it was ended from outside, at its place.
    pub died: bool,
    /// What it had reported before: the text of [`attempt`].
    pub reported: Option<String>,
}

/// What a crash left of the write that it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// All of it.
    Whole,
    /// Nothing.
    Nothing,
}

/// Tries a write of [`WRITES`] for the first time, at a store that [`prepare`] has prepared. The text says what it came to.
pub async fn attempt<S: IdentityStore>(store: &S, write: &str) -> String {
    writes::attempt(&Bench::again(store).await, write, FIRST).await
}

/// The client's first request.
const FIRST: u8 = 1;
/// The same again, since the client does not know what became of the first one.
const SECOND: u8 = 2;
/// And once more.
const THIRD: u8 = 3;

/// A write that is to be ended at every place, and what it comes to where nothing ends it.
#[derive(Debug)]
pub struct Case<H> {
    write: &'static str,
    home: H,
    newest: Newest,
    before: Seen,
    /// After the first request alone.
    first: Came,
    /// After the second request alone.
    second: Came,
    /// After both.
    both: Came,
}

/// What a request came to, and what is there after it.
#[derive(Debug)]
struct Came {
    text: String,
    seen: Seen,
}

/// Makes everything in a new home that the writes need.
pub async fn prepare<H: CrashHome>(home: &H) {
    let store = home.open();
    writes::prepare(&Bench::new(&store).await).await;
}

/// Looks what a write comes to at a prepared home where nothing ends it. Repeated it must come to the same.
pub async fn case<H: CrashHome>(prepared: &H, write: &'static str) -> Case<H> {
    let home = prepared.copy();
    let store = home.open();
    let newest = Newest::of(&store).await;
    let before = seen::look(&Bench::again(&store).await, &newest).await;
    drop(store);
    let (once, twice) = (home.copy(), home.copy());
    let first = request(&twice, write, FIRST, &newest).await;
    let both = request(&twice, write, SECOND, &newest).await;
    let second = request(&once, write, SECOND, &newest).await;
    assert!(first.text.starts_with("done "), "{write}: it is done: {}", first.text);
    assert_ne!(first.seen, before, "{write}: it changes something");
    if writes::is_claimed(write) {
        assert_eq!(both.text, again(&first.text), "{write}: repeated, it is answered as then");
        same(&both.seen, &first.seen, &format!("{write}: repeated, it changes nothing"));
    }
    Case { write, home, newest, before, first, second, both }
}

/// Sends a request, closes the store and looks at what is there when it is opened again.
async fn request<H: Home>(home: &H, write: &str, number: u8, newest: &Newest) -> Came {
    let store = home.open();
    let text = writes::attempt(&Bench::again(&store).await, write, number).await;
    drop(store);
    let store = home.open();
    let seen = seen::look(&Bench::again(&store).await, newest).await;
    Came { text, seen }
}

/// What a repetition of the request with this outcome comes to.
fn again(done: &str) -> String {
    done.replacen("done ", "before ", 1)
}

impl<H: CrashHome> Case<H> {
    /// Has a child die at this place of the write, and judges what it left.
    ///
    /// # Panics
    /// The store breaks a rule.
    pub async fn judge(&self, place: &str) -> Left {
        let Self { write, before, first, second, both, newest, .. } = self;
        let home = self.home.copy();
        let crash = home.crash(write, place);
        assert!(crash.died, "{write} at {place}: the process ends there");
        let store = home.open();
        let found = seen::look(&Bench::again(&store).await, newest).await;
        drop(store);
        let left = if found == first.seen { Left::Whole } else { Left::Nothing };
        if left == Left::Nothing {
            same(&found, before, &format!("{write} at {place}: it is there whole, or not at all"));
        }
        if let Some(reported) = &crash.reported {
            assert_eq!(left, Left::Whole, "{write} at {place}: what was acknowledged is there");
            assert_eq!(*reported, first.text, "{write} at {place}: and is what was done");
        }
        let repeated = request(&home, write, SECOND, newest).await;
        match left {
            Left::Whole => {
                assert_eq!(repeated.text, both.text, "{write} at {place}: repeated, it is answered as then");
                same(&repeated.seen, &both.seen, &format!("{write} at {place}: repeated, it is one write"));
            }
            Left::Nothing => {
                assert!(
                    repeated.text.starts_with("done "),
                    "{write} at {place}: repeated, it is done: {}",
                    repeated.text
                );
                same(
                    &repeated.seen,
                    &second.seen,
                    &format!("{write} at {place}: done later, it is the same"),
                );
                self.answered_again(&home, &repeated, place).await;
            }
        }
        left
    }

    /// A write that was done by the second request has its answer from then on.
    async fn answered_again(&self, home: &H, done: &Came, place: &str) {
        let Self { write, newest, .. } = self;
        if writes::is_claimed(write) {
            let repeated = request(home, write, THIRD, newest).await;
            assert_eq!(repeated.text, again(&done.text), "{write} at {place}: and answered so from then on");
            same(&repeated.seen, &done.seen, &format!("{write} at {place}: and done no more"));
        }
    }
}

/// What is there is what must be. Only what differs is shown.
fn same(found: &Seen, wanted: &Seen, rule: &str) {
    let missing = wanted.lines_beside(found);
    let besides = found.lines_beside(wanted);
    assert!(missing.is_empty() && besides.is_empty(), "{rule}: missing {missing:#?}, besides {besides:#?}");
}
