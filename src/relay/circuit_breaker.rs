//! The circuit breaker of a connector's API, which spares a failing server and its callers calls in vain.
//!
//! Rule: the circuit opens after [`MAX_CONSECUTIVE_FAILURES`], or when half of many calls in half a minute have failed.
//! While it is open calls are refused at once. Then it is half-open: one call is let through as a probe, and its outcome
//! decides. Failures are those of the server: no connection, time-out, unusable response, 502, 503, 504. A call that its
//! caller cancels counts as neither.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::clock::Clock;

const MAX_CONSECUTIVE_FAILURES: u32 = 10;

/// The failure rate counts from this many calls within the window.
const MIN_CALLS: u32 = 20;

/// The window is divided into buckets.
const BUCKETS: usize = 6;
const BUCKET_SECONDS: u64 = 5;

/// How long the circuit is open at first; doubled with every failed probe, up to the maximum.
const FIRST_OPEN_TIME: Duration = Duration::from_secs(5);
const MAX_OPEN_TIME: Duration = Duration::from_secs(60);

pub(super) struct CircuitBreaker {
    clock: Clock,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    consecutive_failures: u32,
    buckets: [Bucket; BUCKETS],
    open: Option<Open>,
}

#[derive(Clone, Copy, Default)]
struct Bucket {
    number: u64,
    calls: u32,
    failures: u32,
}

struct Open {
    since: DateTime<Utc>,
    /// On the monotonic clock.
    until: Duration,
    failed_probes: u32,
    message: String,
    /// The probe is under way.
    probing: bool,
}

/// The outcome of a call, as far as the server is responsible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Success,
    /// With a sentence about the failure.
    Failure(String),
}

/// The circuit is open, or a probe is under way.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct CircuitOpen {
    pub wait: Duration,
    pub message: String,
}

/// An open circuit as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenRecord {
    pub since: DateTime<Utc>,
    pub open_until: DateTime<Utc>,
    pub message: String,
}

/// A call that was let through. Dropped without [`Admission::record`], it says nothing about the server.
pub(super) struct Admission<'a> {
    breaker: &'a CircuitBreaker,
    is_probe: bool,
}

impl CircuitBreaker {
    pub(super) fn new(clock: &Clock) -> CircuitBreaker {
        CircuitBreaker { clock: clock.clone(), state: Mutex::default() }
    }

    /// Lets a call through, unless the circuit is open.
    pub(super) fn admit(&self) -> Result<Admission<'_>, CircuitOpen> {
        let mut state = self.lock();
        let Some(open) = &mut state.open else {
            return Ok(self.admission(false));
        };
        if let Some(refused) = open.refusal(self.clock.steady()) {
            return Err(refused);
        }
        open.probing = true;
        Ok(self.admission(true))
    }

    /// Whether calls are refused.
    pub(super) fn open(&self) -> Option<CircuitOpen> {
        let state = self.lock();
        state.open.as_ref()?.refusal(self.clock.steady())
    }

    /// What is stored, if the circuit is open.
    pub(super) fn record(&self) -> Option<OpenRecord> {
        let state = self.lock();
        let open = state.open.as_ref()?;
        let left = open.until.saturating_sub(self.clock.steady());
        let left = TimeDelta::from_std(left).unwrap_or_default();
        Some(OpenRecord { since: open.since, open_until: self.clock.now() + left, message: open.message.clone() })
    }

    fn admission(&self, is_probe: bool) -> Admission<'_> {
        Admission { breaker: self, is_probe }
    }

    /// A panic elsewhere leaves the state consistent: each change to it is one step.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Admission<'_> {
    /// Counts the call; true if the circuit opened, closed or stays open for longer, which is to be stored.
    pub(super) fn record(mut self, outcome: Outcome) -> bool {
        let clock = &self.breaker.clock;
        let mut state = self.breaker.lock();
        let was_probe = std::mem::take(&mut self.is_probe);
        let has_changed = match outcome {
            Outcome::Success => state.count_success(clock.steady(), was_probe),
            Outcome::Failure(message) => state.count_failure(clock, message, was_probe),
        };
        drop(state);
        has_changed
    }
}

impl Drop for Admission<'_> {
    fn drop(&mut self) {
        if self.is_probe
            && let Some(open) = &mut self.breaker.lock().open
        {
            open.probing = false;
        }
    }
}

impl Open {
    fn refusal(&self, now: Duration) -> Option<CircuitOpen> {
        (now < self.until || self.probing).then(|| CircuitOpen {
            wait: self.until.saturating_sub(now).max(Duration::from_secs(1)),
            message: self.message.clone(),
        })
    }
}

impl State {
    fn count_success(&mut self, now: Duration, was_probe: bool) -> bool {
        self.consecutive_failures = 0;
        self.bucket(now).calls += 1;
        if was_probe {
            *self = State::default();
        }
        was_probe
    }

    fn count_failure(&mut self, clock: &Clock, message: String, was_probe: bool) -> bool {
        let now = clock.steady();
        if let Some(open) = &mut self.open {
            // Calls that began before it opened change nothing.
            if was_probe {
                open.probing = false;
                open.failed_probes += 1;
                open.until = now + open_time(open.failed_probes);
                open.message = message;
            }
            return was_probe;
        }
        self.consecutive_failures += 1;
        let bucket = self.bucket(now);
        bucket.calls += 1;
        bucket.failures += 1;
        if self.consecutive_failures < MAX_CONSECUTIVE_FAILURES && !self.is_half_failing(now) {
            return false;
        }
        self.open =
            Some(Open { since: clock.now(), until: now + open_time(0), failed_probes: 0, message, probing: false });
        true
    }

    fn bucket(&mut self, now: Duration) -> &mut Bucket {
        let number = now.as_secs() / BUCKET_SECONDS;
        let at = usize::try_from(number).unwrap_or_default() % BUCKETS;
        let bucket = &mut self.buckets[at];
        if bucket.number != number {
            *bucket = Bucket { number, ..Bucket::default() };
        }
        bucket
    }

    fn is_half_failing(&self, now: Duration) -> bool {
        let oldest = (now.as_secs() / BUCKET_SECONDS + 1).saturating_sub(BUCKETS as u64);
        let recent = self.buckets.iter().filter(|bucket| bucket.number >= oldest);
        let (calls, failures) =
            recent.fold((0, 0), |(calls, failures), bucket| (calls + bucket.calls, failures + bucket.failures));
        calls >= MIN_CALLS && failures * 2 >= calls
    }
}

fn open_time(times: u32) -> Duration {
    FIRST_OPEN_TIME.saturating_mul(1 << times.min(10)).min(MAX_OPEN_TIME)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Server {
        breaker: CircuitBreaker,
        clock: Clock,
    }

    impl Server {
        fn new() -> Server {
            let clock = Clock::system();
            Server { breaker: CircuitBreaker::new(&clock), clock }
        }

        fn admit(&self) -> Admission<'_> {
            let admitted = self.breaker.admit();
            admitted.unwrap_or_else(|_| panic!("not let through"))
        }

        fn ends(&self, outcome: Outcome) -> bool {
            self.admit().record(outcome)
        }

        fn fails(&self) -> bool {
            self.ends(Outcome::Failure("It failed.".into()))
        }

        fn is_open(&self) -> bool {
            self.breaker.admit().is_err()
        }

        fn wait(&self, seconds: i64) {
            self.clock.advance(TimeDelta::seconds(seconds));
        }
    }

    #[test]
    fn ten_consecutive_failures_open_it() {
        let server = Server::new();
        for _ in 0..9 {
            assert!(!server.fails());
        }
        server.ends(Outcome::Success);
        for _ in 0..9 {
            assert!(!server.fails());
        }
        assert!(!server.is_open());
        assert!(server.fails());
        let refused = server.breaker.admit().err().expect("refused");
        assert_eq!(refused.message, "It failed.");
        assert!(refused.wait <= FIRST_OPEN_TIME && refused.wait > Duration::from_secs(3));
        assert!(server.breaker.record().is_some());
    }

    #[test]
    fn half_of_many_failing_open_it_and_less_does_not() {
        let server = Server::new();
        for _ in 0..30 {
            server.ends(Outcome::Success);
            server.ends(Outcome::Success);
            assert!(!server.fails());
        }
        let server = Server::new();
        let opened = (0..10).any(|_| {
            server.ends(Outcome::Success);
            server.fails()
        });
        assert!(opened);
        let server = Server::new();
        for _ in 0..10 {
            server.ends(Outcome::Success);
            server.wait(31);
            assert!(!server.fails(), "the calls before are long ago");
        }
    }

    #[test]
    fn one_probe_is_let_through_and_decides() {
        let server = Server::new();
        while !server.fails() {}
        server.wait(5);
        let first = server.admit();
        assert!(server.is_open(), "one at a time");
        assert!(first.record(Outcome::Failure("Again.".into())));
        server.wait(9);
        assert!(server.is_open(), "twice as long");
        server.wait(1);
        let given_up = server.admit();
        drop(given_up);
        assert!(server.ends(Outcome::Success));
        assert!(!server.is_open() && server.breaker.record().is_none());
        assert!(!server.fails(), "what was before is forgotten");
    }

    #[test]
    fn it_is_never_open_for_longer_than_a_minute() {
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
        for (admission, outcome) in
            before.into_iter().flatten().zip([Outcome::Success, Outcome::Failure("Late.".into())])
        {
            assert!(!admission.record(outcome));
        }
        assert!(server.is_open());
    }
}
