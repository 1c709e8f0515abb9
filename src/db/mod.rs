//! The database: pools, transactions, the schema and the private PostgreSQL of the embedded default.
//!
//! A pooled connection belongs to the runtime that opened it, and every worker has a runtime of its own: each worker
//! builds its own [`Db`], and nothing hands a connection across.

mod kept;
pub mod keyset;
mod memory;
mod notices;
mod pools;
pub mod private;
pub mod schema;
mod stored;
mod tls;
pub mod version;

use std::time::Duration;

use anyhow::Context;
use deadpool::Runtime;
use deadpool::managed::{Object, QueueMode, Timeouts};
use diesel::migration::{Migration, MigrationSource};
use diesel::pg::Pg;
use diesel_async::pooled_connection::deadpool::Pool;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod,
};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

pub use kept::Kept;
pub use memory::Memory;
pub use notices::{Change, Notices};
pub use pools::{PoolUse, Pools};
pub(crate) use stored::text_column;
pub use stored::{StoredValueError, all_known, in_row, known};

/// A connection lent by the pool.
pub type Connection = Object<AsyncDieselConnectionManager<AsyncPgConnection>>;

/// A connection as queries take it: pooled or in a transaction.
pub type Conn = AsyncPgConnection;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// Any number, the same in every instance: who holds this lock migrates.
const MIGRATION_LOCK: i64 = 0x636f_6e6e_6563_746f;

/// How long a request waits for a free connection, and a new connection for the server.
const PATIENCE: Duration = Duration::from_secs(5);

/// A pool of connections for one runtime. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    pool: Pool<AsyncPgConnection>,
}

/// The database cannot be asked at the moment.
#[derive(Debug, thiserror::Error)]
#[error("no database connection")]
pub struct Unavailable(
    #[source] deadpool::managed::PoolError<diesel_async::pooled_connection::PoolError>,
);

impl Db {
    /// A pool that opens at most `size` connections to `url`, each when first needed.
    pub fn new(url: &str, size: usize) -> anyhow::Result<Db> {
        let mut config = ManagerConfig::default();
        // Fast asks whether the connection was closed, which is enough to drop the dead ones after a restart.
        config.recycling_method = RecyclingMethod::Fast;
        config.custom_setup = Box::new(|url| Box::pin(tls::connect(url.to_string())));
        let pool = Pool::builder(AsyncDieselConnectionManager::new_with_config(url, config))
            .max_size(size.max(1))
            // The connection used last has the warmest caches on the server.
            .queue_mode(QueueMode::Lifo)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(PATIENCE),
                create: Some(PATIENCE),
                recycle: Some(PATIENCE),
            })
            .build()
            .context("cannot set up the database pool")?;
        Ok(Db { pool })
    }

    /// A connection of this pool, waiting at most five seconds for one.
    pub async fn get(&self) -> Result<Connection, Unavailable> {
        self.pool.get().await.map_err(Unavailable)
    }
}

/// The migrations of this program, as `__diesel_schema_migrations` names them, with their words: oldest first.
pub fn migrations() -> Vec<(String, String)> {
    let all: Vec<Box<dyn Migration<Pg>>> = MIGRATIONS.migrations().unwrap_or_default();
    let names = all.iter().map(|migration| migration.name());
    let mut all: Vec<(String, String)> = names
        .map(|name| (name.version().to_string(), name.to_string()))
        .collect();
    all.sort();
    all
}

/// Brings the schema of `url` up to this program's. Instances that start together take turns.
pub async fn migrate(url: &str) -> anyhow::Result<()> {
    let mut conn = tls::connect(url.to_string())
        .await
        .with_context(|| "cannot connect to the database")?;
    let lock = format!("SELECT pg_advisory_lock({MIGRATION_LOCK})");
    diesel::sql_query(lock)
        .execute(&mut conn)
        .await
        .context("cannot take the migration lock")?;
    let mut harness = AsyncMigrationHarness::new(conn);
    harness
        .run_pending_migrations(MIGRATIONS)
        .map_err(|error| anyhow::anyhow!("{error}"))
        .context("a migration failed")?;
    Ok(())
}
