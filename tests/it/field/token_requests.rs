//! What token servers want of requests.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use connectory::connectors::{Grant, Method};
use connectory::outbound::HttpUrl;

use crate::support::upstream::{Reply, Seen, Upstream};
use crate::support::{Browser, FormFill, Page, TestApp};
use crate::tokens::{give, oauth_connector, renewed_at};

const TAB: &str = "/connectors/payroll/authorization";
const TOKEN: &str = r#"{"access_token":"the-next","token_type":"bearer","expires_in":3600}"#;

/// The form of a request, by its names.
fn field(seen: &Seen, name: &str) -> Option<String> {
    let query = seen.target.split_once('?').map(|(_, query)| query.as_bytes()).unwrap_or_default();
    let of =
        |text: &[u8]| form_urlencoded::parse(text).find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
    of(&seen.body).or_else(|| of(query))
}

/// A server that issues tokens to requests that are right, and refuses others with this code.
async fn wanting(error: &'static str, is_right: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> Upstream {
    Upstream::start(move |seen| match is_right(seen) {
        true => Reply::json(200, TOKEN),
        false => Reply::json(400, &format!("{{\"error\":\"{error}\"}}")),
    })
    .await
}

/// A site whose connector signs in to this server with its own client id and secret, and a person who may edit it.
async fn client_at(server: &Upstream, fill: impl FnOnce(FormFill) -> FormFill) -> (TestApp, Browser) {
    let app = TestApp::start().await;
    let method = Method::OAuth(Grant::ClientCredentials);
    app.connector_with("Payroll", |new| {
        new.method = method;
        new.details.base_url = Some(HttpUrl::parse(&server.url("/")).expect("an address"));
    })
    .await;
    let ana = app.super_admin().await;
    let form = ana.get(TAB).await.form(TAB).set("token_url", &server.url("/token")).set("client_id", "app");
    fill(form.set("client_secret", "s3cret-1")).send().await.expect(303);
    (app, ana)
}

async fn press(ana: &Browser) -> Page {
    let page = ana.get(TAB).await.form(&format!("{TAB}/token-renewals")).send().await;
    if page.status == 303 { page.follow().await } else { page }
}

#[track_caller]
fn has_token(page: &Page) {
    assert_eq!(page.flash(), "The access token was stored", "{}", page.text());
}

/// Zoom's server-to-server grant.
#[tokio::test]
async fn a_grant_type_of_ones_own_takes_the_place_of_the_usual_one() {
    let server = wanting("unsupported_grant_type", |seen| {
        let body = String::from_utf8_lossy(&seen.body);
        body.matches("grant_type=").count() == 1
            && field(seen, "grant_type").as_deref() == Some("account_credentials")
            && field(seen, "account_id").as_deref() == Some("AbC")
            && seen.header("authorization") == Some(&format!("Basic {}", STANDARD.encode("app:s3cret-1")))
    })
    .await;
    let (_app, ana) =
        client_at(&server, |form| form.set("token_parameters", "grant_type=account_credentials\naccount_id=AbC")).await;
    has_token(&press(&ana).await);
}

const FURTHER: &str = "/connectors/payroll/authorization/further-secrets";

/// Adds a secret header or parameter of token requests.
async fn add_secret(ana: &Browser, place: &str, name: &str, value: &str) -> Page {
    let page = ana.get(FURTHER).await.expect(200);
    page.submit(|form| form.set("further_place", place).set("further_name", name).set("value", value)).await
}

/// A token server behind a gateway that wants a subscription key and the tenant, and their siblings: the header replaces
/// one that Connectory sends.
#[tokio::test]
async fn token_requests_carry_secret_headers() {
    let server = wanting("invalid_request", |seen| {
        seen.header("ocp-apim-subscription-key") == Some("g-1") && seen.header("authorization") == Some("Custom x")
    })
    .await;
    let (app, ana) = client_at(&server, |form| form).await;
    add_secret(&ana, "token_header", "Ocp-Apim-Subscription-Key", "g-1").await.expect(303);
    add_secret(&ana, "token_header", "Authorization", "Custom x").await.expect(303);
    has_token(&press(&ana).await);
    // They are of token requests and not of calls.
    ana.get(TAB).await.form(TAB).press("Test connection").send().await.expect(200);
    let called = server.last();
    assert_eq!((called.target.as_str(), called.header("ocp-apim-subscription-key")), ("/", None));
    app.advance(TimeDelta::hours(2));
    app.run_due_work().await;
    assert_eq!((server.seen().len(), server.last().header("ocp-apim-subscription-key")), (3, Some("g-1")));
}

/// The grant of IBM Cloud IAM: a key in place of a client. It is masked in what the server says.
#[tokio::test]
async fn a_grant_type_of_ones_own_has_secret_parameters() {
    let server = Upstream::start(|seen| {
        let key = field(seen, "apikey").unwrap_or_default();
        let is_grant = field(seen, "grant_type").is_some_and(|grant| grant.ends_with(":apikey"));
        match (is_grant && field(seen, "client_id").is_none(), key.as_str()) {
            (true, "k-1") => Reply::json(200, TOKEN),
            _ => Reply::json(400, &format!(r#"{{"error":"invalid_request","error_description":"no key {key} here"}}"#)),
        }
    })
    .await;
    let (app, ana) = client_at(&server, |form| {
        let form = form.set("client_id", "").set("client_secret", "").set("authentication", "none");
        form.set("token_parameters", "grant_type=urn:ibm:params:oauth:grant-type:apikey")
    })
    .await;
    add_secret(&ana, "token_parameter", "apikey", "k-wrong-1").await.expect(303);
    let page = press(&ana).await;
    assert!(page.text().contains("no key ‹masked› here") && !page.html.contains("k-wrong-1"), "{}", page.text());
    let page = ana.get(FURTHER).await;
    let form = page.main_form().set("secret_0_choice", "replace").set("secret_0", "k-1");
    form.set("own_password", crate::support::PASSWORD).send().await.expect(303);
    has_token(&press(&ana).await);
    // It goes to no other server.
    let other = Upstream::json(TOKEN).await;
    app.sql(&format!("UPDATE oauth_clients SET token_url = '{}'", other.url("/token"))).await;
    assert!(press(&ana).await.text().contains("that origin is not approved"));
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn secret_parameters_replace_no_parameter_that_binds_an_answer() {
    let (_app, ana) = client_at(&Upstream::json(TOKEN).await, |form| form).await;
    for name in ["state", "code", "Code_Verifier"] {
        let page = add_secret(&ana, "token_parameter", name, "x").await.expect(422);
        let wanted = format!("{name} is set by Connectory itself. Enter the name of another parameter");
        assert_eq!(page.field_error("further_name"), Some(wanted));
    }
}

#[tokio::test]
async fn the_client_id_can_be_in_the_body_beside_basic() {
    let server = wanting("invalid_request", |seen| {
        seen.header("authorization").is_some() && field(seen, "client_id").as_deref() == Some("app")
    })
    .await;
    let (_app, ana) = client_at(&server, |form| form.set("token_parameters", "client_id=app")).await;
    has_token(&press(&ana).await);
}

#[tokio::test]
async fn parameters_that_bind_an_answer_and_secrets_cannot_be_set() {
    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| new.method = Method::OAuth(Grant::AuthorizationCode)).await;
    let tab = app.super_admin().await.get(TAB).await;
    for (typed, message) in [
        ("a=b\nstate=x", "must not set state (line 2): Connectory sets it"),
        ("code_verifier=x", "must not set code_verifier (line 1): Connectory sets it"),
        ("client_secret=x", "must not set client_secret (line 1): it would be stored and shown as it is"),
    ] {
        let page = tab.form(TAB).set("token_parameters", typed).send().await.expect(422);
        let error = page.field_error("token_parameters");
        assert_eq!(error, Some(format!("Extra parameters for token {message}")));
        assert_eq!(page.field_value("token_parameters").trim_start(), typed);
    }
}

/// A server that decodes base64 and nothing else.
#[tokio::test]
async fn client_id_and_secret_can_be_sent_as_typed() {
    let server = Upstream::start(|seen| {
        let wanted = format!("Basic {}", STANDARD.encode("app:p+4/x=~"));
        match seen.header("authorization") == Some(&wanted) {
            true => Reply::json(200, TOKEN),
            false => Reply::json(401, r#"{"error":"invalid_client"}"#),
        }
    })
    .await;
    let (_app, ana) = client_at(&server, |form| form.set("client_secret", "p+4/x=~")).await;
    let page = press(&ana).await.expect(200);
    let sent = server.only();
    assert_eq!(sent.header("authorization"), Some(&*format!("Basic {}", STANDARD.encode("app:p%2B4%2Fx%3D%7E"))));
    assert!(!page.text().contains("p+4/x"));
    let form = ana.get(TAB).await.form(TAB).set("authentication", "basic_as_typed");
    form.send().await.expect(303);
    has_token(&press(&ana).await);
    let page = ana.get(TAB).await.form(TAB).set("client_id", "a:b").set("client_secret_choice", "keep").send().await;
    let error = page.expect(422).field_error("client_id");
    assert_eq!(error.as_deref(), Some("Client ID must not contain a colon (:) with this client authentication"));
}

#[tokio::test]
async fn a_refused_client_secret_names_the_other_client_authentications() {
    let app = TestApp::start().await;
    let server = Upstream::start(|_| Reply::json(401, r#"{"error":"invalid_client"}"#)).await;
    oauth_connector(&app, Grant::ClientCredentials, &server.url("/token"), &server.url("/")).await;
    app.advance(TimeDelta::minutes(11));
    let text = press(&app.super_admin().await).await.text();
    assert!(text.contains("as HTTP Basic header as typed (for a secret with special characters)"), "{text}");
}

/// AD FS and Entra know resources by GUIDs and names.
#[tokio::test]
async fn a_resource_is_sent_as_typed() {
    for resource in ["00000002-0000-0ff1-ce00-000000000000", "my-web-api", "https://api.example/#x"] {
        let server =
            wanting("invalid_resource", move |seen| field(seen, "resource").as_deref() == Some(resource)).await;
        let (_app, ana) = client_at(&server, |form| form.set("resources", resource)).await;
        has_token(&press(&ana).await);
    }
}

const NEEDS_SCOPE: &str = r#"{"error":"invalid_request","error_description":"AADSTS90009: Application is requesting a token for itself. This scenario is supported only if resource is specified using the GUID based App Identifier."}"#;

/// Entra wants a scope with the refresh token, Salesforce none.
#[tokio::test]
async fn the_scope_goes_with_a_refresh_token_as_the_server_wants_it() {
    for (setting, granted, sent) in [
        ("if_wanted", "read", vec![None, Some("api://1111/access offline_access")]),
        ("never", "read", vec![None]),
        ("granted", "read", vec![Some("read")]),
        ("granted", "", vec![Some("api://1111/access offline_access")]),
        ("asked", "read", vec![Some("api://1111/access offline_access")]),
    ] {
        let app = TestApp::start().await;
        let server = Upstream::start(|seen| match field(seen, "scope") {
            Some(_) => Reply::json(200, TOKEN),
            None => Reply::json(400, NEEDS_SCOPE),
        })
        .await;
        let id = renewed_at(&app, &server.url("/token")).await;
        app.sql(&format!(
            "UPDATE oauth_clients SET scope = 'api://1111/access offline_access', refresh_scope = '{setting}';
             UPDATE tokens SET scope = '{granted}'"
        ))
        .await;
        app.advance(TimeDelta::hours(2));
        app.run_due_work().await;
        let scopes: Vec<_> = server.seen().iter().map(|seen| field(seen, "scope")).collect();
        let expected: Vec<_> = sent.iter().map(|scope| scope.map(str::to_owned)).collect();
        assert_eq!(scopes, expected, "{setting}");
        let is_renewed = app.token(id).await.as_deref() == Some("the-next");
        assert_eq!(is_renewed, sent.last() != Some(&None), "{setting}");
        if setting == "never" {
            let remedy = app.value("SELECT remedy FROM renewals").await;
            assert!(remedy.contains("Scope on refresh"), "{remedy}");
        }
    }
}

#[tokio::test]
async fn a_refresh_that_works_without_a_scope_or_has_ended_is_sent_once() {
    for answer in [(200, TOKEN), (400, r#"{"error":"invalid_grant"}"#), (503, "{}")] {
        let app = TestApp::start().await;
        let server = Upstream::start(move |_| Reply::json(answer.0, answer.1)).await;
        renewed_at(&app, &server.url("/token")).await;
        app.sql("UPDATE oauth_clients SET scope = 'read'").await;
        app.advance(TimeDelta::hours(2));
        app.run_due_work().await;
        assert_eq!(field(&server.only(), "scope"), None);
    }
}

/// WeChat has names of its own, GET and an address that ends with a fragment.
#[tokio::test]
async fn a_server_can_have_its_own_names_and_get() {
    let server = wanting("invalid_request", |seen| {
        let query = seen.target.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default();
        seen.method == "GET"
            && query == "grant_type=client_credentials&appid=app&secret=s3cret-1"
            && seen.body.is_empty()
    })
    .await;
    let (app, ana) = client_at(&server, |form| {
        form.set("authentication", "body")
            .set("body_format", "query")
            .set("client_id_name", "appid")
            .set("client_secret_name", "secret")
    })
    .await;
    has_token(&press(&ana).await);
    // Where the token is refreshed, too.
    app.sql("UPDATE connectors SET method = 'oauth_authorization_code'").await;
    let id = app.value("SELECT id FROM connectors").await.parse().expect("an id");
    give(&app, id, Some("the-refresh-token")).await;
    app.advance(TimeDelta::hours(2));
    app.run_due_work().await;
    let target = server.last().target;
    assert!(
        target.starts_with("/token?grant_type=refresh_token&refresh_token=the-refresh-token&appid=app"),
        "{target}"
    );
}

#[tokio::test]
async fn an_authorize_url_keeps_its_fragment_at_the_end() {
    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| new.method = Method::OAuth(Grant::AuthorizationCode)).await;
    let ana = app.super_admin().await;
    let typed = "https://open.weixin.example/connect/qrconnect#wechat_redirect";
    let form = ana.get(TAB).await.form(TAB).set("authorize_url", typed);
    let form = form.set("token_url", "https://api.weixin.example/sns/oauth2/access_token").set("client_id", "wx1");
    form.set("scope", "snsapi_login").set("client_id_name", "appid").send().await.expect(303);
    let tab = ana.get(TAB).await;
    assert_eq!(tab.field_value("authorize_url"), typed);
    let page = tab.form(&format!("{TAB}/attempts")).send().await.expect(200);
    let links = page.links();
    let (_, leave) = links.iter().find(|(words, _)| words.starts_with("Continue to ")).expect("a link");
    assert!(leave.contains("?response_type=code&appid=wx1&state="), "{leave}");
    assert!(leave.ends_with("&scope=snsapi_login#wechat_redirect"), "{leave}");
    let form = tab.form(TAB).set("authorize_url", "https://open.weixin.example/#a b");
    let error = form.send().await.expect(422).field_error("authorize_url");
    assert!(error.is_some_and(|error| error.contains("after #")));
    let form = tab.form(TAB).set("client_id_name", "app&id");
    let error = form.send().await.expect(422).field_error("client_id_name");
    assert!(error.is_some_and(|error| error.starts_with("Name of the client ID parameter must")));
}

/// Logins that want an e-mail address and a password, and nothing else.
#[tokio::test]
async fn a_json_login_can_have_its_own_names() {
    let app = TestApp::start().await;
    let server = Upstream::start(|seen| {
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        match body == serde_json::json!({"email": "ana@example.org", "password": "pw-canary-1"}) {
            true => Reply::json(200, r#"{"token":"the-next-token-0123"}"#),
            false => Reply::json(400, r#"{"message":"Validation failed"}"#),
        }
    })
    .await;
    app.connector_with("Payroll", |new| new.method = Method::Bearer).await;
    let ana = app.super_admin().await;
    let request = format!("{TAB}/token-requests");
    let ask = async |fill: fn(FormFill) -> FormFill| {
        let form = ana.get(&request).await.form(&request).set("token_url", &server.url("/auth/login"));
        let form = form.set("token_user", "ana@example.org").set("token_password", "pw-canary-1");
        fill(form.set("token_request_style", "json")).send().await.expect(200)
    };
    assert!(ask(|form| form).await.title().starts_with("No access token"));
    let page = ask(|form| form.set("token_user_field", "email")).await;
    assert!(page.title().starts_with("Access token received"), "{}", page.text());
    page.form(&format!("{TAB}/token")).press("Keep it fresh").send().await.expect(303);
    app.sql("UPDATE tokens SET expires_at = obtained_at + interval '1 hour'").await;
    app.advance(TimeDelta::hours(2));
    let id = app.value("SELECT id FROM connectors").await.parse().expect("an id");
    app.keeper.token(id, connectory::authorization::Need::default()).await.map(drop).expect("a token");
    assert_eq!(server.seen().len(), 3);
}
