//! The connectors' SQL: the list, saving, health and the trash.

mod access;
mod attention;
mod duplicate;
mod evidence;
mod health;
mod last_calls;
mod list;
mod owner;
mod save;
mod trash;
mod usage;

use diesel::dsl::{case_when, sql};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{Connector, ConnectorId};
use super::{Method, SecretField};
use crate::access::{Actor, Right, Rights, Visibility};
use crate::audit::{Change, next_version};
use crate::categories::CategoryId;
use crate::db::schema::{authorizations, connector_categories, connectors, secrets, tokens};
use crate::db::version::SeenVersion;
use crate::db::{Conn, in_row};
use crate::outbound::HttpUrl;
use crate::web::{Error, PublicAddress, SaveError};

pub use access::{Listed, list_members, save_access, unlist_all};
pub(super) use attention::{COUNT_LIMIT, Changed, Found, find as find_attention};
pub use duplicate::copy;
pub use evidence::{CredentialChange, add_observations, all_evidence, evidence, outdate_evidence};
pub use health::{count_by_health, hold_authorization, refresh_due_health, refresh_health, review_health};
pub(super) use last_calls::recent_calls;
pub(super) use list::list;
pub(super) use owner::{named_owner, owner_choice, suggested_owners};
pub(super) use save::{SavedDetails, Seen, is_called, update};
pub use save::{create, keep_called, save_purpose};
pub(super) use trash::{KEPT, RECORDS_COUNTED, SHOWN, count_records, find_trashed, move_to_trash, restore, trashed};
pub use trash::{purge_trash, purged_before};
pub(super) use usage::{Usage, usage};

diesel::define_sql_function! {
    /// The rights for which a connector lists a user, directly or through groups.
    fn listed_rights(connector: SqlUuid, who: SqlUuid) -> Array<Text>;
}

/// The live connector of a key, for a person who needs this right to it.
pub async fn find(conn: &Conn, by: &Actor, key: &str, right: Right) -> Result<Connector, Error> {
    let connector = find_visible(conn, by, key).await?;
    connector.require(by, right)?;
    Ok(connector)
}

/// The live connector of a key, for a person who may see it, whatever else they may do with it.
pub async fn find_visible(conn: &Conn, by: &Actor, key: &str) -> Result<Connector, Error> {
    let who = by.id.unwrap_or(Uuid::nil());
    let found = connectors::table
        .filter(connectors::key.eq(key))
        .filter(connectors::deleted_at.is_null())
        .select((Connector::as_select(), listed_for(who)))
        .first(&mut &*conn)
        .await;
    let (connector, listed): (Connector, Vec<String>) = in_row(&["connectors"], key, found)?;
    connector.seen_by(by, listed.into())
}

/// Locks a connector that is not in the trash, and compares its version. After the counts and the authorization, which
/// everybody locks before it.
async fn lock(conn: &mut Conn, connector: &Connector, seen: SeenVersion) -> Result<(), SaveError> {
    let row = connectors::table.find(connector.id);
    let live = row.filter(connectors::deleted_at.is_null());
    let version = live.select(connectors::version).for_no_key_update();
    Ok(seen.lock(conn, version).await?)
}

/// The rights for which a connector lists a user. Of one that is open to everybody nothing is looked up.
#[diesel::dsl::auto_type]
fn listed_for(who: Uuid) -> _ {
    let everything: Vec<&'static str> = Rights::ALL.codes();
    let nothing: Vec<String> = Vec::new();
    let nothing = nothing.into_sql::<Array<Text>>();
    case_when(connectors::open_rights.contains(everything), nothing).otherwise(listed_rights(connectors::id, who))
}

/// The key of the live connector of this id, for a person who sees it.
pub async fn key_of(conn: &mut Conn, visibility: Visibility, id: ConnectorId) -> Result<String, Error> {
    let seen = visibility.condition("connectors").unwrap_or("true".into());
    Ok(connectors::table
        .find(id)
        .filter(connectors::deleted_at.is_null())
        .filter(sql::<Bool>(&seen))
        .select(connectors::key)
        .first(conn)
        .await?)
}

/// The name of a connector, for the audit log.
pub async fn name(conn: &mut Conn, id: ConnectorId) -> Result<String, Error> {
    Ok(connectors::table.find(id).select(connectors::name).first(conn).await?)
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

/// Whether a stored secret or token of the connector is not approved for this origin. The key of a client certificate
/// is never sent, and counts only where nothing else signs in.
pub async fn waits_for_approval(conn: &mut Conn, id: ConnectorId, origin: &str) -> Result<bool, Error> {
    let method: Method = connectors::table.find(id).select(connectors::method).first(conn).await?;
    let key_counts = method == Method::NoAuth;
    let is_never_sent =
        |field: &SecretField| field.is_of_connection() && !(key_counts && *field == SecretField::ClientKey);
    let never_sent: Vec<_> = SecretField::ALL.into_iter().filter(is_never_sent).map(SecretField::code).collect();
    let secret = secrets::table
        .filter(secrets::connector_id.eq(id))
        .filter(secrets::field.ne_all(never_sent))
        .filter(diesel::dsl::not(secrets::origins.assume_not_null().contains(vec![origin])));
    let token =
        tokens::table.find(id).filter(diesel::dsl::not(tokens::origins.assume_not_null().contains(vec![origin])));
    let secret: bool = diesel::select(diesel::dsl::exists(secret)).get_result(conn).await?;
    let token: bool = diesel::select(diesel::dsl::exists(token)).get_result(conn).await?;
    Ok(secret || token)
}

/// Makes open forms of the Authorization tab stale: they have not listed an origin that is there now, for which
/// entering a secret would approve it. Locks the row that storing a secret locks before any other.
pub async fn outdate_authorization(change: &mut Change<'_>, id: ConnectorId) -> Result<(), Error> {
    diesel::update(authorizations::table.find(id))
        .set(next_version!(authorizations, change))
        .execute(change.conn)
        .await?;
    Ok(())
}

/// Makes a new connector one of a collection, whose calls go to this URL of this program.
pub async fn make_collection(change: &mut Change<'_>, id: ConnectorId, url: &HttpUrl) -> Result<(), Error> {
    diesel::update(connectors::table.find(id))
        .set((connectors::is_collection.eq(true), connectors::base_url.eq(url)))
        .execute(change.conn)
        .await?;
    Ok(())
}

/// Lets the base URLs of collections' connectors begin with the address at which this program is reached now.
pub async fn move_collections(conn: &mut Conn, address: &PublicAddress) -> Result<usize, Error> {
    // By the few collections: a start does not read all connectors.
    let sql = "UPDATE connectors SET base_url = $1 || substring(base_url FROM '/api/v1/collections/.*')
        FROM collections WHERE connectors.id = connector_id AND NOT starts_with(base_url, $1 || '/api/v1/collections/')";
    Ok(diesel::sql_query(sql).bind::<Text, _>(address.to_string()).execute(conn).await?)
}

/// Stores what a save of the Authorization tab changes in the connector's own row. The version stays: it is that of the
/// Details form, which has none of this.
pub async fn save_method(change: &mut Change<'_>, id: ConnectorId, method: Method, verify: bool) -> Result<(), Error> {
    diesel::update(connectors::table.find(id))
        .set((
            connectors::method.eq(method),
            connectors::verify_certificates.eq(verify),
            connectors::updated_at.eq(change.now),
            connectors::updated_by.eq(change.by.attribution()),
        ))
        .execute(change.conn)
        .await?;
    Ok(())
}
