//! The fields of assertions on the Authorization tab, and Find settings.

use connectory::access::Permission::ViewConnectors;
use connectory::authorization::SecretField;
use connectory::connectors::Grant;
use serde_json::{Value, json};

use super::{Key, SECRET, TAB, TOKEN, fetch, save, signing, site};
use crate::support::Page;
use crate::support::hostile::Issued;
use crate::support::upstream::{Reply, Upstream};

#[tokio::test]
async fn what_cannot_sign_is_an_error_at_its_field() {
    let (rsa, p256, ours) = (Key::rsa(false), Key::p256(true), Issued::self_signed("client"));
    let p384 = Key::new("-algorithm EC -pkeyopt ec_paramgen_curve:P-384", false);
    let (_app, _, ana) = site(Grant::ClientCredentials, "https://api.example.org").await;
    let encrypted = rsa.private.replace(" PRIVATE", " ENCRYPTED PRIVATE");
    let tab = ana.get(TAB).await;
    for (algorithm, key, certificate, field, message) in [
        ("RS256", "", "", "signing_key", "Enter the private key that signs"),
        ("RS256", "hello", "", "signing_key", "Private key must contain a private key"),
        ("RS256", &rsa.public, "", "signing_key", "Private key is a public key"),
        ("RS256", &encrypted, "", "signing_key", "Private key is encrypted; enter the key without a pass phrase"),
        ("RS256", r#"{"kty":"RSA","n":"AQAB"}"#, "", "signing_key", "Private key is JSON. Enter it as PEM"),
        (
            "RS256",
            &p256.private,
            "",
            "signing_key",
            "Private key is a key on the curve P-256, which cannot sign with RS256. Choose ES256, or enter another key",
        ),
        (
            "ES256",
            &rsa.private,
            "",
            "signing_key",
            "Private key is an RSA key, which cannot sign with ES256. Choose RS256",
        ),
        ("EdDSA", &p384.private, "", "signing_key", "Private key is on a curve that none of the algorithms has"),
        (
            "ES256",
            &p256.private,
            &ours.certificate_pem,
            "signing_key",
            "Private key does not belong to the certificate of the private key",
        ),
        (
            "ES256",
            &ours.key_pem,
            &ours.key_pem,
            "assertion_certificate",
            "Certificate of the private key must not contain a private key",
        ),
    ] {
        let form = tab.form(TAB).set("token_url", "https://id.example.org/token").set("client_id", "app");
        let form = form.set("authentication", "private_key_jwt").set("assertion_algorithm", algorithm);
        let form = form.set("signing_key", key).set("assertion_certificate", certificate);
        let page = form.send().await.expect(422);
        let errors = page.errors();
        assert!(errors.len() == 1 && errors[0].0 == field, "{message}: {errors:?}");
        assert!(errors[0].1.starts_with(message), "{message}: {errors:?}");
        assert_eq!(page.field_value("assertion_algorithm"), algorithm);
        let line = key.lines().nth(1).unwrap_or("no line");
        assert!(!page.html.contains(line), "a key never comes back");
    }
    let form = |name: &str, value: &str| {
        let form = tab.form(TAB).set("token_url", "https://id.example.org/token").set("client_id", "app");
        let form = form.set("authentication", "private_key_jwt").set("signing_key", &rsa.private);
        form.set("assertion_audience", "own").set("assertion_own_audience", "x").set(name, value)
    };
    for (name, value, field, message) in [
        ("assertion_lifetime", "301", "assertion_lifetime", "Lifetime of assertions must be a whole number of seconds"),
        ("assertion_lifetime", "0", "assertion_lifetime", "Lifetime of assertions must be a whole number of seconds"),
        ("assertion_own_audience", "", "assertion_own_audience", "Enter the Audience"),
        ("assertion_audience", "issuer", "issuer", "Enter the Issuer, or choose another audience of assertions"),
        ("client_id", "", "client_id", "Enter the Client ID"),
        ("token_parameters", "client_assertion=x", "token_parameters", "Extra parameters for token must not set"),
    ] {
        let page = form(name, value).send().await.expect(422);
        let errors = page.errors();
        assert!(errors.len() == 1 && errors[0].0 == field && errors[0].1.starts_with(message), "{value}: {errors:?}");
    }
}

#[tokio::test]
async fn a_stored_key_is_checked_against_a_new_algorithm_and_goes_with_the_choice() {
    let server = Upstream::start(|_| Reply::json(200, TOKEN)).await;
    let (app, id, ana) = signing(Grant::ClientCredentials, &server, &Key::rsa(false), "RS256").await;
    let page = save(&ana, |form| form.set("assertion_algorithm", "ES256")).await.expect(422);
    let error = page.field_error("signing_key").expect("an error");
    assert!(error.starts_with("Private key is an RSA key, which cannot sign with ES256"), "{error}");
    save(&ana, |form| form.set("assertion_algorithm", "PS256")).await.expect(303);
    // The page shows the fields of the choice, and those who may only look what is stored.
    let page = ana.get(TAB).await;
    let group = "[data-case$='authentication=client_secret_jwt']";
    let is_hidden = |page: &Page| page.all(group).next().expect("a group").attr("hidden").is_some();
    assert!(!is_hidden(&page) && page.text().contains("Signing"));
    let viewer = app.person(&[ViewConnectors]).await.get(TAB).await.text();
    assert!(viewer.contains("Signing algorithmPS256 (RSA key)") && viewer.contains("Private keySet on"), "{viewer}");
    // Another token URL: what the key signs would go there.
    let other = Upstream::start(|_| Reply::json(200, TOKEN)).await;
    let page = save(&ana, |form| form.set("token_url", &other.url("/token"))).await.expect(422);
    let asked = "Private key must be entered again or removed, because it would go to another host";
    assert_eq!(page.errors(), [("signing_key".to_string(), asked.to_string())]);
    app.sql(&format!("UPDATE oauth_clients SET token_url = '{}'", other.url("/token"))).await;
    let page = fetch(&ana).await;
    assert!(page.text().contains("may not be sent to") && other.seen().is_empty(), "{}", page.text());
    app.sql(&format!("UPDATE oauth_clients SET token_url = '{}'", server.url("/token"))).await;

    save(&ana, |form| form.set("authentication", "body").set("client_secret", SECRET)).await.expect(422);
    save(&ana, |form| form.set("authentication", "body").set("client_secret", SECRET).confirmed()).await.expect(303);
    assert_eq!(app.secret(id, SecretField::SigningKey).await, None);
    assert_eq!(app.value("SELECT assertion->>'algorithm' FROM oauth_clients").await, "RS256");
    assert!(is_hidden(&ana.get(TAB).await));
    let audited = app.value("SELECT changes::text FROM audit_events ORDER BY id DESC LIMIT 1").await;
    assert!(audited.contains("Private key") && audited.contains("Signing algorithm"), "{audited}");
}

#[tokio::test]
async fn find_settings_chooses_the_key_where_nothing_else_is_known() {
    let (_app, _, ana) = site(Grant::ClientCredentials, "https://api.example.org").await;
    for (methods, algorithms, authentication, algorithm, missing) in [
        (json!(["private_key_jwt"]), json!(["ES512", "ES256", "EdDSA"]), "private_key_jwt", "ES256", ""),
        (json!(["private_key_jwt"]), Value::Null, "private_key_jwt", "RS256", ""),
        (json!(["private_key_jwt", "none"]), json!(["RS256", "ES256"]), "private_key_jwt", "RS256", ""),
        (json!(["private_key_jwt", "tls_client_auth"]), json!(["PS256"]), "private_key_jwt", "PS256", ""),
        (json!(["private_key_jwt"]), json!(["ES512"]), "private_key_jwt", "RS256", "sign there with ES512"),
        (json!(["client_secret_jwt", "private_key_jwt"]), json!(["RS256", "HS256"]), "client_secret_jwt", "RS256", ""),
        (json!(["client_secret_jwt"]), json!(["HS512"]), "client_secret_jwt", "RS256", "sign there with HS512"),
        (json!(["private_key_jwt", "client_secret_basic"]), json!(["RS256"]), "basic", "RS256", ""),
    ] {
        let said = (methods.clone(), algorithms.clone());
        let server = Upstream::start(move |seen| {
            let issuer = format!("http://{}", seen.header("host").expect("a host"));
            let document = json!({
                "issuer": issuer,
                "token_endpoint": format!("{issuer}/token"),
                "token_endpoint_auth_methods_supported": said.0,
                "token_endpoint_auth_signing_alg_values_supported": said.1,
            });
            Reply::json(200, &document.to_string())
        })
        .await;
        let form = ana.get(TAB).await.form(TAB).set("issuer", &server.url(""));
        let page = form.press("Find settings").send().await.expect(200);
        assert_eq!(page.field_value("authentication"), authentication, "{methods} {algorithms}");
        assert_eq!(page.field_value("assertion_algorithm"), algorithm, "{methods} {algorithms}");
        let words = page.texts(".note.warn li").concat();
        assert!(words.contains(missing) && words.is_empty() == missing.is_empty(), "{methods} {algorithms}: {words}");
    }
}

/// A template asks for the key, which it cannot hold, in place of a Client Secret.
#[tokio::test]
async fn a_template_of_a_client_that_signs_asks_for_the_key() {
    let server = Upstream::start(|_| Reply::json(200, TOKEN)).await;
    let (app, _, ana) = signing(Grant::ClientCredentials, &server, &Key::rsa(false), "PS256").await;
    let page = ana.get("/connectors/payroll/details").await.click("Save as template").await.expect(200);
    page.main_form().send().await.expect(303);
    let page = ana.get("/connectors/templates").await.click("Payroll").await.expect(200);
    assert!(page.main_form().value("client_secret").is_none());
    let fill = || page.main_form().set("connector_name", "Second").set("client_id", "app-2");
    let refused = fill().set("signing_key", "hello").send().await.expect(422);
    let error = refused.field_error("signing_key").expect("an error");
    assert!(error.starts_with("Private key must contain a private key"), "{error}");
    let key = Key::rsa(true);
    fill().set("signing_key", &key.private).set("assertion_key_id", "k-2").send().await.expect(303);
    let stored = "SELECT client_id, assertion->>'algorithm', assertion->>'key_id' FROM oauth_clients o
        JOIN connectors c ON c.id = o.connector_id WHERE c.key = 'second'";
    assert_eq!(app.rows(stored).await, [["app-2", "PS256", "k-2"]]);
}
