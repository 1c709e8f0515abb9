//! Creating: the row, its categories and the audit line in one transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DbError};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::super::model::{ConnectorId, NewConnector, enabled_word, wanted_key};
use super::health;
use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::categories::{CategoryId, lock_counts};
use crate::db::Conn;
use crate::db::schema::{authorizations, categories, connector_categories, connectors};
use crate::name::{Name, searched};
use crate::outbound::HttpUrl;
use crate::web::{Error, SaveError};

/// Tries for a free key when others take the same one at the same moment.
const KEY_TRIES: usize = 20;

/// Stores a new connector and gives its key.
pub async fn create(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, new: &NewConnector) -> Result<String, SaveError> {
    for _ in 0..KEY_TRIES {
        let key = free_key(conn, &wanted_key(&new.name)).await?;
        match conn.transaction(async |conn| insert(conn, by, now, new, &key).await).await {
            Ok(()) => return Ok(key),
            Err(Attempt::KeyTaken) => {}
            Err(Attempt::Refused(refused)) => return Err(refused),
        }
    }
    Err(SaveError::Fault(Error::internal(anyhow::anyhow!("no free key found"))))
}

/// One try to insert; a key that was taken meanwhile asks for another try.
enum Attempt {
    KeyTaken,
    Refused(SaveError),
}

impl From<DbError> for Attempt {
    fn from(error: DbError) -> Attempt {
        let key_taken = matches!(&error, DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) if info.constraint_name() == Some("connectors_key_key"));
        if key_taken { Attempt::KeyTaken } else { Attempt::Refused(error.into()) }
    }
}

impl From<Error> for Attempt {
    fn from(error: Error) -> Attempt {
        Attempt::Refused(error.into())
    }
}

/// The wanted key, or the first free one with a number behind it.
async fn free_key(conn: &mut Conn, wanted: &str) -> Result<String, Error> {
    let alike: Vec<String> = connectors::table
        .filter(connectors::key.eq(wanted).or(connectors::key.like(format!("{wanted}-%"))))
        .select(connectors::key)
        .load(conn)
        .await?;
    let numbered = (2..).map(|number: u32| format!("{wanted}-{number}"));
    let free = std::iter::once(wanted.to_string()).chain(numbered).find(|key| !alike.contains(key));
    Ok(free.unwrap_or_else(|| wanted.to_string()))
}

async fn insert(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, new: &NewConnector, key: &str) -> Result<(), Attempt> {
    lock_counts(conn).await?;
    let names = category_names(conn, &new.categories).await?;
    diesel::insert_into(connectors::table)
        .values((
            (
                connectors::id.eq(new.id),
                connectors::key.eq(key),
                connectors::name.eq(new.name.as_str()),
                connectors::name_key.eq(new.name.key()),
                connectors::display_name.eq(&new.display_name),
                connectors::description.eq(&new.description),
                connectors::base_url.eq(&new.base_url),
                connectors::method.eq(new.method.code()),
                connectors::enabled.eq(new.enabled),
                connectors::category_names.eq(&names.shown),
                connectors::category_names_folded.eq(&names.folded),
                connectors::own_folded.eq(own_folded(&new.name, &new.display_name, &new.description)),
            ),
            (
                connectors::status.eq(health::initial(new.method, new.enabled, now).code()),
                connectors::status_since.eq(now),
                connectors::created_at.eq(now),
                connectors::created_by.eq(by.attribution()),
                connectors::updated_at.eq(now),
                connectors::updated_by.eq(by.attribution()),
            ),
        ))
        .execute(conn)
        .await?;
    link(conn, new.id, &new.categories).await?;
    diesel::insert_into(authorizations::table)
        .values((
            authorizations::connector_id.eq(new.id),
            authorizations::user_name.eq(&by.username),
            authorizations::updated_at.eq(now),
            authorizations::updated_by.eq(by.attribution()),
        ))
        .execute(conn)
        .await?;
    let changes = Changes::none()
        .field("Name", "", new.name.as_str())
        .field("Display name", "", &new.display_name)
        .field("Description", "", &new.description)
        .field("Base URL", "", new.base_url.as_ref().map_or("", HttpUrl::as_str))
        .field("Authentication Type", "", new.method.label())
        .field("Category", "", names.shown)
        .field("Status", "", enabled_word(new.enabled));
    audit::record(
        conn,
        by,
        now,
        Event { kind: "connector.created", subject_id: Some(new.id), subject_name: new.name.as_str(), changes },
    )
    .await?;
    Ok(())
}

/// The text that the search looks through, besides the categories' names.
pub(super) fn own_folded(name: &Name, display_name: &str, description: &str) -> String {
    searched(&[name.as_str(), display_name, description])
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
