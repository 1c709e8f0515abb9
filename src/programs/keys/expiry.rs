//! When a key ends: after some days, on a date, or never.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};

use crate::db::text_enum;
use crate::web::{Radio, Zone};

/// How far ahead a date may be, in days.
const FURTHEST: u64 = 3660;

text_enum! {
    /// What the form offers.
    pub(super) enum Expiry {
        /// Only for a stored key.
        Keep = "keep", "As it is";
        Days30 = "30", "In 30 days";
        Days90 = "90", "In 90 days";
        Year = "365", "In a year";
        Date = "date", "On a date";
        Never = "never", "Never";
    }
}

const NEVER: &str = "Not advised: a leaked key stays valid until it is noticed and revoked.";

/// Why a date is refused; each message says what to do.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum DateProblem {
    #[error("Enter the date on which the key expires")]
    Empty,
    #[error("Enter the date as year, month and day, such as 2027-03-31")]
    Unreadable,
    #[error("Enter a date after today")]
    Past,
    #[error("Enter a date within the next ten years, or choose Never")]
    Far,
}

impl Expiry {
    /// The choices of the form; `kept` is the current expiry of a stored key as text.
    pub fn choices(kept: Option<String>) -> Vec<Radio> {
        let choice = |expiry: Expiry| match (expiry, &kept) {
            (Expiry::Keep, None) => None,
            (Expiry::Keep, Some(words)) => Some(Radio::new("keep", format!("As it is: {words}"), "")),
            (Expiry::Never, _) => Some(Radio::new("never", "Never", NEVER)),
            _ => Some(Radio::new(expiry.code(), expiry.label(), "")),
        };
        Expiry::ALL.into_iter().filter_map(choice).collect()
    }

    /// The moment that is meant; `kept` is the present one, `date` what was typed beside “On a date”.
    pub fn moment(
        self,
        kept: Option<DateTime<Utc>>,
        date: &str,
        now: DateTime<Utc>,
    ) -> Result<Option<DateTime<Utc>>, DateProblem> {
        let days = |days| Ok(Some(now + TimeDelta::days(days)));
        match self {
            Expiry::Keep => Ok(kept),
            Expiry::Days30 => days(30),
            Expiry::Days90 => days(90),
            Expiry::Year => days(365),
            Expiry::Date => end_of(date, now).map(Some),
            Expiry::Never => Ok(None),
        }
    }
}

/// The last second of a typed day on the reader's clock.
fn end_of(typed: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, DateProblem> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(DateProblem::Empty);
    }
    let read = |format| NaiveDate::parse_from_str(typed, format).ok();
    let day = read("%Y-%m-%d").or_else(|| read("%d %B %Y")).ok_or(DateProblem::Unreadable)?;
    let zone = Zone::of_reader();
    let today = zone.clock(&now).date_naive();
    if day <= today {
        return Err(DateProblem::Past);
    }
    if today.checked_add_days(Days::new(FURTHEST)).is_none_or(|last| day > last) {
        return Err(DateProblem::Far);
    }
    day.and_hms_opt(23, 59, 59).and_then(|end| zone.moment(end)).ok_or(DateProblem::Unreadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        "2026-11-24T10:00:00Z".parse().unwrap()
    }

    #[test]
    fn a_typed_day_ends_at_its_last_second() {
        for typed in ["2027-03-31", " 31 March 2027 "] {
            let end = Expiry::Date.moment(None, typed, now()).unwrap();
            assert_eq!(end.unwrap().to_rfc3339(), "2027-03-31T23:59:59+00:00");
        }
    }

    #[test]
    fn what_is_no_day_to_come_says_what_to_enter() {
        for (typed, problem) in [
            ("", DateProblem::Empty),
            ("tomorrow", DateProblem::Unreadable),
            ("2027-02-30", DateProblem::Unreadable),
            ("2026-11-24", DateProblem::Past),
            ("0000-01-01", DateProblem::Past),
            ("2999-01-01", DateProblem::Far),
            ("262142-12-31", DateProblem::Unreadable),
            ("99999999999-01-01", DateProblem::Unreadable),
        ] {
            let end = Expiry::Date.moment(None, typed, now());
            assert_eq!(end, Err(problem), "{typed}");
        }
    }

    #[test]
    fn every_choice_has_its_code() {
        for choice in Expiry::choices(Some("Never".into())) {
            assert!(Expiry::parse(choice.code()).is_some(), "{}", choice.code());
        }
        assert_eq!(Expiry::parse("31"), None);
        assert_eq!(Expiry::Never.moment(Some(now()), "", now()), Ok(None));
        assert_eq!(Expiry::Keep.moment(Some(now()), "", now()), Ok(Some(now())));
        let in_a_month = now() + TimeDelta::days(30);
        assert_eq!(Expiry::Days30.moment(None, "", now()), Ok(Some(in_a_month)));
    }
}
