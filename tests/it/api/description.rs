//! The description of the interface, for programs and for people.

use std::io::Write;
use std::process::{Command, Stdio};

use super::*;

#[tokio::test]
async fn the_openapi_document_is_open_and_names_this_site() {
    let app = TestApp::start().await;
    let url = format!("http://{}/api/v1/openapi.json", app.address);
    let answer = Answer::of(client().get(&url)).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"));
    let document = answer.json();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["servers"][0]["url"], app.public_url);
    let head = Answer::of(client().head(&url)).await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
}

/// Another author's reading of the specification.
#[tokio::test]
async fn the_openapi_document_keeps_to_its_specification() {
    let app = TestApp::start().await;
    let url = format!("http://{}/api/v1/openapi.json", app.address);
    let document = Answer::of(client().get(&url)).await.body;
    let validator = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/openapi.mjs");
    let mut process = Command::new("node")
        .arg(validator)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Node.js: `make test` installs the validator");
    let mut input = process.stdin.take().expect("its input");
    input.write_all(document.as_bytes()).expect("it reads");
    drop(input);
    let outcome = process.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&outcome.stderr);
    assert!(outcome.status.success(), "{said}");
    assert_eq!(outcome.stdout, b"3.1\n");
}

#[tokio::test]
async fn the_page_shows_every_operation_and_every_problem_to_signed_in_users() {
    let app = TestApp::start().await;
    app.founded().await;
    app.browser().get("/api/v1").await.expect(303);
    let page = app.person(&[]).await.get("/api/v1").await.expect(200);
    let url = format!("http://{}/api/v1/openapi.json", app.address);
    let document = Answer::of(client().get(&url)).await.json();
    let text = page.text();
    for path in document["paths"].as_object().expect("paths").keys() {
        assert!(text.contains(path.as_str()), "{path}");
    }
    let codes = &document["components"]["schemas"]["ProblemDocument"]["properties"]["code"]["enum"];
    for code in codes.as_array().expect("codes") {
        let code = code.as_str().expect("a code");
        assert!(page.attribute(&format!("th#{code}"), "scope").is_some(), "{code}");
    }
}

#[tokio::test]
async fn addresses_that_are_none_are_problems_for_programs_too() {
    let app = TestApp::start().await;
    for (method, path, status, code) in [
        ("GET", "/api/v1/", 404, "not_found"),
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/api/v2/connectors", 404, "not_found"),
        ("GET", "/api/", 404, "not_found"),
        ("POST", "/api/v1/openapi.json", 405, "method_not_allowed"),
        ("DELETE", "/api/v1/connectors/x", 405, "method_not_allowed"),
        ("TRACE", "/api/v1/connectors/x/proxy/y", 501, "method_not_supported"),
        ("GET", "/api/v1/connectors//proxy/y", 404, "not_found"),
        ("GET", "/api/v1/connectors/%ff/proxy/y", 404, "not_found"),
        ("POST", "/api/v1/connectors/x/endpoints/%00/call", 404, "not_found"),
        ("GET", "/api/v1/connectors/x%00/proxy", 404, "not_found"),
        ("GET", "/api/v1/connectors/x/proxyx", 404, "not_found"),
        ("GET", "/api/v1/connectors/x/y/proxy/z", 404, "not_found"),
        ("POST", "/api/v1/connectors/x/endpoints/y/call/", 404, "not_found"),
        ("POST", "/api/v1/connectors/x/endpoints//call", 404, "not_found"),
        ("TRACE", "/api/v1/connectors", 501, "method_not_supported"),
        ("GET", "/api/v1/connectors/x/proxy", 401, "key_missing"),
        ("PROPFIND", "/api/v1/connectors/x/proxy/%2F//y", 401, "key_missing"),
    ] {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let request = client().request(method, format!("http://{}{path}", app.address));
        let answer = Answer::of(request).await;
        assert_eq!((answer.status, answer.problem().as_str()), (status, code), "{path}");
        assert_eq!(answer.header("set-cookie"), "");
    }
}
