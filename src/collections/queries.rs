//! The collections' SQL.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use sha2::{Digest, Sha256};

use super::model::{Collection, NewCollection, RecordSettings, Settings, records_path};
use crate::access::{Actor, ApiKey, Right};
use crate::audit::{Change, Changes, next_version, transaction};
use crate::authorization::{self, NewToken};
use crate::connectors;
use crate::db::Conn;
use crate::db::schema::collections;
use crate::db::version::SeenVersion;
use crate::outbound::HttpUrl;
use crate::vault::{Secret, Vault};
use crate::web::{Error, SaveError};

/// The live collection of a key, for a person who needs this right to it.
pub async fn find(conn: &Conn, by: &Actor, key: &str, right: Right) -> Result<Collection, Error> {
    let connector = connectors::find(conn, by, key, right).await?;
    let settings = settings(conn, connector.id).await?;
    Ok(Collection { connector, settings })
}

/// What is stored of a collection beside its connector.
pub async fn settings(conn: &Conn, id: connectors::ConnectorId) -> Result<Settings, Error> {
    Ok(collections::table.find(id).select(Settings::as_select()).first(&mut &*conn).await?)
}

/// Stores a new collection with its connector, whose calls go to this program at `address`, and gives its key.
pub async fn create(
    change: &mut Change<'_>,
    vault: &Vault,
    address: &str,
    new: &NewCollection,
) -> Result<String, SaveError> {
    transaction(change, async |change| {
        let key = connectors::insert(change, &new.connector).await?;
        let id = new.connector.id;
        let url = HttpUrl::parse(&format!("{address}{}", records_path(&key))).map_err(Error::internal)?;
        connectors::make_collection(change, id, &url).await?;
        let token = ApiKey::random();
        diesel::insert_into(collections::table)
            .values((
                collections::connector_id.eq(id),
                collections::schema.eq(new.records.schema.as_ref().map(|schema| &schema.document)),
                collections::members.eq(&new.records.members),
                collections::token_hash.eq(Sha256::digest(token.expose()).to_vec()),
                collections::updated_at.eq(change.now),
                collections::updated_by.eq(change.by.attribution()),
            ))
            .execute(change.conn)
            .await?;
        let token = NewToken::fixed(Secret::new(token.expose().to_owned()));
        authorization::store_token(change, vault, id, &token, &[url.origin()].into_iter().collect()).await?;
        let changes = changes(&RecordSettings { schema: None, members: Vec::new() }.shown(), &new.records.shown());
        Ok(change.record("collection.created", id, new.connector.details.name.as_str(), changes).await.map(|()| key)?)
    })
    .await
}

/// Saves schema and members of a collection that has not been saved since it was read.
pub async fn update(
    change: &mut Change<'_>,
    (old, seen): (&Collection, SeenVersion),
    new: &RecordSettings,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let row = collections::table.find(old.connector.id);
        seen.lock(change.conn, row.select(collections::version).for_no_key_update()).await?;
        diesel::update(row)
            .set((
                collections::schema.eq(new.schema.as_ref().map(|schema| &schema.document)),
                collections::members.eq(&new.members),
                next_version!(collections, change),
            ))
            .execute(change.conn)
            .await?;
        let before = [old.settings.schema_text(), old.settings.members.join(", ")];
        Ok(change
            .record("collection.saved", old.connector.id, &old.connector.name, changes(&before, &new.shown()))
            .await?)
    })
    .await
}

impl RecordSettings {
    /// As pages and the audit log show it.
    fn shown(&self) -> [String; 2] {
        let schema = self.schema.as_ref().map_or(String::new(), |schema| format!("{:#}", schema.document));
        [schema, self.members.join(", ")]
    }
}

fn changes([schema, members]: &[String; 2], [new_schema, new_members]: &[String; 2]) -> Changes {
    Changes::none().field("Schema", schema, new_schema).field("Members to sort and filter by", members, new_members)
}
