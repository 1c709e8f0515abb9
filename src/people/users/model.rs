//! What a user is to those who manage users.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::access::{Actor, PermissionSet};
use crate::accounts::Username;
use crate::db::schema::users;
use crate::db::text_enum;
use crate::web::{Column, Confirmation, Error, Row};

text_enum! {
    /// Whether a user can sign in.
    pub(in crate::people) enum UserStatus {
        Active = "active", "Active";
        Deactivated = "deactivated", "Deactivated";
    }
}

impl UserStatus {
    pub fn of(active: bool) -> UserStatus {
        if active { UserStatus::Active } else { UserStatus::Deactivated }
    }
}

/// What a form has made of a user.
pub(in crate::people) struct CheckedUser {
    pub username: Username,
    pub name: String,
    /// The boxes as they were ticked.
    pub chosen: PermissionSet,
}

/// A user as it is stored.
pub(in crate::people) struct User {
    pub facts: Facts,
    /// What is granted to the user directly.
    pub permissions: PermissionSet,
}

/// The columns of a user.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
pub(in crate::people) struct Facts {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    pub super_admin: bool,
    pub active: bool,
    #[diesel(select_expression = users::password_hash.is_not_null())]
    pub has_password: bool,
    pub last_sign_in_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

impl Deref for User {
    type Target = Facts;

    fn deref(&self) -> &Facts {
        &self.facts
    }
}

impl User {
    pub fn id(&self) -> Uuid {
        self.id
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn address(&self) -> String {
        format!("/users/{}", self.id)
    }

    pub fn status(&self) -> UserStatus {
        UserStatus::of(self.active)
    }

    /// The page that asks before something is done to the user.
    pub fn confirmation(&self, step: &'static str) -> Confirmation {
        Confirmation::about(("/users", "Users"), (&self.address(), self.name()), step)
    }

    /// Whether this is the actor's own account.
    pub fn is(&self, actor: &Actor) -> bool {
        actor.id == Some(self.id)
    }
}

/// Refuses a change to a super admin by a person who is none.
pub(in crate::people) fn guard(by: &Actor, user: &User) -> Result<(), Error> {
    if user.super_admin && !by.super_admin { Err(Error::NotSuperAdmin) } else { Ok(()) }
}

/// A row of the list.
#[derive(QueryableByName)]
pub(super) struct UserRow {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub username: String,
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Bool)]
    pub super_admin: bool,
    #[diesel(sql_type = Bool)]
    pub active: bool,
    #[diesel(sql_type = Bool)]
    pub has_password: bool,
    /// The user can sign in with the provider.
    #[diesel(sql_type = Bool)]
    pub connected: bool,
    /// The names of the groups that the user is in directly.
    #[diesel(sql_type = Text)]
    pub groups: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_sign_in_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    pub created_at: DateTime<Utc>,
}

impl Row for UserRow {
    const NOUN: [&'static str; 2] = ["user", "users"];
    const COLUMNS: &'static [Column<UserRow>] = &[
        Column::text("name", "Name", "name COLLATE \"und-x-icu\"", |row| &row.name),
        Column::text("username", "User name", "username COLLATE \"und-x-icu\"", |row| &row.username),
        Column::text("status", "Status", "(CASE WHEN active THEN 'active' ELSE 'deactivated' END)", |row| {
            row.status().code()
        }),
        // Users who have never signed in come first.
        Column::time("last-sign-in", "Last sign-in", "coalesce(last_sign_in_at, 'epoch'::timestamptz)", |row| {
            row.last_sign_in_at.unwrap_or_default()
        }),
        Column::time("created", "Created", "created_at", |row| row.created_at),
    ];

    fn id(&self) -> Uuid {
        self.id
    }
}

impl UserRow {
    pub fn status(&self) -> UserStatus {
        UserStatus::of(self.active)
    }
}
