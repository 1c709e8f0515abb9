//! The calendar file (RFC 5545): an event for each end.

use chrono::{DateTime, Utc};
use icalendar::{Calendar, Component, Event, EventLike, Property};
use uuid::Uuid;

use super::model::Expiration;
use crate::db::StoredValueError;
use crate::web::PublicAddress;

/// The file of these ends as they are at `now`. An end that moves keeps its UID, so calendars move the event.
pub(super) fn file(
    ends: &[Expiration],
    reader: Option<Uuid>,
    address: &PublicAddress,
    now: DateTime<Utc>,
) -> Result<String, StoredValueError> {
    let mut calendar = Calendar::empty();
    calendar.append_property(Property::new("VERSION", "2.0"));
    calendar.append_property(Property::new("PRODID", "-//Connectory//Expirations//EN"));
    calendar.append_property(Property::new("CALSCALE", "GREGORIAN"));
    calendar.name("Connectory: expirations");
    for end in ends {
        let mut event = Event::new();
        event
            .uid(&format!("{}@connectory", end.id))
            .timestamp(now)
            .starts(end.ends_at)
            .summary(&on_one_line(&format!("{} ends: {}", end.what()?, end.label)));
        if let Some(href) = end.href(reader) {
            event.url(&format!("{address}{href}"));
        }
        calendar.push(event.done());
    }
    Ok(calendar.to_string())
}

/// Without control characters, which the format has no escape for.
fn on_one_line(text: &str) -> String {
    text.split(char::is_control).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_begins_a_line_of_its_own() {
        assert_eq!(on_one_line("a\r\nATTENDEE:b\tc"), "a  ATTENDEE:b c");
    }
}
