//! Who looks after a connector: a user or a group, and how people find and name one.

use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use uuid::Uuid;

/// The filter of the list for connectors without an owner.
pub(super) const NO_OWNER: &str = "none";

/// A user or a group that looks after connectors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Owner {
    User(Uuid),
    Group(Uuid),
}

impl Owner {
    /// Reads what [`Owner::value`] has written.
    pub fn parse(value: &str) -> Option<Owner> {
        let (kind, id) = value.split_once('.')?;
        let id = id.parse().ok()?;
        match kind {
            "user" => Some(Owner::User(id)),
            "group" => Some(Owner::Group(id)),
            _ => None,
        }
    }

    /// The owner as a filter of the list has it: `user.` or `group.` and the id.
    pub fn value(self) -> String {
        match self {
            Owner::User(id) => format!("user.{id}"),
            Owner::Group(id) => format!("group.{id}"),
        }
    }
}

/// Who looks after a connector, and what people need to know besides.
#[derive(Clone, Default, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = crate::db::schema::connectors, treat_none_as_null = true)]
pub struct Stewardship {
    pub(super) owner_user_id: Option<Uuid>,
    pub(super) owner_group_id: Option<Uuid>,
    /// How the people behind it are reached: a mail address, a phone number, a channel.
    pub contact: String,
    /// Where to read about the API: an http or https URL, which may have a fragment; empty for none.
    pub documentation_url: String,
    pub notes: String,
}

impl Stewardship {
    pub fn owner(&self) -> Option<Owner> {
        self.owner_user_id.map(Owner::User).or(self.owner_group_id.map(Owner::Group))
    }

    pub fn owned_by(self, owner: Option<Owner>) -> Stewardship {
        let (owner_user_id, owner_group_id) = match owner {
            None => (None, None),
            Some(Owner::User(id)) => (Some(id), None),
            Some(Owner::Group(id)) => (None, Some(id)),
        };
        Stewardship { owner_user_id, owner_group_id, ..self }
    }
}

/// A user or group that can be chosen as the owner.
#[derive(QueryableByName)]
pub struct OwnerChoice {
    /// `user` or `group`.
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    /// `Ben Okafor (ben)`, `group Accounting`: tells namesakes apart.
    #[diesel(sql_type = Text)]
    pub name: String,
}

impl OwnerChoice {
    pub fn owner(&self) -> Owner {
        if self.kind == "group" { Owner::Group(self.id) } else { Owner::User(self.id) }
    }
}

/// Why what was typed names no owner.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum OwnerProblem {
    #[error("No active user and no group is called “{0}”. Enter a name or a user name, or leave Owner empty")]
    Unknown(String),
    #[error("Several are called “{0}”. Enter the user name, or “group” and the name, such as “{1}”")]
    Ambiguous(String, String),
}

impl OwnerProblem {
    /// The owner among those that the typed text may mean.
    pub(super) fn only(typed: &str, found: Vec<OwnerChoice>) -> Result<Option<Owner>, OwnerProblem> {
        match found.as_slice() {
            [] => Err(OwnerProblem::Unknown(typed.into())),
            [choice] => Ok(Some(choice.owner())),
            [first, ..] => Err(OwnerProblem::Ambiguous(typed.into(), first.name.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_survives_the_address_and_rubbish_is_none() {
        let id = Uuid::from_u128(7);
        for owner in [Owner::User(id), Owner::Group(id)] {
            assert_eq!(Owner::parse(&owner.value()), Some(owner));
            assert_eq!(Stewardship::default().owned_by(Some(owner)).owner(), Some(owner));
        }
        for rubbish in ["", "none", "user.", "user.x", &format!("api.{id}"), &id.to_string()] {
            assert_eq!(Owner::parse(rubbish), None, "{rubbish}");
        }
    }
}
