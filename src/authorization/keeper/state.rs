//! A connector's token and how its renewal stands, in one query.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Need;
use super::lease::FARTHEST;
use crate::authorization::queries::Sealed;
use crate::connectors::{self as connectors_slice, ConnectorId, Method, TokenTimes, is_idle};
use crate::db::schema::{authorizations, connectors, renewals, tokens};
use crate::db::{Conn, in_row};
use crate::oauth::is_bound_to_key;
use crate::web::Error;

/// Between two looks at a token whose renewal is due.
const PAUSE: TimeDelta = TimeDelta::seconds(1);

/// How often a use is noted.
const USE_NOTED: TimeDelta = TimeDelta::minutes(1);

/// A connector's token and how its renewal stands.
#[derive(Queryable)]
pub(super) struct TokenState {
    pub enabled: bool,
    pub method: Method,
    /// Whether certificates are checked.
    pub verify: bool,
    keep_fresh: bool,
    pub token: Option<SealedToken>,
    #[diesel(deserialize_as = Option<RenewalState>)]
    pub renewal: RenewalState,
}

/// How the renewal of a connector's token stands: its row of `renewals`. Before the first token there is none, which is
/// the same as one in which nothing has happened.
#[derive(Queryable, Selectable, Clone, Debug, Default)]
#[diesel(table_name = renewals)]
pub struct RenewalState {
    /// Moves with every token of the connector.
    pub token_version: i64,
    /// The lease of the instance that requests the next token.
    pub(super) lease_id: Option<Uuid>,
    pub(super) lease_until: Option<DateTime<Utc>>,
    /// How many requests in a row have failed, and why the last one did.
    pub failures: i32,
    pub failed_at: Option<DateTime<Utc>>,
    /// The server said no, so no attempt follows until the settings change.
    pub is_final: bool,
    pub message: String,
    pub server_words: String,
    pub remedy: String,
    pub(super) next_attempt_at: Option<DateTime<Utc>>,
    pub(super) last_used_at: Option<DateTime<Utc>>,
}

impl From<Option<RenewalState>> for RenewalState {
    fn from(row: Option<RenewalState>) -> RenewalState {
        row.unwrap_or_default()
    }
}

impl RenewalState {
    /// When the backoff after a failure ends; `None` without one, and where no attempt follows by itself.
    pub fn next_attempt(&self) -> Option<DateTime<Utc>> {
        self.next_attempt_at.filter(|_| !self.is_final)
    }
}

#[derive(Queryable)]
pub(super) struct SealedToken {
    value: Vec<u8>,
    origins: Option<Vec<String>>,
    pub token_type: String,
    obtained_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    has_refresh_token: bool,
}

impl SealedToken {
    /// The access token, still sealed.
    pub fn sealed(&self, connector: ConnectorId) -> Sealed {
        Sealed::token(connector, "access_token", self.value.clone(), self.origins.clone())
    }

    pub fn times(&self) -> TokenTimes {
        TokenTimes { obtained_at: self.obtained_at, expires_at: self.expires_at }
    }
}

impl TokenState {
    /// Whether the stored token is what is needed.
    pub fn serves(&self, need: Need, now: DateTime<Utc>) -> bool {
        // One that counts only with a proof is not sent without it.
        let lives =
            |token: &SealedToken| !is_bound_to_key(&token.token_type) && token.times().serves(need.min_ttl, now);
        self.token.as_ref().is_some_and(lives) && need.refused != Some(self.renewal.token_version)
    }

    /// Whether the token is near its end, see [`TokenTimes::renew_from`].
    pub fn ends_soon(&self, now: DateTime<Utc>) -> bool {
        let from = self.token.as_ref().and_then(|token| token.times().renew_from());
        from.is_some_and(|from| from <= now)
    }

    /// When a cache of the token asks again: its use is noted every minute, and it is refreshed from a certain time on,
    /// which is not retried with every call.
    pub fn ask_again_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let times = self.token.as_ref().map(SealedToken::times);
        let renew_from = times.and_then(|times| times.renew_from());
        let next_use = now + USE_NOTED;
        renew_from.map_or(next_use, |from| from.max(now + PAUSE).min(next_use))
    }

    /// Whether a new token can be had without a person.
    pub fn is_renewable(&self) -> bool {
        let refreshable = self.token.as_ref().is_some_and(|token| token.has_refresh_token);
        self.method.is_renewable(self.keep_fresh, refreshable)
    }

    /// Whether the use of this moment is worth noting: it matters only for a token that is refreshed.
    pub fn notes_use(&self, now: DateTime<Utc>) -> bool {
        self.is_renewable() && self.renewal.last_used_at.is_none_or(|used| (now - used).abs() >= USE_NOTED)
    }
}

/// The token of a live connector and its renewal; `None` when there is no such connector.
pub(super) async fn state(conn: &mut Conn, connector: ConnectorId) -> Result<Option<TokenState>, Error> {
    let state = connectors::table
        .inner_join(authorizations::table)
        .left_join(tokens::table)
        .left_join(renewals::table)
        .filter(connectors::id.eq(connector))
        .filter(connectors::deleted_at.is_null())
        .select((
            connectors::enabled,
            connectors::method,
            connectors::verify_certificates,
            authorizations::keep_fresh,
            (
                tokens::access_token,
                tokens::origins,
                tokens::token_type,
                tokens::obtained_at,
                tokens::expires_at,
                tokens::refresh_token.is_not_null(),
            )
                .nullable(),
            <RenewalState as Selectable<Pg>>::construct_selection().nullable(),
        ))
        .first(conn)
        .await;
    Ok(in_row(&["connectors"], connector, state).optional()?)
}

/// How the renewal of a connector's token stands.
pub async fn renewal(conn: &mut Conn, connector: ConnectorId) -> Result<RenewalState, Error> {
    let row = renewals::table.find(connector).select(RenewalState::as_select()).first(conn).await;
    Ok(row.optional()?.into())
}

/// Notes that a call needed the token. From now on one that counted as idle is refreshed before it ends.
pub(super) async fn note_use(
    conn: &mut Conn,
    connector: ConnectorId,
    state: &TokenState,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let stale = renewals::table.find(connector).filter(
        renewals::last_used_at
            .is_null()
            .or(renewals::last_used_at.le(now - USE_NOTED))
            .or(renewals::last_used_at.ge(now + USE_NOTED)),
    );
    let noted = diesel::update(stale).set(renewals::last_used_at.eq(now)).execute(conn).await?;
    // Of many concurrent calls, one writes.
    if noted == 1 && state.renewal.last_used_at.is_none_or(|used| is_idle(used, now)) {
        connectors_slice::review_health(conn, connector, now).await?;
    }
    Ok(())
}

/// The connectors whose token is due by now and whose lease is free, the longest overdue first.
pub(super) async fn due(conn: &mut Conn, now: DateTime<Utc>, most: i64) -> Result<Vec<ConnectorId>, Error> {
    let idle =
        renewals::lease_until.is_null().or(renewals::lease_until.le(now)).or(renewals::lease_until.gt(now + FARTHEST));
    Ok(renewals::table
        .filter(renewals::due_at.le(now))
        .filter(idle)
        .order(renewals::due_at)
        .limit(most)
        .select(renewals::connector_id)
        .load(conn)
        .await?)
}
