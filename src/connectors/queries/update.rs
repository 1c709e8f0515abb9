//! Saving the Details: the row, its categories and the audit line in one transaction, if nobody else has saved.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DbError;
use diesel_async::{AsyncConnection, RunQueryDsl};
use futures_util::join;

use super::super::model::{CheckedDetails, Connector, enabled_word};
use super::save::{CategoryNames, category_names, link, own_folded};
use super::{health, outdate_authorization};
use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::categories::{CategoryId, lock_counts};
use crate::db::schema::{connector_categories, connectors};
use crate::db::version::SeenVersion;
use crate::db::{Conn, Prepared};
use crate::outbound::HttpUrl;
use crate::web::SaveError;

/// The connector that a save of Details changes, as it was read.
pub struct Seen<'a> {
    pub connector: &'a Connector,
    /// No older than the connector.
    pub categories: &'a [CategoryId],
    /// The version of it that the form was made from.
    pub version: SeenVersion,
}

/// Saves the Details of a connector that nobody else has saved since the form was shown.
pub async fn update(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    seen: &Seen<'_>,
    new: &CheckedDetails,
) -> Result<(), SaveError> {
    let old = seen.connector;
    conn.transaction(async |conn| {
        let mut names = None;
        if has_other_categories(seen.categories, &new.categories) {
            lock_counts(conn).await?;
            names = Some(category_names(conn, &new.categories).await?);
        }
        let changes_health = old.enabled != new.enabled;
        if changes_health {
            health::hold_authorization(conn, old.id).await?;
        }
        // Before the connector's own row: everybody takes the two in this order.
        if new.has_new_origin {
            outdate_authorization(conn, by, now, old.id).await?;
        }
        // From here on the categories are those that were read: who changes them changes the version, too.
        super::lock(conn, old, seen.version).await?;
        let event = saved(old, new, names.as_ref());
        // Both go out in one go. What is recorded of a save that is refused goes with its transaction.
        let (written, recorded) =
            join!(write_details(conn, by, now, old, new, names.as_ref()), audit::record(conn, by, now, event),);
        written?;
        recorded?;
        if names.is_some() {
            let links = connector_categories::table.filter(connector_categories::connector_id.eq(old.id));
            diesel::delete(links).execute(conn).await?;
            link(conn, old.id, &new.categories).await?;
        }
        if changes_health {
            health::refresh_health(conn, old.id, now).await?;
        }
        Ok(())
    })
    .await
}

fn has_other_categories(old: &[CategoryId], new: &[CategoryId]) -> bool {
    let (mut old, mut new) = (old.to_vec(), new.to_vec());
    old.sort_unstable();
    new.sort_unstable();
    old != new
}

/// Writes the connector's own row, with the `names` of other categories if it gets any.
async fn write_details(
    conn: &Conn,
    by: &Actor,
    now: DateTime<Utc>,
    old: &Connector,
    new: &CheckedDetails,
    names: Option<&CategoryNames>,
) -> Result<usize, DbError> {
    let names = names.map(|names| {
        (connectors::category_names.eq(&names.shown), connectors::category_names_folded.eq(&names.folded))
    });
    let update = diesel::update(connectors::table.find(old.id)).set((
        connectors::name.eq(new.name.as_str()),
        connectors::name_key.eq(new.name.key()),
        connectors::display_name.eq(&new.display_name),
        connectors::description.eq(&new.description),
        connectors::base_url.eq(&new.base_url),
        connectors::enabled.eq(new.enabled),
        connectors::own_folded.eq(own_folded(&new.name, &new.display_name, &new.description)),
        connectors::version.eq(connectors::version + 1),
        connectors::updated_at.eq(now),
        connectors::updated_by.eq(by.attribution()),
        names,
    ));
    Prepared(update).execute(&mut &*conn).await
}

/// What the audit log says about a save.
fn saved<'a>(old: &Connector, new: &'a CheckedDetails, names: Option<&CategoryNames>) -> Event<'a> {
    let names = names.map_or(&old.category_names, |names| &names.shown);
    let changes = Changes::none()
        .field("Name", &old.name, new.name.as_str())
        .field("Display name", &old.display_name, &new.display_name)
        .field("Description", &old.description, &new.description)
        .field(
            "Base URL",
            old.base_url.as_ref().map_or("", HttpUrl::as_str),
            new.base_url.as_ref().map_or("", HttpUrl::as_str),
        )
        .field("Category", &old.category_names, names)
        .field("Status", old.status_word(), enabled_word(new.enabled));
    Event { kind: "connector.saved", subject_id: Some(old.id), subject_name: new.name.as_str(), changes }
}
