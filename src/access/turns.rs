//! Turns of those who are held up by others: whoever has waited for a while is let through once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// So long somebody waits, counted from the first refusal. Long, because each made-up name gets a turn as well.
const WAIT: Duration = Duration::from_secs(5 * 60);
/// Whoever has not come for the turn by then waits anew.
const FORGOTTEN: Duration = Duration::from_secs(60 * 60);
/// Few: each turn costs the check of a password. More than so many wait as one.
const MANY: usize = 1_000;

/// Who waits, in this process.
#[derive(Clone)]
pub(super) struct Turns {
    clock: Clock,
    /// Since when each key waits, by the steady clock.
    since: Arc<Mutex<HashMap<String, Duration>>>,
}

impl Turns {
    pub fn new(clock: &Clock) -> Turns {
        Turns { clock: clock.clone(), since: Arc::default() }
    }

    /// Takes the turn of `key`, which begins to wait if it does not wait yet; an error says how long still.
    pub fn take(&self, key: &str) -> Result<(), Duration> {
        let now = self.clock.steady();
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if since.len() >= MANY && !since.contains_key(key) {
            since.retain(|_, begun| now.saturating_sub(*begun) < FORGOTTEN);
        }
        let is_full = since.len() >= MANY && !since.contains_key(key);
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

    #[test]
    fn trying_again_meanwhile_does_not_begin_the_wait_anew() {
        let clock = Clock::still();
        let turns = Turns::new(&clock);
        for minutes in [5, 4, 3, 2, 1] {
            assert_eq!(turns.take("ana"), Err(Duration::from_secs(minutes * 60)));
            clock.advance(TimeDelta::minutes(1));
        }
        assert_eq!(turns.take("ana"), Ok(()));
        assert_eq!(turns.take("ana"), Err(WAIT));
    }

    #[test]
    fn a_turn_that_nobody_came_for_is_over() {
        let clock = Clock::still();
        let turns = Turns::new(&clock);
        assert!(turns.take("ana").is_err());
        clock.advance(TimeDelta::hours(1));
        assert_eq!(turns.take("ana"), Err(WAIT));
    }

    #[test]
    fn however_many_wait_no_more_than_so_many_are_remembered() {
        let clock = Clock::still();
        let turns = Turns::new(&clock);
        for number in 0..3 * MANY {
            assert!(turns.take(&number.to_string()).is_err());
        }
        assert!(turns.since.lock().expect("no panic").len() <= MANY + 1);
        clock.advance(TimeDelta::minutes(5));
        assert_eq!(turns.take("0"), Ok(()), "one that is remembered");
        assert_eq!(turns.take("late"), Ok(()), "the first of all the others");
        assert!(turns.take("later").is_err());
    }
}
