//! The connector's part of duplicating: a new connector with the details, settings and access list of another one.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::{categories_of, create};
use crate::access::Rights;
use crate::audit::{Change, Changes};
use crate::categories::CategoryId;
use crate::connectors::model::{Connector, ConnectorId, Details, EVERYBODY, NewConnector, parse_name};
use crate::db::schema::connectors;
use crate::name::Name;
use crate::web::{Error, SaveError};

/// Names of the kind “X copy 2” that are tried.
const MOST_COPIES: u32 = 100;

/// The copy is open to the same people: else duplicating would open it to others.
const ACCESS: &str = "INSERT INTO connector_rights (id, connector_id, user_id, group_id, rights)
    SELECT gen_random_uuid(), $2, user_id, group_id, rights FROM connector_rights WHERE connector_id = $1";

const OWN_SETTINGS: &str =
    "UPDATE connectors AS copy SET verify_certificates = o.verify_certificates, open_rights = o.open_rights
    FROM connectors AS o WHERE o.id = $1 AND copy.id = $2";

/// Creates a copy of a connector and who may use it, under the first free name of the kind “X copy”, in the caller's
/// transaction. Gives the copy's id and key.
pub async fn copy(change: &mut Change<'_>, original: &Connector) -> Result<(ConnectorId, String), SaveError> {
    let categories = categories_of(change.conn, &original.key).await?;
    for number in 1..MOST_COPIES {
        let copy = copy_of(original, &categories, number);
        match create(change, &copy).await {
            Err(SaveError::NameTaken) => {}
            other => {
                let key = other?;
                for sql in [OWN_SETTINGS, ACCESS] {
                    let copying = diesel::sql_query(sql).bind::<SqlUuid, _>(original.id).bind::<SqlUuid, _>(copy.id);
                    copying.execute(change.conn).await?;
                }
                record_access(change, &copy).await?;
                return Ok((copy.id, key));
            }
        }
    }
    Err(SaveError::NameTaken)
}

fn copy_of(original: &Connector, categories: &[CategoryId], number: u32) -> NewConnector {
    NewConnector {
        id: Uuid::now_v7(),
        key: None,
        details: Details { name: copy_name(&original.name, number), ..original.details.clone() },
        method: original.method(),
        categories: categories.to_vec(),
    }
}

/// “X copy”, “X copy 2”, …, with X shortened so that the whole stays a name.
fn copy_name(name: &str, number: u32) -> Name {
    let ending = if number == 1 { " copy".to_string() } else { format!(" copy {number}") };
    let beginning: String = name.chars().take(255 - ending.chars().count()).collect();
    // proven: a name's beginning and these words hold only the characters of names
    parse_name(&format!("{}{ending}", beginning.trim_end())).unwrap_or_else(|_| unreachable!("a copy's name is a name"))
}

/// The people and groups that a connector lists, as the pages of people name them, and their rights.
const LISTED: &str = "SELECT coalesce(u.name || ' (' || u.username || ')', 'group ' || g.name) AS who, r.rights
    FROM connector_rights r LEFT JOIN users u ON u.id = r.user_id LEFT JOIN groups g ON g.id = r.group_id
    WHERE r.connector_id = $1 ORDER BY coalesce(u.name, g.name) COLLATE \"und-x-icu\", r.id";

#[derive(QueryableByName)]
struct Listed {
    #[diesel(sql_type = Text)]
    who: String,
    #[diesel(sql_type = Array<Text>, deserialize_as = Vec<String>)]
    rights: Rights,
}

/// Tells who may do what with the copy, unless that is what everybody may do with a new connector.
async fn record_access(change: &mut Change<'_>, copy: &NewConnector) -> Result<(), Error> {
    let open = connectors::table.find(copy.id).select(connectors::open_rights);
    let open: Vec<String> = open.first(change.conn).await?;
    let (open, usual) = (Rights::from(open), Rights::ALL);
    let listed: Vec<Listed> = diesel::sql_query(LISTED).bind::<SqlUuid, _>(copy.id).load(change.conn).await?;
    if open == usual && listed.is_empty() {
        return Ok(());
    }
    let changes = Changes::none().field(EVERYBODY, usual.labels(), open.labels());
    let changes = listed.iter().fold(changes, |changes, entry| changes.field(&entry.who, "", entry.rights.labels()));
    change.record("connector.access_saved", copy.id, &copy.details.name, changes).await
}
