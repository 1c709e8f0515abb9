//! The programs' SQL.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;

use super::keys::{KeysOf, exceeds};
use super::model::{Called, CheckedProgram, Program, ProgramId, ProgramRow};
use crate::access::Visibility;
use crate::audit::{Change, Changes, first_version, next_version, transaction};
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::{api_keys, programs};
use crate::db::version::SeenVersion;
use crate::name::{like_pattern, searched};
use crate::web::{Error, ListQuery, Pages, SaveError};

/// How far back the page to delete a program looks, in days, and how many data connectors it names.
const LATELY: TimeDelta = TimeDelta::days(30);
const MOST_CALLED: i64 = 50;

/// Programs with what their keys tell of them. There are as many as a network has, so all keys are counted each time.
const ROWS: &str = "SELECT * FROM (SELECT p.id, p.name, p.searched, p.updated_at,
        CASE WHEN p.active THEN 'active' ELSE 'inactive' END AS status,
        count(k.id) FILTER (WHERE k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > $3)) AS keys,
        coalesce(max(k.last_used_at), 'epoch') AS last_used
        FROM programs p LEFT JOIN api_keys k ON k.program_id = p.id GROUP BY p.id) AS programs
    WHERE searched LIKE $1 AND ($2 = '' OR status = $2)";

/// One page of the list.
pub(super) async fn list(
    conn: &Conn,
    query: &ListQuery<ProgramRow>,
    now: DateTime<Utc>,
) -> Result<(Vec<ProgramRow>, Pages), Error> {
    let binds = [Bind::Text(like_pattern(&query.search)), query.filter("status").into(), Bind::Time(now)];
    query.fetch(conn, Select { rows: ROWS, binds: &binds, ..Select::default() }).await
}

pub(super) async fn find(conn: &mut Conn, id: ProgramId) -> Result<Program, Error> {
    Ok(programs::table.find(id).select(Program::as_select()).first(conn).await?)
}

/// The result of saving a program.
pub(super) enum Saved {
    Done,
    /// Nothing was saved: its keys could call again what the person may not call.
    Exceeds,
}

/// Locks a program, so that no key is made for it meanwhile, and compares its version.
async fn lock(conn: &mut Conn, program: &Program, seen: SeenVersion) -> Result<(), SaveError> {
    let row = programs::table.find(program.id);
    let row = row.select(programs::version).for_update();
    Ok(seen.lock(conn, row).await?)
}

/// The columns of a program that its form has.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = programs)]
struct ProgramColumns<'a> {
    name: &'a str,
    name_key: String,
    description: &'a str,
    searched: String,
    active: bool,
}

/// Stores a new program under the id that its form was given, so that a second press finds the first, or saves one that
/// has not been saved since it was read.
pub(super) async fn save(
    change: &mut Change<'_>,
    id: ProgramId,
    stored: Option<(&Program, SeenVersion)>,
    new: &CheckedProgram,
) -> Result<Saved, SaveError> {
    let name = new.name.as_str();
    let columns = ProgramColumns {
        name,
        name_key: new.name.key(),
        description: &new.description,
        searched: searched(&[name, &new.description]),
        active: new.is_active(),
    };
    transaction(change, async |change| {
        let kind = if let Some((old, seen)) = stored {
            lock(change.conn, old, seen).await?;
            let works_again = new.is_active() && !old.active;
            if works_again && exceeds(change.conn, change.by, KeysOf::Program(id)).await? {
                return Ok(Saved::Exceeds);
            }
            let row = diesel::update(programs::table.find(id));
            row.set((columns, next_version!(programs, change))).execute(change.conn).await?;
            "program.saved"
        } else {
            let row = (programs::id.eq(id), columns, first_version!(programs, change));
            diesel::insert_into(programs::table).values(row).execute(change.conn).await?;
            "program.created"
        };
        let before = |of: fn(&Program) -> &str| stored.map_or("", |(old, _)| of(old));
        let changes = Changes::none()
            .field("Name", before(|old| &old.name), name)
            .field("Description", before(|old| &old.description), &new.description)
            .field("Status", before(|old| old.status().label()), new.status.label());
        change.record(kind, id, name, changes).await?;
        Ok(Saved::Done)
    })
    .await
}

/// Deletes a program that has not been saved since it was read, with its keys.
pub(super) async fn delete(change: &mut Change<'_>, (program, seen): (&Program, SeenVersion)) -> Result<(), SaveError> {
    transaction(change, async |change| {
        lock(change.conn, program, seen).await?;
        let keys: Vec<String> = api_keys::table
            .filter(api_keys::program_id.eq(program.id))
            .filter(api_keys::revoked_at.is_null())
            .order(api_keys::created_at)
            .select(api_keys::prefix)
            .load(change.conn)
            .await?;
        diesel::delete(programs::table.find(program.id)).execute(change.conn).await?;
        let changes = Changes::none().field("Name", &program.name, "").field("API keys", keys.join(", "), "");
        Ok(change.record("program.deleted", program.id, &program.name, changes).await?)
    })
    .await
}

/// What a program has called in the last 30 days, most called first; without the names of what the reader may not see.
pub(super) async fn called_lately(
    conn: &mut Conn,
    visibility: Visibility,
    id: ProgramId,
    now: DateTime<Utc>,
) -> Result<Vec<Called>, Error> {
    let seen = visibility.condition("c").unwrap_or("true".into());
    let sql = format!(
        "SELECT max(CASE WHEN {seen} THEN c.label WHEN c.id IS NOT NULL THEN 'A data connector that you may not see' END) AS label,
            sum(h.calls)::bigint AS calls, max(h.last_at) AS last_at
         FROM call_hours h LEFT JOIN connectors c ON c.id = h.connector_id
         WHERE h.caller_id = $1 AND h.hour > $2 AND h.connector_id <> '{}'
         GROUP BY h.connector_id ORDER BY calls DESC, label LIMIT {MOST_CALLED}",
        uuid::Uuid::nil(), // the totals of the caller
    );
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(id).bind::<Timestamptz, _>(now - LATELY).load(conn).await?)
}
