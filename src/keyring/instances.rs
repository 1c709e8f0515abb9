//! The instances that serve this database. Each records every few seconds that it runs, and which data keys it has.

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::keys::load;
use crate::db::Conn;
use crate::db::schema::instances;
use crate::vault::{MasterKeys, Vault};
use crate::web::Error;

/// An instance that was silent for this long counts as gone.
const GONE_AFTER: TimeDelta = TimeDelta::seconds(30);

/// Its row is deleted after this.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(1);

/// This instance, with what it needs to load new data keys.
#[derive(Clone)]
pub struct Instance {
    pub id: Uuid,
    /// Its listening address.
    pub address: SocketAddr,
    pub started_at: DateTime<Utc>,
    pub vault: Vault,
    pub masters: Arc<MasterKeys>,
}

/// An instance as it was last recorded.
#[derive(Queryable)]
pub struct Seen {
    pub id: Uuid,
    pub address: String,
    /// Its host name; empty for versions that did not record it.
    pub host: String,
    /// Its process id; 0 for versions that did not record it.
    pub pid: i32,
    /// Empty for versions that did not record it.
    pub version: String,
    pub started_at: DateTime<Utc>,
    pub seen_at: DateTime<Utc>,
    /// The highest data key that it opens.
    pub newest_key: i32,
    /// The data key that it seals with.
    pub sealing_key: i32,
}

impl Seen {
    /// Whether it counts as running.
    pub fn is_alive(&self, now: DateTime<Utc>) -> bool {
        self.seen_at > now - GONE_AFTER
    }
}

/// An instance that lacks a data key.
#[derive(Queryable)]
pub struct Behind {
    pub address: String,
    pub newest_key: i32,
    pub sealing_key: i32,
}

/// Loads new data keys, and records that this instance has them.
pub async fn refresh(conn: &mut Conn, instance: &Instance, now: DateTime<Utc>) -> Result<(), Error> {
    let stored = load(conn).await?;
    match Vault::unlock(&instance.masters, &stored) {
        Ok(newer) => instance.vault.learn(&newer),
        // Its keys open everything that is sealed so far. Making a new key waits for this instance and says why.
        Err(error) => {
            tracing::warn!(cause = %error, "the data keys cannot be read again: restart this instance with the master key that they are wrapped under");
        }
    }
    let state = (
        instances::seen_at.eq(now),
        instances::newest_key.eq(instance.vault.newest_key()),
        instances::sealing_key.eq(instance.vault.sealing_key()),
    );
    diesel::insert_into(instances::table)
        .values((
            instances::id.eq(instance.id),
            instances::address.eq(instance.address.to_string()),
            instances::started_at.eq(instance.started_at),
            instances::version.eq(env!("CARGO_PKG_VERSION")),
            instances::host.eq(host()),
            instances::pid.eq(i32::try_from(std::process::id()).unwrap_or_default()),
            state,
        ))
        .on_conflict(instances::id)
        .do_update()
        .set(state)
        .execute(conn)
        .await?;
    let forgotten = instances::table.filter(instances::seen_at.lt(now - FORGOTTEN_AFTER));
    diesel::delete(forgotten).execute(conn).await?;
    Ok(())
}

fn host() -> String {
    let name = nix::unistd::gethostname();
    name.map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}

/// Every instance of the last day that has not signed off, the oldest first. One that is not alive has crashed.
pub async fn instances(conn: &Conn) -> Result<Vec<Seen>, Error> {
    let all = instances::table.order((instances::started_at, instances::id)).select((
        instances::id,
        instances::address,
        instances::host,
        instances::pid,
        instances::version,
        instances::started_at,
        instances::seen_at,
        instances::newest_key,
        instances::sealing_key,
    ));
    Ok(all.load(&mut &*conn).await?)
}

/// Records that this instance has stopped.
pub async fn sign_off(conn: &mut Conn, instance: Uuid) -> Result<(), Error> {
    diesel::delete(instances::table.find(instance)).execute(conn).await?;
    Ok(())
}

/// Running instances that do not have this data key, or, if it is active already, that do not seal with it.
pub async fn behind(conn: &mut Conn, now: DateTime<Utc>, key: i32, in_use: bool) -> Result<Vec<Behind>, Error> {
    let alive = instances::table.filter(instances::seen_at.gt(now - GONE_AFTER)).order(instances::address).select((
        instances::address,
        instances::newest_key,
        instances::sealing_key,
    ));
    let mut alive: Vec<Behind> = alive.load(conn).await?;
    alive.retain(|instance| {
        let has = if in_use { instance.sealing_key } else { instance.newest_key };
        has < key
    });
    Ok(alive)
}
