//! The lease: who may ask for a connector's next token, as rows tell it.
//!
//! Version and lease stand in one row, so that taking the lease and seeing that the token is still the same is one step.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{Need, TokenProblem};
use crate::authorization::transport::limits_of;
use crate::connectors::{ConnectorId, Method, TokenTimes};
use crate::db::Conn;
use crate::db::schema::{authorizations, connectors, renewals, tokens};
use crate::web::Error;

/// A lease outlives the request by this much, in which the answer is stored.
const STORING: TimeDelta = TimeDelta::seconds(5);

/// The right to ask for the token that follows this version.
pub(super) struct Lease {
    pub id: Uuid,
    pub connector: ConnectorId,
    pub version: i64,
}

/// Whether the lease was taken.
pub(super) enum Taken {
    Yes,
    No(Held),
}

/// Why the lease cannot be had.
pub(super) enum Held {
    /// Somebody has it.
    Busy,
    /// The server has refused, and its time has not come.
    Resting(Box<TokenProblem>),
    /// Another token came meanwhile.
    Moved,
}

/// A connector's token and how its renewal stands.
pub(super) struct TokenState {
    pub enabled: bool,
    method: Method,
    keep_fresh: bool,
    time_out: Option<i32>,
    pub token: Option<SealedToken>,
    pub version: i64,
    pub last_used_at: Option<DateTime<Utc>>,
}

#[derive(Queryable)]
pub(super) struct SealedToken {
    pub sealed: Vec<u8>,
    pub token_type: String,
    pub obtained_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    has_refresh_token: bool,
}

impl TokenState {
    pub fn obtained_at(&self) -> Option<DateTime<Utc>> {
        self.token.as_ref().map(|token| token.obtained_at)
    }

    /// Whether the stored token is what is needed.
    pub fn serves(&self, need: Need, now: DateTime<Utc>) -> bool {
        let lives = |token: &SealedToken| {
            token
                .expires_at
                .is_none_or(|expires| expires > now && expires - now >= need.min_ttl)
        };
        self.token.as_ref().is_some_and(lives) && need.refused != Some(self.version)
    }

    /// Whether the token is near its end, see [`TokenTimes::renew_from`].
    pub fn ends_soon(&self, now: DateTime<Utc>) -> bool {
        let times = self.token.as_ref().map(|token| TokenTimes {
            obtained_at: token.obtained_at,
            expires_at: token.expires_at,
        });
        times
            .and_then(|times| times.renew_from())
            .is_some_and(|from| from <= now)
    }

    /// Whether a new token can be had without a person.
    pub fn is_renewable(&self) -> bool {
        let refreshable = self
            .token
            .as_ref()
            .is_some_and(|token| token.has_refresh_token);
        match self.method {
            Method::Bearer => self.keep_fresh,
            Method::OAuth(_) => self.method.signs_in_by_itself() || refreshable,
            Method::NoAuth | Method::Basic | Method::ApiKey => false,
        }
    }

    /// How long the lease is held at most: a password grant may ask twice.
    fn lease_time(&self) -> TimeDelta {
        let total = limits_of(self.time_out).total.saturating_mul(2);
        TimeDelta::from_std(total.min(Duration::from_secs(600))).unwrap_or(STORING) + STORING
    }
}

/// How things stand with a live connector; `None` when there is none.
pub(super) async fn state(
    conn: &mut Conn,
    connector: ConnectorId,
) -> Result<Option<TokenState>, Error> {
    type Row = (
        bool,
        String,
        bool,
        Option<i32>,
        Option<SealedToken>,
        Option<i64>,
        Option<DateTime<Utc>>,
    );
    let row: Option<Row> = connectors::table
        .inner_join(authorizations::table)
        .left_join(tokens::table)
        .left_join(renewals::table)
        .filter(connectors::id.eq(connector))
        .filter(connectors::deleted_at.is_null())
        .select((
            connectors::enabled,
            connectors::method,
            authorizations::keep_fresh,
            authorizations::time_out,
            (
                tokens::access_token,
                tokens::token_type,
                tokens::obtained_at,
                tokens::expires_at,
                tokens::refresh_token.is_not_null(),
            )
                .nullable(),
            renewals::token_version.nullable(),
            renewals::last_used_at.nullable(),
        ))
        .first(conn)
        .await
        .optional()?;
    Ok(row.map(
        |(enabled, method, keep_fresh, time_out, token, version, last_used_at)| TokenState {
            enabled,
            method: Method::parse(&method).unwrap_or(Method::NoAuth),
            keep_fresh,
            time_out,
            token,
            version: version.unwrap_or(0),
            last_used_at,
        },
    ))
}

/// Takes the lease if the token is still of its version, nobody has it, and the server may be asked. A person may ask a
/// server that has refused (`forced`).
pub(super) async fn take(
    conn: &mut Conn,
    lease: &Lease,
    now: DateTime<Utc>,
    state: &TokenState,
    forced: bool,
) -> Result<Taken, Error> {
    let sql = "INSERT INTO renewals AS r (connector_id, token_version, lease_id, lease_until) VALUES ($1, $2, $3, $4)
        ON CONFLICT (connector_id) DO UPDATE SET lease_id = excluded.lease_id, lease_until = excluded.lease_until
        WHERE r.token_version = excluded.token_version AND (r.lease_until IS NULL OR r.lease_until <= $5)
          AND ($6 OR (NOT r.is_final AND (r.next_attempt_at IS NULL OR r.next_attempt_at <= $5)))";
    let taken = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(lease.connector)
        .bind::<BigInt, _>(lease.version)
        .bind::<SqlUuid, _>(lease.id)
        .bind::<Nullable<Timestamptz>, _>(Some(now + state.lease_time()))
        .bind::<Timestamptz, _>(now)
        .bind::<Bool, _>(forced)
        .execute(conn)
        .await?;
    if taken == 1 {
        return Ok(Taken::Yes);
    }
    Ok(Taken::No(why_not(conn, lease, now).await?))
}

async fn why_not(conn: &mut Conn, lease: &Lease, now: DateTime<Utc>) -> Result<Held, Error> {
    type Row = (
        i64,
        Option<DateTime<Utc>>,
        bool,
        Option<DateTime<Utc>>,
        String,
        String,
        String,
    );
    let row: Option<Row> = renewals::table
        .find(lease.connector)
        .select((
            renewals::token_version,
            renewals::lease_until,
            renewals::is_final,
            renewals::next_attempt_at,
            renewals::message,
            renewals::server_words,
            renewals::remedy,
        ))
        .first(conn)
        .await
        .optional()?;
    let Some((version, until, is_final, next_attempt_at, message, server_words, remedy)) = row
    else {
        return Ok(Held::Busy);
    };
    if version != lease.version {
        return Ok(Held::Moved);
    }
    let waits = next_attempt_at.is_some_and(|next| next > now);
    let leased = until.is_some_and(|until| until > now);
    if leased || !(is_final || waits) {
        return Ok(Held::Busy);
    }
    Ok(Held::Resting(Box::new(TokenProblem::Resting {
        message,
        server_words,
        remedy,
        next_attempt_at: next_attempt_at.filter(|_| !is_final),
    })))
}

/// Keeps that a call wanted the token.
pub(super) async fn note_use(
    conn: &mut Conn,
    connector: ConnectorId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::update(renewals::table.find(connector))
        .set(renewals::last_used_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// The connectors whose token is to be looked after by now, the longest overdue first.
pub(super) async fn due(
    conn: &mut Conn,
    now: DateTime<Utc>,
    most: i64,
) -> Result<Vec<ConnectorId>, Error> {
    Ok(renewals::table
        .filter(renewals::due_at.le(now))
        .order(renewals::due_at)
        .limit(most)
        .select(renewals::connector_id)
        .load(conn)
        .await?)
}
