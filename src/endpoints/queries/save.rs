//! Creating and saving: the row and the audit line in one transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::Error as DbError;
use diesel_async::{AsyncConnection, RunQueryDsl};
use serde_json::Value;

use super::super::model::{CheckedEndpoint, Endpoint, EndpointId, Row, field_words};
use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::authorization;
use crate::connectors::{self, Connector};
use crate::db::Conn;
use crate::db::schema::endpoints;
use crate::db::version::SeenVersion;
use crate::outbound::Origin;
use crate::web::{Error, SaveError};

/// The most endpoints of one connector: as many as one page shows.
const MOST: i64 = 500;

/// The longest text of a field in the audit log, in characters.
const LONGEST_WORDS: usize = 2_000;

/// Why an endpoint was not saved.
pub enum NotSaved {
    Save(SaveError),
    /// There are [`MOST`] already.
    TooMany(i64),
}

impl<E: Into<SaveError>> From<E> for NotSaved {
    fn from(error: E) -> NotSaved {
        NotSaved::Save(error.into())
    }
}

/// Who saves, and when.
pub struct Saving<'a> {
    pub by: &'a Actor,
    pub now: DateTime<Utc>,
    pub connector: &'a Connector,
}

/// Stores a new endpoint.
pub async fn create(
    conn: &mut Conn,
    saving: &Saving<'_>,
    id: EndpointId,
    new: &CheckedEndpoint,
) -> Result<(), NotSaved> {
    conn.transaction(async |conn| {
        let there: i64 =
            endpoints::table.filter(endpoints::connector_id.eq(saving.connector.id)).count().get_result(conn).await?;
        if there >= MOST {
            return Err(NotSaved::TooMany(MOST));
        }
        note_origin(conn, saving, new).await?;
        insert(conn, saving, id, new).await?;
        let changes =
            new_words(new).into_iter().fold(Changes::none(), |changes, (label, words)| changes.field(label, "", words));
        record(conn, saving, "endpoint.created", new.name.as_str(), changes).await?;
        Ok(())
    })
    .await
}

/// Saves an endpoint that nobody else has saved since it was read.
pub async fn update(
    conn: &mut Conn,
    saving: &Saving<'_>,
    (old, seen): (&Endpoint, SeenVersion),
    new: &CheckedEndpoint,
) -> Result<(), NotSaved> {
    conn.transaction(async |conn| {
        note_origin(conn, saving, new).await?;
        super::lock(conn, old, seen).await?;
        write(conn, saving, old, new).await?;
        let recipe = old.recipe().map_err(Error::internal)?;
        let before = field_words(&old.name, &old.description, &recipe, &old.sample);
        let pairs = before.into_iter().zip(new_words(new));
        let changes =
            pairs.fold(Changes::none(), |changes, ((label, old), (_, new))| changes.field(label, shortened(old), new));
        record(conn, saving, "endpoint.saved", new.name.as_str(), changes).await?;
        Ok(())
    })
    .await
}

/// The columns that both write.
#[derive(Insertable, AsChangeset)]
#[diesel(table_name = endpoints)]
struct Columns<'a> {
    name: &'a str,
    name_key: String,
    description: &'a str,
    method: &'static str,
    url: &'a str,
    parameters: Value,
    headers: Value,
    body_kind: &'static str,
    body: &'a str,
    form: Value,
    sample: &'a str,
    #[diesel(treat_none_as_null = true)]
    time_out: Option<i32>,
    retries: i32,
    updated_at: DateTime<Utc>,
    updated_by: String,
}

impl<'a> Columns<'a> {
    fn of(saving: &'a Saving<'_>, new: &'a CheckedEndpoint) -> Columns<'a> {
        let recipe = &new.recipe;
        Columns {
            name: new.name.as_str(),
            name_key: new.name.key(),
            description: &new.description,
            method: recipe.method.code(),
            url: &recipe.url,
            parameters: Row::stored(&recipe.parameters),
            headers: Row::stored(&recipe.headers),
            body_kind: recipe.body_kind.code(),
            body: &recipe.body,
            form: Row::stored(&recipe.form),
            sample: &new.sample,
            time_out: recipe.time_out,
            retries: recipe.retries,
            updated_at: saving.now,
            updated_by: saving.by.attribution(),
        }
    }
}

async fn insert(conn: &mut Conn, saving: &Saving<'_>, id: EndpointId, new: &CheckedEndpoint) -> Result<(), DbError> {
    diesel::insert_into(endpoints::table)
        .values((
            endpoints::id.eq(id),
            endpoints::connector_id.eq(saving.connector.id),
            endpoints::created_at.eq(saving.now),
            endpoints::created_by.eq(saving.by.attribution()),
            Columns::of(saving, new),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn write(conn: &mut Conn, saving: &Saving<'_>, old: &Endpoint, new: &CheckedEndpoint) -> Result<usize, DbError> {
    diesel::update(endpoints::table.find(old.id))
        .set((endpoints::version.eq(endpoints::version + 1), Columns::of(saving, new)))
        .execute(conn)
        .await
}

/// A new origin waits until it is approved for the stored secrets. Here it only makes forms stale in which somebody
/// enters a secret and which have not listed it. The row of the authorization is taken first, as by everybody who
/// stores a secret or changes the base URL, so that what is read behind it stays true.
async fn note_origin(conn: &mut Conn, saving: &Saving<'_>, new: &CheckedEndpoint) -> Result<(), NotSaved> {
    let Some(origin) = Origin::of_template(&new.recipe.url) else {
        return Ok(());
    };
    let id = saving.connector.id;
    connectors::hold_authorization(conn, id).await?;
    let known = authorization::origins_in_use(conn, id).await?;
    if !known.iter().any(|known| *known == origin) {
        connectors::outdate_authorization(conn, saving.by, saving.now, id).await?;
    }
    Ok(())
}

fn new_words(new: &CheckedEndpoint) -> Vec<(&'static str, String)> {
    let words = field_words(new.name.as_str(), &new.description, &new.recipe, &new.sample);
    let short = |(label, words)| (label, shortened(words));
    words.into_iter().map(short).collect()
}

/// A body can be long, and the log is kept for ever.
fn shortened(words: String) -> String {
    match words.char_indices().nth(LONGEST_WORDS) {
        None => words,
        Some((end, _)) => {
            let length = i64::try_from(words.chars().count()).unwrap_or(i64::MAX);
            let start = words.get(..end).unwrap_or_default();
            format!("{start}… ({} characters)", crate::web::grouped(length))
        }
    }
}

async fn record(
    conn: &Conn,
    saving: &Saving<'_>,
    kind: &'static str,
    name: &str,
    changes: Changes,
) -> Result<(), Error> {
    let event = Event { kind, subject_id: Some(saving.connector.id), subject_name: name, changes };
    audit::record(conn, saving.by, saving.now, event).await
}
