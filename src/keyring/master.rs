//! Another master key: the data keys are wrapped anew, the values that they seal stay as they are.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl, SimpleAsyncConnection};

use super::store::load;
use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::db::schema::data_keys;
use crate::vault::{MasterKey, MasterKeys, Vault, WrappedKey};
use crate::web::Error;

/// Wraps all data keys under the current one of the master keys, and gives how many were under others: all of them, or
/// after an error none. Programs that run have the keys themselves and go on.
pub async fn rotate(conn: &mut Conn, masters: &MasterKeys, by: &Actor, now: DateTime<Utc>) -> Result<usize, Error> {
    conn.transaction(async |conn| {
        let stored = hold(conn).await?;
        let target = masters.current();
        let others: Vec<&WrappedKey> = stored.iter().filter(|key| key.master_key_id != target.id()).collect();
        if others.is_empty() {
            return Ok(0);
        }
        let vault = Vault::unlock(masters, &stored).map_err(Error::internal)?;
        rewrap(conn, &vault, target).await?;
        let event = Event {
            kind: "master_key.rotated",
            subject_id: None,
            subject_name: "Master key",
            changes: Changes::none().field("Id", &others[0].master_key_id, target.id()).field(
                "Data keys",
                "",
                others.len().to_string(),
            ),
        };
        audit::record(conn, by, now, event).await?;
        Ok(others.len())
    })
    .await
}

/// Wraps the data keys of a version whose audit links had no key anew, once it stands in the database where those links
/// end. From then on only the master key could make links without a key pass for old ones. During a change of the
/// master key it waits for the next start.
pub async fn renew_first_form(conn: &mut Conn, masters: &MasterKeys) -> Result<(), Error> {
    conn.transaction(async |conn| {
        let stored = hold(conn).await?;
        let target = masters.current();
        if stored.iter().any(|key| key.master_key_id != target.id()) {
            return Ok(());
        }
        let vault = Vault::unlock(masters, &stored).map_err(Error::internal)?;
        rewrap(conn, &vault, target).await
    })
    .await
}

/// The data keys, of which none is made or changed until the transaction ends.
async fn hold(conn: &mut Conn) -> Result<Vec<WrappedKey>, Error> {
    // A data key that is made meanwhile would stay under the old key.
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
