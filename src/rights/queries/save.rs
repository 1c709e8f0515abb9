//! Saving who may do what with a connector.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::model::{CheckedAccess, Entry, MOST};
use super::{OTHERS, entries};
use crate::access::{Actor, Rights};
use crate::audit::{self, Changes, Event};
use crate::connectors::{Connector, EVERYBODY};
use crate::db::Conn;
use crate::db::schema::{connector_rights, connectors};
use crate::db::version::SeenVersion;
use crate::people::{Member, MemberRow, among_chosen};
use crate::web::SaveError;

/// Saves what is open and who is listed, unless somebody else has saved since the connector was read.
pub(in super::super) async fn save(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    (connector, seen): (&Connector, SeenVersion),
    new: &CheckedAccess,
) -> Result<(), SaveError> {
    conn.transaction(async |conn| {
        let live = connectors::table.find(connector.id).filter(connectors::deleted_at.is_null());
        let version = live.select(connectors::access_version);
        seen.lock(conn, version.for_no_key_update()).await?;
        diesel::update(connectors::table.find(connector.id))
            .set((
                connectors::open_rights.eq(new.open.codes()),
                connectors::access_version.eq(connectors::access_version + 1),
                connectors::access_updated_at.eq(now),
                connectors::access_updated_by.eq(by.attribution()),
            ))
            .execute(conn)
            .await?;
        let before = entries(conn, connector.id).await?;
        let listed = connector_rights::table.filter(connector_rights::connector_id.eq(connector.id));
        diesel::delete(listed).execute(conn).await?;
        for (who, rights) in &new.listed {
            list(conn, connector.id, *who, *rights).await?;
        }
        let changes = Changes::none().field(EVERYBODY, connector.open.labels(), new.open.labels());
        let changes = before.iter().fold(changes, |changes, entry| {
            changes.field(&entry.who.full_name(), entry.rights.labels(), new.rights_of(&entry.who).labels())
        });
        record(conn, by, now, connector, changes).await
    })
    .await
}

impl CheckedAccess {
    fn rights_of(&self, who: &MemberRow) -> Rights {
        let listed = self.listed.iter();
        let mut its = listed.filter(|(member, _)| *member == who.member());
        its.next().map_or(Rights::NONE, |(_, rights)| *rights)
    }
}

async fn list(conn: &mut Conn, connector: Uuid, who: Member, rights: Rights) -> Result<(), SaveError> {
    let (user, group) = match who {
        Member::User(id) => (Some(id), None),
        Member::Group(id) => (None, Some(id)),
    };
    diesel::insert_into(connector_rights::table)
        .values((
            connector_rights::id.eq(Uuid::now_v7()),
            connector_rights::connector_id.eq(connector),
            connector_rights::user_id.eq(user),
            connector_rights::group_id.eq(group),
            connector_rights::rights.eq(rights.codes()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// What came of listing people.
pub(in super::super) enum Added {
    Number(usize),
    /// Nobody was listed: there would be too many.
    TooMany,
}

/// Lists those of `chosen` who are there and not listed yet, for these rights.
pub(in super::super) async fn add(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    connector: &Connector,
    (chosen, rights): (&[Member], Rights),
) -> Result<Added, SaveError> {
    conn.transaction(async |conn| {
        // First, so that those who change the access do it one after the other.
        let live = connectors::table.find(connector.id).filter(connectors::deleted_at.is_null());
        let changed = diesel::update(live)
            .set((
                connectors::access_version.eq(connectors::access_version + 1),
                connectors::access_updated_at.eq(now),
                connectors::access_updated_by.eq(by.attribution()),
            ))
            .execute(conn)
            .await?;
        if changed == 0 {
            return Err(SaveError::Stale);
        }
        let new = among_chosen(conn, OTHERS, connector.id, chosen).await?;
        let listed: Vec<Entry> = entries(conn, connector.id).await?;
        if listed.len() + new.len() > MOST {
            return Ok(Added::TooMany);
        }
        let mut changes = Changes::none();
        for row in &new {
            list(conn, connector.id, row.member(), rights).await?;
            changes = changes.field(&row.full_name(), "", rights.labels());
        }
        if !new.is_empty() {
            record(conn, by, now, connector, changes).await?;
        }
        Ok(Added::Number(new.len()))
    })
    .await
}

async fn record(
    conn: &Conn,
    by: &Actor,
    now: DateTime<Utc>,
    connector: &Connector,
    changes: Changes,
) -> Result<(), SaveError> {
    let event = Event {
        kind: "connector.access_saved",
        subject_id: Some(connector.id),
        subject_name: &connector.name,
        changes,
    };
    Ok(audit::record(conn, by, now, event).await?)
}
