//! Keeping the stored health true.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::super::model::ConnectorId;
use super::super::{Health, HealthFacts, Method, TokenTimes};
use crate::db::Conn;
use crate::db::schema::{authorizations, connectors, secrets, tokens};
use crate::web::Error;

/// How many connectors one run of the job looks at, so that it never holds much.
const BATCH: i64 = 500;

/// The health of a connector without secrets or tokens.
pub(super) fn initial(method: Method, enabled: bool, now: DateTime<Utc>) -> Health {
    Health::of(
        &HealthFacts {
            enabled,
            method,
            has_secret: false,
            token: None,
            kept_fresh: false,
        },
        now,
    )
    .0
}

/// What of a connector's credentials health depends on.
#[derive(Queryable)]
pub struct Credentials {
    enabled: bool,
    method: String,
    kept_fresh: bool,
    obtained_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
}

/// Recomputes the health of a connector after one of its facts has changed, in the transaction of the change.
pub async fn refresh_health(
    conn: &mut Conn,
    id: ConnectorId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let stored: Credentials = connectors::table
        .inner_join(authorizations::table)
        .left_join(tokens::table)
        .filter(connectors::id.eq(id))
        .select((
            connectors::enabled,
            connectors::method,
            authorizations::keep_fresh,
            tokens::obtained_at.nullable(),
            tokens::expires_at.nullable(),
        ))
        .first(conn)
        .await?;
    let method = Method::parse(&stored.method).unwrap_or(Method::NoAuth);
    let facts = HealthFacts {
        enabled: stored.enabled,
        method,
        has_secret: has_secret(conn, id, method).await?,
        token: stored.obtained_at.map(|obtained_at| TokenTimes {
            obtained_at,
            expires_at: stored.expires_at,
        }),
        kept_fresh: stored.kept_fresh,
    };
    let (health, due) = Health::of(&facts, now);
    let changed = connectors::table
        .find(id)
        .filter(connectors::status.ne(health.code()));
    diesel::update(changed)
        .set((
            connectors::status.eq(health.code()),
            connectors::status_since.eq(now),
        ))
        .execute(conn)
        .await?;
    diesel::update(tokens::table.find(id))
        .set(tokens::status_due_at.eq(due))
        .execute(conn)
        .await?;
    Ok(())
}

async fn has_secret(conn: &mut Conn, id: ConnectorId, method: Method) -> Result<bool, Error> {
    let field = match method {
        Method::Basic => "password",
        Method::ApiKey => "api_key",
        Method::NoAuth | Method::Bearer | Method::OAuth(_) => return Ok(false),
    };
    Ok(
        diesel::select(diesel::dsl::exists(secrets::table.find((id, field))))
            .get_result(conn)
            .await?,
    )
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
        refresh_health(conn, *id, now).await?;
    }
    Ok(due.len())
}
