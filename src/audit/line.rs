//! One line of the log as pages and exports show it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::chain::Anchor;
use super::words;
use crate::access::{PROGRAMS, attribution};

/// A line with its link, once it has one.
#[derive(Queryable)]
pub struct AuditLine {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    pub actor_name: String,
    /// Empty for programs and where nobody was signed in; `None` where it was not recorded, by an earlier version.
    pub actor_username: Option<String>,
    /// Where the request came from; empty for the command line and the program itself.
    pub address: String,
    pub request_id: String,
    pub kind: String,
    pub subject_id: Option<Uuid>,
    pub subject_name: String,
    pub(super) changes: Value,
    pub(super) seq: Option<i64>,
    pub(super) previous_hash: Option<Vec<u8>>,
    pub(super) hash: Option<Vec<u8>>,
    pub(super) format: Option<i16>,
    pub(super) data_key: Option<i32>,
}

/// A field before and after.
#[derive(Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub from: String,
    pub to: String,
}

impl AuditLine {
    /// Who did it, with the user name where it is known: no other person is called so.
    pub fn attribution(&self) -> String {
        let username = self.actor_username.as_deref().unwrap_or_default();
        attribution(&self.actor_name, username)
    }

    /// Whether a program did it by itself. People have ids, whatever they call themselves.
    pub(super) fn is_program(&self) -> bool {
        self.actor_id.is_none() && PROGRAMS.contains(&self.actor_name.as_str())
    }

    /// Whether a person did it of whom only the display name was recorded.
    pub(super) fn lacks_username(&self) -> bool {
        self.actor_id.is_some() && self.actor_username.is_none()
    }

    /// The happening in words: `connector.saved` is “Connector saved”.
    pub fn happening(&self) -> String {
        words::happening(&self.kind)
    }

    /// The happening on the page of a connector, where it is plain whose it is: of its endpoints it names which one.
    pub fn happening_to_connector(&self) -> String {
        let words = self.happening();
        if self.kind.starts_with("endpoint.") { format!("{words}: {}", self.subject_name) } else { words }
    }

    pub fn changes(&self) -> Vec<FieldChange> {
        Vec::deserialize(&self.changes).unwrap_or_default()
    }

    /// The names of the changed fields.
    pub(super) fn fields(&self) -> String {
        let changes = self.changes();
        let names: Vec<&str> = changes.iter().map(|change| change.field.as_str()).collect();
        names.join(", ")
    }

    /// Its place in the chain.
    pub(super) fn anchor(&self) -> Option<Anchor> {
        let hash = self.hash.clone()?.try_into().ok()?;
        Some(Anchor { seq: self.seq?, hash })
    }
}
