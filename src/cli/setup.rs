//! What every command needs first: the log, the database, the vault.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use crate::audit::chain;
use crate::clock::Clock;
use crate::config::{Config, MasterKeySource};
use crate::db::private::PrivatePostgres;
use crate::db::schema::data_keys;
use crate::db::{Conn, Db, migrate};
use crate::vault::{MasterKey, Vault, WrappedKey};

/// The file in the data folder that holds the master key of the private PostgreSQL.
const KEY_FILE: &str = "master.key";

/// What commands work with.
pub(super) struct Tools {
    pub db: Db,
    pub vault: Vault,
    pub clock: Clock,
}

/// Sends the log to standard error.
pub(super) fn start_log(config: &Config) -> anyhow::Result<()> {
    // At debug, the database driver prints the values of statements: hashes and sealed secrets among them.
    let filter = EnvFilter::try_new(format!("{},tokio_postgres=info", config.log))
        .with_context(|| format!("CONNECTORY_LOG: “{}” cannot be read", config.log))?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false);
    if config.log_json {
        log.json().init();
    } else {
        log.init();
    }
    Ok(())
}

/// The runtime of background work and outbound requests; the server's workers have their own.
pub(super) fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// The database of a run: somebody's server, or the private one, which stops with this value.
pub(super) enum Database {
    Theirs(String),
    Private(Box<PrivatePostgres>),
}

impl Database {
    /// Starts the private PostgreSQL unless a server is given. Called on the main thread, which the private server
    /// is tied to.
    pub fn start(config: &Config) -> anyhow::Result<Database> {
        match &config.database_url {
            Some(url) => Ok(Database::Theirs(url.clone())),
            None => Ok(Database::Private(Box::new(PrivatePostgres::start(
                &config.data_dir,
            )?))),
        }
    }

    /// For commands beside a running server: its private PostgreSQL if it is up, else one of our own.
    fn reach(config: &Config) -> anyhow::Result<Database> {
        match (
            &config.database_url,
            PrivatePostgres::url_if_running(&config.data_dir),
        ) {
            (None, Some(url)) => Ok(Database::Theirs(url)),
            _ => Database::start(config),
        }
    }

    pub fn url(&self) -> String {
        match self {
            Database::Theirs(url) => url.clone(),
            Database::Private(server) => server.url(),
        }
    }

    /// Why the private PostgreSQL no longer runs; `None` as long as it does.
    pub fn has_exited(&mut self) -> Option<String> {
        match self {
            Database::Theirs(_) => None,
            Database::Private(server) => server.has_exited(),
        }
    }

    pub fn stop(self) -> anyhow::Result<()> {
        match self {
            Database::Theirs(_) => Ok(()),
            Database::Private(server) => server.stop(),
        }
    }
}

/// Runs a command that works on the database, migrated and with the vault open.
pub(super) fn with_database(
    config: &Config,
    work: impl AsyncFnOnce(Tools) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let database = Database::reach(config)?;
    let outcome = runtime()?.block_on(async {
        migrate(&database.url()).await?;
        let db = Db::new(&database.url(), 2)?;
        let clock = Clock::system();
        let vault = open_vault(config, &db, &clock).await?;
        let tools = Tools {
            db: db.clone(),
            vault,
            clock,
        };
        let outcome = work(tools).await;
        // What the command has recorded need not wait for a server.
        let linked = link(&db).await;
        outcome.and(linked)
    });
    let stopped = database.stop();
    outcome.and(stopped)
}

async fn link(db: &Db) -> anyhow::Result<()> {
    chain::link_waiting(&mut *db.get().await?).await?;
    Ok(())
}

/// Opens the vault: the master key must be the one that this database's data keys were made with.
pub(super) async fn open_vault(config: &Config, db: &Db, clock: &Clock) -> anyhow::Result<Vault> {
    let mut conn = db.get().await.map_err(anyhow::Error::from)?;
    let stored = load_keys(&mut conn).await?;
    let master = master_key(config, stored.is_empty())?;
    let keys = if stored.is_empty() {
        create_first_key(&mut conn, &master, clock).await?
    } else {
        stored
    };
    Ok(Vault::unlock(&master, &keys)?)
}

/// Reads the master key. One is made only for a new private PostgreSQL: to an old one, a new key would be the wrong one.
fn master_key(config: &Config, database_is_new: bool) -> anyhow::Result<MasterKey> {
    match &config.master_key {
        MasterKeySource::Text(text) => MasterKey::parse(text).context("CONNECTORY_MASTER_KEY"),
        MasterKeySource::File(path) => {
            MasterKey::read_file(path).context("CONNECTORY_MASTER_KEY_FILE")
        }
        MasterKeySource::DataDir => key_in(&config.data_dir.join(KEY_FILE), database_is_new),
    }
}

fn key_in(path: &Path, database_is_new: bool) -> anyhow::Result<MasterKey> {
    if path.exists() || !database_is_new {
        return Ok(MasterKey::read_file(path)?);
    }
    let key = MasterKey::create_file(path)?;
    eprintln!(
        "Made the master key {}. Keep a copy of it apart from the backups: without it no stored secret can be read.",
        path.display()
    );
    Ok(key)
}

async fn load_keys(conn: &mut Conn) -> anyhow::Result<Vec<WrappedKey>> {
    let rows: Vec<(i32, String, Vec<u8>)> = data_keys::table
        .order(data_keys::id)
        .select((data_keys::id, data_keys::master_key_id, data_keys::wrapped))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, master_key_id, wrapped)| WrappedKey {
            id,
            master_key_id,
            wrapped,
        })
        .collect())
}

/// Makes the first data key. Of instances that start together, one makes it and all read that one.
async fn create_first_key(
    conn: &mut Conn,
    master: &MasterKey,
    clock: &Clock,
) -> anyhow::Result<Vec<WrappedKey>> {
    let key = Vault::create_key(master, 1)?;
    diesel::insert_into(data_keys::table)
        .values((
            data_keys::id.eq(key.id),
            data_keys::master_key_id.eq(key.master_key_id),
            data_keys::wrapped.eq(key.wrapped),
            data_keys::created_at.eq(clock.now()),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    load_keys(conn).await
}
