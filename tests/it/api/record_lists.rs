//! Lists of records: order, filters, pages, and queries that are refused.

use super::collections::{BOOK, Library};
use super::*;

impl Library {
    /// The records of all pages of a list, each as the value of this member.
    async fn all(&self, query: &str, member: &str) -> Vec<String> {
        let (mut path, mut values) = (format!("?{query}"), Vec::new());
        loop {
            let answer = self.get(&path).await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            let page = answer.json();
            for record in page["records"].as_array().expect("records") {
                values.push(record["data"].get(member).map_or("-".into(), Value::to_string));
            }
            match page["next"].as_str() {
                Some(next) => path = next.strip_prefix("/api/v1/collections/books/records").expect("the list").into(),
                None => return values,
            }
            assert!(values.len() < 10_000, "pages without end");
        }
    }
}

#[tokio::test]
async fn values_of_all_kinds_have_an_order() {
    let library = Library::new(r#"{"properties": {"v": {"type": "string"}}, "title": "any"}"#).await;
    // The schema is for the member only: records may hold anything.
    library.app.sql("UPDATE collections SET schema = NULL, version = version + 1").await;
    for value in [
        "10",
        "\"Zoe\"",
        "2",
        "true",
        "-1e308",
        "{\"a\": 1}",
        "\"anton\"",
        "1.5",
        "null",
        "false",
        "\"Ärger\"",
        "123456789012345678901234567890",
        "[]",
    ] {
        library.create(&format!("{{\"v\": {value}}}")).await;
    }
    library.create("{}").await;
    let kinds = |values: Vec<String>| -> Vec<String> {
        values.into_iter().map(|value| if value.len() > 40 { "huge".into() } else { value }).collect()
    };
    let order = [
        "null",
        "-",
        "false",
        "true",
        "-1e+308",
        "1.5",
        "2",
        "10",
        "1.2345678901234568e+29",
        "\"anton\"",
        "\"Zoe\"",
        "\"Ärger\"",
        "{\"a\":1}",
        "[]",
    ];
    for limit in [1, 3, 100] {
        let ascending = kinds(library.all(&format!("sort=v&limit={limit}"), "v").await);
        assert_eq!(ascending, order, "pages of {limit}");
        let mut descending = kinds(library.all(&format!("sort=-v&limit={limit}"), "v").await);
        descending.reverse();
        assert_eq!(descending, order, "pages of {limit}, descending");
    }
    let list = library.get("?filter.v=123456789012345678901234567890").await.body;
    assert!(list.contains("\"v\": 123456789012345678901234567890}"), "{list}");
}

#[tokio::test]
async fn pages_over_equal_values_lose_and_repeat_nothing_while_records_come() {
    let library = Library::new(BOOK).await;
    for n in 0..10 {
        library.create(&format!("{{\"title\": \"Same\", \"pages\": {}}}", n + 1)).await;
    }
    for sort in ["title", "-title", "created", "-created", "modified", "-modified"] {
        let mut seen = Vec::new();
        let mut path = format!("?sort={sort}&limit=3");
        for page in 0..20 {
            let list = library.get(&path).await.json();
            let records = list["records"].as_array().expect("records");
            assert!(records.len() <= 3);
            seen.extend(records.iter().map(|record| record["id"].as_str().expect("an id").to_owned()));
            let Some(next) = list["next"].as_str() else { break };
            path = next.strip_prefix("/api/v1/collections/books/records").expect("the list").into();
            if page < 2 {
                library.create(r#"{"title": "Same"}"#).await;
                library.create(r#"{"title": "Aaa"}"#).await;
            }
        }
        let mut ids = seen.clone();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), seen.len(), "{sort} repeats a record");
        let first =
            "SELECT string_agg(id::text, ' ') FROM (SELECT id FROM records WHERE data -> 'pages' IS NOT NULL) x";
        let first = library.app.value(first).await;
        assert!(first.split(' ').all(|id| ids.iter().any(|seen| seen == id)), "{sort} loses a record");
    }
}

#[tokio::test]
async fn filters_and_prefixes_find_what_they_say() {
    let library = Library::new(BOOK).await;
    for (title, pages) in [("Emil", 12), ("emil", 7), ("Emilia", 12), ("12", 3), ("Zoë", 9), ("100%_\\\\", 1)] {
        library.create(&format!("{{\"title\": \"{title}\", \"pages\": {pages}}}")).await;
    }
    library.create(&format!("{{\"title\": \"{}\"}}", "x".repeat(80))).await;
    for (query, titles) in [
        ("filter.title=Emil", vec!["Emil"]),
        ("filter.title=%22Emil%22", vec!["Emil"]),
        ("filter.pages=12", vec!["Emil", "Emilia"]),
        ("filter.pages=12.0", vec!["Emil", "Emilia"]),
        ("filter.pages=%2212%22", vec![]),
        ("filter.title=12", vec![]),
        ("filter.title=%2212%22", vec!["12"]),
        ("filter.pages=null", vec![]),
        ("filter.title=", vec![]),
        ("prefix.title=EM", vec!["Emil", "emil", "Emilia"]),
        ("prefix.title=emili", vec!["Emilia"]),
        ("prefix.title=100%25_", vec!["100%_\\"]),
        ("prefix.title=zo%C3%AB", vec!["Zoë"]),
        ("prefix.title=_", vec![]),
        ("prefix.title=%25", vec![]),
    ] {
        let mut found = library.all(&format!("{query}&limit=1"), "title").await;
        let mut expected: Vec<String> = titles.iter().map(|title| Value::from(*title).to_string()).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{query}");
    }
    let ascending = library.all("prefix.title=em&sort=title", "title").await;
    let mut descending = library.all("prefix.title=em&sort=-title", "title").await;
    descending.reverse();
    assert_eq!(ascending, descending);
    assert_eq!(library.all("prefix.title=", "title").await.len(), 7);
}

#[tokio::test]
async fn a_query_that_is_not_known_is_refused_with_what_there_is() {
    let library = Library::new(BOOK).await;
    for title in ["a", "b"] {
        library.create(&format!("{{\"title\": \"{title}\"}}")).await;
    }
    let cursor = |answer: &Answer| {
        let next = answer.json()["next"].as_str().expect("more").to_owned();
        next.split_once("after=").expect("a cursor").1.to_owned()
    };
    let of_title = cursor(&library.get("?sort=title&limit=1").await);
    let of_created = cursor(&library.get("?limit=1").await);
    for (query, said) in [
        ("filter.colour=red", "“title”, “pages”, “price”"),
        ("prefix.colour=red", "“title”, “pages”, “price”"),
        ("sort=colour", "created, modified or one of the members “title”, “pages”, “price”"),
        ("sort=", "created, modified"),
        ("sort=--title", "created, modified"),
        ("colour=red", "limit, after, sort"),
        ("Limit=3", "limit, after, sort"),
        ("limit=0", "from 1 to 100"),
        ("limit=101", "from 1 to 100"),
        ("limit=-1", "from 1 to 100"),
        ("limit=ten", "from 1 to 100"),
        ("limit=1&limit=1", "once"),
        ("filter.title=a&filter.pages=1", "one filter"),
        ("filter.title=a&prefix.title=a", "one filter"),
        ("filter.title=a&sort=created", "sorted by the member of the filter"),
        ("filter.title=a&sort=pages", "sorted by the member of the filter"),
        ("filter.title=%5B1%5D", "A filter is"),
        ("filter.title=%7B%7D", "A filter is"),
        ("filter.title=%00", "U+0000"),
        ("after=", "“after”"),
        ("after=AAAA", "“after”"),
        ("after=%F0%9F%98%80", "“after”"),
        (&format!("after={of_title}"), "“after”"),
        (&format!("sort=title&after={of_created}"), "“after”"),
        (&format!("sort=-created&after={of_created}"), "“after”"),
        (&format!("prefix.title={}", "x".repeat(201)), "200 characters"),
    ] {
        let answer = library.get(&format!("?{query}")).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed_request"), "{query}");
        let detail = answer.json()["detail"].as_str().expect("a sentence").to_owned();
        assert!(detail.contains(said), "{query}: {detail}");
    }
    let bare = Library::new("").await;
    let answer = bare.get("?sort=title").await;
    assert!(answer.body.contains("it names none"), "{}", answer.body);
    assert_eq!(bare.all("", "title").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_page_has_no_more_than_four_mebibytes() {
    let library = Library::new("").await;
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(250_000));
    for _ in 0..20 {
        library.create(&long).await;
    }
    let page = library.get("?limit=100").await;
    assert!(page.body.len() < 4_500_000, "{}", page.body.len());
    assert_eq!(page.json()["records"].as_array().map(Vec::len), Some(16));
    assert_eq!(library.all("limit=100", "b").await.len(), 20);
}
