//! APIs that want each request signed by AWS Signature Version 4, checked by implementations of other authors.

use std::sync::{Arc, OnceLock};

use chrono::TimeDelta;
use connectory::access::Permission;
use connectory::authorization::SecretField;
use connectory::clock::Clock;
use connectory::connectors::Method;
use serde_json::json;

use crate::api::{Answer, World, until};
use crate::support::aws_api::AwsApi;
use crate::support::upstream::Reply;
use crate::support::{Page, TestApp};

const TAB: &str = "/connectors/ledger/authorization";

const KEY_ID: &str = "AKIAIOSFODNN7EXAMPLE";
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Has the connector sign for this service, as a person sets it up.
async fn sign_for(world: &World, service: &str) {
    world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'aws_sigv4'").await;
    let tab = world.app.super_admin().await.get(TAB).await.expect(200);
    let form = tab.main_form().set("aws_key_id", KEY_ID).set("aws_region", "eu-central-1").set("aws_service", service);
    let form = match tab.html.contains("aws_secret_key_choice") {
        true => form.set("aws_secret_key_choice", "keep"),
        false => form.set("aws_secret_key", SECRET),
    };
    form.send().await.expect(303);
    let service = format!("/{service}/aws4_request");
    until("calls are signed", async || {
        world.proxied("/x").await;
        world.api.seen().last().is_some_and(|seen| seen.header("authorization").is_some_and(|it| it.contains(&service)))
    })
    .await;
}

#[tokio::test]
async fn two_other_implementations_make_the_same_signatures() {
    let api = AwsApi::start(KEY_ID, SECRET);
    let world = World::new(|_| Reply::json(200, "{}")).await;
    sign_for(&world, "execute-api").await;
    for service in ["execute-api", "s3"] {
        world
            .app
            .sql(&format!("UPDATE authorizations SET options = jsonb_set(options, '{{aws,service}}', '\"{service}\"')"))
            .await;
        world.lead(&format!("{}/v1", api.url)).await;
        until("calls go there", async || world.proxied("/x").await.body.contains(service)).await;
        let large = vec![b'x'; 300_000];
        for (method, path, body) in [
            ("GET", "/a", None),
            ("GET", "/a%20b/c.txt?z=1&a=2&B=%20x%2Fy&empty=", None),
            ("GET", "/it's(new)!*/x:y@z?q=it's(new)!*", None),
            ("HEAD", "/gr%C3%BC%C3%9Fe", None),
            ("POST", "/a", Some(br#"{"a":1}"#.to_vec())),
            ("PUT", "/big", Some(large)),
            ("DELETE", "/a", None),
        ] {
            let mut request = world.request(method, &format!("/ledger/proxy{path}"));
            if let Some(body) = body {
                request = request.header("Content-Type", "application/json").body(body);
            }
            let answer = Answer::of(request.header("X-Amz-Meta-Owner", "two  spaces ")).await;
            assert_eq!(answer.status, 200, "{service} {method} {path}: {}", answer.body);
            if method != "HEAD" {
                let signed = answer.json()["signed"].to_string();
                assert!(signed.contains("x-amz-meta-owner") && signed.contains("x-amz-content-sha256"), "{signed}");
            }
        }
    }
    let chunks = futures_util::stream::iter(["one", "two"].map(Ok::<_, std::io::Error>));
    let chunked = world.request("PUT", "/ledger/proxy/chunks").body(reqwest::Body::wrap_stream(chunks));
    let answer = Answer::of(chunked).await;
    assert_eq!(answer.status, 200, "a body of unknown length is read first: {}", answer.body);
}

#[tokio::test]
async fn a_session_token_is_a_secret_header_and_is_signed() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    sign_for(&world, "sts").await;
    let ana = world.app.super_admin().await;
    let page = ana.get("/connectors/ledger/authorization/further-secrets").await.expect(200);
    let token = page.submit(|form| form.set("further_name", "X-Amz-Security-Token").set("value", "sess10n")).await;
    token.expect(303);
    assert_eq!(world.sent_when_known("x-amz-security-token", "sess10n").await, "sess10n");
    let sent = world.api.last();
    let authorization = sent.header("authorization").expect("a signature");
    assert!(
        authorization.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"),
        "{authorization}"
    );
}

/// What the caller has put into these headers does not reach the API.
#[tokio::test]
async fn the_headers_of_a_signature_are_not_the_callers() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    sign_for(&world, "s3").await;
    let request = world.request("GET", "/ledger/proxy/x").header("X-Amz-Date", "19700101T000000Z");
    assert_eq!(Answer::of(request.header("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")).await.status, 200);
    let sent = world.api.last();
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    assert_eq!(sent.header("x-amz-content-sha256"), Some(empty));
    let now = world.app.clock.now().format("%Y%m%dT%H%M%SZ").to_string();
    assert_eq!(sent.header("x-amz-date"), Some(now.as_str()));
    assert!(!format!("{:?}", sent.headers).contains(SECRET), "the secret itself is never sent");
}

#[tokio::test]
async fn a_retry_has_a_time_and_a_signature_of_its_own() {
    let clock: Arc<OnceLock<Clock>> = Arc::default();
    let shared = Arc::clone(&clock);
    let world = World::new(move |seen| {
        if seen.path() != "/v1/again" {
            return Reply::json(200, "{}");
        }
        if let Some(clock) = shared.get() {
            clock.advance(TimeDelta::seconds(90));
        }
        Reply::json(503, "{}")
    })
    .await;
    sign_for(&world, "s3").await;
    world.endpoint("again", "GET", "/again").await;
    world.app.sql("UPDATE endpoints SET retries = 1").await;
    assert!(clock.set(world.app.clock.clone()).is_ok());
    assert_eq!(world.call("again", json!({})).await.status, 503);
    let seen: Vec<_> = world.api.seen().into_iter().filter(|seen| seen.path() == "/v1/again").collect();
    let times: Vec<_> = seen.iter().filter_map(|seen| seen.header("x-amz-date")).collect();
    assert_eq!(times.len(), 2);
    assert_ne!(times[0], times[1]);
    assert_ne!(seen[0].header("authorization"), seen[1].header("authorization"));
}

#[tokio::test]
async fn nothing_signed_goes_to_another_origin() {
    let other = crate::support::upstream::Upstream::start(|_| Reply::json(200, "{}")).await;
    let target = other.url("/x");
    let world = World::new(move |seen| match seen.path() {
        "/v1/moved" => Reply::of(307, &[("Location", &target)], ""),
        _ => Reply::json(200, "{}"),
    })
    .await;
    sign_for(&world, "s3").await;
    world.endpoint("moved", "GET", "/moved").await;
    assert_eq!(world.call("moved", json!({})).await.status, 307, "the redirect is the caller's");
    world.app.sql(&format!("UPDATE endpoints SET url = '{}'", other.url("/x"))).await;
    until("the endpoint is elsewhere", async || world.call("moved", json!({})).await.status != 307).await;
    assert_eq!(world.call("moved", json!({})).await.problem(), "origin_not_approved");
    assert!(other.seen().is_empty());
}

/// The hash of a body is among what is signed, so all of it has to be there.
#[tokio::test]
async fn a_body_that_is_too_large_to_be_signed_is_refused() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    sign_for(&world, "s3").await;
    let before = world.api.seen().len();
    let large = world.request("PUT", "/ledger/proxy/x").body(vec![b'x'; 10 * 1024 * 1024 + 1]);
    let answer = Answer::of(large).await;
    assert_eq!((answer.status, answer.problem().as_str()), (413, "request_body_too_large"));
    assert_eq!(world.api.seen().len(), before);
}

fn problem(page: &Page, field: &str) -> String {
    page.field_error(field).unwrap_or_default()
}

#[tokio::test]
async fn the_tab_asks_for_what_a_signature_needs_and_keeps_what_was_typed() {
    let app = TestApp::start().await;
    let id = app.connector_with("Ledger", |new| new.method = Method::AwsSignature).await;
    let ana = app.super_admin().await;
    let tab = ana.get(TAB).await.expect(200);
    assert!(tab.text().contains("Not ready: the secret access key is missing."));
    let page = tab.submit(|form| form.set("aws_region", "eu central").set("aws_secret_key", SECRET)).await.expect(422);
    assert_eq!(problem(&page, "aws_key_id"), "Enter the access key ID");
    assert_eq!(problem(&page, "aws_service"), "Enter the service");
    let region = "Region can have up to 255 letters, numbers and hyphens, such as eu-central-1";
    assert_eq!(problem(&page, "aws_region"), region);
    assert_eq!(page.field_value("aws_region"), "eu central");
    assert!(!page.html.contains(SECRET));
    let form = ana.get(TAB).await.main_form().set("aws_key_id", KEY_ID).set("aws_region", "eu-central-1");
    form.set("aws_service", "s3").set("aws_secret_key", &format!(" {SECRET}\n")).send().await.expect(303);
    assert_eq!(app.secret(id, SecretField::AwsSecretKey).await.as_deref(), Some(SECRET));
    let recorded = app.value("SELECT changes FROM audit_events WHERE kind = 'authorization.saved'").await;
    for words in [KEY_ID, "eu-central-1", "Secret access key"] {
        assert!(recorded.contains(words), "{recorded}");
    }
    let viewer = app.person(&[Permission::ViewConnectors]).await;
    let tab = viewer.get(TAB).await.expect(200);
    for words in ["Access key ID", KEY_ID, "Region", "Service", "Secret access key"] {
        assert!(tab.text().contains(words), "{words}");
    }
    assert!(!tab.html.contains(SECRET));
    // Another method has no use for the key.
    let tab = ana.get(TAB).await.expect(200);
    tab.main_form().set("auth_method", "no_auth").confirmed().send().await.expect(303);
    assert_eq!(app.secret(id, SecretField::AwsSecretKey).await, None);
}

#[tokio::test]
async fn test_connection_signs_as_calls_do() {
    let api = AwsApi::start(KEY_ID, SECRET);
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.lead(&format!("{}/v1", api.url)).await;
    world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'aws_sigv4'").await;
    let ana = world.app.super_admin().await;
    let tab = ana.get(TAB).await.expect(200);
    let form = tab.main_form().set("aws_key_id", KEY_ID).set("aws_region", "eu-central-1").set("aws_service", "es");
    let page = form.set("aws_secret_key", SECRET).press("Test connection").send().await.expect(200);
    assert!(page.text().contains("The API answered 200"), "{}", page.text());
    let form = tab.main_form().set("aws_key_id", KEY_ID).set("aws_region", "eu-central-1").set("aws_service", "es");
    let page = form.set("aws_secret_key", "wrong").press("Test connection").send().await.expect(200);
    assert!(page.text().contains("The API answered 403"), "{}", page.text());
}
