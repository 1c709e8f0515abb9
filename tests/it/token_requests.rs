//! Request token: asking servers for tokens, taking over the answer, renewing, revealing; against an authorization
//! server of other authors and against servers that misbehave.

mod a_hostile_server;
mod a_real_server;
mod a_renewal;
mod forbidden_addresses;
mod reveal;
mod the_answer;
mod the_form;
mod the_page;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use connectory::access::Permission::{EditConnectors, ViewActivity, ViewConnectors};
use connectory::authorization::SecretField;
use connectory::connectors::Method;
use connectory::outbound::{HttpUrl, Outbound, Policy};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::support::hostile::{Authority, Behaviour, Hostile, Issued, answer};
use crate::support::oauth_server::{OAuthServer, USER, USERS_PASSWORD};
use crate::support::{Browser, FormFill, PASSWORD, Page, TestApp};

const DETAILS: &str = "/connectors/payroll/details";
const TAB: &str = "/connectors/payroll/authorization";
const REQUEST: &str = "/connectors/payroll/authorization/token-requests";
const TAKE: &str = "/connectors/payroll/authorization/token";
const RENEW: &str = "/connectors/payroll/authorization/token-renewals";
const REVEAL: &str = "/connectors/payroll/authorization/token-reveals";

const STORED: &str = "The token was stored";
const TOO_LATE: &str = "This token was taken over already, or its ten minutes are over. Request another one.";

/// What a test types for a password, where any will do.
const CANARY: &str = "canary-pass-4c81";

async fn bearer(app: &TestApp) -> Uuid {
    app.connector_with("Payroll", |new| new.method = Method::Bearer).await
}

/// Fills in the request form and presses Get Access Token.
async fn ask(browser: &Browser, url: &str, user: &str, password: &str) -> Page {
    ask_with(browser, |form| form.set("token_url", url).set("token_user", user).set("token_password", password)).await
}

async fn ask_with(browser: &Browser, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    fill(browser.get(REQUEST).await.form(REQUEST)).send().await
}

/// A token in hand: the page that shows it.
async fn received(browser: &Browser, url: &str) -> Page {
    let page = ask(browser, url, USER, USERS_PASSWORD).await.expect(200);
    assert!(page.title().starts_with("Access token received"), "{}", page.text());
    page
}

/// Presses “Use this token” or “Keep it fresh”.
async fn take(page: &Page, button: &str) -> Page {
    page.form(TAKE).press(button).send().await.expect(303).follow().await.expect(200)
}

fn fact(page: &Page, term: &str) -> String {
    let terms = page.texts("dl.kv dt");
    let place = terms.iter().position(|text| text == term).unwrap_or_else(|| panic!("no {term} among {terms:?}"));
    page.texts("dl.kv dd").swap_remove(place)
}

/// Why there is no token: what happened, the server's words, what to try.
fn refusal(page: &Page) -> Vec<String> {
    assert_eq!(page.texts(".note.bad h2"), ["No access token"], "{}", page.text());
    page.texts(".note.bad[role=group] p")
}

async fn audit(app: &TestApp, kind: &str) -> i64 {
    app.count(&format!("SELECT count(*) FROM audit_events WHERE kind = '{kind}'")).await
}
