//! Lists: search, filters, order, rows per page and the page, all in the address.
//!
//! A list is a row type that says by which columns it can be ordered ([`Row`]), and a SELECT of all rows that the
//! search and the filters leave; [`ListQuery::fetch`] reads a page of it and counts.

mod columns;
mod pages;

use std::borrow::Cow;

use askama::Template;
use askama::filters::HtmlSafe;
use diesel::deserialize::QueryableByName;
use diesel::pg::Pg;

use super::{Error, SelectOption};
use crate::db::Conn;
use crate::db::keyset::{COUNT_LIMIT, Cursor, Keyset, Position, Select};

pub use columns::{Column, Row};
pub use pages::{Pages, Total};

/// Rows per page that people can choose.
pub const SIZES: [usize; 4] = [10, 25, 50, 100];

/// The longest search, in characters; what is beyond is left out.
const LONGEST_SEARCH: usize = 200;

/// What was typed into a search, as it is looked for. No text column can hold NUL.
pub fn search_term(typed: &str) -> String {
    let typed = typed.replace('\0', "");
    typed.trim().chars().take(LONGEST_SEARCH).collect()
}

/// What an address asks to search for, on a page that is no list.
pub fn searched(query: &str) -> String {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    let term = pairs.find(|(name, _)| name == "q");
    term.map_or(String::new(), |(_, value)| search_term(&value))
}

/// What an address asks of a list.
pub struct ListQuery<R: Row> {
    path: Cow<'static, str>,
    pub search: String,
    filters: Vec<(&'static str, String)>,
    pub column: &'static Column<R>,
    pub descending: bool,
    pub size: usize,
    /// The rows per page that the address does not name.
    usual_size: usize,
    pub position: Position,
    page: i64,
}

impl<R: Row> ListQuery<R> {
    /// Reads the query string of `path`. Values that cannot be read count as not given.
    pub fn parse(path: impl Into<Cow<'static, str>>, query: &str, filter_names: &[&'static str]) -> ListQuery<R> {
        ListQuery::parse_sized(path, query, filter_names, SIZES[0])
    }

    /// The same where a page has `usual_size` rows if the address names no other number.
    pub fn parse_sized(
        path: impl Into<Cow<'static, str>>,
        query: &str,
        filter_names: &[&'static str],
        usual_size: usize,
    ) -> ListQuery<R> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let get = |name: &str| {
            pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.replace('\0', "")).unwrap_or_default()
        };
        let sort = get("sort");
        let (code, descending) = sort.strip_prefix('-').map_or((sort.as_str(), false), |code| (code, true));
        let known = R::COLUMNS.iter().find(|column| column.code == code);
        let column = known.unwrap_or(&R::COLUMNS[0]);
        let cursor = |name: &str| Cursor::decode(&get(name)).filter(|cursor| column.kind().reads(&cursor.value));
        let position = position(cursor("after"), cursor("before"), &get("place"));
        let page =
            if position == Position::First { 1 } else { get("page").parse().unwrap_or(1).clamp(1, i64::MAX / 1000) };
        ListQuery {
            path: path.into(),
            search: search_term(&get("q")),
            filters: filter_names
                .iter()
                .map(|name| (*name, get(name)))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
            column,
            descending: known.is_some() && descending,
            size: get("size").parse().ok().filter(|size| SIZES.contains(size)).unwrap_or(usual_size),
            usual_size,
            position,
            page,
        }
    }

    pub fn filter(&self, name: &str) -> &str {
        self.filters.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value.as_str())
    }

    /// The path of the list.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The rows per page, if they are not the usual ones.
    pub fn unusual_size(&self) -> Option<usize> {
        (self.size != self.usual_size).then_some(self.size)
    }

    /// The filters in use: name and value.
    pub fn filters(&self) -> &[(&'static str, String)] {
        &self.filters
    }

    /// Whether anything narrows the list.
    pub fn is_narrowed(&self) -> bool {
        !self.search.is_empty() || !self.filters.is_empty()
    }

    /// Reads the page and counts the rows.
    pub async fn fetch(&self, conn: &Conn, select: Select<'_>) -> Result<(Vec<R>, Pages), Error>
    where
        R: QueryableByName<Pg> + Send,
    {
        let (slice, count) = select.page(conn, &self.keyset(), self.size).await?;
        let pages = Pages::new(self, &slice, Total::bounded(count, COUNT_LIMIT));
        Ok((slice.rows, pages))
    }

    /// The order and the page's place in it, for SQL.
    pub fn keyset(&self) -> Keyset<'_> {
        let column = self.column;
        Keyset { column: column.sql, kind: column.kind(), descending: self.descending, position: &self.position }
    }

    /// The address without a search and filters, in the same order.
    pub fn cleared(&self) -> String {
        Address { search: "", filters: Vec::new(), ..self.address() }.href()
    }

    pub fn without_search(&self) -> String {
        Address { search: "", ..self.address() }.href()
    }

    pub fn without_filter(&self, name: &str) -> String {
        let mut address = self.address();
        address.filters.retain(|(key, _)| *key != name);
        address.href()
    }

    /// The first page of the list with another filter, or another value of it.
    pub fn with_filter(&self, name: &'static str, value: &str) -> String {
        let mut address = self.address();
        address.filters.retain(|(key, _)| *key != name);
        address.filters.push((name, value));
        address.href()
    }

    /// The filters in use, each with its words and the address without it; `search` is put before what is searched for.
    pub fn chips<const N: usize>(&self, search: &str, filters: [(&str, Option<String>); N]) -> Vec<(String, String)> {
        let search = (!self.search.is_empty()).then(|| (format!("{search} “{}”", self.search), self.without_search()));
        let filters = filters.into_iter().filter_map(|(name, words)| Some((words?, self.without_filter(name))));
        search.into_iter().chain(filters).collect()
    }

    /// The page that begins after a place which no row of this page has.
    pub fn after(&self, place: &Cursor) -> String {
        self.page_href(self.page + 1, "after", &place.encode())
    }

    /// The `sort` value of the address, for the filter form to keep.
    pub fn sort_value(&self) -> String {
        sort_value(self.column, self.descending)
    }

    /// The numbers of rows per page to choose from.
    pub fn sizes(&self) -> [SelectOption; 4] {
        SIZES.map(|size| SelectOption::new(size.to_string(), size.to_string()))
    }

    /// “Sorted by name, A to Z.”
    pub fn order_words(&self) -> String {
        let [ascending, descending] = self.column.orders;
        format!(
            "Sorted by {}, {}.",
            self.column.label.to_lowercase(),
            if self.descending { descending } else { ascending }
        )
    }

    /// The headings of the table, each a link that sorts by it or turns the order round.
    pub fn sort_heads(&self) -> SortHeads {
        self.sort_heads_with(None)
    }

    /// The same with the heading of a column by which the list cannot be sorted, behind the one called `plain.0`.
    pub fn sort_heads_with(&self, plain: Option<(&'static str, &'static str)>) -> SortHeads {
        let link = |column: &'static Column<R>| {
            let current = column.code == self.column.code;
            let sort = sort_value(column, current && !self.descending);
            let sorted = current.then_some(if self.descending { "descending" } else { "ascending" });
            SortLink { label: column.label, href: Address { sort, ..self.address() }.href(), sorted }
        };
        SortHeads { links: R::COLUMNS.iter().map(link).collect(), plain }
    }

    /// The address of the first page as it is asked for.
    fn address(&self) -> Address<'_> {
        Address {
            path: &self.path,
            search: &self.search,
            filters: self.filters.iter().map(|(name, value)| (*name, value.as_str())).collect(),
            sort: self.sort_value(),
            usual_sort: R::COLUMNS[0].code,
            size: self.unusual_size(),
            page: Vec::new(),
        }
    }

    fn page_href(&self, page: i64, name: &'static str, value: &str) -> String {
        Address { page: vec![("page", page.to_string()), (name, value.to_string())], ..self.address() }.href()
    }
}

fn sort_value<R>(column: &Column<R>, descending: bool) -> String {
    format!("{}{}", if descending { "-" } else { "" }, column.code)
}

/// The parts of a list's address.
struct Address<'a> {
    path: &'a str,
    search: &'a str,
    filters: Vec<(&'static str, &'a str)>,
    sort: String,
    /// The order that is not written.
    usual_sort: &'static str,
    /// The rows per page, if they are not the usual ones.
    size: Option<usize>,
    /// Which page; empty for the first.
    page: Vec<(&'static str, String)>,
}

impl Address<'_> {
    fn href(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.search.is_empty() {
            query.append_pair("q", self.search);
        }
        query.extend_pairs(&self.filters);
        if self.sort != self.usual_sort {
            query.append_pair("sort", &self.sort);
        }
        if let Some(size) = self.size {
            query.append_pair("size", &size.to_string());
        }
        query.extend_pairs(&self.page);
        let query = query.finish();
        if query.is_empty() { self.path.to_string() } else { format!("{}?{query}", self.path) }
    }
}

fn position(after: Option<Cursor>, before: Option<Cursor>, place: &str) -> Position {
    match (after, before) {
        (Some(cursor), _) => Position::After(cursor),
        (None, Some(cursor)) => Position::Before(cursor),
        (None, None) if place == "last" => Position::Last,
        (None, None) => Position::First,
    }
}

/// A heading that sorts.
struct SortLink {
    label: &'static str,
    href: String,
    /// The value of `aria-sort` when the list is in this order.
    sorted: Option<&'static str>,
}

/// The headings of a table, each a link that sorts.
#[derive(Template)]
#[template(path = "kit/sort_heads.html")]
pub struct SortHeads {
    links: Vec<SortLink>,
    plain: Option<(&'static str, &'static str)>,
}

impl HtmlSafe for SortHeads {}
