//! Creating a connector and saving its Details: the row, its categories and the audit line in one transaction.

use chrono::{DateTime, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use diesel::result::Error as DbError;
use diesel_async::RunQueryDsl;
use futures_util::join;

use super::owner::hold_owner;
use super::{CredentialChange, health, outdate_authorization, outdate_evidence};
use crate::audit::{Change, Changes, next_version, transaction};
use crate::categories::{CategoryId, lock_counts};
use crate::connectors::ConnectorKey;
use crate::connectors::model::{Connector, ConnectorId, Details, KEY, NewConnector, Referred};
use crate::db::schema::{authorizations, call_hours, categories, connector_categories, connectors};
use crate::db::version::SeenVersion;
use crate::db::{Conn, Prepared};
use crate::name::Name;
use crate::web::{Error, SaveError};

/// Stores a new connector and gives its key.
pub async fn create(change: &mut Change<'_>, new: &NewConnector) -> Result<String, SaveError> {
    transaction(change, async |change| {
        // All that create connectors take this lock first, so the key stays free.
        lock_counts(change.conn).await?;
        let key = match &new.key {
            Some(key) => key.clone(),
            None => free_key(change.conn, ConnectorKey::proposed(&new.details.name)).await?,
        };
        insert(change, new, key.as_str()).await?;
        Ok(key.as_str().into())
    })
    .await
}

async fn free_key(conn: &mut Conn, proposed: ConnectorKey) -> Result<ConnectorKey, Error> {
    let with_number = format!("{}-%", proposed.as_str());
    let alike: Vec<String> = connectors::table
        .filter(connectors::key.eq(proposed.as_str()).or(connectors::key.like(with_number)))
        .select(connectors::key)
        .load(conn)
        .await?;
    Ok(proposed.first_free(&alike))
}

async fn insert(change: &mut Change<'_>, new: &NewConnector, key: &str) -> Result<(), SaveError> {
    let names = category_names(change.conn, &new.categories).await?;
    let owner = match new.details.stewardship.owner() {
        Some(owner) => hold_owner(change.conn, owner).await?.ok_or(SaveError::InUse)?,
        None => String::new(),
    };
    let (by, now) = (change.by.attribution(), change.now);
    diesel::insert_into(connectors::table)
        .values((
            (
                connectors::id.eq(new.id),
                connectors::key.eq(key),
                &new.details,
                connectors::name_key.eq(new.details.name.key()),
                connectors::method.eq(new.method),
                connectors::category_names.eq(&names.shown),
                connectors::category_names_folded.eq(&names.folded),
                connectors::own_folded.eq(new.details.searched()),
            ),
            (
                connectors::status.eq(health::initial(new.method, new.details.enabled, now)),
                connectors::status_since.eq(now),
                connectors::created_at.eq(now),
                connectors::created_by.eq(&by),
                connectors::updated_at.eq(now),
                connectors::updated_by.eq(&by),
            ),
        ))
        .execute(change.conn)
        .await?;
    link(change.conn, new.id, &new.categories).await?;
    diesel::insert_into(authorizations::table)
        .values((
            authorizations::connector_id.eq(new.id),
            authorizations::user_name.eq(&change.by.username),
            authorizations::updated_at.eq(now),
            authorizations::updated_by.eq(&by),
        ))
        .execute(change.conn)
        .await?;
    let mut fields = new.details.labelled(Referred { categories: &names.shown, owner: &owner }).to_vec();
    fields.insert(4, ("Authentication Type", new.method.label().into()));
    fields.insert(2, (KEY, key.into()));
    let changes = fields.into_iter().fold(Changes::none(), |changes, (label, text)| changes.field(label, "", text));
    Ok(change.record("connector.created", new.id, &new.details.name, changes).await?)
}

/// The joined names of categories.
pub(super) struct CategoryNames {
    pub shown: String,
    /// As they are searched.
    pub folded: String,
}

/// The names stay true until the end of the transaction, because renaming a category takes the lock of the counts as
/// well.
pub(super) async fn category_names(conn: &mut Conn, ids: &[CategoryId]) -> Result<CategoryNames, Error> {
    let names: Vec<(String, String)> = categories::table
        .filter(categories::id.eq_any(ids))
        .order((categories::name, categories::id))
        .select((categories::name, categories::name_folded))
        .load(conn)
        .await?;
    let (shown, folded): (Vec<String>, Vec<String>) = names.into_iter().unzip();
    Ok(CategoryNames { shown: shown.join(", "), folded: folded.join(", ") })
}

pub(super) async fn link(conn: &mut Conn, id: ConnectorId, categories: &[CategoryId]) -> Result<(), DbError> {
    let rows: Vec<_> = categories
        .iter()
        .map(|category| (connector_categories::connector_id.eq(id), connector_categories::category_id.eq(*category)))
        .collect();
    diesel::insert_into(connector_categories::table).values(rows).execute(conn).await?;
    Ok(())
}

/// The connector that a save of Details changes, as it was read.
pub struct Seen<'a> {
    pub connector: &'a Connector,
    /// No older than the connector.
    pub categories: &'a [CategoryId],
    /// The version of it that the form was made from.
    pub version: SeenVersion,
}

/// What a save of Details stores.
pub struct SavedDetails {
    pub details: Details,
    pub categories: Vec<CategoryId>,
    /// Another key; [`SaveError::Stale`] where the connector has been called meanwhile.
    pub key: Option<ConnectorKey>,
}

/// Saves the Details of a connector that has not been saved since the form was shown.
pub async fn update(change: &mut Change<'_>, seen: &Seen<'_>, saved: &SavedDetails) -> Result<(), SaveError> {
    let old = seen.connector;
    let SavedDetails { details: new, categories, key } = saved;
    transaction(change, async |change| {
        let mut names = None;
        if has_other_categories(seen.categories, categories) {
            lock_counts(change.conn).await?;
            names = Some(category_names(change.conn, categories).await?);
        }
        let (before, after) = (old.stewardship.owner(), new.stewardship.owner());
        let owner = match after {
            _ if before == after => old.owner_name.clone(),
            // The page with both versions says that there is no owner any more.
            Some(owner) => hold_owner(change.conn, owner).await?.ok_or(SaveError::Stale)?,
            None => String::new(),
        };
        let is_other_api = old.base_url != new.base_url;
        let changes_health = old.enabled != new.enabled || is_other_api;
        if changes_health {
            health::hold_authorization(change.conn, old.id).await?;
        }
        // Before the connector's own row: everybody takes the two in this order.
        if new.base_url.is_some() && new.origin() != old.origin() {
            outdate_authorization(change, old.id).await?;
        }
        // From here on the categories are those that were read: who changes them changes the version, too.
        super::lock(change.conn, old, seen.version).await?;
        if key.is_some() && is_called(change.conn, old.id).await? {
            return Err(SaveError::Stale);
        }
        let joined = names.as_ref().map_or(&old.category_names, |names| &names.shown);
        let changes = changed_fields(old, new, Referred { categories: joined, owner: &owner });
        let changes = changes.field(KEY, &old.key, key.as_ref().map_or(old.key.as_str(), ConnectorKey::as_str));
        // Both go out in one go. What is recorded of a save that is refused goes with its transaction.
        let (written, recorded) = join!(
            write_details(change, old, new, (names.as_ref(), key.as_ref())),
            change.record("connector.saved", old.id, &new.name, changes),
        );
        written?;
        recorded?;
        if names.is_some() {
            let links = connector_categories::table.filter(connector_categories::connector_id.eq(old.id));
            diesel::delete(links).execute(change.conn).await?;
            link(change.conn, old.id, categories).await?;
        }
        if is_other_api {
            outdate_evidence(change.conn, old.id, CredentialChange::OtherApi, change.now).await?;
        }
        if changes_health {
            health::refresh_health(change.conn, old.id, change.now).await?;
        }
        Ok(())
    })
    .await
}

/// Saves name and description of a connector that has not been saved since the form was shown. The caller records it.
pub async fn save_purpose(
    change: &mut Change<'_>,
    (connector, seen): (&Connector, SeenVersion),
    name: &Name,
    description: &str,
) -> Result<(), SaveError> {
    let new = Details { name: name.clone(), description: description.to_owned(), ..connector.details.clone() };
    transaction(change, async |change| {
        super::lock(change.conn, connector, seen).await?;
        write_details(change, connector, &new, (None, None)).await?;
        Ok(())
    })
    .await
}

/// Whether the connector has been called by its key, as far as the counts of calls go back or before.
pub async fn is_called(conn: &Conn, id: ConnectorId) -> Result<bool, Error> {
    let counted = call_hours::table.filter(call_hours::connector_id.eq(id));
    let row = connectors::table.find(id).select(connectors::called.or(exists(counted)));
    Ok(row.first(&mut &*conn).await?)
}

/// Marks the connectors that were called in the hours before, whose counts are about to be deleted.
pub async fn keep_called(conn: &mut Conn, before: DateTime<Utc>) -> Result<(), Error> {
    let old = call_hours::table.filter(call_hours::connector_id.eq(connectors::id).and(call_hours::hour.lt(before)));
    let called = connectors::table.filter(not(connectors::called)).filter(exists(old));
    diesel::update(called).set(connectors::called.eq(true)).execute(conn).await?;
    Ok(())
}

fn has_other_categories(old: &[CategoryId], new: &[CategoryId]) -> bool {
    let (mut old, mut new) = (old.to_vec(), new.to_vec());
    old.sort_unstable();
    new.sort_unstable();
    old != new
}

/// Writes the connector's own row, with the `names` of other categories and another key if it gets any.
async fn write_details(
    change: &Change<'_>,
    old: &Connector,
    new: &Details,
    (names, key): (Option<&CategoryNames>, Option<&ConnectorKey>),
) -> Result<usize, DbError> {
    let names = names.map(|names| {
        (connectors::category_names.eq(&names.shown), connectors::category_names_folded.eq(&names.folded))
    });
    let update = diesel::update(connectors::table.find(old.id)).set((
        new,
        connectors::name_key.eq(new.name.key()),
        connectors::own_folded.eq(new.searched()),
        next_version!(connectors, change),
        names,
        key.map(|key| connectors::key.eq(key.as_str())),
    ));
    Prepared(update).execute(&mut &*change.conn).await
}

/// What the audit log says about a save.
fn changed_fields(old: &Connector, new: &Details, names: Referred<'_>) -> Changes {
    let both = old.labelled(old.referred()).into_iter().zip(new.labelled(names));
    both.fold(Changes::none(), |changes, ((label, from), (_, to))| changes.field(label, from, to))
}
