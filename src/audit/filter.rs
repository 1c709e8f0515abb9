//! The filters of the log, as its address or a form has them, and addresses with other filters.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use uuid::Uuid;

use super::AuditEntry;
use super::entry::{event_label, object_label};
use super::queries::{Names, Role, names};
use super::search::Wanted;
use crate::db::Conn;
use crate::db::keyset::{Cursor, Kind, Position};
use crate::web::{Error, Errors, SelectOption, Zone, search_term};

/// The address of the log.
pub(super) const PATH: &str = "/audit";

/// Rows per page that can be chosen.
const SIZES: [usize; 3] = [25, 50, 100];

/// The periods that can be chosen: code, label, hours.
const PERIODS: [(&str, &str, i64); 4] = [
    ("hour", "Last hour", 1),
    ("day", "Last 24 hours", 24),
    ("week", "Last 7 days", 7 * 24),
    ("month", "Last 30 days", 30 * 24),
];

/// The filters as they stand in the address.
#[derive(Clone, Default)]
pub(super) struct Filter {
    pub person: String,
    pub object: String,
    /// The id of an object, for links from elsewhere.
    subject: Option<Uuid>,
    /// The id of the actor: names may be the same, and change.
    actor: Option<Uuid>,
    /// A kind of event, or of object: `connector.saved` or `connector.`.
    pub event: String,
    pub period: String,
    /// The first and the last day, as typed.
    pub from: String,
    pub to: String,
    pub size: usize,
}

/// One filter, as the address calls it and as people do.
type Pair<'a> = (&'static str, &'a str);

impl Filter {
    /// Reads filters from an address or a form. Values that cannot be read count as not given, except days, which a
    /// person types.
    pub fn read(get: impl Fn(&str) -> String) -> Filter {
        let text = |name: &str| search_term(&get(name));
        let size = get("size").parse().ok();
        Filter {
            person: text("person"),
            object: text("thing"),
            subject: get("subject").parse().ok(),
            actor: get("actor").parse().ok(),
            event: text("event"),
            period: text("period"),
            from: text("from"),
            to: text("to"),
            size: size.filter(|size| SIZES.contains(size)).unwrap_or(SIZES[0]),
        }
    }

    pub fn of_query(query: &str) -> (Filter, Position) {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let get = |name: &str| {
            let pair = pairs.iter().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let cursor = |name: &str| Cursor::decode(&get(name)).filter(|cursor| Kind::Time.reads(&cursor.value));
        let position = match (cursor("after"), cursor("before")) {
            (Some(cursor), _) => Position::After(cursor),
            (None, Some(cursor)) => Position::Before(cursor),
            (None, None) => Position::First,
        };
        (Filter::read(get), position)
    }

    /// The filters in use.
    pub fn pairs(&self) -> Vec<(&'static str, String)> {
        let id = |id: Option<Uuid>| id.map_or(String::new(), |id| id.to_string());
        let pairs = [
            ("person", self.person.clone()),
            ("thing", self.object.clone()),
            ("subject", id(self.subject)),
            ("actor", id(self.actor)),
            ("event", self.event.clone()),
            ("period", self.period.clone()),
            ("from", self.from.clone()),
            ("to", self.to.clone()),
        ];
        pairs.into_iter().filter(|(_, value)| !value.is_empty()).collect()
    }

    pub fn is_narrowed(&self) -> bool {
        !self.pairs().is_empty()
    }

    /// The address of these filters, at a position of the list.
    pub fn href(&self, place: Option<Pair<'_>>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.pairs());
        if self.size != SIZES[0] {
            query.append_pair("size", &self.size.to_string());
        }
        query.extend_pairs(place);
        match query.finish() {
            query if query.is_empty() => PATH.to_string(),
            query => format!("{PATH}?{query}"),
        }
    }

    pub fn cleared(&self) -> Filter {
        Filter { size: self.size, ..Filter::default() }
    }

    /// The filters in use in words, each with the address without it. A matching entry gives the names of object and
    /// person.
    pub fn chips(&self, entry: Option<&AuditEntry>) -> Vec<(String, String)> {
        let mut chips = Vec::new();
        let mut chip = |words: String, names: &[&str]| chips.push((words, self.without(names)));
        if !self.person.is_empty() {
            chip(format!("Person has “{}”", self.person), &["person"]);
        }
        if !self.object.is_empty() {
            chip(format!("Object has “{}”", self.object), &["thing"]);
        }
        if self.subject.is_some() {
            chip(format!("Only {}", entry.map_or("one object", |entry| &entry.subject_name)), &["subject"]);
        }
        if self.actor.is_some() {
            chip(format!("Only by {}", entry.map_or("one person".into(), AuditEntry::attribution)), &["actor"]);
        }
        if !self.event.is_empty() {
            chip(event_filter_label(&self.event), &["event"]);
        }
        if !self.from.is_empty() || !self.to.is_empty() {
            chip(self.days_label(), &["from", "to"]);
        } else if let Some((_, label, _)) = self.period() {
            chip(label.to_string(), &["period"]);
        }
        chips
    }

    /// The address without some of the filters.
    fn without(&self, names: &[&str]) -> String {
        let mut pairs = self.pairs();
        pairs.retain(|(name, _)| !names.contains(name));
        let find = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        Filter { size: self.size, ..Filter::read(|name| find(name).unwrap_or_default()) }.href(None)
    }

    fn days_label(&self) -> String {
        match (self.from.as_str(), self.to.as_str()) {
            (from, "") => format!("From {from} on"),
            ("", to) => format!("Up to {to}"),
            (from, to) => format!("From {from} to {to}"),
        }
    }

    fn period(&self) -> Option<(&'static str, &'static str, i64)> {
        PERIODS.into_iter().find(|(code, ..)| *code == self.period)
    }

    /// Looks up the names, and checks the days; what is wrong with them stands in `errors` then.
    pub async fn wanted(
        &self,
        conn: &mut Conn,
        now: DateTime<Utc>,
        kinds: &[String],
        errors: &mut Errors,
    ) -> Result<Wanted, Error> {
        let (from, until) = self.times(now, errors);
        Ok(Wanted {
            subject: self.subject,
            actor: self.actor,
            people: searched(conn, Role::Actor, &self.person).await?,
            objects: searched(conn, Role::Subject, &self.object).await?,
            kinds: self.kinds(kinds),
            from,
            until,
        })
    }

    fn kinds(&self, known: &[String]) -> Option<Vec<String>> {
        let fits = |kind: &&String| **kind == self.event || self.event.ends_with('.') && kind.starts_with(&self.event);
        (!self.event.is_empty()).then(|| known.iter().filter(fits).cloned().collect())
    }

    /// From when on, and before when. Days win over the period by name.
    fn times(&self, now: DateTime<Utc>, errors: &mut Errors) -> (Option<DateTime<Utc>>, Option<DateTime<Utc>>) {
        let from = day("from", &self.from, errors);
        let to = day("to", &self.to, errors);
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            errors.add("to", "The last day must not be before the first");
        }
        if !self.from.is_empty() || !self.to.is_empty() {
            return (from.map(midnight), to.and_then(|to| to.succ_opt()).map(midnight));
        }
        let hours = self.period().map(|(_, _, hours)| hours);
        (hours.map(|hours| now - TimeDelta::hours(hours)), None)
    }
}

async fn searched(conn: &mut Conn, role: Role, search: &str) -> Result<Option<Names>, Error> {
    if search.is_empty() {
        return Ok(None);
    }
    Ok(Some(names(conn, role, search).await?))
}

/// A typed day of the years that a person can mean: adding a day to it cannot overflow, and the database knows it.
fn day(field: &str, typed: &str, errors: &mut Errors) -> Option<NaiveDate> {
    if typed.is_empty() {
        return None;
    }
    let day = NaiveDate::parse_from_str(typed, "%Y-%m-%d").ok();
    let day = day.filter(|day| (1900..=9999).contains(&chrono::Datelike::year(day)));
    if day.is_none() {
        errors.add(field, "Enter a day such as 2026-11-24");
    }
    day
}

/// When a day begins on the clock of the reader.
fn midnight(day: NaiveDate) -> DateTime<Utc> {
    let begin = day.and_time(chrono::NaiveTime::MIN);
    let moment = Zone::of_reader().moment(begin);
    moment.unwrap_or_else(|| begin.and_utc())
}

fn event_filter_label(event: &str) -> String {
    match event.strip_suffix('.') {
        Some(object) => format!("{}: any event", object_label(object)),
        None => event_label(event),
    }
}

/// The kinds of events to choose from: for each kind of object all of its events, then one by one.
pub(super) fn event_options(kinds: &[String]) -> Vec<SelectOption> {
    let mut options = Vec::new();
    let mut before = "";
    for kind in kinds {
        let object = kind.split('.').next().unwrap_or_default();
        if object != before {
            let all = format!("{object}.");
            options.push(SelectOption::new(all.clone(), event_filter_label(&all)));
            before = object;
        }
        options.push(SelectOption::new(kind.clone(), event_filter_label(kind)));
    }
    options
}

pub(super) fn period_options() -> impl Iterator<Item = SelectOption> {
    PERIODS.into_iter().map(|(code, label, _)| SelectOption::new(code, label))
}

pub(super) fn size_options() -> impl Iterator<Item = SelectOption> {
    SIZES.into_iter().map(|size| SelectOption::new(size.to_string(), size.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(query: &str) -> (Option<String>, Option<String>, Vec<Option<String>>) {
        let (filter, _) = Filter::of_query(query);
        let now = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
        let mut errors = Errors::default();
        let (from, until) = filter.times(now, &mut errors);
        let text = |time: DateTime<Utc>| time.to_rfc3339();
        let messages = ["from", "to"].map(|field| errors.get(field).map(str::to_string)).to_vec();
        (from.map(text), until.map(text), messages)
    }

    #[test]
    fn days_are_whole_and_win_over_the_period() {
        let (from, until, errors) = times("from=2026-11-01&to=2026-11-30&period=hour");
        assert_eq!(from.as_deref(), Some("2026-11-01T00:00:00+00:00"));
        assert_eq!(until.as_deref(), Some("2026-12-01T00:00:00+00:00"));
        assert_eq!(errors, [None, None]);
        let (from, until, _) = times("period=day");
        assert_eq!(from.as_deref(), Some("2026-11-17T11:06:40+00:00"));
        assert_eq!(until, None);
        assert_eq!(times("period=evil").0, None);
    }

    #[test]
    fn a_day_that_is_none_has_its_message() {
        for typed in ["tomorrow", "2026-02-30", "0001-01-01", "99999-01-01"] {
            let (from, _, errors) = times(&format!("from={typed}"));
            assert_eq!(from, None, "{typed}");
            assert!(errors[0].is_some(), "{typed}");
        }
        let (.., errors) = times("from=2026-11-02&to=2026-11-01");
        assert!(errors[1].is_some());
    }

    #[test]
    fn an_address_reads_back_and_rubbish_is_ignored() {
        let (filter, position) = Filter::of_query(
            "person=Ana+%26+Ben&thing=x%3Cy&event=connector.&size=50&after=rubbish&subject=none&colour=red",
        );
        assert_eq!(position, Position::First);
        let href = filter.href(None);
        assert_eq!(href, "/audit?person=Ana+%26+Ben&thing=x%3Cy&event=connector.&size=50");
        let (again, _) = Filter::of_query(href.split_once('?').unwrap().1);
        assert_eq!(again.pairs(), filter.pairs());
        assert_eq!(filter.cleared().href(None), "/audit?size=50");
    }
}
