//! What is measured: lists as people ask for them, with the queries that the program makes of them.

use connectory::db::keyset::Cursor;
use connectory::name::word_pattern;

use super::data::{self, Data};
use super::load::Ask;

/// Rows a page: the default, and what most cases ask for.
pub const SIZES: [usize; 2] = [10, 50];

/// The columns that the list reads, as in `connectors::queries`.
pub const COLUMNS: &str = "connectors.id, key, name, label, description_start, method, verify_certificates, status, category_names, categories_start, updated_at, created_at";

/// Where counting the rows of a search stops, as in `connectors::queries`.
const COUNT_LIMIT: usize = 1000;

/// Rows of the order that are looked at for a page of a frequent word, as in `connectors::queries`.
const WALK: usize = 3000;

/// The orders: the word in the address and the column.
const ORDERS: [(&str, &str); 7] = [
    ("name", "label"),
    ("description", "description_start"),
    ("method", "method"),
    ("category", "categories_start"),
    ("status", "status"),
    ("modified", "updated_at"),
    ("created", "created_at"),
];

/// Requests under load.
pub struct Case {
    pub name: String,
    /// What the connection of this number asks.
    pub ask: Box<dyn Fn(usize) -> Ask>,
}

/// A page of the list.
pub struct List {
    pub name: String,
    pub size: usize,
    order: (&'static str, &'static str),
    descending: bool,
    narrowed: Narrowed,
    after: Option<Cursor>,
}

/// What narrows a list.
enum Narrowed {
    Nothing,
    Search(&'static str),
    Category(String),
    Status(&'static str),
}

impl List {
    fn new(name: &str, size: usize, narrowed: Narrowed) -> List {
        List { name: name.into(), size, order: ORDERS[0], descending: false, narrowed, after: None }
    }

    pub fn address(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        match &self.narrowed {
            Narrowed::Nothing => &mut query,
            Narrowed::Search(text) => query.append_pair("q", text),
            Narrowed::Category(id) => query.append_pair("category", id),
            Narrowed::Status(status) => query.append_pair("status", status),
        };
        let sign = if self.descending { "-" } else { "" };
        query.append_pair("sort", &format!("{sign}{}", self.order.0));
        query.append_pair("size", &self.size.to_string());
        if let Some(cursor) = &self.after {
            query.append_pair("page", "1000");
            query.append_pair("after", &cursor.encode());
        }
        format!("/connectors?{}", query.finish())
    }

    /// The page's main query, as the program asks it.
    pub fn sql(&self, columns: &str) -> String {
        let direction = if self.descending { "DESC" } else { "ASC" };
        let (column, rows) = (self.order.1, self.size + 1);
        let order = format!("{column} {direction}, id {direction}");
        let place = self.after.as_ref().map_or(String::new(), |cursor| {
            format!(" AND (label, id) > ('{}'::text, '{}'::uuid)", cursor.value, cursor.id)
        });
        let walked = format!("FROM connectors WHERE deleted_at IS NULL{place} ORDER BY {order}");
        let Some(condition) = self.condition() else {
            return format!("SELECT {columns} {walked} LIMIT {rows}");
        };
        let total = self.total();
        format!(
            "WITH matches AS MATERIALIZED (SELECT id, {column} FROM connectors WHERE deleted_at IS NULL AND {condition}), total AS MATERIALIZED ({total}),
            near AS MATERIALIZED (
                SELECT id FROM (SELECT * {walked} LIMIT {WALK}) AS walked
                WHERE (SELECT found FROM total) > {COUNT_LIMIT} AND {condition} ORDER BY {order} LIMIT {rows}
            ), enough AS MATERIALIZED (
                SELECT count(*) = {rows} AS enough FROM near
            ), page AS (
                SELECT id FROM near WHERE (SELECT enough FROM enough)
                UNION ALL
                (SELECT id FROM matches WHERE NOT (SELECT enough FROM enough){place} ORDER BY {order} LIMIT {rows})
            )
            SELECT {columns}, found FROM page JOIN connectors USING (id), total ORDER BY {order}"
        )
    }

    /// How a narrowed list is counted.
    fn total(&self) -> String {
        match &self.narrowed {
            Narrowed::Category(id) => {
                format!("SELECT connectors AS found FROM categories WHERE id = '{id}'")
            }
            _ => format!("SELECT count(*) AS found FROM (SELECT FROM matches LIMIT {}) AS counted", COUNT_LIMIT + 1),
        }
    }

    fn condition(&self) -> Option<String> {
        match &self.narrowed {
            Narrowed::Nothing => None,
            Narrowed::Search(text) => Some(format!("search_text LIKE '{}'", word_pattern(text))),
            Narrowed::Category(id) => {
                Some(format!("id IN (SELECT connector_id FROM connector_categories WHERE category_id = '{id}')"))
            }
            Narrowed::Status(status) => Some(format!("status = '{status}'")),
        }
    }
}

/// The address of the first page without any narrowing.
pub fn first_page(size: usize) -> String {
    List::new("", size, Narrowed::Nothing).address()
}

/// Every list that is measured.
pub async fn lists(data: &Data) -> anyhow::Result<Vec<List>> {
    let [small, large] = SIZES;
    let search = |name: &str, text| List::new(name, large, Narrowed::Search(text));
    let category = data.value("SELECT id FROM categories ORDER BY connectors DESC, id LIMIT 1").await?;
    let mut lists = vec![
        List::new("first page, 10 rows", small, Narrowed::Nothing),
        List::new("first page, 50 rows", large, Narrowed::Nothing),
        List { after: Some(data.middle().await?), ..List::new("page in the middle", large, Narrowed::Nothing) },
        search("search, in 3 rows", data::RARE),
        search("search, in 10 % of the rows", data::FREQUENT),
        // The names that begin with it stand at the end of the list, so walking along the order passes all others.
        search("search, in 5 %, late in the order", "vehicle"),
        search("search, in no row", "xylophone"),
        search("search, two letters, in no row", "qz"),
        List::new("one category", large, Narrowed::Category(category.unwrap_or_default())),
        List::new("one status, 5 %", large, Narrowed::Status("failing")),
    ];
    for order in ORDERS {
        for descending in [false, true] {
            if (order, descending) != (ORDERS[0], false) {
                let direction = if descending { "down" } else { "up" };
                lists.push(List {
                    order,
                    descending,
                    ..List::new(&format!("sorted by {} {direction}", order.0), large, Narrowed::Nothing)
                });
            }
        }
    }
    Ok(lists)
}
