//! A brake on guessing: so many tries at once, then one now and again, by account and by address.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, ReasonablyRealtime};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::{Quota, RateLimiter};

use super::counts::Counts;
use crate::clock::Clock;

/// After the burst, one more try in this time.
const REFILL: Duration = Duration::from_secs(30);

/// Counts tries by key, in this process. Nobody is locked out for good: a try comes back every 30 seconds.
#[derive(Clone)]
pub struct Throttle {
    limiter: Arc<RateLimiter<String, Counts, Ticks, NoOpMiddleware<Nanos>>>,
    counts: Counts,
    /// How long a key that has one try left needs until it has all.
    longest_rest: Duration,
    ticks: Ticks,
}

impl Throttle {
    /// A brake that lets `burst` tries of one key pass at once.
    pub fn new(clock: &Clock, burst: NonZeroU32) -> Throttle {
        Throttle::every(clock, REFILL, burst)
    }

    /// The same where one more try comes back after each `refill`.
    pub fn every(clock: &Clock, refill: Duration, burst: NonZeroU32) -> Throttle {
        let ticks = Ticks::new(clock);
        let quota = Quota::with_period(refill).unwrap_or(Quota::per_minute(NonZeroU32::MIN)).allow_burst(burst);
        let counts = Counts::new(ticks.clone());
        Throttle {
            limiter: Arc::new(RateLimiter::new(quota, counts.clone(), ticks.clone())),
            counts,
            longest_rest: refill * (burst.get() - 1),
            ticks,
        }
    }

    /// A brake on requests that one person sends to other servers: enough for trying out, too few for guessing the
    /// passwords of others there or for looking round the network.
    pub fn for_outbound(clock: &Clock) -> Throttle {
        Throttle::new(clock, NonZeroU32::MIN.saturating_add(29))
    }

    /// Takes one try of `key`; an error says how long until the next.
    pub fn take(&self, key: &str) -> Result<(), Duration> {
        self.limiter.check_key(&key.to_string()).map_err(|wait| wait.wait_time_from(self.ticks.now()))
    }

    /// How long until `key` has a try, if it has none now. Takes none.
    pub fn wait(&self, key: &str) -> Option<Duration> {
        let rests_at = Duration::from_nanos(self.counts.rests_at(key)?.as_u64());
        let now = Duration::from_nanos(self.ticks.now().as_u64());
        let rest = rests_at.saturating_sub(now);
        rest.checked_sub(self.longest_rest).filter(|wait| !wait.is_zero())
    }
}

/// The product's clock in governor's terms, so that tests can move it. Nobody can put it back: the machine's time that
/// is corrected by an hour would keep people out for an hour.
#[derive(Clone)]
pub(super) struct Ticks {
    clock: Clock,
    start: Duration,
}

impl Ticks {
    pub fn new(clock: &Clock) -> Ticks {
        Ticks { clock: clock.clone(), start: clock.steady() }
    }
}

impl GovernorClock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let passed = self.clock.steady().saturating_sub(self.start);
        Nanos::from(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl ReasonablyRealtime for Ticks {}

#[cfg(test)]
mod tests {
    use super::super::counts::MANY;
    use super::*;

    fn two_at_once(clock: &Clock) -> Throttle {
        Throttle::new(clock, NonZeroU32::MIN.saturating_add(1))
    }

    #[test]
    fn more_keys_than_are_remembered_count_as_one_and_those_that_are_keep_their_own() {
        let clock = Clock::still();
        let brake = two_at_once(&clock);
        let taken = (0..2 * MANY).filter(|number| brake.take(&number.to_string()).is_ok()).count();
        assert_eq!(taken, MANY + 2, "the others have two tries together");
        assert_eq!(brake.take("0"), Ok(()), "the second of its own");
        assert!(brake.take("0").is_err());
    }

    #[test]
    fn looking_how_long_to_wait_takes_no_try_and_says_what_taking_one_would() {
        let clock = Clock::still();
        let brake = two_at_once(&clock);
        for _ in 0..5 {
            assert_eq!(brake.wait("ana"), None);
        }
        assert!(brake.take("ana").is_ok());
        assert_eq!(brake.wait("ana"), None);
        assert!(brake.take("ana").is_ok());
        for seconds in [30, 20, 10] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(brake.wait("ana"), Some(wait));
            assert_eq!(brake.take("ana"), Err(wait));
            clock.advance(chrono::TimeDelta::seconds(10));
        }
        assert_eq!(brake.wait("ana"), None);
        assert_eq!(brake.wait("ben"), None);
    }

    #[test]
    fn keys_at_rest_make_room() {
        let clock = Clock::still();
        let brake = two_at_once(&clock);
        for number in 0..2 * MANY {
            // An error says that there is no room any more.
            _ = brake.take(&number.to_string());
        }
        clock.advance(chrono::TimeDelta::seconds(60));
        for late in ["ana", "ben", "eva"] {
            assert_eq!(brake.take(late), Ok(()));
        }
    }
}
