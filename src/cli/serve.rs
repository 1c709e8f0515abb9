//! `connectory serve`: starts everything in order, and stops it in the opposite one.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use anyhow::Context;
use metrics_exporter_prometheus::PrometheusBuilder;
use nix::unistd::Uid;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::time::timeout;
use uuid::Uuid;

use super::setup::{Database, open_vault, outbound_policy, runtime};
use crate::access::{ApiKeys, PasswordHasher, SessionLimits, TrustedProxies};
use crate::accounts::{FirstRun, has_local_super_admin, has_super_admin};
use crate::app::{
    Site, chain_audit_log, check_connectors, due_work, link_audit_log, poll_devices, refresh_keys, renew_tokens,
    send_notices, serve, watch_keys,
};
use crate::authorization::{approve_origins_in_use, note_certificate_ends};
use crate::calls::Retention;
use crate::clock::Clock;
use crate::config::Config;
use crate::connectors::{LegacyGrants, move_collections};
use crate::db::{COMMAND, ChangeListener, Db, JOB, Pools, migrate};
use crate::keyring::{Instance, cookie_key, sign_off};
use crate::notices::Channels;
use crate::openid::SignIns;
use crate::outbound::{HttpUrl, Outbound, Policy};
use crate::programs;
use crate::status::Metrics;
use crate::system::About;
use crate::vault::Vault;
use crate::web::PublicAddress;

/// Upper ends of the latency histogram's buckets, in seconds.
const LATENCY_BUCKETS: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0];

/// A notice that is being sent at a stop has so long to arrive.
const LAST_NOTICE: Duration = Duration::from_secs(10);

/// How often the private PostgreSQL is asked whether it still runs.
const WATCH: Duration = Duration::from_millis(500);

/// Serves until a signal ends it. Must run on the main thread.
pub(super) fn run(config: Config) -> anyhow::Result<()> {
    let policy = outbound_policy(&config)?;
    let channels = Channels::new(&config.notices)?;
    // Bound first: with the port taken there is no point in starting a database.
    let listener = TcpListener::bind(config.listen)
        .with_context(|| format!("CONNECTORY_LISTEN: cannot listen on {}", config.listen))?;
    let mut database = Database::start(&config)?;
    let outcome = runtime()?.block_on(serve_until_stopped(&config, &mut database, listener, policy, channels));
    let stopped = database.stop();
    outcome.and(stopped)
}

async fn serve_until_stopped(
    config: &Config,
    database: &mut Database,
    listener: TcpListener,
    policy: Policy,
    channels: Channels,
) -> anyhow::Result<()> {
    let url = database.url();
    if Uid::effective().is_root() {
        tracing::warn!(
            "Connectory runs as root, which it needs for nothing but beginning: let a user of its own run it, as docs/operations.md describes"
        );
    }
    migrate(&url).await?;
    let clock = Clock::system();
    let db = Db::new(&url, 1)?;
    let jobs = Db::with_limit(&url, 2, JOB)?;
    let first_run = FirstRun::new();
    // Connectors may reach what the administrator allows, but never this program itself.
    let policy = Policy { own: vec![listener.local_addr()?], ..policy };
    let changes = ChangeListener::new(&url);
    changes.guard(&db);
    changes.guard(&jobs);
    let (vault, masters) = open_vault(config, &db, &clock).await?;
    let cookie_key = cookie_key(&mut *db.get().await?, &vault, clock.now()).await?;
    let instance = Instance {
        id: Uuid::now_v7(),
        address: listener.local_addr()?,
        started_at: clock.now(),
        vault: vault.clone(),
        masters,
    };
    // Before the first request: a change of keys waits for every instance.
    refresh_keys(&db, &clock, &instance).await?;
    // Every value that an earlier version sealed is sealed again: with many connectors that takes longer than a request
    // may.
    let upgrade = Db::with_limit(&url, 1, COMMAND)?;
    approve_origins_in_use(&mut *upgrade.get().await?, &vault, clock.now()).await?;
    note_certificate_ends(&mut *upgrade.get().await?).await?;
    // What collections' connectors call follows the address that is configured now.
    move_collections(&mut *upgrade.get().await?, &PublicAddress::new(&config.public_url)).await?;
    drop(upgrade);
    if let Some(provider) = &config.oidc {
        HttpUrl::parse(&provider.issuer).map_err(|problem| anyhow::anyhow!("CONNECTORY_OIDC_ISSUER {problem}"))?;
    }
    let outbound = Outbound::new(policy)?;
    let sign_ins =
        SignIns::new(config.oidc.clone(), &outbound, &vault, &clock, &PublicAddress::new(&config.public_url));
    let site = Site {
        connections: config.database_connections,
        workers: config.workers,
        vault,
        outbound,
        sign_ins,
        proxies: TrustedProxies::new(config.trusted_proxies.clone()),
        hasher: PasswordHasher::new(config.workers)?,
        api_keys: ApiKeys::new(&clock, &changes),
        cookie_key,
        limits: SessionLimits { idle: config.session_idle, lifetime: config.session_lifetime },
        resources: config.resources,
        retention: Retention(config.call_log_days),
        metrics: Metrics {
            handle: PrometheusBuilder::new().set_buckets(&LATENCY_BUCKETS)?.install_recorder()?,
            token: config.metrics_token.clone(),
        },
        channels,
        first_run: first_run.clone(),
        public_url: config.public_url.clone(),
        changes,
        legacy_grants: LegacyGrants { password: config.password_grant, implicit: config.implicit_grant },
        database_url: url,
        about: About {
            instance: instance.id,
            started_at: instance.started_at,
            settings: config.settings.clone(),
            private_data: config.database_url.is_none().then(|| config.data_dir.clone()),
            exposed_database: config.exposed_database.clone(),
            is_root: Uid::effective().is_root(),
            pools: Pools::default(),
        },
        clock: clock.clone(),
    };
    let (limits, retention, metrics) = (site.limits, site.retention, site.metrics.clone());
    let (changes, api_keys) = (site.changes.clone(), site.api_keys.clone());
    let (keeper, call_log) = (site.keeper()?, site.call_log()?);
    let (courier, checker) = (site.courier()?, site.checker(&keeper)?);
    let server = serve(site, keeper.clone(), call_log.clone(), listener)?;
    let handle = server.handle();
    let server = tokio::spawn(server);
    let notices_out = tokio::spawn(send_notices(courier.clone()));
    let log_writer = call_log.clone();
    let log_writer = tokio::spawn(async move { log_writer.run().await });
    let (id, vault) = (instance.id, instance.vault.clone());
    let tasks = [
        tokio::spawn(due_work(jobs.clone(), clock.clone(), limits, retention, api_keys.clone(), metrics)),
        tokio::spawn(renew_tokens(keeper.clone())),
        tokio::spawn(poll_devices(keeper.clone())),
        tokio::spawn(check_connectors(checker)),
        tokio::spawn(changes.run()),
        tokio::spawn(chain_audit_log(jobs, vault.clone())),
        tokio::spawn(watch_keys(db.clone(), clock, instance)),
    ];
    // Caught before the program says that it is ready: a stop right after that is a clean one, too.
    let signals = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    greet(config, &db, &first_run).await?;
    let outcome = wait_for_end(database, signals, &handle).await;
    // A notice that is on its way is marked as sent, or it would go out twice.
    let last_notice = timeout(LAST_NOTICE, courier.finish()).await;
    notices_out.abort();
    drop(last_notice);
    tasks.iter().for_each(|task| task.abort());
    let served = server.await;
    // After the last request, which may have begun a renewal: a token that is on its way may be the only copy.
    keeper.finish().await;
    if let Err(error) = programs::keys::write_key_uses(&db, &api_keys).await {
        let cause = format!("{:#}", anyhow::Error::from(error));
        tracing::warn!(cause, "the last uses of API keys were not written");
    }
    call_log.finish().await;
    log_writer.abort();
    say_goodbye(&db, &vault, id).await;
    served?.context("the server failed")?;
    outcome
}

/// Links the last lines of the audit log, notes where it ends, and signs off. If the database has gone, the next start
/// does it.
async fn say_goodbye(db: &Db, vault: &Vault, instance: Uuid) {
    if let Ok(Some(end)) = link_audit_log(db, vault, true).await {
        tracing::info!(anchor = %end, "end of the audit chain");
    }
    if let Ok(mut conn) = db.get().await {
        // Else it counts as gone half a minute later.
        _ = sign_off(&mut conn, instance).await;
    }
}

/// Says where to go, and how to begin.
async fn greet(config: &Config, db: &Db, first_run: &FirstRun) -> anyhow::Result<()> {
    let begun = has_super_admin(&mut *db.get().await?).await?;
    println!("Connectory is ready: open {}", config.public_url);
    if !begun {
        println!(
            "No account exists yet. Create the first super admin there with the one-time code {}",
            first_run.code()
        );
    } else if !has_local_super_admin(&mut *db.get().await?).await? {
        tracing::warn!(
            "no active super admin has a password: while the OpenID Connect provider is down, Connectory cannot be administered; connectory user reset-password sets one"
        );
    }
    Ok(())
}

/// Waits for a signal to stop, or for the private PostgreSQL to die, which ends the program with an error.
async fn wait_for_end(
    database: &mut Database,
    (mut terminate, mut interrupt): (Signal, Signal),
    handle: &ServerHandle,
) -> anyhow::Result<()> {
    let mut watch = tokio::time::interval(WATCH);
    let outcome = loop {
        tokio::select! {
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
            _ = watch.tick() => if let Some(reason) = database.has_exited() {
                break Err(anyhow::anyhow!(reason));
            },
        }
    };
    tracing::info!("stopping");
    // No new connections; requests in flight finish.
    handle.stop(true).await;
    outcome
}
