//! Paging: how an API says where the next page is, and where the items of a page are.
//!
//! Rules: items are passed on as they came; a page that came before ends the gathering, so it always ends. The next page's
//! URL comes from the API: it is called like every URL, on the connector's own origins only.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::value::RawValue;
use thiserror::Error;

use crate::db::text_enum;
use crate::outbound::HttpUrl;
use crate::outbound::http::HeaderMap;
use crate::outbound::http::header::LINK;
use crate::relay::without_pair;

text_enum! {
    /// Where the next page is.
    pub enum PagingKind {
        None = "none", "None";
        Link = "link", "Link header";
        NextUrl = "next_url", "URL of the next page in the response";
        Cursor = "cursor", "Cursor in the response";
        Page = "page", "Page number";
        Offset = "offset", "Offset";
    }
}

/// How an endpoint's API pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paging {
    pub kind: PagingKind,
    /// The next page's URL or cursor in the response.
    pub next: Pointer,
    /// The query parameter of the cursor, the page's number or the offset.
    pub parameter: String,
    /// The items in the response; empty if it is a list of them.
    pub items: Pointer,
}

impl Paging {
    /// No pages.
    pub fn none() -> Paging {
        let (next, items) = (Pointer::default(), Pointer::default());
        Paging { kind: PagingKind::None, next, parameter: String::new(), items }
    }
}

impl PagingKind {
    /// Whether the next page stands in the response.
    pub fn has_pointer(self) -> bool {
        matches!(self, PagingKind::NextUrl | PagingKind::Cursor)
    }

    /// Whether a query parameter says which page is wanted.
    pub fn has_parameter(self) -> bool {
        matches!(self, PagingKind::Cursor | PagingKind::Page | PagingKind::Offset)
    }
}

/// A place in JSON (RFC 6901); besides, −1 is the last item of a list, whose id is the cursor of some APIs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pointer(Vec<String>);

/// A text is no pointer. The message completes a field's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be a JSON Pointer that begins with /, such as /meta/next")]
pub struct PointerProblem;

impl Pointer {
    pub fn parse(text: &str) -> Result<Pointer, PointerProblem> {
        if text.is_empty() {
            return Ok(Pointer::default());
        }
        let rest = text.strip_prefix('/').ok_or(PointerProblem)?;
        Ok(Pointer(rest.split('/').map(|name| name.replace("~1", "/").replace("~0", "~")).collect()))
    }

    fn find<'a>(&self, json: &'a RawValue) -> Option<&'a RawValue> {
        self.0.iter().try_fold(json, |json, name| match json.get().as_bytes().first()? {
            b'{' => serde_json::from_str::<HashMap<String, &RawValue>>(json.get()).ok()?.remove(name),
            b'[' => {
                let items: Vec<&RawValue> = serde_json::from_str(json.get()).ok()?;
                if name == "-1" { items.last().copied() } else { items.get(name.parse::<usize>().ok()?).copied() }
            }
            _ => None,
        })
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|name| write!(f, "/{}", name.replace('~', "~0").replace('/', "~1")))
    }
}

/// A page that cannot be read.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum PagingError {
    #[error("A page of the response is not JSON.")]
    NotJson,
    #[error("A page of the response has no list of items{0}.")]
    NoItems(String),
    #[error("The URL of the next page cannot be read.")]
    NextUrl,
}

/// One page.
#[derive(Debug)]
pub struct Page<'a> {
    pub items: Vec<&'a RawValue>,
    pub next: Option<HttpUrl>,
}

impl Page<'_> {
    /// Its items, to be added to a list in JSON that has `earlier` ones.
    pub fn joined(&self, earlier: bool) -> String {
        let mut text = String::new();
        for item in &self.items {
            if earlier || !text.is_empty() {
                text.push(',');
            }
            text.push_str(item.get());
        }
        text
    }
}

/// Reads pages one after another.
pub struct Pager {
    paging: Paging,
    /// The URLs of the pages so far.
    seen: HashSet<String>,
    /// Of the last page's items.
    last: Option<u64>,
}

impl Pager {
    pub fn new(paging: &Paging) -> Pager {
        Pager { paging: paging.clone(), seen: HashSet::new(), last: None }
    }

    /// The page that came from this URL.
    pub fn read<'a>(&mut self, url: &HttpUrl, headers: &HeaderMap, body: &'a [u8]) -> Result<Page<'a>, PagingError> {
        self.seen.insert(url.absolute().to_string());
        let json: &RawValue = serde_json::from_slice(body).map_err(|_| PagingError::NotJson)?;
        let items = self.items(json)?;
        if self.is_counted() && (items.is_empty() || self.came_before(&items)) {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let next = self.next(url, headers, (json, items.len()))?;
        Ok(Page { items, next: next.filter(|next| !self.seen.contains(next.absolute())) })
    }

    fn items<'a>(&self, json: &'a RawValue) -> Result<Vec<&'a RawValue>, PagingError> {
        let items = self.paging.items.find(json).and_then(|items| serde_json::from_str(items.get()).ok());
        items.ok_or_else(|| {
            let pointer = self.paging.items.to_string();
            PagingError::NoItems(if pointer.is_empty() { pointer } else { format!(" at {pointer}") })
        })
    }

    /// Whether the pages have numbers: there is always a next one.
    fn is_counted(&self) -> bool {
        matches!(self.paging.kind, PagingKind::Page | PagingKind::Offset)
    }

    /// Whether the page before had the same items: the API does not know the parameter, or gives its last page again.
    fn came_before(&mut self, items: &[&RawValue]) -> bool {
        let mut hasher = DefaultHasher::new();
        items.iter().for_each(|item| item.get().hash(&mut hasher));
        let hash = hasher.finish();
        self.last.replace(hash) == Some(hash)
    }

    fn next(
        &self,
        url: &HttpUrl,
        headers: &HeaderMap,
        (json, count): (&RawValue, usize),
    ) -> Result<Option<HttpUrl>, PagingError> {
        let Paging { kind, next, parameter, .. } = &self.paging;
        let named = || next.find(json).and_then(scalar).filter(|text| !text.is_empty());
        let joined = |location: String| url.join(&location).ok_or(PagingError::NextUrl);
        let counted = |first: u64, step: u64| {
            let now = value_of(url, parameter).and_then(|value| value.parse().ok()).unwrap_or(first);
            with_value(url, parameter, &u64::saturating_add(now, step).to_string())
        };
        match kind {
            PagingKind::None => Ok(None),
            PagingKind::Link => next_link(headers).map(joined).transpose(),
            PagingKind::NextUrl => named().map(joined).transpose(),
            PagingKind::Cursor => Ok(named().map(|cursor| with_value(url, parameter, &cursor))),
            PagingKind::Page => Ok(Some(counted(1, 1))),
            PagingKind::Offset => Ok(Some(counted(0, count as u64))),
        }
    }
}

/// The text of a string or a number.
fn scalar(json: &RawValue) -> Option<String> {
    match json.get().as_bytes().first()? {
        b'"' => serde_json::from_str(json.get()).ok(),
        b'-' | b'0'..=b'9' => Some(json.get().to_string()),
        _ => None,
    }
}

fn value_of(url: &HttpUrl, name: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(url.query()?.as_bytes());
    pairs.find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
}

fn with_value(url: &HttpUrl, name: &str, value: &str) -> HttpUrl {
    let rest = without_pair(url.query().unwrap_or_default(), name);
    url.with_raw_query(&rest).unwrap_or_else(|| url.clone()).with_query(&[(name, value)])
}

/// The target of the link to the next page (RFC 8288).
fn next_link(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().find_map(|line| {
        let mut rest = line.to_str().ok()?;
        while let Some((target, after)) = rest.split_once('<').and_then(|(_, rest)| rest.split_once('>')) {
            let parameters = after.split('<').next().unwrap_or_default();
            if is_next(parameters) {
                return Some(target.to_string());
            }
            rest = after;
        }
        None
    })
}

/// Whether `; rel="next last"` says that a link is that to the next page.
fn is_next(parameters: &str) -> bool {
    parameters.split(';').filter_map(|parameter| parameter.split_once('=')).any(|(name, value)| {
        let mut kinds = value.trim().trim_end_matches(',').trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && kinds.any(|kind| kind.eq_ignore_ascii_case("next"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::http::HeaderValue;

    fn pager(kind: PagingKind, next: &str, parameter: &str, items: &str) -> Pager {
        let pointer = |text| Pointer::parse(text).expect("a pointer");
        Pager::new(&Paging { kind, next: pointer(next), parameter: parameter.into(), items: pointer(items) })
    }

    fn url(text: &str) -> HttpUrl {
        HttpUrl::parse(text).expect("a URL")
    }

    /// The items and the URL of the next page.
    fn read(pager: &mut Pager, from: &str, link: &'static str, body: &str) -> Result<(String, String), PagingError> {
        let headers = HeaderMap::from_iter([(LINK, HeaderValue::from_static(link))]);
        let page = pager.read(&url(from), &headers, body.as_bytes())?;
        let items: Vec<&str> = page.items.iter().map(|item| item.get()).collect();
        Ok((items.join(" "), page.next.map(|next| next.absolute().to_string()).unwrap_or_default()))
    }

    const BASE: &str = "https://a.example/v1/items?size=2";

    #[test]
    fn the_next_page_is_where_the_api_says() {
        use PagingKind::*;
        for (kind, next, parameter, items, from, body, found) in [
            (
                NextUrl,
                "/next",
                "",
                "/data",
                BASE,
                r#"{"data":[1],"next":"/v1/items?p=2"}"#,
                "https://a.example/v1/items?p=2",
            ),
            (NextUrl, "/next", "", "/data", BASE, r#"{"data":[1],"next":"?p=2"}"#, "https://a.example/v1/items?p=2"),
            (NextUrl, "/next", "", "/data", BASE, r#"{"data":[1],"next":"https://b.example/"}"#, "https://b.example/"),
            (NextUrl, "/next", "", "/data", BASE, r#"{"data":[1],"next":null}"#, ""),
            (NextUrl, "/next", "", "/data", BASE, r#"{"data":[1],"next":""}"#, ""),
            (NextUrl, "/next", "", "/data", BASE, r#"{"data":[1]}"#, ""),
            (
                Cursor,
                "/m/c",
                "after",
                "/d",
                BASE,
                r#"{"d":[],"m":{"c":"x&y"}}"#,
                "https://a.example/v1/items?size=2&after=x%26y",
            ),
            (
                Cursor,
                "/c",
                "after",
                "/d",
                "https://a.example/?after=1&b=2",
                r#"{"d":[],"c":7}"#,
                "https://a.example/?b=2&after=7",
            ),
            (
                Cursor,
                "/d/-1/id",
                "after",
                "/d",
                BASE,
                r#"{"d":[{"id":"a"},{"id":"b"}]}"#,
                "https://a.example/v1/items?size=2&after=b",
            ),
            (Cursor, "/d/-1/id", "after", "/d", BASE, r#"{"d":[]}"#, ""),
            (Cursor, "/c", "after", "/d", BASE, r#"{"d":[1],"c":false}"#, ""),
            (Page, "", "page", "", BASE, "[1,2]", "https://a.example/v1/items?size=2&page=2"),
            (Page, "", "page", "", "https://a.example/?page=0", "[1,2]", "https://a.example/?page=1"),
            (Page, "", "page", "", BASE, "[]", ""),
            (Offset, "", "skip", "", BASE, "[1,2]", "https://a.example/v1/items?size=2&skip=2"),
            (Offset, "", "skip", "", "https://a.example/?skip=4", "[1,2]", "https://a.example/?skip=6"),
            (None, "", "", "", BASE, "[1]", ""),
        ] {
            let read = read(&mut pager(kind, next, parameter, items), from, "<x>; rel=prev", body);
            assert_eq!(read.expect("a page").1, found, "{kind:?} {body}");
        }
    }

    #[test]
    fn links_are_read_as_servers_write_them() {
        for (link, found) in [
            ("<https://a.example/?page=2>; rel=\"next\"", "https://a.example/?page=2"),
            ("<?page=1>; rel=\"prev\", <?page=3>; rel=\"next\"", "https://a.example/v1/items?page=3"),
            ("<?page=3>; rel=next, <?page=9>; rel=last", "https://a.example/v1/items?page=3"),
            ("<?page=3>; title=\"x\"; REL=\"last NEXT\"", "https://a.example/v1/items?page=3"),
            ("<?a=1,2>; rel=\"next\"", "https://a.example/v1/items?a=1,2"),
            ("<?page=3>; rel=\"nextish\"", ""),
            ("", ""),
        ] {
            let read = read(&mut pager(PagingKind::Link, "", "", ""), BASE, link, "[1]");
            assert_eq!(read.expect("a page").1, found, "{link}");
        }
    }

    #[test]
    fn items_are_passed_on_as_they_came() {
        let body = " {\"a/b\": {\"data\": [1e400, {\"z\":1,\"a\":2}, \"ä\"]}} ";
        let read = read(&mut pager(PagingKind::Link, "", "", "/a~1b/data"), BASE, "", body).expect("a page");
        assert_eq!(read.0, "1e400 {\"z\":1,\"a\":2} \"ä\"");
    }

    #[test]
    fn a_page_that_came_before_ends_it() {
        let mut same = pager(PagingKind::NextUrl, "/next", "", "/d");
        let body = r#"{"d":[1],"next":"?size=2"}"#;
        assert_eq!(read(&mut same, BASE, "", body), Ok(("1".into(), String::new())), "its own URL");
        let mut unknown = pager(PagingKind::Page, "", "page", "");
        assert_eq!(read(&mut unknown, BASE, "", "[1]").expect("a page").0, "1");
        let second = read(&mut unknown, "https://a.example/?page=2", "", "[1]");
        assert_eq!(second, Ok((String::new(), String::new())), "the same items");
    }

    #[test]
    fn what_is_no_page_is_an_error() {
        let mut pager = pager(PagingKind::NextUrl, "/next", "", "/d");
        for (body, error) in [
            ("<html>", PagingError::NotJson),
            ("{}", PagingError::NoItems(" at /d".into())),
            (r#"{"d":{}}"#, PagingError::NoItems(" at /d".into())),
            (r#"{"d":[],"next":"javascript:alert(1)"}"#, PagingError::NextUrl),
        ] {
            assert_eq!(read(&mut pager, BASE, "", body), Err(error), "{body}");
        }
        assert_eq!(Pointer::parse("next"), Err(PointerProblem));
        assert_eq!(Pointer::parse("/a~1b/c").expect("a pointer").to_string(), "/a~1b/c");
    }
}
