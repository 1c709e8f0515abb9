//! Lists that come in pages.

use serde_json::json;

use crate::api::{Answer, World};
use crate::support::upstream::{Reply, Seen};

/// The value of a query parameter.
fn parameter(seen: &Seen, name: &str) -> Option<String> {
    let (_, query) = seen.target.split_once('?')?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
}

/// A world whose endpoint `list` pages like this.
async fn paging(columns: &str, api: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> World {
    let world = World::new(api).await;
    world.endpoint("list", "GET", "/items?size=2").await;
    world.app.sql(&format!("UPDATE endpoints SET {columns}")).await;
    world
}

async fn gathered(world: &World, query: &str) -> Answer {
    Answer::of(world.request("POST", &format!("/ledger/endpoints/list/call?{query}"))).await
}

/// Three pages, of which each names the next one in every way.
fn three_pages(seen: &Seen) -> Reply {
    let number = |name| parameter(seen, name).and_then(|value| value.parse::<usize>().ok());
    let page = number("p").or(number("skip").map(|skip| skip / 2 + 1)).unwrap_or(1);
    let (items, next) = match page {
        1 => ("1, {\"z\":1e400}", "\"/v1/items?p=2\""),
        2 => ("3, 4", "\"/v1/items?p=3\""),
        3 => ("5", "null"),
        _ => ("", "null"),
    };
    let cursor = if page < 3 { (page + 1).to_string() } else { "null".into() };
    let body = format!("{{\"data\": [{items}], \"next\": {next}, \"cursor\": {cursor}}}");
    let link = format!("</v1/items?p={}>; rel=\"next\"", page + 1);
    let kind = ("Content-Type", "application/json");
    if page < 3 { Reply::of(200, &[kind, ("Link", &link)], &body) } else { Reply::of(200, &[kind], &body) }
}

#[tokio::test]
async fn all_pages_are_one_list_however_the_api_pages() {
    for (columns, requests) in [
        ("paging = 'link'", 3),
        ("paging = 'next_url', paging_next = '/next'", 3),
        ("paging = 'cursor', paging_next = '/cursor', paging_parameter = 'p'", 3),
        ("paging = 'page', paging_parameter = 'p'", 4),
    ] {
        let world = paging(&format!("{columns}, paging_items = '/data'"), three_pages).await;
        let answer = gathered(&world, "all=true").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "[1,{\"z\":1e400},3,4,5]"), "{columns}");
        assert_eq!(answer.header("connectory-complete"), "true");
        assert_eq!(answer.header("connectory-pages"), requests.to_string());
        assert_eq!(answer.header("content-type"), "application/json");
        world.wait_for_log(requests).await;
        assert_eq!(world.log("status").await, vec![["200"]; requests as usize]);
        let one = gathered(&world, "").await.body;
        assert!(one.starts_with("{\"data\": [1, "), "one page without being asked: {one}");
    }
}

#[tokio::test]
async fn an_offset_counts_the_items_and_a_page_that_comes_again_ends_the_list() {
    let world = paging("paging = 'offset', paging_parameter = 'skip', paging_items = '/data'", three_pages).await;
    assert_eq!(gathered(&world, "all=true").await.body, "[1,{\"z\":1e400},3,4,5]");
    let deaf = paging("paging = 'page', paging_parameter = 'p'", |_| Reply::json(200, "[1, 2]")).await;
    assert_eq!(gathered(&deaf, "all=true").await.body, "[1,2]");
    assert_eq!(deaf.api.seen().len(), 2);
    let round = |_: &Seen| Reply::json(200, r#"{"data": [1], "next": "?size=2"}"#);
    let round = paging("paging = 'next_url', paging_next = '/next', paging_items = '/data'", round).await;
    assert_eq!(gathered(&round, "all=true").await.body, "[1]");
}

#[tokio::test]
async fn a_list_that_is_not_whole_says_so() {
    let world = paging("paging = 'next_url', paging_next = '/next', paging_items = '/data'", three_pages).await;
    let cut = gathered(&world, "all=true&pages=2").await;
    assert_eq!((cut.body.as_str(), cut.header("connectory-complete")), ("[1,{\"z\":1e400},3,4]", "false"));
    let failing =
        paging("paging = 'next_url', paging_next = '/next', paging_items = '/data'", |seen| match seen.number {
            0 => three_pages(seen),
            _ => Reply::json(500, "{}"),
        })
        .await;
    let answer = gathered(&failing, "all=true").await;
    assert_eq!((answer.status, answer.problem().as_str()), (502, "api_answer_unusable"));
    assert!(answer.body.contains("Page 2 came with the status 500."), "{}", answer.body);
    let refused = paging("paging = 'link'", |_| Reply::json(404, "{\"no\": 1}")).await;
    let answer = gathered(&refused, "all=true").await;
    assert_eq!((answer.status, answer.body.as_str()), (404, "{\"no\": 1}"));
    let object = paging("paging = 'link'", |_| Reply::json(200, "{}")).await;
    assert_eq!(gathered(&object, "all=true").await.problem(), "api_answer_unusable");
}

/// Pages that are larger than what is held back; the third one fails.
#[tokio::test]
async fn a_long_list_streams_and_breaks_off_if_it_fails() {
    let large = |seen: &Seen| {
        let page = parameter(seen, "p").unwrap_or("1".into());
        let item = "x".repeat(900_000);
        match &*page {
            "3" => Reply::json(500, "{}"),
            _ => Reply::json(200, &format!("[\"{page}{item}\"]")),
        }
    };
    let world = paging("paging = 'page', paging_parameter = 'p'", large).await;
    let path = "/ledger/endpoints/list/call?all=true";
    let answer = world.request("POST", path).send().await.expect("a head");
    assert_eq!(answer.status(), 200);
    assert!(!answer.headers().contains_key("connectory-complete"));
    assert!(answer.bytes().await.is_err());
}

#[tokio::test]
async fn the_next_page_is_on_the_connectors_own_hosts_only() {
    let elsewhere = World::new(|_| Reply::json(200, "[]")).await;
    let stolen = format!("{{\"data\": [1], \"next\": \"{}\"}}", elsewhere.api.url("/v1/items"));
    let world = paging("paging = 'next_url', paging_next = '/next', paging_items = '/data'", move |_| {
        Reply::json(200, &stolen)
    })
    .await;
    let answer = gathered(&world, "all=true").await;
    assert_eq!((answer.status, answer.problem().as_str()), (403, "host_not_allowed"));
    assert!(elsewhere.api.seen().is_empty());
}

#[tokio::test]
async fn what_cannot_be_gathered_is_refused() {
    let world = paging("paging = 'none'", three_pages).await;
    for query in ["all=true", "all=yes", "all=true&pages=0", "all=true&pages=1001", "all=true&pages=x"] {
        let answer = gathered(&world, query).await;
        assert_eq!((answer.status, answer.problem().as_str()), (400, "malformed_request"), "{query}");
    }
    assert!(world.api.seen().is_empty());
    assert_eq!(gathered(&world, "all=false").await.status, 200);
}

#[tokio::test]
async fn the_editor_says_how_the_api_pages_and_run_gathers_all() {
    let world = World::new(three_pages).await;
    let id = world.endpoint("list", "GET", "/items").await;
    let editor = format!("/connectors/ledger/endpoints/{id}");
    let ana = world.app.super_admin().await;
    let page = ana.get(&editor).await.expect(200);
    let page = page.form(&editor).set("paging", "cursor").set("paging_items", "data").send().await.expect(422);
    for field in ["paging_items", "paging_next", "paging_parameter"] {
        assert!(page.field_error(field).is_some(), "{field}");
    }
    let form = page.form(&editor).set("paging_items", "/data").set("paging_next", "/cursor");
    form.set("paging_parameter", "p").send().await.expect(303);
    let columns = "paging, paging_items, paging_next, paging_parameter";
    assert_eq!(
        world.app.rows(&format!("SELECT {columns} FROM endpoints")).await,
        [["cursor", "/data", "/cursor", "p"]]
    );
    let page = ana.get(&editor).await.expect(200);
    let page = page.form(&editor).press("Gather all pages").send().await.expect(200);
    assert!(page.text().contains("These are all 3 pages."), "{}", page.text());
    let shown: String = page.all("pre[aria-label='Response body']").flat_map(|shown| shown.text()).collect();
    assert_eq!(shown.split_whitespace().collect::<String>(), "[1,{\"z\":1e400},3,4,5]");
    assert!(world.call("list", json!({})).await.body.starts_with("{\"data\": [1, "));
}
