//! The messages about an event: text for people, data for programs.
//!
//! Rule: everything in it is Connectory's own words or an administrator's. A name is put on one line by [`Line`], so
//! that nothing of it can begin a header or a paragraph of its own.

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::model::{Due, Occasion, within};
use crate::connectors::Health;
use crate::db::StoredValueError;
use crate::expirations::Kind;
use crate::web::{PublicAddress, date_time_utc};

/// A message ready to be sent by any channel.
pub(super) struct Message {
    /// The same at each attempt.
    pub id: Uuid,
    /// The event, which the messages about it share.
    pub event: Uuid,
    pub occasion: Occasion,
    /// `connector.failing` and the like.
    pub kind: String,
    /// When the reported health began.
    pub at: DateTime<Utc>,
    pub subject: Line,
    pub text: String,
    /// What the webhook carries as `data`.
    pub data: Value,
}

/// Text without line breaks and other control characters.
pub(super) struct Line(String);

impl Line {
    pub fn new(text: impl AsRef<str>) -> Line {
        let separates = |letter: char| letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}');
        let words = text.as_ref().split(separates).map(str::trim);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        Line(words.join(" "))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Message {
    /// What is due, with links that begin with `address`.
    pub fn of(due: &Due, address: &PublicAddress) -> Result<Message, StoredValueError> {
        if let Some(kind) = due.reminder()? {
            return Ok(reminder(due, kind, address));
        }
        let label = Line::new(&due.label);
        let url = format!("{address}/connectors/{}/authorization", due.key);
        let (occasion, health) = (due.occasion()?, due.health()?);
        let report = Report { due, occasion, health, label, url };
        let (kind, word) = match occasion {
            Occasion::Began => (health.code(), health.label()),
            Occasion::Ended => ("recovered", "Healthy again"),
        };
        Ok(Message {
            id: due.id,
            event: due.event_id,
            occasion,
            kind: format!("connector.{kind}"),
            at: due.since,
            subject: Line::new(format!("{}: {word}", report.label)),
            text: letter(report.paragraphs(), address),
            data: report.data(),
        })
    }

    /// A test message.
    pub fn test(id: Uuid, now: DateTime<Utc>, address: &PublicAddress) -> Message {
        let words = "This is a test: notices about data connectors arrive here.";
        Message {
            id,
            event: id,
            occasion: Occasion::Began,
            kind: "connectory.test".into(),
            at: now,
            subject: Line::new("Test notice"),
            text: letter(vec![words.into()], address),
            data: json!({ "message": words }),
        }
    }
}

fn letter(mut paragraphs: Vec<String>, address: &PublicAddress) -> String {
    paragraphs.push(format!("-- \nSent by Connectory, {address}. Its administrator decides who gets these notices."));
    paragraphs.join("\n\n") + "\n"
}

/// The message that something ends within some days.
fn reminder(due: &Due, kind: Kind, address: &PublicAddress) -> Message {
    let (name, days) = (Line::new(&due.label), due.days.unwrap_or_default());
    let ends = due.expires_at.as_ref().map(date_time_utc).unwrap_or_default();
    let path = match due.key.as_str() {
        "" => "/expirations".into(),
        key => format!("/connectors/{key}/authorization"),
    };
    let url = format!("{address}{path}");
    let what = kind.label();
    let mut paragraphs = vec![
        format!("{what} of “{name}” ends {}, on {ends}.", within(days)),
        people(due),
        format!("Where to replace it:\n{url}"),
    ];
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    let connector = due.connector_id.map(|id| json!({ "id": id, "key": due.key, "name": due.label, "url": url }));
    let data = json!({
        "event_id": due.event_id,
        "connector": connector,
        "what": kind.code(),
        "name": due.label,
        "url": url,
        "expires_at": due.expires_at.as_ref().map(time),
        "days": days,
        "owner": due.owner,
        "contact": due.contact,
    });
    Message {
        id: due.id,
        event: due.event_id,
        occasion: Occasion::Began,
        kind: "expiration.reminder".into(),
        at: due.since,
        subject: Line::new(format!("{name}: {what} ends {}", within(days))),
        text: letter(paragraphs, address),
        data,
    }
}

/// Who looks after the connector.
fn people(due: &Due) -> String {
    let line = |label: &str, text: &str| match Line::new(text) {
        Line(text) if text.is_empty() => String::new(),
        text => format!("{label}: {text}"),
    };
    let lines = [line("Owner", &due.owner), line("Contact", &due.contact)];
    lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// An event and what its message says.
struct Report<'a> {
    due: &'a Due,
    occasion: Occasion,
    /// The health that the event reports.
    health: Health,
    label: Line,
    url: String,
}

impl Report<'_> {
    fn paragraphs(&self) -> Vec<String> {
        let mut all = match self.occasion {
            Occasion::Began => vec![self.began(), self.message(), self.what_to_do()],
            Occasion::Ended => vec![self.ended()],
        };
        all.push(people(self.due));
        all.push(format!("The data connector “{}”:\n{}", self.label, self.url));
        all.retain(|paragraph| !paragraph.is_empty());
        all
    }

    fn began(&self) -> String {
        let (name, since) = (&self.label, date_time_utc(&self.due.since));
        let ends = self.due.expires_at.as_ref().map(date_time_utc);
        match (self.health, ends) {
            (Health::Expiring, Some(ends)) => {
                format!("The access token of the data connector “{name}” ends on {ends}.")
            }
            (Health::Expiring, None) => {
                format!("The access token of the data connector “{name}” is about to end.")
            }
            (Health::NeedsReauthorization, _) => format!(
                "The data connector “{name}” has needed to be authorized again since {since}. Until then, calls through it fail."
            ),
            (Health::Refused, _) => format!(
                "The API of the data connector “{name}” has refused its credential since {since}. Calls through it fail."
            ),
            _ => format!("The data connector “{name}” has been failing since {since}."),
        }
    }

    fn ended(&self) -> String {
        let was = match self.health {
            Health::Expiring => "Its access token was about to end",
            Health::NeedsReauthorization => "It had needed to be authorized again",
            Health::Refused => "Its credential had been refused",
            _ => "It had been failing",
        };
        format!(
            "The data connector “{}” works again since {}. {was} since {}.",
            self.label,
            date_time_utc(&self.due.since),
            date_time_utc(&self.due.began_at)
        )
    }

    fn message(&self) -> String {
        match Line::new(&self.due.message) {
            Line(message) if message.is_empty() => String::new(),
            message => format!("What happened: {message}"),
        }
    }

    fn what_to_do(&self) -> String {
        let remedy = Line::new(&self.due.remedy);
        match self.health {
            Health::Expiring => {
                "Nothing renews it by itself. Authorize the data connector again before that time.".into()
            }
            Health::NeedsReauthorization if remedy.0.is_empty() => {
                "Open the data connector and authorize it again.".into()
            }
            Health::NeedsReauthorization => format!("What to do: {remedy}"),
            Health::Refused => {
                "Open the data connector, and check its credential and what the API lets it do. Test connection shows whether the API takes it.".into()
            }
            _ => {
                let goes_on = "Connectory goes on trying, and tells you when it works again.";
                match remedy.0.as_str() {
                    "" => goes_on.into(),
                    remedy => format!("{goes_on} If it does not: {remedy}"),
                }
            }
        }
    }

    fn data(&self) -> Value {
        let due = self.due;
        let mut data = Map::new();
        data.insert("event_id".into(), json!(due.event_id));
        data.insert(
            "connector".into(),
            json!({ "id": due.connector_id, "key": due.key, "name": due.label, "url": self.url }),
        );
        let (health, was) = match self.occasion {
            Occasion::Began => (self.health.code(), None),
            Occasion::Ended => (Health::Healthy.code(), Some(self.health.code())),
        };
        data.insert("health".into(), json!(health));
        data.insert("since".into(), json!(time(&due.since)));
        if let Some(was) = was {
            data.insert("was".into(), json!(was));
            data.insert("was_since".into(), json!(time(&due.began_at)));
            return Value::Object(data);
        }
        if let Some(ends) = &due.expires_at {
            data.insert("expires_at".into(), json!(time(ends)));
        }
        for (name, text) in [("message", &due.message), ("remedy", &due.remedy)] {
            if !text.is_empty() {
                data.insert(name.into(), json!(text));
            }
        }
        Value::Object(data)
    }
}

/// RFC 3339 with microseconds.
pub(super) fn time(at: &DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_whatever_it_is_made_of() {
        for (text, line) in [
            ("Payroll", "Payroll"),
            ("  Zürich – «Lohn» 給与  ", "Zürich – «Lohn» 給与"),
            ("a\r\nBcc: b@example.org", "a Bcc: b@example.org"),
            ("a\u{2028}b\u{85}c\0d\te", "a b c d e"),
            ("\r\n", ""),
        ] {
            assert_eq!(Line::new(text).to_string(), line);
        }
    }
}
