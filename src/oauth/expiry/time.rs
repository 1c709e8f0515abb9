//! Lifetimes and points in time as servers write them. Times without a zone are read as UTC.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde_json::Value;

/// The longest lifetime that is believed: 10 years, in seconds. A greater number is no lifetime,
/// but a point in time or a stand-in for "for ever".
pub(super) const LONGEST: f64 = 3_650.0 * 86_400.0;

/// The last second of the year 9999, the last one that every part of the program can show.
pub(super) const LAST_SECOND: f64 = 253_402_300_799.0;

/// The first second of 2000. What is before it is a stand-in for "never".
const FIRST_SECOND: f64 = 946_684_800.0;

/// From here on numbers of Unix time count milliseconds, microseconds and nanoseconds.
const MILLISECONDS: f64 = 1e11;
const MICROSECONDS: f64 = 1e14;
const NANOSECONDS: f64 = 1e17;

/// Units that follow a number, as the package `ms` and the durations of protobuf write them, with their seconds.
const UNITS: [(&str, f64); 17] = [
    ("ms", 0.001),
    ("s", 1.0),
    ("sec", 1.0),
    ("secs", 1.0),
    ("second", 1.0),
    ("seconds", 1.0),
    ("m", 60.0),
    ("min", 60.0),
    ("mins", 60.0),
    ("minute", 60.0),
    ("minutes", 60.0),
    ("h", 3_600.0),
    ("hour", 3_600.0),
    ("hours", 3_600.0),
    ("d", 86_400.0),
    ("day", 86_400.0),
    ("days", 86_400.0),
];

/// Dates with a time and no zone: ISO 8601, and as databases write it.
const ISO: [&str; 3] = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M"];

/// The same with a zone without a colon, which RFC 3339 does not have.
const ISO_ZONED: [&str; 2] = ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%d %H:%M:%S%.f %z"];

pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

/// A lifetime, in units of so many seconds unless it names its own. Zero and negative numbers are how servers say "never",
/// and say nothing certain. A number of milliseconds without anything beside it cannot be distinguished from a long
/// lifetime and is read as the standard says.
pub(super) fn lifetime(value: &Value, unit: f64) -> Option<TimeDelta> {
    let seconds = match number(value) {
        Some(number) => number * unit,
        None => with_unit(value.as_str()?.trim())?,
    };
    if seconds <= 0.0 || seconds > LONGEST {
        return None;
    }
    // In range, so that the conversion is exact but for the fraction of a millisecond.
    TimeDelta::try_milliseconds((seconds * 1_000.0) as i64)
}

fn with_unit(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, unit) = text.split_at(end);
    let unit = unit.trim().to_ascii_lowercase();
    let (_, seconds) = UNITS.iter().find(|(name, _)| *name == unit)?;
    Some(number.parse::<f64>().ok()? * seconds)
}

/// A point in time, if it is one of this century and not more than 10 years ahead.
pub(super) fn point(value: &Value, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let end = match number(value) {
        Some(number) => unix(number)?,
        None => written(value.as_str()?.trim())?,
    };
    let seconds = end.timestamp() as f64;
    let is_near = seconds - now.timestamp() as f64 <= LONGEST;
    (seconds >= FIRST_SECOND && is_near).then_some(end)
}

fn unix(number: f64) -> Option<DateTime<Utc>> {
    let seconds = match number {
        ..FIRST_SECOND => return None,
        ..MILLISECONDS => number,
        ..MICROSECONDS => number / 1e3,
        ..NANOSECONDS => number / 1e6,
        _ => number / 1e9,
    };
    DateTime::from_timestamp(seconds as i64, 0).filter(|_| seconds <= LAST_SECOND)
}

/// RFC 3339, RFC 1123 (RFC 9110 5.6.7), ISO 8601 with and without zone, US dates, and the dates of Microsoft's JSON.
fn written(text: &str) -> Option<DateTime<Utc>> {
    let zoned = |format: &&str| DateTime::parse_from_str(text, format).ok();
    let known = DateTime::parse_from_rfc3339(text).or_else(|_| DateTime::parse_from_rfc2822(text)).ok();
    if let Some(time) = known.or_else(|| ISO_ZONED.iter().find_map(zoned)) {
        return Some(time.to_utc());
    }
    if let Some(number) = text.strip_prefix("/Date(").and_then(|text| text.strip_suffix(")/")) {
        let digits = number.split(['+', '-']).next()?;
        return unix(digits.parse().ok()?);
    }
    let bare = [" UTC", " GMT", " +00:00", "Z"].iter().find_map(|zone| text.strip_suffix(zone)).unwrap_or(text);
    let iso = ISO.iter().find_map(|format| NaiveDateTime::parse_from_str(bare, format).ok());
    iso.or_else(|| slashed(bare)).map(|time| time.and_utc())
}

/// `9/30/2027 1:15:00 PM`; the day first where the month would be none. Some write hours of 24 and AM or PM all the same.
fn slashed(text: &str) -> Option<NaiveDateTime> {
    let mut parts = text.split_ascii_whitespace();
    let (date, time, half) = (parts.next()?, parts.next().unwrap_or("0:00"), parts.next());
    let whole = |text: &str| text.parse::<u32>().ok();
    let date: Vec<u32> = date.split('/').map(whole).collect::<Option<_>>()?;
    let time: Vec<u32> = time.split(':').map(whole).collect::<Option<_>>()?;
    let &[first, second, year] = date.as_slice() else { return None };
    let &[hour, minute, ref rest @ ..] = time.as_slice() else { return None };
    let hour = match half.map(str::to_ascii_uppercase).as_deref() {
        None | Some("AM" | "PM") if hour == 0 || hour > 12 => hour,
        None => hour,
        Some("AM") => hour % 12,
        Some("PM") => hour % 12 + 12,
        Some(_) => return None,
    };
    let day = |month, day| NaiveDate::from_ymd_opt(year.try_into().ok()?, month, day);
    let date = day(first, second).or_else(|| day(second, first))?;
    date.and_hms_opt(hour, minute, rest.first().copied().unwrap_or(0))
}
