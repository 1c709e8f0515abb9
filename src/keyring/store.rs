//! Reading and making the stored data keys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::data_keys;
use crate::vault::{MasterKeys, Vault, WrappedKey};
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
    /// Since when it seals; `None` while it waits to be put to use.
    pub activated_at: Option<DateTime<Utc>>,
    /// Since when it only opens.
    pub retired_at: Option<DateTime<Utc>>,
}

/// What may be shown of all data keys, in their order.
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

/// Makes the data key of this number, unless somebody else has.
pub(super) async fn insert(
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
