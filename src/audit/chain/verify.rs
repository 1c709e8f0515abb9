//! Walking the chain from its first entry to its last, a thousand entries in memory at a time.
//!
//! Rule: all is read in one snapshot, so that a running program, which appends, is no fault.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::encoding::{KEYED, PLAIN};
use super::{Anchor, Link, link};
use crate::audit::Record;
use crate::db::Conn;
use crate::db::schema::{audit_events, audit_links, audit_queue};
use crate::vault::{MacKey, Vault};
use crate::web::{Error, iso, plural};

/// Entries that are read at once.
const STEP: i64 = 1000;

/// How much earlier than the entry before it an entry may say that it was made: transactions take time, and clocks differ.
const DISORDER: TimeDelta = TimeDelta::minutes(10);

/// A chain without a fault.
#[derive(Debug)]
pub struct Verified {
    /// When the first and the last entry say that they were made.
    pub first: Option<DateTime<Utc>>,
    pub last: Option<DateTime<Utc>>,
    pub end: Anchor,
    /// The last entry whose link has no key; 0 if every link has one.
    pub last_plain: i64,
    /// Entries that are not linked yet.
    pub waiting: i64,
    /// Entries that say they were made long before the entry before them, by their numbers: a clock was set back, or
    /// they were added later. The first ten.
    pub backdated: Vec<i64>,
}

/// The first thing that is wrong.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("entry {0} is missing")]
    Missing(i64),
    #[error("entry {seq} ({id}) was changed, or is not the one that stood there")]
    Changed { seq: i64, id: Uuid },
    #[error("entry {0} does not follow the entry before it: entries were taken out, put in or moved")]
    Torn(i64),
    #[error("entry {seq} has the unknown format {format}: it was written by a later version, or changed")]
    UnknownFormat { seq: i64, format: i16 },
    #[error("entry {0} has a link without a key, which only entries of earlier versions have")]
    NotKeyed(i64),
    #[error("entry {seq} was linked with the key of data key {data_key}, which is {why}")]
    OtherKey { seq: i64, data_key: i32, why: &'static str },
    #[error("entry {0} is not the one behind which links got keys: the entries up to it were rewritten")]
    OtherTransition(i64),
    #[error("the record since when links have keys was changed")]
    TransitionChanged,
    #[error("the record since when links have keys is missing")]
    TransitionMissing,
    #[error("the chain ends at entry {found}, but {linked} entries were linked: entries at its end are missing")]
    CutShort { found: i64, linked: i64 },
    #[error("the last entry is not the one that was linked last: the end of the chain was rewritten")]
    OtherEnd,
    #[error(
        "{} not in the chain, the first of {}: {id}",
        plural(*entries, "entry is", "entries are"),
        iso(first)
    )]
    Unlinked { entries: i64, first: DateTime<Utc>, id: Uuid },
    #[error("{} disappeared before being linked", plural(*entries, "entry", "entries"))]
    Lost { entries: i64 },
    #[error("entry {0} is not what was noted: the chain was rewritten, or the anchor is of another database")]
    NotAsNoted(i64),
    #[error("entry {noted} was noted, but the chain ends at entry {end}")]
    NotReached { noted: i64, end: i64 },
}

/// Checks every entry, and that the entry of a noted anchor is unchanged.
pub async fn verify(conn: &mut Conn, vault: &Vault, noted: Option<&Anchor>) -> Result<Result<Verified, Fault>, Error> {
    conn.build_transaction()
        .repeatable_read()
        .read_only()
        .run(async |conn| verify_snapshot(conn, vault, noted).await)
        .await
}

async fn verify_snapshot(
    conn: &mut Conn,
    vault: &Vault,
    noted: Option<&Anchor>,
) -> Result<Result<Verified, Fault>, Error> {
    let last_plain = match link::find_transition(conn).await? {
        Some(transition) => match transition.last_plain(vault) {
            Some(last) => Some(last),
            None => return Ok(Err(Fault::TransitionChanged)),
        },
        None => None,
    };
    let mut walk = Walk::new(vault, last_plain, noted);
    loop {
        let steps = read(conn, walk.end.seq).await?;
        let is_last = steps.len() < usize::try_from(STEP).unwrap_or(usize::MAX);
        for (link, record) in &steps {
            if let Err(fault) = walk.step(link, record.as_ref()) {
                return Ok(Err(fault));
            }
        }
        if is_last {
            break;
        }
    }
    finish(conn, walk).await
}

/// The next links, each with its entry, if that is there.
async fn read(conn: &mut Conn, after: i64) -> Result<Vec<(Link, Option<Record>)>, Error> {
    Ok(audit_links::table
        .left_join(audit_events::table.on(audit_events::id.eq(audit_links::event_id)))
        .filter(audit_links::seq.gt(after))
        .order(audit_links::seq)
        .limit(STEP)
        .select((Link::as_select(), Option::<Record>::as_select()))
        .load(conn)
        .await?)
}

/// How far the walk has come.
struct Walk<'a> {
    vault: &'a Vault,
    /// The last link without a key, as it was recorded.
    last_plain: Option<Anchor>,
    /// The key of the last link.
    key: Option<MacKey>,
    noted: Option<&'a Anchor>,
    end: Anchor,
    first: Option<DateTime<Utc>>,
    last: Option<DateTime<Utc>>,
    /// The latest time that any entry has said so far.
    latest: DateTime<Utc>,
    backdated: Vec<i64>,
}

impl Walk<'_> {
    fn new<'a>(vault: &'a Vault, last_plain: Option<Anchor>, noted: Option<&'a Anchor>) -> Walk<'a> {
        Walk {
            vault,
            last_plain,
            key: None,
            noted,
            end: Anchor::START,
            first: None,
            last: None,
            latest: DateTime::<Utc>::MIN_UTC,
            backdated: Vec::new(),
        }
    }

    fn step(&mut self, stored: &Link, record: Option<&Record>) -> Result<(), Fault> {
        let expected = self.end.seq + 1;
        if stored.seq != expected {
            return Err(Fault::Missing(expected));
        }
        let record = record.ok_or(Fault::Missing(expected))?;
        if stored.previous_hash != self.end.hash {
            return Err(Fault::Torn(stored.seq));
        }
        let link = match stored.format {
            PLAIN => self.plain_link(stored, record)?,
            KEYED => self.keyed_link(stored, record)?,
            format => {
                let seq = stored.seq;
                return Err(Fault::UnknownFormat { seq, format });
            }
        };
        if stored.hash != link.hash {
            return Err(changed(stored, record));
        }
        if let Some(last) = &self.last_plain
            && last.seq == link.seq
            && *last != link
        {
            return Err(Fault::OtherTransition(link.seq));
        }
        if self.noted.is_some_and(|noted| noted.seq == link.seq && *noted != link) {
            return Err(Fault::NotAsNoted(link.seq));
        }
        self.note_time(stored.seq, record.at);
        self.end = link;
        Ok(())
    }

    /// Without a record of where links without keys end, only data keys of earlier versions say that there may be any.
    fn plain_link(&self, stored: &Link, record: &Record) -> Result<Anchor, Fault> {
        let may_be_plain = match &self.last_plain {
            Some(last) => stored.seq <= last.seq,
            None => self.vault.predates_keyed_links(),
        };
        if !may_be_plain {
            return Err(Fault::NotKeyed(stored.seq));
        }
        // What such a link does not cover, earlier versions did not write.
        if record.actor_username.is_some() || stored.data_key.is_some() {
            return Err(changed(stored, record));
        }
        Ok(record.plain_link(&self.end))
    }

    fn keyed_link(&mut self, stored: &Link, record: &Record) -> Result<Anchor, Fault> {
        let last = self.last_plain.as_ref();
        let last = last.ok_or(Fault::TransitionMissing)?.seq;
        let data_key = stored.data_key.filter(|_| stored.seq > last);
        let data_key = data_key.ok_or_else(|| changed(stored, record))?;
        let before = self.key.as_ref().map(MacKey::data_key);
        if before != Some(data_key) {
            let other = |why| Fault::OtherKey { seq: stored.seq, data_key, why };
            if before > Some(data_key) {
                return Err(other("older than that of the entry before"));
            }
            let key = link::link_key(self.vault, data_key);
            self.key = Some(key.map_err(|_| other("not there"))?);
        }
        let key = self.key.as_ref().ok_or_else(|| changed(stored, record))?;
        Ok(record.link(&self.end, key))
    }

    fn note_time(&mut self, seq: i64, at: DateTime<Utc>) {
        self.first.get_or_insert(at);
        self.last = Some(at);
        // Subtracting from the latest, which may be the least time there is, would overflow.
        if at + DISORDER < self.latest && self.backdated.len() < 10 {
            self.backdated.push(seq);
        }
        self.latest = self.latest.max(at);
    }
}

fn changed(stored: &Link, record: &Record) -> Fault {
    Fault::Changed { seq: stored.seq, id: record.id }
}

/// What only shows when all links are known: a missing end, and entries without a link.
async fn finish(conn: &mut Conn, walk: Walk<'_>) -> Result<Result<Verified, Fault>, Error> {
    let kept = link::end(conn).await?;
    let last_plain = walk.last_plain.map_or(0, |last| last.seq);
    let linked = kept.seq.max(last_plain);
    if linked > walk.end.seq {
        let found = walk.end.seq;
        return Ok(Err(Fault::CutShort { found, linked }));
    }
    if kept != walk.end {
        return Ok(Err(Fault::OtherEnd));
    }
    if let Some(noted) = walk.noted.filter(|noted| noted.seq > walk.end.seq) {
        return Ok(Err(Fault::NotReached { noted: noted.seq, end: walk.end.seq }));
    }
    if let Some(fault) = unlinked(conn).await? {
        return Ok(Err(fault));
    }
    let waiting = audit_queue::table.count().get_result(conn).await?;
    Ok(Ok(Verified {
        first: walk.first,
        last: walk.last,
        end: walk.end,
        last_plain,
        waiting,
        backdated: walk.backdated,
    }))
}

#[derive(QueryableByName)]
#[diesel(table_name = audit_events)]
struct UnlinkedRow {
    #[diesel(sql_type = BigInt)]
    entries: i64,
    at: DateTime<Utc>,
    id: Uuid,
}

async fn unlinked(conn: &mut Conn) -> Result<Option<Fault>, Error> {
    let entries = diesel::sql_query(
        "SELECT count(*) OVER () AS entries, at, id FROM audit_events AS entry
         WHERE NOT EXISTS (SELECT FROM audit_links WHERE event_id = entry.id)
           AND NOT EXISTS (SELECT FROM audit_queue WHERE event_id = entry.id)
         ORDER BY id LIMIT 1",
    );
    let row: Option<UnlinkedRow> = entries.get_result(conn).await.optional()?;
    if let Some(row) = row {
        return Ok(Some(Fault::Unlinked { entries: row.entries, first: row.at, id: row.id }));
    }
    let lost: i64 = audit_queue::table
        .filter(diesel::dsl::not(diesel::dsl::exists(
            audit_events::table.filter(audit_events::id.eq(audit_queue::event_id)),
        )))
        .count()
        .get_result(conn)
        .await?;
    Ok((lost > 0).then_some(Fault::Lost { entries: lost }))
}
