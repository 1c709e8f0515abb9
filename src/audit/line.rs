//! One line of the log as pages and exports show it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::chain::Anchor;
use super::words;

/// A line with its link, once it has one.
#[derive(Queryable)]
pub struct AuditLine {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub actor_id: Option<Uuid>,
    pub actor_name: String,
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
}

/// A field before and after.
#[derive(Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub from: String,
    pub to: String,
}

impl AuditLine {
    /// The happening in words: `connector.saved` is “Connector saved”.
    pub fn happening(&self) -> String {
        words::happening(&self.kind)
    }

    /// The happening on the page of a connector, where it is plain whose it is: of its endpoints it names which one.
    pub fn happening_to_connector(&self) -> String {
        let words = self.happening();
        if self.kind.starts_with("endpoint.") {
            format!("{words}: {}", self.subject_name)
        } else {
            words
        }
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
        Some(Anchor {
            seq: self.seq?,
            hash,
        })
    }
}
