//! Storing the outcome of a request for a token: the token, or why there is none.
//!
//! Danger: the answer may hold the only copy of a rotated refresh token, so storing is tried again while the database is away.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use tokio::time::Instant;

use super::lease::Lease;
use super::request::Answer;
use super::state::renewal;
use super::{Inner, TokenProblem, Trigger};
use crate::access::Actor;
use crate::audit::{Change, Changes};
use crate::authorization::model::NewToken;
use crate::authorization::next_secret::promote;
use crate::authorization::origins::{NewValue, approved_for_new};
use crate::authorization::queries;
use crate::connectors::{self, CredentialChange, SecretField};
use crate::db::schema::renewals;
use crate::oauth::TokenError;
use crate::vault::Vault;
use crate::web::Error;

/// After a failure no request is sent for half a minute, then for twice as long each time, up to a quarter of an hour; up to
/// an hour if the server answers with a refusal that is not known as final, for that is less likely to pass.
const FIRST_BACKOFF: TimeDelta = TimeDelta::seconds(30);
const LONGEST_BACKOFF: TimeDelta = TimeDelta::minutes(15);
const LONGEST_REFUSED: TimeDelta = TimeDelta::hours(1);

/// How long storing is tried while the database is away, and the pause between two attempts. A token may be the only copy;
/// a refusal would come again.
const STORING_TOKEN: Duration = Duration::from_secs(600);
const STORING_REFUSAL: Duration = Duration::from_secs(10);
const BETWEEN_TRIES: Duration = Duration::from_millis(250);

/// Stores the answer, and goes on trying while the database is away.
pub(super) async fn store(
    keeper: &Inner,
    lease: &Lease,
    answer: Answer,
    trigger: &Trigger,
) -> Result<(), TokenProblem> {
    let longest = match &answer {
        Answer::Token { .. } => STORING_TOKEN,
        Answer::Refused(_) | Answer::TooLate => STORING_REFUSAL,
    };
    let began = Instant::now();
    let mut warned = None;
    let stored = loop {
        match try_to_store(keeper, lease, &answer, trigger).await {
            // The connector was deleted permanently.
            Err(Error::NotFound) => break false,
            Err(error) if began.elapsed() < longest => {
                let warn = warned.is_none_or(|at: Instant| at.elapsed().as_secs() >= 10);
                if warn {
                    warned = Some(Instant::now());
                    let cause = format!("{:#}", anyhow::Error::from(error));
                    tracing::warn!(connector = %lease.connector, cause, "the answer of a token server could not be stored yet");
                }
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            stored => break stored?,
        }
    };
    match answer {
        Answer::Refused(refusal) => Err(TokenProblem::Refused(Box::new(refusal))),
        Answer::Token { .. } if stored => Ok(()),
        Answer::Token { .. } | Answer::TooLate => Err(TokenProblem::Changed),
    }
}

async fn try_to_store(keeper: &Inner, lease: &Lease, answer: &Answer, trigger: &Trigger) -> Result<bool, Error> {
    let (by, recorded) = match trigger {
        Trigger::Person(by) => (Actor::clone(by), true),
        Trigger::Call | Trigger::Due => (Actor::connectory(), false),
    };
    let mut conn = keeper.db.get().await?;
    let change = &mut Change { conn: &mut conn, by: &by, now: keeper.clock.now() };
    match answer {
        Answer::Token { token, took_next } => {
            store_token(change, &keeper.vault, lease, (token, *took_next), recorded).await
        }
        Answer::Refused(refusal) => store_refusal(change, lease, refusal).await.map(|()| true),
        Answer::TooLate => Ok(false),
    }
}

/// Stores the token that the lease was for; false when another one came or the tokens were forgotten meanwhile.
async fn store_token(
    change: &mut Change<'_>,
    vault: &Vault,
    lease: &Lease,
    (token, took_next): (&NewToken, bool),
    recorded: bool,
) -> Result<bool, Error> {
    let (id, by, now) = (lease.connector, change.by, change.now);
    change
        .conn
        .transaction(async |conn| {
            let change = &mut Change { conn, by, now };
            // First: storing or forgetting a token locks this row before any other.
            queries::find_and_lock(change.conn, id).await?;
            if renewal(change.conn, id).await?.token_version != lease.version {
                return Ok(false);
            }
            // A renewal approves nothing. The first token of a client inherits from the secrets it was asked for with.
            let approved = match queries::token_origins(change.conn, id).await? {
                Some(approved) => approved,
                None => approved_for_new(change.conn, id, &NewValue::default()).await?,
            };
            queries::store_token(change, vault, id, token, &approved).await?;
            if took_next {
                promote(change, vault, id, SecretField::ClientSecret).await?;
            }
            connectors::outdate_evidence(change.conn, id, CredentialChange::Renewed, change.now).await?;
            connectors::refresh_health(change.conn, id, change.now).await?;
            if recorded {
                let name = connectors::name(change.conn, id).await?;
                change.record("token.renewed", id, &name, Changes::none().secret("Token", "changed")).await?;
            }
            Ok(true)
        })
        .await
}

/// Stores a refusal and ends the lease. The stored token stays as it is. The first failure and the server's no are
/// audited; the attempts between them would only fill the log.
async fn store_refusal(change: &mut Change<'_>, lease: &Lease, refusal: &TokenError) -> Result<(), Error> {
    let (id, by, now) = (lease.connector, change.by, change.now);
    change
        .conn
        .transaction(async |conn| {
            let change = &mut Change { conn, by, now };
            queries::find_and_lock(change.conn, id).await?;
            let before = renewal(change.conn, id).await?;
            if before.lease_id != Some(lease.id) {
                return Ok(());
            }
            diesel::update(renewals::table.find(id))
                .set((
                    renewals::lease_id.eq(None::<uuid::Uuid>),
                    renewals::lease_until.eq(None::<DateTime<Utc>>),
                    renewals::failures.eq(before.failures.saturating_add(1)),
                    renewals::failed_at.eq(change.now),
                    renewals::is_final.eq(refusal.is_final()),
                    renewals::message.eq(&refusal.message),
                    renewals::server_words.eq(refusal.server_words.as_deref().unwrap_or_default()),
                    renewals::remedy.eq(&refusal.remedy),
                    renewals::next_attempt_at.eq(change.now + backoff(before.failures, refusal)),
                ))
                .execute(change.conn)
                .await?;
            connectors::refresh_health(change.conn, id, change.now).await?;
            if before.failures == 0 || refusal.is_final() {
                let name = connectors::name(change.conn, id).await?;
                let changes = Changes::none().field("Answer", "", &refusal.message);
                change.record("token.renewal_failed", id, &name, changes).await?;
            }
            Ok(())
        })
        .await
}

/// How long no request is sent: as long as the server asks for, and longer with each failure.
fn backoff(failures: i32, refusal: &TokenError) -> TimeDelta {
    let doubled = FIRST_BACKOFF * (1 << failures.clamp(0, 7));
    let longest = if refusal.is_refusal() { LONGEST_REFUSED } else { LONGEST_BACKOFF };
    let retry_after = refusal.retry_after.and_then(|time| TimeDelta::from_std(time).ok()).unwrap_or_default();
    doubled.min(longest).max(retry_after)
}
