//! What the log's lines have in common: the names of people and things, and the kinds of events.

use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use crate::db::Conn;
use crate::db::schema::audit_names;
use crate::name::word_pattern;
use crate::web::Error;

/// Up to this many names are looked up one by one; of more, every line is compared.
const FEW: usize = 100;

/// Words of a search beyond this many are ignored.
const MOST_WORDS: usize = 8;

/// Whose name it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::audit) enum Role {
    /// Of who did something.
    Actor,
    /// Of what it was done to.
    Subject,
}

impl Role {
    pub fn code(self) -> &'static str {
        match self {
            Role::Actor => "actor",
            Role::Subject => "subject",
        }
    }
}

/// The names that a search means.
#[derive(Clone)]
pub(in crate::audit) enum Names {
    Few(Vec<String>),
    /// More than a hundred, by the patterns that they fit.
    Many(Vec<String>),
}

/// The names that have all words of the search.
pub(in crate::audit) async fn names(conn: &mut Conn, role: Role, search: &str) -> Result<Names, Error> {
    let words = search.split_whitespace().take(MOST_WORDS);
    let patterns: Vec<String> = words.map(word_pattern).collect();
    let mut found = audit_names::table
        .filter(audit_names::role.eq(role.code()))
        .select(audit_names::name)
        .limit(i64::try_from(FEW + 1).unwrap_or(i64::MAX))
        .into_boxed();
    for pattern in &patterns {
        found = found.filter(audit_names::search_text.like(pattern));
    }
    let found: Vec<String> = found.load(conn).await?;
    Ok(if found.len() > FEW { Names::Many(patterns) } else { Names::Few(found) })
}

#[derive(QueryableByName)]
struct Kind {
    #[diesel(sql_type = Text)]
    kind: String,
}

/// Every kind of event that the log has, from its index one by one: there are a few dozen among all lines.
pub(in crate::audit) async fn kinds(conn: &mut Conn) -> Result<Vec<String>, Error> {
    let rows: Vec<Kind> = diesel::sql_query(
        "WITH RECURSIVE kinds AS (
            (SELECT kind FROM audit_events ORDER BY kind LIMIT 1)
            UNION ALL
            SELECT (SELECT kind FROM audit_events WHERE kind > kinds.kind ORDER BY kind LIMIT 1) FROM kinds WHERE kinds.kind IS NOT NULL
        )
        SELECT kind FROM kinds WHERE kind IS NOT NULL",
    )
    .load(conn)
    .await?;
    Ok(rows.into_iter().map(|row| row.kind).collect())
}
