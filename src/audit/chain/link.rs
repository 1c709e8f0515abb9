//! Appending to the chain, and since when its links have keys: the last link without one is recorded once,
//! authenticated, and every link behind it must have one.
//!
//! Danger: the owner of the database can delete the record. It is made again only where the data keys, which only the
//! master key opens, say that no program has made keyed links yet, or where there is no link at all.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::encoding::{KEYED, Message};
use super::{Anchor, HASH_LEN};
use crate::audit::Record;
use crate::db::Conn;
use crate::db::schema::{audit_chain, audit_events, audit_links, audit_names, audit_queue, audit_transition};
use crate::name;
use crate::vault::{MacKey, OpenError, Vault};
use crate::web::Error;

/// Entries that are linked in one transaction.
const BATCH: usize = 500;

/// What keys of links are for.
const KEY_PURPOSE: &str = "audit chain";

/// What the authenticated text begins with.
const PURPOSE: &[u8] = b"connectory audit transition 1";

/// Links all entries that wait, and returns how many there were; none if another instance is linking them.
pub async fn link_waiting(conn: &mut Conn, vault: &Vault) -> Result<usize, Error> {
    let mut linked = 0;
    while is_any_waiting(conn).await? {
        let batch = conn.transaction(async |conn| link_batch(conn, vault).await);
        match batch.await? {
            0 => break,
            more => linked += more,
        }
    }
    Ok(linked)
}

/// The end of the chain: what to note elsewhere.
pub async fn end(conn: &mut Conn) -> Result<Anchor, Error> {
    let end = audit_chain::table.select((audit_chain::seq, audit_chain::hash));
    anchor(end.first(conn).await?)
}

/// Asked every second, so without a transaction.
async fn is_any_waiting(conn: &mut Conn) -> Result<bool, Error> {
    let waiting = diesel::select(diesel::dsl::exists(audit_queue::table.select(audit_queue::event_id)));
    Ok(waiting.get_result(conn).await?)
}

/// The end of the chain with a lock, for appending.
async fn hold_end(conn: &mut Conn) -> Result<Anchor, Error> {
    let end = audit_chain::table.select((audit_chain::seq, audit_chain::hash));
    anchor(end.for_update().first(conn).await?)
}

async fn link_batch(conn: &mut Conn, vault: &Vault) -> Result<usize, Error> {
    let end: Option<(i64, Vec<u8>)> = audit_chain::table
        .select((audit_chain::seq, audit_chain::hash))
        .for_update()
        .skip_locked()
        .first(conn)
        .await
        .optional()?;
    let Some(end) = end else {
        return Ok(0);
    };
    let mut end = anchor(end)?;
    let records = next(conn).await?;
    if records.is_empty() {
        return Ok(0);
    }
    record_transition(conn, vault, &end).await?;
    let key = next_key(conn, vault, &end).await?;
    let mut links = Vec::with_capacity(records.len());
    for record in &records {
        let link = record.link(&end, &key);
        links.push((
            audit_links::seq.eq(link.seq),
            audit_links::event_id.eq(record.id),
            audit_links::format.eq(KEYED),
            audit_links::data_key.eq(key.data_key()),
            audit_links::previous_hash.eq(end.hash.to_vec()),
            audit_links::hash.eq(link.hash.to_vec()),
        ));
        end = link;
    }
    diesel::insert_into(audit_links::table).values(links).execute(conn).await?;
    diesel::update(audit_chain::table)
        .set((audit_chain::seq.eq(end.seq), audit_chain::hash.eq(end.hash.to_vec())))
        .execute(conn)
        .await?;
    let ids: Vec<_> = records.iter().map(|record| record.id).collect();
    diesel::delete(audit_queue::table.filter(audit_queue::event_id.eq_any(ids))).execute(conn).await?;
    remember_names(conn, &records).await?;
    Ok(records.len())
}

/// The key of the next links: never an older one than that of the last link, as keys only follow one another. An
/// instance that does not know yet that a newer data key seals uses it all the same.
async fn next_key(conn: &mut Conn, vault: &Vault, end: &Anchor) -> Result<MacKey, Error> {
    let last = audit_links::table.find(end.seq).select(audit_links::data_key);
    let last: Option<Option<i32>> = last.first(conn).await.optional()?;
    let newest = last.flatten().unwrap_or_default().max(vault.sealing_key());
    link_key(vault, newest).map_err(Error::internal)
}

/// The entries that wait, in the order in which they were made. One that is committed later is linked later.
async fn next(conn: &mut Conn) -> Result<Vec<Record>, Error> {
    let most = i64::try_from(BATCH).unwrap_or(i64::MAX);
    Ok(audit_queue::table
        .inner_join(audit_events::table.on(audit_events::id.eq(audit_queue::event_id)))
        .order(audit_queue::event_id)
        .limit(most)
        .select(Record::as_select())
        .load(conn)
        .await?)
}

/// Keeps each name once, for searching by a part of it.
async fn remember_names(conn: &mut Conn, records: &[Record]) -> Result<(), Error> {
    let actors = records.iter().map(|record| ("actor", &record.actor_name));
    let subjects = records.iter().map(|record| ("subject", &record.subject_name));
    let names: HashSet<(&str, &String)> = actors.chain(subjects).collect();
    let rows: Vec<_> = names
        .into_iter()
        .map(|(role, name)| {
            (
                audit_names::role.eq(role),
                audit_names::name.eq(name),
                audit_names::search_text.eq(name::searched(&[name.as_str()])),
            )
        })
        .collect();
    diesel::insert_into(audit_names::table).values(rows).on_conflict_do_nothing().execute(conn).await?;
    Ok(())
}

fn anchor((seq, hash): (i64, Vec<u8>)) -> Result<Anchor, Error> {
    let hash = <[u8; HASH_LEN]>::try_from(hash)
        .map_err(|_| Error::internal(anyhow::anyhow!("the end of the audit chain is damaged")))?;
    Ok(Anchor { seq, hash })
}

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

pub(super) async fn find_transition(conn: &mut Conn) -> Result<Option<Transition>, Error> {
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
        let end = hold_end(conn).await?;
        record_transition(conn, vault, &end).await
    })
    .await
}

/// The same with the end of the chain locked.
async fn record_transition(conn: &mut Conn, vault: &Vault, end: &Anchor) -> Result<(), Error> {
    if find_transition(conn).await?.is_some() {
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
