//! The SQL of what a key can call.

use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Nullable, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{lock, move_version};
use crate::access::{Actor, Right, Rights, admission_sql};
use crate::audit::{Change, Changes, transaction};
use crate::db::Conn;
use crate::db::keyset::{Bind, bound};
use crate::db::schema::{api_key_endpoints, api_key_scopes, endpoints};
use crate::db::version::SeenVersion;
use crate::name::word_pattern;
use crate::programs::keys::holder::Holder;
use crate::programs::keys::model::{CheckedScope, EVERY, EndpointChoice, Key, Scope, Target, may_be_allowed};
use crate::web::{Error, SaveError};

/// Data connectors that a key's page lists, and that a search offers.
const MOST_SCOPES: usize = 500;
pub const MOST_FOUND: usize = 50;

/// Words of a search beyond this many are ignored, and matches beyond these are not put in order.
const MOST_WORDS: usize = 8;
const MOST_SORTED: usize = 1000;

/// What a key may do with a data connector, with the reader's rights on that.
fn scope_sql(by: &Actor) -> String {
    format!(
        "{SCOPE}, coalesce(c.open_rights, '{{view,call,edit,authorize}}') AS open_rights,
        CASE WHEN c.id IS NULL THEN '{{view,call,edit,authorize}}' ELSE {} END AS admits {SCOPES_OF_KEY}",
        admission_sql(by, "c", &literal(by))
    )
}

/// The id of a person in a statement: the program's own, so that no visitor's text gets into the statement.
fn literal(by: &Actor) -> String {
    format!("'{}'", by.id.unwrap_or_default())
}

const SCOPE: &str = "SELECT s.id, s.all_endpoints, s.proxy, s.token, s.connector_id, s.version, s.updated_at, s.updated_by, c.deleted_at IS NOT NULL AS trashed,
    coalesce(c.key, '_all') AS key, coalesce(c.label, 'All data connectors') AS label,
    ARRAY(SELECT e.name FROM api_key_endpoints ke JOIN endpoints e ON e.id = ke.endpoint_id WHERE ke.scope_id = s.id ORDER BY e.name, e.id) AS endpoint_names,
    ARRAY(SELECT ke.endpoint_id FROM api_key_endpoints ke WHERE ke.scope_id = s.id) AS endpoint_ids,
    (SELECT min(e.name) FROM endpoints e WHERE e.connector_id = s.connector_id AND (s.all_endpoints OR EXISTS (SELECT 1 FROM api_key_endpoints ke WHERE ke.scope_id = s.id AND ke.endpoint_id = e.id))) AS first_endpoint";

const SCOPES_OF_KEY: &str =
    "FROM api_key_scopes s LEFT JOIN connectors c ON c.id = s.connector_id WHERE s.api_key_id = $1";

/// Everything that a key can call, all data connectors first.
pub async fn scopes_of(conn: &Conn, by: &Actor, key: Uuid) -> Result<Vec<Scope>, Error> {
    let sql = format!(
        "SELECT * FROM ({}) AS scopes ORDER BY connector_id IS NOT NULL, 'view' = ANY (admits) DESC, label, id LIMIT {MOST_SCOPES}",
        scope_sql(by)
    );
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(key).load(&mut &*conn).await?)
}

/// What a key may do with a target, if anything.
pub async fn scope_of(conn: &Conn, by: &Actor, key: Uuid, target: &Target) -> Result<Option<Scope>, Error> {
    let sql = format!("{} AND s.connector_id IS NOT DISTINCT FROM $2", scope_sql(by));
    Ok(diesel::sql_query(sql)
        .bind::<SqlUuid, _>(key)
        .bind::<Nullable<SqlUuid>, _>(target.id)
        .get_result(&mut &*conn)
        .await
        .optional()?)
}

/// The target of an address: a data connector, or all of them. One that the person may not view is not found.
pub async fn target(conn: &Conn, by: &Actor, key: &str) -> Result<Target, Error> {
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

/// Those of these data connectors that the person may let keys call; one in the trash is not among them.
pub async fn targets(conn: &Conn, by: &Actor, keys: &[String]) -> Result<Vec<Target>, Error> {
    let sql = format!(
        "SELECT c.id AS connector_id, c.key, c.label, false AS trashed, c.open_rights, {} AS admits
        FROM connectors c WHERE c.key = ANY ($1) AND c.deleted_at IS NULL ORDER BY c.label, c.id",
        admission_sql(by, "c", &literal(by))
    );
    let mut targets: Vec<Target> = diesel::sql_query(sql).bind::<Array<Text>, _>(keys).load(&mut &*conn).await?;
    targets.retain(|target| !target.is_hidden() && target.may_be_allowed(by, Right::Call));
    Ok(targets)
}

/// Whose keys are looked at.
#[derive(Clone, Copy)]
pub enum KeysOf {
    Key(Uuid),
    /// The person is to see the text of a key that can do the same, and could use it: what it may read counts as well.
    ShownKey(Uuid),
    Program(Uuid),
}

/// Whether keys of a program that are not revoked can call, by name, a data connector that the person may not call. Such
/// a person cannot extend the key.
pub async fn exceeds(conn: &Conn, by: &Actor, keys: KeysOf) -> Result<bool, Error> {
    let (column, id, token) = match keys {
        KeysOf::Key(id) => ("id", id, "false"),
        KeysOf::ShownKey(id) => ("id", id, "token"),
        KeysOf::Program(id) => ("program_id", id, "false"),
    };
    let sql = format!(
        "SELECT c.open_rights, {token} AS token, {} AS admits
        FROM api_keys k JOIN api_key_scopes s ON s.api_key_id = k.id JOIN connectors c ON c.id = s.connector_id
        WHERE k.{column} = $1 AND k.program_id IS NOT NULL AND k.revoked_at IS NULL
        AND (NOT 'call' = ANY (c.open_rights) OR {token} AND NOT 'authorize' = ANY (c.open_rights))",
        admission_sql(by, "c", &literal(by))
    );
    let restricted: Vec<Restricted> = diesel::sql_query(sql).bind::<SqlUuid, _>(id).load(&mut &*conn).await?;
    Ok(!restricted.into_iter().all(|connector| connector.may_be_allowed(by)))
}

/// What a key may do with a data connector that is open to certain people only.
#[derive(QueryableByName)]
struct Restricted {
    /// It may read the token.
    #[diesel(sql_type = Bool)]
    token: bool,
    #[diesel(sql_type = Array<Text>, column_name = open_rights, deserialize_as = Vec<String>)]
    open: Rights,
    #[diesel(sql_type = Array<Text>, deserialize_as = Vec<String>)]
    admits: Rights,
}

impl Restricted {
    fn may_be_allowed(&self, by: &Actor) -> bool {
        let may = |right| may_be_allowed(by, right, (self.open, self.admits));
        may(Right::Call) && (!self.token || may(Right::Authorize))
    }
}

/// The endpoints of a data connector in the order of their names.
pub async fn endpoints_of(conn: &Conn, target: &Target) -> Result<Vec<EndpointChoice>, Error> {
    Ok(endpoints::table
        .filter(endpoints::connector_id.nullable().eq(target.id))
        .order((endpoints::name, endpoints::id))
        .select((endpoints::id, endpoints::name, endpoints::method))
        .load(&mut &*conn)
        .await?)
}

/// Data connectors that match a search, that the person may call and that the key cannot call by name yet, one more
/// than is shown. Matches are gathered before they are sorted: PostgreSQL would else walk along the names for as long as
/// it takes.
pub async fn search(conn: &Conn, by: &Actor, key: Uuid, search: &str) -> Result<Vec<Target>, Error> {
    let patterns = search.split_whitespace().take(MOST_WORDS).map(|word| Bind::Text(word_pattern(word)));
    let binds: Vec<Bind> = std::iter::once(Bind::Id(Some(key))).chain(patterns).collect();
    let words: String = (2..=binds.len()).map(|bind| format!(" AND search_text LIKE ${bind}")).collect();
    // Without a word, the first names are wanted, and their index leads straight to them.
    let most = if words.is_empty() { String::new() } else { format!(" LIMIT {MOST_SORTED}") };
    let (admits, calls) = (admission_sql(by, "c", &literal(by)), open_to_call(by));
    let materialized = if words.is_empty() { "NOT " } else { "" };
    let sql = format!(
        "WITH found AS {materialized}MATERIALIZED (
            SELECT id, key, label, open_rights FROM connectors c WHERE deleted_at IS NULL{words}{calls}
            AND NOT EXISTS (SELECT 1 FROM api_key_scopes s WHERE s.api_key_id = $1 AND s.connector_id = c.id){most}
         ) SELECT id AS connector_id, key, label, false AS trashed, open_rights, {admits} AS admits FROM found c ORDER BY label, id LIMIT {}",
        MOST_FOUND + 1
    );
    Ok(bound(sql, &binds).load(&mut &*conn).await?)
}

/// That the person may call a row `c` of `connectors`, behind an AND; nothing for a super admin.
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

/// Allows a key this much of a target, unless that was changed since it was read. Gives whether it was allowed anything
/// of it before.
pub async fn save_scope(
    change: &mut Change<'_>,
    holder: &Holder,
    (key, target, seen): (Uuid, &Target, SeenVersion),
    new: &CheckedScope,
) -> Result<bool, SaveError> {
    transaction(change, async |change| {
        let locked = lock(change.conn, holder, key).await?;
        let old = scope_of(change.conn, change.by, key, target).await?;
        seen.check(Scope::version_of(old.as_ref()))?;
        write_scope(change, &locked, (target, old.as_ref()), new).await?;
        Ok(old.is_some())
    })
    .await
}

/// Allows a key this much of each target. Where it is allowed something already, that stays. Gives how many were added.
pub async fn add_scopes(
    change: &mut Change<'_>,
    holder: &Holder,
    (key, targets): (Uuid, &[Target]),
    new: &CheckedScope,
) -> Result<usize, SaveError> {
    transaction(change, async |change| {
        let locked = lock(change.conn, holder, key).await?;
        let mut added = 0;
        for target in targets {
            if scope_of(change.conn, change.by, key, target).await?.is_none() {
                write_scope(change, &locked, (target, None), new).await?;
                added += 1;
            }
        }
        Ok(added)
    })
    .await
}

/// Stores what a locked key may do with a target, in place of `old`, and records it.
async fn write_scope(
    change: &mut Change<'_>,
    locked: &Key,
    (target, old): (&Target, Option<&Scope>),
    new: &CheckedScope,
) -> Result<(), SaveError> {
    let key = locked.id;
    let id = old.map_or_else(Uuid::now_v7, |scope| scope.id);
    let version = move_version(change, key).await?;
    let row =
        (api_key_scopes::id.eq(id), api_key_scopes::api_key_id.eq(key), api_key_scopes::connector_id.eq(target.id));
    let allowed = (
        api_key_scopes::version.eq(version),
        api_key_scopes::updated_at.eq(change.now),
        api_key_scopes::updated_by.eq(change.by.attribution()),
        api_key_scopes::all_endpoints.eq(new.endpoints.is_none()),
        api_key_scopes::proxy.eq(new.proxy),
        api_key_scopes::token.eq(new.token),
    );
    diesel::insert_into(api_key_scopes::table)
        .values((row, allowed.clone()))
        .on_conflict(api_key_scopes::id)
        .do_update()
        .set(allowed)
        .execute(change.conn)
        .await?;
    list_endpoints(change.conn, id, new).await?;
    let saved = scope_of(change.conn, change.by, key, target).await?.ok_or(Error::NotFound)?;
    let kind = match old {
        Some(_) => "api_key.data_connector_saved",
        None => "api_key.data_connector_added",
    };
    change.record(kind, key, &locked.full_name(), differences(target, old, Some(&saved))).await?;
    Ok(())
}

/// Allows the key `new` what the key `old` is allowed.
pub async fn copy_scopes(change: &mut Change<'_>, old: Uuid, new: Uuid) -> QueryResult<()> {
    let scopes = "INSERT INTO api_key_scopes (id, api_key_id, connector_id, all_endpoints, proxy, token)
        SELECT gen_random_uuid(), $2, connector_id, all_endpoints, proxy, token FROM api_key_scopes WHERE api_key_id = $1";
    let endpoints = "INSERT INTO api_key_endpoints (scope_id, endpoint_id)
        SELECT new.id, listed.endpoint_id FROM api_key_endpoints listed
        JOIN api_key_scopes old ON old.id = listed.scope_id AND old.api_key_id = $1
        JOIN api_key_scopes new ON new.api_key_id = $2 AND new.connector_id = old.connector_id";
    for sql in [scopes, endpoints] {
        diesel::sql_query(sql).bind::<SqlUuid, _>(old).bind::<SqlUuid, _>(new).execute(change.conn).await?;
    }
    Ok(())
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

/// Takes a target from a key, if the key was allowed anything of it.
pub async fn remove_scope(
    change: &mut Change<'_>,
    holder: &Holder,
    (key, target): (Uuid, &Target),
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let locked = lock(change.conn, holder, key).await?;
        let Some(old) = scope_of(change.conn, change.by, key, target).await? else {
            return Ok(());
        };
        move_version(change, key).await?;
        diesel::delete(api_key_scopes::table.find(old.id)).execute(change.conn).await?;
        let changes = differences(target, Some(&old), None);
        Ok(change.record("api_key.data_connector_removed", key, &locked.full_name(), changes).await?)
    })
    .await
}

/// What changed about a scope, field by field.
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
