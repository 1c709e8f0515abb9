//! APIs with a login of their own: a request whose response has a token somewhere, or opens a session by cookies.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use chrono::TimeDelta;
use connectory::access::Permission;
use futures_util::future::join_all;
use serde_json::{Value, json};

use super::connector;
use crate::api::{World, until};
use crate::support::upstream::{Reply, Seen, Upstream};
use crate::support::{Browser, FormFill, PASSWORD, Page};

const TAB: &str = "/connectors/ledger/authorization";
const FURTHER: &str = "/connectors/ledger/authorization/further-secrets";

/// It would end a JSON string, a form field and a parameter, and looks like a variable.
const SECRET: &str = "p\"\\}{{user}}&b=c%2F+ü";

/// A connector whose login and API are this server.
struct Site {
    world: World,
    ana: Browser,
    server: Upstream,
}

impl Site {
    async fn new(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Site {
        let server = Upstream::start(script).await;
        let (world, ana) = connector("login_request", &server.url("/api")).await;
        Site { world, ana, server }
    }

    /// The tab's form with user and password, and what else it is filled in with, as it comes back.
    async fn save(&self, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
        let form = self.ana.get(TAB).await.form(TAB).set("login_url", &self.server.url("/login"));
        fill(form.set("login_user", "ana").set("login_password", SECRET)).send().await
    }

    /// Presses Get Access Token.
    async fn fetch(&self) -> Page {
        self.ana.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await
    }

    /// Gets the first token, and calls until one is answered: what is saved is known a little later.
    async fn begin(&self) {
        self.fetch().await.expect(303);
        until("a call is answered", async || self.world.proxied("/orders").await.status == 200).await;
    }

    fn logins(&self) -> Vec<Seen> {
        self.server.seen().into_iter().filter(|seen| seen.path() == "/login").collect()
    }
}

fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).expect("JSON")
}

/// A server that takes calls with this header, and answers others with 401.
fn wants(seen: &Seen, header: &str, value: &str) -> Reply {
    if seen.header(header) == Some(value) { Reply::json(200, "{}") } else { Reply::json(401, "{}") }
}

const KEYSTONE: &str = r#"{"auth": {"identity": {"methods": ["password"], "password": {"user": {
    "name": "{{user}}", "domain": {"id": "default"}, "password": "{{password}}"}}}}}"#;

#[tokio::test]
async fn openstack_takes_nested_json_and_sends_its_token_in_a_header() {
    let site = Site::new(|seen| match seen.path() {
        "/login" => Reply::of(
            201,
            &[("X-Subject-Token", "gAAAA-keyst0ne"), ("Content-Type", "application/json")],
            r#"{"token":{"methods":["password"],"expires_at":"2030-01-01T00:00:00.000000Z","user":{"id":"7"}}}"#,
        ),
        _ => wants(seen, "x-auth-token", "gAAAA-keyst0ne"),
    })
    .await;
    let page = site.save(|form| {
        let form = form.set("login_body", KEYSTONE).set("login_token", "header X-Subject-Token");
        form.set("token_name", "X-Auth-Token").set("token_prefix", "")
    });
    page.await.expect(303);
    site.begin().await;
    let [login] = &site.logins()[..] else { panic!("one login") };
    assert_eq!((login.method.as_str(), login.header("content-type")), ("POST", Some("application/json")));
    let user = json!({"name": "ana", "domain": {"id": "default"}, "password": SECRET});
    assert_eq!(body(login), json!({"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}));
    let ends = site.world.app.value("SELECT extract(epoch FROM expires_at)::bigint FROM tokens").await;
    assert_eq!(ends, "1893456000");
    assert!(site.ana.get(TAB).await.text().contains("Kept freshYes"), "it renews itself");
}

#[tokio::test]
async fn a_form_login_opens_a_session_whose_cookies_calls_carry() {
    let site = Site::new(|seen| match seen.path() {
        "/login" => Reply::of(302, &[("Set-Cookie", "sid=s-1; HttpOnly; Path=/"), ("Location", "/home")], ""),
        _ => wants(seen, "cookie", "sid=s-1"),
    })
    .await;
    let page = site.save(|form| {
        let form = form.set("login_body_kind", "form").set("login_token", "cookies");
        form.set("login_body", "j_username={{user}}\nj_password={{password}}\n\nremember=\nnext=/a?b={{user}}")
    });
    page.await.expect(303);
    site.begin().await;
    let [login] = &site.logins()[..] else { panic!("one login") };
    assert_eq!(login.header("content-type"), Some("application/x-www-form-urlencoded"));
    let sent: Vec<(String, String)> = form_urlencoded::parse(&login.body).into_owned().collect();
    let pairs = [("j_username", "ana"), ("j_password", SECRET), ("remember", ""), ("next", "/a?b=ana")];
    assert_eq!(sent, pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
}

/// A token that lives half an hour, which the server does not say.
fn session_api(number: &AtomicUsize, seen: &Seen) -> Reply {
    if seen.path() != "/login" {
        return wants(seen, "x-auth-token", &format!("t-{}", number.load(Ordering::SeqCst)));
    }
    let number = number.fetch_add(1, Ordering::SeqCst) + 1;
    Reply::json(200, &format!(r#"{{"status":"ok","data":{{"session":{{"token":"t-{number}"}}}}}}"#))
}

async fn sessions(last: &Arc<AtomicUsize>) -> Site {
    let number = Arc::clone(last);
    let site = Site::new(move |seen| session_api(&number, seen)).await;
    let page = site.save(|form| {
        let form = form.set("login_token", "/data/session/token").set("login_minutes", "30");
        form.set("token_name", "X-Auth-Token").set("token_prefix", "")
    });
    page.await.expect(303);
    site.begin().await;
    site
}

#[tokio::test]
async fn a_login_is_repeated_before_the_lifetime_that_was_typed_is_over() {
    let last = Arc::default();
    let site = sessions(&last).await;
    assert_eq!(body(&site.logins()[0]), json!({"username": "ana", "password": SECRET}));
    let life = "SELECT round(extract(epoch FROM expires_at - obtained_at) / 60) FROM tokens";
    assert_eq!(site.world.app.value(life).await, "30");
    site.world.app.advance(TimeDelta::minutes(20));
    assert_eq!(site.world.proxied("/orders").await.status, 200);
    assert_eq!(site.logins().len(), 1);
    site.world.app.advance(TimeDelta::minutes(11));
    assert_eq!(site.world.proxied("/orders").await.status, 200);
    assert_eq!(site.logins().len(), 2);
    assert_eq!(site.server.last().header("x-auth-token"), Some("t-2"));
}

#[tokio::test]
async fn a_401_repeats_the_login_once_for_all_calls_that_wait() {
    let last = Arc::default();
    let site = sessions(&last).await;
    site.world.app.advance(TimeDelta::minutes(5));
    last.fetch_add(10, Ordering::SeqCst);
    for answer in join_all((0..20).map(|_| site.world.proxied("/orders"))).await {
        assert_eq!(answer.status, 200, "{}", answer.body);
    }
    assert_eq!(site.logins().len(), 2);
    // One that is refused with each token is not repeated for ever.
    let refuses = Site::new(|seen| match seen.path() {
        "/login" => Reply::json(200, r#"{"token":"t-1"}"#),
        _ => Reply::json(401, "{}"),
    })
    .await;
    refuses.save(|form| form).await.expect(303);
    refuses.fetch().await.expect(303);
    until("the login is known", async || refuses.world.proxied("/orders").await.status == 401).await;
    assert!(refuses.logins().len() <= 2, "{}", refuses.logins().len());
}

#[tokio::test]
async fn a_login_that_answers_200_with_an_error_stores_nothing_and_shows_no_secret() {
    let site = Site::new(|seen| match seen.path() {
        "/login" => Reply::json(200, &json!({"error": {"message": format!("Wrong password {SECRET}")}}).to_string()),
        _ => Reply::json(200, "{}"),
    })
    .await;
    site.save(|form| form).await.expect(303);
    let page = site.fetch().await.expect(200);
    let text = page.text();
    assert!(text.contains("The server answered with an error in place of a token."), "{text}");
    assert!(text.contains("Wrong password ‹masked›") && !page.html.contains("2F+"), "{text}");
    assert_eq!(site.world.app.count("SELECT count(*) FROM tokens").await, 0);
    let problem = site.world.proxied("/orders").await;
    assert!(problem.status >= 400 && !problem.body.contains("2F+"), "{}", problem.body);
    assert_eq!(site.server.seen().iter().filter(|seen| seen.path() != "/login").count(), 0);
}

#[tokio::test]
async fn url_query_and_headers_have_variables_and_each_value_stays_in_its_place() {
    let site = Site::new(|seen| match seen.path() {
        path if path.starts_with("/tenants/") => {
            Reply::of(200, &[("Content-Type", "text/plain")], "a-token-without-any-structure")
        }
        _ => Reply::json(200, "{}"),
    })
    .await;
    let add = async |name: &str, value: &str| {
        let page = site.ana.get(FURTHER).await.expect(200);
        let form = page.main_form().set("further_place", "login_variable").set("further_name", name);
        form.set("value", value).send().await
    };
    let url = site.server.url("/tenants/{{tenant}}/login?u={{user}}&k={{key}}");
    let page = site.save(|form| {
        let form = form.set("login_method", "GET").set("login_body_kind", "none").set("login_url", &url);
        form.set("login_headers", "Authorization: Token {{key}}\nAccept: text/plain")
    });
    page.await.expect(303);
    let tab = site.ana.get(TAB).await;
    assert!(tab.text().contains("Variables without a value"), "{}", tab.text());
    let page = site.fetch().await.expect(200);
    let wanted = "There is no value for “key”, which the header “Authorization” needs.";
    assert!(page.text().contains(wanted), "{}", page.text());
    assert!(site.server.seen().is_empty(), "nothing is sent");
    let page = add("user", "x").await.expect(422);
    assert_eq!(page.field_error("further_name").as_deref(), Some("user is entered on the Authorization tab"));
    add("tenant", "a/b?c#d").await.expect(303);
    add("key", "k3y&admin=1").await.expect(303);
    site.fetch().await.expect(303);
    let login = site.server.last();
    assert_eq!(login.target, "/tenants/a%2Fb%3Fc%23d/login?u=ana&k=k3y%26admin%3D1");
    assert_eq!(login.header("authorization"), Some("Token k3y&admin=1"));
    assert_eq!((login.method.as_str(), login.header("accept")), ("GET", Some("text/plain")));
    assert!(login.body.is_empty());
    // A value that no header can carry is not sent.
    let page = site.ana.get(FURTHER).await.expect(200);
    let form = page.main_form().set("secret_0_choice", "replace").set("secret_0", "ü").set("own_password", PASSWORD);
    form.send().await.expect(303);
    let text = site.fetch().await.expect(200).text();
    assert!(text.contains("has the character “ü”, which the header “Authorization” cannot hold"), "{text}");
    let stored = site.world.app.value("SELECT string_agg(field, ' ' ORDER BY field) FROM secrets").await;
    assert_eq!(stored, "login_password login_variable:key login_variable:tenant");
}

#[tokio::test]
async fn what_no_login_request_can_be_is_refused_at_its_field() {
    let site = Site::new(|_| Reply::json(200, "{}")).await;
    for (field, typed, problem) in [
        ("login_url", "", "Enter the URL"),
        ("login_url", "/login", "URL must begin with https:// or http:// and the host"),
        ("login_url", "https://{{user}}/login", "URL has a variable in the scheme, host or port."),
        ("login_method", "TRACE", "Choose an HTTP method"),
        ("login_method", "GET\r\nX: y", "Choose an HTTP method"),
        ("login_headers", "Host: other.example", "Line 1: Host is set by Connectory itself."),
        ("login_headers", "A: 1\nContent-Length: 3", "Line 2: Content-Length is set by Connectory itself."),
        ("login_headers", "X Y: 1", "Line 1: A header name can have letters, numbers and hyphens"),
        ("login_body", r#"{"a": {{user}}"#, "Body is not JSON"),
        ("login_body", r#"{"a": "{{user"}"#, "Body has"),
        ("login_body_kind", "xml", "Choose a body"),
        ("login_token", "data.token", "JSON Pointer must start with /"),
        ("login_token", "header a b", "JSON Pointer must have the name of a header after the word header"),
        ("login_minutes", "0", "Lifetime must be a whole number of minutes, from 1 to 525600 (a year)"),
        ("login_user", "", "Enter the user, who stands in the request as {{user}}"),
        ("login_password", "", "Enter the password, which stands in the request as {{password}}"),
    ] {
        // Choices that the page does not offer, too.
        let fill = |form: FormFill| match field {
            "login_method" | "login_body_kind" => form.forge(field, typed),
            _ => form.set(field, typed),
        };
        let page = site.save(|form| fill(form.set("login_minutes", "7"))).await.expect(422);
        let said = page.field_error(field).unwrap_or_default();
        assert!(said.starts_with(problem), "{field} {typed}: {said}");
        assert!(field == "login_minutes" || page.field_value("login_minutes") == "7", "{field}");
        assert!(!page.html.contains("2F+"), "no secret comes back");
    }
    let page = site.save(|form| form.set("login_method", "GET")).await.expect(422);
    let wanted = "A GET has no body. Choose None, or another HTTP method";
    assert_eq!(page.field_error("login_body_kind").as_deref(), Some(wanted));
}

#[tokio::test]
async fn the_password_of_a_login_goes_to_its_host_only() {
    let site = Site::new(|_| Reply::json(200, r#"{"token":"t-1"}"#)).await;
    site.save(|form| form).await.expect(303);
    site.begin().await;
    let other = Upstream::json(r#"{"token":"t-2"}"#).await;
    let form = site.ana.get(TAB).await.form(TAB).set("login_url", &other.url("/login"));
    let page = form.send().await.expect(422);
    let wanted = "Password must be entered again or removed, because it would go to another host";
    assert_eq!(page.field_error("login_password").as_deref(), Some(wanted));
    // Behind the back of the form.
    let update = format!(
        "UPDATE authorizations SET options = jsonb_set(options, '{{login,url}}', '\"{}\"'); DELETE FROM tokens",
        other.url("/login")
    );
    site.world.app.sql(&update).await;
    let text = site.fetch().await.expect(200).text();
    assert!(text.contains("because that origin is not approved") && text.contains("Waiting for approval"), "{text}");
    assert!(other.seen().is_empty());
    // With the password entered again it goes there, and the token of the server before is forgotten.
    let form = site.ana.get(TAB).await.form(TAB).set("login_password_choice", "replace");
    form.set("login_password", "n3w").set("own_password", PASSWORD).send().await.expect(303);
    site.fetch().await.expect(303);
    assert_eq!(body(&other.only())["password"], "n3w");
}

#[tokio::test]
async fn it_is_tested_before_it_is_saved_and_shown_to_people_who_may_only_look() {
    let site = Site::new(|seen| match seen.path() {
        "/login" => Reply::json(200, r#"{"jwt":"t-1","expires_in":600}"#),
        _ => wants(seen, "authorization", "Bearer t-1"),
    })
    .await;
    let form = site.ana.get(TAB).await.form(TAB).set("login_url", &site.server.url("/login"));
    let form = form.set("login_user", "ana").set("login_password", SECRET);
    let page = form.press("Test connection").send().await.expect(200);
    let text = page.text();
    assert!(text.contains("The server gave an access token. It was not stored."), "{text}");
    assert_eq!(site.server.last().header("authorization"), Some("Bearer t-1"));
    assert_eq!(site.world.app.count("SELECT count(*) FROM secrets").await, 0);
    site.save(|form| form.set("login_headers", "X-Tenant: acme")).await.expect(303);
    let viewer = site.world.app.person(&[Permission::ViewConnectors]).await.get(TAB).await.expect(200);
    let text = viewer.text();
    for line in ["MethodLogin Request", "User of the login requestana", "Headers of the login requestX-Tenant: acme"] {
        assert!(text.contains(line), "{line}: {text}");
    }
    let recorded = "SELECT changes::text FROM audit_events WHERE kind = 'authorization.saved'";
    let recorded = site.world.app.value(recorded).await;
    assert!(recorded.contains("URL of the login request") && recorded.contains("Password"), "{recorded}");
    assert!(!recorded.contains("2F+") && !viewer.html.contains("2F+"));
    site.begin().await;
    let page = site.ana.get(&format!("{TAB}/disconnections")).await.expect(200);
    page.main_form().send().await.expect(303);
    assert_eq!(site.world.app.count("SELECT count(*) FROM tokens").await, 0);
}

/// Another user or another request is another session; other settings of the tab are not.
#[tokio::test]
async fn a_token_is_forgotten_with_the_request_that_has_brought_it() {
    let site = Site::new(|_| Reply::json(200, r#"{"token":"t-1"}"#)).await;
    site.save(|form| form).await.expect(303);
    for (field, typed, left) in [("time_out", "9", 1), ("login_user", "ben", 0), ("login_token", "/token", 0)] {
        site.fetch().await.expect(303);
        site.ana.get(TAB).await.form(TAB).set(field, typed).send().await.expect(303);
        assert_eq!(site.world.app.count("SELECT count(*) FROM tokens").await, left, "{field}");
    }
    // Another method takes the password away, and keeps the host out of the approved ones.
    let form = site.ana.get(TAB).await.form(TAB).set("auth_method", "no_auth").set("own_password", PASSWORD);
    form.send().await.expect(303);
    assert_eq!(site.world.app.count("SELECT count(*) FROM secrets").await, 0);
}
