//! A server that fails again and again is left alone for a while, so that neither it nor whoever calls is kept busy for
//! nothing.
//!
//! Rule: it opens after [`IN_A_ROW`] failures without a success between, or when of many calls in half a minute half
//! have failed. While it is open calls are refused at once; then one is let through, and how that one fares decides. A
//! failure is what no request can help: no connection, time-out, unusable answer, 502, 503, 504. Whoever calls and
//! gives up says nothing.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;

/// Failures without a success between them that open it.
const IN_A_ROW: u32 = 10;

/// Of at least this many calls within the window, half must fail to open it.
const MANY: u32 = 20;

/// The window: so many slices of so many seconds.
const SLICES: usize = 6;
const SLICE: u64 = 5;

/// How long it stays open at first; doubled with every failed try, up to the longest.
const FIRST_REST: Duration = Duration::from_secs(5);
const LONGEST_REST: Duration = Duration::from_secs(60);

pub(super) struct Breaker {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    in_a_row: u32,
    slices: [Slice; SLICES],
    open: Option<Open>,
}

/// Calls of some seconds.
#[derive(Clone, Copy, Default)]
struct Slice {
    number: u64,
    calls: u32,
    failures: u32,
}

struct Open {
    since: DateTime<Utc>,
    /// On the steady clock.
    until: Duration,
    rests: u32,
    message: String,
    /// The one call that is let through is under way.
    trying: bool,
}

/// How a call fared, as far as the server is to blame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fared {
    Well,
    /// With the sentence that says how.
    Badly(String),
}

/// The server is left alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Resting {
    pub wait: Duration,
    pub message: String,
}

/// What is to be told to others of a breaker that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenRecord {
    pub since: DateTime<Utc>,
    pub open_until: DateTime<Utc>,
    pub message: String,
}

/// A call that was let through. Dropped without having been settled, it says nothing about the server.
pub(super) struct Admission<'a> {
    breaker: &'a Breaker,
    is_try: bool,
}

impl Breaker {
    pub(super) fn new(clock: &Clock) -> Breaker {
        Breaker { clock: clock.clone(), state: Mutex::default() }
    }

    /// Lets a call through, or says how long the server is left alone.
    pub(super) fn admit(&self) -> Result<Admission<'_>, Resting> {
        let mut state = self.lock();
        let Some(open) = &mut state.open else {
            return Ok(self.admission(false));
        };
        if let Some(resting) = open.resting(self.clock.steady()) {
            return Err(resting);
        }
        open.trying = true;
        Ok(self.admission(true))
    }

    /// How long the server is left alone, if it is.
    pub(super) fn resting(&self) -> Option<Resting> {
        let state = self.lock();
        state.open.as_ref()?.resting(self.clock.steady())
    }

    /// What others are to know, if it is open.
    pub(super) fn record(&self) -> Option<OpenRecord> {
        let state = self.lock();
        let open = state.open.as_ref()?;
        let left = open.until.saturating_sub(self.clock.steady());
        let left = TimeDelta::from_std(left).unwrap_or_default();
        Some(OpenRecord { since: open.since, open_until: self.clock.now() + left, message: open.message.clone() })
    }

    fn admission(&self, is_try: bool) -> Admission<'_> {
        Admission { breaker: self, is_try }
    }

    /// A panic elsewhere leaves the state whole: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// Notes how the call fared; true if the breaker opened, closed or stays open for longer, which others are to know.
    pub(super) fn settle(mut self, fared: Fared) -> bool {
        let clock = &self.breaker.clock;
        let mut state = self.breaker.lock();
        let was_try = std::mem::take(&mut self.is_try);
        let turned = match fared {
            Fared::Well => state.note_success(clock.steady(), was_try),
            Fared::Badly(message) => state.note_failure(clock, message, was_try),
        };
        drop(state);
        turned
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.is_try
            && let Some(open) = &mut self.breaker.lock().open
        {
            open.trying = false;
        }
    }
}

impl Open {
    fn resting(&self, now: Duration) -> Option<Resting> {
        (now < self.until || self.trying).then(|| Resting {
            wait: self.until.saturating_sub(now).max(Duration::from_secs(1)),
            message: self.message.clone(),
        })
    }
}

impl State {
    fn note_success(&mut self, now: Duration, was_try: bool) -> bool {
        self.in_a_row = 0;
        self.slice(now).calls += 1;
        if was_try {
            *self = State::default();
        }
        was_try
    }

    fn note_failure(&mut self, clock: &Clock, message: String, was_try: bool) -> bool {
        let now = clock.steady();
        if let Some(open) = &mut self.open {
            // Calls that began before it opened change nothing.
            if was_try {
                open.trying = false;
                open.rests += 1;
                open.until = now + rest(open.rests);
                open.message = message;
            }
            return was_try;
        }
        self.in_a_row += 1;
        let slice = self.slice(now);
        slice.calls += 1;
        slice.failures += 1;
        if self.in_a_row < IN_A_ROW && !self.half_fail(now) {
            return false;
        }
        self.open = Some(Open { since: clock.now(), until: now + rest(0), rests: 0, message, trying: false });
        true
    }

    fn slice(&mut self, now: Duration) -> &mut Slice {
        let number = now.as_secs() / SLICE;
        let at = usize::try_from(number).unwrap_or_default() % SLICES;
        let slice = &mut self.slices[at];
        if slice.number != number {
            *slice = Slice { number, ..Slice::default() };
        }
        slice
    }

    fn half_fail(&self, now: Duration) -> bool {
        let oldest = (now.as_secs() / SLICE + 1).saturating_sub(SLICES as u64);
        let recent = self.slices.iter().filter(|slice| slice.number >= oldest);
        let (calls, failures) =
            recent.fold((0, 0), |(calls, failures), slice| (calls + slice.calls, failures + slice.failures));
        calls >= MANY && failures * 2 >= calls
    }
}

fn rest(times: u32) -> Duration {
    FIRST_REST.saturating_mul(1 << times.min(10)).min(LONGEST_REST)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Server {
        breaker: Breaker,
        clock: Clock,
    }

    impl Server {
        fn new() -> Server {
            let clock = Clock::system();
            Server { breaker: Breaker::new(&clock), clock }
        }

        fn admit(&self) -> Admission<'_> {
            let admitted = self.breaker.admit();
            admitted.unwrap_or_else(|_| panic!("not let through"))
        }

        fn fares(&self, fared: Fared) -> bool {
            self.admit().settle(fared)
        }

        fn fails(&self) -> bool {
            self.fares(Fared::Badly("It failed.".into()))
        }

        fn is_open(&self) -> bool {
            self.breaker.admit().is_err()
        }

        fn wait(&self, seconds: i64) {
            self.clock.advance(TimeDelta::seconds(seconds));
        }
    }

    #[test]
    fn ten_failures_in_a_row_open_it() {
        let server = Server::new();
        for _ in 0..9 {
            assert!(!server.fails());
        }
        server.fares(Fared::Well);
        for _ in 0..9 {
            assert!(!server.fails());
        }
        assert!(!server.is_open());
        assert!(server.fails());
        let resting = server.breaker.admit().err().expect("refused");
        assert_eq!(resting.message, "It failed.");
        assert!(resting.wait <= FIRST_REST && resting.wait > Duration::from_secs(3));
        assert!(server.breaker.record().is_some());
    }

    #[test]
    fn half_of_many_failing_open_it_and_less_does_not() {
        let server = Server::new();
        for _ in 0..30 {
            server.fares(Fared::Well);
            server.fares(Fared::Well);
            assert!(!server.fails());
        }
        let server = Server::new();
        let opened = (0..10).any(|_| {
            server.fares(Fared::Well);
            server.fails()
        });
        assert!(opened);
        let server = Server::new();
        for _ in 0..10 {
            server.fares(Fared::Well);
            server.wait(31);
            assert!(!server.fails(), "the calls before are long ago");
        }
    }

    #[test]
    fn one_call_is_let_through_and_decides() {
        let server = Server::new();
        while !server.fails() {}
        server.wait(5);
        let first = server.admit();
        assert!(server.is_open(), "one at a time");
        assert!(first.settle(Fared::Badly("Again.".into())));
        server.wait(9);
        assert!(server.is_open(), "twice as long");
        server.wait(1);
        let given_up = server.admit();
        drop(given_up);
        assert!(server.fares(Fared::Well));
        assert!(!server.is_open() && server.breaker.record().is_none());
        assert!(!server.fails(), "what was before is forgotten");
    }

    #[test]
    fn the_rest_is_never_longer_than_a_minute() {
        let server = Server::new();
        while !server.fails() {}
        for _ in 0..40 {
            server.wait(60);
            assert!(server.fails());
        }
        let record = server.breaker.record().expect("open");
        assert!(record.open_until - server.clock.now() <= TimeDelta::seconds(60));
    }

    #[test]
    fn calls_that_began_before_it_opened_change_nothing() {
        let server = Server::new();
        let before = [server.breaker.admit().ok(), server.breaker.admit().ok()];
        while !server.fails() {}
        for (admission, fared) in before.into_iter().flatten().zip([Fared::Well, Fared::Badly("Late.".into())]) {
            assert!(!admission.settle(fared));
        }
        assert!(server.is_open());
    }
}
