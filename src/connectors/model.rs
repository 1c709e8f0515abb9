//! What a connector is: as stored, as created, as saved.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};
use uuid::Uuid;

use super::owner::Stewardship;
use super::{ConnectorKey, Health, Method};
use crate::access::{Actor, Right, Rights};
use crate::categories::CategoryId;
use crate::db::{StoredValueError, known};
use crate::name::{Name, NameProblem, searched};
use crate::outbound::HttpUrl;
use crate::web::{Column, Error, Row};

/// The longest name and display name, in characters.
const LONGEST_NAME: usize = 255;

pub type ConnectorId = Uuid;

/// The label of the key.
pub(super) const KEY: &str = "Key";

/// The label of the field that is shown as a link.
pub(super) const DOCUMENTATION: &str = "Documentation link";

/// What pages and audit lines call those whom a connector does not list.
pub const EVERYBODY: &str = "Everybody with the permission";

/// A connector's name: rule of names, at most 255 characters.
pub fn parse_name(typed: &str) -> Result<Name, NameProblem> {
    Name::parse(typed, LONGEST_NAME)
}

/// What the Details tab has of a connector, but for its categories.
#[derive(Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = crate::db::schema::connectors, treat_none_as_null = true)]
pub struct Details {
    pub name: Name,
    pub display_name: String,
    pub description: String,
    pub base_url: Option<HttpUrl>,
    pub enabled: bool,
    #[diesel(embed)]
    pub stewardship: Stewardship,
}

/// The names of what a connector refers to.
pub struct Referred<'a> {
    /// Joined.
    pub categories: &'a str,
    /// As [`OwnerChoice`](super::owner::OwnerChoice) has it; empty without an owner.
    pub owner: &'a str,
}

impl Details {
    /// The base URL's host, with scheme and port.
    pub fn origin(&self) -> Option<String> {
        self.base_url.as_ref().map(|url| url.origin().to_string())
    }

    /// Every field of the tab with its label, as the audit log and the page with both versions show it.
    pub fn labelled(&self, names: Referred<'_>) -> [(&'static str, String); 10] {
        [
            ("Name", self.name.to_string()),
            ("Display name", self.display_name.clone()),
            ("Description", self.description.clone()),
            ("Base URL", self.base_url.as_ref().map_or("", HttpUrl::as_str).into()),
            ("Category", names.categories.into()),
            ("Status", if self.enabled { "Enabled" } else { "Disabled" }.into()),
            ("Owner", names.owner.into()),
            ("Contact", self.stewardship.contact.clone()),
            (DOCUMENTATION, self.stewardship.documentation_url.clone()),
            ("Notes", self.stewardship.notes.clone()),
        ]
    }

    /// The text that the search looks through, besides the categories' names.
    pub fn searched(&self) -> String {
        searched(&[&self.name, &self.display_name, &self.description])
    }
}

/// A connector that does not exist yet.
pub struct NewConnector {
    /// Made with the empty form, so that pressing twice creates one.
    pub id: ConnectorId,
    /// `None` for one that is made from the name.
    pub key: Option<ConnectorKey>,
    pub details: Details,
    pub method: Method,
    pub categories: Vec<CategoryId>,
}

/// What no row says of itself.
fn no_rights() -> SqlLiteral<Array<Text>> {
    sql("'{}'::text[]")
}

/// The owner's name, as [`OwnerChoice`](super::owner::OwnerChoice) has it; empty without an owner.
fn owner_name() -> SqlLiteral<Text> {
    sql("coalesce(
        (SELECT u.name || ' (' || u.username || ')' FROM users u WHERE u.id = connectors.owner_user_id),
        (SELECT 'group ' || g.name FROM groups g WHERE g.id = connectors.owner_group_id), '')")
}

/// A connector as it is stored, and as one person sees it.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::connectors)]
pub struct Connector {
    pub id: ConnectorId,
    pub key: String,
    #[diesel(embed)]
    pub details: Details,
    method: Method,
    pub verify_certificates: bool,
    status: Health,
    pub status_since: DateTime<Utc>,
    pub category_names: String,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
    pub deleted_at: Option<DateTime<Utc>>,
    pub label: String,
    /// What is open to everybody who has the permission for it.
    #[diesel(column_name = open_rights, deserialize_as = Vec<String>)]
    pub open: Rights,
    pub access_version: i32,
    pub access_updated_at: Option<DateTime<Utc>>,
    pub access_updated_by: String,
    /// Whether it is the connector of a collection, with which it shares name and life.
    pub is_collection: bool,
    #[diesel(select_expression = owner_name(), select_expression_type = SqlLiteral<Text>)]
    pub owner_name: String,
    /// The rights that its access list gives the person who looks at it, whatever their permissions. None until
    /// [`seen_by`](Connector::seen_by) has set them.
    #[diesel(select_expression = no_rights(), select_expression_type = SqlLiteral<Array<Text>>, deserialize_as = Vec<String>)]
    pub admits: Rights,
    /// What that person may do with it: has the permission for, and is admitted to.
    #[diesel(select_expression = no_rights(), select_expression_type = SqlLiteral<Array<Text>>, deserialize_as = Vec<String>)]
    pub rights: Rights,
}

/// Its name, base URL and the like.
impl Deref for Connector {
    type Target = Details;

    fn deref(&self) -> &Details {
        &self.details
    }
}

impl Connector {
    /// The connector as this person sees it, whom it lists for these rights; of one that it is not open to they know
    /// nothing.
    pub(super) fn seen_by(mut self, by: &Actor, listed: Rights) -> Result<Connector, Error> {
        self.admits = admission(by, self.open, listed)?;
        self.rights = Rights::of(by.super_admin, by.permissions, self.open, listed);
        Ok(self)
    }

    /// Whether this person has the permission to do this, but is not on the connector's access list.
    pub fn is_kept_from(&self, by: &Actor, right: Right) -> bool {
        !self.rights.contains(right) && by.may(right.permission())
    }

    /// Refuses a person who lacks the permission for this, or is not on the connector's access list. The connector of a
    /// collection is authorized by the program alone.
    pub fn require(&self, by: &Actor, right: Right) -> Result<(), Error> {
        if right == Right::Authorize && self.is_collection {
            Err(Error::OfCollection)
        } else if self.rights.contains(right) {
            Ok(())
        } else if self.is_kept_from(by, right) {
            Err(Error::NotListed(right.code()))
        } else {
            Err(Error::Forbidden(right.permission().label()))
        }
    }

    /// Refuses a person who is not admitted to editing: deleting has a permission of its own, and no right of its own.
    pub fn require_to_delete(&self) -> Result<(), Error> {
        if self.admits.contains(Right::Edit) { Ok(()) } else { Err(Error::NotListed("delete")) }
    }

    /// Refuses to change what a collection sets.
    pub fn require_no_collection(&self) -> Result<(), Error> {
        if self.is_collection { Err(Error::OfCollection) } else { Ok(()) }
    }

    /// The names of its categories and its owner.
    pub fn referred(&self) -> Referred<'_> {
        Referred { categories: &self.category_names, owner: &self.owner_name }
    }

    pub fn method(&self) -> Method {
        self.method
    }

    pub fn health(&self) -> Health {
        self.status
    }
}

/// The rights that a connector's access list gives a person, whatever their permissions. A connector that they may not
/// view is not found.
pub(super) fn admission(by: &Actor, open: Rights, listed: Rights) -> Result<Rights, Error> {
    match open.or(listed) {
        _ if by.super_admin => Ok(Rights::ALL),
        admits if admits.contains(Right::View) => Ok(admits),
        _ => Err(Error::NotFound),
    }
}

/// A connector as the list shows it.
#[derive(QueryableByName)]
#[diesel(table_name = crate::db::schema::connectors)]
pub(super) struct ListRow {
    pub id: ConnectorId,
    pub key: String,
    pub name: String,
    pub label: String,
    pub description_start: String,
    pub method: String,
    pub verify_certificates: bool,
    pub status: String,
    pub status_since: DateTime<Utc>,
    pub category_names: String,
    pub categories_start: String,
    pub updated_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// The rights that its access list gives the reader, whatever their permissions.
    #[diesel(sql_type = Array<Text>, deserialize_as = Vec<String>)]
    pub admits: Rights,
}

impl Row for ListRow {
    const NOUN: [&'static str; 2] = ["data connector", "data connectors"];
    const COLUMNS: &'static [Column<ListRow>] = &[
        Column::text("name", "Name", "label", |row| &row.label),
        Column::text("description", "Description", "description_start", |row| &row.description_start),
        Column::text("method", "Method", "method", |row| &row.method),
        Column::text("category", "Category", "categories_start", |row| &row.categories_start),
        Column::text("status", "Status", "status", |row| &row.status),
        Column::time("modified", "Modified", "updated_at", |row| row.updated_at),
        Column::time("created", "Created", "created_at", |row| row.created_at),
    ];

    fn id(&self) -> ConnectorId {
        self.id
    }
}

impl ListRow {
    /// `None` for one that cannot be read; the list shows the row as it is, and the cause is logged.
    pub fn method(&self) -> Option<Method> {
        self.read("connectors.method", Method::parse(&self.method))
    }

    /// `None` as for the method.
    pub fn health(&self) -> Option<Health> {
        self.read("connectors.status", Health::parse(&self.status))
    }

    fn read<T>(&self, column: &'static str, read: Option<T>) -> Option<T> {
        let known = known(column, self.id, read);
        known.inspect_err(StoredValueError::log).ok()
    }

    /// The link to the page on which the reader can repair it; `None` where nothing is to be done, or they may not.
    pub fn repair(&self) -> Option<(&'static str, String)> {
        let (right, words, tab) = match self.health() {
            None | Some(Health::Healthy) => return None,
            Some(Health::Disabled) => (Right::Edit, "Enable", "/details"),
            Some(Health::NotTested) => (Right::Authorize, "Test", "/authorization"),
            _ => (Right::Authorize, "Repair", "/authorization"),
        };
        let address = || (words, format!("/connectors/{}{tab}", self.key));
        self.admits.contains(right).then(address)
    }

    /// Whether the reader is admitted to editing and deleting it.
    pub fn is_open_to_edit(&self) -> bool {
        self.admits.contains(Right::Edit)
    }

    /// The description, cut with an ellipsis where the row holds only its beginning.
    pub fn description(&self) -> String {
        let cut = self.description_start.chars().count() >= 100;
        if cut { format!("{}…", self.description_start.trim_end()) } else { self.description_start.clone() }
    }
}

/// A connector in the trash, as one person sees it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::connectors)]
pub(super) struct TrashedConnector {
    pub id: ConnectorId,
    pub key: String,
    pub label: String,
    pub name: String,
    pub deleted_at: Option<DateTime<Utc>>,
    pub deleted_by: Option<String>,
    #[diesel(column_name = open_rights, deserialize_as = Vec<String>)]
    pub open: Rights,
    /// The rights that its access list gives that person.
    #[diesel(select_expression = no_rights(), select_expression_type = SqlLiteral<Array<Text>>, deserialize_as = Vec<String>)]
    pub admits: Rights,
}

impl TrashedConnector {
    /// Whether the person may restore it: is admitted to editing.
    pub fn may_restore(&self) -> bool {
        self.admits.contains(Right::Edit)
    }
}
