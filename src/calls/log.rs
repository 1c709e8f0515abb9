//! How calls get into the database without waiting for it: they are buffered in memory, and one task writes them.
//!
//! Rule: a batch leaves the memory when the transaction that wrote it has been committed. If it is not known whether it
//! was, it is written again, which counts nothing twice. Danger: an entry that no statement can store would stop all
//! behind it, so its texts are cleaned.

use std::collections::{BTreeSet, VecDeque};
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::NaiveDate;
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::evidence::EvidenceWriter;
use super::{Call, retention, store};
use crate::clock::Clock;
use crate::db::{ChangeListener, Db};
use crate::web::Error;

/// How long calls are buffered before they are written.
const PAUSE: Duration = Duration::from_millis(250);

/// Calls of a batch; a full one is written at once.
const BATCH: usize = 500;

/// The capacity of the buffer, while the database is away. Keys are refused once they could not be read for five seconds,
/// so this is not reached below 50,000 calls a second.
const MOST_WAITING: usize = 250_000;

/// How long to wait after a failure.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// How often a failure that goes on is logged.
const LOG_INTERVAL: Duration = Duration::from_secs(60);

/// How long a stop tries to write the last calls while the database is away.
const LAST_TRIES: Duration = Duration::from_secs(10);

/// The call log of this process. Clones share it.
#[derive(Clone)]
pub struct CallLog(Arc<Inner>);

struct Inner {
    db: Db,
    buffer: Mutex<Buffer>,
    /// A batch is full.
    enough: Notify,
    writer: tokio::sync::Mutex<Writer>,
}

/// Calls that are not being written yet.
#[derive(Default)]
struct Buffer {
    /// In chunks of [`BATCH`], so that no growing list is ever copied while a call waits.
    chunks: VecDeque<Vec<Call>>,
    waiting: usize,
    /// Calls for which there was no room, since that was last logged.
    lost: u64,
}

/// What is being written: it stays here until it has been, whatever happens to the task.
struct Writer {
    batch: Vec<Call>,
    /// Days whose partitions are known to be there.
    days: BTreeSet<NaiveDate>,
    evidence: EvidenceWriter,
}

impl CallLog {
    /// A log that is written through `db`, a pool of the runtime on which [`CallLog::run`] runs. `changes` says what other
    /// instances have written of connectors.
    pub fn new(db: Db, clock: &Clock, changes: &ChangeListener) -> CallLog {
        let evidence = EvidenceWriter::new(clock, changes);
        CallLog(Arc::new(Inner {
            db,
            buffer: Mutex::default(),
            enough: Notify::new(),
            writer: tokio::sync::Mutex::new(Writer { batch: Vec::new(), days: BTreeSet::new(), evidence }),
        }))
    }

    /// Adds a call. Never waits for the database or other input and output.
    pub fn record(&self, call: Call) {
        let enough = self.buffer().push(call);
        if enough {
            self.0.enough.notify_one();
        }
    }

    /// How many calls wait to be written.
    pub fn waiting(&self) -> usize {
        self.buffer().waiting
    }

    /// Writes calls until the task is dropped.
    pub async fn run(&self) {
        let mut tick = interval(PAUSE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut logged: Option<Instant> = None;
        loop {
            tokio::select! {
                _ = tick.tick() => {}
                () = self.0.enough.notified() => {}
            }
            let outcome = self.write().await;
            metrics::gauge!("connectory_calls_waiting").set(self.waiting() as f64);
            let Err(error) = outcome else { continue };
            if logged.is_none_or(|at| at.elapsed() >= LOG_INTERVAL) {
                logged = Some(Instant::now());
                self.log_failure(error);
            }
            sleep(AFTER_FAILURE).await;
        }
    }

    /// Writes all that is left, at a graceful stop after the last call.
    pub async fn finish(&self) {
        let deadline = Instant::now() + LAST_TRIES;
        loop {
            match self.write().await {
                Ok(()) if self.buffer().waiting == 0 => return,
                Ok(()) => {}
                Err(error) if Instant::now() >= deadline => {
                    self.log_failure(error);
                    return;
                }
                Err(_) => sleep(PAUSE).await,
            }
        }
    }

    /// Writes what waits at this moment.
    async fn write(&self) -> Result<(), Error> {
        let mut writer = self.0.writer.lock().await;
        let mut left = self.buffer().waiting + writer.batch.len();
        while left > 0 {
            if writer.batch.is_empty() {
                self.buffer().take(&mut writer.batch);
            }
            let written = writer.batch.len();
            writer.store(&self.0.db).await?;
            metrics::counter!("connectory_calls_logged_total").increment(written as u64);
            left = left.saturating_sub(written.max(1));
        }
        writer.evidence.write(&self.0.db).await
    }

    fn log_failure(&self, error: Error) {
        let (waiting, lost) = {
            let mut buffer = self.buffer();
            (buffer.waiting, mem::take(&mut buffer.lost))
        };
        let cause = format!("{:#}", anyhow::Error::from(error));
        tracing::warn!(cause, waiting, lost, "calls cannot be written into the call log");
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.0.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Buffer {
    /// Whether this call makes a batch full.
    fn push(&mut self, call: Call) -> bool {
        if self.waiting >= MOST_WAITING {
            self.lost += 1;
            metrics::counter!("connectory_calls_lost_total").increment(1);
            return false;
        }
        self.waiting += 1;
        match self.chunks.back_mut() {
            Some(chunk) if chunk.len() < BATCH => chunk.push(call),
            _ => {
                let mut chunk = Vec::with_capacity(BATCH);
                chunk.push(call);
                self.chunks.push_back(chunk);
            }
        }
        self.waiting == BATCH
    }

    /// Moves the oldest chunk into the batch, which is empty, and keeps the batch's memory for the next one.
    fn take(&mut self, batch: &mut Vec<Call>) {
        let Some(chunk) = self.chunks.pop_front() else {
            return;
        };
        self.waiting -= chunk.len();
        let spare = mem::replace(batch, chunk);
        if self.chunks.is_empty() {
            self.chunks.push_back(spare);
        }
    }
}

impl Writer {
    /// Stores the batch, and empties it once that is certain.
    async fn store(&mut self, db: &Db) -> Result<(), Error> {
        let mut conn = db.get().await?;
        let days: BTreeSet<NaiveDate> = self.batch.iter().map(|call| call.at.date_naive()).collect();
        let unknown: Vec<NaiveDate> = days.difference(&self.days).copied().collect();
        if !unknown.is_empty() {
            retention::make_partitions(&mut conn, &unknown).await?;
            self.days = days;
        }
        let stored = store::store(&mut conn, &self.batch).await;
        match stored {
            Ok(()) => {
                self.evidence.gather(&self.batch);
                self.batch.clear();
            }
            // A partition may have been dropped meanwhile: it is looked for again.
            Err(_) => self.days.clear(),
        }
        stored
    }
}
