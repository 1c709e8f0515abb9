//! The connectors' SQL: the list, saving, health and the trash.

mod attention;
mod duplicate;
mod health;
mod list;
mod narrowed;
mod save;
mod trash;
mod update;
mod usage;

use chrono::{DateTime, Utc};
use diesel::dsl::{case_when, sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::Connector;
use crate::access::{Actor, Right, Rights, Sight};
use crate::categories::CategoryId;
use crate::db::Conn;
use crate::db::schema::{
    authorizations, connector_categories, connectors, renewals, secrets, token_requests, tokens,
};
use crate::web::Error;

pub(super) use attention::{COUNT_LIMIT, Changed, Found, find as find_attention};
pub(super) use duplicate::duplicate;
pub use health::{hold_authorization, refresh_due_health, refresh_health, review_health};
pub(super) use list::list;
pub use save::create;
pub use trash::purge_trash;
pub(super) use trash::{KEPT, SHOWN, find_trashed, move_to_trash, restore, trashed};
pub(super) use update::{Seen, update};
pub(super) use usage::{SHOWN as USERS_SHOWN, Usage, usage};

diesel::define_sql_function! {
    /// The rights for which a connector lists a user, directly or through groups.
    fn listed_rights(connector: SqlUuid, who: SqlUuid) -> Array<Text>;
}

/// The live connector of a key, for somebody who wants to do this with it.
pub async fn find(conn: &Conn, by: &Actor, key: &str, right: Right) -> Result<Connector, Error> {
    let connector = find_in_sight(conn, by, key).await?;
    connector.require(by, right)?;
    Ok(connector)
}

/// The live connector of a key, for somebody who sees something of all connectors that are open to them, whatever they may do
/// with it.
pub async fn find_in_sight(conn: &Conn, by: &Actor, key: &str) -> Result<Connector, Error> {
    let who = by.id.unwrap_or(Uuid::nil());
    let (connector, listed): (Connector, Vec<String>) = connectors::table
        .filter(connectors::key.eq(key))
        .filter(connectors::deleted_at.is_null())
        .select((Connector::as_select(), listed_for(who)))
        .first(&mut &*conn)
        .await?;
    connector.seen_by(by, listed.into())
}

/// The rights for which a connector lists a user. Of one that is open to everybody nothing is looked up.
#[diesel::dsl::auto_type]
fn listed_for(who: Uuid) -> _ {
    let everything: Vec<&'static str> = Rights::ALL.codes();
    let nothing: Vec<String> = Vec::new();
    let nothing = nothing.into_sql::<Array<Text>>();
    case_when(connectors::open_rights.contains(everything), nothing)
        .otherwise(listed_rights(connectors::id, who))
}

/// The key of the live connector of this id, for somebody who sees it.
pub(super) async fn key_of(
    conn: &mut Conn,
    sight: Sight,
    id: super::ConnectorId,
) -> Result<String, Error> {
    let seen = sight.condition("connectors").unwrap_or("true".into());
    Ok(connectors::table
        .find(id)
        .filter(connectors::deleted_at.is_null())
        .filter(sql::<Bool>(&seen))
        .select(connectors::key)
        .first(conn)
        .await?)
}

/// The categories of the connector of a key.
pub(super) async fn categories_of(conn: &Conn, key: &str) -> Result<Vec<CategoryId>, Error> {
    Ok(connector_categories::table
        .inner_join(connectors::table)
        .filter(connectors::key.eq(key))
        .select(connector_categories::category_id)
        .load(&mut &*conn)
        .await?)
}

/// Secrets that may stay when the base URL moves. The key of a client certificate proves nothing to another host by being
/// used there. Client secret and password go to the authorization server; but where they get a token without anybody's
/// consent, that token would go to the new host.
fn unbound(connector: &Connector) -> &'static [&'static str] {
    if connector.method().signs_in_by_itself() {
        &["client_key"]
    } else {
        &["client_key", "client_secret", "oauth_password"]
    }
}

/// Whether a secret is stored that calls to the base URL carry, or that fetches a token for them.
pub async fn has_base_url_secrets(conn: &mut Conn, connector: &Connector) -> Result<bool, Error> {
    let secret = secrets::table
        .filter(secrets::connector_id.eq(connector.id))
        .filter(secrets::field.ne_all(unbound(connector)));
    let token = tokens::table.find(connector.id);
    let has_secret: bool = diesel::select(diesel::dsl::exists(secret))
        .get_result(conn)
        .await?;
    let has_token: bool = diesel::select(diesel::dsl::exists(token))
        .get_result(conn)
        .await?;
    Ok(has_secret || has_token)
}

/// Deletes what calls to the base URL would carry, and what would fetch a new token for them. Token answers that wait
/// to be taken over and forms that are open were meant for the host before, so they no longer count. Gives whether
/// anything was stored.
pub async fn forget_base_url_secrets(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    connector: &Connector,
) -> Result<bool, Error> {
    // First: whoever stores a secret takes this row before any other.
    diesel::update(authorizations::table.find(connector.id))
        .set((
            authorizations::keep_fresh.eq(false),
            authorizations::version.eq(authorizations::version + 1),
            authorizations::updated_at.eq(now),
            authorizations::updated_by.eq(&by.name),
        ))
        .execute(conn)
        .await?;
    let secrets = secrets::table
        .filter(secrets::connector_id.eq(connector.id))
        .filter(secrets::field.ne_all(unbound(connector)));
    let secrets = diesel::delete(secrets).execute(conn).await?;
    let tokens = diesel::delete(tokens::table.find(connector.id))
        .execute(conn)
        .await?;
    // A token that is on its way was asked for with what was just deleted, so nobody may store it.
    diesel::update(renewals::table.find(connector.id))
        .set((
            renewals::token_version.eq(renewals::token_version + 1),
            renewals::lease_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await?;
    let answers = token_requests::table.filter(token_requests::connector_id.eq(connector.id));
    diesel::delete(answers).execute(conn).await?;
    Ok(secrets + tokens > 0)
}
