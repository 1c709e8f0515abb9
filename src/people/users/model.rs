//! What a user is to those who manage users.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::access::{Actor, PermissionSet};
use crate::accounts::Username;
use crate::web::Error;

/// Whether a user can sign in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::people) enum UserStatus {
    Active,
    Deactivated,
}

impl UserStatus {
    pub const ALL: [UserStatus; 2] = [UserStatus::Active, UserStatus::Deactivated];

    pub fn of(active: bool) -> UserStatus {
        if active {
            UserStatus::Active
        } else {
            UserStatus::Deactivated
        }
    }

    pub fn parse(code: &str) -> Option<UserStatus> {
        UserStatus::ALL
            .into_iter()
            .find(|status| status.code() == code)
    }

    pub fn code(self) -> &'static str {
        match self {
            UserStatus::Active => "active",
            UserStatus::Deactivated => "deactivated",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            UserStatus::Active => "Active",
            UserStatus::Deactivated => "Deactivated",
        }
    }
}

/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 255;

/// Why a text is no person's name.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PersonNameProblem {
    #[error("Enter the person’s name")]
    Empty,
    #[error("Name must be {LONGEST_NAME} characters or fewer")]
    Long,
    #[error("A name cannot have control characters. Type it again")]
    Control,
}

/// A person's name: nearly anything, in Unicode NFC, with single spaces inside and none around.
pub(super) fn parse_person_name(typed: &str) -> Result<String, PersonNameProblem> {
    use unicode_normalization::UnicodeNormalization;
    let words: Vec<&str> = typed.split_whitespace().collect();
    let name: String = words.join(" ").nfc().collect();
    match name.chars().count() {
        0 => Err(PersonNameProblem::Empty),
        length if length > LONGEST_NAME => Err(PersonNameProblem::Long),
        // Marks that turn the direction of text could make one name read like another.
        _ if name.chars().any(|letter| {
            letter.is_control()
                || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        }) =>
        {
            Err(PersonNameProblem::Control)
        }
        _ => Ok(name),
    }
}

/// What a form has made of a user.
pub(super) struct CheckedUser {
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
#[derive(Queryable)]
pub(in crate::people) struct Facts {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    pub super_admin: bool,
    pub active: bool,
    pub has_password: bool,
    pub last_sign_in_at: Option<DateTime<Utc>>,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
}

impl User {
    pub fn id(&self) -> Uuid {
        self.facts.id
    }

    pub fn name(&self) -> &str {
        &self.facts.name
    }

    pub fn address(&self) -> String {
        format!("/users/{}", self.facts.id)
    }

    pub fn status(&self) -> UserStatus {
        UserStatus::of(self.facts.active)
    }

    /// Whether this is the account of the person who asks.
    pub fn is(&self, actor: &Actor) -> bool {
        actor.id == Some(self.facts.id)
    }
}

/// Refuses whoever is no super admin to change one.
pub(in crate::people) fn guard(by: &Actor, user: &User) -> Result<(), Error> {
    if user.facts.super_admin && !by.super_admin {
        Err(Error::NotSuperAdmin)
    } else {
        Ok(())
    }
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

impl UserRow {
    pub fn status(&self) -> UserStatus {
        UserStatus::of(self.active)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_name_is_nearly_anything() {
        assert_eq!(
            parse_person_name("  Renée\t O’Brien-Li (she) ").as_deref(),
            Ok("Renée O’Brien-Li (she)")
        );
        assert_eq!(parse_person_name("e\u{301}").as_deref(), Ok("é"));
        assert_eq!(parse_person_name(" \n "), Err(PersonNameProblem::Empty));
        assert_eq!(
            parse_person_name(&"x".repeat(256)),
            Err(PersonNameProblem::Long)
        );
        for hidden in ["Ana\u{202e}ziuR", "Ana\u{7}"] {
            assert_eq!(parse_person_name(hidden), Err(PersonNameProblem::Control));
        }
    }
}
