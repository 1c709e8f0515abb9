//! The brake on guessing passwords: few tries of one name from one address, and many names from one address only
//! slowly.
//!
//! Rule: nobody is locked out for good, and nobody who is known to come from an address by tries from elsewhere.
//! Strangers at an account that is tried from everywhere wait for a turn. Danger: whatever a key is made of was typed
//! by a stranger, so it is short, and how many are remembered is bounded.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Throttle;
use super::sign_in_places::network;
use super::turns::Turns;
use crate::clock::Clock;
use crate::web::LogThrottle;

/// Tries of one name from one address that are free.
const TRIES: NonZeroU32 = NonZeroU32::MIN.saturating_add(7);
/// Tries from one address, whatever the names, that are free; then one comes back in each [`REFILL`].
const TRIES_OF_ALL: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);
const REFILL: Duration = Duration::from_secs(1);
/// Tries of one account from all addresses together that are free; then one comes back in each [`ACCOUNT_REFILL`] for
/// strangers.
const TRIES_OF_ACCOUNT: NonZeroU32 = NonZeroU32::MIN.saturating_add(49);
const ACCOUNT_REFILL: Duration = Duration::from_secs(60);
/// No user name is longer, in characters, so what stands behind cannot make another account.
const LONGEST: usize = 100;

/// Counts tries in this process.
#[derive(Clone)]
pub struct SignInBrake {
    of_one: Throttle,
    of_all: Throttle,
    of_account: Throttle,
    turns: Turns,
    alarms: LogThrottle,
}

/// Why a try is not taken, with how long until the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Braked {
    /// This name was tried from here too often.
    Name(Duration),
    /// Too many names were tried from here. Whoever is known to come from here need not wait for that.
    Address(Duration),
    /// This name was tried too often from all addresses together. Whoever is known to come from here need not wait for
    /// that.
    Account(Duration),
}

impl SignInBrake {
    pub fn new(clock: &Clock) -> SignInBrake {
        SignInBrake {
            of_one: Throttle::new(clock, TRIES),
            of_all: Throttle::every(clock, REFILL, TRIES_OF_ALL),
            of_account: Throttle::every(clock, ACCOUNT_REFILL, TRIES_OF_ACCOUNT),
            turns: Turns::new(clock),
            alarms: LogThrottle::new(clock),
        }
    }

    /// Takes one try of this name from this address.
    pub(super) fn take(&self, address: &str, account: &str) -> Result<(), Braked> {
        self.of_all.take(&network(address)).map_err(Braked::Address)?;
        self.take_known(address, account).map_err(Braked::Name)?;
        self.of_account.take(&cut(account)).map_err(Braked::Account)
    }

    /// Takes one try of somebody who is signed in, or known to come from here. Others who guess at the same address do
    /// not hold them up. An error says how long until the next.
    pub(super) fn take_known(&self, address: &str, account: &str) -> Result<(), Duration> {
        self.of_one.take(&pair(address, account))
    }

    /// Takes one try of somebody who is not known here, while too many names are tried: once a name has waited for its
    /// turn it is let through. An error says how long until then.
    pub(super) fn take_turn(&self, address: &str, account: &str) -> Result<(), Duration> {
        self.wait_for_turn(address, account)?;
        self.of_one.take(&pair(address, account))
    }

    /// Takes the turn of somebody whose try of this name has been counted already.
    pub(super) fn wait_for_turn(&self, address: &str, account: &str) -> Result<(), Duration> {
        self.turns.take(&pair(address, account))
    }

    /// Whether the person is to be told that strangers are slowed down at this account: once a minute.
    pub(super) fn is_alarm_due(&self, account: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const HERE: &str = "192.0.2.7";

    /// A brake of which one address has used up all tries, with a name for each.
    fn exhausted(clock: &Clock) -> SignInBrake {
        let brake = SignInBrake::new(clock);
        for number in 0..TRIES_OF_ALL.get() {
            assert_eq!(brake.take(HERE, &format!("guess{number}")), Ok(()));
        }
        brake
    }

    #[test]
    fn many_names_hold_up_strangers_there_and_nobody_who_is_known_or_elsewhere() {
        let brake = exhausted(&Clock::still());
        let refused = brake.take(HERE, "ana");
        assert!(matches!(refused, Err(Braked::Address(wait)) if wait <= REFILL));
        assert!(brake.take_turn(HERE, "ana").is_err(), "a stranger");
        assert_eq!(brake.take_known(HERE, "ana"), Ok(()), "a known one");
        assert_eq!(brake.take("192.0.2.8", "ana"), Ok(()), "another address");
    }

    #[test]
    fn a_known_name_has_no_more_tries_than_any_other() {
        let brake = exhausted(&Clock::still());
        for _ in 0..TRIES.get() {
            assert_eq!(brake.take_known(HERE, "ana"), Ok(()));
        }
        assert!(brake.take_known(HERE, "ana").is_err());
    }

    #[test]
    fn a_stranger_gets_a_turn_however_long_others_go_on() {
        let clock = Clock::still();
        let brake = exhausted(&clock);
        let wait = brake.take_turn(HERE, "ana").expect_err("too early");
        clock.advance(TimeDelta::from_std(wait).expect("a wait"));
        while brake.take(HERE, "guess").is_ok() {}
        assert_eq!(brake.take_turn(HERE, "ana"), Ok(()));
        assert!(brake.take_turn(HERE, "ana").is_err(), "one for each wait");
        assert!(brake.take_turn(HERE, "ben").is_err(), "another name");
    }

    #[test]
    fn an_account_that_is_tried_from_everywhere_slows_down_strangers_there_only() {
        let clock = Clock::still();
        let brake = SignInBrake::new(&clock);
        let from = |number: u32| format!("198.51.{}.{}", number / 250, number % 250);
        let taken = (0..1_000).filter(|number| brake.take(&from(*number), "ana").is_ok());
        assert_eq!(taken.count(), 50);
        let refused = brake.take(HERE, "Ana");
        assert!(matches!(refused, Err(Braked::Account(wait)) if wait <= ACCOUNT_REFILL));
        assert_eq!(brake.take(HERE, "ben"), Ok(()), "another account");
        let wait = brake.wait_for_turn(HERE, "ana").expect_err("too early");
        clock.advance(TimeDelta::from_std(wait).expect("a wait"));
        assert_eq!(brake.wait_for_turn(HERE, "ana"), Ok(()), "nobody for good");
    }

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let brake = SignInBrake::new(&Clock::still());
        for host in 1..=8 {
            assert_eq!(brake.take(&format!("2001:db8::{host}"), "ana"), Ok(()));
        }
        assert!(brake.take("2001:db8::ffff:1", "Ana").is_err());
        assert_eq!(brake.take("2001:db8:0:1::1", "ana"), Ok(()), "the next one");
    }

    #[test]
    fn a_name_that_is_too_long_for_any_account_is_cut() {
        assert!(pair(HERE, &"x".repeat(500_000)).len() < 200);
    }
}
