//! What a test has found, step by step.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::authorization::keeper::{LiveToken, TokenProblem};
use crate::authorization::origins::SecretError;
use crate::authorization::signing;
use crate::connectors::{Method, Observation};
use crate::oauth::{ExpiredSignals, TokenError};
use crate::outbound::{ConnectionTest, Found, HttpUrl, SendError, Step, http};
use crate::web::{Error, date, date_time, plural, relative};

/// From how many days on the end of a certificate is worth a warning.
const SOON: i64 = 14;

/// How a step ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::authorization) enum Mark {
    Good,
    Warning,
    Bad,
    /// It was not tried.
    Skipped,
}

/// One step.
pub(in crate::authorization) struct TestStep {
    pub name: String,
    pub mark: Mark,
    pub words: String,
    /// The server's own words, without secrets.
    pub server_words: Option<String>,
    /// What to try; empty when there is nothing to do.
    pub remedy: String,
}

/// All steps in their order.
#[derive(Default)]
pub(in crate::authorization) struct TestReport {
    pub steps: Vec<TestStep>,
    /// What the API has shown of the connector, if the settings were the stored ones.
    pub observation: Option<Observation>,
}

impl TestReport {
    /// The outcome in a sentence: what is read first.
    pub fn summary(&self) -> &'static str {
        let left_out = self.has(Mark::Skipped);
        match self.worst() {
            Mark::Bad => "The test found a problem.",
            Mark::Warning if left_out => "What could be tried works, with a warning.",
            Mark::Warning => "The connection works, with a warning.",
            Mark::Skipped => "What could be tried works.",
            Mark::Good => "The connection works.",
        }
    }

    pub fn worst(&self) -> Mark {
        [Mark::Bad, Mark::Warning, Mark::Skipped].into_iter().find(|mark| self.has(*mark)).unwrap_or(Mark::Good)
    }

    fn has(&self, mark: Mark) -> bool {
        self.steps.iter().any(|step| step.mark == mark)
    }

    fn push(&mut self, name: impl Into<String>, mark: Mark, words: impl Into<String>, remedy: impl Into<String>) {
        self.steps.push(TestStep {
            name: name.into(),
            mark,
            words: words.into(),
            server_words: None,
            remedy: remedy.into(),
        });
    }

    pub fn good(&mut self, name: impl Into<String>, words: impl Into<String>) {
        self.push(name, Mark::Good, words, "");
    }

    pub fn skip(&mut self, name: &'static str, words: &'static str) {
        self.push(name, Mark::Skipped, words, "");
    }

    pub fn fail(&mut self, name: &'static str, words: &'static str, remedy: &'static str) {
        self.push(name, Mark::Bad, words, remedy);
    }

    pub fn fail_with_words(&mut self, name: &'static str, refusal: &TokenError) {
        self.push(name, Mark::Bad, &refusal.message, &refusal.remedy);
        self.add_server_words(refusal.server_words.clone());
    }

    /// What a step needs; where a secret may not be sent, the step fails.
    pub fn keep<T, E: Into<SecretError>>(
        &mut self,
        name: &'static str,
        needed: Result<T, E>,
    ) -> Result<Option<T>, Error> {
        match needed.map_err(Into::<SecretError>::into) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                self.fail_with_words(name, &error.refusal()?);
                Ok(None)
            }
        }
    }

    /// The server's answer does not tell whether the client is right.
    pub fn unclear(&mut self, name: &'static str, refusal: &TokenError) {
        let words = format!("{} Whether the client is right shows when you press Authorize.", refusal.message);
        self.push(name, Mark::Warning, words, &refusal.remedy);
        self.add_server_words(refusal.server_words.clone());
    }

    fn add_server_words(&mut self, words: Option<String>) {
        if let Some(step) = self.steps.last_mut() {
            step.server_words = words;
        }
    }

    fn failure(&mut self, name: String, failure: &SendError) {
        self.push(name, Mark::Bad, &failure.message, &failure.remedy);
    }

    /// The steps to a server; true if all that there are went well.
    pub fn connection(&mut self, who: &'static str, url: &HttpUrl, test: &ConnectionTest) -> bool {
        let name = |step: &str| format!("{who}: {step}");
        match &test.lookup {
            Step::Done(found) => {
                let addresses: Vec<String> = found.addresses.iter().map(shown_address).collect();
                let words = format!("{} is {}.", found.name, addresses.join(", "));
                self.good(name("name look-up"), words);
            }
            Step::Failed(failure) => self.failure(name("name look-up"), failure),
            Step::NotReached | Step::NotNeeded => {}
        }
        match &test.connection {
            Step::Done(connected) => {
                let proxy = if connected.is_proxy { " (the proxy)" } else { "" };
                let time = milliseconds(connected.elapsed);
                let words = format!("Connected to {}{proxy} in {time}.", connected.address);
                self.good(name("connection"), words);
            }
            Step::Failed(failure) => self.failure(name("connection"), failure),
            Step::NotReached | Step::NotNeeded => {}
        }
        self.tls(name("TLS"), url, test);
        let failed = matches!(test.lookup, Step::Failed(_))
            || matches!(test.connection, Step::Failed(_))
            || matches!(test.tls, Step::Failed(_));
        !failed
    }

    fn tls(&mut self, name: String, url: &HttpUrl, test: &ConnectionTest) {
        let ends = test.certificate.as_ref().map(|leaf| {
            let left = match leaf.days_left {
                days @ 0.. => format!("{} left", plural(days, "day", "days")),
                _ => "over".into(),
            };
            let end = date(&leaf.not_after);
            (format!(" Its certificate is valid until {end} ({left})."), leaf.days_left)
        });
        let (until, days) = ends.unwrap_or_default();
        let has_certificate = test.certificate.is_some();
        match &test.tls {
            Step::Done(seen) if !seen.is_verified => self.push(
                name,
                Mark::Warning,
                format!("{}, but the certificate was not checked.{until}", seen.version),
                "Turn certificate verification on, with your own CA certificate if need be.",
            ),
            Step::Done(seen) if has_certificate && days <= SOON => self.push(
                name,
                Mark::Warning,
                format!("{}.{until}", seen.version),
                "Ask the operator of the server to renew its certificate.",
            ),
            Step::Done(seen) => self.good(name, format!("{}.{until}", seen.version)),
            Step::Failed(failure) => {
                let words = format!("{}{until}", failure.message);
                self.push(name, Mark::Bad, words, &failure.remedy);
            }
            Step::NotNeeded => self.push(
                name,
                Mark::Warning,
                format!("{} is not encrypted.", url.origin()),
                "Use https where the server offers it: what is sent can be read on the way.",
            ),
            Step::NotReached => {}
        }
    }

    pub fn shows(&mut self, observation: Observation) {
        self.observation = Some(observation);
    }

    /// What the last step says, and the server's words.
    pub fn last_words(&self) -> (String, String) {
        let failed = self.steps.iter().rev().find(|step| step.mark == Mark::Bad);
        (failed.map(|step| step.words.clone()).unwrap_or_default(), String::new())
    }

    /// The stored token, kept fresh; `is_second` after the API has refused the one before.
    pub fn live(&mut self, token: &LiveToken, is_second: bool, now: DateTime<Utc>) {
        let ends = token.expires_at.map(|end| format!("It ends on {} ({}).", date_time(&end), relative(&end, &now)));
        let ends = ends.unwrap_or_else(|| "Its end is not known.".into());
        let what = if is_second {
            "The API refused the stored token, so it was renewed."
        } else {
            "There is a valid access token."
        };
        self.good("Token", format!("{what} {ends}"));
    }

    pub fn no_token(&mut self, problem: TokenProblem, now: DateTime<Utc>) {
        match problem {
            TokenProblem::Refused(refusal) => self.fail_with_words("Token", &refusal),
            TokenProblem::Backoff(last) => {
                let next = last.next_attempt().map(|next| format!(" It is tried again {}.", relative(&next, &now)));
                self.push("Token", Mark::Bad, last.message + &next.unwrap_or_default(), last.remedy);
                self.add_server_words(Some(last.server_words).filter(|words| !words.is_empty()));
            }
            TokenProblem::Disabled => {
                self.fail("Token", "The data connector is disabled.", "Enable it on the Details tab.")
            }
            TokenProblem::RefusedYoung => self.fail(
                "Token",
                "The API refuses a token that has just been issued.",
                "Check the scope, and whether the token is meant for this API.",
            ),
            TokenProblem::NotAuthorized
            | TokenProblem::Ended
            | TokenProblem::Changed
            | TokenProblem::Elsewhere
            | TokenProblem::Fault(_) => self.fail(
                "Token",
                "The token has ended or is refused, and a new one needs a person.",
                "Get a new one with the button above.",
            ),
        }
    }

    /// What the API answered.
    pub fn answer(
        &mut self,
        response: &Result<http::Response<Vec<u8>>, SendError>,
        elapsed: Duration,
        signals: &ExpiredSignals,
        method: Method,
    ) {
        let response = match response {
            Ok(response) => response,
            Err(failure) => return self.failure("Base URL".into(), failure),
        };
        let status = response.status();
        let reason = status.canonical_reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
        let said = format!("The API answered {}{reason} in {}.", status.as_u16(), milliseconds(elapsed));
        let asks = signing::remedy(method, response.headers());
        let (mark, remedy) = match status.as_u16() {
            401 if asks.is_some() => (Mark::Bad, asks.unwrap_or_default()),
            status if signals.matches(status, response.body()) => {
                (Mark::Bad, "The API refuses the credential. Check that it is the right one, and what it may do.")
            }
            401 | 403 => {
                (Mark::Bad, "The API refuses the credential. Check that it is the right one, and what it may do.")
            }
            500.. => (Mark::Warning, "The API is in trouble. Try again later."),
            300..400 => (Mark::Warning, "The API redirects. If the new address is right, make it the base URL."),
            400.. => {
                (Mark::Good, "It was reached and did not refuse the credential; the base URL alone is no endpoint.")
            }
            _ => (Mark::Good, ""),
        };
        self.push("Base URL", mark, said, remedy);
    }
}

/// An address of a name, and that it is left out.
fn shown_address(found: &Found) -> String {
    let note = if found.is_refused { " (left out: such addresses are refused)" } else { "" };
    format!("{}{note}", found.address)
}

fn milliseconds(time: Duration) -> String {
    let number = i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
    plural(number, "millisecond", "milliseconds")
}
