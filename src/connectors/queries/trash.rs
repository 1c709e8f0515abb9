//! The trash: connectors that can be restored whole for thirty days.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use diesel_async::{AsyncConnection, RunQueryDsl};

use crate::access::Actor;
use crate::audit::{Change, Changes, transaction};
use crate::categories::lock_counts;
use crate::connectors::ConnectorId;
use crate::connectors::model::{Connector, TrashedConnector, admission};
use crate::db::Conn;
use crate::db::schema::{connectors, records};
use crate::db::version::SeenVersion;
use crate::web::{Error, SaveError};

/// How long a connector stays in the trash.
pub const KEPT: TimeDelta = TimeDelta::days(30);

/// Connectors that were moved to the trash by then are deleted permanently.
pub fn purged_before(now: DateTime<Utc>) -> DateTime<Utc> {
    now - KEPT
}

/// The most connectors that the trash page shows.
pub const SHOWN: i64 = 200;

/// Moves a connector to the trash, if it is as the person has seen it.
pub async fn move_to_trash(
    change: &mut Change<'_>,
    (connector, seen): (&Connector, SeenVersion),
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        lock_counts(change.conn).await?;
        super::lock(change.conn, connector, seen).await?;
        diesel::update(connectors::table.find(connector.id))
            .set((
                connectors::deleted_at.eq(change.now),
                connectors::deleted_by.eq(change.by.attribution()),
                connectors::version.eq(connectors::version + 1),
            ))
            .execute(change.conn)
            .await?;
        Ok(change.record("connector.deleted", connector.id, &connector.name, Changes::none()).await?)
    })
    .await
}

/// The connectors in the trash that a person sees, newest first.
pub async fn trashed(conn: &mut Conn, by: &Actor) -> Result<Vec<TrashedConnector>, Error> {
    let seen = by.visibility.condition("connectors").unwrap_or("true".into());
    let found: Vec<Found> = connectors::table
        .filter(connectors::deleted_at.is_not_null())
        .filter(sql::<Bool>(&seen))
        .order((connectors::deleted_at.desc(), connectors::id.desc()))
        .limit(SHOWN)
        .select((TrashedConnector::as_select(), super::listed_for(by.id.unwrap_or_default())))
        .load(conn)
        .await?;
    // What was closed since visibility was looked up is left out.
    Ok(found.into_iter().filter_map(|found| seen_by(found, by).ok()).collect())
}

/// A connector in the trash, and for what it lists the person.
type Found = (TrashedConnector, Vec<String>);

/// The connector as this person sees it; of one that it is not open to they know nothing.
fn seen_by((connector, listed): Found, by: &Actor) -> Result<TrashedConnector, Error> {
    let admits = admission(by, connector.open, listed.into())?;
    Ok(TrashedConnector { admits, ..connector })
}

/// The connector of this key in the trash, for a person who may restore it.
pub async fn find_trashed(conn: &mut Conn, by: &Actor, key: &str) -> Result<TrashedConnector, Error> {
    let found: Found = connectors::table
        .filter(connectors::key.eq(key))
        .filter(connectors::deleted_at.is_not_null())
        .select((TrashedConnector::as_select(), super::listed_for(by.id.unwrap_or_default())))
        .first(conn)
        .await?;
    let connector = seen_by(found, by)?;
    if connector.may_restore() { Ok(connector) } else { Err(Error::NotListed("restore")) }
}

/// Takes a connector out of the trash; refused when another has its name by now.
pub async fn restore(change: &mut Change<'_>, connector: &TrashedConnector) -> Result<(), SaveError> {
    transaction(change, async |change| {
        lock_counts(change.conn).await?;
        super::hold_authorization(change.conn, connector.id).await?;
        // Of one that has been there longer, some records may be deleted already.
        let kept = connectors::deleted_at.gt(purged_before(change.now));
        let trashed = connectors::table.find(connector.id).filter(kept);
        let restored = diesel::update(trashed)
            .set((
                connectors::deleted_at.eq(None::<DateTime<Utc>>),
                connectors::deleted_by.eq(None::<String>),
                connectors::version.eq(connectors::version + 1),
            ))
            .execute(change.conn)
            .await?;
        if restored == 0 {
            return Err(Error::NotFound.into());
        }
        super::refresh_health(change.conn, connector.id, change.now).await?;
        Ok(change.record("connector.restored", connector.id, &connector.name, Changes::none()).await?)
    })
    .await
}

/// Deletes permanently what has been in the trash for thirty days, with its secrets and tokens. The records of
/// collections have been deleted before.
pub async fn purge_trash(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let by = Actor::connectory();
    conn.transaction(async |conn| {
        let change = Change { conn, by: &by, now };
        let deleted: Vec<(ConnectorId, String)> =
            diesel::delete(connectors::table.filter(connectors::deleted_at.le(purged_before(now))))
                .returning((connectors::id, connectors::name))
                .get_results(change.conn)
                .await?;
        for (id, name) in &deleted {
            change.record("connector.purged", *id, name, Changes::none()).await?;
        }
        Ok(deleted.len())
    })
    .await
}

/// How many records of a collection are counted at most.
pub const RECORDS_COUNTED: i64 = 1000;

/// How many records are deleted with a connector, counted to one more than [`RECORDS_COUNTED`].
pub async fn count_records(conn: &Conn, connector: ConnectorId) -> Result<i64, Error> {
    let counted = records::table.filter(records::collection_id.eq(connector)).select(records::id);
    let counted: Vec<uuid::Uuid> = counted.limit(RECORDS_COUNTED + 1).load(&mut &*conn).await?;
    Ok(i64::try_from(counted.len()).unwrap_or(i64::MAX))
}
