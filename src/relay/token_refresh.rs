//! A response that says that the token has expired, usually 401: the token is renewed and the request repeated, once.
//!
//! Which responses say so is a setting of the connector ([`ExpiredSignals`]). A refused API key gives way to the next one
//! in the same way.

use std::sync::Arc;

use super::attempts::{AttemptLoop, within};
use super::credential;
use super::error::RelayError;
use super::message::Body;
use crate::authorization::{outcome_of_response, promote_api_key};
use crate::connectors::ApiOutcome;
use crate::oauth::ExpiredSignals;
use crate::outbound::http::header::CONTENT_TYPE;
use crate::outbound::http::{HeaderMap, response::Parts};

impl AttemptLoop<'_> {
    /// Whether the response says that the token has expired.
    pub(super) async fn rejects_token(&self, head: &Parts, body: &mut Body) -> Result<bool, RelayError> {
        match (self.credential.version, &self.connector.next) {
            (None, None) => return Ok(false),
            // An API may also answer 403 to a key that it does not know.
            (None, Some(_)) if refuses(head) => return Ok(true),
            _ => {}
        }
        let signals = &self.connector.signals;
        let status = head.status.as_u16();
        if signals.matches(status, &[]) {
            return Ok(true);
        }
        if !signals.want_body(&media_type(&head.headers)) {
            return Ok(false);
        }
        let body = body.peek(ExpiredSignals::LARGEST_BODY).await.map_err(RelayError::broken_off)?;
        Ok(body.is_some_and(|body| signals.matches(status, &body)))
    }

    /// Gets another token; true if the request is to be sent again with it. If there is none, the API's response is
    /// returned.
    pub(super) async fn renew(&mut self) -> bool {
        self.has_renewed = true;
        let Some(rejected) = self.credential.version else {
            return self.take_next();
        };
        let (state, connector) = (self.relay.state.clone(), Arc::clone(self.connector));
        if !self.request.body.is_sendable() {
            // The body cannot be sent again, but the next call finds a new token.
            tokio::spawn(async move { credential::renewed(&state, &connector, rejected).await.is_ok() });
            return false;
        }
        let renewed =
            within(&state, &connector, self.deadline, credential::renewed(&state, &connector, rejected)).await;
        match renewed {
            Ok(credential) if credential.version != Some(rejected) => {
                self.credential = credential;
                self.renewed_at = Some(state.clock.now());
                self.is_still_allowed().await
            }
            _ => false,
        }
    }

    /// Takes the next credential; true if the request is to be sent again with it.
    fn take_next(&mut self) -> bool {
        let Some(next) = self.connector.next.as_ref().filter(|_| self.request.body.is_sendable()) else {
            return false;
        };
        self.credential.value = Arc::clone(next);
        self.took_next = true;
        true
    }

    /// Puts the next credential in the place of the refused one, as the API has taken it.
    pub(super) fn promote_next(&self) {
        let (relay, connector) = (self.relay.clone(), self.connector.id);
        tokio::spawn(async move {
            let state = &relay.state;
            if let Err(error) = promote_api_key(&relay.db, &state.vault, &state.clock, connector).await {
                let cause = format!("{:#}", anyhow::Error::from(error));
                tracing::warn!(%connector, cause, "the next API key has not taken the place of the refused one yet");
            }
        });
    }

    /// Whether the call's URL is still on one of the connector's origins: settings may have been saved together with
    /// the new token.
    async fn is_still_allowed(&self) -> bool {
        let connector = self.relay.connector(&self.connector.key).await;
        connector.is_ok_and(|connector| connector.check_origin(&self.request.url).is_ok())
    }
}

fn refuses(head: &Parts) -> bool {
    outcome_of_response(head.status, &head.headers, false) == Some(ApiOutcome::Refused)
}

/// The media type in lower case, without its parameters.
fn media_type(headers: &HeaderMap) -> Vec<u8> {
    let kind = headers.get(CONTENT_TYPE).map(|kind| kind.as_bytes()).unwrap_or_default();
    let essence = kind.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.trim_ascii().to_ascii_lowercase()
}
