//! Keeping what came of a request for a token: the token, or why there is none.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::ask::Answer;
use super::lease::Lease;
use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::authorization::queries;
use crate::connectors;
use crate::db::Conn;
use crate::db::schema::{connectors as connectors_table, renewals};
use crate::oauth::Refusal;
use crate::vault::Vault;
use crate::web::Error;

/// After a failure the server is left alone for half a minute, then twice as long each time, up to a quarter of an hour.
const FIRST_REST: TimeDelta = TimeDelta::seconds(30);
const LONGEST_REST: TimeDelta = TimeDelta::minutes(15);

/// Tries to store a token while the database is away, a second apart.
const MOST_TRIES: u32 = 60;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Counts the tries to store a token.
#[derive(Default)]
pub(super) struct Tries(u32);

impl Tries {
    /// Waits for the next try; false when there is none.
    pub async fn another(&mut self) -> bool {
        self.0 += 1;
        if self.0 >= MOST_TRIES {
            return false;
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
        true
    }
}

/// Stores the token that the lease was for; false when another one came or the tokens were forgotten meanwhile.
pub(super) async fn keep(
    conn: &mut Conn,
    vault: &Vault,
    lease: &Lease,
    by: &Actor,
    now: DateTime<Utc>,
    answer: &Answer,
    recorded: bool,
) -> Result<bool, Error> {
    conn.transaction(async |conn| {
        // First: whoever stores or forgets a token takes this row before any other.
        queries::find_and_hold(conn, lease.connector).await?;
        let version: i64 = renewals::table
            .find(lease.connector)
            .select(renewals::token_version)
            .first(conn)
            .await?;
        if version != lease.version {
            return Ok(false);
        }
        queries::store_token(conn, vault, by, now, lease.connector, &answer.token).await?;
        connectors::refresh_health(conn, lease.connector, now).await?;
        if recorded {
            let changes = Changes::none().secret("Token", "changed");
            record(conn, lease, by, now, "token.renewed", changes).await?;
        }
        Ok(true)
    })
    .await
}

/// Records a refusal and ends the lease. The stored token stays as it is. The first failure and the server's no are audited;
/// the tries between them would only fill the log.
pub(super) async fn fail(
    conn: &mut Conn,
    lease: &Lease,
    by: &Actor,
    now: DateTime<Utc>,
    refusal: &Refusal,
) -> Result<(), Error> {
    conn.transaction(async |conn| {
        queries::find_and_hold(conn, lease.connector).await?;
        let own = renewals::table
            .find(lease.connector)
            .filter(renewals::lease_id.eq(lease.id));
        let before: Option<i32> = own
            .select(renewals::failures)
            .first(conn)
            .await
            .optional()?;
        let Some(before) = before else { return Ok(()) };
        let rest = rest(before, refusal);
        diesel::update(own)
            .set((
                renewals::lease_id.eq(None::<uuid::Uuid>),
                renewals::lease_until.eq(None::<DateTime<Utc>>),
                renewals::failures.eq(before.saturating_add(1)),
                renewals::failed_at.eq(now),
                renewals::is_final.eq(refusal.is_final()),
                renewals::message.eq(&refusal.message),
                renewals::server_words.eq(refusal.server_words.as_deref().unwrap_or_default()),
                renewals::remedy.eq(&refusal.remedy),
                renewals::next_attempt_at.eq(now + rest),
            ))
            .execute(conn)
            .await?;
        connectors::refresh_health(conn, lease.connector, now).await?;
        if before == 0 || refusal.is_final() {
            let changes = Changes::none().field("Answer", "", &refusal.message);
            record(conn, lease, by, now, "token.renewal_failed", changes).await?;
        }
        Ok(())
    })
    .await
}

/// Gives the lease back: nothing was asked.
pub(super) async fn release(conn: &mut Conn, lease: &Lease) -> Result<(), Error> {
    let own = renewals::table
        .find(lease.connector)
        .filter(renewals::lease_id.eq(lease.id));
    diesel::update(own)
        .set(renewals::lease_until.eq(None::<DateTime<Utc>>))
        .execute(conn)
        .await?;
    Ok(())
}

/// How long the server is left alone: as long as it asks for, and longer with each failure.
fn rest(failures: i32, refusal: &Refusal) -> TimeDelta {
    let doubled = FIRST_REST * (1 << failures.clamp(0, 6));
    let asked = refusal
        .retry_after
        .and_then(|time| TimeDelta::from_std(time).ok())
        .unwrap_or_default();
    doubled.min(LONGEST_REST).max(asked)
}

async fn record(
    conn: &mut Conn,
    lease: &Lease,
    by: &Actor,
    now: DateTime<Utc>,
    kind: &'static str,
    changes: Changes,
) -> Result<(), Error> {
    let name: String = connectors_table::table
        .find(lease.connector)
        .select(connectors_table::name)
        .first(conn)
        .await?;
    let event = Event {
        kind,
        subject_id: Some(lease.connector),
        subject_name: &name,
        changes,
    };
    audit::record(conn, by, now, event).await
}
