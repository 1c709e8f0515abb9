//! The data connectors that the samples of the OAuth 2.0 methods are taken from: one for each thing that a tab can say.

use chrono::TimeDelta;
use connectory::authorization::{RefreshToken, SecretField};
use connectory::connectors::{Grant, LegacyGrants, Method};
use connectory::outbound::HttpUrl;
use connectory::vault::Secret;
use uuid::Uuid;

use super::world::{secret, token_with};
use crate::openid::{let_in, settings};
use crate::support::TestApp;
use crate::support::authorization_server::{self, AuthorizationServer, Client, Setup};

/// What the client of the samples proves itself with.
pub const CLIENT_SECRET: &str = "a client's secret";

/// The settings of a server that nobody ever asks.
const SETTINGS: &str = "authorize_url = 'https://login.example.org/oauth2/authorize', token_url = 'https://login.example.org/oauth2/token', client_id = 'connectory', scope = 'read write offline_access'";

/// The authorization server that answers in some of the samples. Nobody is ever sent there, so any redirect URI will
/// do.
pub fn server() -> AuthorizationServer {
    let grant = authorization_server::Grant::AuthorizationCode;
    let web = Client::confidential("connectory", CLIENT_SECRET, grant);
    let grant = authorization_server::Grant::ClientCredentials;
    let robot = Client::confidential("robot", CLIENT_SECRET, grant);
    let grant = authorization_server::Grant::Device;
    let device = Client::public("device", grant);
    let web = web.redirect("http://127.0.0.1:9/callback");
    AuthorizationServer::oidc_provider(&Setup::with([web, robot, device]))
}

/// A site on which the legacy grants are switched off, with two data connectors that had them before.
pub async fn strict() -> TestApp {
    let off = LegacyGrants { password: false, implicit: false };
    let app = TestApp::start_with(|site| {
        site.legacy_grants = off;
        let_in(site, settings("http://127.0.0.1:1"));
    })
    .await;
    let id = create(&app, "Health cards", Grant::Password, SETTINGS).await;
    issue(&app, id, true, 0, 8).await;
    create(&app, "Sports halls", Grant::Implicit, SETTINGS).await;
    app
}

/// Data connectors of every OAuth method in every health.
pub async fn fill(app: &TestApp, server: &AuthorizationServer) {
    without_settings(app).await;
    without_tokens(app, server).await;
    on_devices(app, server).await;
    with_tokens(app).await;
    with_failures(app).await;
    everything_long(app).await;
}

async fn without_settings(app: &TestApp) {
    for (name, grant) in [
        ("Building permits", Grant::AuthorizationCode),
        ("Swim times", Grant::ClientCredentials),
        ("Health cards", Grant::Password),
        ("Sports halls", Grant::Implicit),
        ("Door displays", Grant::Device),
    ] {
        create(app, name, grant, "").await;
    }
}

async fn without_tokens(app: &TestApp, server: &AuthorizationServer) {
    for name in ["Court calendar", "Consent late", "Consent foreign", "Consent changed"] {
        create(app, name, Grant::AuthorizationCode, SETTINGS).await;
    }
    let issuer = format!("{SETTINGS}, issuer = 'https://login.example.org'");
    create(app, "Consent elsewhere", Grant::AuthorizationCode, &issuer).await;
    create(app, "Film archive", Grant::Implicit, SETTINGS).await;
    let urls = &server.urls;
    let answered = SETTINGS.replace("https://login.example.org/oauth2/token", &urls.token);
    let refused = create(app, "Consent refused", Grant::AuthorizationCode, &answered).await;
    secret(app, refused, SecretField::ClientSecret).await;
    let robot = format!("token_url = '{}', client_id = 'robot', scope = 'read'", urls.token);
    create(app, "Meter readings", Grant::ClientCredentials, &robot).await;
    app.sql(&format!(
        "UPDATE connectors SET base_url = '{}' WHERE key = 'meter-readings'",
        HttpUrl::parse(&urls.api).expect("an address").as_str()
    ))
    .await;
    create(app, "Refused readings", Grant::ClientCredentials, &robot).await;
    app.sql("UPDATE connectors SET base_url = NULL WHERE key = 'refused-readings'").await;
}

/// One that a person is asked to enter a code for, and what has come of others.
async fn on_devices(app: &TestApp, server: &AuthorizationServer) {
    let urls = &server.urls;
    let settings = format!(
        "device_url = '{}/device/auth', token_url = '{}', client_id = 'device', authentication = 'none', scope = 'read'",
        urls.issuer, urls.token
    );
    create(app, "Bus stops", Grant::Device, &settings).await;
    for (name, state, message, words, remedy) in [
        ("Device authorized", "authorized", "", "", ""),
        (
            "Device denied",
            "denied",
            "The server answered 400 (Bad Request).",
            "End-User denied it",
            "Ask the administrators of the server.",
        ),
        ("Device expired", "expired", "", "", ""),
        (
            "Device failed",
            "failed",
            "The server answered 401 (Unauthorized).",
            "client authentication failed",
            "Check Client ID and Client Secret.",
        ),
    ] {
        let id = create(app, name, Grant::Device, &settings).await;
        app.sql(&format!(
            "INSERT INTO device_requests (connector_id, attempt, user_id, authorization_version, sealed, state, message, server_words, remedy, interval_seconds, next_poll_at, created_at, expires_at)
             SELECT '{id}', '{id}', u.id, 1, '', '{state}', '{message}', '{words}', '{remedy}', 5, now(), now(), now() FROM users u LIMIT 1"
        ))
        .await;
    }
}

async fn with_tokens(app: &TestApp) {
    let revocable = format!("{SETTINGS}, revocation_url = 'https://login.example.org/oauth2/revoke'");
    for (name, grant, settings, refreshes, hours_ago, ends_in_hours) in [
        ("Tax returns", Grant::AuthorizationCode, revocable.as_str(), true, 0, 8),
        ("Land register", Grant::Implicit, SETTINGS, false, 0, 8),
        ("Fishing permits", Grant::Implicit, SETTINGS, false, 100, 2),
        ("Hunting permits", Grant::Implicit, SETTINGS, false, 100, -2),
        ("Waste collection", Grant::Password, SETTINGS, true, 0, 8),
    ] {
        let id = create(app, name, grant, settings).await;
        issue(app, id, refreshes, hours_ago, ends_in_hours).await;
    }
    let id = create(app, "Renewed now", Grant::AuthorizationCode, SETTINGS).await;
    issue(app, id, true, 9, -1).await;
    let until = app.clock.now() + TimeDelta::hours(1);
    app.sql(&format!(
        "UPDATE renewals SET lease_id = connector_id, lease_until = '{until}' WHERE connector_id = '{id}'"
    ))
    .await;
    app.sql("UPDATE connectors SET enabled = false, status = 'disabled' WHERE key = 'waste-collection'").await;
    app.sql("UPDATE oauth_clients SET user_name = 'waste' FROM connectors WHERE id = connector_id AND key = 'waste-collection'")
        .await;
}

async fn with_failures(app: &TestApp) {
    let counts = create(app, "Traffic counts", Grant::ClientCredentials, SETTINGS).await;
    secret(app, counts, SecretField::ClientSecret).await;
    issue(app, counts, false, 9, -1).await;
    fail(
        app,
        counts,
        "failing",
        3,
        "The token server answered 503 (Service Unavailable).",
        "Database is being upgraded until noon.",
        "Try again later, or ask whoever runs the server.",
    )
    .await;
    let meals = create(app, "School meals", Grant::AuthorizationCode, SETTINGS).await;
    secret(app, meals, SecretField::ClientSecret).await;
    issue(app, meals, true, 9, -1).await;
    fail(
        app,
        meals,
        "needs_reauthorization",
        1,
        "The token server refused: invalid_grant.",
        "Token is not active",
        "Press Authorize again: the server no longer takes the refresh token.",
    )
    .await;
}

/// The longest texts that fit into the fields, most of them without a place to break.
async fn everything_long(app: &TestApp) {
    let name = format!("{} permissions", "Interoperability".repeat(15));
    let id = create(app, &name, Grant::AuthorizationCode, SETTINGS).await;
    let host = format!("{}.{}.example.org", "authorization".repeat(4), "identity".repeat(7));
    let path = "realms-of-the-organisation/".repeat(12);
    let scopes: Vec<String> = (1..=60).map(|number| format!("https://{host}/auth/scope{number}.readonly")).collect();
    let scope: String = scopes.join(" ").chars().take(2000).collect();
    app.sql(&format!("UPDATE connectors SET key = 'everything-long' WHERE id = '{id}'; UPDATE oauth_clients SET authorize_url = 'https://{host}/{path}', token_url = 'https://{host}/{path}token', revocation_url = 'https://{host}/{path}revoke', client_id = '{}', resources = 'https://{host}/{path}', audience = '{}', scope = '{scope}' WHERE connector_id = '{id}'", "0123456789abcdef".repeat(12), "urn:audience:".repeat(20))).await;
    issue(app, id, true, 9, -1).await;
    let words = "quota-exceeded-for-this-client-".repeat(14);
    fail(
        app,
        id,
        "failing",
        12,
        "The token server answered 429 (Too Many Requests).",
        &words,
        "Wait, or ask whoever runs the server for a higher limit.",
    )
    .await;
    app.sql(&format!("UPDATE tokens SET scope = '{scope}' WHERE connector_id = '{id}'")).await;
}

/// A connector of this grant whose client has these settings.
async fn create(app: &TestApp, name: &str, grant: Grant, settings: &str) -> Uuid {
    let method = Method::OAuth(grant);
    let id = app.connector_with(name, |new| new.method = method).await;
    app.sql(&format!("INSERT INTO oauth_clients (connector_id) VALUES ('{id}') ON CONFLICT DO NOTHING")).await;
    if !settings.is_empty() {
        app.sql(&format!("UPDATE oauth_clients SET {settings} WHERE connector_id = '{id}'")).await;
    }
    id
}

async fn issue(app: &TestApp, id: Uuid, refreshes: bool, hours_ago: i64, ends_in_hours: i64) {
    let refresh =
        if refreshes { RefreshToken::Set(Secret::new("not to be seen either".into())) } else { RefreshToken::None };
    token_with(app, id, "read write", hours_ago, Some(ends_in_hours), refresh).await;
}

/// Leaves behind what some failed renewals leave.
async fn fail(app: &TestApp, id: Uuid, health: &str, failures: u32, message: &str, words: &str, remedy: &str) {
    let is_final = health == "needs_reauthorization";
    let now = app.clock.now();
    let (failed, next) = (now - TimeDelta::minutes(3), now + TimeDelta::minutes(5));
    app.sql(&format!("UPDATE renewals SET failures = {failures}, failed_at = '{failed}', is_final = {is_final}, message = '{message}', server_words = '{words}', remedy = '{remedy}', next_attempt_at = '{next}' WHERE connector_id = '{id}'; UPDATE connectors SET status = '{health}' WHERE id = '{id}'")).await;
}
