//! Which connectors somebody sees where many are shown.

use uuid::Uuid;

use super::Actor;

/// All, or those that are open to everybody or list this user. It says nothing of the permission to see any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sight {
    All,
    Of(Uuid),
}

impl Sight {
    pub fn is_limited(self) -> bool {
        self != Sight::All
    }

    /// The condition on rows of `connectors`, behind the name of that table in the statement; `None` if all are seen. An id of
    /// this program's own is all that is put into the text. The list is read once for a statement, and only if some row is not open.
    pub fn condition(self, table: &str) -> Option<String> {
        match self {
            Sight::All => None,
            Sight::Of(user) => Some(format!(
                "({table}.open_to_view OR {table}.id = ANY ((SELECT connectors_listing('{user}'))::uuid[]))"
            )),
        }
    }

    /// The same behind an AND, or nothing.
    pub fn and(self, table: &str) -> String {
        self.condition(table)
            .map_or(String::new(), |condition| format!(" AND {condition}"))
    }

    /// The condition on a column that holds a connector's id, in a table that outlives connectors: of what is gone for good nobody
    /// can say who might have seen it. Behind an AND, or nothing.
    pub fn and_of(self, column: &str) -> String {
        self.condition("seen").map_or(String::new(), |condition| {
            format!(
                " AND EXISTS (SELECT FROM connectors seen WHERE seen.id = {column} AND {condition})"
            )
        })
    }
}

/// All rights, as the database keeps them.
const EVERYTHING: &str = "'{view,call,edit,authorize}'::text[]";

/// The SQL of that to which a row of `connectors`, behind this name in the statement, admits somebody, whatever their permissions. `who`
/// stands for their id there, as a bind or a literal. Nothing is looked up for a super admin, nor for what is open to everybody.
pub fn admission_sql(by: &Actor, table: &str, who: &str) -> String {
    if by.super_admin {
        return EVERYTHING.to_string();
    }
    format!(
        "(CASE WHEN {table}.open_rights @> {EVERYTHING} THEN {table}.open_rights ELSE {table}.open_rights || listed_rights({table}.id, {who}) END)"
    )
}
