//! Clients that prove themselves by signed assertions in place of a secret on the wire.

mod form;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use chrono::TimeDelta;
use connectory::authorization::SecretField;
use connectory::connectors::{Grant, Method};
use connectory::outbound::HttpUrl;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::authorization_server::{self as servers, AuthorizationServer, Client, PublicKey, Setup};
use crate::support::hostile::Issued;
use crate::support::openssl::OpenSsl;
use crate::support::upstream::{Reply, Seen, Upstream};
use crate::support::{Browser, FormFill, Page, TestApp};

pub const TAB: &str = "/connectors/payroll/authorization";
pub const RENEW: &str = "/connectors/payroll/authorization/token-renewals";
const TOKEN: &str = r#"{"access_token":"tok3n-1","token_type":"Bearer","expires_in":3600}"#;
const SECRET: &str = "a-secret-of-at-least-32-characters";

/// A key pair by OpenSSL, the private key in this encoding.
pub struct Key {
    pub private: String,
    pub public: String,
}

impl Key {
    pub fn new(words: &str, traditional: bool) -> Key {
        let openssl = OpenSsl::new();
        openssl.run(&format!("genpkey {words} -out k.pem"));
        openssl.run("pkey -in k.pem -pubout -out p.pem");
        if traditional {
            openssl.run("pkey -in k.pem -traditional -out t.pem");
        }
        let private = openssl.read(if traditional { "t.pem" } else { "k.pem" });
        Key { private, public: openssl.read("p.pem") }
    }

    pub fn rsa(traditional: bool) -> Key {
        Key::new("-algorithm RSA -pkeyopt rsa_keygen_bits:2048", traditional)
    }

    pub fn p256(traditional: bool) -> Key {
        Key::new("-algorithm EC -pkeyopt ec_paramgen_curve:P-256", traditional)
    }

    pub fn ed25519() -> Key {
        Key::new("-algorithm ED25519", false)
    }
}

/// A site with a connector of this grant, and a person who may edit it.
pub async fn site(grant: Grant, base: &str) -> (TestApp, Uuid, Browser) {
    let app = TestApp::start().await;
    let base = HttpUrl::parse(base).ok();
    let id = app
        .connector_with("Payroll", |new| {
            new.method = Method::OAuth(grant);
            new.details.base_url = base;
        })
        .await;
    let ana = app.super_admin().await;
    (app, id, ana)
}

/// Fills in the tab and saves it.
pub async fn save(ana: &Browser, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    fill(ana.get(TAB).await.form(TAB)).send().await
}

/// Presses Get Access Token.
pub async fn fetch(ana: &Browser) -> Page {
    let page = ana.get(TAB).await.form(RENEW).send().await;
    if page.status == 303 { page.follow().await } else { page }
}

/// A parameter of the request's form.
pub fn sent(seen: &Seen, name: &str) -> Option<String> {
    let found = form_urlencoded::parse(&seen.body).find(|(own, _)| own == name);
    found.map(|(_, value)| value.into_owned())
}

/// Header and claims of a signed text.
pub fn opened(signed: &str) -> (Value, Value) {
    let part = |at| {
        let part = signed.split('.').nth(at).expect("three parts");
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
    };
    assert_eq!(signed.split('.').count(), 3, "{signed}");
    (part(0), part(1))
}

/// A client that signs with this key at a small server that gives tokens.
async fn signing(grant: Grant, server: &Upstream, key: &Key, algorithm: &str) -> (TestApp, Uuid, Browser) {
    let (app, id, ana) = site(grant, &server.url("/")).await;
    let form = |form: FormFill| {
        form.set("authorize_url", &server.url("/authorize"))
            .set("token_url", &server.url("/token"))
            .set("client_id", "app")
            .set("authentication", "private_key_jwt")
            .set("signing_key", &key.private)
            .set("assertion_algorithm", algorithm)
    };
    save(&ana, form).await.expect(303);
    (app, id, ana)
}

/// The certified server checks signature, issuer, subject, audience, times and that no assertion comes twice.
#[tokio::test]
async fn each_algorithm_proves_the_client_to_a_server_that_checks_it() {
    let keys = [
        ("RS256", Key::rsa(false)),
        ("RS256", Key::rsa(true)),
        ("PS256", Key::rsa(true)),
        ("ES256", Key::p256(false)),
        ("ES256", Key::p256(true)),
        ("EdDSA", Key::ed25519()),
    ];
    let client = |(at, (_, key)): (usize, &(&str, Key))| {
        let keys = vec![PublicKey { pem: key.public.clone(), kid: format!("key-{at}") }];
        Client::signing(&format!("app-{at}"), keys, servers::Grant::ClientCredentials)
    };
    let clients: Vec<Client> = keys.iter().enumerate().map(client).collect();
    let server = AuthorizationServer::oidc_provider(&Setup::with(clients));
    let (app, id, ana) = site(Grant::ClientCredentials, &server.urls.api).await;
    for (at, (algorithm, key)) in keys.iter().enumerate() {
        let stored = ana.get(TAB).await.field_value("authentication") == "private_key_jwt";
        let form = |form: FormFill| {
            let form = if stored { form.set("signing_key_choice", "replace") } else { form };
            form.set("token_url", &server.urls.token)
                .set("client_id", &format!("app-{at}"))
                .set("authentication", "private_key_jwt")
                .set("signing_key", &key.private.replace('\n', "\\n"))
                .set("assertion_algorithm", algorithm)
                .set("assertion_key_id", &format!("key-{at}"))
                .confirmed()
        };
        save(&ana, form).await.expect(303);
        for _ in 0..2 {
            let page = fetch(&ana).await;
            assert!(page.status == 200 && page.errors().is_empty(), "{algorithm}: {}", page.text());
            let token = app.token(id).await.unwrap_or_else(|| panic!("{algorithm}: {}", page.text()));
            assert_eq!(server.call_api(&token).await, 200);
        }
    }
    let seen = server.seen().await;
    assert_eq!(seen.token.len(), 2 * keys.len());
    for outcome in seen.token {
        assert_eq!((outcome.status, outcome.authentication.as_str()), (200, "assertion"));
        assert!(!outcome.parameters.contains(&"client_secret".to_string()));
    }
}

#[tokio::test]
async fn the_secret_signs_and_is_not_sent() {
    let client = Client::signing_by_secret("app", SECRET, servers::Grant::ClientCredentials);
    let server = AuthorizationServer::oidc_provider(&Setup::with([client]));
    let (app, id, ana) = site(Grant::ClientCredentials, &server.urls.api).await;
    let fill = |form: FormFill| {
        let form = form.set("token_url", &server.urls.token).set("client_id", "app").set("issuer", &server.urls.issuer);
        form.set("authentication", "client_secret_jwt").set("assertion_audience", "issuer")
    };
    let page = save(&ana, fill).await.expect(422);
    assert_eq!(page.field_error("client_secret").as_deref(), Some("Enter the Client Secret, which signs"));
    save(&ana, |form| fill(form).set("client_secret", SECRET)).await.expect(303);
    fetch(&ana).await.expect(200);
    let token = app.token(id).await.expect("a token");
    assert_eq!(server.call_api(&token).await, 200);
    let outcome = server.seen().await.token.remove(0);
    assert_eq!((outcome.status, outcome.authentication.as_str()), (200, "assertion"));
    assert_eq!(outcome.parameters, ["client_assertion", "client_assertion_type", "client_id", "grant_type"]);
    // Another secret signs something else.
    save(&ana, |form| {
        form.set("client_secret_choice", "replace").set("client_secret", &SECRET.to_uppercase()).confirmed()
    })
    .await
    .expect(303);
    let page = fetch(&ana).await;
    assert!(page.text().contains("The Client Secret was stored a short time ago"), "{}", page.text());
}

/// The grants with a person, their refreshes, revocation and devices.
#[tokio::test]
async fn it_counts_for_codes_refreshes_devices_tests_and_revocation() {
    let (key, app) = (Key::p256(false), TestApp::start().await);
    let keys = || vec![PublicKey { pem: key.public.clone(), kid: "k".into() }];
    let back = format!("{}{TAB}/callback", app.public_url);
    let web = Client::signing("web", keys(), servers::Grant::AuthorizationCode).redirect(&back);
    let tv = Client::signing("tv", keys(), servers::Grant::Device);
    let server = AuthorizationServer::oidc_provider(&Setup::with([web, tv]));
    let urls = &server.urls;
    let base = HttpUrl::parse(&urls.api).ok();
    let id = app
        .connector_with("Payroll", |new| {
            new.method = Method::OAuth(Grant::AuthorizationCode);
            new.details.base_url = base;
        })
        .await;
    let ana = app.super_admin().await;
    let fill = |form: FormFill| {
        form.set("authorize_url", &urls.authorize)
            .set("token_url", &urls.token)
            .set("revocation_url", &urls.revocation)
            .set("client_id", "web")
            .set("scope", "read")
            .set("authentication", "private_key_jwt")
            .set("signing_key", &key.private)
            .set("assertion_algorithm", "ES256")
    };
    let page = save(&ana, |form| fill(form).press("Test connection")).await.expect(200);
    assert!(page.text().contains("The server knows Client ID and private key"), "{}", page.text());
    save(&ana, fill).await.expect(303);
    let leaving = ana.get(TAB).await.form(&format!("{TAB}/attempts")).send().await.expect(200);
    let away = leaving.attributes("a", "href").into_iter().find(|href| href.starts_with(&urls.authorize));
    let back = server.allow(&away.expect("an address")).await;
    ana.get(back.strip_prefix(&app.public_url).expect(&back)).await.expect(303);
    let first = app.token(id).await.expect("a token");
    fetch(&ana).await.expect(200);
    let second = app.token(id).await.expect("a token");
    assert!(first != second && server.call_api(&second).await == 200);
    let page = ana.get(&format!("{TAB}/disconnections")).await.main_form().send().await.expect(303).follow().await;
    assert!(page.flash().contains("and revoked at"), "{}", page.flash());
    assert_eq!(server.call_api(&second).await, 401);

    let device_url = format!("{}/device/auth", urls.issuer);
    save(&ana, |form| {
        let form = form.set("auth_method", "oauth_device").set("client_id", "tv").set("device_url", &device_url);
        form.set("signing_key_choice", "replace").set("signing_key", &key.private).confirmed()
    })
    .await
    .expect(303);
    let page = ana.get(TAB).await.form(&format!("{TAB}/device")).send().await.expect(303).follow().await;
    let links = page.links();
    let link = links.iter().find(|(_, to)| to.contains("user_code=")).expect("an address").1.clone();
    server.answer_device(&link, true).await;
    app.advance(TimeDelta::seconds(5));
    app.keeper.poll_devices().await.expect("requests");
    let third = app.token(id).await.expect("a token");
    assert_eq!(server.call_api(&third).await, 200);
}

/// What stands in the assertion, by the clock of the program.
#[tokio::test]
async fn an_assertion_names_client_audience_key_and_certificate_and_ends_soon() {
    let server = Upstream::start(|_| Reply::json(200, TOKEN)).await;
    let client = Issued::self_signed("client");
    let key = Key { private: client.key_pem.clone(), public: String::new() };
    let (app, id, ana) = signing(Grant::ClientCredentials, &server, &key, "ES256").await;
    app.advance(TimeDelta::days(400));
    let ana = app.signed_in(ana.user().clone()).await;
    let now = app.clock.now().timestamp();
    fetch(&ana).await.expect(200);
    let seen = server.last();
    assert_eq!(seen.header("authorization"), None);
    for (name, value) in [
        ("grant_type", "client_credentials"),
        ("client_id", "app"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
    ] {
        assert_eq!(sent(&seen, name).as_deref(), Some(value));
    }
    let (header, claims) = opened(&sent(&seen, "client_assertion").expect("an assertion"));
    assert_eq!(header, json!({"typ": "JWT", "alg": "ES256"}));
    let audience = server.url("/token");
    for (name, value) in [("iss", "app"), ("sub", "app"), ("aud", audience.as_str())] {
        assert_eq!(claims[name], value);
    }
    let (issued, ends) = (claims["iat"].as_i64().expect("iat"), claims["exp"].as_i64().expect("exp"));
    assert!((now..now + 60).contains(&issued) && ends - issued == 120, "{claims}");
    assert!(claims["jti"].as_str().is_some_and(|id| id.len() >= 32), "{claims}");
    assert_eq!(claims.as_object().map(|claims| claims.len()), Some(6));

    let fill = |form: FormFill| {
        form.set("assertion_key_id", "k-7")
            .set("assertion_certificate", &client.certificate_pem.replace('\n', "\\n"))
            .set("assertion_audience", "own")
            .set("assertion_own_audience", "https://id.example/realm")
            .set("assertion_lifetime", "45")
    };
    save(&ana, fill).await.expect(303);
    fetch(&ana).await.expect(200);
    let (header, claims) = opened(&sent(&server.last(), "client_assertion").expect("an assertion"));
    let der: String = client.certificate_pem.lines().filter(|line| !line.starts_with("-----")).map(str::trim).collect();
    let thumbprint = URL_SAFE_NO_PAD.encode(Sha256::digest(STANDARD.decode(der).expect("base64")));
    assert_eq!(header, json!({"typ": "JWT", "alg": "ES256", "kid": "k-7", "x5t#S256": thumbprint}));
    assert_eq!(claims["aud"], "https://id.example/realm");
    assert_eq!(claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(exp, iat)| exp - iat), Some(45));
    // The key is sealed, in one form, and stands nowhere else.
    let stored = app.secret(id, SecretField::SigningKey).await.expect("a key");
    assert_eq!(stored, client.key_pem.replace('\r', ""));
    let line = client.key_pem.lines().nth(1).expect("a line");
    let rows = app.rows("SELECT s::text FROM secrets s UNION ALL SELECT o::text FROM oauth_clients o UNION ALL SELECT e::text FROM audit_events e").await;
    assert!(!format!("{rows:?}").contains(line) && !ana.get(TAB).await.html.contains(line));
}

/// Each request has an assertion of its own, also one that is tried again.
#[tokio::test]
async fn a_request_that_is_tried_again_has_a_new_assertion() {
    let server = Upstream::start(|seen| match sent(seen, "scope") {
        Some(_) => Reply::json(200, TOKEN),
        None => Reply::json(400, r#"{"error":"invalid_request","error_description":"scope is missing"}"#),
    })
    .await;
    let (app, id, ana) = signing(Grant::AuthorizationCode, &server, &Key::ed25519(), "EdDSA").await;
    app.sql("UPDATE oauth_clients SET scope = 'read'").await;
    crate::tokens::give(&app, id, Some("r3fresh-1")).await;
    fetch(&ana).await.expect(200);
    let ids: Vec<Value> = server
        .seen()
        .iter()
        .map(|seen| opened(&sent(seen, "client_assertion").expect("an assertion")).1["jti"].clone())
        .collect();
    assert!(ids.len() == 2 && ids[0] != ids[1], "{ids:?}");
}

/// Servers repeat what they were sent, and say of every wrong client the same.
#[tokio::test]
async fn a_refusal_says_what_to_check_and_shows_no_assertion() {
    let server = Upstream::start(|seen| {
        let words = format!("bad assertion {}", sent(seen, "client_assertion").unwrap_or_default());
        Reply::json(401, &json!({"error": "invalid_client", "error_description": words}).to_string())
    })
    .await;
    let (app, _, ana) = signing(Grant::ClientCredentials, &server, &Key::ed25519(), "EdDSA").await;
    let page = fetch(&ana).await.expect(200);
    let assertion = sent(&server.last(), "client_assertion").expect("an assertion");
    let signature = assertion.rsplit('.').next().expect("a signature");
    assert!(page.text().contains("the audience of the assertion, and whether this machine’s clock is right"));
    assert!(page.text().contains("bad assertion ‹masked›"), "{}", page.text());
    let rows = app.rows("SELECT r::text FROM renewals r").await;
    assert!(!page.html.contains(signature) && !format!("{rows:?}").contains(signature));
}
