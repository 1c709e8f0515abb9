//! The SQL of a holder's keys: looking at them, making, changing and revoking them.

mod scopes;

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::forms::Ending;
use super::holder::Holder;
use super::model::{CheckedKey, Key, expiry_recorded, full_name, methods_words};
use crate::access::{ApiKey, ApiKeys, HolderKind};
use crate::audit::{Change, Changes, next_version, transaction};
use crate::db::schema::{api_key_scopes, api_keys};
use crate::db::version::SeenVersion;
use crate::db::{Conn, Db};
use crate::web::{Error, SaveError};

pub use scopes::{KeysOf, exceeds};
pub(super) use scopes::{
    MOST_FOUND, add_scopes, endpoints_of, remove_scope, save_scope, scope_of, scopes_of, search, target, targets,
};

/// Keys that a holder's page shows; older ones were revoked long ago.
pub(super) const MOST_SHOWN: usize = 200;

const COLUMNS: &str = "k.id, k.name, k.prefix, k.methods, k.expires_at, k.created_at, k.created_by, k.last_used_at,
    k.last_used_address, k.revoked_at, k.revoked_by, k.version, k.updated_at, k.updated_by,
    (SELECT count(*) FROM api_key_scopes s WHERE s.api_key_id = k.id AND s.connector_id IS NOT NULL) AS connectors,
    EXISTS (SELECT 1 FROM api_key_scopes s WHERE s.api_key_id = k.id AND s.connector_id IS NULL) AS everywhere";

/// The column that names the holder.
fn column(holder: &Holder) -> &'static str {
    match holder.kind {
        HolderKind::Program => "program_id",
        HolderKind::User => "user_id",
    }
}

/// The holder's keys, those that can be used first, one more than is shown.
pub(super) async fn list(conn: &Conn, holder: &Holder) -> Result<Vec<Key>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM api_keys k WHERE k.{} = $1
         ORDER BY k.revoked_at IS NOT NULL, k.created_at DESC, k.id DESC LIMIT {}",
        column(holder),
        MOST_SHOWN + 1
    );
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(holder.id).load(&mut &*conn).await?)
}

/// A key of this holder.
pub(super) async fn find(conn: &Conn, holder: &Holder, id: Uuid) -> Result<Key, Error> {
    find_with(conn, holder, id, "").await
}

async fn find_with(conn: &Conn, holder: &Holder, id: Uuid, lock: &str) -> Result<Key, Error> {
    let sql = format!("SELECT {COLUMNS} FROM api_keys k WHERE k.id = $2 AND k.{} = $1{lock}", column(holder));
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(holder.id).bind::<SqlUuid, _>(id).get_result(&mut &*conn).await?)
}

/// A key that was not revoked, locked until the end of the transaction.
async fn lock(conn: &Conn, holder: &Holder, id: Uuid) -> Result<Key, SaveError> {
    let key = find_with(conn, holder, id, " FOR UPDATE OF k").await?;
    if key.is_revoked() { Err(SaveError::Stale) } else { Ok(key) }
}

/// Moves the version of a locked key that is being changed, and gives the new one.
async fn move_version(change: &mut Change<'_>, id: Uuid) -> QueryResult<i32> {
    diesel::update(api_keys::table.find(id))
        .set(next_version!(api_keys, change))
        .returning(api_keys::version)
        .get_result(change.conn)
        .await
}

/// A key that is to be stored.
pub(super) struct NewKey<'a> {
    /// Made with the empty form, so that pressing twice creates one.
    pub id: Uuid,
    pub key: &'a ApiKey,
    pub checked: &'a CheckedKey,
    /// Can call all data connectors.
    pub everywhere: bool,
}

impl NewKey<'_> {
    fn full_name(&self) -> String {
        full_name(&self.checked.name, self.key.prefix())
    }

    /// Its own fields, for the audit entry.
    fn changes(&self, holder: &Holder) -> Changes {
        Changes::none()
            .field(holder.kind_word(), "", &holder.name)
            .field("Name", "", &self.checked.name)
            .field("Expires", "", expiry_recorded(self.checked.expires_at))
            .field("HTTP methods", "", methods_words(self.checked.methods.as_deref()))
    }
}

/// Stores a new key of this holder: its hash and its beginning, never itself.
pub(super) async fn create(change: &mut Change<'_>, holder: &Holder, new: &NewKey<'_>) -> Result<(), SaveError> {
    transaction(change, async |change| {
        insert(change, holder, new).await?;
        if new.everywhere {
            diesel::insert_into(api_key_scopes::table)
                .values((api_key_scopes::id.eq(Uuid::now_v7()), api_key_scopes::api_key_id.eq(new.id)))
                .execute(change.conn)
                .await?;
        }
        let can_call = if new.everywhere { "All data connectors" } else { "" };
        let changes = new.changes(holder).field("Can call", "", can_call);
        Ok(change.record("api_key.created", new.id, &new.full_name(), changes).await?)
    })
    .await
}

async fn insert(change: &mut Change<'_>, holder: &Holder, new: &NewKey<'_>) -> QueryResult<()> {
    let (is_program, checked) = (holder.is_program(), new.checked);
    diesel::insert_into(api_keys::table)
        .values((
            api_keys::id.eq(new.id),
            api_keys::hash.eq(new.key.hash().to_vec()),
            api_keys::prefix.eq(new.key.prefix()),
            api_keys::name.eq(&checked.name),
            api_keys::program_id.eq(is_program.then_some(holder.id)),
            api_keys::user_id.eq((!is_program).then_some(holder.id)),
            api_keys::methods.eq(&checked.methods),
            api_keys::expires_at.eq(checked.expires_at),
            api_keys::created_at.eq(change.now),
            api_keys::created_by.eq(change.by.attribution()),
        ))
        .execute(change.conn)
        .await?;
    Ok(())
}

/// A key that takes the place of another one.
pub(super) struct Replacement<'a> {
    /// Made with the form, so that pressing twice creates one.
    pub id: Uuid,
    pub key: &'a ApiKey,
    pub ending: &'a Ending,
}

/// Stores a key that can do what a key of this holder can, which then ends; nothing if that one can do more than the
/// person may allow.
pub(super) async fn replace(
    change: &mut Change<'_>,
    holder: &Holder,
    id: Uuid,
    by: &Replacement<'_>,
) -> Result<Saved, SaveError> {
    transaction(change, async |change| {
        let old = lock(change.conn, holder, id).await?;
        if exceeds(change.conn, change.by, KeysOf::ShownKey(id)).await? {
            return Ok(Saved::Exceeds("ends"));
        }
        let (name, methods) = (old.name.clone(), old.methods.clone());
        let checked = CheckedKey { name, expires_at: by.ending.expires_at, methods };
        let new = &NewKey { id: by.id, key: by.key, checked: &checked, everywhere: old.everywhere };
        insert(change, holder, new).await?;
        scopes::copy_scopes(change, id, new.id).await?;
        let changes = new.changes(holder).field("Can call", "", old.can_call()).field("Replaces", "", old.full_name());
        change.record("api_key.created", new.id, &new.full_name(), changes).await?;
        let end = by.ending.end.unwrap_or(change.now);
        let end = old.expires_at.map_or(end, |stored| stored.min(end));
        move_version(change, id).await?;
        let row = diesel::update(api_keys::table.find(id));
        match end <= change.now {
            true => {
                let revoked = (api_keys::revoked_at.eq(change.now), api_keys::revoked_by.eq(change.by.attribution()));
                row.set(revoked).execute(change.conn).await?
            }
            false => row.set(api_keys::expires_at.eq(end)).execute(change.conn).await?,
        };
        let changes = Changes::none()
            .field("Expires", expiry_recorded(old.expires_at), expiry_recorded(Some(end)))
            .field("Replaced by", "", new.full_name());
        change.record("api_key.replaced", id, &old.full_name(), changes).await?;
        Ok(Saved::Done)
    })
    .await
}

/// The result of saving a key.
pub(super) enum Saved {
    Done,
    /// Nothing was saved: by this field the key could do more with a data connector that the person may not call.
    Exceeds(&'static str),
}

/// Saves name, expiry and methods of a key that was neither revoked nor changed since it was read.
pub(super) async fn update(
    change: &mut Change<'_>,
    holder: &Holder,
    (id, seen): (Uuid, SeenVersion),
    new: &CheckedKey,
) -> Result<Saved, SaveError> {
    transaction(change, async |change| {
        let old = lock(change.conn, holder, id).await?;
        seen.check(old.version)?;
        if let Some(wider) = old.widened_by(new)
            && exceeds(change.conn, change.by, KeysOf::Key(id)).await?
        {
            return Ok(Saved::Exceeds(wider));
        }
        move_version(change, id).await?;
        diesel::update(api_keys::table.find(id))
            .set((
                api_keys::name.eq(&new.name),
                api_keys::methods.eq(&new.methods),
                api_keys::expires_at.eq(new.expires_at),
            ))
            .execute(change.conn)
            .await?;
        let changes = Changes::none()
            .field("Name", &old.name, &new.name)
            .field("Expires", expiry_recorded(old.expires_at), expiry_recorded(new.expires_at))
            .field("HTTP methods", old.methods(), methods_words(new.methods.as_deref()));
        change.record("api_key.saved", id, &full_name(&new.name, &old.prefix), changes).await?;
        Ok(Saved::Done)
    })
    .await
}

/// Revokes a key for good. A trigger tells every instance with the commit.
pub(super) async fn revoke(change: &mut Change<'_>, holder: &Holder, id: Uuid) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let key = lock(change.conn, holder, id).await?;
        move_version(change, id).await?;
        diesel::update(api_keys::table.find(id))
            .set((api_keys::revoked_at.eq(change.now), api_keys::revoked_by.eq(change.by.attribution())))
            .execute(change.conn)
            .await?;
        let changes = Changes::none().field(holder.kind_word(), "", &holder.name);
        Ok(change.record("api_key.revoked", id, &key.full_name(), changes).await?)
    })
    .await
}

/// Writes when and from where keys were used last; where another instance saw a later use, that one stays.
pub async fn write_key_uses(db: &Db, keys: &ApiKeys) -> Result<(), Error> {
    let sql = "UPDATE api_keys SET last_used_at = used.at, last_used_address = used.address
        FROM unnest($1, $2, $3) AS used (id, at, address)
        WHERE api_keys.id = used.id AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < used.at)";
    keys.write_uses(async |uses| {
        let addresses: Vec<&str> = uses.values().map(|used| used.address.as_str()).collect();
        diesel::sql_query(sql)
            .bind::<Array<SqlUuid>, _>(uses.keys().copied().collect::<Vec<_>>())
            .bind::<Array<Timestamptz>, _>(uses.values().map(|used| used.at).collect::<Vec<_>>())
            .bind::<Array<Text>, _>(addresses)
            .execute(&mut *db.get().await?)
            .await?;
        Ok(())
    })
    .await
}
