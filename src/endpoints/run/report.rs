//! What has come of a run, as the page tells it: the outcome first.

use std::time::Duration;

use super::body::{BodyShown, SHOWN};
use super::curl;
use super::headers::may_hold_a_secret;
use super::text::{beginning, visible};
use crate::outbound::{MASKED, Mask};

/// What has come of a run.
pub(in crate::endpoints) struct Report {
    pub(in crate::endpoints) outcome: Outcome,
    /// The request, if one was made.
    pub(in crate::endpoints) sent: Option<SentRequest>,
    /// Optional rows that had no value.
    pub(in crate::endpoints) left_out: Vec<String>,
    /// Where the whole body can be had.
    pub(in crate::endpoints) download: Option<String>,
}

pub(in crate::endpoints) enum Outcome {
    Answered(Answered),
    Failed(Failed),
}

/// An answer of the API, whatever its status.
pub(in crate::endpoints) struct Answered {
    pub status: u16,
    pub reason: &'static str,
    pub times: Times,
    /// Of the body, in bytes.
    pub size: usize,
    /// Names and values, without secrets.
    pub headers: Vec<(String, String)>,
    pub body: BodyShown,
    pub attempts: u16,
}

/// Why there is none.
pub(in crate::endpoints) struct Failed {
    pub title: String,
    pub detail: String,
    pub remedy: String,
    /// It may have reached the API.
    pub sent: bool,
}

/// Where the time went.
#[derive(Default)]
pub(in crate::endpoints) struct Times {
    pub queue: Duration,
    pub connect: Duration,
    /// From the call to the head of the answer.
    pub first_byte: Duration,
    pub total: Duration,
}

/// A request as it was sent, without secrets.
pub(in crate::endpoints) struct SentRequest {
    pub method: String,
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<String>,
}

impl SentRequest {
    /// The beginning of the body, and whether there is more.
    pub fn body_shown(&self) -> Option<(String, bool)> {
        let (start, is_cut) = beginning(self.body.as_deref()?, SHOWN);
        Some((visible(start), is_cut))
    }
}

impl Report {
    /// What the page's title begins with.
    pub fn title(&self) -> String {
        match &self.outcome {
            Outcome::Answered(answered) => answered.status_line(),
            Outcome::Failed(failed) => failed.title.clone(),
        }
    }

    pub(in crate::endpoints) fn curl(&self) -> Option<String> {
        self.sent.as_ref().map(|sent| curl::command(sent, MASKED))
    }

    pub(in crate::endpoints) fn curl_leaves_body_out(&self) -> bool {
        self.sent.as_ref().is_some_and(curl::leaves_body_out)
    }
}

impl Answered {
    /// “200 OK”.
    pub fn status_line(&self) -> String {
        format!("{} {}", self.status, self.reason).trim_end().to_string()
    }

    /// Whether the API has done what it was asked.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What the status asks a person to do; empty where it is clear by itself.
    pub fn advice(&self) -> &'static str {
        match self.status {
            300..=399 => "The API sends the caller elsewhere. Redirects to another host are not followed.",
            401 => "The API does not accept how the data connector signs in. Look at the Authorization tab.",
            403 => "The API knows who is calling, and does not allow this.",
            404 => "The API has nothing at this address. Compare the URL with its documentation.",
            405 => "The API does not take this method at this address.",
            415 => "The API does not take this kind of body.",
            429 => "The API has had too many calls. Wait a while.",
            500..=599 => "The API itself has failed.",
            _ => "",
        }
    }

    /// “1.2 kB of JSON”.
    pub fn size_words(&self) -> String {
        match self.size {
            0 => "No body".to_string(),
            size => format!("{} of {}", bytes(size), self.body.word()),
        }
    }
}

impl Times {
    pub fn total_words(&self) -> String {
        milliseconds(self.total)
    }

    /// The parts that add up to the whole, without those that took no time to speak of.
    pub fn parts(&self) -> Vec<(&'static str, String)> {
        let waiting = self.first_byte.saturating_sub(self.connect);
        let reading = self.total.saturating_sub(self.queue).saturating_sub(self.first_byte);
        let parts = [
            ("waiting for a turn", self.queue),
            ("connecting", self.connect),
            ("until the answer began", waiting),
            ("reading", reading),
        ];
        let parts = parts.into_iter().filter(|(_, time)| time.as_millis() > 0);
        parts.map(|(words, time)| (words, milliseconds(time))).collect()
    }
}

/// “184 milliseconds”, “1.25 seconds”.
fn milliseconds(time: Duration) -> String {
    match time.as_millis() {
        0 => "less than a millisecond".to_string(),
        1 => "1 millisecond".to_string(),
        millis if millis < 1_000 => format!("{millis} milliseconds"),
        _ => format!("{:.2} seconds", time.as_secs_f64()),
    }
}

/// “340 bytes”, “1.2 kB”, “2.1 MB”.
pub(in crate::endpoints) fn bytes(size: usize) -> String {
    match size {
        1 => "1 byte".to_string(),
        0..1_000 => format!("{size} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", size as f64 / 1_000.0),
        _ => format!("{:.1} MB", size as f64 / 1_000_000.0),
    }
}

/// Headers for the page: no secret of ours, and none that the API gives to whoever calls.
pub(in crate::endpoints) fn shown_headers(
    headers: impl Iterator<Item = (String, String)>,
    mask: &Mask,
) -> Vec<(String, String)> {
    let shown = |(name, value): (String, String)| {
        let value = if may_hold_a_secret(&name) {
            "Hidden: may hold a secret".to_string()
        } else {
            visible(&mask.text(&value))
        };
        (name, value)
    };
    headers.map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_are_words() {
        for (millis, words) in
            [(0, "less than a millisecond"), (1, "1 millisecond"), (184, "184 milliseconds"), (1_250, "1.25 seconds")]
        {
            assert_eq!(milliseconds(Duration::from_millis(millis)), words);
        }
        for (size, words) in
            [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1_234, "1.2 kB"), (2_100_000, "2.1 MB")]
        {
            assert_eq!(bytes(size), words);
        }
    }

    #[test]
    fn headers_show_no_secrets() {
        let headers = [("set-cookie", "sid=1"), ("x-echo", "Bearer s3cret")];
        let headers = headers.map(|(name, value)| (name.to_string(), value.to_string()));
        let mut mask = Mask::default();
        mask.add("s3cret");
        assert_eq!(
            shown_headers(headers.into_iter(), &mask),
            [
                ("set-cookie".to_string(), "Hidden: may hold a secret".to_string()),
                ("x-echo".to_string(), "Bearer ‹masked›".to_string()),
            ]
        );
    }
}
