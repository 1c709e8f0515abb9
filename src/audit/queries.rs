//! The audit log's SQL.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::Event;
use crate::access::Actor;
use crate::db::Conn;
use crate::db::schema::audit_events;
use crate::web::Error;

pub(super) async fn insert(
    conn: &Conn,
    by: &Actor,
    now: DateTime<Utc>,
    event: Event<'_>,
) -> Result<(), Error> {
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(Uuid::now_v7()),
            audit_events::at.eq(now),
            audit_events::actor_id.eq(by.id),
            audit_events::actor_name.eq(&by.name),
            audit_events::address.eq(&by.address),
            audit_events::request_id.eq(&by.request_id),
            audit_events::kind.eq(event.kind),
            audit_events::subject_id.eq(event.subject_id),
            audit_events::subject_name.eq(event.subject_name),
            audit_events::changes.eq(Value::Array(event.changes.0)),
        ))
        .execute(&mut &*conn)
        .await?;
    Ok(())
}

/// One line of the log as pages show it.
#[derive(Queryable)]
pub struct AuditLine {
    pub at: DateTime<Utc>,
    pub actor_name: String,
    pub address: String,
    pub kind: String,
    subject_name: String,
    changes: Value,
}

/// A field before and after.
#[derive(Deserialize)]
pub struct FieldChange {
    pub field: String,
    pub from: String,
    pub to: String,
}

impl AuditLine {
    /// The happening in words: `connector.saved` is “Connector saved”. Of a connector's endpoints it names which one.
    pub fn happening(&self) -> String {
        let words = self.kind.replace(['.', '_'], " ");
        let mut letters = words.chars();
        let words: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(letters)
            .collect();
        if self.kind.starts_with("endpoint.") {
            format!("{words}: {}", self.subject_name)
        } else {
            words
        }
    }

    pub fn changes(&self) -> Vec<FieldChange> {
        Vec::deserialize(&self.changes).unwrap_or_default()
    }
}

/// The newest lines about one thing.
pub async fn lines_of(conn: &mut Conn, subject: Uuid, most: i64) -> Result<Vec<AuditLine>, Error> {
    Ok(audit_events::table
        .filter(audit_events::subject_id.eq(subject))
        .order(audit_events::id.desc())
        .limit(most)
        .select((
            audit_events::at,
            audit_events::actor_name,
            audit_events::address,
            audit_events::kind,
            audit_events::subject_name,
            audit_events::changes,
        ))
        .load(conn)
        .await?)
}
