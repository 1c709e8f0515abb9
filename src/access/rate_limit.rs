//! Rate limits: so many requests of a key at once, then one more after each period; and quotas, which limit the
//! requests of a holder under way and their bodies besides.
//!
//! Rule: over a limit the answer says at once when to try again, and others are not held up. Danger: strangers make up
//! the keys of a rate limit, so their number is bounded. When there is no room, one more costs no more than any other.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock as GovernorClock, ReasonablyRealtime};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::{Quota as GovernorQuota, RateLimiter};
use uuid::Uuid;

use crate::clock::Clock;
use crate::web::Budget;

/// More keys than this count as one, until some of the others have all their tries again.
const MOST_KEYS: usize = 10_000;
/// Looking for keys that have all tries again reads all of them, so it is done once in this time at most.
const SWEEP: Nanos = Nanos::new(1_000_000_000);

/// Counts requests by key, in this process; clones share the counts. No key is locked out for good: one request comes
/// back after each period.
#[derive(Clone)]
pub struct RateLimit<K: Key = String> {
    limiter: Arc<RateLimiter<K, Counts<K>, Ticks, NoOpMiddleware<Nanos>>>,
    counts: Counts<K>,
    /// How long a key that has one try left needs until it has all.
    longest_rest: Duration,
    ticks: Ticks,
}

/// What requests are counted by.
pub trait Key: Clone + Eq + Hash {}

impl<K: Clone + Eq + Hash> Key for K {}

impl<K: Key> RateLimit<K> {
    /// Lets `burst` requests of one key pass at once, and one more after each `period`.
    pub fn new(clock: &Clock, burst: NonZeroU32, period: Duration) -> RateLimit<K> {
        let ticks = Ticks { clock: clock.clone(), start: clock.steady() };
        let quota =
            GovernorQuota::with_period(period).unwrap_or(GovernorQuota::per_minute(NonZeroU32::MIN)).allow_burst(burst);
        let counts = Counts { ticks: ticks.clone(), state: Arc::default() };
        RateLimit {
            limiter: Arc::new(RateLimiter::new(quota, counts.clone(), ticks.clone())),
            counts,
            longest_rest: period * (burst.get() - 1),
            ticks,
        }
    }

    /// Takes one request of `key`; an error says how long until the next.
    pub fn take<Q: ToOwned<Owned = K> + ?Sized>(&self, key: &Q) -> Result<(), Duration> {
        self.limiter.check_key(&key.to_owned()).map_err(|wait| wait.wait_time_from(self.ticks.now()))
    }

    /// How long until `key` has a request, if it has none now. Takes none.
    pub fn wait<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<Duration>
    where
        K: Borrow<Q>,
    {
        let rests_at = Duration::from_nanos(self.counts.lock().of(key)?.as_u64());
        let now = Duration::from_nanos(self.ticks.now().as_u64());
        let rest = rests_at.saturating_sub(now);
        rest.checked_sub(self.longest_rest).filter(|wait| !wait.is_zero())
    }
}

/// The product's clock in governor's terms, so that tests can move it. It cannot be put back: a correction of
/// the machine's time by an hour would keep people out for an hour.
#[derive(Clone)]
struct Ticks {
    clock: Clock,
    start: Duration,
}

impl GovernorClock for Ticks {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let passed = self.clock.steady().saturating_sub(self.start);
        Nanos::from(u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl ReasonablyRealtime for Ticks {}

/// When all requests of each key will have come back, as governor's algorithm wants it. Clones share it.
#[derive(Clone)]
struct Counts<K> {
    ticks: Ticks,
    state: Arc<Mutex<CountsState<K>>>,
}

struct CountsState<K> {
    of_each: HashMap<K, Nanos>,
    /// Of all keys for which there is no room.
    of_others: Option<Nanos>,
    swept_at: Option<Nanos>,
}

impl<K> Default for CountsState<K> {
    fn default() -> CountsState<K> {
        CountsState { of_each: HashMap::new(), of_others: None, swept_at: None }
    }
}

impl<K> Counts<K> {
    fn lock(&self) -> MutexGuard<'_, CountsState<K>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Key> CountsState<K> {
    fn of<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<Nanos>
    where
        K: Borrow<Q>,
    {
        let own = self.of_each.get(key).copied();
        if self.of_each.len() < MOST_KEYS { own } else { own.or(self.of_others) }
    }

    /// Whether a key has a state of its own, or gets one.
    fn has_room(&mut self, key: &K, now: Nanos) -> bool {
        if self.of_each.len() < MOST_KEYS || self.of_each.contains_key(key) {
            return true;
        }
        if self.swept_at.is_none_or(|at| at + SWEEP <= now) {
            self.swept_at = Some(now);
            self.of_each.retain(|_, rests_at| *rests_at > now);
        }
        self.of_each.len() < MOST_KEYS
    }
}

impl<K: Key> StateStore for Counts<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let now = self.ticks.now();
        let mut state = self.lock();
        if state.has_room(key, now) {
            let (outcome, next) = measure(state.of_each.get(key).copied())?;
            state.of_each.insert(key.clone(), next);
            Ok(outcome)
        } else {
            let (outcome, next) = measure(state.of_others)?;
            state.of_others = Some(next);
            Ok(outcome)
        }
    }
}

/// Holders that are remembered before those without a request are dropped.
const MOST_HOLDERS: usize = 10_000;

/// When one of the requests that are under way may have ended.
const A_MOMENT: Duration = Duration::from_secs(1);

/// The limits of each holder of an API key, or of each person.
#[derive(Clone, Copy)]
pub struct QuotaLimits {
    /// Requests at once.
    pub burst: NonZeroU32,
    /// After which one more comes back.
    pub period: Duration,
    /// Requests under way.
    pub at_once: usize,
}

/// The quotas of all holders. One for the process; clones share it.
#[derive(Clone)]
pub struct Quotas {
    limits: QuotaLimits,
    bodies: Arc<Budget>,
    clock: Clock,
    holders: Arc<Mutex<HashMap<Uuid, Arc<Quota>>>>,
}

/// What one holder uses.
struct Quota {
    rate: RateLimit<()>,
    under_way: AtomicUsize,
    bodies: Arc<Budget>,
}

/// A request that counts as under way until this is dropped.
pub struct InUse(Arc<Quota>);

/// Why a request is not taken, with how long until the next may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OverQuota {
    /// Too many in a short time.
    Rate(Duration),
    /// So many are under way.
    AtOnce { most: usize, wait: Duration },
}

impl Quotas {
    /// Each holder has half of `bodies`, the memory for bodies of all of them.
    pub fn new(clock: &Clock, limits: QuotaLimits, bodies: &Arc<Budget>) -> Quotas {
        Quotas { limits, bodies: Arc::clone(bodies), clock: clock.clone(), holders: Arc::default() }
    }

    /// Takes one request of a holder.
    pub fn take(&self, holder: Uuid) -> Result<InUse, OverQuota> {
        let quota = self.of(holder);
        let most = self.limits.at_once;
        let one_more = |count: usize| (count < most).then_some(count + 1);
        let counted = (quota.under_way).fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        if counted.is_err() {
            return Err(OverQuota::AtOnce { most, wait: A_MOMENT });
        }
        let in_use = InUse(quota);
        in_use.0.rate.take(&()).map_err(OverQuota::Rate)?;
        Ok(in_use)
    }

    /// Counts one request of a holder without limits of its own: its requests come from others that have some.
    pub fn count(&self, holder: Uuid) -> InUse {
        let quota = self.of(holder);
        quota.under_way.fetch_add(1, Ordering::Relaxed);
        InUse(quota)
    }

    fn of(&self, holder: Uuid) -> Arc<Quota> {
        let mut holders = self.holders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(quota) = holders.get(&holder) {
            return Arc::clone(quota);
        }
        if holders.len() >= MOST_HOLDERS {
            holders.retain(|_, quota| Arc::strong_count(quota) > 1);
        }
        let quota = Arc::new(Quota {
            rate: RateLimit::new(&self.clock, self.limits.burst, self.limits.period),
            under_way: AtomicUsize::new(0),
            bodies: self.bodies.part(self.bodies.limit() / 2),
        });
        holders.insert(holder, Arc::clone(&quota));
        quota
    }
}

impl InUse {
    /// The holder's part of the memory for bodies.
    pub fn bodies(&self) -> &Arc<Budget> {
        &self.0.bodies
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl OverQuota {
    /// How long until the next request may be taken.
    pub fn wait(self) -> Duration {
        match self {
            OverQuota::Rate(wait) | OverQuota::AtOnce { wait, .. } => wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn two_at_once(clock: &Clock) -> RateLimit {
        RateLimit::new(clock, NonZeroU32::MIN.saturating_add(1), Duration::from_secs(30))
    }

    #[test]
    fn more_keys_than_are_remembered_count_as_one_and_those_that_are_keep_their_own() {
        let clock = Clock::still();
        let limit = two_at_once(&clock);
        let taken = (0..2 * MOST_KEYS).filter(|number| limit.take(&number.to_string()).is_ok()).count();
        assert_eq!(taken, MOST_KEYS + 2, "the others have two tries together");
        assert_eq!(limit.take("0"), Ok(()), "the second of its own");
        assert!(limit.take("0").is_err());
    }

    #[test]
    fn looking_how_long_to_wait_takes_no_try_and_says_what_taking_one_would() {
        let clock = Clock::still();
        let limit = two_at_once(&clock);
        for _ in 0..5 {
            assert_eq!(limit.wait("ana"), None);
        }
        assert!(limit.take("ana").is_ok());
        assert_eq!(limit.wait("ana"), None);
        assert!(limit.take("ana").is_ok());
        for seconds in [30, 20, 10] {
            let wait = Duration::from_secs(seconds);
            assert_eq!(limit.wait("ana"), Some(wait));
            assert_eq!(limit.take("ana"), Err(wait));
            clock.advance(TimeDelta::seconds(10));
        }
        assert_eq!(limit.wait("ana"), None);
        assert_eq!(limit.wait("ben"), None);
    }

    #[test]
    fn keys_that_have_all_tries_make_room() {
        let clock = Clock::still();
        let limit = two_at_once(&clock);
        for number in 0..2 * MOST_KEYS {
            // An error says that there is no room any more.
            _ = limit.take(&number.to_string());
        }
        clock.advance(TimeDelta::seconds(60));
        for late in ["ana", "ben", "eva"] {
            assert_eq!(limit.take(late), Ok(()));
        }
    }

    const ONE: Uuid = Uuid::from_u128(1);
    const TWO: Uuid = Uuid::from_u128(2);

    fn quotas(clock: &Clock, burst: u32, at_once: usize) -> Quotas {
        let limits =
            QuotaLimits { burst: NonZeroU32::new(burst).expect("a number"), period: Duration::from_secs(1), at_once };
        Quotas::new(clock, limits, &Budget::new(1_000_000))
    }

    #[test]
    fn a_holder_has_so_many_requests_in_a_time_and_others_their_own() {
        let clock = Clock::still();
        let quotas = quotas(&clock, 3, 100);
        for _ in 0..3 {
            assert!(quotas.take(ONE).is_ok());
        }
        let refused = quotas.take(ONE).err();
        assert_eq!(refused, Some(OverQuota::Rate(Duration::from_secs(1))));
        assert!(quotas.take(TWO).is_ok());
        clock.advance(TimeDelta::seconds(1));
        assert!(quotas.take(ONE).is_ok() && quotas.take(ONE).is_err());
    }

    #[test]
    fn a_holder_has_so_many_at_once_and_those_that_are_refused_count_for_nothing() {
        let quotas = quotas(&Clock::still(), 4, 2);
        let held = (quotas.take(ONE), quotas.take(ONE));
        for _ in 0..10 {
            let refused = quotas.take(ONE).err();
            assert!(matches!(refused, Some(OverQuota::AtOnce { most: 2, .. })));
        }
        assert!(quotas.take(TWO).is_ok());
        drop(held);
        assert!(quotas.take(ONE).is_ok() && quotas.take(ONE).is_ok());
        assert!(matches!(quotas.take(ONE).err(), Some(OverQuota::Rate(_))));
    }

    #[test]
    fn holders_without_a_request_are_forgotten_when_there_are_many() {
        let quotas = quotas(&Clock::still(), 1, 1);
        let held = quotas.take(ONE);
        for number in 10..3 * MOST_HOLDERS as u128 {
            assert!(quotas.take(Uuid::from_u128(number)).is_ok());
        }
        assert!(quotas.holders.lock().expect("no panic").len() <= MOST_HOLDERS);
        assert!(quotas.take(ONE).is_err(), "it is under way");
        drop(held);
    }
}
