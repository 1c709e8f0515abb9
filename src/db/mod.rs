//! The database: pools, transactions, the schema and the private PostgreSQL of the embedded default.
//!
//! A pooled connection belongs to the runtime that opened it, and every worker has a runtime of its own: each worker
//! builds its own [`Db`], and nothing hands a connection across.
//!
//! Every use of a connection has a time limit ([`pool`]): that of the pool, see [`Db::new`] and [`Db::with_limit`].

mod cache;
mod change_listener;
pub mod keyset;
mod pool;
mod prepared;
pub mod private;
pub mod schema;
mod servers;
mod stored;
pub mod version;

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use deadpool::Runtime;
use deadpool::managed::{Pool, PoolError, QueueMode, TimeoutType, Timeouts};
use diesel::ConnectionError;
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use tokio::time::{Instant, timeout_at};

use pool::{ConnectionManager, TimedConnection};
use servers::Servers;

pub use cache::Cache;
pub use change_listener::{ChangeEvent, ChangeListener};
pub use pool::{Connection, PoolUse, Pools};
pub use prepared::Prepared;
pub use stored::{
    Json, OrEmpty, Positive, Stored, StoredValueError, Typed, UnknownCode, all_known, in_row, known,
    read as read_column, write as write_column,
};
pub(crate) use stored::{text_codes, text_column, text_enum};

/// A connection as queries take it: pooled or in a transaction.
pub type Conn = AsyncPgConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Any number, the same in every instance: who holds this lock migrates.
const MIGRATION_LOCK: i64 = 0x636f_6e6e_6563_746f;

/// How long a request waits for a connection, free or new.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long a request may wait for a connection and use it, together. Pages and `/readyz` answer within five seconds.
const REQUEST: Duration = Duration::from_millis(4500);

/// How long a background job may use a connection, such as deleting days of the call log.
pub const JOB: Duration = Duration::from_secs(60);

/// How long a command, such as changing keys or checking the audit log, and the migrations may use a connection.
pub const COMMAND: Duration = Duration::from_secs(3600);

/// A pool of connections for one runtime. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool<ConnectionManager>,
    limit: Duration,
}

/// The database cannot be asked at the moment.
#[derive(Debug, thiserror::Error)]
pub enum Unavailable {
    /// There is no connection to be had.
    #[error("no database connection")]
    NoConnection(#[source] PoolError<ConnectionError>),
    /// Another request has just asked for the same, in vain.
    #[error("the database could not be asked")]
    Elsewhere,
}

impl Db {
    /// A pool for requests that opens at most `size` connections to `url`, each when first needed.
    pub fn new(url: &str, size: usize) -> anyhow::Result<Db> {
        Db::with_limit(url, size, REQUEST)
    }

    /// A pool whose connections are lent for `limit`, the wait for one included.
    pub fn with_limit(url: &str, size: usize, limit: Duration) -> anyhow::Result<Db> {
        let servers = Servers::parse(url).context("the database URL cannot be read")?;
        let manager = ConnectionManager { servers: Arc::new(servers), limit };
        let pool = Pool::builder(manager)
            .max_size(size.max(1))
            // The connection used last has the warmest caches on the server.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts { wait: Some(PATIENCE), create: Some(PATIENCE), recycle: Some(PATIENCE) })
            .build()
            .context("cannot set up the database pool")?;
        Ok(Db { pool, limit })
    }

    /// A connection of this pool, waiting at most three seconds for one.
    pub async fn get(&self) -> Result<Connection, Unavailable> {
        let began = Instant::now();
        let lent = timeout_at(began + PATIENCE, self.pool.get())
            .await
            .unwrap_or(Err(PoolError::Timeout(TimeoutType::Wait)))
            .map_err(Unavailable::NoConnection)?;
        Ok(Connection::until(lent, began + self.limit))
    }
}

/// The migrations of this program, as `__diesel_schema_migrations` names them, with their words: oldest first.
pub fn migrations() -> Vec<(String, String)> {
    let all: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().unwrap_or_default();
    let names = all.iter().map(|migration| migration.name());
    let mut all: Vec<(String, String)> = names.map(|name| (name.version().to_string(), name.to_string())).collect();
    all.sort();
    all
}

/// Brings the schema of `url` up to this program's. Instances that start together take turns.
pub async fn migrate(url: &str) -> anyhow::Result<()> {
    let servers = Servers::parse(url).context("the database URL cannot be read")?;
    let TimedConnection { mut conn, until, .. } =
        TimedConnection::open(&servers, COMMAND).await.context("cannot connect to the database")?;
    until.send_replace(Some(Instant::now() + COMMAND));
    let lock = format!("SELECT pg_advisory_lock({MIGRATION_LOCK})");
    diesel::sql_query(lock).execute(&mut conn).await.context("cannot take the migration lock")?;
    let mut harness = AsyncMigrationHarness::new(conn);
    harness
        .run_pending_migrations(MIGRATIONS)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("a migration failed")?;
    Ok(())
}
