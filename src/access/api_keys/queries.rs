//! The SQL of checking keys.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::try_join;
use uuid::Uuid;

use super::holder::{Endpoints, HolderRights, Scope};
use super::uses::Use;
use super::{HolderKind, KeyHolder};
use crate::access::{PermissionSet, Rights};
use crate::db::{Conn, Prepared};
use crate::web::Error;

/// A key with its holder. Nothing is looked up for a super admin, who passes every check.
const KEY: &str = "SELECT k.id, k.prefix, k.methods, k.expires_at, k.revoked_at IS NOT NULL AS revoked, k.program_id,
    coalesce(k.program_id, k.user_id) AS holder, coalesce(p.name, u.name) AS name, coalesce(p.active, u.active) AS active,
    coalesce(u.super_admin, false) AS super_admin,
    CASE WHEN u.id IS NULL OR u.super_admin THEN '{}' ELSE effective_permissions(u.id) END AS permissions
    FROM api_keys k LEFT JOIN programs p ON p.id = k.program_id LEFT JOIN users u ON u.id = k.user_id WHERE k.hash = $1";

const SCOPES: &str = "SELECT s.connector_id, s.all_endpoints, s.proxy, s.token,
    ARRAY(SELECT endpoint_id FROM api_key_endpoints WHERE scope_id = s.id) AS endpoints
    FROM api_key_scopes s JOIN api_keys k ON k.id = s.api_key_id WHERE k.hash = $1";

/// The connectors that list the person whose key it is.
const LISTED: &str = "SELECT r.connector_id, r.rights
    FROM api_keys k JOIN connector_rights r ON r.user_id = k.user_id OR r.group_id = ANY (groups_of(k.user_id)) WHERE k.hash = $1";

#[derive(QueryableByName)]
struct ListedRow {
    #[diesel(sql_type = SqlUuid)]
    connector_id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    rights: Vec<String>,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    prefix: String,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    methods: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    revoked: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    program_id: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    holder: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Bool)]
    super_admin: bool,
    #[diesel(sql_type = Array<Text>)]
    permissions: Vec<String>,
}

#[derive(QueryableByName)]
struct ScopeRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    connector_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    all_endpoints: bool,
    #[diesel(sql_type = Bool)]
    proxy: bool,
    #[diesel(sql_type = Bool)]
    token: bool,
    #[diesel(sql_type = Array<SqlUuid>)]
    endpoints: Vec<Uuid>,
}

/// The key of this hash with all that decides about it, whatever its state.
pub(super) async fn find(conn: &Conn, hash: &[u8]) -> Result<Option<KeyHolder>, Error> {
    let (mut conn_for_key, mut conn_for_scopes, mut conn_for_listed) = (conn, conn, conn);
    let key = Prepared(diesel::sql_query(KEY).bind::<Bytea, _>(hash));
    let scopes = Prepared(diesel::sql_query(SCOPES).bind::<Bytea, _>(hash));
    let listed = Prepared(diesel::sql_query(LISTED).bind::<Bytea, _>(hash));
    let (keys, scopes, listed): (Vec<KeyRow>, Vec<ScopeRow>, Vec<ListedRow>) =
        try_join!(key.load(&mut conn_for_key), scopes.load(&mut conn_for_scopes), listed.load(&mut conn_for_listed))?;
    let key = keys.into_iter().next();
    Ok(key.map(|key| holder(key, scopes, listed)))
}

fn holder(row: KeyRow, scopes: Vec<ScopeRow>, listed: Vec<ListedRow>) -> KeyHolder {
    let (kind, rights) = match row.program_id {
        Some(_) => (HolderKind::Program, HolderRights::of_program(row.active)),
        None => {
            let granted = PermissionSet::from_codes(row.permissions.iter().map(String::as_str));
            let listed = add_up(listed);
            let rights = HolderRights::of_user(row.active, row.super_admin, granted, listed);
            (HolderKind::User, rights)
        }
    };
    KeyHolder {
        key_id: row.id,
        prefix: row.prefix,
        kind,
        id: row.holder,
        name: row.name.into(),
        rights,
        revoked: row.revoked,
        expires_at: row.expires_at,
        methods: row.methods,
        scopes: scopes.into_iter().map(scope).collect(),
    }
}

/// A connector may list a person more than once, by groups.
fn add_up(rows: Vec<ListedRow>) -> HashMap<Uuid, Rights> {
    let mut listed: HashMap<Uuid, Rights> = HashMap::new();
    for row in rows {
        let rights = listed.entry(row.connector_id).or_default();
        *rights = rights.or(row.rights.into());
    }
    listed
}

fn scope(row: ScopeRow) -> Scope {
    Scope {
        connector: row.connector_id,
        endpoints: if row.all_endpoints {
            Endpoints::All
        } else {
            Endpoints::Only(row.endpoints.into_iter().collect())
        },
        proxy: row.proxy,
        token: row.token,
    }
}

/// Writes when and from where keys were used last; an instance that saw a later use keeps its word.
pub(super) async fn write_uses(conn: &Conn, uses: &HashMap<Uuid, Use>) -> Result<(), Error> {
    let sql = "UPDATE api_keys SET last_used_at = used.at, last_used_address = used.address
        FROM unnest($1, $2, $3) AS used (id, at, address)
        WHERE api_keys.id = used.id AND (api_keys.last_used_at IS NULL OR api_keys.last_used_at < used.at)";
    let keys: Vec<Uuid> = uses.keys().copied().collect();
    let times: Vec<DateTime<Utc>> = uses.values().map(|used| used.at).collect();
    let addresses: Vec<&str> = uses.values().map(|used| used.address.as_str()).collect();
    diesel::sql_query(sql)
        .bind::<Array<SqlUuid>, _>(keys)
        .bind::<Array<Timestamptz>, _>(times)
        .bind::<Array<Text>, _>(addresses)
        .execute(&mut &*conn)
        .await?;
    Ok(())
}
