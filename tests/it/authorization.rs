//! The Authorization tab: its methods and their secrets, certificates, two people at once, and where a secret may go.

mod certificates;
mod methods;
mod own_password;
mod pages;
mod public_address;
mod refusals;
mod stored_secrets;
mod switching;
mod the_base_url;
mod two_at_once;
mod unchecked_certificates;
mod viewers;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta};
use connectory::access::Permission::{CreateConnectors, EditConnectors, ViewActivity, ViewConnectors};
use connectory::authorization::SecretField;
use connectory::connectors::Method;
use connectory::outbound::HttpUrl;
use uuid::Uuid;

use crate::support::hostile::{Authority, Hostile, Issued, answer};
use crate::support::{Browser, FormFill, Page, TestApp, strs};

/// The connector of these tests, its tab and its list.
const DETAILS: &str = "/connectors/payroll/details";
const TAB: &str = "/connectors/payroll/authorization";

/// What must never come back on a page.
const OLD: &str = "canary-old-5f1c77";
const NEW: &str = "canary-new-9ab02e";

const SAVED: &str = "The Data Connector was saved";
const NOT_A_TOKEN: &str = "A token has letters, numbers and signs, without spaces or line breaks. Copy it once more.";

async fn connector(app: &TestApp, method: Method) -> Uuid {
    app.connector_with("Payroll", |new| new.method = method).await
}

/// A connector of this method with what it needs to be signed in.
async fn authorized(app: &TestApp, method: Method) -> Uuid {
    let id = connector(app, method).await;
    match method {
        Method::Basic => {
            app.sql("UPDATE authorizations SET user_name = 'svc'").await;
            app.store_secret(id, SecretField::Password, OLD).await;
        }
        Method::ApiKey => {
            app.sql("UPDATE authorizations SET api_key_name = 'X-API-Key'").await;
            app.store_secret(id, SecretField::ApiKey, OLD).await;
        }
        _ => app.store_token(id, OLD, None).await,
    }
    id
}

/// A bearer token that is kept fresh with a stored sign-in.
async fn kept_fresh(app: &TestApp) -> Uuid {
    let id = authorized(app, Method::Bearer).await;
    app.store_secret(id, SecretField::TokenPassword, OLD).await;
    app.store_secret(id, SecretField::TokenClientSecret, OLD).await;
    app.sql("UPDATE authorizations SET keep_fresh = true, token_url = 'https://login.example.org/token', token_user = 'svc'").await;
    id
}

/// Fills in the tab's form and presses Save.
async fn save(page: &Page, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    fill(page.form(TAB)).send().await
}

/// Replaces the secret of a field.
fn replace(form: FormFill, name: &str, text: &str) -> FormFill {
    form.set(&format!("{name}_choice"), "replace").set(name, text).confirmed()
}

fn has_field(page: &Page, name: &str) -> bool {
    page.all(&format!("[name='{name}']")).next().is_some()
}

/// The group of fields of every method but No Auth.
const WITH_SECRETS: &str = "basic digest aws_sigv4 bearer login_request api_key oauth_authorization_code oauth_client_credentials oauth_jwt_bearer oauth_password oauth_implicit oauth_device";
const WITH_SIGN_IN: &str = "basic bearer api_key login_request digest aws_sigv4 oauth_authorization_code oauth_client_credentials oauth_jwt_bearer oauth_password oauth_implicit oauth_device";

/// The group of fields of every method with a token.
const WITH_TOKEN: &str = "bearer login_request oauth_authorization_code oauth_client_credentials oauth_jwt_bearer oauth_password oauth_implicit oauth_device";

/// The groups of fields that are not hidden.
fn shown_cases(page: &Page) -> Vec<&str> {
    page.all("[data-case]")
        .filter(|case| case.attr("hidden").is_none())
        .filter_map(|case| case.attr("data-case"))
        .collect()
}

/// The words of the page's card of facts: term and description.
fn fact(page: &Page, term: &str) -> String {
    let terms = page.texts("dl.kv dt");
    let place = terms.iter().position(|text| text == term).unwrap_or_else(|| panic!("no {term} among {terms:?}"));
    page.texts("dl.kv dd").swap_remove(place)
}

fn errors(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(field, message)| (field.to_string(), message.to_string())).collect()
}

/// The fields of the last audit line of a kind: name, before, after.
async fn last_changes(app: &TestApp, kind: &str) -> Vec<(String, String, String)> {
    let changes =
        app.value(&format!("SELECT changes FROM audit_events WHERE kind = '{kind}' ORDER BY id DESC LIMIT 1")).await;
    let changes: Vec<serde_json::Value> = serde_json::from_str(&changes).expect("an audit line");
    let text = |change: &serde_json::Value, member| change[member].as_str().expect("a text").to_string();
    changes.iter().map(|change| (text(change, "field"), text(change, "from"), text(change, "to"))).collect()
}

fn change(field: &str, from: &str, to: &str) -> (String, String, String) {
    (field.to_string(), from.to_string(), to.to_string())
}

async fn status(app: &TestApp) -> String {
    app.value("SELECT status FROM connectors").await
}
