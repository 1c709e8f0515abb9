//! When a message is sent, and when it is tried again.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The pauses after failed attempts: those that Standard Webhooks recommends, more than three days in all. A mail
/// server that is down over a weekend loses nothing either.
const PAUSES: [TimeDelta; 9] = [
    TimeDelta::seconds(5),
    TimeDelta::minutes(5),
    TimeDelta::minutes(30),
    TimeDelta::hours(2),
    TimeDelta::hours(5),
    TimeDelta::hours(10),
    TimeDelta::hours(14),
    TimeDelta::hours(20),
    TimeDelta::hours(24),
];

/// The jitter: the most that is added to a pause, as a part of it, so that messages which failed together are not retried
/// together.
const JITTER: f64 = 0.1;

/// A connector that fails is reported after this time: most failures pass, and a mail about each would not be read. The
/// other healths do not pass by themselves and are reported at once.
pub(super) const SETTLING: TimeDelta = TimeDelta::minutes(2);

/// For this long after an event, it is reported that the connector works again. Longer than all attempts to report its
/// beginning.
pub(super) const NEWS: TimeDelta = TimeDelta::days(5);

/// How long one attempt may take, and how long a message is leased for it.
pub(super) const LONGEST_ATTEMPT: Duration = Duration::from_secs(60);
pub(super) const LEASE: TimeDelta = TimeDelta::minutes(3);

/// When to try again after so many attempts; `None` to give up. `asked` is what the receiver asks for at least.
pub(super) fn next_attempt(attempts: i32, asked: Option<Duration>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let at = usize::try_from(attempts).ok()?.checked_sub(1)?;
    let pause = PAUSES.get(at)?;
    let asked = asked.and_then(|asked| TimeDelta::from_std(asked).ok());
    let longest = pause.num_milliseconds() as f64 * JITTER;
    let jitter = TimeDelta::milliseconds((longest * rand::random::<f64>()) as i64);
    Some(now + (*pause).max(asked.unwrap_or_default()) + jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_over_days_and_end() {
        let now = DateTime::UNIX_EPOCH;
        let pause = |attempts| next_attempt(attempts, None, now).map(|at| at - now);
        let mut all = TimeDelta::zero();
        for attempts in 1..=9 {
            let pause = pause(attempts).expect("one more attempt");
            assert!(pause >= PAUSES[attempts as usize - 1], "{attempts}");
            all += pause;
        }
        assert!(all > TimeDelta::days(3) && all < NEWS);
        assert!(pause(10).is_none() && pause(0).is_none());
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_and_not_for_less() {
        let now = DateTime::UNIX_EPOCH;
        let after = |seconds| next_attempt(1, Some(Duration::from_secs(seconds)), now);
        assert!(after(600) >= Some(now + TimeDelta::seconds(600)));
        assert!(after(1) >= Some(now + TimeDelta::seconds(5)));
    }

    #[test]
    fn an_attempt_ends_before_its_lease() {
        assert!(LEASE > TimeDelta::from_std(LONGEST_ATTEMPT).unwrap() * 2);
    }
}
