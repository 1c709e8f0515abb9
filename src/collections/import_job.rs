//! Imports: the records of an uploaded file, stored in the background and in one transaction.
//!
//! Rule: either all records of a file are stored or none. A few batches are in memory at a time, and a few files on the
//! disk. Danger: an import ends with its instance; pages know it by a row that is no longer updated.

use std::fs::File;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use diesel::prelude::*;
use diesel::result::Error as DbError;
use diesel_async::{AsyncConnection, RunQueryDsl};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use uuid::Uuid;

use super::import_file::{Found, RecordReader};
use super::import_queries::{ImportState, delete_old};
use super::model::Collection;
use super::records::{self, NewRecord};
use crate::access::Actor;
use crate::audit::{Change, Changes};
use crate::clock::Clock;
use crate::db::Db;
use crate::db::schema::imports;
use crate::web::{Error, SaveError};

/// The most files that are on the disk at a time: one is imported, others wait or arrive.
const MAX_FILES: usize = 4;

/// How many records are stored by one statement, and how many bytes of them at most.
const BATCH: usize = 1000;
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// The most problems of a file that are listed.
pub(super) const MAX_PROBLEMS: usize = 20;

/// How often the progress is written, and a cancellation read.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// A file that has arrived.
pub(super) struct ImportFile {
    pub file: File,
    pub name: String,
    /// In bytes.
    pub size: i64,
    /// One of the files that may be on the disk.
    pub slot: OwnedSemaphorePermit,
}

/// The imports of a process. Clones share them.
#[derive(Clone)]
pub struct Importer {
    db: Db,
    clock: Clock,
    main_runtime: Handle,
    slots: Arc<Semaphore>,
    /// One import is running, others wait.
    running: Arc<Semaphore>,
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
            slots: Arc::new(Semaphore::new(MAX_FILES)),
            running: Arc::new(Semaphore::new(1)),
        }
    }

    /// Room on the disk for a file that is to arrive.
    pub(super) fn slot(&self) -> Result<OwnedSemaphorePermit, Error> {
        let slot = self.slots.clone().try_acquire_owned();
        slot.map_err(|_| Error::Busy("Other files of records are being imported."))
    }

    /// Stores the import and begins it; [`SaveError::Repeated`] if it has begun before.
    pub(super) async fn start(
        &self,
        change: &mut Change<'_>,
        (id, collection): (Uuid, Collection),
        file: ImportFile,
    ) -> Result<(), SaveError> {
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
        let (importer, by) = (self.clone(), change.by.clone());
        let job = Job { id, file, collection: Arc::new(collection), by };
        self.main_runtime.spawn(async move { importer.run(job).await });
        Ok(())
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
        let _running = self.running.acquire().await.map_err(Error::internal)?;
        let Job { id, file: ImportFile { file, name, slot, .. }, collection, by } = job;
        let (sender, mut batches) = mpsc::channel(1);
        let target = collection.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            read_batches(file, &target, &sender)
        });
        let mut conn = self.db.get().await.map_err(Error::from)?;
        delete_old(&mut conn, collection.connector.id).await?;
        let now = self.clock.now();
        conn.transaction(async |conn| {
            let change = &mut Change { conn, by: &by, now };
            records::hold(change, &collection).await?;
            while let Some(Batch { texts, bytes }) = batches.recv().await {
                let new: Vec<NewRecord<'_>> = texts.iter().map(|text| NewRecord { id: Uuid::now_v7(), text }).collect();
                records::insert(change, collection.connector.id, &new).await?;
                progress.add(new.len(), bytes);
            }
            let problems = reading.await.map_err(Error::internal)??;
            if !problems.is_empty() {
                return Err(ImportError::Problems(problems));
            }
            // The collection may have been deleted meanwhile.
            records::hold(change, &collection).await?;
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
            tokio::time::sleep(PROGRESS_INTERVAL).await;
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

/// The JSON of records that are stored together, and the number of bytes read so far.
struct Batch {
    texts: Vec<String>,
    bytes: i64,
}

/// Reads a file to its end or its last problem that is listed; gives the problems. After the first one no more records
/// are handed on.
fn read_batches(file: File, collection: &Collection, sender: &mpsc::Sender<Batch>) -> Result<Vec<String>, Error> {
    let settings = &collection.settings;
    let schema = settings.schema().map_err(Error::internal)?;
    let (mut problems, mut size, mut batch) = (Vec::new(), 0, Batch { texts: Vec::new(), bytes: 0 });
    let mut take = |found: Found| {
        match found {
            Err(problem) => problems.push(problem),
            Ok(_) if !problems.is_empty() => {}
            Ok((record, bytes)) => {
                size += record.text.len();
                batch.texts.push(record.text);
                batch.bytes = bytes.try_into().unwrap_or(i64::MAX);
                if batch.texts.len() == BATCH || size > BATCH_BYTES {
                    size = 0;
                    let full = Batch { texts: std::mem::take(&mut batch.texts), bytes: batch.bytes };
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
    if problems.is_empty() && !batch.texts.is_empty() {
        _ = sender.blocking_send(batch);
    }
    Ok(problems)
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
            SaveError::Fault(Error::NotFound) => ImportError::Problems(vec!["The collection was deleted".into()]),
            other => ImportError::Fault(other.into()),
        }
    }
}
