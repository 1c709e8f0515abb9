//! The key that signs session cookies: random, sealed in the database, the same for all instances.
//!
//! It is not derived from a master or data key, so session cookies stay valid when those are rotated.

use actix_web::cookie::Key;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::db::Conn;
use crate::db::schema::cookie_keys;
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

/// The stored key; the first start makes it. Of instances that start together, one makes it and all read that one.
///
/// # Errors
/// When the stored row does not open or is no key; the message names it.
pub async fn cookie_key(conn: &mut Conn, vault: &Vault, now: DateTime<Utc>) -> Result<Key, Error> {
    if let Some(key) = stored(conn, vault).await? {
        return Ok(key);
    }
    let id = Uuid::now_v7();
    let new = Secret::new(BASE64_STANDARD.encode(Key::generate().master()));
    let sealed = vault.seal(place(id), &new).map_err(Error::internal)?;
    diesel::insert_into(cookie_keys::table)
        .values((cookie_keys::id.eq(id), cookie_keys::sealed.eq(sealed), cookie_keys::created_at.eq(now)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    stored(conn, vault).await?.ok_or_else(|| Error::internal(anyhow::anyhow!("cookie_keys has no row")))
}

async fn stored(conn: &mut Conn, vault: &Vault) -> Result<Option<Key>, Error> {
    let row: Option<(Uuid, Vec<u8>)> =
        cookie_keys::table.select((cookie_keys::id, cookie_keys::sealed)).first(conn).await.optional()?;
    let Some((id, sealed)) = row else {
        return Ok(None);
    };
    let unreadable = |why: &dyn std::fmt::Display| {
        Error::internal(anyhow::anyhow!("column sealed of row {id} of cookie_keys cannot be read: {why}"))
    };
    let secret = vault.open(place(id), &sealed).map_err(|error| unreadable(&error))?;
    let bytes = BASE64_STANDARD.decode(secret.expose()).map(Zeroizing::new).map_err(|error| unreadable(&error))?;
    Key::try_from(bytes.as_slice()).map(Some).map_err(|error| unreadable(&error))
}

fn place(id: Uuid) -> AssociatedData<'static> {
    AssociatedData { table: "cookie_keys", row: id, column: "sealed", bound_to: None }
}
