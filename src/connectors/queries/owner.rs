//! Users and groups as owners of connectors.

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName, sql_query};
use diesel_async::RunQueryDsl;

use crate::connectors::owner::{Owner, OwnerChoice, OwnerProblem};
use crate::db::Conn;
use crate::name::key;
use crate::web::Error;

/// Groups and users that a field suggests, of each so many at most; all others can be typed.
const SUGGESTED: usize = 50;

/// Who can be an owner: groups, and active users.
const GROUPS: &str = "SELECT 'group' AS kind, id, 'group ' || name AS name, name AS short, name_key AS key FROM groups";
const USERS: &str = "SELECT 'user' AS kind, id, name || ' (' || username || ')' AS name, name AS short, username_key AS key FROM users WHERE active";

/// The first who can be chosen, groups before users.
pub async fn suggested_owners(conn: &Conn) -> Result<Vec<OwnerChoice>, Error> {
    let sql = format!(
        "({GROUPS} ORDER BY name_key LIMIT {SUGGESTED}) UNION ALL ({USERS} ORDER BY username_key LIMIT {SUGGESTED})"
    );
    Ok(sql_query(sql).load(&mut &*conn).await?)
}

/// One owner as a choice; `None` for one that does not exist, or is not active.
pub async fn owner_choice(conn: &Conn, owner: Owner) -> Result<Option<OwnerChoice>, Error> {
    let (sql, id) = match owner {
        Owner::Group(id) => (format!("{GROUPS} WHERE id = $1"), id),
        Owner::User(id) => (format!("{USERS} AND id = $1"), id),
    };
    Ok(sql_query(sql).bind::<SqlUuid, _>(id).get_result(&mut &*conn).await.optional()?)
}

/// The owner whom a typed name means: as suggested, or a user name, or the name of a single user or group.
pub async fn named_owner(conn: &Conn, typed: &str) -> Result<Result<Option<Owner>, OwnerProblem>, Error> {
    if typed.is_empty() {
        return Ok(Ok(None));
    }
    // An exact name counts, whatever else others are called.
    let sql = format!(
        "WITH candidates AS MATERIALIZED ({GROUPS} UNION ALL {USERS})
        SELECT * FROM candidates WHERE name = $1
        UNION ALL
        SELECT * FROM candidates WHERE (short = $1 OR key = $2) AND NOT EXISTS (SELECT FROM candidates WHERE name = $1)
        LIMIT 2"
    );
    let name = typed.replace('\0', "");
    let found = sql_query(sql).bind::<Text, _>(&name).bind::<Text, _>(key(&name)).load(&mut &*conn).await?;
    Ok(OwnerProblem::only(typed, found))
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Keeps an owner until the transaction ends, and gives the name; `None` for one that was deleted. Comes before the
/// connector's own row, which deleting an owner locks after the owner.
pub(super) async fn hold_owner(conn: &mut Conn, owner: Owner) -> Result<Option<String>, Error> {
    let (sql, id) = match owner {
        Owner::User(id) => {
            ("SELECT name || ' (' || username || ')' AS name FROM users WHERE id = $1 FOR KEY SHARE", id)
        }
        Owner::Group(id) => ("SELECT 'group ' || name AS name FROM groups WHERE id = $1 FOR KEY SHARE", id),
    };
    let held: Option<Held> = sql_query(sql).bind::<SqlUuid, _>(id).get_result(conn).await.optional()?;
    Ok(held.map(|held| held.name))
}
