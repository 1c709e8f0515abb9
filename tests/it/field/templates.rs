//! Templates of providers.

use connectory::access::Permission::{CreateConnectors, EditConnectors};
use connectory::authorization::SecretField;

use crate::support::TestApp;

const TEMPLATES: &str = "/connectors/templates";

#[tokio::test]
async fn a_template_asks_only_for_what_is_missing_and_fills_in_the_rest() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors, EditConnectors]).await;
    let list = ana.get("/connectors/new").await.expect(200).click("Start from a template of a provider").await;
    let page = list.click("Zoho CRM").await.expect(200);
    let form = page.main_form();
    for asked in ["connector_name", "variable_domain", "client_id", "client_secret"] {
        assert!(form.value(asked).is_some(), "{asked} is asked for");
    }
    assert!(form.value("token_url").is_none() && form.value("scope").is_none(), "the documentation says it");
    let refused = page.submit(|form| form.set("variable_domain", "example.org/x")).await.expect(422);
    assert_eq!(
        refused.field_error("variable_domain").as_deref(),
        Some("Domain of the data center must be such as com")
    );
    let refused =
        page.submit(|form| form.set("variable_domain", "eu").set("client_secret", "s3cret")).await.expect(422);
    assert_eq!(refused.field_error("client_id").as_deref(), Some("Enter the Client ID"));
    assert_eq!(app.count("SELECT count(*) FROM connectors").await, 0, "all of it or nothing");
    assert!(!refused.html.contains("s3cret"));

    let fill = page.main_form().set("variable_domain", "eu").set("client_id", "app").set("client_secret", "s3cret");
    let tab = fill.send().await.expect(303).follow().await.expect(200);
    assert!(tab.text().contains("Press Authorize to get a token."), "one press is left");
    for (field, value) in [
        ("token_url", "https://accounts.zoho.eu/oauth/v2/token"),
        ("token_prefix", "Zoho-oauthtoken"),
        ("scope_separator", "comma"),
        ("client_id", "app"),
    ] {
        assert_eq!(tab.field_value(field), value);
    }
    assert_eq!(app.value("SELECT base_url FROM connectors").await, "https://www.zohoapis.eu/crm/v6");
    let id = app.value("SELECT id FROM connectors").await.parse().expect("an id");
    assert_eq!(app.secret(id, SecretField::ClientSecret).await.as_deref(), Some("s3cret"));
}

/// Each is created with its examples and passes the checks of the Authorization tab.
#[tokio::test]
async fn every_template_makes_a_connector() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors, EditConnectors]).await;
    let list = ana.get(TEMPLATES).await.expect(200);
    let links = list.attributes("main section a", "href");
    assert!(links.len() >= 40, "{}", links.len());
    for (number, link) in links.iter().enumerate() {
        let page = ana.get(link).await.expect(200);
        assert!(!page.main_form().value("connector_name").unwrap_or_default().contains(','));
        let mut form = page.main_form().set("connector_name", &format!("Provider {number}"));
        for (name, value) in [
            ("user_name", "ana"),
            ("password", "s3cret"),
            ("token", "t0ken"),
            ("api_key", "k3y"),
            ("client_id", "app"),
            ("client_secret", "s3cret"),
            ("login_user", "ana"),
            ("login_password", "s3cret"),
            ("oauth_user", "ana"),
            ("oauth_password", "s3cret"),
        ] {
            form = if form.value(name).is_some() { form.set(name, value) } else { form };
        }
        for variable in page.attributes("input[name^=variable_]", "name") {
            let hint = page.texts(&format!("#{variable}-hint")).concat();
            let example = hint.trim_start_matches("Such as ").trim_end_matches('.');
            form = form.set(&variable, example);
        }
        form.send().await.expect(303);
    }
}

#[tokio::test]
async fn a_connector_becomes_a_template_without_its_secrets() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors, EditConnectors]).await;
    let page = ana.get(&format!("{TEMPLATES}/salesforce-app")).await.expect(200);
    let fill = page.main_form().set("connector_name", "Sales").set("variable_domain", "contoso");
    fill.set("client_id", "app-of-contoso").set("client_secret", "s3cret").send().await.expect(303);

    let page = ana.get("/connectors/sales/details").await.expect(200).click("Save as template").await.expect(200);
    let refused = page.submit(|form| form.set("differs", "fabrikam").set("variable", "org")).await.expect(422);
    assert_eq!(refused.field_error("differs").as_deref(), Some("fabrikam is in no address of this data connector"));
    let refused = page.submit(|form| form.set("differs", "contoso").set("variable", "my org")).await.expect(422);
    assert!(refused.field_error("variable").is_some());
    let form = page.main_form().set("template_name", "Our Salesforce").set("differs", "contoso").set("variable", "org");
    let list = form.send().await.expect(303).follow().await.expect(200);
    let stored = app.value("SELECT t::text FROM connector_templates t").await;
    assert!(!stored.contains("app-of-contoso") && !stored.contains("s3cret"), "{stored}");

    let page = list.click("Our Salesforce").await.expect(200);
    let form = page.main_form().set("connector_name", "Sales of Fabrikam").set("variable_org", "fabrikam");
    form.set("client_id", "app").set("client_secret", "other").send().await.expect(303);
    let made = "SELECT c.base_url || ' ' || o.token_url || ' ' || o.authentication FROM connectors c JOIN oauth_clients o ON o.connector_id = c.id WHERE key = 'sales-of-fabrikam'";
    assert_eq!(
        app.value(made).await,
        "https://fabrikam.my.salesforce.com/services/data/v60.0 https://fabrikam.my.salesforce.com/services/oauth2/token body"
    );
    let delete = list.click("Delete template Our Salesforce").await.expect(200);
    delete.main_form().send().await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM connector_templates").await, 0);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind LIKE 'template.%'").await, 2);
}
