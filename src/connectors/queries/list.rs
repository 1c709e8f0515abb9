//! The list's SQL: written out, because its plan is what the page's speed stands on.
//!
//! A list that a search or filters narrow is one statement that finds the page and how many rows there are.
//!
//! What it reads should not grow with the table. PostgreSQL believes that matches are spread evenly, and would walk
//! along an order for as long as it takes: for words that begin the last names it read all rows. So the statement has
//! two ways, and its common table expressions, which are planned each by itself, keep PostgreSQL from joining them.
//! Matches are gathered until there are too many to count. Few matches are sorted. Of many the page is looked for near
//! its place in the order first, and among all of them only if it is not full after [`WALK`] rows.
//!
//! Danger: keeping this statement prepared. A plan made without the word of the search is wrong for rare words or for frequent
//! ones.

use diesel::prelude::*;
use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;
use futures_util::try_join;
use uuid::Uuid;

use crate::access::{Actor, Visibility, admission_sql};
use crate::connectors::model::ListRow;
use crate::connectors::owner::{NO_OWNER, Owner};
use crate::db::keyset::{Bind, COUNT_LIMIT, Slice, bound};
use crate::db::schema::connector_total;
use crate::db::{Conn, Prepared};
use crate::name::word_pattern;
use crate::web::{Error, ListQuery, Total};

/// The columns of a row. `who` is the id of the reader, as a bind or a literal.
pub(super) fn columns(by: &Actor, who: &str) -> String {
    let admits = admission_sql(by, "connectors", who);
    format!("{COLUMNS}, {admits} AS admits")
}

const COLUMNS: &str = "connectors.id, key, name, label, description_start, method, verify_certificates, status, status_since, category_names, categories_start, updated_at, created_at";

/// One page of the list, as this person sees it, and how many rows there are.
pub async fn list(conn: &Conn, by: &Actor, query: &ListQuery<ListRow>) -> Result<(Slice<ListRow>, Total), Error> {
    let (rows, total) = if query.is_narrowed() || by.visibility.is_limited() {
        narrowed(conn, by, query).await?
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

/// Rows of the order that are looked at for a page of a frequent word: enough to fill it if one row in sixty fits and
/// they are spread, and read within a few milliseconds.
const WALK: i64 = 3000;

/// Words of a search beyond this many are ignored.
const MOST_WORDS: usize = 8;

/// The rows of a page in reading direction, one more than it holds, and how many rows there are.
async fn narrowed(conn: &Conn, by: &Actor, query: &ListQuery<ListRow>) -> Result<(Vec<ListRow>, Total), Error> {
    let filter = Filter::new(query, by.visibility);
    let page = query.keyset().bind(bound(page_sql(by, query, &filter), &filter.binds));
    let rows: Vec<Found> = page.load(&mut &*conn).await?;
    let found = match rows.as_slice().first() {
        Some(row) => row.total.found,
        // There may be rows before this place.
        None if query.position.cursor().is_some() => count(conn, query, &filter).await?,
        None => 0,
    };
    let total = if filter.kept.is_some() { Total::Exactly(found) } else { Total::bounded(found, COUNT_LIMIT) };
    Ok((rows.into_iter().map(|row| row.connector).collect(), total))
}

async fn count(conn: &Conn, query: &ListQuery<ListRow>, filter: &Filter) -> Result<i64, Error> {
    let sql = format!("{} SELECT found FROM total", matches_sql(query, filter));
    let count: Option<Count> = bound(sql, &filter.binds).get_result(&mut &*conn).await.optional()?;
    Ok(count.map_or(0, |count| count.found))
}

/// A row with what every row repeats.
#[derive(QueryableByName)]
struct Found {
    #[diesel(embed)]
    connector: ListRow,
    #[diesel(embed)]
    total: Count,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    found: i64,
}

/// The matches, which are gathered as far as they are read, and their number.
fn matches_sql(query: &ListQuery<ListRow>, filter: &Filter) -> String {
    let (column, condition) = (query.column.sql, &filter.condition);
    let total = filter.kept.clone().unwrap_or_else(|| {
        format!("SELECT count(*) AS found FROM (SELECT FROM matches LIMIT {}) AS counted", COUNT_LIMIT + 1)
    });
    format!(
        "WITH matches AS MATERIALIZED (SELECT id, {column} FROM {} WHERE deleted_at IS NULL{condition}), total AS MATERIALIZED ({total})",
        filter.visibility.rows(),
    )
}

/// The statement of the page, with the cursor's value and id as the last binds.
fn page_sql(by: &Actor, query: &ListQuery<ListRow>, filter: &Filter) -> String {
    let keyset = query.keyset();
    let (order, rows) = (keyset.order(), query.size + 1);
    let place = keyset.condition(filter.binds.len() + 1).map_or(String::new(), |condition| format!(" AND {condition}"));
    let walked =
        format!("FROM connectors WHERE deleted_at IS NULL{}{place} ORDER BY {order} LIMIT {WALK}", filter.in_order);
    // A page at the end of the order is not full, though nothing is missing.
    let at_the_end = if place.is_empty() {
        String::new()
    } else {
        format!(
            " OR (SELECT found FROM total) > {COUNT_LIMIT} AND (SELECT count(*) FROM (SELECT {walked}) AS walked) < {WALK}"
        )
    };
    format!(
        "{matches}, near AS MATERIALIZED (
            SELECT id FROM (SELECT * {walked}) AS connectors
            WHERE (SELECT found FROM total) > {COUNT_LIMIT} {condition}{seen} ORDER BY {order} LIMIT {rows}
        ), enough AS MATERIALIZED (
            SELECT count(*) = {rows}{at_the_end} AS enough FROM near
        ), page AS (
            SELECT id FROM near WHERE (SELECT enough FROM enough)
            UNION ALL
            (SELECT id FROM matches WHERE NOT (SELECT enough FROM enough){place} ORDER BY {order} LIMIT {rows})
        )
        SELECT {columns}, found FROM page JOIN connectors USING (id), total ORDER BY {order}",
        columns = columns(by, &format!("'{}'", by.id.unwrap_or_default())),
        matches = matches_sql(query, filter),
        condition = filter.condition,
        seen = filter.visibility.and("connectors"),
    )
}

/// What narrows the list: SQL of the program's own words, with every value of a visitor as a bind.
struct Filter {
    /// Behind an AND, if there is any.
    condition: String,
    visibility: Visibility,
    /// The condition on the column of the order, if it has one: a range of its index, behind an AND.
    in_order: String,
    binds: Vec<Bind>,
    /// How many conditions there are.
    conditions: usize,
    /// The statement that finds a kept number of rows, where nothing but a category or what the person sees narrows the
    /// list.
    kept: Option<String>,
}

impl Filter {
    fn new(query: &ListQuery<ListRow>, visibility: Visibility) -> Filter {
        let mut filter = Filter {
            condition: String::new(),
            visibility,
            in_order: String::new(),
            binds: Vec::new(),
            conditions: 0,
            kept: None,
        };
        for word in query.search.split_whitespace().take(MOST_WORDS) {
            filter.and("search_text LIKE $", Bind::Text(word_pattern(word)), "");
        }
        for (name, column) in [("auth_method", "method"), ("status", "status")] {
            let value = query.filter(name);
            if !value.is_empty() {
                filter.and(&format!("{column} = $"), Bind::Text(value.into()), "");
                if column == query.column.sql {
                    filter.in_order = format!(" AND {column} = ${}", filter.binds.len());
                }
            }
        }
        if !query.filter("owner").is_empty() {
            filter.and_owner(query.filter("owner"));
        }
        if !query.filter("category").is_empty() {
            filter.and_category(query.filter("category"));
        }
        filter.kept = filter.kept_number(!query.filter("category").is_empty());
        filter
    }

    /// Kept numbers count all connectors, so those that the person does not see are taken off.
    fn kept_number(&self, is_of_category: bool) -> Option<String> {
        let hidden = self.visibility.hidden("connectors").map_or(String::new(), |hidden| {
            let of_category = if is_of_category {
                " AND id IN (SELECT connector_id FROM connector_categories WHERE category_id = $1)"
            } else {
                ""
            };
            format!(" - (SELECT count(*) FROM connectors WHERE deleted_at IS NULL AND {hidden}{of_category})")
        });
        match (self.conditions, is_of_category) {
            (0, _) => Some(format!("SELECT total{hidden} AS found FROM connector_total")),
            (1, true) => Some(format!("SELECT connectors{hidden} AS found FROM categories WHERE id = $1")),
            _ => None,
        }
    }

    fn and_category(&mut self, typed: &str) {
        // An address with something else than an id finds nothing, rather than everything.
        let category = typed.parse().unwrap_or(Uuid::nil());
        self.and(
            "id IN (SELECT connector_id FROM connector_categories WHERE category_id = $",
            Bind::Id(Some(category)),
            ")",
        );
    }

    fn and_owner(&mut self, typed: &str) {
        let (column, id) = match Owner::parse(typed) {
            _ if typed == NO_OWNER => {
                self.conditions += 1;
                self.condition.push_str(" AND owner_user_id IS NULL AND owner_group_id IS NULL");
                return;
            }
            Some(Owner::Group(id)) => ("owner_group_id", id),
            Some(Owner::User(id)) => ("owner_user_id", id),
            // As for a category.
            None => ("owner_user_id", Uuid::nil()),
        };
        self.and(&format!("{column} = $"), Bind::Id(Some(id)), "");
    }

    fn and(&mut self, before: &str, bind: Bind, after: &str) {
        self.binds.push(bind);
        self.conditions += 1;
        let condition = format!(" AND {before}{}{after}", self.binds.len());
        self.condition.push_str(&condition);
    }
}
