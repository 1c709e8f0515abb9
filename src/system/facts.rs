//! Everything that the page knows, gathered at one moment.

use std::net::IpAddr;
use std::path::PathBuf;

use actix_web::web::block;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::try_join;
use nix::sys::statvfs::statvfs;

use super::About;
use super::queries::{self, Migrated, Server, Table};
use crate::access::{RequestContext, untrusted_forwarder};
use crate::audit::chain::{self, Anchor};
use crate::db::{self, PoolUse};
use crate::keyring::{self, Seen, StoredKey, Uses};
use crate::web::Error;

/// Clocks that are no further apart count as the same.
const SAME_TIME: TimeDelta = TimeDelta::seconds(5);

pub(super) struct Facts {
    pub now: DateTime<Utc>,
    pub about: About,
    /// The address that people open.
    pub public_url: String,
    /// Who said without being trusted for whom this page is.
    pub forwarder: Option<IpAddr>,
    pub pools: Vec<PoolUse>,
    pub server: Server,
    /// By how much the database's clock is ahead of this machine's, if it is too much.
    pub clock_ahead: Option<TimeDelta>,
    pub tables: Vec<Table>,
    pub migrated: Vec<Migrated>,
    pub instances: Vec<Seen>,
    pub keys: Vec<StoredKey>,
    pub uses: Uses,
    pub audit_end: Anchor,
    pub unlinked: i64,
    pub unchecked: i64,
    pub disk: Option<Disk>,
}

/// The file system of the private PostgreSQL, in bytes. As `df` counts: what is reserved for root is neither.
#[derive(Clone, Copy)]
pub(super) struct Disk {
    pub used: u64,
    pub available: u64,
}

impl Disk {
    pub fn size(&self) -> u64 {
        self.used.saturating_add(self.available)
    }
}

impl Facts {
    pub async fn gather(context: &RequestContext, about: &About) -> Result<Facts, Error> {
        let mut conn = context.conn().await?;
        let asked_at = context.now();
        let theirs = queries::clock(&conn).await?;
        let clock_ahead = ahead(theirs, asked_at, context.now());
        let (server, tables, migrated, unlinked, unchecked) = try_join!(
            queries::server(&conn),
            queries::tables(&conn),
            queries::migrated(&conn),
            queries::unlinked(&conn),
            queries::unchecked(&conn),
        )?;
        let (instances, keys, uses) =
            try_join!(keyring::instances(&conn), keyring::stored(&conn), keyring::uses(&conn),)?;
        let audit_end = chain::end(&mut conn).await?;
        // Before the wait for the disk, which is not the database's.
        drop(conn);
        Ok(Facts {
            now: context.now(),
            about: about.clone(),
            public_url: context.address.to_string(),
            forwarder: untrusted_forwarder(&context.req),
            pools: about.pools.uses(),
            server,
            clock_ahead,
            tables,
            migrated,
            instances,
            keys,
            uses,
            audit_end,
            unlinked,
            unchecked,
            disk: disk(about.private_data.clone()).await,
        })
    }

    /// The row of the instance that answers, if it could say that it is there.
    pub fn this_instance(&self) -> Option<&Seen> {
        let mut all = self.instances.iter();
        all.find(|seen| seen.id == self.about.instance)
    }

    pub fn alive(&self) -> impl Iterator<Item = &Seen> {
        self.instances.iter().filter(|seen| seen.is_alive(self.now))
    }

    /// The data key that seals: the newest of those that were put to use.
    pub fn sealing_key(&self) -> i32 {
        let active = self.keys.iter().filter(|key| key.activated_at.is_some());
        active.map(|key| key.id).max().unwrap_or_default()
    }

    /// Values that keys before the sealing one have sealed.
    pub fn sealed_by_older_keys(&self) -> i64 {
        let older = self.uses.range(..self.sealing_key());
        older.map(|(_, values)| values).sum()
    }

    /// Migrations of the database that this program does not have.
    pub fn later_migrations(&self) -> Vec<&str> {
        let own = db::migrations();
        let is_foreign = |version: &&str| !own.iter().any(|(known, _)| known == version);
        let versions = self.migrated.iter().map(|one| one.version.as_str());
        versions.filter(is_foreign).collect()
    }
}

/// How far a clock that was read between two moments is ahead of ours; `None` if it may be the same.
fn ahead(theirs: DateTime<Utc>, before: DateTime<Utc>, after: DateTime<Utc>) -> Option<TimeDelta> {
    if theirs > after + SAME_TIME {
        Some(theirs - after)
    } else if theirs < before - SAME_TIME {
        Some(theirs - before)
    } else {
        None
    }
}

/// Free space where the private PostgreSQL is stored; nothing if it cannot be read.
async fn disk(folder: Option<PathBuf>) -> Option<Disk> {
    let folder = folder?;
    let found = block(move || statvfs(&folder)).await.ok()?.ok()?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.fragment_size());
    let used = found.blocks().saturating_sub(found.blocks_free());
    Some(Disk { used: bytes(used), available: bytes(found.blocks_available()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_takes_long_is_no_wrong_clock() {
        let at = |seconds: i64| DateTime::from_timestamp(1_795_000_000 + seconds, 0).unwrap();
        assert_eq!(ahead(at(30), at(0), at(60)), None);
        assert_eq!(ahead(at(65), at(0), at(60)), None);
        assert_eq!(ahead(at(70), at(0), at(60)), Some(TimeDelta::seconds(10)));
        assert_eq!(ahead(at(-10), at(0), at(60)), Some(TimeDelta::seconds(-10)));
    }
}
