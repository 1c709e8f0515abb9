//! The time zone in which a person reads: the one place that decides in which zone pages show times.
//!
//! Rule: a page and everything on it is read by one person, so the access check sets the zone once around the handler
//! ([`Zone::reads`]) and the words of times are made in it. Outside of a request (background work) it is UTC. Danger:
//! what is stored, audit entries above all, is read by many and must not be in the zone of the one who wrote it.

use chrono::{DateTime, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};

tokio::task_local! {
    /// The zone of the person whose request is answered.
    static READER: Zone;
}

/// A zone of the IANA time zone database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Zone(Tz);

impl Default for Zone {
    fn default() -> Zone {
        Zone(Tz::UTC)
    }
}

impl Zone {
    /// The zone of this name in the database, such as `Europe/Madrid`.
    pub fn parse(name: &str) -> Option<Zone> {
        name.parse().ok().map(Zone)
    }

    /// What a person can choose: UTC and the zones of places, without the database's older names for them.
    pub fn choices() -> impl Iterator<Item = Zone> {
        let older = ["Etc/", "US/", "Canada/", "Brazil/", "Mexico/", "Chile/"];
        let places = TZ_VARIANTS.iter().filter(move |zone| {
            let name = zone.name();
            name.contains('/') && !older.iter().any(|prefix| name.starts_with(prefix))
        });
        std::iter::once(Zone::default()).chain(places.copied().map(Zone))
    }

    /// The name in the database, which is what the account keeps.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// The name as pages show it: `America/New York`.
    pub fn label(self) -> String {
        self.name().replace('_', " ")
    }

    /// Does something, such as answering a request, with this as the reader's zone.
    pub async fn reads<F: Future>(self, answer: F) -> F::Output {
        READER.scope(self, answer).await
    }

    /// The zone of the reader of the page that is being made.
    pub fn of_reader() -> Zone {
        READER.try_with(|zone| *zone).unwrap_or_default()
    }

    /// What the clocks of this zone show at a moment.
    pub fn clock(self, moment: &DateTime<Utc>) -> DateTime<Tz> {
        moment.with_timezone(&self.0)
    }

    /// The moment at which the clocks of this zone show a time: the first one if they show it twice, and the end of the
    /// gap if they leave it out.
    pub fn moment(self, shown: NaiveDateTime) -> Option<DateTime<Utc>> {
        // The longest gap was a day (Samoa, 2011); all begin and end at a quarter of an hour.
        (0..=96)
            .filter_map(|quarter| shown.checked_add_signed(TimeDelta::minutes(15 * quarter)))
            .find_map(|shown| self.0.from_local_datetime(&shown).earliest())
            .map(|moment| moment.to_utc())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(zone: &str, shown: &str) -> String {
        let zone = Zone::parse(zone).expect("a zone");
        let shown = NaiveDateTime::parse_from_str(shown, "%Y-%m-%d %H:%M").expect("a time");
        let moment = zone.moment(shown).expect("a moment");
        moment.format("%Y-%m-%d %H:%M").to_string()
    }

    #[test]
    fn a_typed_time_is_that_of_the_zones_clocks() {
        for (zone, shown, utc) in [
            ("UTC", "2026-11-22 14:30", "2026-11-22 14:30"),
            ("Europe/Madrid", "2026-11-22 14:30", "2026-11-22 13:30"),
            ("Asia/Kathmandu", "2026-11-22 00:00", "2026-11-21 18:15"),
            // Shown twice: the first time.
            ("Europe/Madrid", "2026-10-25 02:30", "2026-10-25 00:30"),
            // Left out: when the clocks go on.
            ("Europe/Madrid", "2026-03-29 02:00", "2026-03-29 01:00"),
            ("Pacific/Apia", "2011-12-30 00:00", "2011-12-30 10:00"),
        ] {
            assert_eq!(moment(zone, shown), utc, "{zone} {shown}");
        }
    }

    #[test]
    fn every_choice_is_a_zone_that_is_found_again() {
        let names: Vec<&str> = Zone::choices().map(Zone::name).collect();
        assert_eq!(names[0], "UTC");
        assert!(names.len() > 300 && names.contains(&"America/New_York"));
        for name in names {
            assert_eq!(Zone::parse(name).map(Zone::name), Some(name));
        }
        assert_eq!(Zone::parse("Mars/Olympus"), None);
    }

    #[tokio::test]
    async fn it_reaches_whatever_is_made_in_it_and_nothing_else() {
        let madrid = Zone::parse("Europe/Madrid").expect("a zone");
        assert_eq!(madrid.reads(async { Zone::of_reader() }).await, madrid);
        assert_eq!(Zone::of_reader(), Zone::default());
    }
}
