//! The list's SQL: written out, because its plan is what the page's speed stands on.
//!
//! Statements from text are planned with their values in sight, so that PostgreSQL takes the trigram index for a rare
//! word and walks the order's index for a frequent one. A plan made without the values would be wrong for one of them.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::try_join;
use uuid::Uuid;

use super::super::columns::ConnectorColumn;
use super::super::model::ListRow;
use crate::db::Conn;
use crate::db::keyset::{Keyset, Slice};
use crate::db::schema::{categories, connector_total};
use crate::name::word_pattern;
use crate::web::{Error, ListQuery, Total};

const COLUMNS: &str = "id, key, name, label, description_start, method, verify_certificates, status, category_names, categories_start, updated_at, created_at";

/// Counting the rows of a search stops here: counting on would take longer than the page.
const COUNT_LIMIT: i64 = 1000;

/// Words of a search beyond this many are ignored.
const MOST_WORDS: usize = 8;

/// One page of the list and how many rows there are; both questions go to the server in one go.
pub async fn list(
    conn: &mut Conn,
    query: &ListQuery<ConnectorColumn>,
) -> Result<(Slice<ListRow>, Total), Error> {
    let filter = Filter::new(query);
    let conn = &*conn;
    let (rows, total) = try_join!(rows(conn, query, &filter), total(conn, query, &filter))?;
    Ok((Slice::new(rows, query.size, &query.position), total))
}

async fn rows(
    conn: &Conn,
    query: &ListQuery<ConnectorColumn>,
    filter: &Filter,
) -> Result<Vec<ListRow>, Error> {
    let (column, kind) = query.column.sql();
    let keyset = Keyset {
        column,
        kind,
        descending: query.descending,
        position: &query.position,
    };
    let place = keyset
        .condition(filter.binds.len() + 1)
        .map(|condition| format!(" AND {condition}"))
        .unwrap_or_default();
    let sql = format!(
        "SELECT {COLUMNS} FROM connectors WHERE {}{place} ORDER BY {} LIMIT {}",
        filter.condition,
        keyset.order(),
        query.size + 1
    );
    let mut statement = filter.bind(sql);
    if let Some(cursor) = query.position.cursor() {
        statement = statement
            .bind::<Text, _>(cursor.value.clone())
            .bind::<SqlUuid, _>(cursor.id);
    }
    Ok(statement.load(&mut &*conn).await?)
}

async fn total(
    conn: &Conn,
    query: &ListQuery<ConnectorColumn>,
    filter: &Filter,
) -> Result<Total, Error> {
    let only_category = query.search.is_empty()
        && query.filter("auth_method").is_empty()
        && query.filter("status").is_empty();
    match filter.category {
        None if !query.is_narrowed() => Ok(Total::Exactly(
            connector_total::table
                .select(connector_total::total)
                .first(&mut &*conn)
                .await?,
        )),
        Some(category) if only_category => {
            let kept = categories::table
                .find(category)
                .select(categories::connectors)
                .first(&mut &*conn)
                .await
                .optional()?;
            Ok(Total::Exactly(kept.unwrap_or(0)))
        }
        _ => {
            let sql = format!(
                "SELECT count(*) AS n FROM (SELECT 1 FROM connectors WHERE {} LIMIT {}) AS found",
                filter.condition,
                COUNT_LIMIT + 1
            );
            let count: Count = filter.bind(sql).get_result(&mut &*conn).await?;
            Ok(Total::bounded(count.n, COUNT_LIMIT))
        }
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    n: i64,
}

enum Bind {
    Text(String),
    Id(Uuid),
}

/// What narrows the list: SQL of the program's own words, with every value of a visitor as a bind.
struct Filter {
    condition: String,
    binds: Vec<Bind>,
    category: Option<Uuid>,
}

impl Filter {
    fn new(query: &ListQuery<ConnectorColumn>) -> Filter {
        let mut filter = Filter {
            condition: "deleted_at IS NULL".into(),
            binds: Vec::new(),
            category: None,
        };
        for word in query.search.split_whitespace().take(MOST_WORDS) {
            filter.and("search_text LIKE $", Bind::Text(word_pattern(word)), "");
        }
        for (name, condition) in [("auth_method", "method = $"), ("status", "status = $")] {
            if !query.filter(name).is_empty() {
                filter.and(condition, Bind::Text(query.filter(name).to_string()), "");
            }
        }
        if !query.filter("category").is_empty() {
            // An address with something else than an id finds nothing, rather than everything.
            let category = query.filter("category").parse().unwrap_or(Uuid::nil());
            filter.and(
                "id IN (SELECT connector_id FROM connector_categories WHERE category_id = $",
                Bind::Id(category),
                ")",
            );
            filter.category = Some(category);
        }
        filter
    }

    fn and(&mut self, before: &str, bind: Bind, after: &str) {
        self.binds.push(bind);
        self.condition
            .push_str(&format!(" AND {before}{}{after}", self.binds.len()));
    }

    fn bind<'a>(&self, sql: String) -> BoxedSqlQuery<'a, Pg, SqlQuery> {
        self.binds.iter().fold(
            diesel::sql_query(sql).into_boxed::<Pg>(),
            |statement, bind| match bind {
                Bind::Text(text) => statement.bind::<Text, _>(text.clone()),
                Bind::Id(id) => statement.bind::<SqlUuid, _>(*id),
            },
        )
    }
}
