//! APIs that want HTTP Digest (RFC 7616), such as cameras and telephone systems; and what they ask for that is not
//! supported, in words.

use std::io::Write;
use std::process::{Command, Stdio};

use connectory::authorization::SecretField;
use sha2::{Digest, Sha256};

use crate::api::{Answer, World};
use crate::support::apache::Apache;
use crate::support::upstream::{Reply, Seen};

const TAB: &str = "/connectors/ledger/authorization";

const PASSWORD: &str = "Circle of Life";

/// Has the connector sign in as `Mufasa`, with the password of the examples of RFC 7616.
async fn set_up(world: &World, password: &str) {
    world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'digest'; UPDATE authorizations SET user_name = 'Mufasa'").await;
    world.app.store_secret(world.connector, SecretField::Password, password).await;
}

async fn world(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> World {
    let world = World::new(script).await;
    set_up(&world, PASSWORD).await;
    world
}

/// A parameter of the request's answer to a challenge.
fn given(seen: &Seen, name: &str) -> String {
    let answer = seen.header("authorization").and_then(|value| value.strip_prefix("Digest ")).unwrap_or_default();
    let pairs = answer.split(", ").filter_map(|pair| pair.split_once('='));
    pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"').to_string()).collect()
}

fn asks(challenge: &str) -> Reply {
    Reply::of(401, &[("WWW-Authenticate", challenge)], "sign in")
}

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The response of RFC 7616 section 3.4.1, calculated here, for SHA-256 or its variant with a session.
fn response(seen: &Seen, is_session: bool) -> String {
    let own = |name| given(seen, name);
    let mut first = hash(&format!("Mufasa:{}:{PASSWORD}", own("realm")));
    if is_session {
        first = hash(&format!("{first}:{}:{}", own("nonce"), own("cnonce")));
    }
    let second = hash(&format!("{}:{}", seen.method, seen.target));
    hash(&format!("{first}:{}:{}:{}:{}:{second}", own("nonce"), own("nc"), own("cnonce"), own("qop")))
}

/// What the call log and the health say of the connector, after so many calls.
async fn health(world: &World, calls: i64) -> String {
    world.wait_for_log(calls).await;
    world.app.value("SELECT status FROM connectors").await
}

#[tokio::test]
async fn apache_takes_it_and_a_call_is_one_request_but_for_the_first() {
    let server = Apache::start(&users(), "");
    let world = world(|_| Reply::json(500, "{}")).await;
    world.lead(&server.url("/v1")).await;
    let put = async |name: &str, text: String| {
        Answer::of(world.request("PUT", &format!("/ledger/proxy/{name}")).body(text)).await
    };
    let body = "x".repeat(100_000);
    assert_eq!(put("a.txt", body.clone()).await.status, 201, "the body is sent twice");
    let read = world.proxied("/a.txt?x=1&y=%20").await;
    assert_eq!((read.status, read.body == body), (200, true));
    let chunks = futures_util::stream::iter(["one", "two"].map(Ok::<_, std::io::Error>));
    let chunked = world.request("PUT", "/ledger/proxy/b.txt").body(reqwest::Body::wrap_stream(chunks));
    assert_eq!(Answer::of(chunked).await.status, 201);
    assert_eq!(world.proxied("/b.txt").await.body, "onetwo");
    assert_eq!(health(&world, 4).await, "healthy");
    assert_eq!(world.log("status, attempts").await, [["201", "2"], ["200", "1"], ["201", "1"], ["200", "1"]]);
    world.app.store_secret(world.connector, SecretField::Password, "wrong").await;
    crate::api::until("the new password is known", async || world.proxied("/a.txt").await.status == 401).await;
}

/// Apache wants a nonce of its own for every request, and names the next one in `Authentication-Info`.
#[tokio::test]
async fn apache_names_the_next_nonce_and_it_is_used() {
    let server = Apache::start(&users(), "AuthDigestNonceLifetime 0");
    let world = world(|_| Reply::json(500, "{}")).await;
    world.lead(&server.url("/v1")).await;
    assert_eq!(Answer::of(world.request("PUT", "/ledger/proxy/a.txt").body("a")).await.status, 201);
    for _ in 0..3 {
        assert_eq!(world.proxied("/a.txt").await.status, 200);
    }
    world.wait_for_log(4).await;
    assert_eq!(world.log("status, attempts").await, [["201", "2"], ["200", "1"], ["200", "1"], ["200", "1"]]);
}

#[tokio::test]
async fn sha_256_is_answered_with_a_count_of_the_nonce() {
    for (algorithm, is_session) in [("SHA-256", false), ("SHA-256-sess", true)] {
        let challenge =
            format!(r#"Digest realm="cam", nonce="n1", opaque="o", algorithm={algorithm}, qop="auth, auth-int""#);
        let world = world(move |seen| match given(seen, "response") {
            empty if empty.is_empty() => asks(&challenge),
            answer if answer == response(seen, is_session) => Reply::json(200, "{}"),
            _ => Reply::json(500, "{}"),
        })
        .await;
        for _ in 0..3 {
            let body = world.request("POST", "/ledger/proxy/a?b=%20c").body("{}");
            assert_eq!(Answer::of(body).await.status, 200, "{algorithm}");
        }
        let seen = world.api.seen();
        let counts: Vec<String> = seen.iter().map(|seen| given(seen, "nc")).collect();
        assert_eq!(counts, ["", "00000001", "00000002", "00000003"]);
        assert!(seen.iter().all(|seen| seen.body == b"{}"));
        let last = world.api.last();
        let names = ["username", "realm", "uri", "algorithm", "qop", "opaque"].map(|name| given(&last, name));
        assert_eq!(names, ["Mufasa", "cam", "/v1/a?b=%20c", algorithm, "auth", "o"]);
    }
}

#[tokio::test]
async fn a_stale_nonce_costs_a_request_and_counts_as_no_refusal() {
    let world = world(|seen| match (seen.number, given(seen, "nonce").as_str()) {
        (..2, "") => asks(r#"Digest realm="cam", nonce="n1", qop="auth""#),
        (..2, "n1") => Reply::json(200, "{}"),
        (_, "n1") => asks(r#"Digest realm="cam", nonce="n2", stale=true, qop="auth""#),
        (_, "n2") if seen.number == 3 => asks(r#"Digest realm="cam", nonce="n3", stale=true, qop="auth""#),
        _ => Reply::json(200, "{}"),
    })
    .await;
    for _ in 0..2 {
        assert_eq!(world.proxied("/x").await.status, 200);
    }
    let nonces: Vec<String> = world.api.seen().iter().map(|seen| given(seen, "nonce")).collect();
    assert_eq!(nonces, ["", "n1", "n1", "n2", "n3"]);
    assert_eq!(health(&world, 2).await, "healthy");
    assert_eq!(world.log("status, attempts").await, [["200", "2"], ["200", "3"]]);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_for_each_call_and_is_a_refusal() {
    let world = world(|_| asks(r#"Digest realm="cam", nonce="n1", qop="auth""#)).await;
    for _ in 0..2 {
        assert_eq!(world.proxied("/x").await.status, 401);
    }
    let answers = world.api.seen().iter().filter(|seen| seen.header("authorization").is_some()).count();
    assert_eq!((world.api.seen().len(), answers), (4, 2));
    assert_eq!(health(&world, 2).await, "refused");
    assert!(!format!("{:?}", world.api.seen()).contains(PASSWORD));
}

/// A body that was streamed is gone when the challenge comes. The next call is signed at once.
#[tokio::test]
async fn a_challenge_after_a_streamed_body_says_nothing_of_the_credential() {
    let world = world(|seen| match seen.header("authorization") {
        None => asks(r#"Digest realm="cam", nonce="n1", qop="auth""#),
        Some(_) => Reply::json(200, "{}"),
    })
    .await;
    let large = async || {
        let body = vec![b'x'; 10 * 1024 * 1024 + 1];
        Answer::of(world.request("PUT", "/ledger/proxy/firmware").body(body)).await.status
    };
    assert_eq!(large().await, 401);
    assert_eq!(health(&world, 1).await, "not_tested");
    assert_eq!(large().await, 200);
    assert_eq!(health(&world, 2).await, "healthy");
}

#[tokio::test]
async fn test_connection_answers_a_challenge() {
    let world = world(|seen| match given(seen, "response") {
        answer if !answer.is_empty() && answer == response(seen, false) => Reply::json(200, "{}"),
        _ => asks(r#"Digest realm="cam", nonce="n1", algorithm=SHA-256, qop="auth""#),
    })
    .await;
    let tab = world.app.super_admin().await.get(TAB).await.expect(200);
    let page = tab.main_form().press("Test connection").send().await.expect(200);
    assert!(page.text().contains("The connection works"), "{}", page.text());
    assert_eq!(world.api.seen().len(), 2);
    let form = tab.main_form().set("password_choice", "replace").set("password", "wrong");
    let page = form.press("Test connection").send().await.expect(200);
    assert!(page.text().contains("The API refuses the credential."), "{}", page.text());
}

/// The page says what to choose, or that there is no such method here and why.
#[tokio::test]
async fn test_connection_names_what_the_api_asks_for() {
    for (method, challenge, words) in [
        ("basic", r#"Digest realm="x", nonce="n", qop="auth""#, "Choose the method HTTP Digest"),
        ("no_auth", r#"Digest realm="x", nonce="n", qop="auth""#, "Choose the method HTTP Digest"),
        ("basic", "NTLM", "Windows sign-in (NTLM), which Connectory does not support"),
        ("api_key", "Negotiate", "Kerberos sign-in (Negotiate), which Connectory does not support"),
        (
            "bearer",
            r#"DPoP error="invalid_token", algs="ES256""#,
            "(DPoP, RFC 9449), which Connectory does not support",
        ),
        ("no_auth", r#"Basic realm="x""#, "Choose the method Basic Auth"),
        ("basic", r#"Basic realm="x""#, "The API refuses the credential. Check that it is the right one"),
    ] {
        let world = World::new(move |_| asks(challenge)).await;
        world.app.sql(&format!("UPDATE connectors SET method = '{method}'")).await;
        world.app.sql("UPDATE authorizations SET user_name = 'svc', api_key_name = 'X-Key'").await;
        if method != "bearer" {
            world.app.sql("DELETE FROM tokens").await;
        }
        for (of, field) in [("basic", SecretField::Password), ("api_key", SecretField::ApiKey)] {
            if of == method {
                world.app.store_secret(world.connector, field, "k3y").await;
            }
        }
        let tab = world.app.super_admin().await.get(TAB).await.expect(200);
        let page = tab.main_form().press("Test connection").send().await.expect(200);
        assert!(page.text().contains(words), "{method} {challenge}: {}", page.text());
    }
}

#[tokio::test]
async fn the_tab_has_user_and_password_for_it() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'digest'").await;
    let tab = world.app.super_admin().await.get(TAB).await.expect(200);
    for (user, problem) in
        [("", "Enter the user"), ("a:b", "User must not contain a colon (:), which HTTP Digest cannot send")]
    {
        let page = tab.main_form().set("user_name", user).set("password", "x").send().await.expect(422);
        assert_eq!(page.field_error("user_name").as_deref(), Some(problem));
    }
    tab.main_form().set("user_name", "admin").set("password", "").send().await.expect(303);
    let stored = world.app.secret(world.connector, SecretField::Password).await;
    assert_eq!(stored.as_deref(), Some(""), "cameras come without a password");
}

/// A file of htdigest with one user, whose hash the machine's own tool makes.
fn users() -> String {
    let mut child = Command::new("md5sum").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("md5sum");
    let text = format!("Mufasa:cam:{PASSWORD}");
    child.stdin.take().expect("its input").write_all(text.as_bytes()).expect("a written text");
    let output = child.wait_with_output().expect("its output").stdout;
    format!("Mufasa:cam:{}\n", String::from_utf8_lossy(&output[..32]))
}
