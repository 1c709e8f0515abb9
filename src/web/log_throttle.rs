//! A log line that would repeat is written once in a while, with how often it was left out since.
//!
//! Danger: strangers decide what happens, so how much is remembered is bounded.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;

/// After which the same line is written again.
const PERIOD: Duration = Duration::from_secs(60);
/// More lines than this count as one.
const MOST_LINES: usize = 1_000;

/// Says which refusals are worth a line in the log; clones agree.
#[derive(Clone)]
pub struct LogThrottle {
    clock: Clock,
    written: Arc<Mutex<HashMap<String, Written>>>,
}

/// When a line was written last, and how often it was left out since.
struct Written {
    at: Duration,
    left_out: u64,
}

impl LogThrottle {
    pub fn new(clock: &Clock) -> LogThrottle {
        LogThrottle { clock: clock.clone(), written: Arc::default() }
    }

    /// Counts a line: how often it was left out since it was written last, if it is to be written now.
    pub fn note(&self, what: &str) -> Option<u64> {
        let now = self.clock.steady();
        let is_over = |line: &Written| now.saturating_sub(line.at) >= PERIOD;
        let mut all = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST_LINES && !all.contains_key(what) {
            all.retain(|_, line| !is_over(line));
        }
        let is_full = all.len() >= MOST_LINES && !all.contains_key(what);
        let what = if is_full { "" } else { what };
        let Some(line) = all.get_mut(what) else {
            let first = Written { at: now, left_out: 0 };
            all.insert(what.to_string(), first);
            return Some(0);
        };
        if !is_over(line) {
            line.left_out = line.left_out.saturating_add(1);
            return None;
        }
        line.at = now;
        Some(std::mem::take(&mut line.left_out))
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
        let told = (0..3 * MOST_LINES).filter_map(|number| log_throttle.note(&number.to_string()));
        assert_eq!(told.count(), MOST_LINES + 1);
        assert!(log_throttle.written.lock().expect("no panic").len() <= MOST_LINES + 1);
        clock.advance(TimeDelta::minutes(1));
        assert_eq!(log_throttle.note("late"), Some(0), "there is room again");
    }
}
