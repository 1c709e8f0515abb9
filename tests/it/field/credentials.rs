//! Credentials as people type and paste them.

use connectory::access::Permission;
use connectory::authorization::SecretField;
use connectory::connectors::{Grant, Method};

use crate::api::{TOKEN, World, until};
use crate::support::TestApp;
use crate::support::upstream::Reply;

const TAB: &str = "/connectors/ledger/authorization";

/// A key or client secret that was copied with a space or a line break at its end.
#[tokio::test]
async fn white_space_around_a_pasted_key_is_dropped_and_a_password_keeps_it() {
    for (method, field, secret, stored) in [
        (Method::ApiKey, "api_key", " k3y-1 \r\n", "k3y-1"),
        (Method::OAuth(Grant::ClientCredentials), "client_secret", "s3cret-1 ", "s3cret-1"),
        (Method::Basic, "password", " s3cret-1 ", " s3cret-1 "),
    ] {
        let app = TestApp::start().await;
        let id = app.connector_with("Ledger", |new| new.method = method).await;
        let tab = app.super_admin().await.get(TAB).await.expect(200);
        let filled = |name: &str| tab.html.contains(&format!("name=\"{name}\""));
        let mut form = tab.main_form().set(field, secret);
        for (name, value) in [
            ("api_key_name", "X-Key"),
            ("user_name", "ana"),
            ("client_id", "app"),
            ("token_url", "https://a.example/token"),
        ] {
            form = if filled(name) { form.set(name, value) } else { form };
        }
        form.send().await.expect(303);
        let field = SecretField::ALL.into_iter().find(|known| known.code() == field).expect("a secret");
        assert_eq!(app.secret(id, field).await.as_deref(), Some(stored));
    }
}

/// A header that frames a message would be left out of every call.
#[tokio::test]
async fn a_key_cannot_be_sent_in_a_header_of_the_connection() {
    let app = TestApp::start().await;
    app.connector_with("Ledger", |new| new.method = Method::ApiKey).await;
    let ana = app.super_admin().await;
    for name in ["Host", "content-length", "Transfer-Encoding", "Connection"] {
        let tab = ana.get(TAB).await.expect(200);
        let page = tab.submit(|form| form.set("api_key_name", name).set("api_key", "k3y")).await.expect(422);
        let problem = page.field_error("api_key_name").unwrap_or_default();
        assert!(problem.contains("is set by Connectory itself"), "{name}: {problem}");
    }
}

/// Stripe, Asana and Recurly read a key as the user and want no password; other APIs want a password and no user.
#[tokio::test]
async fn basic_auth_goes_with_an_empty_password_or_an_empty_user() {
    for (user, password, header) in [("sk_test_1", "", "Basic c2tfdGVzdF8xOg=="), ("", "t0ken", "Basic OnQwa2Vu")] {
        let world = World::new(|_| Reply::json(200, "{}")).await;
        world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'basic'").await;
        let ana = world.app.super_admin().await;
        let tab = ana.get(TAB).await.expect(200);
        tab.main_form().set("user_name", user).set("password", password).send().await.expect(303);
        assert_eq!(world.sent_when_known("authorization", header).await, header);
        let tab = ana.get(TAB).await.expect(200);
        assert!(tab.text().contains("Healthy") || tab.text().contains("Not tested"), "it is set up");
    }
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'basic'").await;
    let tab = world.app.super_admin().await.get(TAB).await.expect(200);
    let page = tab.submit(|form| form.set("user_name", "").set("password", "")).await.expect(422);
    assert_eq!(
        page.field_error("user_name").as_deref(),
        Some("Enter the user. It may be empty only where there is a password")
    );
}

/// A key that stands where Basic Auth has the user is a secret, and is stored as one.
#[tokio::test]
async fn an_api_key_is_sent_as_user_or_password_of_basic_auth() {
    for (place, header) in [("basic_user", "Basic c2tfdGVzdF8xOg=="), ("basic_password", "Basic OnNrX3Rlc3RfMQ==")] {
        let world = World::new(|seen| Reply::json(200, &format!("{:?}", seen.header("authorization")))).await;
        world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'api_key'").await;
        let tab = world.app.super_admin().await.get(TAB).await.expect(200);
        let form = tab.main_form().set("api_key_place", place).set("api_key", "sk_test_1");
        form.send().await.expect(303);
        assert_eq!(world.sent_when_known("authorization", header).await, header);
        assert_eq!(world.app.secret(world.connector, SecretField::ApiKey).await.as_deref(), Some("sk_test_1"));
    }
}

/// Old servers read user and password as Latin-1 (RFC 7617 leaves it open).
#[tokio::test]
async fn user_and_password_are_sent_in_latin_1_where_the_api_reads_that() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'basic'").await;
    let ana = world.app.super_admin().await;
    let save = async |charset: &str, password: &str| {
        let tab = ana.get(TAB).await.expect(200);
        let form = tab.main_form().set("user_name", "ana").set("basic_charset", charset).set("password", password);
        let form = if tab.html.contains("password_choice") { form.set("password_choice", "keep") } else { form };
        form.send().await
    };
    let page = save("iso-8859-1", "pass€").await.expect(422);
    assert_eq!(page.field_error("password").as_deref(), Some("Password has a character that ISO-8859-1 does not have"));
    save("iso-8859-1", "Grüße1").await.expect(303);
    let latin = "Basic YW5hOkdy/N9lMQ==";
    assert_eq!(world.sent_when_known("authorization", latin).await, latin);
    // The stored password is not looked at.
    let page = save("utf-8", "").await.expect(422);
    assert_eq!(
        page.field_error("password").as_deref(),
        Some("Password must be entered again, because it is to be sent in another character set")
    );
}

/// Zoho and Salesforce have prefixes of their own, others a header of their own, Facebook and Pipedrive a parameter.
#[tokio::test]
async fn a_token_stands_in_the_header_with_the_prefix_or_in_the_parameter_that_the_api_reads() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let ana = world.app.super_admin().await;
    for (place, name, prefix, header, value) in [
        ("header", "Authorization", "Zoho-oauthtoken", "authorization", format!("Zoho-oauthtoken {TOKEN}")),
        ("header", "Authorization", "OAuth", "authorization", format!("OAuth {TOKEN}")),
        ("header", "Authorization", "", "authorization", TOKEN.to_string()),
        ("header", "X-Access-Token", "", "x-access-token", TOKEN.to_string()),
        ("header", "Authorization", "Bearer", "authorization", format!("Bearer {TOKEN}")),
    ] {
        let tab = ana.get(TAB).await.expect(200);
        let form = tab.main_form().set("token_place", place).set("token_name", name).set("token_prefix", prefix);
        form.send().await.expect(303);
        assert_eq!(world.sent_when_known(header, &value).await, value);
    }
    let tab = ana.get(TAB).await.expect(200);
    let form = tab.main_form().set("token_place", "query").set("token_name", "access_token").set("token_prefix", "");
    form.send().await.expect(303);
    until("the token is a parameter", async || {
        assert_eq!(world.proxied("/echo").await.status, 200);
        world.api.last().target.ends_with(&format!("?access_token={TOKEN}"))
    })
    .await;
    assert_eq!(world.api.last().header("authorization"), None);
    let tab = ana.get(TAB).await.expect(200);
    assert!(tab.html.contains("<details class=\"more\" open><summary>Where the token is sent"), "it has a value");
    let seen = world.app.person(&[Permission::ViewConnectors]).await.get(TAB).await.expect(200).text();
    assert!(seen.contains("Token sent asQuery parameter") && seen.contains("Token nameaccess_token"), "{seen}");
    for (name, problem) in [
        ("", "Enter the name of the header or parameter"),
        ("Host", "Host is set by Connectory itself. Enter the name of another header"),
    ] {
        let page = tab.submit(|form| form.set("token_place", "header").set("token_name", name)).await.expect(422);
        assert_eq!(page.field_error("token_name").as_deref(), Some(problem));
    }
}

const FURTHER: &str = "/connectors/ledger/authorization/further-secrets";

/// A key and a secret in two headers, and a subscription key beside an OAuth token: Alpaca, Azure API Management.
#[tokio::test]
async fn calls_carry_further_secret_headers_and_parameters() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let ana = world.app.super_admin().await;
    let add = async |place: &str, name: &str, value: &str| {
        let page = ana.get(FURTHER).await.expect(200);
        page.submit(|form| form.set("further_place", place).set("further_name", name).set("value", value)).await
    };
    add("call_header", "Ocp-Apim-Subscription-Key", " sub-k3y \n").await.expect(303);
    add("call_query", "app id", "n&m").await.expect(303);
    world.sent_when_known("ocp-apim-subscription-key", "sub-k3y").await;
    until("both are known", async || {
        world.proxied("/echo?app+id=mine").await;
        world.api.last().target.ends_with("/echo?app+id=n%26m")
    })
    .await;
    let seen = world.api.last();
    assert_eq!(seen.header("ocp-apim-subscription-key"), Some("sub-k3y"));
    assert_eq!(seen.header("authorization"), Some(&*format!("Bearer {TOKEN}")));
    // It is nowhere on the pages, and the tab names it.
    let (page, tab) = (ana.get(FURTHER).await.expect(200), ana.get(TAB).await.expect(200));
    assert!(!page.html.contains("sub-k3y") && !tab.html.contains("sub-k3y"));
    assert!(tab.text().contains("Header of calls Ocp-Apim-Subscription-Key"));
    // A program cannot read it, and a caller cannot replace it.
    let request = world.request("GET", "/ledger/proxy/echo").header("Ocp-Apim-Subscription-Key", "mine");
    request.send().await.expect("a response");
    assert_eq!(world.api.last().header("ocp-apim-subscription-key"), Some("sub-k3y"));
    // Without it.
    let page = ana.get(FURTHER).await.expect(200);
    let form = page.main_form().set("secret_0_choice", "remove").set("own_password", crate::support::PASSWORD);
    form.send().await.expect(303);
    world.sent_when_known("ocp-apim-subscription-key", "").await;
    assert_eq!(world.app.value("SELECT string_agg(field, ',') FROM secrets").await, "call_query:app id");
    let recorded = world
        .app
        .value("SELECT string_agg(changes::text, '' ORDER BY at) FROM audit_events WHERE kind = 'authorization.saved'")
        .await;
    assert!(
        recorded.contains("Header of calls Ocp-Apim-Subscription-Key") && recorded.contains("removed"),
        "{recorded}"
    );
    assert!(!recorded.contains("sub-k3y"));
}

/// An open API behind a gateway.
#[tokio::test]
async fn a_connector_without_a_method_can_have_secret_headers() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.sql("DELETE FROM tokens; UPDATE connectors SET method = 'no_auth'").await;
    let page = world.app.super_admin().await.get(FURTHER).await.expect(200);
    page.submit(|form| form.set("further_name", "X-Gateway").set("value", "g-1")).await.expect(303);
    assert_eq!(world.sent_when_known("x-gateway", "g-1").await, "g-1");
    // Its origin counts, as for every secret.
    let other = crate::support::upstream::Upstream::json("{}").await;
    world.app.sql(&format!("UPDATE connectors SET base_url = '{}'", other.url("/"))).await;
    until("the base URL is known", async || world.proxied("/echo").await.body.contains("origin_not_approved")).await;
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_wrong_secret_header_is_refused_at_its_field() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let ana = world.app.super_admin().await;
    for (name, value, field, problem) in [
        ("", "k3y", "further_name", "Enter the name of the header or parameter"),
        ("X-Key", "", "value", "Enter the value"),
        ("X Key", "k3y", "further_name", "A header name can have letters, numbers and hyphens, such as X-API-Key"),
        ("Host", "k3y", "further_name", "Host is set by Connectory itself. Enter the name of another header"),
        (
            "authorization",
            "k3y",
            "further_name",
            "authorization is where the credential of the method is sent. Enter the name of another header",
        ),
        ("X-Key", "kß", "value", "A header can have letters, numbers and signs only. Copy the value once more."),
    ] {
        let page = ana.get(FURTHER).await.expect(200);
        let page = page.submit(|form| form.set("further_name", name).set("value", value)).await.expect(422);
        assert_eq!(page.field_error(field).as_deref(), Some(problem));
        assert_eq!(page.field_value("further_name"), name);
    }
    let page = ana.get(FURTHER).await.expect(200);
    page.submit(|form| form.set("further_name", "X-Key").set("value", "k3y")).await.expect(303);
    let page = ana.get(FURTHER).await.expect(200);
    let page = page.submit(|form| form.set("further_name", "x-key").set("value", "k3y")).await.expect(422);
    assert_eq!(page.field_error("further_name").as_deref(), Some("x-key is set already. Replace it above"));
    // They cannot be entered again in the form that turns the check of certificates off.
    let tab = ana.get(TAB).await.expect(200);
    let form = tab.main_form().untick("verify", "yes");
    let page = form.send().await.expect(422);
    let problem = page.field_error("verify").unwrap_or_default();
    assert!(problem.starts_with("Remove the secret headers and parameters first"), "{problem}");
}
