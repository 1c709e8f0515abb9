//! Run: a real call with what stands in the form, and all that came of it on the page.

use connectory::access::Permission::{CallConnectors, EditConnectors};

use crate::support::hostile::{Behaviour, answer};

use super::*;

#[tokio::test]
async fn a_run_sends_the_form_and_shows_the_response() {
    let app = TestApp::start().await;
    let api = Hostile::json(r#"{"orders":[{"id":7}],"next":null}"#).await;
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let page = ana.get(NEW).await;
    let page = press(&page, TAB, "Add a parameter", |form| form).await;
    let page = press(&page, TAB, "Add another parameter", |form| form).await;
    let page = press(&page, TAB, "Add a header", |form| form).await;
    let page = press(&page, TAB, "Run", |form| {
        form.set("http_method", "POST")
            .set("endpoint_url", "/orders/{{order.id}}")
            .set("parameter_1_name", "page")
            .set("parameter_1_value", "{{page|1}}")
            .set("parameter_2_name", "cursor")
            .set("parameter_2_value", "{{cursor}}")
            .set("header_1_name", "X-Trace")
            .set("header_1_value", "{{order.id}}")
            .set("body_kind", "json")
            .set("body", "{\"n\": {{order.n}}}")
            .set("sample", "{\"order\": {\"id\": \"a/b\", \"n\": 3}}")
    })
    .await
    .expect(200);

    let sent = api.request();
    assert_eq!(sent.method, "POST");
    assert_eq!(sent.target, "/v1/orders/a%2Fb?page=1");
    assert_eq!(sent.header("x-trace"), Some("a/b"));
    assert_eq!(sent.header("content-type"), Some("application/json"));
    assert_eq!(sent.body, "{\"n\": 3}");

    assert!(outcome(&page).starts_with("200 OK in "), "{}", outcome(&page));
    assert!(page.title().starts_with("200 OK: "), "{}", page.title());
    assert_eq!(shown_body(&page), "{\n  \"orders\": [\n    {\n      \"id\": 7\n    }\n  ],\n  \"next\": null\n}");
    assert!(page.has_link("Go to the response"));
    let text = page.text();
    assert!(text.contains("33 bytes of JSON"), "{text}");
    assert!(text.contains("Left out, because they have no value: parameter “cursor”."), "{text}");
    assert!(text.contains(&format!("POST {}", api.url("/v1/orders/a%2Fb?page=1"))), "{text}");
    let curl = page.field_value("curl");
    assert!(curl.contains("--header 'x-trace: a/b'"), "{curl}");
    assert!(curl.contains("--data-raw '{\"n\": 3}'"), "{curl}");
    // The form is as it was, and nothing was saved.
    assert_eq!(page.field_value("endpoint_url"), "/orders/{{order.id}}");
    assert_eq!(page.field_value("parameter_2_name"), "cursor");
    assert_eq!(app.count("SELECT count(*) FROM endpoints").await, 0);
    page.form(TAB).send().await.expect(303);
}

#[tokio::test]
async fn a_missing_variable_is_named_before_anything_is_sent() {
    let app = TestApp::start().await;
    let api = Hostile::json("{}").await;
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let page = run(&ana, NEW, |form| {
        form.set("endpoint_url", "/orders/{{order.id}}?q={{q}}")
            .set("body_kind", "text")
            .set("body", "{{text}}")
            .set("sample", "{\"q\": [1]}")
    })
    .await
    .expect(422);
    let message = "There is no value for “order.id”, which the URL needs. The value of “q” is a list or an object, which the URL cannot hold. Name one of its members, such as “q.0”. There is no value for “text”, which the request body needs.";
    assert_eq!(page.errors(), [("sample".to_string(), message.to_string())]);
    assert_eq!(api.requests().len(), 0);
    assert_eq!(api.connections(), 0);

    app.sql("UPDATE connectors SET base_url = NULL").await;
    let page = run(&ana, NEW, |form| form.set("endpoint_url", "/orders")).await;
    assert_eq!(
        page.expect(422).errors(),
        [("endpoint_url".to_string(), "URL must start with https:// or http://, because the data connector has no base URL. You can set one on the Details tab".to_string())]
    );
}

#[tokio::test]
async fn an_error_response_is_shown_as_it_is() {
    let app = TestApp::start().await;
    for (status, heading, advice) in [
        (404, "404 Not Found in ", "nothing at this address"),
        (401, "401 Unauthorized in ", "Look at the Authorization tab"),
        (500, "500 Internal Server Error in ", "The API itself has failed"),
        (302, "302 Found in ", "Redirects to another host are not followed"),
    ] {
        let headers = [("Content-Type", "text/plain"), ("Location", "http://elsewhere.example/")];
        let api = Hostile::start(answer(status, &headers, "no <b>luck</b>")).await;
        let name = format!("Answers {status}");
        app.connector_with(&name, |new| {
            new.details.base_url = HttpUrl::parse(&api.url("/")).ok();
        })
        .await;
        let ana = app.super_admin().await;
        let tab = format!("/connectors/answers-{status}/endpoints");
        let page = ana.get(&format!("{tab}/new")).await;
        let page = press(&page, &tab, "Run", |form| form).await.expect(200);
        assert!(outcome(&page).starts_with(heading), "{}", outcome(&page));
        assert_eq!(page.all(".note.warn[data-focus]").count(), 1);
        assert!(page.text().contains(advice), "{}", page.text());
        assert_eq!(shown_body(&page), "no <b>luck</b>");
    }
}

#[tokio::test]
async fn a_failure_says_what_happened_and_what_to_try() {
    let app = TestApp::start().await;
    let api = Hostile::start(Behaviour::Close).await;
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let page = run(&ana, NEW, |form| form.set("endpoint_url", "/orders")).await;
    assert_eq!(page.status, 200);
    assert_eq!(page.all(".note.bad[role=group] h2").count(), 1);
    assert!(page.text().contains("The request may have reached the API."), "{}", page.text());
    assert_eq!(page.field_value("endpoint_url"), "/orders");
    assert!(page.all("#response").next().is_none());

    app.sql("UPDATE connectors SET base_url = 'http://127.0.0.1:1'").await;
    let page = run(&ana, NEW, |form| form.set("endpoint_url", "/orders")).await;
    assert!(page.text().contains("Nothing was sent to the API."), "{}", page.text());
}

#[tokio::test]
async fn a_response_that_takes_too_long_ends_at_the_endpoints_time_out() {
    let app = TestApp::start().await;
    for behaviour in [Behaviour::Silence, Behaviour::StallInBody] {
        let is_body = matches!(behaviour, Behaviour::StallInBody);
        let api = Hostile::start(behaviour).await;
        let name = format!("Slow {is_body}");
        app.connector_with(&name, |new| {
            new.details.base_url = HttpUrl::parse(&api.url("/")).ok();
        })
        .await;
        let ana = app.super_admin().await;
        let tab = format!("/connectors/slow-{is_body}/endpoints");
        let page = ana.get(&format!("{tab}/new")).await;
        let page = press(&page, &tab, "Run", |form| form.set("time_out", "1")).await;
        assert_eq!(page.status, 200);
        if is_body {
            assert!(page.text().contains("The response broke off."), "{}", page.text());
        } else {
            assert_eq!(outcome(&page), "The API took too long");
        }
    }
}

#[tokio::test]
async fn bodies_of_every_kind_are_shown_or_offered() {
    let app = TestApp::start().await;
    let kinds: [(&str, &[u8], &str, &str); 6] = [
        ("text/plain; charset=iso-8859-1", b"caf\xe9", "café", "text"),
        ("application/xml", b"<a>1</a>", "<a>1</a>", "XML"),
        ("application/json", b"{\"a\":", "{\"a\":", "cannot be read as JSON"),
        ("image/png", b"\x89PNG\r\n\x1a\n\0\0", "", "binary data"),
        ("text/plain; charset=utf-8", b"a\xff\x1bb", "a\u{fffd}\u{241b}b", "shown as \u{fffd}"),
        ("application/json", b"", "", "The response has no body."),
    ];
    for (index, (content_type, bytes, shown, says)) in kinds.into_iter().enumerate() {
        let head =
            format!("HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n", bytes.len());
        let whole = [head.as_bytes(), bytes].concat();
        let api = Hostile::start(Behaviour::Answer(whole)).await;
        app.connector_with(&format!("Kind {index}"), |new| {
            new.details.base_url = HttpUrl::parse(&api.url("/")).ok();
        })
        .await;
        let ana = app.super_admin().await;
        let tab = format!("/connectors/kind-{index}/endpoints");
        let page = ana.get(&format!("{tab}/new")).await;
        let page = press(&page, &tab, "Run", |form| form).await.expect(200);
        assert_eq!(shown_body(&page), shown, "{content_type}");
        assert!(page.text().contains(says), "{content_type}: {}", page.text());
        let offered = page.has_link("Download the whole body");
        assert_eq!(offered, !bytes.is_empty(), "{content_type}");
    }
}

#[tokio::test]
async fn a_long_body_is_cut_on_the_page_and_whole_in_the_file() {
    let app = TestApp::start().await;
    let long = "a line with <b>words</b>\n".repeat(10_000);
    let api = Hostile::start(answer(200, &[("Content-Type", "text/html")], &long)).await;
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let page = run(&ana, NEW, |form| form).await.expect(200);
    assert!(page.text().contains("These are the first 64 kB of 250 kB."));
    let shown = shown_body(&page);
    assert!(shown.len() <= 64 * 1024 && long.starts_with(&shown));

    let links = page.links();
    let (_, address) = links.iter().find(|(words, _)| words == "Download the whole body").expect("a link");
    let file = ana.get(address).await.expect(200);
    assert_eq!(file.html, long);
    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"payroll-list.html\"");
    assert_eq!(file.header("cache-control"), "no-store");
    assert_eq!(file.header("x-content-type-options"), "nosniff");

    let ben = app.super_admin().await;
    let page = ben.get(address).await.expect(303);
    assert_eq!(page.location(), Some(TAB));
    assert!(page.follow().await.flash().contains("no longer available"));
    app.advance(chrono::TimeDelta::minutes(11));
    ana.get(address).await.expect(303);
}

#[tokio::test]
async fn a_body_is_not_to_be_had_through_another_connector() {
    let app = TestApp::start().await;
    let api = Hostile::start(answer(200, &[], "wages of all")).await;
    let payroll = connected(&app, &api).await;
    app.connector("Ledger").await;
    let ben = app.person(&[CallConnectors, EditConnectors]).await;
    let page = run(&ben, NEW, |form| form).await.expect(200);
    let links = page.links();
    let (_, own) = links.iter().find(|(words, _)| words == "Download the whole body").expect("a link");
    let other = own.replace("/payroll/", "/ledger/");
    let refused = ben.get(&other).await.expect(303);
    assert_eq!(refused.location(), Some("/connectors/ledger/endpoints"));
    assert_eq!(ben.get(own).await.expect(200).html, "wages of all");
    app.sql(&format!("UPDATE connectors SET open_rights = '{{view}}' WHERE id = '{payroll}'")).await;
    ben.get(own).await.expect(403);
    ben.get(&other).await.expect(303);
}

#[tokio::test]
async fn an_endless_response_is_read_up_to_ten_megabytes() {
    let app = TestApp::start().await;
    let api = Hostile::start(Behaviour::EndlessBody).await;
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let page = run(&ana, NEW, |form| form).await.expect(200);
    assert!(
        page.text().contains("Only the first 10 megabytes were read."),
        "{}",
        page.text().chars().take(2_000).collect::<String>()
    );
}

#[tokio::test]
async fn a_run_is_written_into_the_call_log_and_shown_as_the_last_call() {
    let app = TestApp::start().await;
    let api = Hostile::start(answer(404, &[], "{}")).await;
    connected(&app, &api).await;
    let ana = app.super_admin().await;
    let address =
        created(&ana, |form| form.set("endpoint_url", "/orders/{{id}}?secret={{id}}").set("sample", "{\"id\": 7}"))
            .await;
    run(&ana, &address, |form| form).await.expect(200);
    app.call_log.finish().await;
    let line = app
        .rows("SELECT kind, connector_name, endpoint_name, caller_kind, caller_name, method, target, outcome, status, attempts, received_bytes, address FROM calls")
        .await;
    let expected = [
        "run",
        "Payroll",
        "list",
        "user",
        &ana.user().name,
        "GET",
        "/orders/{{id}}",
        "answered",
        "404",
        "1",
        "2",
        "127.0.0.1",
    ];
    assert_eq!(line, [expected.map(String::from)]);
    let page = ana.get(TAB).await;
    assert_eq!(page.all(".tag.warn").count(), 1);
    assert!(page.rows()[0][3].starts_with("404 "), "{:?}", page.rows());
}
