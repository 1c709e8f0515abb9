//! What happens again and again is told once in a while, with how often it has happened since.
//!
//! Danger: strangers decide what happens, so how much is remembered is bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// The same thing is told again after so long.
const AGAIN: Duration = Duration::from_secs(60);
/// More things than this are told as one.
const MANY: usize = 1_000;

/// Says which refusals are worth a line in the log; clones agree.
#[derive(Clone)]
pub struct LogThrottle {
    clock: Clock,
    told: Arc<Mutex<HashMap<String, Told>>>,
}

/// When something was told last, and how often it was left out since.
struct Told {
    at: Duration,
    left_out: u64,
}

impl LogThrottle {
    pub fn new(clock: &Clock) -> LogThrottle {
        LogThrottle { clock: clock.clone(), told: Arc::default() }
    }

    /// Notes that `what` has happened: how often it was left out since it was told last, if it is to be told now.
    pub fn note(&self, what: &str) -> Option<u64> {
        let now = self.clock.steady();
        let is_over = |told: &Told| now.saturating_sub(told.at) >= AGAIN;
        let mut all = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MANY && !all.contains_key(what) {
            all.retain(|_, told| !is_over(told));
        }
        let is_full = all.len() >= MANY && !all.contains_key(what);
        let what = if is_full { "" } else { what };
        let Some(told) = all.get_mut(what) else {
            let first = Told { at: now, left_out: 0 };
            all.insert(what.to_string(), first);
            return Some(0);
        };
        if !is_over(told) {
            told.left_out = told.left_out.saturating_add(1);
            return None;
        }
        told.at = now;
        Some(std::mem::take(&mut told.left_out))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    #[test]
    fn the_first_is_told_and_after_a_minute_how_many_were_not() {
        let clock = Clock::still();
        let log_throttle = LogThrottle::new(&clock);
        assert_eq!(log_throttle.note("192.0.2.7"), Some(0));
        for _ in 0..1_000 {
            assert_eq!(log_throttle.note("192.0.2.7"), None);
        }
        assert_eq!(log_throttle.note("192.0.2.8"), Some(0), "another one");
        clock.advance(TimeDelta::minutes(1));
        assert_eq!(log_throttle.note("192.0.2.7"), Some(1_000));
        assert_eq!(log_throttle.note("192.0.2.7"), None);
    }

    #[test]
    fn more_than_are_remembered_are_told_as_one() {
        let clock = Clock::still();
        let log_throttle = LogThrottle::new(&clock);
        let told = (0..3 * MANY).filter_map(|number| log_throttle.note(&number.to_string()));
        assert_eq!(told.count(), MANY + 1);
        assert!(log_throttle.told.lock().expect("no panic").len() <= MANY + 1);
        clock.advance(TimeDelta::minutes(1));
        assert_eq!(log_throttle.note("late"), Some(0), "there is room again");
    }
}
