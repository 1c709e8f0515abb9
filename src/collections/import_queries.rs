//! The imports' SQL, but for what the job writes of its own.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::Collection;
use crate::audit::{Change, Changes, transaction};
use crate::connectors::ConnectorId;
use crate::db::schema::imports;
use crate::db::{Conn, text_enum};
use crate::web::Error;

/// An import that has not been updated for so long has ended with its instance.
const STALE_AFTER: TimeDelta = TimeDelta::seconds(30);

/// How many imports of a collection are listed.
const KEPT: i64 = 20;

text_enum! {
    /// What has become of an import.
    pub(super) enum ImportState {
        Running = "running", "Running";
        Done = "done", "Done";
        Failed = "failed", "Failed";
        Cancelled = "cancelled", "Cancelled";
    }
}

/// An import as it is stored.
#[derive(Queryable, Selectable)]
pub(super) struct Import {
    pub id: Uuid,
    pub file_name: String,
    /// Of the file, in bytes.
    pub size: i64,
    pub state: ImportState,
    pub is_cancelled: bool,
    pub bytes_read: i64,
    pub records_read: i64,
    /// Why it failed.
    pub problems: Vec<String>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    /// Of the last progress.
    pub updated_at: DateTime<Utc>,
}

impl Import {
    /// Whether its instance has ended before it.
    pub fn is_interrupted(&self, now: DateTime<Utc>) -> bool {
        self.state == ImportState::Running && now - self.updated_at > STALE_AFTER
    }
}

/// The imports of a collection, the latest first.
pub(super) async fn list(conn: &Conn, collection: ConnectorId) -> Result<Vec<Import>, Error> {
    let of_collection = imports::table.filter(imports::collection_id.eq(collection));
    let latest = of_collection.order((imports::created_at.desc(), imports::id.desc())).limit(KEPT);
    Ok(latest.select(Import::as_select()).load(&mut &*conn).await?)
}

pub(super) async fn find(conn: &Conn, collection: ConnectorId, id: Uuid) -> Result<Import, Error> {
    let row = imports::table.find(id).filter(imports::collection_id.eq(collection));
    Ok(row.select(Import::as_select()).first(&mut &*conn).await?)
}

/// Whether a file is being imported into a collection, for which its settings stay as they are.
pub(super) async fn is_running(conn: &Conn, collection: ConnectorId, now: DateTime<Utc>) -> Result<bool, Error> {
    let running = imports::table
        .filter(imports::collection_id.eq(collection))
        .filter(imports::state.eq(ImportState::Running))
        .filter(imports::updated_at.ge(now - STALE_AFTER));
    Ok(diesel::select(diesel::dsl::exists(running)).get_result(&mut &*conn).await?)
}

/// Asks a running import to end.
pub(super) async fn cancel(change: &mut Change<'_>, collection: &Collection, import: &Import) -> Result<(), Error> {
    transaction(change, async |change| {
        let is_running = imports::state.eq(ImportState::Running).and(imports::is_cancelled.eq(false));
        let running = imports::table.find(import.id).filter(is_running);
        let cancelled = diesel::update(running).set(imports::is_cancelled.eq(true)).execute(change.conn).await?;
        if cancelled == 0 {
            return Ok(());
        }
        let changes = Changes::none().field("File", "", &import.file_name);
        change.record("records.import_cancelled", collection.connector.id, &collection.connector.name, changes).await
    })
    .await
}

/// Deletes all but the latest imports of a collection.
pub(super) async fn delete_old(conn: &mut Conn, collection: ConnectorId) -> Result<(), Error> {
    let sql = format!(
        "DELETE FROM imports WHERE collection_id = $1 AND id IN
        (SELECT id FROM imports WHERE collection_id = $1 ORDER BY created_at DESC, id DESC OFFSET {KEPT})"
    );
    sql_query(sql).bind::<SqlUuid, _>(collection).execute(conn).await?;
    Ok(())
}
