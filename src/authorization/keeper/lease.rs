//! The lease: who may ask for a connector's next token, as rows tell it.
//!
//! Version and lease stand in one row, and the lease is taken under the row that whoever stores or forgets a token
//! holds. So what is read with it, the refresh token above all, is of the version that the lease is for.
//!
//! Danger: a lease that ends while its holder still asks, or still stores the answer, lets another instance send the
//! same refresh token once more. So its holder extends it while it works ([`super::holding`]) until the answer is
//! stored; no request begins when it may have run out ([`super::ask`]); and one that has run out is left alone for
//! [`GRACE`], in which a holder that waited for the database extends it or stores what it has. It is taken over only if
//! it was not extended meanwhile, so clocks that differ cost time and never a second request.
//!
//! A lease is short, because the holder may have been killed: then the connector gets no token until the lease and
//! [`GRACE`] are over, less than 15 seconds. The price: a holder that loses the database for longer, while other
//! instances reach it, may be doubled.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::ask::{Question, question};
use super::holding::{Lease, SeenLease};
use super::{Inner, Need, TokenProblem};
use crate::authorization::queries::Sealed;
use crate::connectors::{self as connectors_slice, ConnectorId, Method, TokenTimes, is_idle};
use crate::db::schema::{authorizations, connectors, renewals, tokens};
use crate::db::{Conn, in_row};
use crate::web::Error;

/// How long a lease that has run out must have been seen before it is taken over, while the database is there: longer
/// than its holder needs for a try to reach the database, the time limit of a statement included.
pub(super) const GRACE: Duration = Duration::from_secs(6);

/// No lease and no rest lasts this long. One that seems to was written by a clock that has been put back since.
const FARTHEST: TimeDelta = TimeDelta::hours(2);

/// Between two looks at a token whose renewal is due.
const PAUSE: TimeDelta = TimeDelta::seconds(1);

/// How often a use is noted.
const USE_NOTED: TimeDelta = TimeDelta::minutes(1);

/// Who wants a lease.
pub(super) struct Wish {
    pub connector: ConnectorId,
    /// The token that is to be replaced.
    pub version: i64,
    /// A person asks, who may do so although the server has refused.
    pub forced: bool,
    /// The lease that had run out [`GRACE`] ago. Nobody has extended it if it is still the same.
    pub abandoned: Option<SeenLease>,
}

/// Whether the lease was taken.
pub(super) enum Taken {
    /// With what is to be asked.
    Yes(Lease, Box<Question>),
    No(Held),
}

/// Why the lease cannot be had.
pub(super) enum Held {
    /// Somebody has it, until this time or longer.
    Busy(DateTime<Utc>),
    /// Whoever has this one should have extended it by now.
    Abandoned(SeenLease),
    /// The server has refused, and its time has not come; or there is nothing to ask it with.
    Refused(Box<TokenProblem>),
    /// Another token came meanwhile.
    Moved,
}

/// A connector's token and how its renewal stands.
pub(super) struct TokenState {
    pub enabled: bool,
    pub method: Method,
    /// Whether certificates are checked.
    pub verify: bool,
    keep_fresh: bool,
    pub token: Option<SealedToken>,
    pub version: i64,
    last_used_at: Option<DateTime<Utc>>,
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
    /// The sealed value with the origins that it is bound to.
    pub fn sealed(&self) -> Sealed {
        Sealed { value: self.value.clone(), origins: self.origins.clone() }
    }

    pub fn times(&self) -> TokenTimes {
        TokenTimes { obtained_at: self.obtained_at, expires_at: self.expires_at }
    }
}

impl TokenState {
    /// Whether the stored token is what is needed.
    pub fn serves(&self, need: Need, now: DateTime<Utc>) -> bool {
        let lives = |token: &SealedToken| token.times().serves(need.min_ttl, now);
        self.token.as_ref().is_some_and(lives) && need.refused != Some(self.version)
    }

    /// Whether the token is near its end, see [`TokenTimes::renew_from`].
    pub fn ends_soon(&self, now: DateTime<Utc>) -> bool {
        let from = self.token.as_ref().and_then(|token| token.times().renew_from());
        from.is_some_and(|from| from <= now)
    }

    /// When whoever keeps the token asks again: its use is noted every minute, and it is renewed from a certain time
    /// on, which while that fails nobody need ask for with every call.
    pub fn ask_again_at(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        let times = self.token.as_ref().map(SealedToken::times);
        let renew_from = times.and_then(|times| times.renew_from());
        let next_use = now + USE_NOTED;
        renew_from.map_or(next_use, |from| from.max(now + PAUSE).min(next_use))
    }

    /// Whether a new token can be had without a person.
    pub fn is_renewable(&self) -> bool {
        let refreshable = self.token.as_ref().is_some_and(|token| token.has_refresh_token);
        match self.method {
            Method::Bearer => self.keep_fresh,
            Method::OAuth(_) => self.method.signs_in_by_itself() || refreshable,
            Method::NoAuth | Method::Basic | Method::ApiKey => false,
        }
    }

    /// Whether the use of this moment is worth noting: only a token that is renewed has an interest in it.
    pub fn notes_use(&self, now: DateTime<Utc>) -> bool {
        self.is_renewable() && self.last_used_at.is_none_or(|used| (now - used).abs() >= USE_NOTED)
    }
}

/// How things stand with a live connector; `None` when there is none.
pub(super) async fn state(conn: &mut Conn, connector: ConnectorId) -> Result<Option<TokenState>, Error> {
    type Row = (bool, Method, bool, bool, Option<SealedToken>, Option<i64>, Option<DateTime<Utc>>);
    let row = connectors::table
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
            renewals::token_version.nullable(),
            renewals::last_used_at.nullable(),
        ))
        .first(conn)
        .await;
    let row: Option<Row> = in_row(&["connectors"], connector, row).optional()?;
    Ok(row.map(|(enabled, method, verify, keep_fresh, token, version, last_used_at)| TokenState {
        enabled,
        method,
        verify,
        keep_fresh,
        token,
        version: version.unwrap_or(0),
        last_used_at,
    }))
}

/// How a connector's renewal stands.
#[derive(Queryable, Default)]
struct Standing {
    version: i64,
    lease_id: Option<Uuid>,
    lease_until: Option<DateTime<Utc>>,
    is_final: bool,
    next_attempt_at: Option<DateTime<Utc>>,
    message: String,
    server_words: String,
    remedy: String,
}

impl Standing {
    /// What keeps the wish from the lease, if anything does.
    fn held(self, wish: &Wish, now: DateTime<Utc>) -> Option<Held> {
        if self.version != wish.version {
            return Some(Held::Moved);
        }
        match (self.lease_id, self.lease_until) {
            (Some(_), Some(until)) if is_ahead(until, now) => Some(Held::Busy(until)),
            (Some(id), Some(until)) if wish.abandoned != Some(SeenLease { id, until }) => {
                Some(Held::Abandoned(SeenLease { id, until }))
            }
            _ if wish.forced => None,
            _ => self.rest(now),
        }
    }

    fn rest(self, now: DateTime<Utc>) -> Option<Held> {
        let next_attempt_at = self.next_attempt_at.filter(|next| !self.is_final && is_ahead(*next, now));
        (self.is_final || next_attempt_at.is_some()).then(|| {
            Held::Refused(Box::new(TokenProblem::Resting {
                message: self.message,
                server_words: self.server_words,
                remedy: self.remedy,
                next_attempt_at,
            }))
        })
    }
}

/// Whether a stored time is yet to come, and not absurdly far away.
fn is_ahead(time: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    time > now && time <= now + FARTHEST
}

/// Takes the lease, and reads what to ask, if the token is still of its version, nobody has it, and the server may be
/// asked.
pub(super) async fn take(conn: &mut Conn, keeper: &Inner, wish: &Wish, now: DateTime<Utc>) -> Result<Taken, Error> {
    conn.transaction(async |conn| {
        connectors_slice::hold_authorization(conn, wish.connector).await?;
        let refused = |problem| Ok(Taken::No(Held::Refused(Box::new(problem))));
        let Some(state) = state(conn, wish.connector).await? else {
            return refused(TokenProblem::Disabled);
        };
        if let Some(held) = standing(conn, wish.connector).await?.held(wish, now) {
            return Ok(Taken::No(held));
        }
        let question = question(conn, keeper, wish.connector, &state).await?;
        let Some(question) = question else {
            return refused(TokenProblem::Ended);
        };
        let lease = Lease::new(wish, now);
        Ok(match write(conn, &lease).await? {
            true => Taken::Yes(lease, Box::new(question)),
            false => Taken::No(Held::Moved),
        })
    })
    .await
}

/// Whether somebody has the lease, so that the server is being asked for the next token.
pub(in crate::authorization) async fn is_held(
    conn: &mut Conn,
    connector: ConnectorId,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let until: Option<Option<DateTime<Utc>>> =
        renewals::table.find(connector).select(renewals::lease_until).first(conn).await.optional()?;
    Ok(until.flatten().is_some_and(|until| is_ahead(until, now)))
}

/// The row; before the first token there is none.
async fn standing(conn: &mut Conn, connector: ConnectorId) -> Result<Standing, Error> {
    let row = renewals::table
        .find(connector)
        .select((
            renewals::token_version,
            renewals::lease_id,
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
    Ok(row.unwrap_or_default())
}

async fn write(conn: &mut Conn, lease: &Lease) -> Result<bool, Error> {
    let values = (renewals::lease_id.eq(lease.id), renewals::lease_until.eq(lease.until()));
    let upsert = diesel::insert_into(renewals::table)
        .values((renewals::connector_id.eq(lease.connector), renewals::token_version.eq(lease.version), values))
        .on_conflict(renewals::connector_id)
        .do_update()
        .set(values);
    let same_version = renewals::token_version.eq(lease.version);
    let written = diesel::query_dsl::methods::FilterDsl::filter(upsert, same_version).execute(conn).await?;
    Ok(written == 1)
}

/// Notes that a call wanted the token. One that counted as idle is looked after as it ends from now on.
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
    // Of many calls at once, one writes.
    if noted == 1 && state.last_used_at.is_none_or(|used| is_idle(used, now)) {
        connectors_slice::review_health(conn, connector, now).await?;
    }
    Ok(())
}

/// The connectors whose token is to be looked after by now and that nobody is at, the longest overdue first.
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

#[cfg(test)]
mod tests;
