//! What the filters offer: whatever was called, and whoever has called, as far as it is still counted.
//!
//! An index of millions of rows has few connectors in it: each is found by asking for the next one.

use diesel::sql_types::{Text, Uuid as SqlUuid};
use diesel::{QueryableByName, sql_query};
use diesel_async::RunQueryDsl;
use futures_util::try_join;
use uuid::Uuid;

use super::super::CallerKind;
use super::super::filter::CallFilter;
use crate::access::Visibility;
use crate::db::Conn;
use crate::web::Error;

/// The most that a filter offers.
const MOST: i64 = 500;

/// One choice of a filter.
#[derive(QueryableByName)]
pub(in super::super) struct Choice {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub label: String,
    #[diesel(sql_type = Text)]
    kind: String,
}

impl Choice {
    /// `Month-end report (program)`
    pub fn words(&self) -> String {
        match CallerKind::parse(&self.kind) {
            Some(kind) => format!("{} ({})", self.label, kind.label().to_lowercase()),
            None => self.label.clone(),
        }
    }
}

/// The choices of all filters.
pub(in super::super) struct Choices {
    pub connectors: Vec<Choice>,
    pub callers: Vec<Choice>,
    /// Of the connector that is chosen.
    pub endpoints: Vec<Choice>,
}

/// The choices for a log of a connector, or of all; what is not seen is not offered.
pub(in super::super) async fn choices(conn: &Conn, filter: &CallFilter) -> Result<Choices, Error> {
    let connectors = format!(
        "{} SELECT seen.id, label, '' AS kind FROM seen JOIN connectors ON connectors.id = seen.id ORDER BY label, seen.id",
        next_by_next("connector_id", &filter.visibility.and_of("ids.id")),
    );
    let callers = format!(
        "{} SELECT seen.id, caller_name AS label, caller_kind AS kind FROM seen, LATERAL
            (SELECT caller_name, caller_kind FROM call_hours WHERE caller_id = seen.id ORDER BY hour DESC LIMIT 1) AS newest
        ORDER BY label, seen.id",
        next_by_next("caller_id", &of_seen(filter.reader))
    );
    let endpoints = format!(
        "SELECT id, name AS label, '' AS kind FROM endpoints WHERE connector_id = $1{} ORDER BY name_key LIMIT {MOST}",
        filter.visibility.and_of("connector_id"),
    );
    let (connectors, callers, endpoints) = try_join!(load(conn, connectors), load(conn, callers), async {
        let of = sql_query(endpoints).bind::<SqlUuid, _>(filter.connector.unwrap_or(Uuid::nil()));
        Ok(of.load(&mut &*conn).await?)
    })?;
    Ok(Choices { connectors, callers, endpoints })
}

/// Whoever has only called what the reader does not see is not offered.
fn of_seen(reader: Visibility) -> String {
    if !reader.is_limited() {
        return String::new();
    }
    let seen = reader.and_of("called.connector_id");
    format!(
        " AND EXISTS (SELECT FROM call_hours called WHERE called.caller_id = ids.id AND called.connector_id <> '{}'{seen})",
        Uuid::nil()
    )
}

async fn load(conn: &Conn, sql: String) -> Result<Vec<Choice>, Error> {
    Ok(sql_query(sql).load(&mut &*conn).await?)
}

/// The different ids of an indexed column that fit a condition behind an AND, as the table `seen`.
fn next_by_next(column: &str, condition: &str) -> String {
    let next =
        |above: &str| format!("(SELECT {column} FROM call_hours WHERE {column} > {above} ORDER BY {column} LIMIT 1)");
    format!(
        "WITH RECURSIVE ids AS (
            SELECT {} AS id UNION ALL SELECT {} FROM ids WHERE id IS NOT NULL
        ), seen AS (SELECT id FROM ids WHERE id IS NOT NULL{condition} LIMIT {MOST})",
        next(&format!("'{}'", Uuid::nil())),
        next("ids.id"),
    )
}
