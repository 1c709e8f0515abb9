//! Authorizing on another device: the page with the code, and the requests for the token.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use connectory::access::Permission::{EditConnectors, ViewConnectors};
use connectory::authorization::SecretField;
use connectory::connectors::{Grant, Method};
use connectory::outbound::HttpUrl;
use uuid::Uuid;

use crate::support::authorization_server::{self as servers, AuthorizationServer, Client, Setup};
use crate::support::upstream::{Reply, Seen, Upstream};
use crate::support::{Browser, Page, TestApp};

const TAB: &str = "/connectors/payroll/authorization";
const DEVICE: &str = "/connectors/payroll/authorization/device";
const CANCELLATION: &str = "/connectors/payroll/authorization/device/cancellation";
const SECRET: &str = "s3cret+/%:& x";
const CODE: &str = "d3vice-c0de";
const CODES: &str = r#"{"device_code":"d3vice-c0de","user_code":"WDJB-MJHT","interval":5,"expires_in":900,
    "verification_uri":"https://id.example.org/device","verification_uri_complete":"https://id.example.org/device?user_code=WDJB-MJHT"}"#;
const TOKEN: &str = r#"{"access_token":"tok3n-1","token_type":"Bearer","expires_in":3600,"refresh_token":"r3fresh-1"}"#;

/// A site with a connector whose server gives codes, and answers requests for tokens in this order; the last answer
/// stays.
struct Site {
    app: TestApp,
    id: Uuid,
    server: Upstream,
    ana: Browser,
}

impl Site {
    async fn new(answers: &'static [(u16, &'static str)]) -> Site {
        Site::with(move |seen| {
            if seen.path() == "/device" {
                return Reply::json(200, CODES);
            }
            let (status, body) = answers.get(seen.number.saturating_sub(1)).or(answers.last()).expect("an answer");
            Reply::json(*status, body)
        })
        .await
    }

    async fn with(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Site {
        let (app, server) = (TestApp::start().await, Upstream::start(script).await);
        let id = connector(&app, &server.url("/device"), &server.url("/token"), &server.url("/")).await;
        let ana = app.person(&[EditConnectors]).await;
        Site { app, id, server, ana }
    }

    /// Presses Authorize, and gives the page that follows.
    async fn begin(&self) -> Page {
        let tab = self.ana.get(TAB).await.expect(200);
        let page = tab.form(DEVICE).send().await;
        if page.status == 303 { page.follow().await.expect(200) } else { page }
    }

    /// Does what the program does in the background, this many seconds later.
    async fn poll_after(&self, seconds: i64) -> usize {
        self.app.advance(TimeDelta::seconds(seconds));
        self.app.keeper.poll_devices().await.expect("the requests")
    }

    async fn token(&self) -> Option<String> {
        self.app.token(self.id).await
    }
}

async fn connector(app: &TestApp, device: &str, token: &str, base: &str) -> Uuid {
    let base = HttpUrl::parse(base).ok();
    let id = app
        .connector_with("Payroll", |new| {
            new.method = Method::OAuth(Grant::Device);
            new.details.base_url = base;
        })
        .await;
    app.sql(&format!(
        "INSERT INTO oauth_clients (connector_id, device_url, token_url, client_id, scope)
         VALUES ('{id}', '{device}', '{token}', 'app', 'read')"
    ))
    .await;
    app.store_secret(id, SecretField::ClientSecret, SECRET).await;
    id
}

fn body(seen: &Seen) -> Vec<(String, String)> {
    form_urlencoded::parse(&seen.body).into_owned().collect()
}

const PENDING: (u16, &str) = (400, r#"{"error":"authorization_pending"}"#);

/// The server that has no other grant: code and address are shown, and the token is asked for with the server's pauses.
#[tokio::test]
async fn the_page_shows_code_and_address_and_the_token_comes_when_the_person_has_agreed() {
    let site = Site::new(&[PENDING, PENDING, (400, r#"{"error":"slow_down"}"#), PENDING, (200, TOKEN)]).await;
    let page = site.begin().await;
    assert_eq!((page.path.as_str(), page.h1().as_str()), (DEVICE, "Payroll: Authorize"));
    assert_eq!(page.field_value("user_code"), "WDJB-MJHT");
    let links = page.links();
    let link = links.iter().find(|(words, _)| words == "https://id.example.org/device").expect("the address");
    assert_eq!(link.1, "https://id.example.org/device?user_code=WDJB-MJHT");
    assert!(page.has_link("Refresh") && !page.html.contains(CODE), "{}", page.html);
    assert!(page.text().contains("in 15 minutes"), "{}", page.text());
    let asked = site.server.only();
    assert_eq!(asked.header("authorization"), Some("Basic YXBwOnMzY3JldCUyQiUyRiUyNSUzQSUyNit4"));
    assert_eq!(body(&asked), [("scope".to_string(), "read".to_string())]);
    let kept = site.app.rows("SELECT device_requests::text FROM device_requests").await;
    assert!(!format!("{kept:?}").contains(CODE) && !format!("{kept:?}").contains("WDJB"), "sealed");

    assert_eq!(site.poll_after(4).await, 0, "not before the pause");
    assert_eq!(site.poll_after(1).await, 1);
    let asked = site.server.last();
    for (name, value) in [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", CODE)] {
        assert_eq!(
            body(&asked).iter().filter(|(of, _)| of == name).map(|(_, v)| v.as_str()).collect::<Vec<_>>(),
            [value]
        );
    }
    // Another instance goes on where this one stops.
    let other = site.app.another_keeper();
    site.app.advance(TimeDelta::seconds(5));
    let (one, two) = tokio::join!(site.app.keeper.poll_devices(), other.poll_devices());
    assert_eq!(one.expect("requests") + two.expect("requests"), 1, "one of them asks");
    assert_eq!(site.poll_after(5).await, 1);
    assert_eq!(site.poll_after(9).await, 0, "the server wants it slower");
    assert_eq!(site.poll_after(1).await, 1);
    assert_eq!(
        site.ana.get(DEVICE).await.texts("[data-live=sentence]"),
        ["Waiting for you to enter the code and agree."]
    );
    assert_eq!(site.poll_after(10).await, 1);
    assert_eq!(site.token().await.as_deref(), Some("tok3n-1"));
    let page = site.ana.get(DEVICE).await.expect(200);
    assert_eq!(page.texts("[data-live=sentence]"), ["The data connector is authorized."]);
    assert_eq!(page.all("[data-refresh]").count(), 0);
    assert_eq!(site.poll_after(3600).await, 0);
    assert_eq!(site.app.value("SELECT status FROM connectors").await, "healthy");
    let audited = "SELECT actor_username FROM audit_events WHERE kind = 'connector.authorized'";
    assert_eq!(site.app.value(audited).await, site.ana.user().username);
}

/// Afterwards the token is refreshed as any other.
#[tokio::test]
async fn the_token_is_refreshed_like_any_other() {
    let site = Site::new(&[(200, TOKEN), (200, r#"{"access_token":"tok3n-2","expires_in":3600}"#)]).await;
    site.begin().await;
    site.poll_after(5).await;
    let tab = site.ana.get(TAB).await;
    tab.form("/connectors/payroll/authorization/token-renewals").send().await.expect(303);
    assert_eq!(site.token().await.as_deref(), Some("tok3n-2"));
    let asked = body(&site.server.last());
    assert!(asked.contains(&("grant_type".into(), "refresh_token".into())), "{asked:?}");
    assert!(asked.contains(&("refresh_token".into(), "r3fresh-1".into())), "{asked:?}");
}

/// The server refuses the present Client Secret from the first request on, or only when the token is asked for.
#[tokio::test]
async fn the_next_client_secret_takes_the_place_of_a_refused_one_on_other_devices_too() {
    for refused_at in ["/device", "/token"] {
        let site = Site::with(move |seen| {
            let header = seen.header("authorization").and_then(|value| value.strip_prefix("Basic "));
            let pair = header.and_then(|value| STANDARD.decode(value).ok()).unwrap_or_default();
            let is_refused = refused_at == "/device" || seen.path() == "/token";
            match seen.path() {
                _ if is_refused && pair != b"app:n3xt-s3cret" => Reply::json(401, r#"{"error":"invalid_client"}"#),
                "/device" => Reply::json(200, CODES),
                _ => Reply::json(200, TOKEN),
            }
        })
        .await;
        site.ana.get(TAB).await.form(TAB).set("next_client_secret", "n3xt-s3cret").send().await.expect(303);
        assert_eq!(site.begin().await.path, DEVICE);
        site.poll_after(5).await;
        assert_eq!(site.token().await.as_deref(), Some("tok3n-1"), "{refused_at}");
        let fields = "SELECT string_agg(field, ' ') FROM secrets";
        assert_eq!(site.app.value(fields).await, "client_secret");
        let requests: Vec<String> = site.server.seen().iter().map(|seen| seen.path().to_owned()).collect();
        let expected: &[&str] =
            if refused_at == "/device" { &["/device", "/device", "/token"] } else { &["/device", "/token", "/token"] };
        assert_eq!(requests, expected);
        let recorded = "SELECT count(*) FROM audit_events WHERE changes::text LIKE '%replaced by the next one%'";
        assert_eq!(site.app.value(recorded).await, "1");
    }
}

/// Each end has its sentence, the way to another attempt, and no more requests.
#[tokio::test]
async fn every_end_is_said_and_nothing_is_asked_after_it() {
    for (status, answer, sentence, more) in [
        (
            400,
            r#"{"error":"access_denied","error_description":"Not you."}"#,
            "You, or the server, did not agree to it.",
            "Not you.",
        ),
        (400, r#"{"error":"expired_token"}"#, "There was no consent in time, so the code has ended.", ""),
        (401, r#"{"error":"invalid_client","error_description":"Who?"}"#, "The server gave no token.", "Who?"),
        (200, r#"{"access_token":"t","token_type":"DPoP"}"#, "The server gave no token.", "turn off DPoP"),
    ] {
        let site = Site::new(Box::leak(Box::new([(status, answer)]))).await;
        site.begin().await;
        assert_eq!(site.poll_after(5).await, 1);
        assert_eq!(site.poll_after(60).await, 0, "{answer}");
        let page = site.ana.get(DEVICE).await.expect(200);
        assert_eq!(page.texts("[data-live=sentence]"), [sentence]);
        assert!(page.text().contains(more), "{answer}: {}", page.text());
        assert!(page.text().contains("Tokens that were stored before are still there."));
        assert_eq!(
            site.app.value("SELECT length(sealed)::text FROM device_requests").await,
            "0",
            "the codes are forgotten"
        );
        assert_eq!(site.token().await, None);
        let again = page.form(DEVICE).press("Authorize again").send().await.expect(303).follow().await;
        assert_eq!(again.field_value("user_code"), "WDJB-MJHT");
    }
}

/// The code ends by the clock, too, and a fault of the server only slows the requests down.
#[tokio::test]
async fn a_fault_of_the_server_passes_and_the_code_ends_in_time() {
    let site = Site::new(&[(503, "{}"), PENDING]).await;
    site.begin().await;
    assert_eq!(site.poll_after(5).await, 1);
    let page = site.ana.get(DEVICE).await;
    assert!(page.text().contains("The last request for the token failed: The server answered 503"), "{}", page.text());
    assert_eq!(site.poll_after(9).await, 0, "the pause has doubled");
    assert_eq!(site.poll_after(1).await, 1);
    assert!(!site.ana.get(DEVICE).await.text().contains("503"));
    site.app.advance(TimeDelta::seconds(900));
    let page = site.ana.get(DEVICE).await;
    assert_eq!(page.texts("[data-live=sentence]"), ["There was no consent in time, so the code has ended."]);
    let asked = site.server.seen().len();
    assert_eq!(site.poll_after(0).await, 1);
    assert_eq!(site.server.seen().len(), asked, "nothing is asked for a code that has ended");
}

/// What comes of a request counts for the settings with which it was made, and not after Cancel.
#[tokio::test]
async fn a_request_ends_with_cancel_and_with_other_settings() {
    let site = Site::new(&[(200, TOKEN)]).await;
    let page = site.begin().await;
    let page = page.form(CANCELLATION).send().await.expect(303).follow().await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), (TAB, "Authorizing was cancelled"));
    assert_eq!(site.poll_after(5).await, 0);
    site.ana.get(DEVICE).await.expect(303);
    site.ana.post(CANCELLATION, &[]).await.expect(303);

    site.begin().await;
    let tab = site.ana.get(TAB).await;
    tab.form(TAB).set("scope", "write").send().await.expect(303);
    assert_eq!(site.poll_after(5).await, 1);
    let page = site.ana.get(DEVICE).await;
    assert!(page.text().contains("was changed since you pressed Authorize"), "{}", page.text());
    site.begin().await;
    site.app.sql("UPDATE users SET active = false WHERE NOT super_admin").await;
    assert_eq!(site.poll_after(5).await, 1);
    assert_eq!(site.token().await, None);
    let asked = site.server.seen();
    assert!(asked.iter().all(|seen| seen.path() == "/device"), "{asked:?}");
}

/// Without codes there is no page with one: the tab says why.
#[tokio::test]
async fn a_server_without_usable_codes_is_told_on_the_tab() {
    for (status, answer, words) in [
        (400, r#"{"error":"unauthorized_client","error_description":"No devices."}"#, "No devices."),
        (200, r#"{"device_code":"d","user_code":"u"}"#, "no device code, user code and address"),
        (200, r#"{"device_code":"d","user_code":"u","verification_uri":"javascript:alert(1)"}"#, "no device code"),
        (200, "<html><title>Sign in</title></html>", "web page"),
    ] {
        let site = Site::with(move |_| Reply::of(status, &[], answer)).await;
        let page = site.begin().await.expect(200);
        assert_eq!(page.texts("#refusal"), ["No access token"]);
        assert!(page.text().contains(words), "{answer}: {}", page.text());
        assert_eq!(site.app.count("SELECT count(*) FROM device_requests").await, 0);
    }
}

/// The tab asks for what the grant needs, and shows it to people who may only look.
#[tokio::test]
async fn the_tab_asks_for_the_address_of_codes() {
    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| new.method = Method::OAuth(Grant::Device)).await;
    let ana = app.person(&[EditConnectors]).await;
    let tab = ana.get(TAB).await.expect(200);
    assert!(!tab.has_form(DEVICE), "nothing is filled in");
    ana.post(DEVICE, &[]).await.expect(404);
    let page = tab.form(TAB).set("device_url", "id.example.org").send().await.expect(422);
    let problem = |name: &str| page.field_error(name).unwrap_or_default();
    assert_eq!(problem("device_url"), "Device authorization URL must start with https:// or http://");
    assert_eq!(problem("token_url"), "Enter the AccessToken URL");
    let url = "https://id.example.org/device";
    let form = page.form(TAB).set("device_url", url).set("token_url", "https://id.example.org/token");
    form.set("client_id", "app").send().await.expect(303);
    assert!(ana.get(TAB).await.has_form(DEVICE));
    assert!(app.person(&[ViewConnectors]).await.get(TAB).await.text().contains(url));
    let audited = app.value("SELECT changes FROM audit_events WHERE kind = 'authorization.saved'").await;
    assert!(audited.contains("Device authorization URL"), "{audited}");
}

/// A server of other authors, from Find settings to a call of its API.
#[tokio::test]
async fn it_works_with_a_server_of_other_authors() {
    let client = Client::confidential("app", SECRET, servers::Grant::Device);
    let server = AuthorizationServer::oidc_provider(&Setup::with([client]));
    let app = TestApp::start().await;
    let base = HttpUrl::parse(&server.urls.api).ok();
    let id = app
        .connector_with("Payroll", |new| {
            new.method = Method::OAuth(Grant::Device);
            new.details.base_url = base;
        })
        .await;
    let ana = app.person(&[EditConnectors]).await;
    let form = ana.get(TAB).await.form(TAB).set("issuer", &server.urls.issuer);
    let found = form.press("Find settings").send().await.expect(200);
    assert!(found.field_value("device_url").starts_with(&server.urls.issuer));
    assert!(found.texts(".note.warn li").is_empty(), "{}", found.text());
    let form = found.form(TAB).set("client_id", "app").set("client_secret", SECRET).set("scope", "read");
    form.press("Save").send().await.expect(303);
    for allows in [false, true] {
        let page = ana.get(TAB).await.form(DEVICE).send().await.expect(303).follow().await.expect(200);
        app.advance(TimeDelta::seconds(5));
        assert_eq!(app.keeper.poll_devices().await.expect("requests"), 1);
        let links = page.links();
        let link = links.iter().find(|(_, to)| to.contains("user_code=")).expect("the address").1.clone();
        server.answer_device(&link, allows).await;
        app.advance(TimeDelta::seconds(15));
        assert_eq!(app.keeper.poll_devices().await.expect("requests"), 1);
        let sentence = ana.get(DEVICE).await.texts("[data-live=sentence]").concat();
        let expected =
            if allows { "The data connector is authorized." } else { "You, or the server, did not agree to it." };
        assert_eq!(sentence, expected);
    }
    let token = app.token(id).await.expect("a token");
    assert_eq!(server.call_api(&token).await, 200);
}
