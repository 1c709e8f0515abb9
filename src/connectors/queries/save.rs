//! Creating and saving: the row, its categories and the audit line in one transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DbError};
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::super::model::{
    CheckedDetails, Connector, ConnectorId, NewConnector, enabled_word, wanted_key,
};
use super::{categories_of, forget_base_url_secrets, health};
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
pub async fn create(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    new: &NewConnector,
) -> Result<String, SaveError> {
    for _ in 0..KEY_TRIES {
        let key = free_key(conn, &wanted_key(&new.name)).await?;
        match conn
            .transaction(async |conn| insert(conn, by, now, new, &key).await)
            .await
        {
            Ok(()) => return Ok(key),
            Err(Attempt::KeyTaken) => {}
            Err(Attempt::Refused(refused)) => return Err(refused),
        }
    }
    Err(SaveError::Fault(Error::internal(anyhow::anyhow!(
        "no free key found"
    ))))
}

/// One try to insert; a key that was taken meanwhile asks for another try.
enum Attempt {
    KeyTaken,
    Refused(SaveError),
}

impl From<DbError> for Attempt {
    fn from(error: DbError) -> Attempt {
        let key_taken = matches!(&error, DbError::DatabaseError(DatabaseErrorKind::UniqueViolation, info) if info.constraint_name() == Some("connectors_key_key"));
        if key_taken {
            Attempt::KeyTaken
        } else {
            Attempt::Refused(error.into())
        }
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
        .filter(
            connectors::key
                .eq(wanted)
                .or(connectors::key.like(format!("{wanted}-%"))),
        )
        .select(connectors::key)
        .load(conn)
        .await?;
    let numbered = (2..).map(|number: u32| format!("{wanted}-{number}"));
    let free = std::iter::once(wanted.to_string())
        .chain(numbered)
        .find(|key| !alike.contains(key));
    Ok(free.unwrap_or_else(|| wanted.to_string()))
}

async fn insert(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    new: &NewConnector,
    key: &str,
) -> Result<(), Attempt> {
    lock_counts(conn).await?;
    let (names, folded) = category_names(conn, &new.categories).await?;
    diesel::insert_into(connectors::table)
        .values((
            (
                connectors::id.eq(new.id),
                connectors::key.eq(key),
                connectors::name.eq(new.name.as_str()),
                connectors::name_key.eq(new.name.key()),
                connectors::display_name.eq(&new.display_name),
                connectors::description.eq(&new.description),
                connectors::base_url.eq(new.base_url.as_ref().map(HttpUrl::as_str)),
                connectors::method.eq(new.method.code()),
                connectors::enabled.eq(new.enabled),
                connectors::category_names.eq(&names),
                connectors::category_names_folded.eq(folded),
                connectors::own_folded.eq(own_folded(
                    &new.name,
                    &new.display_name,
                    &new.description,
                )),
            ),
            (
                connectors::status.eq(health::initial(new.method, new.enabled, now).code()),
                connectors::status_since.eq(now),
                connectors::created_at.eq(now),
                connectors::created_by.eq(&by.name),
                connectors::updated_at.eq(now),
                connectors::updated_by.eq(&by.name),
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
            authorizations::updated_by.eq(&by.name),
        ))
        .execute(conn)
        .await?;
    let changes = Changes::none()
        .field("Name", "", new.name.as_str())
        .field("Display name", "", &new.display_name)
        .field("Description", "", &new.description)
        .field(
            "Base URL",
            "",
            new.base_url.as_ref().map_or("", HttpUrl::as_str),
        )
        .field("Authentication Type", "", new.method.label())
        .field("Category", "", names)
        .field("Status", "", enabled_word(new.enabled));
    audit::record(
        conn,
        by,
        now,
        Event {
            kind: "connector.created",
            subject_id: Some(new.id),
            subject_name: new.name.as_str(),
            changes,
        },
    )
    .await?;
    Ok(())
}

/// The text that the search looks through, besides the categories' names.
fn own_folded(name: &Name, display_name: &str, description: &str) -> String {
    searched(&[name.as_str(), display_name, description])
}

/// The joined names of categories, as shown and as searched. They stay true until the end of the transaction,
/// because renaming a category takes the lock of the counts as well.
async fn category_names(conn: &mut Conn, ids: &[CategoryId]) -> Result<(String, String), Error> {
    let names: Vec<(String, String)> = categories::table
        .filter(categories::id.eq_any(ids))
        .order((categories::name, categories::id))
        .select((categories::name, categories::name_folded))
        .load(conn)
        .await?;
    let (names, folded): (Vec<String>, Vec<String>) = names.into_iter().unzip();
    Ok((names.join(", "), folded.join(", ")))
}

async fn link(conn: &mut Conn, id: ConnectorId, categories: &[CategoryId]) -> Result<(), DbError> {
    let rows: Vec<_> = categories
        .iter()
        .map(|category| {
            (
                connector_categories::connector_id.eq(id),
                connector_categories::category_id.eq(*category),
            )
        })
        .collect();
    diesel::insert_into(connector_categories::table)
        .values(rows)
        .execute(conn)
        .await?;
    Ok(())
}

/// Saves the Details of a connector that nobody else has saved since `version`.
pub async fn update(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    old: &Connector,
    version: i32,
    new: &CheckedDetails,
) -> Result<(), SaveError> {
    conn.transaction(async |conn| {
        let moved = has_other_categories(conn, old, &new.categories).await?;
        if moved {
            lock_counts(conn).await?;
        }
        let forgotten = new.forget_secrets && forget_base_url_secrets(conn, by, now, old).await?;
        let base_url = new.base_url.as_ref().map(HttpUrl::as_str);
        let changed = diesel::update(
            connectors::table
                .find(old.id)
                .filter(connectors::version.eq(version))
                .filter(connectors::deleted_at.is_null()),
        )
        .set((
            connectors::name.eq(new.name.as_str()),
            connectors::name_key.eq(new.name.key()),
            connectors::display_name.eq(&new.display_name),
            connectors::description.eq(&new.description),
            connectors::base_url.eq(base_url),
            connectors::enabled.eq(new.enabled),
            connectors::own_folded.eq(own_folded(&new.name, &new.display_name, &new.description)),
            connectors::version.eq(connectors::version + 1),
            connectors::updated_at.eq(now),
            connectors::updated_by.eq(&by.name),
        ))
        .execute(conn)
        .await?;
        if changed == 0 {
            return Err(SaveError::Stale);
        }
        let names = if moved {
            save_categories(conn, old.id, &new.categories).await?
        } else {
            old.category_names.clone()
        };
        let mut changes = Changes::none()
            .field("Name", &old.name, new.name.as_str())
            .field("Display name", &old.display_name, &new.display_name)
            .field("Description", &old.description, &new.description)
            .field(
                "Base URL",
                old.base_url.as_deref().unwrap_or(""),
                base_url.unwrap_or(""),
            )
            .field("Category", &old.category_names, names)
            .field("Status", old.status_word(), enabled_word(new.enabled));
        if forgotten {
            changes = changes.secret(
                "Stored secrets",
                "removed, because the base URL leads to another host",
            );
        }
        if new.forget_secrets || old.enabled != new.enabled {
            health::refresh_health(conn, old.id, now).await?;
        }
        audit::record(
            conn,
            by,
            now,
            Event {
                kind: "connector.saved",
                subject_id: Some(old.id),
                subject_name: new.name.as_str(),
                changes,
            },
        )
        .await?;
        Ok(())
    })
    .await
}

/// Whether the connector is to be in other categories than it is in. Somebody who changes them meanwhile also
/// changes the version, and then this save is refused.
async fn has_other_categories(
    conn: &mut Conn,
    old: &Connector,
    new: &[CategoryId],
) -> Result<bool, Error> {
    let mut stored = categories_of(conn, old).await?;
    let mut wanted = new.to_vec();
    stored.sort_unstable();
    wanted.sort_unstable();
    Ok(stored != wanted)
}

/// Writes the categories, and gives their joined names.
async fn save_categories(
    conn: &mut Conn,
    id: ConnectorId,
    new: &[CategoryId],
) -> Result<String, SaveError> {
    let links = connector_categories::table.filter(connector_categories::connector_id.eq(id));
    diesel::delete(links).execute(conn).await?;
    link(conn, id, new).await?;
    let (names, folded) = category_names(conn, new).await?;
    diesel::update(connectors::table.find(id))
        .set((
            connectors::category_names.eq(&names),
            connectors::category_names_folded.eq(folded),
        ))
        .execute(conn)
        .await?;
    Ok(names)
}
