//! What may be done with one connector, and which connectors lists show: permissions say what people may do at all,
//! the connector's own lists with which connectors.
//!
//! Rule: a right needs both, the permission for it and the connector's word, and without View there are no other
//! rights. A super admin needs neither. [`Rights::of`] is the only place that decides.

use uuid::Uuid;

use super::{Actor, Permission, PermissionSet};
use crate::db::text_enum;

text_enum! {
    /// One thing that may be done with a connector. The code is also the verb of “may … it”.
    #[repr(u8)]
    pub enum Right {
        /// See that it is there, its settings, its endpoints and its calls.
        View = "view", "View";
        /// Run its endpoints, and call through it with an API key of one's own.
        Call = "call", "Call";
        /// Change its details and endpoints, duplicate it and, with the permission for that, delete it.
        Edit = "edit", "Edit";
        /// Change how it signs in: its authorization, secrets and tokens, Reveal included.
        Authorize = "authorize", "Authorize";
    }
}

impl Right {
    /// Without which permission the right counts for nothing. There is none of its own for authorizing.
    pub fn permission(self) -> Permission {
        match self {
            Right::View => Permission::ViewConnectors,
            Right::Call => Permission::CallConnectors,
            Right::Edit | Right::Authorize => Permission::EditConnectors,
        }
    }
}

/// A set of rights.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rights(u8);

impl Rights {
    pub const NONE: Rights = Rights(0);
    pub const ALL: Rights = Rights(0b1111);

    /// What a person may do with a connector: all as a super admin, else that for which they have the permission and
    /// which is `open` to everybody or for which the connector has `listed` them.
    pub fn of(super_admin: bool, granted: PermissionSet, open: Rights, listed: Rights) -> Rights {
        if super_admin {
            return Rights::ALL;
        }
        open.or(listed).within(Rights::permitted(granted))
    }

    /// That for which there is the permission.
    pub fn permitted(granted: PermissionSet) -> Rights {
        let has = |right: &Right| granted.contains(right.permission());
        Rights::exactly(Right::ALL.into_iter().filter(has))
    }

    /// What is in both; nothing without View.
    pub fn within(self, others: Rights) -> Rights {
        let both = Rights(self.0 & others.0);
        if both.contains(Right::View) { both } else { Rights::NONE }
    }

    /// What is in either.
    pub fn or(self, others: Rights) -> Rights {
        Rights(self.0 | others.0)
    }

    /// The set of what the database says; unknown codes are ignored.
    pub fn from_codes<'a>(codes: impl IntoIterator<Item = &'a str>) -> Rights {
        Rights::exactly(codes.into_iter().filter_map(Right::parse))
    }

    pub fn exactly(rights: impl IntoIterator<Item = Right>) -> Rights {
        rights.into_iter().fold(Rights::NONE, |set, right| Rights(set.0 | 1 << right as u8))
    }

    /// The result of boxes in which `chosen` is ticked now and `before` was ticked first. Ticking another right brings
    /// View; unticking View takes along all others, so the result is never more than was left ticked.
    pub fn couple(before: Rights, chosen: Rights) -> Rights {
        let view_unticked = before.contains(Right::View) && !chosen.contains(Right::View);
        if view_unticked || chosen.is_empty() { Rights::NONE } else { chosen.or(Rights::exactly([Right::View])) }
    }

    pub fn contains(self, right: Right) -> bool {
        self.0 & (1 << right as u8) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.contains(*right))
    }

    /// As the database keeps them.
    pub fn codes(self) -> Vec<&'static str> {
        self.iter().map(Right::code).collect()
    }

    /// “View, Call”; nothing for none.
    pub fn labels(self) -> String {
        let labels: Vec<&str> = self.iter().map(Right::label).collect();
        labels.join(", ")
    }
}

impl From<Vec<String>> for Rights {
    fn from(codes: Vec<String>) -> Rights {
        Rights::from_codes(codes.iter().map(String::as_str))
    }
}

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

    /// The same for a column that holds a connector's id, in a table that outlives connectors: of a connector that was
    /// deleted permanently it is unknown who could see it.
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

/// The SQL of the rights that a row of `connectors`, behind this name in the statement, gives a user, without their
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

#[cfg(test)]
mod tests {
    use super::*;
    use Permission::{CallConnectors, EditConnectors, ViewConnectors};
    use Right::{Authorize, Call, Edit, View};

    fn set(rights: &[Right]) -> Rights {
        Rights::exactly(rights.iter().copied())
    }

    #[test]
    fn a_right_needs_its_permission_and_the_connectors_word() {
        let granted = PermissionSet::exactly([ViewConnectors, CallConnectors]);
        let of = |open: &[Right], listed: &[Right]| Rights::of(false, granted, set(open), set(listed));
        assert_eq!(of(&Right::ALL, &[]), set(&[View, Call]));
        assert_eq!(of(&[View], &[]), set(&[View]));
        assert_eq!(of(&[View], &[View, Call, Edit]), set(&[View, Call]));
        assert_eq!(of(&[], &[View]), set(&[View]));
        assert_eq!(of(&[], &[]), Rights::NONE);
    }

    #[test]
    fn without_view_there_is_nothing() {
        let granted = PermissionSet::exactly([CallConnectors, EditConnectors]);
        let rights = Rights::of(false, granted, Rights::ALL, Rights::ALL);
        assert_eq!(rights, Rights::NONE);
        let granted = PermissionSet::with_required([EditConnectors]);
        let rights = Rights::of(false, granted, set(&[Edit, Authorize]), Rights::NONE);
        assert_eq!(rights, Rights::NONE);
    }

    #[test]
    fn a_super_admin_needs_neither() {
        let rights = Rights::of(true, PermissionSet::default(), Rights::NONE, Rights::NONE);
        assert_eq!(rights, Rights::ALL);
    }

    #[test]
    fn ticking_another_right_brings_view_and_unticking_view_takes_all() {
        assert_eq!(Rights::couple(Rights::NONE, set(&[Call])), set(&[View, Call]));
        assert_eq!(Rights::couple(Rights::ALL, set(&[Call, Edit])), Rights::NONE);
        assert_eq!(Rights::couple(Rights::ALL, set(&[View])), set(&[View]));
        assert_eq!(Rights::couple(set(&[View]), Rights::NONE), Rights::NONE);
    }

    #[test]
    fn codes_read_back() {
        for rights in (0..16).map(Rights) {
            assert_eq!(Rights::from_codes(rights.codes()), rights);
        }
        assert_eq!(Rights::from_codes(["view", "own"]), set(&[View]));
    }
}
