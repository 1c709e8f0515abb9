//! Which connectors somebody sees where many are shown.

use uuid::Uuid;

use super::Actor;

/// All, or those that are open to everybody or list this user. It says nothing of the permission to see any.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Visibility {
    All,
    Of(Uuid),
}

impl Visibility {
    pub fn is_limited(self) -> bool {
        self != Visibility::All
    }

    /// The condition on rows of `connectors`, behind the name of that table in the statement; `None` if all are seen.
    /// An id of this program's own is all that is put into the text.
    ///
    /// The list is a subquery and no array: PostgreSQL hashes it once for a statement, and would search an array from
    /// its beginning for each row.
    pub fn condition(self, table: &str) -> Option<String> {
        let listed = self.listed()?;
        Some(format!("({table}.open_to_view OR {table}.id IN {listed})"))
    }

    /// The same behind an AND, or nothing.
    pub fn and(self, table: &str) -> String {
        self.condition(table).map_or(String::new(), |condition| format!(" AND {condition}"))
    }

    /// The same for a column that holds a connector's id, in a table that outlives connectors: of what is gone for good
    /// nobody can say who might have seen it.
    pub fn and_of(self, column: &str) -> String {
        self.listed().map_or(String::new(), |listed| {
            format!(" AND ({column} IN {listed} OR EXISTS (SELECT FROM connectors seen WHERE seen.id = {column} AND seen.open_to_view))")
        })
    }

    /// What is not seen, as a condition on rows of `connectors`; `None` if all are.
    pub fn hidden(self, table: &str) -> Option<String> {
        let listed = self.listed()?;
        Some(format!("(NOT {table}.open_to_view AND {table}.id NOT IN {listed})"))
    }

    /// The connectors that are seen, for a FROM: two parts, so that each is found by an index of its own.
    pub fn rows(self) -> String {
        self.listed().map_or("connectors".into(), |listed| {
            format!("(SELECT * FROM connectors WHERE open_to_view UNION ALL SELECT * FROM connectors WHERE NOT open_to_view AND id IN {listed}) AS connectors")
        })
    }

    /// The connectors that list the person.
    fn listed(self) -> Option<String> {
        match self {
            Visibility::All => None,
            Visibility::Of(user) => Some(format!("(SELECT unnest(connectors_listing('{user}')))")),
        }
    }
}

/// All rights, as the database keeps them.
const EVERYTHING: &str = "'{view,call,edit,authorize}'::text[]";

/// The SQL of that to which a row of `connectors`, behind this name in the statement, admits somebody, whatever their
/// permissions. `who` stands for their id there, as a bind or a literal. Nothing is looked up for a super admin, nor
/// for what is open to everybody.
pub fn admission_sql(by: &Actor, table: &str, who: &str) -> String {
    if by.super_admin {
        return EVERYTHING.to_string();
    }
    format!(
        "(CASE WHEN {table}.open_rights @> {EVERYTHING} THEN {table}.open_rights ELSE {table}.open_rights || listed_rights({table}.id, {who}) END)"
    )
}
