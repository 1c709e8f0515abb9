//! The list's SQL: written out, because its plan is what the page's speed stands on.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::try_join;

use super::super::columns::ConnectorColumn;
use super::super::model::ListRow;
use super::narrowed;
use crate::db::keyset::{Keyset, Slice};
use crate::db::schema::connector_total;
use crate::db::{Conn, Kept};
use crate::web::{Error, ListQuery, Total};

pub(super) const COLUMNS: &str = "connectors.id, key, name, label, description_start, method, verify_certificates, status, status_since, category_names, categories_start, updated_at, created_at";

/// One page of the list and how many rows there are.
pub async fn list(
    conn: &Conn,
    query: &ListQuery<ConnectorColumn>,
) -> Result<(Slice<ListRow>, Total), Error> {
    let (rows, total) = if query.is_narrowed() {
        narrowed::list(conn, query).await?
    } else {
        try_join!(rows(conn, query), total(conn))?
    };
    Ok((Slice::new(rows, query.size, &query.position), total))
}

/// The place of the page in its order.
pub(super) fn keyset(query: &ListQuery<ConnectorColumn>) -> Keyset<'_> {
    let (column, kind) = query.column.sql();
    Keyset {
        column,
        kind,
        descending: query.descending,
        position: &query.position,
    }
}

/// Rows of the whole list. Every order has its index, whatever the place, so the plan can be kept.
async fn rows(conn: &Conn, query: &ListQuery<ConnectorColumn>) -> Result<Vec<ListRow>, Error> {
    let keyset = keyset(query);
    let place = keyset.condition(1);
    let place = place.map_or(String::new(), |condition| format!(" AND {condition}"));
    let sql = format!(
        "SELECT {COLUMNS} FROM connectors WHERE deleted_at IS NULL{place} ORDER BY {} LIMIT {}",
        keyset.order(),
        query.size + 1
    );
    let mut statement = diesel::sql_query(sql).into_boxed::<Pg>();
    if let Some(cursor) = query.position.cursor() {
        statement = statement
            .bind::<Text, _>(&cursor.value)
            .bind::<SqlUuid, _>(cursor.id);
    }
    Ok(Kept(statement).load(&mut &*conn).await?)
}

async fn total(conn: &Conn) -> Result<Total, Error> {
    let total = connector_total::table.select(connector_total::total);
    Ok(Total::Exactly(total.first(&mut &*conn).await?))
}
