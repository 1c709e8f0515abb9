//! What every command needs first: the log, the database, the vault.

use std::io::IsTerminal;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::Context;
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;

use super::key_files;
use crate::audit::chain;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::private::PrivatePostgres;
use crate::db::{COMMAND, Db, migrate};
use crate::keyring;
use crate::outbound::{HttpUrl, Policy};
use crate::vault::{MasterKeys, Vault};

/// What commands work with.
pub(super) struct Tools {
    pub db: Db,
    pub vault: Vault,
    pub masters: Arc<MasterKeys>,
    pub clock: Clock,
}

/// Where connectors may reach, as the administrator says; `own` is filled in once the program listens.
pub(super) fn outbound_policy(config: &Config) -> anyhow::Result<Policy> {
    let only = config.outbound_only.as_ref().map(|texts| entries("CONNECTORY_OUTBOUND_ONLY", texts)).transpose()?;
    Ok(Policy {
        allow_loopback: config.outbound_loopback,
        only,
        nat64: entries("CONNECTORY_OUTBOUND_NAT_PREFIXES", &config.outbound_nat64)?,
        link_local: entries("CONNECTORY_OUTBOUND_LINK_LOCAL", &config.outbound_link_local)?,
        own: vec![config.listen],
        public: HttpUrl::parse(&config.public_url).ok(),
    })
}

/// The entries of a setting that is a list.
fn entries<T: FromStr>(name: &str, texts: &[String]) -> anyhow::Result<Vec<T>>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    texts.iter().map(|text| text.parse().with_context(|| format!("{name}: “{text}”"))).collect()
}

/// Sends the log to standard error.
pub(super) fn start_log(config: &Config) -> anyhow::Result<()> {
    // At debug, the database driver prints the values of statements: hashes and sealed secrets among them.
    // At trace, aws_sigv4 prints the headers that it signs, a session token among them.
    // At warn, actix-session writes a line for each request with an invalid cookie, which any client can send.
    let filter = EnvFilter::try_new(format!("{},tokio_postgres=info,aws_sigv4=off,actix_session=error", config.log))
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

/// The database of a run: an external server, or the private one, which stops with this value.
pub(super) enum Database {
    Theirs(String),
    Private(Box<PrivatePostgres>),
}

impl Database {
    /// Starts the private PostgreSQL unless a server is given. Called on the main thread, which the private server
    /// is tied to.
    pub fn start(config: &Config) -> anyhow::Result<Database> {
        match &config.database_url {
            Some(url) => Ok(Database::Theirs(url.expose().to_string())),
            None => Ok(Database::Private(Box::new(PrivatePostgres::start(&config.data_dir)?))),
        }
    }

    /// For commands beside a running server: its private PostgreSQL if it is up, else one of our own.
    fn reach(config: &Config) -> anyhow::Result<Database> {
        match (&config.database_url, PrivatePostgres::url_if_running(&config.data_dir)) {
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
        let db = Db::with_limit(&database.url(), 2, COMMAND)?;
        let clock = Clock::system();
        let (vault, masters) = open_vault(config, &db, &clock).await?;
        let tools = Tools { db: db.clone(), vault: vault.clone(), masters, clock };
        let outcome = work(tools).await;
        // What the command has recorded need not wait for a server.
        let linked = link(&db, &vault).await;
        outcome.and(linked)
    });
    let stopped = database.stop();
    outcome.and(stopped)
}

async fn link(db: &Db, vault: &Vault) -> anyhow::Result<()> {
    chain::link_waiting(&mut *db.get().await?, vault).await?;
    Ok(())
}

/// Opens the vault: a master key must be the one that this database's data keys are wrapped under.
pub(super) async fn open_vault(config: &Config, db: &Db, clock: &Clock) -> anyhow::Result<(Vault, Arc<MasterKeys>)> {
    let mut conn = db.get().await.map_err(anyhow::Error::from)?;
    let stored = keyring::load(&mut conn).await?;
    key_files::finish_rotation(config, &stored)?;
    let masters = key_files::master_keys(config, stored.is_empty())?;
    let keys = if stored.is_empty() { keyring::create_first(&mut conn, &masters, clock.now()).await? } else { stored };
    let mut vault = Vault::unlock(&masters, &keys)?;
    if vault.predates_keyed_links() {
        chain::key_links(&mut conn, &vault).await?;
        keyring::renew_first_form(&mut conn, &masters).await?;
        vault = Vault::unlock(&masters, &keyring::load(&mut conn).await?)?;
    }
    Ok((vault, Arc::new(masters)))
}
