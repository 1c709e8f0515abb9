//! The token of a collection's own connector: a key that opens the records of that collection and nothing else.

use std::collections::HashSet;

use diesel::prelude::*;
use diesel::sql_types::{Bytea, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::holder::{Endpoints, HolderKind, HolderRights, KeyHolder, Scope};
use crate::db::{Conn, Prepared};
use crate::web::Error;

/// The collection whose own connector has this token.
const COLLECTION: &str = "SELECT c.id, c.name FROM collections k JOIN connectors c ON c.id = k.connector_id
    WHERE k.token_hash = $1 AND c.deleted_at IS NULL";

#[derive(QueryableByName)]
struct CollectionRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
}

/// The holder of a token of a collection's own connector: a program that may do everything with its records.
pub(super) async fn find_collection(conn: &Conn, hash: &[u8]) -> Result<Option<KeyHolder>, Error> {
    let query = Prepared(diesel::sql_query(COLLECTION).bind::<Bytea, _>(hash));
    let row: Option<CollectionRow> = query.get_result(&mut &*conn).await.optional()?;
    Ok(row.map(|row| KeyHolder {
        key_id: row.id,
        prefix: String::new(),
        kind: HolderKind::Program,
        id: row.id,
        name: format!("Data connector {}", row.name).into(),
        is_collection: true,
        rights: HolderRights::of_program(true),
        revoked: false,
        expires_at: None,
        methods: None,
        scopes: vec![Scope {
            connector: Some(row.id),
            endpoints: Endpoints::Only(HashSet::new()),
            proxy: true,
            token: false,
        }],
    }))
}
