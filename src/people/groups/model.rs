//! What a group is, and who can be in it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text};
use uuid::Uuid;

use crate::access::PermissionSet;
use crate::db::schema::{groups, users};
use crate::name::{Name, NameProblem};
use crate::web::{Column, Confirmation, Row, beginning};

/// The longest name of a group, in characters.
const LONGEST_NAME: usize = 100;

/// A group's name: rule of names, at most 100 characters.
pub fn parse_name(typed: &str) -> Result<Name, NameProblem> {
    Name::parse(typed, LONGEST_NAME)
}

/// What a form has made of a group.
pub struct CheckedGroup {
    pub name: Name,
    pub description: String,
    /// The value of the provider's claim that makes people members, empty if none does; `None` leaves it as it is.
    pub claim_value: Option<String>,
    /// The boxes as they were ticked.
    pub chosen: PermissionSet,
}

/// A group as lists and pages show it.
#[derive(QueryableByName, Default)]
#[diesel(table_name = groups)]
pub struct Group {
    pub id: Uuid,
    pub name: String,
    pub description: String,
    /// The value of the provider's claim that makes people members; empty if none does.
    pub claim_value: String,
    /// What is granted to the group directly.
    #[diesel(sql_type = Array<Text>, deserialize_as = Vec<String>)]
    pub permissions: PermissionSet,
    #[diesel(sql_type = BigInt)]
    pub users: i64,
    #[diesel(sql_type = BigInt)]
    pub groups: i64,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

impl Group {
    pub fn address(&self) -> String {
        format!("/groups/{}", self.id)
    }

    /// The page that asks before something is done to the group.
    pub fn confirmation(&self, step: &'static str) -> Confirmation {
        Confirmation::about(("/groups", "Groups"), (&self.address(), &self.name), step)
    }

    pub fn members(&self) -> i64 {
        self.users + self.groups
    }

    /// The beginning of the description.
    pub fn description_start(&self) -> String {
        beginning(&self.description, DESCRIPTION_START)
    }
}

/// What the list shows of a description, in characters.
const DESCRIPTION_START: usize = 200;

impl Row for Group {
    const NOUN: [&'static str; 2] = ["group", "groups"];
    const COLUMNS: &'static [Column<Group>] = &[
        Column::text("name", "Name", "name COLLATE \"und-x-icu\"", |row| &row.name),
        Column::number("members", "Members", "users + groups", Group::members),
        Column::number("permissions", "Permissions", "cardinality(permissions)", |row| row.permissions.len()),
        Column::time("modified", "Modified", "updated_at", |row| row.updated_at),
        Column::time("created", "Created", "created_at", |row| row.created_at),
    ];

    fn id(&self) -> Uuid {
        self.id
    }
}

/// Who can be in a group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Member {
    User(Uuid),
    Group(Uuid),
}

impl Member {
    /// Reads the value of a box: `user.` or `group.` and the id.
    pub fn parse(value: &str) -> Option<Member> {
        let (kind, id) = value.split_once('.')?;
        let id = id.parse().ok()?;
        match kind {
            "user" => Some(Member::User(id)),
            "group" => Some(Member::Group(id)),
            _ => None,
        }
    }

    /// The value of its box.
    pub fn value(&self) -> String {
        match self {
            Member::User(id) => format!("user.{id}"),
            Member::Group(id) => format!("group.{id}"),
        }
    }
}

/// A member of a group, or a user or group that could be one.
#[derive(QueryableByName)]
#[diesel(table_name = users)]
pub struct MemberRow {
    /// `user` or `group`.
    #[diesel(sql_type = Text)]
    pub kind: String,
    pub id: Uuid,
    pub name: String,
    /// A user's user name; empty for a group.
    pub username: String,
    pub active: bool,
    /// The membership came by a claim of the provider, and is renewed at every sign-in with it.
    #[diesel(sql_type = Bool)]
    pub by_claim: bool,
}

impl Row for MemberRow {
    const NOUN: [&'static str; 2] = ["member", "members"];
    const COLUMNS: &'static [Column<MemberRow>] = &[
        Column::text("name", "Name", "name COLLATE \"und-x-icu\"", |row| &row.name),
        Column::<MemberRow>::text("kind", "Kind", "kind", |row| &row.kind).called(["groups first", "users first"]),
    ];

    fn id(&self) -> Uuid {
        self.id
    }
}

impl MemberRow {
    pub fn member(&self) -> Member {
        if self.is_group() { Member::Group(self.id) } else { Member::User(self.id) }
    }

    /// The value of its box.
    pub fn value(&self) -> String {
        self.member().value()
    }

    pub fn is_group(&self) -> bool {
        self.kind == "group"
    }

    pub fn kind_word(&self) -> &'static str {
        match (self.is_group(), self.by_claim) {
            (true, _) => "Group",
            (false, true) => "User, by claim",
            (false, false) => "User",
        }
    }

    /// Its own page.
    pub fn address(&self) -> String {
        let list = if self.is_group() { "groups" } else { "users" };
        format!("/{list}/{}", self.id)
    }

    /// `Ben Okafor (ben)`, `group Accounting`: tells namesakes apart.
    pub fn full_name(&self) -> String {
        if self.is_group() { format!("group {}", self.name) } else { format!("{} ({})", self.name, self.username) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_is_a_kind_and_an_id() {
        let id = Uuid::from_u128(7);
        assert_eq!(Member::parse(&format!("user.{id}")), Some(Member::User(id)));
        assert_eq!(Member::parse(&format!("group.{id}")), Some(Member::Group(id)));
        for other in ["", "user", "user.", "user.x", &format!("api.{id}"), &id.to_string()] {
            assert_eq!(Member::parse(other), None, "{other}");
        }
    }
}
