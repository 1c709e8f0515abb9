//! The filters of the log, as its address has them: a span of time, and which calls.

use chrono::{DateTime, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{CallRow, Outcome};
use crate::access::Visibility;
use crate::connectors::ConnectorId;
use crate::web::{Column, Errors, ListQuery, Row, Zone};

impl Row for CallRow {
    const NOUN: [&'static str; 2] = ["call", "calls"];
    /// The one order of the log.
    const COLUMNS: &'static [Column<CallRow>] =
        &[Column::<CallRow>::time("time", "Time", "at", |row| row.at).called(["newest first", "newest first"])];

    fn id(&self) -> Uuid {
        self.id
    }
}

pub(super) type LogQuery = ListQuery<CallRow>;

/// The names of the filters in the address.
pub(super) const FILTERS: [&str; 8] = ["period", "from", "to", "connector", "caller", "endpoint", "outcome", "status"];

/// The spans that can be chosen: code, label, hours. The second is the default.
pub(super) const PERIODS: [(&str, &str, i64); 4] = [
    ("1h", "Last hour", 1),
    ("24h", "Last 24 hours", 24),
    ("7d", "Last 7 days", 7 * 24),
    ("30d", "Last 30 days", 30 * 24),
];
pub(super) const USUAL: &str = PERIODS[1].0;

/// The choice among the outcomes for all errors.
pub(super) const ERRORS: &str = "errors";

/// Classes of statuses: code, label, first status.
pub(super) const CLASSES: [(&str, &str, i16); 5] = [
    ("1xx", "1xx: information", 100),
    ("2xx", "2xx: success", 200),
    ("3xx", "3xx: redirection", 300),
    ("4xx", "4xx: caller's error", 400),
    ("5xx", "5xx: API's error", 500),
];

/// From a time on, and before another.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Span {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
}

/// A checked filter. Unknown ids find nothing; whatever else is not understood counts as not given.
pub(super) struct CallFilter {
    pub span: Span,
    pub connector: Option<ConnectorId>,
    pub caller: Option<Uuid>,
    pub endpoint: Option<Uuid>,
    pub errors_only: bool,
    pub outcome: Option<Outcome>,
    /// The first status of the class.
    pub class: Option<i16>,
    /// Which connectors' calls are shown; all in the log of one connector, whose visibility was checked before.
    pub visibility: Visibility,
    /// Which connectors are visible to the reader.
    pub reader: Visibility,
}

impl CallFilter {
    /// All calls of a connector whose visibility was checked before.
    pub fn of_connector(connector: ConnectorId, span: Span) -> CallFilter {
        CallFilter {
            span,
            connector: Some(connector),
            caller: None,
            endpoint: None,
            errors_only: false,
            outcome: None,
            class: None,
            visibility: Visibility::All,
            reader: Visibility::All,
        }
    }

    /// What `query` asks at the time `now`, with messages for the times that cannot be read.
    pub fn read(
        query: &LogQuery,
        connector: Option<ConnectorId>,
        reader: Visibility,
        now: DateTime<Utc>,
    ) -> (CallFilter, Errors) {
        let mut errors = Errors::default();
        let id = |name: &str| {
            Some(query.filter(name)).filter(|text| !text.is_empty()).map(|text| text.parse().unwrap_or(Uuid::nil()))
        };
        let outcome = query.filter("outcome");
        let class = CLASSES.iter().find(|(code, ..)| *code == query.filter("status"));
        let filter = CallFilter {
            span: span(query, now, &mut errors),
            connector: connector.or_else(|| id("connector")),
            caller: id("caller"),
            endpoint: id("endpoint"),
            errors_only: outcome == ERRORS,
            outcome: Outcome::parse(outcome),
            class: class.map(|(_, _, first)| *first),
            visibility: connector.map_or(reader, |_| Visibility::All),
            reader,
        };
        (filter, errors)
    }

    /// Whether only calls out of the ordinary can fit: those that were not answered, or with another status than 2xx.
    pub fn is_unusual(&self) -> bool {
        self.errors_only
            || self.outcome.is_some_and(|outcome| outcome != Outcome::Answered)
            || self.class.is_some_and(|first| first != 200)
    }
}

/// The label of the period in use, if it is one of those to choose.
pub(super) fn period(query: &LogQuery) -> (&'static str, &'static str, i64) {
    let chosen = PERIODS.iter().find(|(code, ..)| *code == query.filter("period"));
    *chosen.unwrap_or(&PERIODS[1])
}

/// Whether the span is typed instead of chosen.
pub(super) fn is_typed(query: &LogQuery) -> bool {
    !query.filter("from").is_empty() || !query.filter("to").is_empty()
}

fn span(query: &LogQuery, now: DateTime<Utc>, errors: &mut Errors) -> Span {
    // A second ahead, for the clock of another instance.
    let ahead = now + TimeDelta::seconds(1);
    let back = |end: DateTime<Utc>, hours| end.checked_sub_signed(TimeDelta::hours(hours)).unwrap_or(end);
    if !is_typed(query) {
        let (_, _, hours) = period(query);
        return Span { from: back(now, hours), to: ahead };
    }
    let mut typed = |name: &str, label: &str, end_of_day| {
        let text = query.filter(name).trim().to_string();
        let time = read_time(&text, end_of_day);
        if time.is_none() && !text.is_empty() {
            errors.add(name, format!("{label} must be a day or a time such as 2026-11-22 or 2026-11-22 14:30"));
        }
        time
    };
    let (from, to) = (typed("from", "From", false), typed("to", "To", true));
    let to = to.unwrap_or(ahead);
    let from = from.unwrap_or_else(|| back(to, 24));
    if from >= to {
        errors.add("to", "To must be later than From");
    }
    Span { from, to }
}

/// `2026-11-22`, `2026-11-22 14:30`, `2026-11-22T14:30:05` on the reader's clock; with a `Z` at the end in UTC. A day
/// as an end is meant with all of its hours.
fn read_time(text: &str, end_of_day: bool) -> Option<DateTime<Utc>> {
    let (text, zone) = match text.strip_suffix(['Z', 'z']) {
        Some(text) => (text, Zone::default()),
        None => (text, Zone::of_reader()),
    };
    let text = text.replace(['T', 't'], " ");
    if let Ok(day) = NaiveDate::parse_from_str(&text, "%Y-%m-%d") {
        let day = if end_of_day { day.checked_add_days(Days::new(1))? } else { day };
        return in_range(day.and_time(NaiveTime::MIN), zone);
    }
    ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(&text, format).ok())
        .and_then(|time| in_range(time, zone))
}

/// The years in which there can be calls; PostgreSQL knows fewer years than chrono.
fn in_range(time: NaiveDateTime, zone: Zone) -> Option<DateTime<Utc>> {
    use chrono::Datelike;
    let is_near = (2000..3000).contains(&time.year());
    is_near.then(|| zone.moment(time)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> (CallFilter, Errors) {
        let now = read_time("2026-11-22 14:30", false).expect("a time");
        CallFilter::read(&ListQuery::parse("/calls", query, &FILTERS), None, Visibility::All, now)
    }

    #[test]
    fn a_span_is_chosen_or_typed() {
        for (query, from, to) in [
            ("", "2026-11-21 14:30", "2026-11-22 14:30:01"),
            ("period=1h", "2026-11-22 13:30", "2026-11-22 14:30:01"),
            ("period=rubbish", "2026-11-21 14:30", "2026-11-22 14:30:01"),
            ("period=1h&from=2026-11-20&to=2026-11-20", "2026-11-20 00:00", "2026-11-21 00:00"),
            ("to=2026-11-20T08:00Z", "2026-11-19 08:00", "2026-11-20 08:00"),
        ] {
            let (filter, errors) = read(query);
            assert!(!errors.any(), "{query}");
            assert_eq!(
                (Some(filter.span.from), Some(filter.span.to)),
                (read_time(from, false), read_time(to, false)),
                "{query}"
            );
        }
    }

    #[test]
    fn a_time_that_cannot_be_read_is_said_at_its_field() {
        for (query, field) in [
            ("from=yesterday", "from"),
            ("to=2026-13-01", "to"),
            ("to=99999-01-01", "to"),
            ("from=0001-01-01", "from"),
            ("from=2026-11-22&to=2026-11-20", "to"),
        ] {
            assert!(read(query).1.get(field).is_some(), "{query}");
        }
    }

    #[test]
    fn an_id_that_is_none_finds_nothing_rather_than_everything() {
        assert_eq!(read("connector=rubbish").0.connector, Some(Uuid::nil()));
        assert_eq!(read("connector=").0.connector, None);
    }
}
