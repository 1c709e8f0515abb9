//! The data connectors that list a user or a group, which stop listing one that is deleted, and those that it owns,
//! which have no owner then.
//!
//! Rule: a page counts what its reader sees, and says if there may be others; the audit log names all.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::groups::Member;
use crate::access::Actor;
use crate::db::Conn;
use crate::web::{Error, plural};

/// The most names in the audit log; what more there are is said without.
const MOST_NAMES: usize = 500;

/// How many live data connectors list a user or a group, or have it as their owner, of those that the reader sees.
#[derive(QueryableByName)]
pub(super) struct Listings {
    #[diesel(sql_type = BigInt)]
    listing: i64,
    #[diesel(sql_type = BigInt)]
    owned: i64,
    #[diesel(sql_type = Bool)]
    is_limited: bool,
}

impl Listings {
    /// “2 data connectors list the user”, and that there may be others; `None` if there are none.
    pub fn words(&self, whom: &str) -> Option<String> {
        let seen = if self.is_limited { " that you see" } else { "" };
        let (one, many) = (format!("data connector{seen} lists {whom}"), format!("data connectors{seen} list {whom}"));
        let counted = plural(self.listing, &one, &many);
        match (self.listing, self.is_limited) {
            (0, false) => None,
            (0, true) => Some(format!("Data connectors that you do not see may list {whom}")),
            (_, false) => Some(counted),
            (_, true) => Some(format!("{counted}, and others may that you do not see")),
        }
    }

    /// “2 data connectors that it owns will have no owner.”, and that there may be others; `None` if there are none.
    pub fn owned_words(&self, whom: &str) -> Option<String> {
        let seen = if self.is_limited { " that you see" } else { "" };
        let (one, many) =
            (format!("data connector{seen}, which {whom} owns,"), format!("data connectors{seen}, which {whom} owns,"));
        let counted = plural(self.owned, &one, &many);
        match (self.owned, self.is_limited) {
            (0, false) => None,
            (0, true) => {
                Some(format!("Data connectors that you do not see may be owned by {whom}. They will have no owner."))
            }
            (_, false) => Some(format!("{counted} will have no owner.")),
            (_, true) => Some(format!("{counted} will have no owner, nor will others that you do not see.")),
        }
    }
}

/// Their column in `connector_rights`, the one in `connectors` of those that they own, and their id.
fn columns(whom: Member) -> (&'static str, &'static str, Uuid) {
    match whom {
        Member::User(id) => ("user_id", "owner_user_id", id),
        Member::Group(id) => ("group_id", "owner_group_id", id),
    }
}

/// What lists a user or a group, as this person may know it.
pub(super) async fn listings(conn: &mut Conn, by: &Actor, whom: Member) -> Result<Listings, Error> {
    let (column, owner, id) = columns(whom);
    let seen = format!("connectors.deleted_at IS NULL{}", by.visibility.and("connectors"));
    let is_limited = by.visibility.is_limited();
    let sql = format!(
        "SELECT (SELECT count(*) FROM connector_rights r JOIN connectors ON connectors.id = r.connector_id WHERE r.{column} = $1 AND {seen}) AS listing,
            (SELECT count(*) FROM connectors WHERE {owner} = $1 AND {seen}) AS owned, {is_limited} AS is_limited"
    );
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(id).get_result(conn).await?)
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

/// The names of all that list a user or a group, and of all that it owns, those in the trash too, for the audit log.
pub(super) async fn names(conn: &mut Conn, whom: Member) -> Result<[String; 2], Error> {
    let (column, owner, id) = columns(whom);
    let listing = format!("id IN (SELECT connector_id FROM connector_rights WHERE {column} = $1)");
    Ok([names_of(conn, &listing, id).await?, names_of(conn, &format!("{owner} = $1"), id).await?])
}

async fn names_of(conn: &mut Conn, which: &str, id: Uuid) -> Result<String, Error> {
    let sql = format!(
        "SELECT name FROM connectors WHERE {which} ORDER BY name COLLATE \"und-x-icu\", id LIMIT {}",
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
        let words = |listing, is_limited| Listings { listing, owned: 0, is_limited }.words("it");
        assert_eq!(words(0, false), None);
        assert_eq!(words(1, false).as_deref(), Some("1 data connector lists it"));
        assert_eq!(
            words(2, true).as_deref(),
            Some("2 data connectors that you see list it, and others may that you do not see")
        );
        assert_eq!(words(0, true).as_deref(), Some("Data connectors that you do not see may list it"));
        let owned = |owned, is_limited| Listings { listing: 0, owned, is_limited }.owned_words("it");
        assert_eq!(owned(0, false), None);
        assert_eq!(owned(1, false).as_deref(), Some("1 data connector, which it owns, will have no owner."));
        assert_eq!(
            owned(2, true).as_deref(),
            Some(
                "2 data connectors that you see, which it owns, will have no owner, nor will others that you do not see."
            )
        );
    }
}
