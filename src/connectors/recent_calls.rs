//! The calls of the last 7 days as a row of the list shows them: the last one, the share of errors, and a small chart.

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Timestamptz, Uuid as SqlUuid};

use super::ConnectorId;
use crate::web::{grouped, plural, relative};

/// The height of the chart, in units of its own.
const HEIGHT: i64 = 16;

/// The width of a bar with the gap behind it.
const PITCH: usize = 6;

/// The calls of a connector in the last 7 days.
#[derive(QueryableByName, Template)]
#[template(path = "connectors/recent_calls.html")]
pub(super) struct RecentCalls {
    #[diesel(sql_type = SqlUuid)]
    pub connector_id: ConnectorId,
    #[diesel(sql_type = Timestamptz)]
    last_at: DateTime<Utc>,
    /// By day, the oldest first.
    #[diesel(sql_type = Array<BigInt>)]
    calls: Vec<i64>,
    #[diesel(sql_type = Array<BigInt>)]
    errors: Vec<i64>,
}

impl HtmlSafe for RecentCalls {}

/// A bar of the chart, in its units.
struct Bar {
    x: usize,
    y: i64,
    height: i64,
    fill: &'static str,
}

impl RecentCalls {
    /// “2 minutes ago”
    pub fn how_long_ago(&self, now: &DateTime<Utc>) -> String {
        relative(&self.last_at, now)
    }

    fn sums(&self) -> (i64, i64) {
        (self.calls.iter().sum(), self.errors.iter().sum())
    }

    /// “3% errors”; `None` without calls in these days.
    fn error_rate(&self) -> Option<String> {
        match self.sums() {
            (0, _) => None,
            (_, 0) => Some("no errors".into()),
            (calls, errors) if errors * 100 < calls => Some("under 1% errors".into()),
            (calls, errors) => Some(format!("{}% errors", errors * 100 / calls)),
        }
    }

    /// “1,204 calls in the last 7 days, 36 errors”
    fn words(&self) -> String {
        let (calls, errors) = self.sums();
        let errors = if errors == 0 { "no errors".into() } else { plural(errors, "error", "errors") };
        format!("{} in the last 7 days, {errors}. By day: {}", plural(calls, "call", "calls"), self.by_day())
    }

    fn by_day(&self) -> String {
        self.calls.iter().map(|calls| grouped(*calls)).collect::<Vec<_>>().join("; ")
    }

    /// The bars of all calls, and over them those of errors.
    fn bars(&self) -> Vec<Bar> {
        let most = self.calls.iter().copied().max().unwrap_or(0).max(1);
        let bars = |counts: &[i64], fill: &'static str| -> Vec<Bar> {
            let counted = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            counted
                .map(|(day, count)| {
                    // The lowest bar can be seen, too.
                    let height = (count.saturating_mul(HEIGHT) / most).clamp(1, HEIGHT);
                    Bar { x: day * PITCH, y: HEIGHT - height, height, fill }
                })
                .collect()
        };
        [bars(&self.calls, "var(--accent)"), bars(&self.errors, "var(--bad)")].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn week(calls: [i64; 7], errors: [i64; 7]) -> RecentCalls {
        let (calls, errors) = (calls.into(), errors.into());
        RecentCalls { connector_id: ConnectorId::nil(), last_at: DateTime::UNIX_EPOCH, calls, errors }
    }

    #[test]
    fn the_share_of_errors_is_never_rounded_to_none() {
        for (calls, errors, words) in
            [(0, 0, None), (7, 0, Some("no errors")), (1_000, 1, Some("under 1% errors")), (100, 3, Some("3% errors"))]
        {
            let week = week([0, 0, 0, 0, 0, 0, calls], [0, 0, 0, 0, 0, 0, errors]);
            assert_eq!(week.error_rate().as_deref(), words);
        }
    }

    #[test]
    fn the_highest_bar_fills_the_chart_and_the_lowest_can_be_seen() {
        let bars = week([1_000, 0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0, 1]).bars();
        assert_eq!(bars.iter().map(|bar| (bar.x, bar.height)).collect::<Vec<_>>(), [(0, 16), (36, 1), (36, 1)]);
    }
}
