//! The brake on guessing passwords: few tries of one name from one address, and many names from one address only slowly.
//!
//! Rule: nobody is locked out for good, and no name by tries from elsewhere. Danger: whatever a key is made of was typed by a
//! stranger, so it is short and its number is bounded.

use std::collections::HashSet;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Throttle;
use crate::clock::Clock;

/// Tries of one name from one address that are free.
const TRIES: NonZeroU32 = NonZeroU32::MIN.saturating_add(7);
/// Tries from one address, whatever the names, that are free; then one comes back in each [`REFILL`].
const TRIES_OF_ALL: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);
const REFILL: Duration = Duration::from_secs(1);
/// No user name is longer, in characters, so what stands behind cannot make another account.
const LONGEST: usize = 100;
/// More pairs of a name and an address than this are not remembered.
const MANY: usize = 10_000;

/// Counts tries in this process.
#[derive(Clone)]
pub struct SignInBrake {
    of_one: Throttle,
    of_all: Throttle,
    /// Who has come in from where. Somebody who guesses at the same address does not hold them up.
    known: Arc<Mutex<HashSet<String>>>,
}

impl SignInBrake {
    pub fn new(clock: &Clock) -> SignInBrake {
        SignInBrake {
            of_one: Throttle::new(clock, TRIES),
            of_all: Throttle::every(clock, REFILL, TRIES_OF_ALL),
            known: Arc::default(),
        }
    }

    /// Takes one try of this name from this address; an error says how long until the next.
    pub fn take(&self, address: &str, account: &str) -> Result<(), Duration> {
        let (network, pair) = keys(address, account);
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = known.contains(&pair);
        drop(known);
        if !is_known {
            self.of_all.take(&network)?;
        }
        self.of_one.take(&pair)
    }

    /// Takes one try of somebody who is signed in and enters the own password again.
    pub fn take_again(&self, address: &str, account: &str) -> Result<(), Duration> {
        self.of_one.take(&keys(address, account).1)
    }

    /// Remembers that the owner of this name has come in from this address.
    pub fn let_in(&self, address: &str, account: &str) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MANY {
            known.clear();
        }
        known.insert(keys(address, account).1);
    }
}

/// The network that an address stands for, and its pair with a name. Whoever has one IPv6 address has all of its /64.
fn keys(address: &str, account: &str) -> (String, String) {
    let network = match address.parse() {
        Ok(IpAddr::V6(own)) => {
            Ipv6Addr::from_bits(own.to_bits() & !u128::from(u64::MAX)).to_string()
        }
        _ => address.to_string(),
    };
    let account: String = account.chars().take(LONGEST).collect();
    let pair = format!("{network} {}", crate::name::key(&account));
    (network, pair)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_ipv6_network_counts_as_one_address() {
        let brake = SignInBrake::new(&Clock::system());
        for host in 1..=8 {
            assert!(brake.take(&format!("2001:db8::{host}"), "ana").is_ok());
        }
        assert!(brake.take("2001:db8::ffff:1", "Ana").is_err());
        assert!(brake.take("2001:db8:0:1::1", "ana").is_ok(), "the next one");
    }

    #[test]
    fn a_name_that_is_too_long_for_any_account_is_cut() {
        let (_, pair) = keys("192.0.2.7", &"x".repeat(500_000));
        assert!(pair.len() < 200);
    }
}
