//! The trash: connectors that can be restored whole for thirty days.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::super::model::{Connector, TrashRow, TrashedConnector, admission};
use crate::access::{Actor, Right, Rights};
use crate::audit::{self, Changes, Event};
use crate::categories::lock_counts;
use crate::db::Conn;
use crate::db::schema::connectors;
use crate::db::version::SeenVersion;
use crate::web::{Error, SaveError};

const TRASHED: (
    connectors::id,
    connectors::key,
    connectors::label,
    connectors::name,
    connectors::deleted_at,
    connectors::deleted_by,
) = (
    connectors::id,
    connectors::key,
    connectors::label,
    connectors::name,
    connectors::deleted_at,
    connectors::deleted_by,
);

/// How long a connector stays in the trash.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// The most connectors that the trash page shows.
pub const SHOWN: i64 = 200;

/// Moves a connector to the trash, if it is as the person has seen it.
pub async fn move_to_trash(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    (connector, seen): (&Connector, SeenVersion),
) -> Result<(), SaveError> {
    conn.transaction(async |conn| {
        lock_counts(conn).await?;
        super::lock(conn, connector, seen).await?;
        diesel::update(connectors::table.find(connector.id))
            .set((
                connectors::deleted_at.eq(now),
                connectors::deleted_by.eq(by.attribution()),
                connectors::version.eq(connectors::version + 1),
            ))
            .execute(conn)
            .await?;
        let event = Event {
            kind: "connector.deleted",
            subject_id: Some(connector.id),
            subject_name: &connector.name,
            changes: Changes::none(),
        };
        audit::record(conn, by, now, event).await?;
        Ok(())
    })
    .await
}

/// The connectors in the trash that somebody sees, the newest first.
pub async fn trashed(conn: &mut Conn, by: &Actor) -> Result<Vec<TrashRow>, Error> {
    let seen = by.visibility.condition("connectors").unwrap_or("true".into());
    let found: Vec<Found> = connectors::table
        .filter(connectors::deleted_at.is_not_null())
        .filter(sql::<Bool>(&seen))
        .order((connectors::deleted_at.desc(), connectors::id.desc()))
        .limit(SHOWN)
        .select((TRASHED, connectors::open_rights, super::listed_for(by.id.unwrap_or_default())))
        .load(conn)
        .await?;
    // What was closed since visibility was looked up is left out.
    let rows = found.into_iter().filter_map(|found| row_of(found, by).ok()).collect();
    Ok(rows)
}

/// A connector in the trash, what is open to everybody, and for what it lists the person.
type Found = (TrashedConnector, Vec<String>, Vec<String>);

/// The connector as this person sees it; of one that it is not open to they know nothing.
fn row_of((connector, open, listed): Found, by: &Actor) -> Result<TrashRow, Error> {
    let admits = admission(by, Rights::from(open), Rights::from(listed))?;
    Ok(TrashRow { connector, may_restore: admits.contains(Right::Edit) })
}

/// The connector of this key in the trash, for somebody who may take it out.
pub async fn find_trashed(conn: &mut Conn, by: &Actor, key: &str) -> Result<TrashedConnector, Error> {
    let found: Found = connectors::table
        .filter(connectors::key.eq(key))
        .filter(connectors::deleted_at.is_not_null())
        .select((TRASHED, connectors::open_rights, super::listed_for(by.id.unwrap_or_default())))
        .first(conn)
        .await?;
    let row = row_of(found, by)?;
    if row.may_restore { Ok(row.connector) } else { Err(Error::NotListed("restore")) }
}

/// Takes a connector out of the trash; refused when another has its name by now.
pub async fn restore(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    connector: &TrashedConnector,
) -> Result<(), SaveError> {
    conn.transaction(async |conn| {
        lock_counts(conn).await?;
        super::hold_authorization(conn, connector.id).await?;
        let restored =
            diesel::update(connectors::table.find(connector.id).filter(connectors::deleted_at.is_not_null()))
                .set((
                    connectors::deleted_at.eq(None::<DateTime<Utc>>),
                    connectors::deleted_by.eq(None::<String>),
                    connectors::version.eq(connectors::version + 1),
                ))
                .execute(conn)
                .await?;
        if restored == 0 {
            return Err(Error::NotFound.into());
        }
        super::refresh_health(conn, connector.id, now).await?;
        let event = Event {
            kind: "connector.restored",
            subject_id: Some(connector.id),
            subject_name: &connector.name,
            changes: Changes::none(),
        };
        audit::record(conn, by, now, event).await?;
        Ok(())
    })
    .await
}

/// Deletes for good what has been in the trash for thirty days, with its secrets and tokens.
pub async fn purge_trash(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let by = Actor::connectory();
    conn.transaction(async |conn| {
        let gone: Vec<(uuid::Uuid, String)> =
            diesel::delete(connectors::table.filter(connectors::deleted_at.le(now - KEPT)))
                .returning((connectors::id, connectors::name))
                .get_results(conn)
                .await?;
        for (id, name) in &gone {
            audit::record(
                conn,
                &by,
                now,
                Event { kind: "connector.purged", subject_id: Some(*id), subject_name: name, changes: Changes::none() },
            )
            .await?;
        }
        Ok(gone.len())
    })
    .await
}
