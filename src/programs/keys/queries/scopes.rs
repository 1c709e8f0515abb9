//! The SQL of what a key leads to.

use chrono::{DateTime, Utc};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::holder::Holder;
use super::super::model::{CheckedScope, EVERY, EndpointChoice, Scope, Target};
use super::{hold, record, subject_name, touch};
use crate::access::{Actor, Right, Rights, admission_sql};
use crate::audit::Changes;
use crate::db::Conn;
use crate::db::schema::{api_key_endpoints, api_key_scopes, endpoints};
use crate::db::version::SeenVersion;
use crate::name::word_pattern;
use crate::web::{Error, SaveError};

/// Data connectors that a key's page lists, and that a search offers.
const MOST_SCOPES: usize = 500;
pub(in super::super) const MOST_FOUND: usize = 20;

/// Words of a search beyond this many are ignored, and matches beyond these are not put in order.
const MOST_WORDS: usize = 8;
const MOST_SORTED: usize = 1000;

/// A way into a data connector, with what that admits somebody to.
fn scope_sql(by: &Actor) -> String {
    format!(
        "{SCOPE}, coalesce(c.open_rights, '{{view,call,edit,authorize}}') AS open_rights,
        CASE WHEN c.id IS NULL THEN '{{view,call,edit,authorize}}' ELSE {} END AS admits {SCOPES_OF_KEY}",
        admission_sql(by, "c", &literal(by))
    )
}

/// Somebody's id in a statement: this program's own, so that nothing of a visitor gets into the text.
fn literal(by: &Actor) -> String {
    format!("'{}'", by.id.unwrap_or_default())
}

const SCOPE: &str = "SELECT s.id, s.all_endpoints, s.proxy, s.token, s.connector_id, s.version, s.updated_at, s.updated_by, c.deleted_at IS NOT NULL AS trashed,
    coalesce(c.key, '_all') AS key, coalesce(c.label, 'All data connectors') AS label,
    ARRAY(SELECT e.name FROM api_key_endpoints ke JOIN endpoints e ON e.id = ke.endpoint_id WHERE ke.scope_id = s.id ORDER BY e.name, e.id) AS endpoint_names,
    ARRAY(SELECT ke.endpoint_id FROM api_key_endpoints ke WHERE ke.scope_id = s.id) AS endpoint_ids";

const SCOPES_OF_KEY: &str =
    "FROM api_key_scopes s LEFT JOIN connectors c ON c.id = s.connector_id WHERE s.api_key_id = $1";

/// Everything that a key leads to, all data connectors first.
pub(in super::super) async fn scopes_of(conn: &Conn, by: &Actor, key: Uuid) -> Result<Vec<Scope>, Error> {
    let sql = format!(
        "SELECT * FROM ({}) AS scopes ORDER BY connector_id IS NOT NULL, 'view' = ANY (admits) DESC, label, id LIMIT {MOST_SCOPES}",
        scope_sql(by)
    );
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(key).load(&mut &*conn).await?)
}

/// How a key leads to a target, if it does.
pub(in super::super) async fn scope_of(
    conn: &Conn,
    by: &Actor,
    key: Uuid,
    target: &Target,
) -> Result<Option<Scope>, Error> {
    let sql = format!("{} AND s.connector_id IS NOT DISTINCT FROM $2", scope_sql(by));
    Ok(diesel::sql_query(sql)
        .bind::<SqlUuid, _>(key)
        .bind::<Nullable<SqlUuid>, _>(target.id)
        .get_result(&mut &*conn)
        .await
        .optional()?)
}

/// The target of an address: a data connector, or all of them. One that somebody may not see is not there.
pub(in super::super) async fn target(conn: &Conn, by: &Actor, key: &str) -> Result<Target, Error> {
    if key == EVERY {
        return Ok(Target::every());
    }
    let sql = format!(
        "SELECT c.id AS connector_id, c.key, c.label, c.deleted_at IS NOT NULL AS trashed, c.open_rights, {} AS admits
        FROM connectors c WHERE c.key = $1",
        admission_sql(by, "c", &literal(by))
    );
    let target: Option<Target> =
        diesel::sql_query(sql).bind::<Text, _>(key).get_result(&mut &*conn).await.optional()?;
    target.filter(|target| !target.is_hidden()).ok_or(Error::NotFound)
}

/// Whose ways are looked at.
#[derive(Clone, Copy)]
pub(in crate::programs) enum WaysOf {
    Key(Uuid),
    Program(Uuid),
}

/// Whether keys of a program that can still be used lead by name to a data connector that somebody may not call. Who
/// may not call it gives nobody more of it.
pub(in crate::programs) async fn lead_beyond(conn: &Conn, by: &Actor, ways: WaysOf) -> Result<bool, Error> {
    let (column, id) = match ways {
        WaysOf::Key(id) => ("id", id),
        WaysOf::Program(id) => ("program_id", id),
    };
    let sql = format!(
        "SELECT c.open_rights, {} AS admits
        FROM api_keys k JOIN api_key_scopes s ON s.api_key_id = k.id JOIN connectors c ON c.id = s.connector_id
        WHERE k.{column} = $1 AND k.program_id IS NOT NULL AND k.revoked_at IS NULL AND NOT 'call' = ANY (c.open_rights)",
        admission_sql(by, "c", &literal(by))
    );
    let kept: Vec<Kept> = diesel::sql_query(sql).bind::<SqlUuid, _>(id).load(&mut &*conn).await?;
    Ok(kept.iter().any(|connector| !connector.may_be_called(by)))
}

/// A data connector whose Call is kept to certain people.
#[derive(QueryableByName)]
struct Kept {
    #[diesel(sql_type = Array<Text>)]
    open_rights: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    admits: Vec<String>,
}

impl Kept {
    fn may_be_called(&self, by: &Actor) -> bool {
        let (open, listed) = (self.open_rights.clone().into(), self.admits.clone().into());
        Rights::of(by.super_admin, by.permissions, open, listed).contains(Right::Call)
    }
}

/// The endpoints of a data connector in the order of their names.
pub(in super::super) async fn endpoints_of(conn: &Conn, target: &Target) -> Result<Vec<EndpointChoice>, Error> {
    Ok(endpoints::table
        .filter(endpoints::connector_id.nullable().eq(target.id))
        .order((endpoints::name, endpoints::id))
        .select((endpoints::id, endpoints::name, endpoints::method))
        .load(&mut &*conn)
        .await?)
}

/// Data connectors that fit a search, that admit somebody to calls and that the key does not lead to by name yet, one
/// more than is shown. Matches are gathered before they are sorted: PostgreSQL would else walk along the names for as
/// long as it takes.
pub(in super::super) async fn search(conn: &Conn, by: &Actor, key: Uuid, search: &str) -> Result<Vec<Target>, Error> {
    let patterns = search.split_whitespace().take(MOST_WORDS).map(word_pattern);
    let patterns: Vec<String> = patterns.collect();
    let words: String = (2..patterns.len() + 2).map(|bind| format!(" AND search_text LIKE ${bind}")).collect();
    // Without a word, the first names are wanted, and their index leads straight to them.
    let most = if patterns.is_empty() { String::new() } else { format!(" LIMIT {MOST_SORTED}") };
    let (admits, calls) = (admission_sql(by, "c", &literal(by)), open_to_call(by));
    let materialized = if patterns.is_empty() { "NOT " } else { "" };
    let sql = format!(
        "WITH found AS {materialized}MATERIALIZED (
            SELECT id, key, label, open_rights FROM connectors c WHERE deleted_at IS NULL{words}{calls}
            AND NOT EXISTS (SELECT 1 FROM api_key_scopes s WHERE s.api_key_id = $1 AND s.connector_id = c.id){most}
         ) SELECT id AS connector_id, key, label, false AS trashed, open_rights, {admits} AS admits FROM found c ORDER BY label, id LIMIT {}",
        MOST_FOUND + 1
    );
    let mut query = diesel::sql_query(sql).into_boxed::<Pg>().bind::<SqlUuid, _>(key);
    for pattern in &patterns {
        query = query.bind::<Text, _>(pattern);
    }
    Ok(query.load(&mut &*conn).await?)
}

/// That a row `c` of `connectors` admits somebody to calls, behind an AND; nothing for a super admin.
fn open_to_call(by: &Actor) -> String {
    if by.super_admin {
        return String::new();
    }
    format!(
        " AND ('call' = ANY (c.open_rights) OR c.id IN (
            SELECT connector_id FROM connector_rights WHERE 'call' = ANY (rights) AND (user_id = {who} OR group_id = ANY (groups_of({who})))))",
        who = literal(by)
    )
}

/// Leads a key to a target in this way, whether it did before or not, unless that was changed since it was read. Gives
/// whether it did.
pub(in super::super) async fn save_scope(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    holder: &Holder,
    (key, target, seen): (Uuid, &Target, SeenVersion),
    new: &CheckedScope,
) -> Result<bool, SaveError> {
    conn.transaction(async |conn| {
        let held = hold(conn, holder, key).await?;
        let old = scope_of(conn, by, key, target).await?;
        seen.check(Scope::version_of(old.as_ref()))?;
        let id = old.as_ref().map_or_else(Uuid::now_v7, |scope| scope.id);
        let version = touch(conn, by, now, key).await?;
        let row =
            (api_key_scopes::id.eq(id), api_key_scopes::api_key_id.eq(key), api_key_scopes::connector_id.eq(target.id));
        let changed = (
            api_key_scopes::version.eq(version),
            api_key_scopes::updated_at.eq(now),
            api_key_scopes::updated_by.eq(by.attribution()),
            api_key_scopes::all_endpoints.eq(new.endpoints.is_none()),
            api_key_scopes::proxy.eq(new.proxy),
            api_key_scopes::token.eq(new.token),
        );
        diesel::insert_into(api_key_scopes::table)
            .values((row, changed.clone()))
            .on_conflict(api_key_scopes::id)
            .do_update()
            .set(changed)
            .execute(conn)
            .await?;
        list_endpoints(conn, id, new).await?;
        let saved = scope_of(conn, by, key, target).await?.ok_or(Error::NotFound)?;
        let subject = (key, subject_name(&held.name, &held.prefix));
        let kind = match old {
            Some(_) => "api_key.data_connector_saved",
            None => "api_key.data_connector_added",
        };
        let changes = differences(target, old.as_ref(), Some(&saved));
        record(conn, by, now, kind, subject, changes).await?;
        Ok(old.is_some())
    })
    .await
}

/// Brings the listed endpoints to the checked ones.
async fn list_endpoints(conn: &mut Conn, id: Uuid, new: &CheckedScope) -> Result<(), SaveError> {
    let before = api_key_endpoints::table.filter(api_key_endpoints::scope_id.eq(id));
    diesel::delete(before).execute(conn).await?;
    let listed = new.endpoints.iter().flatten();
    let rows: Vec<_> = listed
        .map(|endpoint| (api_key_endpoints::scope_id.eq(id), api_key_endpoints::endpoint_id.eq(endpoint)))
        .collect();
    diesel::insert_into(api_key_endpoints::table).values(rows).execute(conn).await?;
    Ok(())
}

/// Leads a key to a target no more. False if it did not.
pub(in super::super) async fn remove_scope(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    holder: &Holder,
    (key, target): (Uuid, &Target),
) -> Result<bool, SaveError> {
    conn.transaction(async |conn| {
        let held = hold(conn, holder, key).await?;
        let Some(old) = scope_of(conn, by, key, target).await? else {
            return Ok(false);
        };
        touch(conn, by, now, key).await?;
        diesel::delete(api_key_scopes::table.find(old.id)).execute(conn).await?;
        let subject = (key, subject_name(&held.name, &held.prefix));
        let changes = differences(target, Some(&old), None);
        let kind = "api_key.data_connector_removed";
        record(conn, by, now, kind, subject, changes).await?;
        Ok(true)
    })
    .await
}

/// What changed about the way to a target, field by field.
fn differences(target: &Target, old: Option<&Scope>, new: Option<&Scope>) -> Changes {
    let both = |of: fn(&Scope) -> String| {
        let words = |scope: Option<&Scope>| scope.map(of).unwrap_or_default();
        (words(old), words(new))
    };
    let endpoints = both(|scope| if scope.all_endpoints { "All".into() } else { scope.endpoint_names.join(", ") });
    let proxy = both(|scope| yes(scope.proxy));
    let token = both(|scope| yes(scope.token));
    Changes::none()
        .field("Data connector", "", &target.label)
        .field("Endpoints", endpoints.0, endpoints.1)
        .field("Proxy", proxy.0, proxy.1)
        .field("Access token", token.0, token.1)
}

fn yes(allowed: bool) -> String {
    if allowed { "Allowed" } else { "" }.into()
}
