//! Imports: the records of an uploaded file, stored in the background and in one transaction.
//!
//! Rule: either all records of a file are stored or none. A few batches are in memory at a time, and a few files on the
//! disk. Danger: an instance that ends takes its imports with it; their rows are no longer updated, by which pages know.

use std::fs::File;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::result::Error as DbError;
use diesel::sql_query;
use diesel::sql_types::Uuid as SqlUuid;
use diesel_async::{AsyncConnection, RunQueryDsl};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use uuid::Uuid;

use super::import_file::{Found, RecordReader};
use super::json::RecordData;
use super::model::Collection;
use super::records::{self, NewRecord};
use crate::access::Actor;
use crate::audit::{Change, Changes, transaction};
use crate::clock::Clock;
use crate::connectors::ConnectorId;
use crate::db::schema::imports;
use crate::db::{Conn, Db, text_enum};
use crate::web::{Error, SaveError};

/// The most files that are on the disk at a time: one is imported, others wait or arrive.
const MAX_FILES: usize = 4;

/// How many records are stored by one statement, and how many bytes of them at most.
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The most problems of a file that are listed.
pub(super) const MAX_PROBLEMS: usize = 20;

/// How often the progress is written, and a cancellation read.
const BEAT: Duration = Duration::from_secs(1);

/// An import that has not been updated for so long has ended with its instance.
const SILENCE: TimeDelta = TimeDelta::seconds(30);

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
        self.state == ImportState::Running && now - self.updated_at > SILENCE
    }
}

/// A file that has arrived.
pub(super) struct ImportFile {
    pub file: File,
    pub name: String,
    /// In bytes.
    pub size: i64,
    /// Its room on the disk.
    pub room: OwnedSemaphorePermit,
}

/// The imports of a process. Clones share them.
#[derive(Clone)]
pub struct Importer {
    db: Db,
    clock: Clock,
    main_runtime: Handle,
    room: Arc<Semaphore>,
    turn: Arc<Semaphore>,
}

/// An import that goes on in the background.
struct Job {
    id: Uuid,
    file: ImportFile,
    collection: Arc<Collection>,
    by: Actor,
}

/// How far an import has come.
#[derive(Default)]
struct Progress {
    bytes: AtomicI64,
    records: AtomicI64,
}

impl Progress {
    fn add(&self, records: usize, bytes: i64) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.records.fetch_add(i64::try_from(records).unwrap_or(0), Ordering::Relaxed);
    }

    fn bytes(&self) -> i64 {
        AtomicI64::load(&self.bytes, Ordering::Relaxed)
    }

    fn records(&self) -> i64 {
        AtomicI64::load(&self.records, Ordering::Relaxed)
    }
}

/// Why an import has stored nothing.
enum ImportError {
    Cancelled,
    Problems(Vec<String>),
    Fault(Error),
}

impl Importer {
    /// Imports run on the runtime of `main_runtime`, to which the connections of `db` belong.
    pub fn new(db: Db, clock: Clock, main_runtime: Handle) -> Importer {
        Importer {
            db,
            clock,
            main_runtime,
            room: Arc::new(Semaphore::new(MAX_FILES)),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Room for a file that is to arrive.
    pub(super) fn room(&self) -> Result<OwnedSemaphorePermit, Error> {
        let room = self.room.clone().try_acquire_owned();
        room.map_err(|_| Error::Busy("Other files of records are being imported."))
    }

    /// Stores the import and begins it.
    pub(super) async fn start(
        &self,
        change: &mut Change<'_>,
        collection: Collection,
        file: ImportFile,
    ) -> Result<Uuid, Error> {
        let id = Uuid::now_v7();
        diesel::insert_into(imports::table)
            .values((
                imports::id.eq(id),
                imports::collection_id.eq(collection.connector.id),
                imports::file_name.eq(&file.name),
                imports::size.eq(file.size),
                imports::state.eq(ImportState::Running),
                imports::created_at.eq(change.now),
                imports::created_by.eq(change.by.attribution()),
                imports::updated_at.eq(change.now),
            ))
            .execute(change.conn)
            .await?;
        forget_old(change.conn, collection.connector.id).await?;
        let (importer, by) = (self.clone(), change.by.clone());
        let job = Job { id, file, collection: Arc::new(collection), by };
        self.main_runtime.spawn(async move { importer.run(job).await });
        Ok(id)
    }

    async fn run(&self, job: Job) {
        let (id, progress) = (job.id, Progress::default());
        let outcome = tokio::select! {
            outcome = self.store(job, &progress) => outcome,
            () = self.report(id, &progress) => Err(ImportError::Cancelled),
        };
        let (state, problems) = match outcome {
            Ok(()) => return,
            Err(ImportError::Cancelled) => (ImportState::Cancelled, Vec::new()),
            Err(ImportError::Problems(problems)) => (ImportState::Failed, problems),
            Err(ImportError::Fault(error)) => {
                tracing::error!(%id, cause = format!("{error:?}"), "an import failed");
                (ImportState::Failed, vec!["The records could not be stored. Import the file again".into()])
            }
        };
        if let Err(error) = self.end(id, state, &problems).await {
            tracing::error!(%id, cause = format!("{error:?}"), "the end of an import was not written");
        }
    }

    /// Stores all records of the file and that it is done.
    async fn store(&self, job: Job, progress: &Progress) -> Result<(), ImportError> {
        let _turn = self.turn.acquire().await.map_err(Error::internal)?;
        let Job { id, file: ImportFile { file, name, room, .. }, collection, by } = job;
        let (sender, mut batches) = mpsc::channel(1);
        let target = collection.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _room = room;
            read_batches(file, &target, &sender)
        });
        let mut conn = self.db.get().await.map_err(Error::from)?;
        let now = self.clock.now();
        conn.transaction(async |conn| {
            let change = &mut Change { conn, by: &by, now };
            records::hold(change, &collection).await?;
            while let Some(Batch { records, bytes }) = batches.recv().await {
                let new: Vec<NewRecord<'_>> =
                    records.iter().map(|data| NewRecord { id: Uuid::now_v7(), data }).collect();
                records::insert(change, collection.connector.id, &new).await?;
                progress.add(new.len(), bytes);
            }
            let problems = reading.await.map_err(Error::internal)??;
            if !problems.is_empty() {
                return Err(ImportError::Problems(problems));
            }
            let number = progress.records();
            let row = diesel::update(imports::table.find(id));
            row.set((
                imports::state.eq(ImportState::Done),
                imports::bytes_read.eq(imports::size),
                imports::records_read.eq(number),
                imports::updated_at.eq(self.clock.now()),
            ))
            .execute(change.conn)
            .await?;
            let changes = Changes::none().field("File", "", &name).field("Records", "", number.to_string());
            let collection = &collection.connector;
            Ok(change.record("records.imported", collection.id, &collection.name, changes).await?)
        })
        .await
    }

    /// Writes the progress again and again; ends when the import was cancelled.
    async fn report(&self, id: Uuid, progress: &Progress) {
        loop {
            tokio::time::sleep(BEAT).await;
            match self.write(id, progress).await {
                Ok(false) => {}
                Ok(true) => return,
                Err(error) => {
                    tracing::warn!(%id, cause = format!("{error:?}"), "the progress of an import was not written")
                }
            }
        }
    }

    /// Writes the progress, and whether a person has cancelled the import.
    async fn write(&self, id: Uuid, progress: &Progress) -> Result<bool, Error> {
        let row = imports::table.find(id).filter(imports::state.eq(ImportState::Running));
        let cancelled = diesel::update(row)
            .set((
                imports::bytes_read.eq(progress.bytes()),
                imports::records_read.eq(progress.records()),
                imports::updated_at.eq(self.clock.now()),
            ))
            .returning(imports::is_cancelled)
            .get_result(&mut *self.db.get().await?)
            .await
            .optional()?;
        Ok(cancelled.unwrap_or(false))
    }

    /// Writes why nothing was stored, unless the records were in the same moment.
    async fn end(&self, id: Uuid, state: ImportState, problems: &[String]) -> Result<(), Error> {
        let outcome =
            (imports::state.eq(state), imports::problems.eq(problems), imports::updated_at.eq(self.clock.now()));
        let row = imports::table.find(id).filter(imports::state.eq(ImportState::Running));
        diesel::update(row).set(outcome).execute(&mut *self.db.get().await?).await?;
        Ok(())
    }
}

/// Records that are stored together, and the number of bytes read so far.
struct Batch {
    records: Vec<RecordData>,
    bytes: i64,
}

/// Reads a file to its end or its last problem that is listed; gives the problems. After the first one no more records
/// are handed on.
fn read_batches(file: File, collection: &Collection, sender: &mpsc::Sender<Batch>) -> Result<Vec<String>, Error> {
    let settings = &collection.settings;
    let schema = settings.schema().map_err(Error::internal)?;
    let (mut problems, mut size, mut batch) = (Vec::new(), 0, Batch { records: Vec::new(), bytes: 0 });
    let mut take = |found: Found| {
        match found {
            Err(problem) => problems.push(problem),
            Ok(_) if !problems.is_empty() => {}
            Ok((record, bytes)) => {
                size += record.text.len();
                batch.records.push(record);
                batch.bytes = bytes.try_into().unwrap_or(i64::MAX);
                if batch.records.len() == BATCH || size > BATCH_BYTES {
                    size = 0;
                    let full = Batch { records: std::mem::take(&mut batch.records), bytes: batch.bytes };
                    // The receiver is gone when the import has ended.
                    if sender.blocking_send(full).is_err() {
                        return ControlFlow::Break(());
                    }
                }
            }
        }
        if problems.len() < MAX_PROBLEMS { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    _ = RecordReader { settings, schema: schema.as_ref(), take: &mut take }.read(file);
    if problems.is_empty() && !batch.records.is_empty() {
        _ = sender.blocking_send(batch);
    }
    Ok(problems)
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
        .filter(imports::updated_at.ge(now - SILENCE));
    Ok(diesel::select(diesel::dsl::exists(running)).get_result(&mut &*conn).await?)
}

/// Asks a running import to end.
pub(super) async fn cancel(change: &mut Change<'_>, collection: &Collection, import: &Import) -> Result<(), Error> {
    transaction(change, async |change| {
        let row = imports::table.find(import.id).filter(imports::state.eq(ImportState::Running));
        diesel::update(row).set(imports::is_cancelled.eq(true)).execute(change.conn).await?;
        let changes = Changes::none().field("File", "", &import.file_name);
        change.record("records.import_cancelled", collection.connector.id, &collection.connector.name, changes).await
    })
    .await
}

/// Deletes all but the latest imports of a collection.
async fn forget_old(conn: &mut Conn, collection: ConnectorId) -> Result<(), Error> {
    let sql = format!(
        "DELETE FROM imports WHERE collection_id = $1 AND id IN
        (SELECT id FROM imports WHERE collection_id = $1 ORDER BY created_at DESC, id DESC OFFSET {KEPT})"
    );
    sql_query(sql).bind::<SqlUuid, _>(collection).execute(conn).await?;
    Ok(())
}

impl From<Error> for ImportError {
    fn from(error: Error) -> ImportError {
        ImportError::Fault(error)
    }
}

impl From<DbError> for ImportError {
    fn from(error: DbError) -> ImportError {
        ImportError::Fault(error.into())
    }
}

impl From<SaveError> for ImportError {
    fn from(error: SaveError) -> ImportError {
        match error {
            SaveError::Stale => ImportError::Problems(vec![
                "The settings of the collection were changed after the file was sent. Import it again".into(),
            ]),
            other => ImportError::Fault(other.into()),
        }
    }
}
