//! The programs that serve this database. Each says every few seconds that it is there, what it is and which data keys
//! it has.

use std::net::SocketAddr;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::store::load;
use crate::db::Conn;
use crate::db::schema::instances;
use crate::vault::{MasterKeys, Vault};
use crate::web::Error;

/// Who has not been heard of for so long counts as gone.
const GONE_AFTER: TimeDelta = TimeDelta::seconds(30);

/// And is forgotten after this.
const FORGOTTEN_AFTER: TimeDelta = TimeDelta::days(1);

/// This program, with what it needs to learn new data keys.
#[derive(Clone)]
pub struct Instance {
    pub id: Uuid,
    /// On which it listens.
    pub address: SocketAddr,
    pub started_at: DateTime<Utc>,
    pub vault: Vault,
    pub masters: Arc<MasterKeys>,
}

/// An instance as it last spoke of itself.
#[derive(Queryable)]
pub struct Seen {
    pub id: Uuid,
    pub address: String,
    /// The name of its machine; empty if it is of a version that did not tell.
    pub host: String,
    /// Its process on that machine; 0 if it did not tell.
    pub pid: i32,
    /// Of the program; empty if it did not tell.
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

/// Learns the data keys that are new, and says so.
pub async fn refresh(conn: &mut Conn, instance: &Instance, now: DateTime<Utc>) -> Result<(), Error> {
    let stored = load(conn).await?;
    match Vault::unlock(&instance.masters, &stored) {
        Ok(newer) => instance.vault.learn(&newer),
        // What it has still opens all that was sealed so far; who makes a new key waits for this instance and tells
        // why.
        Err(error) => {
            tracing::warn!(cause = %error, "the data keys cannot be read again: start this instance anew with the master key that they are wrapped under");
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

/// The name of this machine, as far as it is text.
fn host() -> String {
    let name = nix::unistd::gethostname();
    name.map_or_else(|_| String::new(), |name| name.to_string_lossy().into_owned())
}

/// Every instance that was heard of within a day and has not signed off, the oldest first: one that is not alive has
/// died.
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

/// Says that this instance is gone.
pub async fn sign_off(conn: &mut Conn, instance: Uuid) -> Result<(), Error> {
    diesel::delete(instances::table.find(instance)).execute(conn).await?;
    Ok(())
}

/// The instances of now that do not open what this data key seals, or, if it is in use already, that do not seal with
/// it.
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
