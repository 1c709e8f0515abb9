//! The access token itself, for programs that cannot call through Connectory.
//!
//! Rule: it is a right of its own, every reading is in the audit log as well as in the call log, and the response is
//! not cached.

use actix_web::HttpResponse;
use chrono::{SecondsFormat, TimeDelta};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::calls::read_body;
use super::problem::{MALFORMED, NO_ACCESS_TOKEN, Problem};
use super::request::ApiRequest;
use super::serve::json_response;
use crate::access::Wants;
use crate::audit::{Change, Changes};
use crate::authorization::{LiveToken, Need};
use crate::calls::{CallKind, Outcome, Target};
use crate::relay::{ConnectorSnapshot, RelayError};
use crate::web::Error;

/// The largest body of a request for a token.
const MAX_BODY: usize = 4 * 1024;

/// The longest `min_ttl`, in seconds.
const MAX_TTL: u64 = 24 * 60 * 60;

/// What is asked of an access token.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "min_ttl": 300 })))]
pub(super) struct TokenRequest {
    /// How many seconds the token must still live, at most a day. Where tokens live shorter than twice this, half their
    /// life is enough.
    #[schema(nullable = false)]
    pub min_ttl: Option<u64>,
}

/// The access token of a data connector.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(Deserialize))]
#[schema(examples(json!({
    "access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer",
    "expires_in": 3540, "expires_at": "2026-05-03T14:31:07Z",
})))]
pub(super) struct Token {
    /// The token itself. Treat it like a password.
    pub access_token: String,
    /// How to present it, usually Bearer (RFC 6750).
    pub token_type: String,
    /// Seconds until it ends; left out if it does not say when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_in: Option<u64>,
    /// When it ends (RFC 3339, UTC); left out if it does not say when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires_at: Option<String>,
}

/// Read the access token
///
/// For programs that cannot call through Connectory. It is a right of its own, and every reading is recorded in the audit
/// log. The token is renewed first if it does not live long enough.
#[utoipa::path(
    post, path = "/api/v1/connectors/{key}/token",
    params(("key" = String, Path, description = "The data connector’s key, which is shown on its page.", example = "payroll-ledger")),
    request_body = TokenRequest,
    responses((status = 200, description = "As asked.", body = Token)),
)]
pub(super) async fn token(mut request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = request.connector().await?;
    let mut record = request.record(CallKind::Token, &connector, ("POST", Target::new("")));
    match obtain(&mut request, &connector).await {
        Ok(token) => {
            record.update(|call| call.outcome = Outcome::Answered);
            json_response(&token)
        }
        Err(problem) => {
            problem.relay.log(&mut record);
            Err(problem)
        }
    }
}

async fn obtain(request: &mut ApiRequest, connector: &ConnectorSnapshot) -> Result<Token, Problem> {
    request.check(connector, Wants::Token)?;
    connector.check_enabled()?;
    if !connector.has_token() {
        return Err(NO_ACCESS_TOKEN.because(format!("{} signs calls in without a token.", connector.label)).into());
    }
    let payload = request.payload.take();
    let time = connector.limits(None).total;
    let (body, _held) = read_body(payload, MAX_BODY, time, request.in_use.bodies()).await?;
    let min_ttl = min_ttl(&body)?;
    let now = request.api.clock.now();
    let need = Need { min_ttl, refused: None };
    let obtaining = request.api.keeper.token(connector.id, need);
    let token = tokio::time::timeout(time, obtaining)
        .await
        .map_err(|_| RelayError::late_token(&request.api.keeper, connector.id, &connector.label))?
        .map_err(|problem| RelayError::of_token(problem, now))?;
    record_reading(request, connector).await?;
    Ok(document(token, request))
}

fn min_ttl(body: &[u8]) -> Result<TimeDelta, Problem> {
    if body.is_empty() {
        return Ok(TimeDelta::zero());
    }
    let body: TokenRequest = serde_json::from_slice(body).map_err(|_| {
        MALFORMED.because("The body is not a JSON object with the member “min_ttl”, a number of seconds.")
    })?;
    let seconds = body.min_ttl.unwrap_or(0);
    let seconds = i64::try_from(seconds).ok().filter(|_| seconds <= MAX_TTL);
    let seconds = seconds.ok_or_else(|| MALFORMED.because("“min_ttl” is at most 86400, a day."))?;
    Ok(TimeDelta::seconds(seconds))
}

/// Records the reading. If that fails, the token is not handed out.
async fn record_reading(request: &ApiRequest, connector: &ConnectorSnapshot) -> Result<(), Error> {
    let by = request.actor();
    let mut conn = request.api.db.get().await?;
    let change = Change { conn: &mut conn, by: &by, now: request.api.clock.now() };
    let changes = Changes::none().field("API key", "", request.holder.prefix.as_str());
    change.record("token.read", connector.id, &connector.label, changes).await
}

fn document(token: LiveToken, request: &ApiRequest) -> Token {
    let now = request.api.clock.now();
    let left = token.expires_at.map(|end| (end - now).num_seconds());
    Token {
        access_token: token.access.expose().to_string(),
        token_type: token.token_type,
        expires_in: left.map(|left| u64::try_from(left).unwrap_or(0)),
        expires_at: token.expires_at.map(|end| end.to_rfc3339_opts(SecondsFormat::Secs, true)),
    }
}
