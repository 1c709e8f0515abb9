//! Calls counted by the hour: what charts, “last call” and “who used it” read, at the same cost however many calls
//! there were.
//!
//! Besides a row for each hour, connector, endpoint and caller there are totals of each connector, of each caller and
//! of all together.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use uuid::Uuid;

use super::Call;
use super::call::Outcome;

/// Upper bounds of the classes in which times are counted; above the last one is one more class.
pub(super) const BOUNDS: [Duration; 15] = [
    Duration::from_millis(1),
    Duration::from_millis(2),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(60),
];

/// Classes of times.
pub(super) const CLASSES: usize = BOUNDS.len() + 1;

/// Stands in a total for what it is a total of: all callers, all endpoints, all connectors.
pub(super) const ALL: Uuid = Uuid::nil();

/// What a row counts, in the order of its key. Every instance writes rows in this order, so none waits for one that
/// waits for it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct HourKey {
    pub connector: Uuid,
    pub hour: DateTime<Utc>,
    pub endpoint: Uuid,
    pub caller: Uuid,
}

/// What is counted of the calls of a row.
pub(super) struct HourCount<'a> {
    pub calls: i64,
    pub errors: i64,
    /// Answered calls by the class of their time: a refusal takes no time that would say something of the API.
    pub latencies: [i64; CLASSES],
    /// The newest of the calls.
    pub last: &'a Call,
}

/// Counts calls by the rows that they belong to.
pub(super) fn count<'a>(calls: impl Iterator<Item = &'a Call>) -> BTreeMap<HourKey, HourCount<'a>> {
    let mut rows = BTreeMap::new();
    for call in calls {
        let hour = call.at.duration_trunc(TimeDelta::hours(1)).unwrap_or(call.at);
        let endpoint = call.endpoint.as_ref().map_or(ALL, |(id, _)| *id);
        let key = |connector, endpoint, caller| HourKey { connector, hour, endpoint, caller };
        for key in [
            key(call.connector, endpoint, call.caller.id),
            key(call.connector, ALL, ALL),
            key(ALL, ALL, call.caller.id),
            key(ALL, ALL, ALL),
        ] {
            rows.entry(key).or_insert_with(|| HourCount::new(call)).add(call);
        }
    }
    rows
}

impl<'a> HourCount<'a> {
    fn new(first: &'a Call) -> HourCount<'a> {
        HourCount { calls: 0, errors: 0, latencies: [0; CLASSES], last: first }
    }

    fn add(&mut self, call: &'a Call) {
        self.calls += 1;
        self.errors += i64::from(call.is_error());
        if call.outcome == Outcome::Answered {
            self.latencies[class(call.total)] += 1;
        }
        if call.at >= self.last.at {
            self.last = call;
        }
    }
}

/// The class of a time.
fn class(time: Duration) -> usize {
    BOUNDS.partition_point(|bound| *bound < time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_counted_under_the_first_bound_that_it_does_not_exceed() {
        let millis = Duration::from_millis;
        for (time, bound) in
            [(millis(0), 0), (millis(1), 0), (millis(3), 2), (millis(60_000), 14), (millis(60_001), 15)]
        {
            assert_eq!(class(time), bound, "{time:?}");
        }
        assert!(BOUNDS.is_sorted());
    }
}
