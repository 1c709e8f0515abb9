//! The access token itself, for programs that cannot call through Connectory.
//!
//! Rule: it is a right of its own, every reading is in the audit log as well as in the call log, and nobody may keep
//! the answer.

use actix_web::HttpResponse;
use chrono::{SecondsFormat, TimeDelta};

use super::ask::{Ask, refused};
use super::problem::{MALFORMED, NO_ACCESS_TOKEN, Problem};
use super::serve::json_answer;
use super::types::{Token, TokenRequest};
use super::upload;
use crate::access::{Actor, HolderKind, PermissionSet, Visibility, Wants};
use crate::audit::{self, Changes, Event};
use crate::authorization::{LiveToken, Need};
use crate::calls::{CallKind, Target};
use crate::relay::{Line, RelayProblem};
use crate::web::Error;

/// The largest body of a request for a token.
const LARGEST: usize = 4 * 1024;

/// The longest `min_ttl`, in seconds.
const LONGEST: u64 = 24 * 60 * 60;

/// Hands out the connector's access token, renewed if it does not live long enough.
pub(super) async fn token(mut ask: Ask) -> Result<HttpResponse, Problem> {
    let line = ask.line().await?;
    let mut record = ask.record(CallKind::Token, &line, "POST", Target::new(""));
    match obtain(&mut ask, &line).await {
        Ok(token) => {
            record.answered();
            json_answer(&token)
        }
        Err(problem) => Err(refused(record, problem)),
    }
}

async fn obtain(ask: &mut Ask, line: &Line) -> Result<Token, Problem> {
    ask.check(line, Wants::Token)?;
    line.check_enabled()?;
    if !line.has_token() {
        return Err(NO_ACCESS_TOKEN.because(format!("{} signs calls in without a token.", line.label)).into());
    }
    let payload = ask.payload.take();
    let time = line.limits(None).total;
    let (body, _held) = upload::whole(payload, LARGEST, time, ask.in_use.bodies()).await?;
    let min_ttl = min_ttl(&body)?;
    let now = ask.api.clock.now();
    let need = Need { min_ttl, refused: None };
    let obtaining = ask.api.keeper.token(line.id, need);
    let token = tokio::time::timeout(line.limits(None).total, obtaining)
        .await
        .map_err(|_| RelayProblem::late_token(&ask.api.keeper, line.id, &line.label))?
        .map_err(|problem| RelayProblem::of_token(problem, |next| (next - now).to_std().unwrap_or_default()))?;
    note(ask, line).await?;
    Ok(answer(token, ask))
}

fn min_ttl(body: &[u8]) -> Result<TimeDelta, Problem> {
    if body.is_empty() {
        return Ok(TimeDelta::zero());
    }
    let request: TokenRequest = serde_json::from_slice(body).map_err(|_| {
        MALFORMED.because("The body is not a JSON object with the member “min_ttl”, a number of seconds.")
    })?;
    let seconds = request.min_ttl.unwrap_or(0);
    let seconds = i64::try_from(seconds).ok().filter(|_| seconds <= LONGEST);
    let seconds = seconds.ok_or_else(|| MALFORMED.because("“min_ttl” is at most 86400, a day."))?;
    Ok(TimeDelta::seconds(seconds))
}

/// Whoever reads a token leaves a line in the audit log, or gets none.
async fn note(ask: &Ask, line: &Line) -> Result<(), Error> {
    let by = actor(ask);
    let event = Event {
        kind: "token.read",
        subject_id: Some(line.id),
        subject_name: &line.label,
        changes: Changes::none().field("API key", "", ask.holder.prefix.as_str()),
    };
    let conn = ask.api.db.get().await?;
    audit::record(&conn, &by, ask.api.clock.now(), event).await
}

/// The key's holder, as audit lines name somebody.
fn actor(ask: &Ask) -> Actor {
    let id = (ask.holder.kind == HolderKind::User).then_some(ask.holder.id);
    Actor {
        id,
        username: String::new(),
        name: ask.holder.name.to_string(),
        super_admin: false,
        permissions: PermissionSet::default(),
        visibility: Visibility::Of(id.unwrap_or_default()),
        confirmed_at: None,
        address: ask.arrival.address.clone(),
        request_id: ask.arrival.request_id(),
    }
}

fn answer(token: LiveToken, ask: &Ask) -> Token {
    let now = ask.api.clock.now();
    let left = token.expires_at.map(|end| (end - now).num_seconds());
    Token {
        access_token: token.access.expose().to_string(),
        token_type: token.token_type,
        expires_in: left.map(|left| u64::try_from(left).unwrap_or(0)),
        expires_at: token.expires_at.map(|end| end.to_rfc3339_opts(SecondsFormat::Secs, true)),
    }
}
