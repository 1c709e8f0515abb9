//! What a connector is: as stored, as created, as saved.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::{Health, Method};
use crate::categories::CategoryId;
use crate::name::{Name, NameProblem};
use crate::outbound::HttpUrl;

/// The longest name and display name, in characters.
const LONGEST_NAME: usize = 255;

/// Slugs that are pages of their own under `/connectors/`.
const RESERVED_KEYS: [&str; 2] = ["new", "trash"];

pub type ConnectorId = Uuid;

/// A connector's name: rule of names, at most 255 characters.
pub fn parse_name(typed: &str) -> Result<Name, NameProblem> {
    Name::parse(typed, LONGEST_NAME)
}

/// The key that a connector of this name asks for; others of the same name get a number behind it.
pub(super) fn wanted_key(name: &Name) -> String {
    let slug = name.slug();
    match slug.as_str() {
        "" => "connector".into(),
        slug if RESERVED_KEYS.contains(&slug) => format!("{slug}-connector"),
        _ => slug,
    }
}

/// What the create form has made of a connector.
pub struct NewConnector {
    /// Made with the empty form, so that pressing twice creates one.
    pub id: ConnectorId,
    pub name: Name,
    pub display_name: String,
    pub description: String,
    pub base_url: Option<HttpUrl>,
    pub method: Method,
    pub categories: Vec<CategoryId>,
    pub enabled: bool,
}

/// What the Details form has made of a connector.
pub(super) struct CheckedDetails {
    pub name: Name,
    pub display_name: String,
    pub description: String,
    pub base_url: Option<HttpUrl>,
    pub categories: Vec<CategoryId>,
    pub enabled: bool,
    /// Stored secrets go, because they would go to another host.
    pub forget_secrets: bool,
}

/// A connector as it is stored.
#[derive(Queryable, Selectable)]
#[diesel(table_name = crate::db::schema::connectors)]
pub struct Connector {
    pub id: ConnectorId,
    pub key: String,
    pub name: String,
    pub display_name: String,
    pub description: String,
    pub base_url: Option<String>,
    method: String,
    pub verify_certificates: bool,
    pub enabled: bool,
    status: String,
    pub status_since: DateTime<Utc>,
    pub category_names: String,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
    pub deleted_at: Option<DateTime<Utc>>,
    pub label: String,
}

impl Connector {
    pub fn method(&self) -> Method {
        Method::parse(&self.method).unwrap_or(Method::NoAuth)
    }

    pub fn health(&self) -> Health {
        Health::parse(&self.status).unwrap_or(Health::NotAuthorized)
    }

    pub fn status_word(&self) -> &'static str {
        enabled_word(self.enabled)
    }
}

/// Enabled or Disabled.
pub(super) fn enabled_word(enabled: bool) -> &'static str {
    if enabled { "Enabled" } else { "Disabled" }
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
    method: String,
    pub verify_certificates: bool,
    status: String,
    pub status_since: DateTime<Utc>,
    pub category_names: String,
    pub categories_start: String,
    pub updated_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

impl ListRow {
    pub fn method(&self) -> Method {
        Method::parse(&self.method).unwrap_or(Method::NoAuth)
    }

    pub fn health(&self) -> Health {
        Health::parse(&self.status).unwrap_or(Health::NotAuthorized)
    }

    /// Where what is wrong is put right, in the words of a link; `None` where nothing is.
    pub fn repair(&self) -> Option<(&'static str, String)> {
        match self.health() {
            Health::Healthy => None,
            Health::Disabled => Some(("Enable", format!("/connectors/{}", self.key))),
            _ => Some(("Repair", format!("/connectors/{}/authorization", self.key))),
        }
    }

    /// The description, cut with an ellipsis where the row holds only its beginning.
    pub fn description(&self) -> String {
        let cut = self.description_start.chars().count() >= 100;
        if cut {
            format!("{}…", self.description_start.trim_end())
        } else {
            self.description_start.clone()
        }
    }
}

/// A connector in the trash.
#[derive(Queryable)]
pub(super) struct TrashedConnector {
    pub id: ConnectorId,
    pub key: String,
    pub label: String,
    pub name: String,
    pub deleted_at: Option<DateTime<Utc>>,
    pub deleted_by: Option<String>,
}
