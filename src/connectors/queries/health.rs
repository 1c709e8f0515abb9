//! Keeping the stored health true, and with it when the token is to be renewed.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::evidence::evidence;
use crate::connectors::model::ConnectorId;
use crate::connectors::{Evidence, Facts, Health, HealthForecast, Method, RenewalFacts, TokenTimes};
use crate::db::schema::{authorizations, breakers, connectors, renewals, secrets, tokens};
use crate::db::{Conn, in_row};
use crate::web::Error;

/// How many connectors one run of the job looks at, so that it never holds much.
const BATCH: i64 = 500;

/// The health of a connector without secrets or tokens.
pub(super) fn initial(method: Method, enabled: bool, now: DateTime<Utc>) -> Health {
    let facts = Facts {
        enabled,
        method,
        has_secret: false,
        token: None,
        refresh: None,
        renewable: false,
        renewal: RenewalFacts::default(),
        is_left_alone: false,
        evidence: Evidence::default(),
    };
    HealthForecast::of(&facts, now).health
}

/// The stored facts, but for whether there is a secret.
async fn stored_facts(conn: &mut Conn, id: ConnectorId) -> Result<Facts, Error> {
    type Token = (DateTime<Utc>, Option<DateTime<Utc>>, bool, (Option<DateTime<Utc>>, Option<DateTime<Utc>>));
    type Row = ((bool, bool, Method, bool), Option<Token>, Option<RenewalFacts>, bool);
    let facts = connectors::table
        .inner_join(authorizations::table)
        .left_join(tokens::table)
        .left_join(renewals::table)
        .left_join(breakers::table)
        .filter(connectors::id.eq(id))
        .select((
            (connectors::enabled, connectors::deleted_at.is_null(), connectors::method, authorizations::keep_fresh),
            (
                tokens::obtained_at,
                tokens::expires_at,
                tokens::refresh_token.is_not_null(),
                (tokens::refresh_from, tokens::refresh_expires_at),
            )
                .nullable(),
            (renewals::failures, renewals::is_final, renewals::next_attempt_at, renewals::last_used_at).nullable(),
            breakers::connector_id.nullable().is_not_null(),
        ))
        .first(&mut *conn)
        .await;
    let ((enabled, is_live, method, keep_fresh), token, renewal, is_left_alone): Row =
        in_row(&["connectors"], id, facts)?;
    let has_refresh_token = token.is_some_and(|(_, _, has_refresh_token, _)| has_refresh_token);
    let refresh = token.and_then(|(.., (from, end))| from.zip(end)).filter(|_| !method.signs_in_by_itself());
    Ok(Facts {
        enabled,
        method,
        has_secret: false,
        token: token.map(|(obtained_at, expires_at, ..)| TokenTimes { obtained_at, expires_at }),
        refresh: refresh.map(|(obtained_at, end)| TokenTimes { obtained_at, expires_at: Some(end) }),
        // The token of a connector in the trash is not needed.
        renewable: is_live && method.is_renewable(keep_fresh, has_refresh_token),
        renewal: renewal.unwrap_or_default(),
        is_left_alone,
        evidence: evidence(conn, id).await?,
    })
}

/// Locks the row that every change of what the health follows from locks before any other, until the end of the
/// transaction. One order for all, so that no two of them wait for each other: `authorizations`, then the rest.
pub async fn hold_authorization(conn: &mut Conn, id: ConnectorId) -> Result<(), Error> {
    let row = authorizations::table.find(id);
    let _: ConnectorId = row.select(authorizations::connector_id).for_update().first(conn).await?;
    Ok(())
}

/// Recomputes the forecast of a connector when only time has passed, and gives it.
pub async fn review_health(conn: &mut Conn, id: ConnectorId, now: DateTime<Utc>) -> Result<HealthForecast, Error> {
    conn.transaction(async |conn| {
        hold_authorization(conn, id).await?;
        refresh_health(conn, id, now).await
    })
    .await
}

/// Recomputes the forecast of a connector after one of its facts has changed, in the transaction of the change, which
/// holds its row in `authorizations`, and gives it.
pub async fn refresh_health(conn: &mut Conn, id: ConnectorId, now: DateTime<Utc>) -> Result<HealthForecast, Error> {
    let mut facts = stored_facts(conn, id).await?;
    facts.has_secret = has_secret(conn, id, facts.method).await?;
    let forecast = HealthForecast::of(&facts, now);
    let changed = connectors::table.find(id).filter(connectors::status.ne(forecast.health));
    diesel::update(changed)
        .set((connectors::status.eq(forecast.health), connectors::status_since.eq(now)))
        .execute(conn)
        .await?;
    if facts.token.is_some() {
        diesel::update(tokens::table.find(id)).set(tokens::status_due_at.eq(forecast.changes_at)).execute(conn).await?;
    }
    diesel::update(renewals::table.find(id)).set(renewals::due_at.eq(forecast.renew_at)).execute(conn).await?;
    Ok(forecast)
}

async fn has_secret(conn: &mut Conn, id: ConnectorId, method: Method) -> Result<bool, Error> {
    let Some(field) = method.call_secret() else {
        return Ok(false);
    };
    Ok(diesel::select(diesel::dsl::exists(secrets::table.find((id, field)))).get_result(conn).await?)
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// How many connectors are in each state, for the metrics.
pub async fn count_by_health(conn: &mut Conn) -> Result<Vec<(Health, i64)>, Error> {
    let sql = "SELECT status, count(*) AS n FROM connectors WHERE deleted_at IS NULL GROUP BY status";
    let counts: Vec<Count> = diesel::sql_query(sql).load(conn).await?;
    let of = |health: Health| counts.iter().find(|count| count.status == health.code()).map_or(0, |count| count.n);
    Ok(Health::ALL.map(|health| (health, of(health))).into())
}

/// Recomputes the health of connectors whose token has come near its end or reached it. Gives how many there were.
pub async fn refresh_due_health(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let due: Vec<ConnectorId> = tokens::table
        .filter(tokens::status_due_at.le(now))
        .order(tokens::status_due_at)
        .limit(BATCH)
        .select(tokens::connector_id)
        .load(conn)
        .await?;
    for id in &due {
        match review_health(conn, *id, now).await {
            // One row that cannot be read does not stop the others.
            Err(Error::Internal(cause)) => {
                tracing::error!(cause = format!("{cause:#}"), "the health of a data connector cannot be computed");
            }
            other => _ = other?,
        }
    }
    Ok(due.len())
}
