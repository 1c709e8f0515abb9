//! The foot of a list: which rows of how many are shown, and the links to the other pages.

use askama::Template;
use askama::filters::HtmlSafe;

use super::{ListQuery, Row};
use crate::db::keyset::{Position, Slice};
use crate::web::SelectOption;
use crate::web::text::{grouped, plural};

/// How many rows there are in all; counting stops where it would take longer than the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Total {
    Exactly(i64),
    MoreThan(i64),
}

impl Total {
    /// From a count that stopped one above `limit`.
    pub fn bounded(count: i64, limit: i64) -> Total {
        if count > limit { Total::MoreThan(limit) } else { Total::Exactly(count) }
    }

    /// `1,204`, `more than 1,000`.
    pub fn words(self) -> String {
        match self {
            Total::Exactly(number) => grouped(number),
            Total::MoreThan(number) => format!("more than {}", grouped(number)),
        }
    }

    /// The number, if it is known.
    pub fn exact(self) -> Option<i64> {
        match self {
            Total::Exactly(number) => Some(number),
            Total::MoreThan(_) => None,
        }
    }
}

/// The foot of a list: what is shown, and the links to the other pages.
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
    sizes: Option<Sizes>,
}

/// The choice of the rows per page: a form with the search, the filters and the order of the list.
struct Sizes {
    path: String,
    kept: Vec<(&'static str, String)>,
    size: usize,
    options: [SelectOption; 4],
}

impl HtmlSafe for Pages {}

impl Pages {
    /// The foot of a page of rows.
    pub fn new<R: Row>(query: &ListQuery<R>, slice: &Slice<R>, total: Total) -> Pages {
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
        let previous = || Some(query.page_href(page - 1, "before", &query.column.cursor(slice.rows.first()?).encode()));
        let next = || Some(query.page_href(page + 1, "after", &query.column.cursor(slice.rows.last()?).encode()));
        Pages {
            first: before.then(|| query.address().href()),
            previous: before.then(previous).flatten(),
            next: after.then(next).flatten(),
            last: after.then(|| of_pages.map(|pages| query.page_href(pages, "place", "last"))).flatten(),
            noun: R::NOUN,
            from: if query.position == Position::Last {
                total.exact().map_or(1, |end| end - rows + 1)
            } else {
                (page - 1) * size + 1
            },
            rows,
            total,
            page,
            of_pages,
            sizes: None,
        }
    }

    /// The same with a choice of the rows per page.
    pub fn with_sizes<R: Row>(self, query: &ListQuery<R>) -> Pages {
        let mut kept: Vec<_> = query.filters().to_vec();
        kept.push(("sort", query.sort_value()));
        if !query.search.is_empty() {
            kept.push(("q", query.search.clone()));
        }
        let (path, size, options) = (query.path().to_string(), query.size, query.sizes());
        Pages { sizes: Some(Sizes { path, kept, size, options }), ..self }
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

    /// “ (page 2 of 5)” for the title of a page, where there is more than one.
    pub fn title_words(&self) -> String {
        if self.is_one_page() { String::new() } else { format!(" ({})", self.page_words().to_lowercase()) }
    }

    pub fn is_one_page(&self) -> bool {
        self.first.is_none() && self.next.is_none()
    }
}
