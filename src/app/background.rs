//! Background work: what is due by the clock, done again and again until the task is dropped.

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::{Instant, Interval, MissedTickBehavior};

use crate::access::{ApiKeys, SessionLimits, purge_sign_ins};
use crate::audit::chain::{self, Anchor};
use crate::authorization::{self, TokenKeeper};
use crate::calls::{self, Retention};
use crate::checks::{self, Checker};
use crate::clock::Clock;
use crate::db::Db;
use crate::keyring::{self, Instance};
use crate::notices::Courier;
use crate::oauth;
use crate::status::Metrics;
use crate::vault::Vault;
use crate::web::Error;
use crate::{accounts, collections, connectors, drafts, programs, relay};

/// How often what is due is looked for.
const DUE_WORK: Duration = Duration::from_secs(30);
const RENEWALS: Duration = Duration::from_secs(5);
const DEVICES: Duration = Duration::from_secs(1);
const KEYS: Duration = Duration::from_secs(5);
const CHECKS: Duration = Duration::from_secs(2);

/// How often health is compared with events of notices, and messages that are due are sent.
const NOTICES: Duration = Duration::from_secs(10);

/// How often entries of the audit log are linked, and how often the end of the chain is written to the program's log.
const LINKS: Duration = Duration::from_secs(1);
const ANCHORS: Duration = Duration::from_secs(3600);

/// Ticks at each interval; after a job that took longer, at the next one.
fn every(interval: Duration) -> Interval {
    let mut interval = tokio::time::interval(interval);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}

/// Logs the failure of a job, which is done again at the next interval.
fn log_failure<T>(outcome: Result<T, Error>, failed: &str) {
    if let Err(error) = outcome {
        tracing::warn!(cause = format!("{:#}", anyhow::Error::from(error)), "{failed}");
    }
}

/// Does what is due ([`run_due_work`]), and keeps the histograms of the metrics small.
pub async fn due_work(
    db: Db,
    clock: Clock,
    limits: SessionLimits,
    retention: Retention,
    api_keys: ApiKeys,
    metrics: Metrics,
) {
    let mut interval = every(DUE_WORK);
    loop {
        interval.tick().await;
        metrics.handle.run_upkeep();
        log_failure(run_due_work(&db, limits, retention, &api_keys, clock.now()).await, "background work failed");
    }
}

/// Renews tokens that are due.
pub async fn renew_tokens(keeper: TokenKeeper) {
    let mut interval = every(RENEWALS);
    loop {
        interval.tick().await;
        log_failure(keeper.renew_due().await, "tokens could not be renewed");
    }
}

/// Asks for the tokens of people who agree on another device.
pub async fn poll_devices(keeper: TokenKeeper) {
    let mut interval = every(DEVICES);
    loop {
        interval.tick().await;
        log_failure(keeper.poll_devices().await, "tokens of devices could not be asked for");
    }
}

/// Requests checks of connectors that are due, and does those that wait.
pub async fn check_connectors(checker: Checker) {
    let mut interval = every(CHECKS);
    loop {
        interval.tick().await;
        log_failure(checker.round().await, "checks could not be done");
    }
}

/// Records what notices are about, and sends those that are due.
pub async fn send_notices(courier: Courier) {
    let mut interval = every(NOTICES);
    loop {
        interval.tick().await;
        log_failure(courier.round().await, "notices could not be looked after");
    }
}

/// Links the entries of the audit log, and writes the end of the chain to the program's log, which an organisation
/// collects elsewhere.
pub async fn chain_audit_log(db: Db, vault: Vault) {
    let mut interval = every(LINKS);
    let mut noted: Option<(Anchor, Instant)> = None;
    loop {
        interval.tick().await;
        let is_due = noted.as_ref().is_none_or(|(_, at)| at.elapsed() >= ANCHORS);
        let end = link_audit_log(&db, &vault, is_due).await;
        if let Ok(Some(end)) = &end {
            if noted.as_ref().is_none_or(|(before, _)| before != end) {
                tracing::info!(anchor = %end, "end of the audit chain");
            }
            noted = Some((end.clone(), Instant::now()));
        }
        log_failure(end, "the audit log could not be chained");
    }
}

/// Links what waits, and gives the end of the chain if it is asked for.
pub async fn link_audit_log(db: &Db, vault: &Vault, asks_for_end: bool) -> Result<Option<Anchor>, Error> {
    let mut conn = db.get().await?;
    chain::link_waiting(&mut conn, vault).await?;
    if !asks_for_end {
        return Ok(None);
    }
    chain::end(&mut conn).await.map(Some)
}

/// Reads new data keys, and records that this instance is alive, at each interval.
pub async fn watch_keys(db: Db, clock: Clock, instance: Instance) {
    let mut interval = every(KEYS);
    loop {
        interval.tick().await;
        log_failure(refresh_keys(&db, &clock, &instance).await, "data keys could not be read");
    }
}

/// Reads new data keys, and records that this instance is alive.
pub async fn refresh_keys(db: &Db, clock: &Clock, instance: &Instance) -> Result<(), Error> {
    keyring::refresh(&mut *db.get().await?, instance, clock.now()).await
}

/// Does what is due by `now`: writes when API keys were used last; deletes sessions that have ended, connectors that have
/// been in the trash long enough, answers to token requests and authorization attempts that were not used, drafts, invitations
/// that have expired, old checks, and days of the call log; and updates the health that time
/// has changed, and the numbers of the metrics.
pub async fn run_due_work(
    db: &Db,
    limits: SessionLimits,
    retention: Retention,
    api_keys: &ApiKeys,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    if api_keys.are_uses_due(now) {
        programs::keys::write_key_uses(db, api_keys).await?;
    }
    // Before a connection is taken, because it can take longer than one is lent for.
    collections::purge_records(db, now).await?;
    let mut conn = db.get().await?;
    accounts::purge_sessions(&mut conn, limits, now).await?;
    drafts::purge(&mut conn, now).await?;
    accounts::purge_invitations(&mut conn, now).await?;
    purge_sign_ins(&mut conn, now).await?;
    connectors::purge_trash(&mut conn, now).await?;
    authorization::purge_token_requests(&mut conn, now).await?;
    authorization::purge_device_requests(&mut conn, now).await?;
    oauth::purge_requests(&mut conn, now).await?;
    connectors::refresh_due_health(&mut conn, now).await?;
    relay::forget_old_breakers(&mut conn, now).await?;
    checks::purge(&mut conn, now).await?;
    calls::look_after(&mut conn, retention, now).await?;
    for (health, connectors) in connectors::count_by_health(&mut conn).await? {
        metrics::gauge!("connectory_connectors", "status" => health.code()).set(connectors as f64);
    }
    Ok(())
}
