//! Lists: search, filters, order, rows a page and the place, all in the address.

use std::borrow::Cow;

use askama::Template;
use askama::filters::HtmlSafe;

use super::{Option_, SelectField, Total};
use crate::db::keyset::{Cursor, Kind, Position, Slice};

use super::text::{grouped, plural};

/// Rows a page that people can choose.
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

/// The columns that a list can be ordered by; the first is the default.
pub trait Column: Copy + PartialEq + 'static {
    const ALL: &'static [Self];
    /// The word in the address.
    fn code(self) -> &'static str;
    /// The heading.
    fn label(self) -> &'static str;
    /// What the ascending and the descending order are called: “A to Z”.
    fn orders(self) -> [&'static str; 2];
    /// What its values are.
    fn kind(self) -> Kind;
}

/// What an address asks of a list.
#[derive(Clone)]
pub struct ListQuery<C> {
    path: Cow<'static, str>,
    pub search: String,
    filters: Vec<(&'static str, String)>,
    pub column: C,
    pub descending: bool,
    pub size: usize,
    pub position: Position,
    page: i64,
}

impl<C: Column> ListQuery<C> {
    /// Reads the query string of `path`. Whatever is not understood counts as not given.
    pub fn parse(path: impl Into<Cow<'static, str>>, query: &str, filter_names: &[&'static str]) -> ListQuery<C> {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let get = |name: &str| {
            pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.replace('\0', "")).unwrap_or_default()
        };
        let sort = get("sort");
        let (code, descending) = sort.strip_prefix('-').map_or((sort.as_str(), false), |code| (code, true));
        let known = C::ALL.iter().find(|column| column.code() == code);
        let column = known.copied().unwrap_or(C::ALL[0]);
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
            size: get("size").parse().ok().filter(|size| SIZES.contains(size)).unwrap_or(SIZES[0]),
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

    /// Whether anything narrows the list.
    pub fn is_narrowed(&self) -> bool {
        !self.search.is_empty() || !self.filters.is_empty()
    }

    /// The address without a search and filters, in the same order.
    pub fn cleared(&self) -> String {
        ListQuery { search: String::new(), filters: Vec::new(), ..self.clone() }.first_page()
    }

    pub fn without_search(&self) -> String {
        ListQuery { search: String::new(), ..self.clone() }.first_page()
    }

    pub fn without_filter(&self, name: &str) -> String {
        let filters = self.filters.iter().filter(|(key, _)| *key != name).cloned().collect();
        ListQuery { filters, ..self.clone() }.first_page()
    }

    /// The first page of the list with another filter, or another value of it.
    pub fn with_filter(&self, name: &'static str, value: &str) -> String {
        let mut filters = self.filters.clone();
        filters.retain(|(key, _)| *key != name);
        filters.push((name, value.to_string()));
        ListQuery { filters, ..self.clone() }.first_page()
    }

    /// The page that begins after a place which no row of this page has.
    pub fn after(&self, place: &Cursor) -> String {
        self.page_href(self.page + 1, "after", &place.encode())
    }

    /// The `sort` value of the address, for the filter form to keep.
    pub fn sort_value(&self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.column.code())
    }

    /// The choice of rows a page.
    pub fn size_field(&self) -> SelectField {
        let options = SIZES.iter().map(|size| Option_::new(size.to_string(), size.to_string())).collect();
        SelectField::new("size", "Rows a page", options, self.size.to_string())
    }

    /// “Sorted by name, A to Z.”
    pub fn order_words(&self) -> String {
        let [ascending, descending] = self.column.orders();
        format!(
            "Sorted by {}, {}.",
            self.column.label().to_lowercase(),
            if self.descending { descending } else { ascending }
        )
    }

    /// The headings of the table, each a link that sorts by it or turns the order round.
    pub fn sort_heads(&self) -> SortHeads {
        let link = |column: &C| {
            let current = *column == self.column;
            let turned = ListQuery { column: *column, descending: current && !self.descending, ..self.clone() };
            let sorted = current.then_some(if self.descending { "descending" } else { "ascending" });
            SortLink { label: column.label(), href: turned.first_page(), sorted }
        };
        SortHeads { links: C::ALL.iter().map(link).collect() }
    }

    fn first_page(&self) -> String {
        self.href(&[])
    }

    fn page_href(&self, page: i64, name: &str, value: &str) -> String {
        self.href(&[("page", &page.to_string()), (name, value)])
    }

    fn href(&self, place: &[(&str, &str)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if !self.search.is_empty() {
            query.append_pair("q", &self.search);
        }
        query.extend_pairs(&self.filters);
        if self.column != C::ALL[0] || self.descending {
            query.append_pair("sort", &self.sort_value());
        }
        if self.size != SIZES[0] {
            query.append_pair("size", &self.size.to_string());
        }
        query.extend_pairs(place);
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
}

impl HtmlSafe for SortHeads {}

/// The foot of a list: what is shown, and the ways to the other pages.
#[derive(Template)]
#[template(path = "kit/pages.html")]
pub struct Pages {
    first: Option<String>,
    previous: Option<String>,
    next: Option<String>,
    last: Option<String>,
    /// The noun for one and for many rows.
    noun: [&'static str; 2],
    from: i64,
    rows: i64,
    total: Total,
    page: i64,
    of_pages: Option<i64>,
}

impl HtmlSafe for Pages {}

impl Pages {
    /// The foot of a page of rows; `place` gives a row's cursor in the order of the list.
    pub fn new<C: Column, T>(
        query: &ListQuery<C>,
        noun: [&'static str; 2],
        slice: &Slice<T>,
        total: Total,
        place: impl Fn(&T) -> Cursor,
    ) -> Pages {
        let size = i64::try_from(query.size).unwrap_or(i64::MAX);
        let of_pages = match total {
            Total::Exactly(number) => Some(((number + size - 1) / size).max(1)),
            Total::MoreThan(_) => None,
        };
        let (before, after) = match &query.position {
            Position::First => (false, slice.more),
            Position::After(_) => (true, slice.more),
            Position::Before(_) => (slice.more, true),
            Position::Last => (slice.more, false),
        };
        let page = match &query.position {
            Position::Before(_) if !before => 1,
            Position::Last => of_pages.unwrap_or(query.page),
            _ => of_pages.map_or(query.page, |pages| query.page.min(pages)),
        };
        let rows = i64::try_from(slice.rows.len()).unwrap_or(i64::MAX);
        let previous = || Some(query.page_href(page - 1, "before", &place(slice.rows.first()?).encode()));
        let next = || Some(query.page_href(page + 1, "after", &place(slice.rows.last()?).encode()));
        Pages {
            first: before.then(|| query.first_page()),
            previous: before.then(previous).flatten(),
            next: after.then(next).flatten(),
            last: after.then(|| of_pages.map(|pages| query.page_href(pages, "place", "last"))).flatten(),
            noun,
            from: if query.position == Position::Last {
                total.exact().map_or(1, |end| end - rows + 1)
            } else {
                (page - 1) * size + 1
            },
            rows,
            total,
            page,
            of_pages,
        }
    }

    /// “11 – 20 of 1,204 data connectors”.
    pub fn footer(&self) -> String {
        match self.total {
            Total::Exactly(number) if self.rows == 0 => plural(number, self.noun[0], self.noun[1]),
            _ => {
                let noun = if self.total == Total::Exactly(1) { self.noun[0] } else { self.noun[1] };
                format!(
                    "{} – {} of {} {noun}",
                    grouped(self.from),
                    grouped(self.from + self.rows - 1),
                    self.total.words()
                )
            }
        }
    }

    /// “27 data connectors”, “More than 1,000 data connectors”.
    pub fn caption(&self) -> String {
        match self.total {
            Total::Exactly(number) => plural(number, self.noun[0], self.noun[1]),
            Total::MoreThan(number) => format!("More than {} {}", grouped(number), self.noun[1]),
        }
    }

    /// “Page 2 of 5.”
    pub fn page_words(&self) -> String {
        match self.of_pages {
            Some(pages) => format!("Page {} of {}", grouped(self.page), grouped(pages)),
            None => format!("Page {}", grouped(self.page)),
        }
    }

    pub fn is_one_page(&self) -> bool {
        self.first.is_none() && self.next.is_none()
    }
}
