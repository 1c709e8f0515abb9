//! The columns of the list of groups and of the list of a group's members.

use super::model::{GroupRow, MemberRow};
use crate::db::keyset::{Cursor, Kind};
use crate::web::Column;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupColumn {
    Name,
    Members,
    Permissions,
    Modified,
    Created,
}

impl Column for GroupColumn {
    const ALL: &'static [GroupColumn] = &[
        GroupColumn::Name,
        GroupColumn::Members,
        GroupColumn::Permissions,
        GroupColumn::Modified,
        GroupColumn::Created,
    ];

    fn code(self) -> &'static str {
        match self {
            GroupColumn::Name => "name",
            GroupColumn::Members => "members",
            GroupColumn::Permissions => "permissions",
            GroupColumn::Modified => "modified",
            GroupColumn::Created => "created",
        }
    }

    fn label(self) -> &'static str {
        match self {
            GroupColumn::Name => "Name",
            GroupColumn::Members => "Members",
            GroupColumn::Permissions => "Permissions",
            GroupColumn::Modified => "Modified",
            GroupColumn::Created => "Created",
        }
    }

    fn orders(self) -> [&'static str; 2] {
        match self {
            GroupColumn::Name => ["A to Z", "Z to A"],
            GroupColumn::Members | GroupColumn::Permissions => ["fewest first", "most first"],
            GroupColumn::Modified | GroupColumn::Created => ["oldest first", "newest first"],
        }
    }

    fn kind(self) -> Kind {
        self.sql().1
    }
}

impl GroupColumn {
    /// The database column and what it holds.
    pub fn sql(self) -> (&'static str, Kind) {
        match self {
            GroupColumn::Name => ("name COLLATE \"und-x-icu\"", Kind::Text),
            GroupColumn::Members => ("members", Kind::Number),
            GroupColumn::Permissions => ("permissions", Kind::Number),
            GroupColumn::Modified => ("updated_at", Kind::Time),
            GroupColumn::Created => ("created_at", Kind::Time),
        }
    }

    pub fn place(self, row: &GroupRow) -> Cursor {
        let value = match self {
            GroupColumn::Name => row.name.clone(),
            GroupColumn::Members => row.members.to_string(),
            GroupColumn::Permissions => row.permissions.to_string(),
            GroupColumn::Modified => row.updated_at.to_rfc3339(),
            GroupColumn::Created => row.created_at.to_rfc3339(),
        };
        Cursor { value, id: row.id }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberColumn {
    Name,
    Kind,
}

impl Column for MemberColumn {
    const ALL: &'static [MemberColumn] = &[MemberColumn::Name, MemberColumn::Kind];

    fn code(self) -> &'static str {
        match self {
            MemberColumn::Name => "name",
            MemberColumn::Kind => "kind",
        }
    }

    fn label(self) -> &'static str {
        match self {
            MemberColumn::Name => "Name",
            MemberColumn::Kind => "Kind",
        }
    }

    fn orders(self) -> [&'static str; 2] {
        match self {
            MemberColumn::Name => ["A to Z", "Z to A"],
            MemberColumn::Kind => ["groups first", "users first"],
        }
    }

    fn kind(self) -> Kind {
        Kind::Text
    }
}

impl MemberColumn {
    /// The database column.
    pub fn sql(self) -> &'static str {
        match self {
            MemberColumn::Name => "name COLLATE \"und-x-icu\"",
            MemberColumn::Kind => "kind",
        }
    }

    pub fn place(self, row: &MemberRow) -> Cursor {
        let value = match self {
            MemberColumn::Name => row.name.clone(),
            MemberColumn::Kind => row.kind.clone(),
        };
        Cursor { value, id: row.id }
    }
}
