//! The stored data keys, and changing keys: another master key, another data key.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::audit::{self, Change, Changes};
use crate::db::Conn;
use crate::db::schema::data_keys;
use crate::vault::{MasterKey, MasterKeys, Vault, WrappedKey};
use crate::web::Error;

/// All data keys in their order.
pub async fn load(conn: &mut Conn) -> Result<Vec<WrappedKey>, Error> {
    let rows: Vec<(i32, String, Vec<u8>, bool)> = data_keys::table
        .order(data_keys::id)
        .select((data_keys::id, data_keys::master_key_id, data_keys::wrapped, data_keys::activated_at.is_not_null()))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|(id, master_key_id, wrapped, is_active)| WrappedKey { id, master_key_id, wrapped, is_active })
        .collect())
}

/// A data key without the key itself.
#[derive(Queryable)]
pub struct StoredKey {
    pub id: i32,
    /// The master key that it is wrapped under.
    pub master_key_id: String,
    pub created_at: DateTime<Utc>,
    /// Since when it seals; `None` before it is activated.
    pub activated_at: Option<DateTime<Utc>>,
    /// Since when it only opens.
    pub retired_at: Option<DateTime<Utc>>,
}

/// All data keys in their order, without the keys themselves.
pub async fn stored(conn: &Conn) -> Result<Vec<StoredKey>, Error> {
    let all = data_keys::table.order(data_keys::id).select((
        data_keys::id,
        data_keys::master_key_id,
        data_keys::created_at,
        data_keys::activated_at,
        data_keys::retired_at,
    ));
    Ok(all.load(&mut &*conn).await?)
}

/// Makes the first data key, active at once. Of instances that start together, one makes it and all read that one.
pub async fn create_first(conn: &mut Conn, masters: &MasterKeys, now: DateTime<Utc>) -> Result<Vec<WrappedKey>, Error> {
    insert(conn, masters, 1, now, Some(now)).await?;
    load(conn).await
}

/// Makes the data key of this number, unless it exists.
async fn insert(
    conn: &mut Conn,
    masters: &MasterKeys,
    id: i32,
    now: DateTime<Utc>,
    activated_at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let key = Vault::create_key(masters.current(), id).map_err(Error::internal)?;
    diesel::insert_into(data_keys::table)
        .values((
            data_keys::id.eq(key.id),
            data_keys::master_key_id.eq(key.master_key_id),
            data_keys::wrapped.eq(key.wrapped),
            data_keys::created_at.eq(now),
            data_keys::activated_at.eq(activated_at),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(())
}

/// The data key to activate next: one that an interrupted run has made, or a new one.
pub async fn begin(conn: &mut Conn, masters: &MasterKeys, now: DateTime<Utc>) -> Result<i32, Error> {
    let stored = load(conn).await?;
    let newest = stored.last().map_or(0, |key| key.id);
    if stored.last().is_some_and(|key| !key.is_active) {
        return Ok(newest);
    }
    insert(conn, masters, newest + 1, now, None).await?;
    Ok(newest + 1)
}

/// Makes a data key seal from now on.
pub async fn activate(change: &mut Change<'_>, key: i32) -> Result<(), Error> {
    audit::transaction(change, async |change| {
        let waiting = data_keys::table.find(key).filter(data_keys::activated_at.is_null());
        let active = diesel::update(waiting).set(data_keys::activated_at.eq(change.now)).execute(change.conn).await?;
        match active {
            0 => Ok(()),
            _ => change.record("data_key.activated", None, &format!("Data key {key}"), Changes::none()).await,
        }
    })
    .await
}

/// Retires the keys before this one, and gives their numbers.
pub async fn retire_older(change: &mut Change<'_>, key: i32) -> Result<Vec<i32>, Error> {
    audit::transaction(change, async |change| {
        let older = data_keys::table.filter(data_keys::id.lt(key)).filter(data_keys::retired_at.is_null());
        let retired = diesel::update(older).set(data_keys::retired_at.eq(change.now)).returning(data_keys::id);
        let mut retired: Vec<i32> = retired.get_results(change.conn).await?;
        retired.sort_unstable();
        for id in &retired {
            let changes = Changes::none().field("Followed by", "", format!("Data key {key}"));
            change.record("data_key.retired", None, &format!("Data key {id}"), changes).await?;
        }
        Ok(retired)
    })
    .await
}

/// Wraps all data keys under the current master key in one transaction, and gives how many were under another. Running
/// instances are not affected, because they have the keys themselves.
pub async fn rotate(change: &mut Change<'_>, masters: &MasterKeys) -> Result<usize, Error> {
    audit::transaction(change, async |change| {
        let stored = lock(change.conn).await?;
        let target = masters.current();
        let others: Vec<&WrappedKey> = stored.iter().filter(|key| key.master_key_id != target.id()).collect();
        let [first, ..] = &others[..] else {
            return Ok(0);
        };
        let vault = Vault::unlock(masters, &stored).map_err(Error::internal)?;
        rewrap(change.conn, &vault, target).await?;
        let changes = Changes::none().field("Id", &first.master_key_id, target.id());
        let changes = changes.field("Data keys", "", others.len().to_string());
        change.record("master_key.rotated", None, "Master key", changes).await?;
        Ok(others.len())
    })
    .await
}

/// Wraps data keys in their newest form, once the database records where the audit links without a key end. From then on
/// only the master key could make such links pass for old ones. While the master key is being changed it waits for the
/// next start.
pub async fn renew_first_form(conn: &mut Conn, masters: &MasterKeys) -> Result<(), Error> {
    conn.transaction(async |conn| {
        let stored = lock(conn).await?;
        let target = masters.current();
        if stored.iter().any(|key| key.master_key_id != target.id()) {
            return Ok(());
        }
        let vault = Vault::unlock(masters, &stored).map_err(Error::internal)?;
        rewrap(conn, &vault, target).await
    })
    .await
}

/// Loads the data keys, and locks them until the transaction ends.
async fn lock(conn: &mut Conn) -> Result<Vec<WrappedKey>, Error> {
    // A data key that is made at the same time would stay under the old master key.
    conn.batch_execute("LOCK TABLE data_keys IN SHARE ROW EXCLUSIVE MODE").await?;
    load(conn).await
}

async fn rewrap(conn: &mut Conn, vault: &Vault, target: &MasterKey) -> Result<(), Error> {
    for key in vault.rewrap(target).map_err(Error::internal)? {
        diesel::update(data_keys::table.find(key.id))
            .set((data_keys::master_key_id.eq(key.master_key_id), data_keys::wrapped.eq(key.wrapped)))
            .execute(conn)
            .await?;
    }
    Ok(())
}
