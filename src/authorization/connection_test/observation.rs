//! What the answer to a test shows of a connector that has the tested settings.

use super::{Test, TestReport};
use crate::authorization::api_outcome::{outcome_of_failure, outcome_of_response, said};
use crate::connectors::{ApiOutcome, Observation};
use crate::outbound::{HttpUrl, Mask, SendError, http};

impl Test<'_> {
    /// Notes what the response says of the connector, if it has these settings.
    pub(super) fn observe(
        &self,
        report: &mut TestReport,
        url: &HttpUrl,
        response: &Result<http::Response<Vec<u8>>, SendError>,
        (is_fresh, mask): (bool, &Mask),
    ) {
        let signals = self.checked.settings.signals();
        let (outcome, message, server_words) = match response {
            Ok(response) => {
                let status = response.status();
                let says_ended = signals.matches(status.as_u16(), response.body());
                let outcome = outcome_of_response(status, response.headers(), says_ended);
                (outcome, ApiOutcome::status_message(status.as_u16()), said(response, mask))
            }
            Err(failure) => (outcome_of_failure(failure.stage), failure.message.clone(), String::new()),
        };
        if let Some(outcome) = outcome {
            report.shows(self.observation(url, (outcome, is_fresh), (message, server_words)));
        }
    }

    pub(super) fn observation(
        &self,
        url: &HttpUrl,
        (outcome, is_fresh_token): (ApiOutcome, bool),
        (message, server_words): (String, String),
    ) -> Observation {
        let now = self.tools.clock.now();
        let signed_at = if is_fresh_token { now } else { self.began };
        let target = format!("GET {}{}", url.origin(), url.path());
        Observation { outcome, at: now, signed_at, is_fresh_token, target, message, server_words }
    }
}
