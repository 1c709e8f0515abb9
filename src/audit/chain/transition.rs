//! Since when links have keys: the last link without one is recorded once, authenticated, and every link behind it must
//! have one.
//!
//! Danger: whoever owns the database can take the record away. It is made anew only where the data keys, which only the
//! master key opens, say that no program has made keyed links yet, or where there is no link at all.

use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::anchor::{Anchor, HASH_LEN};
use super::encoding::Message;
use super::link;
use crate::db::Conn;
use crate::db::schema::audit_transition;
use crate::vault::{MacKey, OpenError, Vault};
use crate::web::Error;

/// What keys of links are for.
const KEY_PURPOSE: &str = "audit chain";

/// What the authenticated text begins with.
const PURPOSE: &[u8] = b"connectory audit transition 1";

/// The record as it is stored.
#[derive(Queryable)]
pub(super) struct Transition {
    seq: i64,
    hash: Vec<u8>,
    data_key: i32,
    mac: Vec<u8>,
}

impl Transition {
    /// The last link without a key, if the record is what was once written.
    pub fn last_plain(&self, vault: &Vault) -> Option<Anchor> {
        let anchor = Anchor { seq: self.seq, hash: <[u8; HASH_LEN]>::try_from(self.hash.as_slice()).ok()? };
        let key = link_key(vault, self.data_key).ok()?;
        (mac(&key, &anchor)[..] == self.mac[..]).then_some(anchor)
    }
}

/// The key of links, derived from this data key.
pub(super) fn link_key(vault: &Vault, data_key: i32) -> Result<MacKey, OpenError> {
    vault.mac_key(data_key, KEY_PURPOSE)
}

fn mac(key: &MacKey, last_plain: &Anchor) -> [u8; HASH_LEN] {
    let mut text = Message::default();
    text.field(PURPOSE);
    text.field(&last_plain.seq.to_be_bytes());
    text.field(&last_plain.hash);
    key.authenticate(&text.0)
}

pub(super) async fn find(conn: &mut Conn) -> Result<Option<Transition>, Error> {
    let row = audit_transition::table.select((
        audit_transition::seq,
        audit_transition::hash,
        audit_transition::data_key,
        audit_transition::mac,
    ));
    Ok(row.first(conn).await.optional()?)
}

/// Records that links have keys from now on, unless that stands there already.
pub async fn key_links(conn: &mut Conn, vault: &Vault) -> Result<(), Error> {
    conn.transaction(async |conn| {
        let end = link::hold_end(conn).await?;
        record(conn, vault, &end).await
    })
    .await
}

/// The same for whoever holds the end of the chain.
pub(super) async fn record(conn: &mut Conn, vault: &Vault, end: &Anchor) -> Result<(), Error> {
    if find(conn).await?.is_some() {
        return Ok(());
    }
    if end.seq > 0 && !vault.predates_keyed_links() {
        return Err(Error::internal(anyhow::anyhow!(
            "the record since when links of the audit log have keys was taken away"
        )));
    }
    let key = link_key(vault, vault.sealing_key()).map_err(Error::internal)?;
    diesel::insert_into(audit_transition::table)
        .values((
            audit_transition::seq.eq(end.seq),
            audit_transition::hash.eq(end.hash.to_vec()),
            audit_transition::data_key.eq(key.data_key()),
            audit_transition::mac.eq(mac(&key, end).to_vec()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
