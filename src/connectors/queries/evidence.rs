//! Storing what calls, tests and tokens have shown of a connector.
//!
//! Rule: every change of a row is made by one who holds the connector's row in `authorizations`, as of every fact that
//! health follows from, and recomputes the health before it ends.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::health::{hold_authorization, refresh_health};
use crate::connectors::evidence::{Evidence, Observation};
use crate::connectors::model::ConnectorId;
use crate::db::schema::evidence;
use crate::db::{Conn, in_row};
use crate::web::Error;

/// What is known of a connector; the default where nothing is.
pub async fn evidence(conn: &mut Conn, id: ConnectorId) -> Result<Evidence, Error> {
    let row = evidence::table.find(id).select(Evidence::as_select()).first(conn).await;
    Ok(in_row(&["evidence"], id, row).optional()?.unwrap_or_default())
}

/// What is known of these connectors.
pub async fn all_evidence(conn: &mut Conn, ids: &[ConnectorId]) -> Result<HashMap<ConnectorId, Evidence>, Error> {
    let rows: Vec<(ConnectorId, Evidence)> = evidence::table
        .filter(evidence::connector_id.eq_any(ids))
        .select((evidence::connector_id, Evidence::as_select()))
        .load(conn)
        .await?;
    let mut all: HashMap<ConnectorId, Evidence> = ids.iter().map(|id| (*id, Evidence::default())).collect();
    all.extend(rows);
    Ok(all)
}

async fn save(conn: &mut Conn, id: ConnectorId, known: &Evidence) -> Result<(), Error> {
    diesel::insert_into(evidence::table)
        .values((evidence::connector_id.eq(id), known))
        .on_conflict(evidence::connector_id)
        .do_update()
        .set(known)
        .execute(conn)
        .await?;
    Ok(())
}

/// Adds what calls have shown, in their order, and recomputes the health. Gives what is known now.
pub async fn add_observations(
    conn: &mut Conn,
    id: ConnectorId,
    seen: &[Observation],
    now: DateTime<Utc>,
) -> Result<Evidence, Error> {
    conn.transaction(async |conn| {
        hold_authorization(conn, id).await?;
        let before = evidence(conn, id).await?;
        let mut known = before.clone();
        seen.iter().for_each(|seen| known.add(seen));
        if known != before {
            save(conn, id, &known).await?;
        }
        if !known.has_same_health(&before) {
            refresh_health(conn, id, now).await?;
        }
        Ok(known)
    })
    .await
}

/// What has happened to the settings or the credential of a connector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CredentialChange {
    /// A person has changed a secret, the method or a setting, or put in a token.
    Replaced,
    /// A token server has issued the first token of an authorization.
    Issued,
    /// A token server has renewed the token.
    Renewed,
    /// Calls go to another base URL.
    OtherApi,
}

/// Forgets what was known of what has changed, in the transaction of the change, which holds the connector's row in
/// `authorizations` and recomputes the health afterwards.
pub async fn outdate_evidence(
    conn: &mut Conn,
    id: ConnectorId,
    change: CredentialChange,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let mut known = evidence(conn, id).await?;
    match change {
        CredentialChange::Replaced => known.forget(now),
        CredentialChange::Issued => known.issue(now),
        CredentialChange::Renewed => known.renew(now),
        CredentialChange::OtherApi => known.forget_api(now),
    }
    save(conn, id, &known).await
}
