//! What can be proven about a limiter from outside, by a client's clock alone. Part of the tests of the process and of the
//! soak of limits.
//!
//! A request was admitted at some moment between its sending and the receipt of its answer. So more admissions than the limit
//! lie in a span of the window's length for certain when, from the first sending to the last receipt, less than the window
//! passed; and a refusal was without cause for certain when, even if every admission that may have counted did count, there
//! were fewer than the limit.

use std::collections::BinaryHeap;
use std::time::Duration;

/// No wait is longer, in whole seconds: the window, and the rest of the millisecond of the admission that has to leave.
pub(crate) const LONGEST: u64 = 61;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Admitted,
    Refused,
    /// No answer came: it may have been admitted at any time since.
    Unknown,
}

/// A request and its answer, as times of a clock that only goes forward.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exchange {
    pub(crate) sent: Duration,
    pub(crate) received: Duration,
    pub(crate) fate: Fate,
}

/// What is promised of a bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Promise {
    pub(crate) limit: usize,
    pub(crate) window: Duration,
    /// How much longer than the window an admission may count.
    pub(crate) slack: Duration,
}

/// What was seen of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) admitted: usize,
    pub(crate) refused: usize,
    /// The shortest span that is proven to hold one admission more than the limit.
    pub(crate) tightest: Option<Duration>,
    /// The most admissions that are proven to lie in one span shorter than the window.
    pub(crate) most: usize,
    /// Refusals that were without cause.
    pub(crate) baseless: usize,
}

impl Seen {
    /// Whether more was admitted than is promised.
    pub(crate) fn is_over(&self, promise: &Promise) -> bool {
        self.tightest.is_some_and(|span| span < promise.window)
    }
}

/// Looks at all exchanges with one bucket, in any order.
pub(crate) fn judge(exchanges: &[Exchange], promise: &Promise) -> Seen {
    let of = |fate| exchanges.iter().filter(move |exchange| exchange.fate == fate);
    let mut admitted: Vec<&Exchange> = of(Fate::Admitted).collect();
    admitted.sort_by_key(|exchange| exchange.sent);
    Seen {
        admitted: admitted.len(),
        refused: of(Fate::Refused).count(),
        tightest: tightest(&admitted, promise.limit),
        most: most(&admitted, promise.window),
        baseless: baseless(exchanges, promise),
    }
}

/// Of those sent at some moment or later, the first so many to be answered were all admitted by the time of the last of these
/// answers. Walks from the last to be sent to the first.
fn tightest(by_sending: &[&Exchange], limit: usize) -> Option<Duration> {
    let (mut first_answered, mut tightest) = (BinaryHeap::new(), None);
    for exchange in by_sending.iter().rev() {
        first_answered.push(exchange.received);
        if first_answered.len() > limit + 1 {
            first_answered.pop();
        }
        if let Some(last) = first_answered.peek().filter(|_| first_answered.len() > limit) {
            let span = last.saturating_sub(exchange.sent);
            tightest = Some(tightest.map_or(span, |before: Duration| before.min(span)));
        }
    }
    tightest
}

fn most(by_sending: &[&Exchange], window: Duration) -> usize {
    let in_window_of = |(at, first): (usize, &&Exchange)| {
        let end = first.sent.saturating_add(window);
        let later = by_sending.iter().skip(at).take_while(|exchange| exchange.sent < end);
        later.filter(|exchange| exchange.received < end).count()
    };
    by_sending.iter().enumerate().map(in_window_of).max().unwrap_or(0)
}

fn baseless(exchanges: &[Exchange], promise: &Promise) -> usize {
    let counting = || exchanges.iter().filter(|exchange| exchange.fate != Fate::Refused);
    let sorted = |mut times: Vec<Duration>| {
        times.sort_unstable();
        times
    };
    let sent = sorted(counting().map(|exchange| exchange.sent).collect());
    let received = sorted(counting().map(|exchange| exchange.received).collect());
    let without_cause = |refusal: &&Exchange| {
        let since = refusal.sent.saturating_sub(promise.window + promise.slack);
        // What was answered before is among what was sent before.
        let sent_before = sent.partition_point(|at| *at < refusal.received);
        let over_before = if since.is_zero() { 0 } else { received.partition_point(|at| *at < since) };
        sent_before.saturating_sub(over_before) < promise.limit
    };
    exchanges.iter().filter(|exchange| exchange.fate == Fate::Refused).filter(without_cause).count()
}

/// What an answer says of its limits: its status, its header fields, and the message of a refusal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said<'a> {
    pub(crate) status: u16,
    pub(crate) policy: Option<&'a str>,
    pub(crate) limit: Option<&'a str>,
    pub(crate) retry_after: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
}

/// Checks `RateLimit-Policy`, `RateLimit`, and on a 429 `Retry-After` and the message; the seconds to wait, 0 if it was admitted.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn told(said: &Said<'_>, name: &str, quota: usize) -> Result<u64, String> {
    let wrong = |what: &str| Err(format!("{what}: {said:?}"));
    if said.policy != Some(format!("\"{name}\";q={quota};w=60").as_str()) {
        return wrong("RateLimit-Policy");
    }
    let values =
        said.limit.and_then(|limit| limit.strip_prefix(&format!("\"{name}\";r="))?.split_once(";t="));
    // A sign is none of a number.
    let number =
        |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u64>().ok())?;
    let Some((Some(remaining), Some(next))) = values.map(|(r, t)| (number(r), number(t))) else {
        return wrong("RateLimit");
    };
    if remaining > quota as u64 || next > LONGEST {
        return wrong("RateLimit is more than there is");
    }
    if said.status != 429 {
        return if said.retry_after.is_none() { Ok(0) } else { wrong("Retry-After on what was admitted") };
    }
    let Some(wait) = said.retry_after.and_then(number).filter(|wait| (1..=LONGEST).contains(wait)) else {
        return wrong("Retry-After");
    };
    if said.message != Some(format!("Rate limit exceeded. Retry after {wait} seconds.").as_str()) {
        return wrong("the text is not the header's");
    }
    if remaining != 0 {
        return wrong("something remains on a 429");
    }
    if next != wait { wrong("t is not Retry-After") } else { Ok(wait) }
}
