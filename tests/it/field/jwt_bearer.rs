//! Tokens for assertions that a stored key signs: service accounts.

use connectory::access::Permission::ViewConnectors;
use connectory::authorization::SecretField;
use connectory::connectors::Grant;
use serde_json::json;

use super::assertions::{Key, TAB, fetch, opened, save, sent, site};
use crate::support::FormFill;
use crate::support::authorization_server::{AuthorizationServer, Client, PublicKey, Setup};
use crate::support::upstream::{Reply, Upstream};

const TOKEN: &str = r#"{"access_token":"tok3n-1","token_type":"Bearer","expires_in":3600}"#;
const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// The server checks signature, issuer, subject, audience and end, and takes no assertion twice.
#[tokio::test]
async fn a_server_that_checks_the_assertion_gives_tokens() {
    let keys = [("RS256", Key::rsa(true)), ("ES256", Key::p256(true)), ("EdDSA", Key::ed25519())];
    let client = |(algorithm, key): &(&str, Key)| {
        Client::bearing(algorithm, vec![PublicKey { pem: key.public.clone(), kid: "k".into() }])
    };
    let server = AuthorizationServer::oidc_provider(&Setup::with(keys.iter().map(client).collect::<Vec<_>>()));
    let (app, id, ana) = site(Grant::JwtBearer, &server.urls.api).await;
    for (at, (algorithm, key)) in keys.iter().enumerate() {
        let fill = |form: FormFill| {
            let form = if at > 0 { form.set("signing_key_choice", "replace") } else { form };
            form.set("token_url", &server.urls.token)
                .set("client_id", algorithm)
                .set("assertion_subject", "ana")
                .set("scope", "read")
                .set("signing_key", &key.private)
                .set("assertion_algorithm", algorithm)
                .confirmed()
        };
        let page = save(&ana, |form| fill(form).press("Test connection")).await.expect(200);
        assert!(page.text().contains("The server gave an access token. It was not stored."), "{}", page.text());
        save(&ana, fill).await.expect(303);
        for _ in 0..2 {
            fetch(&ana).await.expect(200);
            let token = app.token(id).await.unwrap_or_else(|| panic!("{algorithm}"));
            assert_eq!(server.call_api(&token).await, 200);
        }
    }
    let seen = server.seen().await;
    assert_eq!(seen.by_grant.get(GRANT), Some(&9));
    for outcome in seen.token {
        assert_eq!((outcome.status, outcome.authentication.as_str()), (200, "none"));
        assert_eq!(outcome.parameters, ["assertion", "client_id", "grant_type", "scope"]);
    }
    // Another subject is refused in the server's words.
    save(&ana, |form| form.set("assertion_subject", "bob")).await.expect(303);
    let page = fetch(&ana).await.expect(200).text();
    assert!(page.contains("invalid_grant") && page.contains("Check Issuer, Subject, audience"), "{page}");
}

/// The key file of a service account of Google: no Client ID, the scope in the assertion.
#[tokio::test]
async fn the_key_file_of_a_service_account_fills_in_what_is_empty() {
    let server = Upstream::start(|_| Reply::json(200, TOKEN)).await;
    let (app, id, ana) = site(Grant::JwtBearer, &server.url("/")).await;
    let key = Key::rsa(false);
    let file = json!({
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "k-1",
        "private_key": key.private,
        "client_email": "robot@p.iam.gserviceaccount.com",
        "client_id": "1234",
        "token_uri": server.url("/token"),
    });
    let file = serde_json::to_string_pretty(&file).expect("JSON");
    let scope = r#"{"scope": "https://www.googleapis.com/auth/drive"}"#;
    save(&ana, |form| form.set("signing_key", &file).set("assertion_claims", scope)).await.expect(303);
    let stored = app.secret(id, SecretField::SigningKey).await.expect("a key");
    assert_eq!(stored, key.private);
    let page = fetch(&ana).await.expect(200);
    assert_eq!(page.flash(), "The access token was stored");
    let seen = server.last();
    assert_eq!((sent(&seen, "grant_type").as_deref(), sent(&seen, "client_id")), (Some(GRANT), None));
    assert_eq!((seen.header("authorization"), sent(&seen, "scope")), (None, None));
    let (header, claims) = opened(&sent(&seen, "assertion").expect("an assertion"));
    assert_eq!(header, json!({"typ": "JWT", "alg": "RS256", "kid": "k-1"}));
    assert_eq!(claims["iss"], "robot@p.iam.gserviceaccount.com");
    assert_eq!(claims["aud"], server.url("/token"));
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/drive");
    assert_eq!(claims.get("sub"), None);
    assert!(claims["jti"].is_string());
    // It needs no person: calls renew the token, each time with a new assertion.
    fetch(&ana).await.expect(200);
    let again = opened(&sent(&server.last(), "assertion").expect("an assertion")).1;
    assert_ne!(again["jti"], claims["jti"]);
    assert!(ana.get(TAB).await.text().contains("a new token is fetched before this one ends"));
    let viewer = app.person(&[ViewConnectors]).await.get(TAB).await.text();
    assert!(viewer.contains("Issuer of the assertionrobot@p.iam.gserviceaccount.com"), "{viewer}");
}

/// Box and others want the client's secret as well.
#[tokio::test]
async fn the_client_can_prove_itself_beside_the_assertion() {
    let server = Upstream::start(|_| Reply::json(200, TOKEN)).await;
    let (_app, _, ana) = site(Grant::JwtBearer, &server.url("/")).await;
    let fill = |form: FormFill| {
        form.set("token_url", &server.url("/token"))
            .set("client_id", "app")
            .set("client_secret", "s3cret-1")
            .set("authentication", "body")
            .set("assertion_subject", "17")
            .set("assertion_claims", r#"{"box_sub_type": "enterprise"}"#)
            .set("assertion_lifetime", "45")
            .set("signing_key", &Key::rsa(false).private)
    };
    save(&ana, fill).await.expect(303);
    fetch(&ana).await.expect(200);
    let seen = server.last();
    assert_eq!(sent(&seen, "client_secret").as_deref(), Some("s3cret-1"));
    let claims = opened(&sent(&seen, "assertion").expect("an assertion")).1;
    assert_eq!(
        (&claims["iss"], &claims["sub"], &claims["box_sub_type"]),
        (&json!("app"), &json!("17"), &json!("enterprise"))
    );
}

#[tokio::test]
async fn wrong_claims_and_a_missing_issuer_or_key_are_errors_at_their_fields() {
    let (_app, _, ana) = site(Grant::JwtBearer, "https://api.example.org").await;
    let key = Key::ed25519();
    let many: serde_json::Map<String, serde_json::Value> = (0..21).map(|at| (at.to_string(), json!(1))).collect();
    let (many, long) = (json!(many).to_string(), json!({"a": "x".repeat(5000)}).to_string());
    let tab = ana.get(TAB).await;
    for (name, value, field, message) in [
        ("signing_key", "", "signing_key", "Enter the private key that signs"),
        ("signing_key", r#"{"kty": "OKP"}"#, "signing_key", "Private key is JSON. Enter it as PEM"),
        ("client_id", "", "assertion_issuer", "Enter the Issuer of the assertion"),
        ("assertion_claims", "[1]", "assertion_claims", "Claims must be a JSON object"),
        ("assertion_claims", r#"{"aud": "x"}"#, "assertion_claims", "Claims must not have aud, which has a field"),
        ("assertion_claims", &many, "assertion_claims", "Claims must not have more than 20 members"),
        ("assertion_claims", &long, "assertion_claims", "Claims must not be longer than 4 KiB"),
    ] {
        let form = tab.form(TAB).set("token_url", "https://id.example.org/token").set("client_id", "app");
        let form = form.set("signing_key", &key.private).set("assertion_algorithm", "EdDSA").set(name, value);
        let page = form.send().await.expect(422);
        let errors = page.errors();
        assert!(errors.len() == 1 && errors[0].0 == field && errors[0].1.starts_with(message), "{message}: {errors:?}");
    }
}
