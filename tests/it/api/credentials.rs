//! What signs calls in, and that it goes to the connector's own hosts and nowhere else.

use connectory::authorization::SecretField;
use serde_json::json;

use super::*;

#[tokio::test]
async fn each_method_signs_in_its_own_way_whatever_the_caller_sends() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let set = async |columns: &str| {
        world.app.sql(&format!("UPDATE authorizations SET {columns}")).await;
    };
    let send = async || {
        let request = world.request("GET", "/ledger/proxy/x?a=1&api_key=mine&b=2");
        let request = request.header("X-Key", "mine").header("Cookie", "a=b");
        let answer = Answer::of(request).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        world.api.last()
    };
    let has = |seen: &Seen, name: &str| seen.header(name).map(str::to_string);

    world.app.store_secret(world.connector, SecretField::Password, "pa:ss ü").await;
    world.app.store_secret(world.connector, SecretField::ApiKey, "k3y/+&").await;
    let kinds = [
        ("bearer", "", Some(format!("Bearer {TOKEN}")), Some("mine"), "/v1/x?a=1&api_key=mine&b=2"),
        ("no_auth", "", None, Some("mine"), "/v1/x?a=1&api_key=mine&b=2"),
        (
            "basic",
            "user_name = 'ana'",
            Some("Basic YW5hOnBhOnNzIMO8".into()),
            Some("mine"),
            "/v1/x?a=1&api_key=mine&b=2",
        ),
        (
            "api_key",
            "api_key_place = 'header', api_key_name = 'X-Key', api_key_prefix = ''",
            None,
            Some("k3y/+&"),
            "/v1/x?a=1&api_key=mine&b=2",
        ),
        (
            "api_key",
            "api_key_place = 'header', api_key_name = 'Authorization', api_key_prefix = 'Token'",
            Some("Token k3y/+&".into()),
            Some("mine"),
            "/v1/x?a=1&api_key=mine&b=2",
        ),
        (
            "api_key",
            "api_key_place = 'query', api_key_name = 'api_key', api_key_prefix = ''",
            None,
            Some("mine"),
            "/v1/x?a=1&b=2&api_key=k3y%2F%2B%26",
        ),
    ];
    for (method, columns, authorization, key, target) in kinds {
        world.app.sql(&format!("UPDATE connectors SET method = '{method}'")).await;
        if !columns.is_empty() {
            set(columns).await;
        }
        // The notice comes a little later than the change.
        until("the change is known", async || {
            let seen = send().await;
            has(&seen, "authorization") == authorization
                && has(&seen, "x-key").as_deref() == key
                && seen.target == target
        })
        .await;
        let seen = world.api.last();
        assert_eq!(seen.header("cookie"), None);
        assert_eq!(seen.header("x-connectory-key"), None);
        assert!(!format!("{seen:?}").contains(&world.key), "the key stays here");
    }
}

#[tokio::test]
async fn a_key_in_its_own_header_leaves_authorization_to_nobody() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let request = world.bare("GET", "/ledger/proxy/x").header("X-Connectory-Key", &world.key);
    assert_eq!(Answer::of(request).await.status, 200);
    assert_eq!(world.api.only().header("authorization"), Some(&*format!("Bearer {TOKEN}")));
}

#[tokio::test]
async fn endpoints_on_hosts_of_their_own_are_called_and_others_are_not() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let other = Upstream::json("{}").await;
    world.endpoint("other", "GET", &other.url("/x/{{id}}")).await;
    assert_eq!(world.call("other", json!({ "id": 7 })).await.status, 200);
    assert_eq!(other.only().target, "/x/7");
    assert!(other.only().header("authorization").is_some());
}

#[tokio::test]
async fn a_connector_without_a_credential_has_its_own_problem() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    for (change, code, status) in [
        ("DELETE FROM tokens", "connector_not_authorized", 409),
        ("UPDATE connectors SET method = 'basic'", "connector_not_authorized", 409),
        ("UPDATE connectors SET method = 'no_auth', base_url = NULL", "connector_without_address", 409),
        ("UPDATE connectors SET enabled = false", "connector_disabled", 409),
        ("UPDATE connectors SET deleted_at = now(), deleted_by = 'x'", "connector_not_found", 404),
    ] {
        world.app.sql(change).await;
        until(code, async || {
            let answer = world.proxied("/x").await;
            answer.status == status && answer.problem() == code
        })
        .await;
    }
    assert!(world.api.seen().is_empty());
}

#[tokio::test]
async fn the_credential_is_in_no_response_of_connectory_and_in_no_row() {
    // It echoes all it gets, in its body and in a header, and then fails in every way there is.
    let world = World::new(|seen| match seen.path() {
        "/v1/garbage" => Reply::raw(format!("SSH {seen:?}\r\n")).closing(),
        "/v1/redirect" => Reply::of(302, &[("Location", "http://127.0.0.3/?t=s3cret-t0ken-of-the-api")], ""),
        _ => Reply::raw(format!("HTTP/1.1 503 {TOKEN}\r\nContent-Length: 100\r\n\r\n{TOKEN}")).closing(),
    })
    .await;
    world.endpoint("echo", "GET", "/echo").await;
    world.endpoint("redirect", "GET", "/redirect").await;
    world.app.sql("UPDATE endpoints SET retries = 2").await;
    let mut ours = String::new();
    for _ in 0..12 {
        for path in ["/garbage", "/echo"] {
            let answer = world.request("GET", &format!("/ledger/proxy{path}")).send().await.expect("a head");
            if answer.headers()["connectory-answer"] == "connectory" {
                ours.push_str(&answer.text().await.expect("a body"));
            }
        }
        let answer = world.request("POST", "/ledger/endpoints/echo/call").send().await.expect("a head");
        if answer.headers()["connectory-answer"] == "connectory" {
            ours.push_str(&answer.text().await.expect("a body"));
        }
        world.call("redirect", json!({})).await;
    }
    assert!(ours.contains("api_failing"), "the breaker has spoken too");
    world.wait_for_log(48).await;
    let rows = world.app.rows("SELECT c::text FROM calls c UNION ALL SELECT b::text FROM breakers b UNION ALL SELECT a::text FROM audit_events a UNION ALL SELECT c::text FROM connectors c").await;
    let all = format!("{ours}{rows:?}");
    for trace in [TOKEN, &world.key, "t0ken", "czNjcmV0LXQwa2Vu"] {
        assert!(!all.contains(trace), "{trace}");
    }
}
