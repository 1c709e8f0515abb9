//! The list's SQL: written out, because its plan is what the page's speed stands on.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::try_join;

use super::narrowed;
use crate::access::{Actor, admission_sql};
use crate::connectors::model::ListRow;
use crate::db::keyset::{Bind, Slice, bound};
use crate::db::schema::connector_total;
use crate::db::{Conn, Prepared};
use crate::web::{Error, ListQuery, Total};

/// The columns of a row. `who` stands for the id of whoever reads the list, as a bind or a literal.
pub(super) fn columns(by: &Actor, who: &str) -> String {
    let admits = admission_sql(by, "connectors", who);
    format!("{COLUMNS}, {admits} AS admits")
}

const COLUMNS: &str = "connectors.id, key, name, label, description_start, method, verify_certificates, status, status_since, category_names, categories_start, updated_at, created_at";

/// One page of the list, as this person sees it, and how many rows there are.
pub async fn list(conn: &Conn, by: &Actor, query: &ListQuery<ListRow>) -> Result<(Slice<ListRow>, Total), Error> {
    let (rows, total) = if query.is_narrowed() || by.visibility.is_limited() {
        narrowed::list(conn, by, query).await?
    } else {
        try_join!(rows(conn, by, query), total(conn))?
    };
    Ok((Slice::new(rows, query.size, &query.position), total))
}

/// Rows of the whole list. Every order has its index, whatever the place, so the plan can be kept.
async fn rows(conn: &Conn, by: &Actor, query: &ListQuery<ListRow>) -> Result<Vec<ListRow>, Error> {
    let keyset = query.keyset();
    let place = keyset.condition(2);
    let place = place.map_or(String::new(), |condition| format!(" AND {condition}"));
    let sql = format!(
        "SELECT {} FROM connectors WHERE deleted_at IS NULL{place} ORDER BY {} LIMIT {}",
        columns(by, "$1"),
        keyset.order(),
        query.size + 1
    );
    let statement = keyset.bind(bound(sql, &[Bind::Id(Some(by.id.unwrap_or_default()))]));
    Ok(Prepared(statement).load(&mut &*conn).await?)
}

async fn total(conn: &Conn) -> Result<Total, Error> {
    let total = connector_total::table.select(connector_total::total);
    Ok(Total::Exactly(total.first(&mut &*conn).await?))
}
