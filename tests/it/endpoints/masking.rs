//! What a connector signs in with is on no page, however an API echoes it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connectory::authorization::SecretField;
use connectory::connectors::Method;

use std::pin::pin;

use crate::support::hostile::answer;
use crate::support::upstream::{Reply, Seen, Upstream};

use super::*;

const SECRET: &str = "canary/5f1c+77 \"e";

/// A connector that signs in with a user name and the secret as its password.
async fn signed_in(app: &TestApp, base: &str, name: &str) -> Uuid {
    let id = app
        .connector_with(name, |new| {
            new.details.base_url = HttpUrl::parse(base).ok();
            new.method = Method::Basic;
        })
        .await;
    app.sql("UPDATE authorizations SET user_name = 'svc'").await;
    app.store_secret(id, SecretField::Password, SECRET).await;
    id
}

fn spellings() -> Vec<String> {
    let form: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let json = serde_json::Value::from(SECRET).to_string();
    vec![
        SECRET.to_string(),
        form,
        json.trim_matches('"').to_string(),
        STANDARD.encode(format!("svc:{SECRET}")),
        "canary\\/5f1c".to_string(),
        "canary/5f1c".to_string(),
        "5f1c".to_string(),
    ]
}

fn assert_hidden(what: &str, text: &str) {
    for spelling in spellings() {
        assert!(!text.contains(&spelling), "{what} shows {spelling}: {text}");
    }
}

#[tokio::test]
async fn an_echoed_secret_is_masked_in_body_headers_and_request() {
    let app = TestApp::start().await;
    let basic = STANDARD.encode(format!("svc:{SECRET}"));
    let escaped: String = SECRET.chars().map(|letter| format!("\\u{:04x}", letter as u32)).collect();
    let json = serde_json::Value::from(SECRET).to_string();
    let form: String = form_urlencoded::byte_serialize(SECRET.as_bytes()).collect();
    let bodies = [
        ("application/json", format!("{{\"echo\":{json},\"again\":\"{escaped}\"}}")),
        ("application/json", format!("{{\"php\":{}}}", json.replace('/', "\\/"))),
        ("text/plain", format!("You sent {SECRET} and Basic {basic}")),
        ("text/html", format!("<a href=\"/?p={form}\">{basic}</a>")),
    ];
    for (index, (content_type, body)) in bodies.into_iter().enumerate() {
        let headers = [
            ("Content-Type", content_type),
            ("X-Echo", &format!("Basic {basic}")),
            ("Set-Cookie", "sid=another-secret"),
        ];
        let api = Hostile::start(answer(200, &headers, &body)).await;
        signed_in(&app, &api.url("/v1"), &format!("Echo {index}")).await;
        let ana = app.super_admin().await;
        let tab = format!("/connectors/echo-{index}/endpoints");
        let page = ana.get(&format!("{tab}/new")).await;
        let page = press(&page, &tab, "Run", |form| form).await.expect(200);
        assert!(outcome(&page).starts_with("200 OK in "), "{}", outcome(&page));
        let sent = api.request();
        assert_eq!(sent.header("authorization"), Some(&*format!("Basic {basic}")));
        assert_hidden("the page", &page.html);
        assert_hidden("the page's words", &page.text());
        assert!(!page.html.contains("another-secret"));
        assert!(page.text().contains("Hidden: may hold a secret"));
        assert!(shown_body(&page).contains("‹masked›"));
        let curl = page.field_value("curl");
        assert!(curl.contains("YOUR-SECRET"), "{curl}");
        let links = page.links();
        let (_, address) = links.iter().find(|(words, _)| words == "Download the whole body").expect("a file");
        assert_hidden("the file", &ana.get(address).await.expect(200).html);
    }
}

/// How a body ends inside of the secret.
#[derive(Clone, Copy, Debug)]
enum Cut {
    /// The connection breaks off.
    BrokenOff,
    /// More than is read of a body comes before the end of the secret.
    TooLong,
}

/// What is read of a body, in bytes.
const MOST_READ: usize = 10 * 1024 * 1024;

/// A body that ends with this beginning of the password of the request.
fn ends_in_secret(seen: &Seen, cut: Cut, content_type: &str, start: &[u8]) -> Reply {
    let basic = seen.header("authorization").and_then(|value| value.strip_prefix("Basic "));
    let sent = STANDARD.decode(basic.expect("a credential")).expect("base64");
    let password = sent.strip_prefix(b"svc:").expect("the user name");
    let mut body = start.to_vec();
    let mut length = 1000;
    match cut {
        Cut::BrokenOff => body.extend_from_slice(&password[..BEGINNING.len()]),
        Cut::TooLong => {
            body.resize(MOST_READ - BEGINNING.len(), b'x');
            body.extend_from_slice(password);
            length = body.len();
        }
    }
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n");
    Reply::raw([head.as_bytes(), &body].concat()).closing()
}

/// What comes of the secret.
const BEGINNING: &str = "canary/5f1c";

#[tokio::test]
async fn the_beginning_of_a_secret_at_the_end_of_an_incomplete_body_is_masked() {
    let app = TestApp::start().await;
    assert!(SECRET.starts_with(BEGINNING));
    for (index, cut) in [Cut::BrokenOff, Cut::TooLong].into_iter().enumerate() {
        let api = Upstream::start(move |seen| match seen.path() {
            "/v1/text" => ends_in_secret(seen, cut, "text/plain", b"You sent "),
            _ => ends_in_secret(seen, cut, "application/octet-stream", b"\x00\xff\x01\xfe"),
        });
        let api = api.await;
        signed_in(&app, &api.url("/v1"), &format!("Cut {index}")).await;
        let ana = app.super_admin().await;
        let tab = format!("/connectors/cut-{index}/endpoints");
        let run = async |url: &str| {
            let page = ana.get(&format!("{tab}/new")).await;
            press(&page, &tab, "Run", |form| form.set("endpoint_url", url)).await.expect(200)
        };
        let address = |page: &Page| page.links().into_iter().find(|(words, _)| words == "Download the whole body");

        let page = run("/text").await;
        assert!(outcome(&page).starts_with("200 OK in "), "{cut:?}: {}", page.text());
        assert!(shown_body(&page).starts_with("You sent "), "{cut:?}");
        assert!(!page.html.contains("canary"), "{cut:?}: {}", page.text());
        let file = ana.get(&address(&page).expect("a file").1).await.expect(200).html;
        assert!(file.ends_with("‹masked›") && !file.contains("canary"), "{cut:?}");

        let page = run("/binary").await;
        assert!(outcome(&page).starts_with("200 OK in "), "{cut:?}: {}", page.text());
        assert!(!page.html.contains("canary"), "{cut:?}: {}", page.text());
        assert!(page.text().contains("so it is not given out"), "{cut:?}: {}", page.text());
        assert!(address(&page).is_none(), "{cut:?}");
    }
}

#[tokio::test]
async fn a_key_in_the_address_is_masked_where_the_request_is_shown() {
    let app = TestApp::start().await;
    let api = Hostile::json("{}").await;
    let base = api.url("/v1");
    let id = app
        .connector_with("Payroll", |new| {
            new.details.base_url = HttpUrl::parse(&base).ok();
            new.method = Method::ApiKey;
        })
        .await;
    app.sql("UPDATE authorizations SET api_key_name = 'key', api_key_place = 'query'").await;
    app.store_secret(id, SecretField::ApiKey, SECRET).await;
    let ana = app.super_admin().await;
    let page = run(&ana, NEW, |form| form.set("endpoint_url", "/orders?a=1")).await;
    assert!(outcome(&page).starts_with("200 OK in "), "{}", page.text());
    assert!(api.request().target.starts_with("/v1/orders?a=1&key="));
    assert_hidden("the page", &page.html);
    assert!(page.field_value("curl").contains("key=YOUR-SECRET"));
}

/// An answer that is one long overlap of the secret, on every worker at once.
#[tokio::test]
async fn masking_a_long_secret_in_a_long_response_blocks_no_other_request() {
    let app = TestApp::start().await;
    let secret = "a".repeat(16 * 1024);
    let body = "a".repeat(10 * 1024 * 1024);
    let api = Hostile::start(answer(200, &[("Content-Type", "text/plain")], &body)).await;
    let base = api.url("/v1");
    let id = app
        .connector_with("Payroll", |new| {
            new.details.base_url = HttpUrl::parse(&base).ok();
            new.method = Method::ApiKey;
        })
        .await;
    app.sql("UPDATE authorizations SET api_key_name = 'X-Key'").await;
    app.store_secret(id, SecretField::ApiKey, &secret).await;
    let (ana, visitor) = (app.super_admin().await, app.browser());
    let runs = [(); 4].map(|()| run(&ana, NEW, |form| form));
    let mut runs = pin!(futures_util::future::join_all(runs));
    let mut looks = 0;
    let pages = loop {
        tokio::select! {
            pages = &mut runs => break pages,
            page = visitor.get("/sign-in") => {
                page.expect(200);
                looks += 1;
            }
        }
    };
    assert!(looks > 0);
    for page in pages {
        assert!(outcome(&page).starts_with("200 OK in "), "{}", page.text());
        assert_eq!(shown_body(&page), "‹masked›");
        assert!(!page.html.contains("aaaa"));
    }
}
