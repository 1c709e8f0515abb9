//! Asking the provider for a JSON document.
//!
//! Danger: the answer says who somebody is. It counts only from the very address that was asked: nothing is followed.

use serde_json::{Map, Value};

use crate::outbound::http::Method;
use crate::outbound::{HttpUrl, Limits, Outbound, RequestBuilder, Transport};
use crate::vault::Secret;

/// A provider did not do its part: a sentence for people, which names host and port at most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble(pub String);

/// The members of the JSON object at an address, asked for with a token if there is one (RFC 6750 section 2.1).
pub(super) async fn object(
    outbound: &Outbound,
    url: &HttpUrl,
    token: Option<&Secret>,
) -> Result<Map<String, Value>, Trouble> {
    let request = RequestBuilder::new(Method::GET, url.clone()).header("Accept", "application/json");
    let request = match token {
        Some(token) => request.header("Authorization", format!("Bearer {}", token.expose())),
        None => request,
    };
    let transport = Transport::default();
    let sent = outbound.send(&transport, request, Limits::default()).await;
    let reply = sent.map_err(|failure| Trouble(failure.message))?;
    let host = url.origin();
    if reply.status != 200 {
        return Err(Trouble(format!("{host} answered {}.", reply.status)));
    }
    match serde_json::from_slice(&reply.body) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(Trouble(format!("{host} answered something else than a JSON object."))),
    }
}
