//! The audit log's SQL.

mod find;
mod names;
mod things;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::{AuditLine, Event};
use crate::access::Actor;
use crate::db::Conn;
use crate::db::schema::{audit_events, audit_links};
use crate::web::Error;

pub(in crate::audit) use find::{Found, Wanted, find};
pub(in crate::audit) use names::{Names, Role, kinds, names};
pub(in crate::audit) use things::thing_links;

pub(super) async fn insert(conn: &Conn, by: &Actor, now: DateTime<Utc>, event: Event<'_>) -> Result<(), Error> {
    diesel::insert_into(audit_events::table)
        .values((
            audit_events::id.eq(Uuid::now_v7()),
            audit_events::at.eq(now),
            audit_events::actor_id.eq(by.id),
            audit_events::actor_name.eq(&by.name),
            audit_events::actor_username.eq(&by.username),
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

/// A line's columns and, where it is linked, its link's.
macro_rules! line_columns {
    () => {
        (
            audit_events::id,
            audit_events::at,
            audit_events::actor_id,
            audit_events::actor_name,
            audit_events::actor_username,
            audit_events::address,
            audit_events::request_id,
            audit_events::kind,
            audit_events::subject_id,
            audit_events::subject_name,
            audit_events::changes,
            audit_links::seq.nullable(),
            audit_links::previous_hash.nullable(),
            audit_links::hash.nullable(),
            audit_links::format.nullable(),
            audit_links::data_key.nullable(),
        )
    };
}

/// The newest lines about one thing.
pub async fn lines_of(conn: &mut Conn, subject: Uuid, most: i64) -> Result<Vec<AuditLine>, Error> {
    Ok(audit_events::table
        .left_join(audit_links::table.on(audit_links::event_id.eq(audit_events::id)))
        .filter(audit_events::subject_id.eq(subject))
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .limit(most)
        .select(line_columns!())
        .load(conn)
        .await?)
}

/// These lines, the newest first.
pub(super) async fn lines(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<AuditLine>, Error> {
    Ok(audit_events::table
        .left_join(audit_links::table.on(audit_links::event_id.eq(audit_events::id)))
        .filter(audit_events::id.eq_any(ids))
        .order((audit_events::at.desc(), audit_events::id.desc()))
        .select(line_columns!())
        .load(conn)
        .await?)
}
