//! APIs whose login opens a session with cookies, such as SAP Business One.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use connectory::authorization::Need;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::api::{Answer, World};
use crate::support::upstream::{Reply, Seen};
use crate::support::{FormFill, Page};

const TAB: &str = "/connectors/ledger/authorization";

/// A login that opens the sessions s1, s2 and so on, of which the last one counts; and calls with it.
fn service_layer(last: &AtomicUsize, seen: &Seen) -> Reply {
    if seen.path() != "/v1/Login" {
        let wanted = format!("B1SESSION=s{}; ROUTEID=.node1", last.load(Ordering::SeqCst));
        return match seen.header("cookie") {
            Some(cookie) if cookie == wanted => Reply::json(200, "{}"),
            _ => Reply::json(
                401,
                r#"{"error":{"code":301,"message":{"value":"Invalid session or session already timeout."}}}"#,
            ),
        };
    }
    let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
    if body != json!({"UserName": "a", "Password": "p-canary-1", "CompanyDB": "SBODEMO"}) {
        return Reply::json(401, r#"{"error":{"code":-304,"message":{"value":"Fail to login"}}}"#);
    }
    let session = format!("B1SESSION=s{}; HttpOnly; Path=/b1s", last.fetch_add(1, Ordering::SeqCst) + 1);
    let headers =
        [("Set-Cookie", session.as_str()), ("Set-Cookie", "ROUTEID=.node1"), ("Content-Type", "application/json")];
    Reply::of(200, &headers, r#"{"SessionId":"x","SessionTimeout":30}"#)
}

/// Presses Get Access Token on the form of the login, filled in so.
async fn log_in(world: &World, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    let request = format!("{TAB}/token-requests");
    let form = world.app.super_admin().await.get(&request).await.form(&request);
    let form = form.set("token_url", &world.api.url("/v1/Login")).set("token_user", "a");
    let form = form.set("token_password", "p-canary-1").set("token_request_style", "json");
    fill(form.set("token_user_field", "UserName").set("token_password_field", "Password")).send().await.expect(200)
}

async fn keep_fresh(page: Page) {
    assert!(page.title().starts_with("Access token received"), "{}", page.text());
    page.form(&format!("{TAB}/token")).press("Keep it fresh").send().await.expect(303);
}

fn logins(world: &World) -> usize {
    world.api.seen().iter().filter(|seen| seen.path() == "/v1/Login").count()
}

#[tokio::test]
async fn calls_carry_all_cookies_of_the_login_and_a_401_logs_in_again_once() {
    let last = Arc::new(AtomicUsize::new(0));
    let sessions = Arc::clone(&last);
    let world = World::new(move |seen| service_layer(&sessions, seen)).await;
    let further = format!("{TAB}/further-secrets");
    let page = world.app.super_admin().await.get(&further).await.expect(200);
    let secret = |form: FormFill| form.set("further_place", "token_parameter").set("further_name", "CompanyDB");
    page.submit(|form| secret(form).set("value", "SBODEMO")).await.expect(303);
    // Without a word about cookies the page says that there are some.
    let page = log_in(&world, |form| form).await;
    assert!(
        page.text().contains("The answer has no token, but sets the cookies B1SESSION, ROUTEID."),
        "{}",
        page.text()
    );
    assert!(page.text().contains("enter cookies under Where the token is in the response"));
    keep_fresh(log_in(&world, |form| form.set("token_pointer", "cookies")).await).await;
    let session = format!("B1SESSION=s{}; ROUTEID=.node1", last.load(Ordering::SeqCst));
    assert_eq!(world.sent_when_known("cookie", &session).await, session);
    // The session ends after half an hour without a call, and all calls find that out together.
    world.app.advance(TimeDelta::minutes(31));
    last.fetch_add(10, Ordering::SeqCst);
    let before = logins(&world);
    for answer in join_all((0..10).map(|_| world.proxied("/Orders"))).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(logins(&world), before + 1);
    // What a caller sends as cookies does not reach the API.
    let own = world.request("GET", "/ledger/proxy/Orders").header("Cookie", "B1SESSION=own");
    assert_eq!(Answer::of(own).await.status, 200);
    let stored = world.app.value("SELECT token_type FROM tokens").await;
    assert_eq!(stored, "Cookie");
}

#[tokio::test]
async fn a_session_that_says_when_it_ends_is_replaced_before_by_one_of_all_instances() {
    let world = World::new(|seen| match (seen.path(), seen.number) {
        ("/v1/Login", number) => {
            let cookie = format!("sid=session-{number}; Max-Age=3600; Path=/");
            // As logins for people do.
            Reply::of(302, &[("Set-Cookie", &cookie), ("Location", "/home")], "")
        }
        _ => Reply::json(200, "{}"),
    })
    .await;
    keep_fresh(log_in(&world, |form| form.set("token_pointer", "Cookies").set("token_request_style", "form")).await)
        .await;
    assert_eq!(
        world.app.value("SELECT round(extract(epoch FROM expires_at - obtained_at) / 60) FROM tokens").await,
        "60"
    );
    let body = String::from_utf8_lossy(&world.api.last().body).into_owned();
    assert_eq!(body, "UserName=a&Password=p-canary-1");
    world.app.advance(TimeDelta::minutes(61));
    let other = world.app.another_keeper();
    let keepers = [&world.app.keeper, &other];
    let tokens = join_all((0..10).map(|at| keepers[at % 2].token(world.connector, Need::default()))).await;
    for token in tokens {
        let access = token.map(|token| token.access.expose().to_owned());
        assert_eq!(access.map_err(|problem| format!("{problem:?}")), Ok("sid=session-1".to_owned()));
    }
    assert_eq!(logins(&world), 2);
}

#[tokio::test]
async fn a_login_that_opens_no_session_is_a_refusal_in_words() {
    for (reply, words) in [
        (Reply::json as fn(u16, &str) -> Reply, "The answer sets no cookies for its own host."),
        (
            |_, body| Reply::of(200, &[("Set-Cookie", "sid=1; Domain=other.example")], body),
            "The answer sets no cookies for its own host.",
        ),
        (|_, body| Reply::of(401, &[("Set-Cookie", "sid=anonymous")], body), "The server answered 401"),
    ] {
        let world = World::new(move |_| reply(200, "{}")).await;
        let page = log_in(&world, |form| form.set("token_pointer", "cookies")).await;
        assert!(page.title().starts_with("No access token"), "{}", page.title());
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
}
