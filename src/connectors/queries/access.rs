//! Writing who may do what with a connector, for the Access tab.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::access::Rights;
use crate::audit::Change;
use crate::connectors::ConnectorId;
use crate::db::Conn;
use crate::db::schema::{connector_rights, connectors};

/// A user or a group, and the rights that a connector lists it for.
pub struct Listed {
    pub user: Option<Uuid>,
    pub group: Option<Uuid>,
    pub rights: Rights,
}

/// Notes a change of who may do what, and sets what is open to everybody unless that stays as it is; false for a
/// connector in the trash.
pub async fn save_access(change: &mut Change<'_>, id: ConnectorId, open: Option<Rights>) -> QueryResult<bool> {
    let live = connectors::table.find(id).filter(connectors::deleted_at.is_null());
    let saved = diesel::update(live)
        .set((
            open.map(|open| connectors::open_rights.eq(open.codes())),
            connectors::access_version.eq(connectors::access_version + 1),
            connectors::access_updated_at.eq(change.now),
            connectors::access_updated_by.eq(change.by.attribution()),
        ))
        .execute(change.conn)
        .await?;
    Ok(saved > 0)
}

/// Lists users and groups on a connector.
pub async fn list_members(conn: &mut Conn, id: ConnectorId, new: &[Listed]) -> QueryResult<usize> {
    let rows = new.iter().map(|listed| {
        (
            connector_rights::id.eq(Uuid::now_v7()),
            connector_rights::connector_id.eq(id),
            connector_rights::user_id.eq(listed.user),
            connector_rights::group_id.eq(listed.group),
            connector_rights::rights.eq(listed.rights.codes()),
        )
    });
    diesel::insert_into(connector_rights::table).values(rows.collect::<Vec<_>>()).execute(conn).await
}

/// Takes everybody off the list of a connector.
pub async fn unlist_all(conn: &mut Conn, id: ConnectorId) -> QueryResult<usize> {
    diesel::delete(connector_rights::table.filter(connector_rights::connector_id.eq(id))).execute(conn).await
}
