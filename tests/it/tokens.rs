//! Keeping tokens fresh: one request for each token over all instances, nothing lost, and what the pages say of it.
//! Against the authorization servers of other authors, and servers that misbehave where those do not.

mod background;
mod failures;
mod grants;
mod health;
mod meanwhile;
mod one_request;
mod processes;
mod refused_tokens;

use std::time::Duration;

use chrono::TimeDelta;
use connectory::access::{Actor, SessionLimits};
use connectory::audit::Change;
use connectory::authorization::{
    LiveToken, Need, NewToken, RefreshToken, SecretField, TokenKeeper, TokenProblem, store_token,
};
use connectory::connectors::{self, Grant, Method};
use connectory::outbound::HttpUrl;
use connectory::vault::Secret;
use futures_util::future::join_all;
use uuid::Uuid;

use crate::support::authorization_server::{self as servers, AuthorizationServer, Client, Setup};
use crate::support::hostile::{Behaviour, Hostile, answer};
use crate::support::{Browser, Page, TestApp};

const DETAILS: &str = "/connectors/payroll/details";
const TAB: &str = "/connectors/payroll/authorization";
const RENEW: &str = "/connectors/payroll/authorization/token-renewals";

const CLIENT: &str = "web";
const CLIENT_SECRET: &str = "s3cret+/%:& x";

/// A site on which nobody is signed out, however far the clock is moved.
pub async fn site() -> TestApp {
    let year = Duration::from_secs(365 * 86_400);
    let limits = SessionLimits { idle: year, lifetime: year };
    TestApp::start_with(|site| site.limits = limits).await
}

/// A site with a connector that ana has authorized at a real server.
struct Authorized {
    app: TestApp,
    server: AuthorizationServer,
    id: Uuid,
    admin: Browser,
}

/// Authorized by code at oidc-provider, which revokes everything when a spent refresh token comes again.
async fn authorized() -> Authorized {
    authorized_with(|_| {}).await
}

async fn authorized_with(change: impl FnOnce(&mut Setup)) -> Authorized {
    let app = site().await;
    let back = format!("{}{TAB}/callback", app.public_url);
    let client = Client::confidential(CLIENT, CLIENT_SECRET, servers::Grant::AuthorizationCode);
    let mut setup = Setup::with([client.redirect(&back)]);
    change(&mut setup);
    let server = AuthorizationServer::oidc_provider(&setup);
    let urls = &server.urls;
    let id = oauth_connector(&app, Grant::AuthorizationCode, &urls.token, &urls.api).await;
    app.sql(&format!(
        "UPDATE oauth_clients SET authorize_url = '{}', revocation_url = '{}', scope = 'read'",
        urls.authorize, urls.revocation
    ))
    .await;
    let admin = app.super_admin().await;
    let leaving = admin.get(TAB).await.form(&format!("{TAB}/attempts")).send().await.expect(200);
    let away = leaving
        .attributes("a", "href")
        .into_iter()
        .find(|href| href.starts_with(&urls.authorize))
        .expect("the way to the server");
    let back = server.allow(&away).await;
    let path = back.strip_prefix(&app.public_url).expect(&back);
    admin.get(path).await.expect(303);
    server.reset().await;
    Authorized { app, server, id, admin }
}

/// A connector with an OAuth grant and a client secret, without a token.
pub async fn oauth_connector(app: &TestApp, grant: Grant, token_url: &str, base_url: &str) -> Uuid {
    let id = app
        .connector_with("Payroll", |new| {
            new.method = Method::OAuth(grant);
            new.details.base_url = Some(HttpUrl::parse(base_url).expect("an address"));
        })
        .await;
    app.sql(&format!(
        "INSERT INTO oauth_clients (connector_id, authorize_url, token_url, client_id, user_name)
         VALUES ('{id}', 'https://login.example.org/authorize', '{token_url}', '{CLIENT}', 'ana')"
    ))
    .await;
    app.store_secret(id, SecretField::ClientSecret, CLIENT_SECRET).await;
    id
}

/// A connector with an hour's token and a refresh token, which this server is to renew.
pub async fn renewed_at(app: &TestApp, token_url: &str) -> Uuid {
    let id = oauth_connector(app, Grant::AuthorizationCode, token_url, token_url).await;
    give(app, id, Some("the-refresh-token")).await;
    id
}

/// Stores an hour's token.
pub async fn give(app: &TestApp, id: Uuid, refresh: Option<&str>) {
    let refresh = refresh.map_or(RefreshToken::None, |refresh| RefreshToken::Set(Secret::new(refresh.into())));
    give_with(app, id, "the-token", refresh).await;
}

async fn give_with(app: &TestApp, id: Uuid, access: &str, refresh: RefreshToken) {
    let (mut conn, now) = (app.conn().await, app.clock.now());
    let token = NewToken {
        access: Secret::new(access.into()),
        refresh,
        token_type: "Bearer".into(),
        scope: "read".into(),
        expires_at: Some(now + TimeDelta::hours(1)),
        refresh_expires_at: None,
        kept: Default::default(),
    };
    let by = Actor::command_line();
    let origins = crate::support::in_use(&mut conn, id).await;
    store_token(&mut Change { conn: &mut conn, by: &by, now }, &app.vault, id, &token, &origins)
        .await
        .expect("a stored token");
    crate::support::issued(&mut conn, id, now).await;
    connectors::refresh_health(&mut conn, id, now).await.expect("the health");
}

/// Asks for a token as a call does.
async fn call(keeper: &TokenKeeper, id: Uuid) -> Result<LiveToken, TokenProblem> {
    keeper.token(id, Need::default()).await
}

#[track_caller]
fn good(token: Result<LiveToken, TokenProblem>) -> LiveToken {
    token.unwrap_or_else(|problem| panic!("{problem:?}"))
}

fn problem(token: Result<LiveToken, TokenProblem>) -> TokenProblem {
    token.map(|_| ()).expect_err("no token")
}

/// What is stored of the token, byte by byte.
async fn stored(app: &TestApp) -> Vec<Vec<String>> {
    app.rows("SELECT encode(access_token, 'hex'), encode(refresh_token, 'hex'), expires_at, scope FROM tokens").await
}

async fn status(app: &TestApp) -> String {
    app.value("SELECT status FROM connectors").await
}

fn fact(page: &Page, term: &str) -> String {
    let terms = page.texts("dl.kv dt");
    let place = terms.iter().position(|text| text == term).unwrap_or_else(|| panic!("no {term} among {terms:?}"));
    page.texts("dl.kv dd").swap_remove(place)
}

/// Presses the button that fetches a token.
async fn press(browser: &Browser) -> Page {
    browser.get(TAB).await.form(RENEW).send().await
}
