//! The columns of the list of users: headings, orders and the database columns behind them.

use super::model::UserRow;
use crate::db::keyset::{Cursor, Kind};
use crate::web::Column;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum UserColumn {
    Name,
    Username,
    Status,
    LastSignIn,
    Created,
}

impl Column for UserColumn {
    const ALL: &'static [UserColumn] =
        &[UserColumn::Name, UserColumn::Username, UserColumn::Status, UserColumn::LastSignIn, UserColumn::Created];

    fn code(self) -> &'static str {
        match self {
            UserColumn::Name => "name",
            UserColumn::Username => "username",
            UserColumn::Status => "status",
            UserColumn::LastSignIn => "last-sign-in",
            UserColumn::Created => "created",
        }
    }

    fn label(self) -> &'static str {
        match self {
            UserColumn::Name => "Name",
            UserColumn::Username => "User name",
            UserColumn::Status => "Status",
            UserColumn::LastSignIn => "Last sign-in",
            UserColumn::Created => "Created",
        }
    }

    fn orders(self) -> [&'static str; 2] {
        match self {
            UserColumn::LastSignIn | UserColumn::Created => ["oldest first", "newest first"],
            _ => ["A to Z", "Z to A"],
        }
    }

    fn kind(self) -> Kind {
        self.sql().1
    }
}

impl UserColumn {
    /// The database column and what it holds.
    pub fn sql(self) -> (&'static str, Kind) {
        match self {
            UserColumn::Name => ("name COLLATE \"und-x-icu\"", Kind::Text),
            UserColumn::Username => ("username COLLATE \"und-x-icu\"", Kind::Text),
            UserColumn::Status => ("(CASE WHEN active THEN 'active' ELSE 'deactivated' END)", Kind::Text),
            // Who has never signed in comes first.
            UserColumn::LastSignIn => ("coalesce(last_sign_in_at, 'epoch'::timestamptz)", Kind::Time),
            UserColumn::Created => ("created_at", Kind::Time),
        }
    }

    pub fn place(self, row: &UserRow) -> Cursor {
        let value = match self {
            UserColumn::Name => row.name.clone(),
            UserColumn::Username => row.username.clone(),
            UserColumn::Status => row.status().code().to_string(),
            UserColumn::LastSignIn => row.last_sign_in_at.unwrap_or_default().to_rfc3339(),
            UserColumn::Created => row.created_at.to_rfc3339(),
        };
        Cursor { value, id: row.id }
    }
}
