//! What a user is to those who manage users.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Text};
use uuid::Uuid;

use crate::access::{Actor, PermissionSet};
use crate::accounts::Username;
use crate::db::schema::users;
use crate::db::text_enum;
use crate::web::{Column, Confirmation, Error, Row};

text_enum! {
    /// Whether a user can sign in.
    pub enum UserStatus {
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
pub struct CheckedUser {
    pub username: Username,
    pub name: String,
    /// The boxes as they were ticked.
    pub chosen: PermissionSet,
}

/// A user as lists and pages show it.
#[derive(QueryableByName)]
#[diesel(table_name = users)]
pub struct User {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    pub super_admin: bool,
    pub active: bool,
    #[diesel(sql_type = Bool)]
    pub has_password: bool,
    /// The user can sign in with the provider.
    #[diesel(sql_type = Bool)]
    pub connected: bool,
    /// The names of the groups that the user is in directly.
    #[diesel(sql_type = Text)]
    pub groups: String,
    /// What is granted to the user directly.
    #[diesel(sql_type = Array<Text>, deserialize_as = Vec<String>)]
    pub permissions: PermissionSet,
    pub last_sign_in_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

impl User {
    pub fn address(&self) -> String {
        format!("/users/{}", self.id)
    }

    pub fn status(&self) -> UserStatus {
        UserStatus::of(self.active)
    }

    /// The page that asks before something is done to the user.
    pub fn confirmation(&self, step: &'static str) -> Confirmation {
        Confirmation::about(("/users", "Users"), (&self.address(), &self.name), step)
    }

    /// Whether this is the actor's own account.
    pub fn is(&self, actor: &Actor) -> bool {
        actor.id == Some(self.id)
    }
}

/// Refuses a change to a super admin by a person who is none.
pub fn guard(by: &Actor, user: &User) -> Result<(), Error> {
    if user.super_admin && !by.super_admin { Err(Error::NotSuperAdmin) } else { Ok(()) }
}

impl Row for User {
    const NOUN: [&'static str; 2] = ["user", "users"];
    const COLUMNS: &'static [Column<User>] = &[
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
