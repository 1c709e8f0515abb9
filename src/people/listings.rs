//! The data connectors that list a user or a group, which stop listing one that is deleted.
//!
//! Rule: a page counts what its reader sees, and says if there may be others; the audit log names all.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::groups::Member;
use crate::access::Actor;
use crate::db::Conn;
use crate::web::{Error, plural};

/// The most names in the audit log; what more there are is said without.
const MOST_NAMES: usize = 500;

/// How many live data connectors list a user or a group, of those that the reader sees.
pub(super) struct Listings {
    count: i64,
    is_limited: bool,
}

impl Listings {
    /// “2 data connectors list the user”, and that there may be others; `None` if there are none.
    pub fn words(&self, whom: &str) -> Option<String> {
        let seen = if self.is_limited { " that you see" } else { "" };
        let (one, many) = (format!("data connector{seen} lists {whom}"), format!("data connectors{seen} list {whom}"));
        let counted = plural(self.count, &one, &many);
        match (self.count, self.is_limited) {
            (0, false) => None,
            (0, true) => Some(format!("Data connectors that you do not see may list {whom}")),
            (_, false) => Some(counted),
            (_, true) => Some(format!("{counted}, and others may that you do not see")),
        }
    }
}

/// Their column in `connector_rights`, and their id.
fn column(whom: Member) -> (&'static str, Uuid) {
    match whom {
        Member::User(id) => ("user_id", id),
        Member::Group(id) => ("group_id", id),
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

/// What lists a user or a group, as this person may know it.
pub(super) async fn listings(conn: &mut Conn, by: &Actor, whom: Member) -> Result<Listings, Error> {
    let (column, id) = column(whom);
    let sql = format!(
        "SELECT count(*) AS n FROM connector_rights r JOIN connectors ON connectors.id = r.connector_id
        WHERE r.{column} = $1 AND connectors.deleted_at IS NULL{}",
        by.visibility.and("connectors")
    );
    let count: Count = diesel::sql_query(sql).bind::<SqlUuid, _>(id).get_result(conn).await?;
    Ok(Listings { count: count.n, is_limited: by.visibility.is_limited() })
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The names of all that list a user or a group, those in the trash too, for the audit log.
pub(super) async fn names(conn: &mut Conn, whom: Member) -> Result<String, Error> {
    let (column, id) = column(whom);
    let sql = format!(
        "SELECT c.name FROM connector_rights r JOIN connectors c ON c.id = r.connector_id
        WHERE r.{column} = $1 ORDER BY c.name COLLATE \"und-x-icu\", c.id LIMIT {}",
        MOST_NAMES + 1
    );
    let rows: Vec<Named> = diesel::sql_query(sql).bind::<SqlUuid, _>(id).load(conn).await?;
    let more = (rows.len() > MOST_NAMES).then(|| "and others".to_string());
    let names = rows.into_iter().take(MOST_NAMES).map(|row| row.name);
    Ok(names.chain(more).collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_seen_is_not_counted_but_said() {
        let words = |count, is_limited| Listings { count, is_limited }.words("it");
        assert_eq!(words(0, false), None);
        assert_eq!(words(1, false).as_deref(), Some("1 data connector lists it"));
        assert_eq!(
            words(2, true).as_deref(),
            Some("2 data connectors that you see list it, and others may that you do not see")
        );
        assert_eq!(words(0, true).as_deref(), Some("Data connectors that you do not see may list it"));
    }
}
