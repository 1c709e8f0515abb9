//! Numbers, dates and durations in words; times are those of the reader's zone.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::zone::Zone;

/// `1204` → `1,204`.
pub fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 data connector`, `1,204 data connectors`.
pub fn plural(number: i64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// The same for the length of a list.
pub fn counted(length: usize, one: &str, many: &str) -> String {
    plural(i64::try_from(length).unwrap_or(i64::MAX), one, many)
}

/// `812 bytes`, `1.2 kB`, `34 MB`
pub fn size(bytes: i64) -> String {
    let scaled = |unit: i64, name: &str| {
        let value = bytes as f64 / unit as f64;
        if value < 10.0 { format!("{value:.1} {name}") } else { format!("{value:.0} {name}") }
    };
    match bytes {
        1 => "1 byte".into(),
        ..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => scaled(1_000, "kB"),
        1_000_000..1_000_000_000 => scaled(1_000_000, "MB"),
        _ => scaled(1_000_000_000, "GB"),
    }
}

/// The beginning of a text that has more than `most` characters, with an ellipsis.
pub fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
        None => text.to_owned(),
    }
}

/// `token server` → `Token server`.
pub fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// `Token server` → `token server`.
pub fn in_sentence(label: &str) -> String {
    let mut letters = label.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// `22 November 2026`.
pub fn date(time: &DateTime<Utc>) -> String {
    on_clock(time, "%-d %B %Y")
}

/// `22 Nov 2026`, for tables.
pub fn short_date(time: &DateTime<Utc>) -> String {
    on_clock(time, "%-d %b %Y")
}

/// `22 November 2026, 23:02 UTC`, `23 November 2026, 00:02 CET`.
pub fn date_time(time: &DateTime<Utc>) -> String {
    with_zone(time, "%-d %B %Y, %H:%M")
}

/// `22 November 2026, 23:02 UTC` for every reader: for what is stored.
pub fn date_time_utc(time: &DateTime<Utc>) -> String {
    time.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// What the reader's clock shows at a time, in another format than the usual ones.
pub fn on_clock(time: &DateTime<Utc>, format: &str) -> String {
    Zone::of_reader().clock(time).format(format).to_string()
}

/// The same with the zone: `CET`, or `UTC+03:00` where the zone's hours have no name.
pub fn with_zone(time: &DateTime<Utc>, format: &str) -> String {
    let shown = Zone::of_reader().clock(time);
    let name = shown.format("%Z").to_string();
    let zone = if name.starts_with(char::is_alphabetic) { name } else { shown.format("UTC%:z").to_string() };
    format!("{} {zone}", shown.format(format))
}

/// For the `datetime` attribute: `2026-11-22T23:02:00Z`.
pub fn iso(time: &DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `in 2 hours`, `3 days ago`, `now`.
pub fn relative(time: &DateTime<Utc>, now: &DateTime<Utc>) -> String {
    let distance = *time - *now;
    let seconds = distance.num_seconds().unsigned_abs();
    if seconds == 0 {
        return "now".into();
    }
    let words = duration_words(Duration::from_secs(seconds));
    if distance > TimeDelta::zero() { format!("in {words}") } else { format!("{words} ago") }
}

/// The size of a duration, rounded: `45 seconds`, `12 minutes`, `3 hours`, `20 days`.
pub fn duration_words(duration: Duration) -> String {
    let seconds = i64::try_from(duration.as_secs().max(1)).unwrap_or(i64::MAX);
    let rounded = |unit: i64| seconds.saturating_add(unit / 2) / unit;
    match seconds {
        ..120 => plural(seconds, "second", "seconds"),
        120..7_200 => plural(rounded(60), "minute", "minutes"),
        7_200..172_800 => plural(rounded(3_600), "hour", "hours"),
        _ => plural(rounded(86_400), "day", "days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn times_are_those_of_the_readers_zone() {
        let time = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        assert_eq!(date_time(&time), "18 November 2026, 11:06 UTC");
        for (zone, words, day) in [
            ("Europe/Madrid", "18 November 2026, 12:06 CET", "18 Nov 2026"),
            ("Pacific/Apia", "19 November 2026, 00:06 UTC+13:00", "19 Nov 2026"),
            ("Pacific/Kiritimati", "19 November 2026, 01:06 UTC+14:00", "19 Nov 2026"),
        ] {
            let zone = Zone::parse(zone).unwrap();
            let seen = async { (date_time(&time), short_date(&time)) };
            assert_eq!(zone.reads(seen).await, (words.into(), day.into()));
            let stored = async { (date_time_utc(&time), iso(&time)) };
            assert_eq!(zone.reads(stored).await, ("18 November 2026, 11:06 UTC".into(), "2026-11-18T11:06:40Z".into()));
        }
    }

    #[test]
    fn numbers_and_times_read_as_words() {
        assert_eq!(grouped(1_204), "1,204");
        assert_eq!(grouped(100), "100");
        assert_eq!(grouped(-1_000_000), "-1,000,000");
        for (bytes, words) in
            [(0, "0 bytes"), (1, "1 byte"), (1_240, "1.2 kB"), (34_000_000, "34 MB"), (5_000_000_000, "5.0 GB")]
        {
            assert_eq!(size(bytes), words);
        }
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        assert_eq!(relative(&(now + TimeDelta::minutes(59)), &now), "in 59 minutes");
        assert_eq!(relative(&(now - TimeDelta::days(3)), &now), "3 days ago");
        assert_eq!(relative(&now, &now), "now");
    }
}
