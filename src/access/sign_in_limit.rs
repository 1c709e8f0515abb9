//! The rate limit of guessing passwords: few tries of one name from one address, and many names from one address only
//! slowly.
//!
//! Rule: no account is locked out for good, and people who have signed in from an address before are not held up by
//! tries from elsewhere. Strangers at an account that is tried from everywhere are on a waitlist. Danger: keys are
//! typed by strangers, so they are short, and their number is bounded.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::RateLimit;
use super::sign_in_guard::network;
use crate::clock::Clock;
use crate::web::LogThrottle;

/// Tries of one name from one address that are free.
const TRIES: NonZeroU32 = NonZeroU32::MIN.saturating_add(7);
/// After which one more comes back.
const PERIOD: Duration = Duration::from_secs(30);
/// Tries from one address, whatever the names, that are free; then one comes back in each [`PERIOD_OF_ALL`].
const TRIES_OF_ALL: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);
const PERIOD_OF_ALL: Duration = Duration::from_secs(1);
/// Tries of one account from all addresses together that are free; then one comes back in each [`PERIOD_OF_ACCOUNT`]
/// for strangers.
const TRIES_OF_ACCOUNT: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);
const PERIOD_OF_ACCOUNT: Duration = Duration::from_secs(60);
/// No user name is longer, in characters, so what stands behind cannot make another account.
const LONGEST: usize = 100;

/// Counts tries in this process.
#[derive(Clone)]
pub struct SignInLimit {
    of_one: RateLimit,
    of_all: RateLimit,
    of_account: RateLimit,
    waitlist: Waitlist,
    alarms: LogThrottle,
}

/// Why a try is not taken, with how long until the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OverLimit {
    /// This name was tried from here too often.
    Name(Duration),
    /// Too many names were tried from here. People who have signed in from here before need not wait for that.
    Address(Duration),
    /// This name was tried too often from all addresses together. People who have signed in from here before need not
    /// wait for that.
    Account(Duration),
}

impl SignInLimit {
    pub fn new(clock: &Clock) -> SignInLimit {
        SignInLimit {
            of_one: RateLimit::new(clock, TRIES, PERIOD),
            of_all: RateLimit::new(clock, TRIES_OF_ALL, PERIOD_OF_ALL),
            of_account: RateLimit::new(clock, TRIES_OF_ACCOUNT, PERIOD_OF_ACCOUNT),
            waitlist: Waitlist::new(clock),
            alarms: LogThrottle::new(clock),
        }
    }

    /// Takes one try of this name from this address.
    pub fn take(&self, address: &str, account: &str) -> Result<(), OverLimit> {
        self.of_all.take(&network(address)).map_err(OverLimit::Address)?;
        self.take_known(address, account).map_err(OverLimit::Name)?;
        self.of_account.take(&cut(account)).map_err(OverLimit::Account)
    }

    /// Takes one try of a person who is signed in, or known to come from here. Others who guess at the same address do
    /// not hold them up. An error says how long until the next.
    pub fn take_known(&self, address: &str, account: &str) -> Result<(), Duration> {
        self.of_one.take(&pair(address, account))
    }

    /// Takes one try of a person who is not known here, while too many names are tried: once a name has waited long
    /// enough it is let through. An error says how long until then.
    pub fn take_from_waitlist(&self, address: &str, account: &str) -> Result<(), Duration> {
        self.wait_in_waitlist(address, account)?;
        self.of_one.take(&pair(address, account))
    }

    /// The same for a person whose try of this name has been counted already.
    pub fn wait_in_waitlist(&self, address: &str, account: &str) -> Result<(), Duration> {
        self.waitlist.take(&pair(address, account))
    }

    /// Whether an alarm is due, because strangers are slowed down at this account: once a minute.
    pub fn is_alarm_due(&self, account: &str) -> bool {
        self.alarms.note(&cut(account)).is_some()
    }
}

/// A network with a name.
fn pair(address: &str, account: &str) -> String {
    format!("{} {}", network(address), cut(account))
}

/// What tells accounts apart, of bounded length.
fn cut(account: &str) -> String {
    let account: String = account.chars().take(LONGEST).collect();
    crate::name::key(&account)
}

/// How long a key waits, counted from the first refusal. Long, because each made-up name is let through as well.
const WAIT: Duration = Duration::from_secs(5 * 60);
/// A client that has not tried again by then waits again.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);
/// Few: each one that is let through costs the check of a password. More than so many wait as one.
const MOST_WAITING: usize = 1_000;

/// Who is held up by others, in this process: once they have waited they are let through once.
#[derive(Clone)]
struct Waitlist {
    clock: Clock,
    /// Since when each key waits, by the steady clock.
    since: Arc<Mutex<HashMap<String, Duration>>>,
}

impl Waitlist {
    fn new(clock: &Clock) -> Waitlist {
        Waitlist { clock: clock.clone(), since: Arc::default() }
    }

    /// Lets `key` through if it has waited long enough; it begins to wait if it does not wait yet. An error says how
    /// long still.
    fn take(&self, key: &str) -> Result<(), Duration> {
        let now = self.clock.steady();
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.len() >= MOST_WAITING && !since.contains_key(key) {
            since.retain(|_, begun| now.saturating_sub(*begun) < FORGOTTEN);
        }
        let is_full = since.len() >= MOST_WAITING && !since.contains_key(key);
        let begun = since.entry(if is_full { String::new() } else { key.into() }).or_insert(now);
        let waited = now.saturating_sub(*begun);
        if waited >= FORGOTTEN {
            *begun = now;
            return Err(WAIT);
        }
        if waited < WAIT {
            return Err(WAIT - waited);
        }
        *begun = now;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const HERE: &str = "192.0.2.7";

    /// A limit of which one address has used up all tries, with a name for each.
    fn exhausted(clock: &Clock) -> SignInLimit {
        let limit = SignInLimit::new(clock);
        for number in 0..TRIES_OF_ALL.get() {
            assert_eq!(limit.take(HERE, &format!("guess{number}")), Ok(()));
        }
        limit
    }

    #[test]
    fn many_names_hold_up_strangers_there_and_nobody_who_is_known_or_elsewhere() {
        let limit = exhausted(&Clock::still());
        let refused = limit.take(HERE, "ana");
        assert!(matches!(refused, Err(OverLimit::Address(wait)) if wait <= PERIOD_OF_ALL));
        assert!(limit.take_from_waitlist(HERE, "ana").is_err(), "a stranger");
        assert_eq!(limit.take_known(HERE, "ana"), Ok(()), "a known one");
        assert_eq!(limit.take("192.0.2.8", "ana"), Ok(()), "another address");
    }

    #[test]
    fn a_known_name_has_no_more_tries_than_any_other() {
        let limit = exhausted(&Clock::still());
        for _ in 0..TRIES.get() {
            assert_eq!(limit.take_known(HERE, "ana"), Ok(()));
        }
        assert!(limit.take_known(HERE, "ana").is_err());
    }

    #[test]
    fn a_stranger_is_let_through_however_long_others_go_on() {
        let clock = Clock::still();
        let limit = exhausted(&clock);
        let wait = limit.take_from_waitlist(HERE, "ana").expect_err("too early");
        clock.advance(TimeDelta::from_std(wait).expect("a wait"));
        while limit.take(HERE, "guess").is_ok() {}
        assert_eq!(limit.take_from_waitlist(HERE, "ana"), Ok(()));
        assert!(limit.take_from_waitlist(HERE, "ana").is_err(), "one for each wait");
        assert!(limit.take_from_waitlist(HERE, "ben").is_err(), "another name");
    }

    #[test]
    fn an_account_that_is_tried_from_everywhere_slows_down_strangers_there_only() {
        let clock = Clock::still();
        let limit = SignInLimit::new(&clock);
        let from = |number: u32| format!("198.51.{}.{}", number / 250, number % 250);
        let taken = (0..1_000).filter(|number| limit.take(&from(*number), "ana").is_ok());
        assert_eq!(taken.count(), 50);
        let refused = limit.take(HERE, "Ana");
        assert!(matches!(refused, Err(OverLimit::Account(wait)) if wait <= PERIOD_OF_ACCOUNT));
        assert_eq!(limit.take(HERE, "ben"), Ok(()), "another account");
        let wait = limit.wait_in_waitlist(HERE, "ana").expect_err("too early");
        clock.advance(TimeDelta::from_std(wait).expect("a wait"));
        assert_eq!(limit.wait_in_waitlist(HERE, "ana"), Ok(()), "the wait ends");
    }

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let limit = SignInLimit::new(&Clock::still());
        for host in 1..=8 {
            assert_eq!(limit.take(&format!("2001:db8::{host}"), "ana"), Ok(()));
        }
        assert!(limit.take("2001:db8::ffff:1", "Ana").is_err());
        assert_eq!(limit.take("2001:db8:0:1::1", "ana"), Ok(()), "the next one");
    }

    #[test]
    fn a_name_that_is_too_long_for_any_account_is_cut() {
        assert!(pair(HERE, &"x".repeat(500_000)).len() < 200);
    }

    #[test]
    fn trying_again_meanwhile_does_not_begin_the_wait_anew() {
        let clock = Clock::still();
        let waitlist = Waitlist::new(&clock);
        for minutes in [5, 4, 3, 2, 1] {
            assert_eq!(waitlist.take("ana"), Err(Duration::from_secs(minutes * 60)));
            clock.advance(TimeDelta::minutes(1));
        }
        assert_eq!(waitlist.take("ana"), Ok(()));
        assert_eq!(waitlist.take("ana"), Err(WAIT));
    }

    #[test]
    fn who_does_not_come_back_waits_anew() {
        let clock = Clock::still();
        let waitlist = Waitlist::new(&clock);
        assert!(waitlist.take("ana").is_err());
        clock.advance(TimeDelta::hours(1));
        assert_eq!(waitlist.take("ana"), Err(WAIT));
    }

    #[test]
    fn however_many_wait_no_more_than_so_many_are_remembered() {
        let clock = Clock::still();
        let waitlist = Waitlist::new(&clock);
        for number in 0..3 * MOST_WAITING {
            assert!(waitlist.take(&number.to_string()).is_err());
        }
        assert!(waitlist.since.lock().expect("no panic").len() <= MOST_WAITING + 1);
        clock.advance(TimeDelta::minutes(5));
        assert_eq!(waitlist.take("0"), Ok(()), "one that is remembered");
        assert_eq!(waitlist.take("late"), Ok(()), "the first of all the others");
        assert!(waitlist.take("later").is_err());
    }
}
