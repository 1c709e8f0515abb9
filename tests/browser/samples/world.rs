//! What the samples are taken from: four sites, the people on them, and what an organisation has after a year.

use chrono::TimeDelta;
use connectory::access::{Actor, Permission};
use connectory::audit::{Change, chain};
use connectory::authorization::{self, NewToken, RefreshToken, SecretField};
use connectory::categories::CategoryStatus;
use connectory::clock::Clock;
use connectory::connectors::{self, Method, NewConnector};
use connectory::outbound::HttpUrl;
use connectory::vault::Secret;
use uuid::Uuid;

use super::{
    Place, Sample, Step, Who, calls_world, checks, collections, endpoints_world, keys, notices_world, oauth_world,
    openid, people_world, rights_world, system,
};
use crate::browser::{Window, origin};
use crate::support::authorization_server::AuthorizationServer;
use crate::support::identity_provider::IdentityProvider;
use crate::support::oauth_server::OAuthServer;
use crate::support::{Browser, FormFill, TestApp};

/// Stands for the address of the authorization server.
pub const TOKEN_URL: &str = "the token server's address";

/// Stands for what the authorization server that was not written here calls itself.
pub const ISSUER: &str = "the authorization server's issuer";

/// The longest name that a word can be made of, and a word that does not fit into any column.
pub(super) const LONG: &str = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft - Schnittstelle zum Fahrplan der Anlegestellen und Schleusen und der Wasserstände zwischen Passau und dem Schwarzen Meer";

pub struct World {
    fresh: TestApp,
    empty: Peopled,
    full: Peopled,
    strict: Peopled,
    staff: Peopled,
    _provider: IdentityProvider,
    tokens: OAuthServer,
    server: AuthorizationServer,
    _apis: endpoints_world::Apis,
}

/// A site and the people on it.
pub(super) struct Peopled {
    pub(super) app: TestApp,
    admin: Browser,
    confirmed: Browser,
    colleague: Browser,
    viewer: Browser,
    manager: Browser,
    pub(super) caller: Browser,
    auditor: Browser,
    pub(super) newcomer: Browser,
    leaver: Browser,
}

impl Peopled {
    async fn start() -> Peopled {
        Peopled::on(TestApp::start().await).await
    }

    async fn on(app: TestApp) -> Peopled {
        let confirmed = app.super_admin().await;
        let manager = app.person(&[Permission::ManageUsers]).await;
        // For as long as the samples take.
        app.sql("UPDATE sessions SET confirmed_at = now() + interval '1 day'").await;
        Peopled {
            confirmed,
            admin: app.super_admin().await,
            colleague: app.super_admin().await,
            viewer: app.person(&[Permission::ViewConnectors, Permission::ViewCategories]).await,
            manager,
            caller: app.person(&[Permission::CallConnectors]).await,
            auditor: app.person(&[Permission::ViewAuditLog]).await,
            newcomer: app.person(&[]).await,
            leaver: app.person(&[]).await,
            app,
        }
    }
}

impl World {
    pub async fn build() -> World {
        let tokens = OAuthServer::start();
        let server = oauth_world::server();
        let full = Peopled::on(notices_world::site().await).await;
        fill(&full, &tokens).await;
        oauth_world::fill(&full.app, &server).await;
        calls_world::fill(&full.app).await;
        keys::fill(&full.app, full.admin.user().id).await;
        people_world::fill(&full.app).await;
        notices_world::fill(&full.app).await;
        system::fill(&full.app).await;
        rights_world::fill(&full.app).await;
        collections::fill(&full.app).await;
        checks::fill(&full.app).await;
        let apis = endpoints_world::fill(&full.app, &full.admin).await;
        fill_log(&full.app).await;
        let provider = IdentityProvider::start(&Clock::system()).await;
        let staff = Peopled::on(openid::site(&provider).await).await;
        openid::fill(&staff, &provider).await;
        rights_world::fill_with_nothing_open(&staff.app).await;
        World {
            staff,
            _provider: provider,
            fresh: TestApp::start().await,
            empty: Peopled::start().await,
            full,
            strict: Peopled::on(oauth_world::strict().await).await,
            tokens,
            server,
            _apis: apis,
        }
    }

    /// A window on one of the sites.
    pub async fn window(&self) -> Window {
        Window::open(&self.full.app).await
    }

    /// Brings the window to where the sample is taken.
    pub async fn reach(&self, window: &mut Window, sample: &Sample) {
        let peopled = match sample.place {
            Place::Fresh => {
                window.visit(&self.fresh).await;
                &self.empty
            }
            Place::Empty => {
                window.visit(&self.empty.app).await;
                &self.empty
            }
            Place::Full => {
                window.visit(&self.full.app).await;
                &self.full
            }
            Place::Strict => {
                window.visit(&self.strict.app).await;
                &self.strict
            }
            Place::Staff => {
                window.visit(&self.staff.app).await;
                &self.staff
            }
        };
        match sample.who {
            Who::Nobody => {}
            Who::Admin => window.be(&peopled.admin).await,
            Who::Confirmed => window.be(&peopled.confirmed).await,
            Who::Viewer => window.be(&peopled.viewer).await,
            Who::Manager => window.be(&peopled.manager).await,
            Who::Caller => window.be(&peopled.caller).await,
            Who::Auditor => window.be(&peopled.auditor).await,
            Who::Newcomer => window.be(&peopled.newcomer).await,
            Who::Leaver => window.be(&peopled.leaver).await,
        }
        window.go(sample.at).await;
        for step in sample.steps {
            self.take(step, window, peopled).await;
        }
    }

    async fn take(&self, step: &Step, window: &Window, peopled: &Peopled) {
        match step {
            Step::Fill(field, TOKEN_URL) => window.fill(field, &self.tokens.token_url).await,
            Step::Fill(field, ISSUER) => window.fill(field, &self.server.urls.issuer).await,
            Step::Fill(field, word @ (people_world::LINK | people_world::LINK_TO_USE)) => {
                let link = people_world::link(&peopled.app, word).await;
                window.fill(field, &link).await;
            }
            Step::Fill(field, text) => window.fill(field, text).await,
            Step::Choose(field, option) => window.choose(field, option).await,
            Step::Tick(label) => window.tick(label).await,
            Step::Expand(summary) => window.click(&format!("//summary[.='{summary}']")).await,
            Step::FirstRow => window.open_first_row().await,
            Step::Press(words) => window.press(words).await,
            Step::Return(answer) => window.return_with(answer).await,
            Step::Behind(statement) => peopled.app.sql(statement).await,
            Step::Meanwhile(at, fields) => {
                let page = if at.starts_with('/') {
                    peopled.colleague.open(at).await
                } else {
                    peopled.colleague.open("/categories").await.click(at).await
                };
                let answer =
                    page.submit(|form| fields.iter().fold(form, |form, (field, value)| form.set(field, value))).await;
                answer.expect(303);
            }
        }
    }
}

/// Categories and connectors: every method, every health, names of every length, and two pages of them.
async fn fill(full: &Peopled, tokens: &OAuthServer) {
    let app = &full.app;
    let finance = app.category("Finance").await;
    let heritage = app.category("Heritage").await;
    app.category("Environment").await;
    app.category("Roads").await;
    app.category("Libraries and museums and everything else that people visit on Sunday afternoons in rain and snow")
        .await;
    app.category_with("Retired systems", CategoryStatus::Inactive).await;

    let with = |method, category: Option<Uuid>| {
        move |new: &mut NewConnector| {
            new.method = method;
            new.categories = category.map_or(new.categories.clone(), |category| vec![category]);
        }
    };
    app.connector_with("Weather", with(Method::NoAuth, None)).await;
    let payroll = app.connector_with("Payroll ledger", with(Method::Bearer, Some(finance))).await;
    token(app, payroll, "read write", 0, Some(700)).await;
    let identity = app.connector_with("Electronic identity", with(Method::Bearer, None)).await;
    app.sql("UPDATE connectors SET display_name = 'eID check' WHERE key = 'electronic-identity'").await;
    token(app, identity, "", 31, Some(-30)).await;
    let appointments = app.connector_with("Appointments", with(Method::Bearer, None)).await;
    token(app, appointments, "", 100, Some(2)).await;
    let rooms = app.connector_with("Room calendars", with(Method::Bearer, None)).await;
    token(app, rooms, "", 0, Some(1)).await;
    app.sql(&format!("UPDATE authorizations SET keep_fresh = true, token_url = 'http://127.0.0.1:1/token', token_user = 'rooms', token_request_style = 'form' WHERE connector_id = '{rooms}'")).await;
    app.sql(
        "UPDATE connectors SET status = 'failing' WHERE key = 'room-calendars';
         UPDATE renewals SET failures = 1, message = 'The server did not answer.', remedy = 'Try again later.'
         WHERE connector_id = (SELECT id FROM connectors WHERE key = 'room-calendars')",
    )
    .await;
    let permits = app.connector_with("Parking permits", with(Method::Basic, Some(finance))).await;
    secret(app, permits, SecretField::Password).await;
    app.sql("UPDATE authorizations SET user_name = 'connectory' WHERE user_name = ''").await;
    // An API that wants a credential, and says so at length.
    app.sql("INSERT INTO evidence (connector_id, standing, taken_at, failed_at, run, run_of_kind, run_standing, message, server_words)
             SELECT id, 'refused', now() - interval '2 days', now() - interval '1 hour', 3, 3, 'refused', 'The API answered 401 Unauthorized.',
                    repeat('No credentials. ', 18) FROM connectors WHERE key = 'weather';
         UPDATE connectors SET status = 'refused' WHERE key = 'weather'").await;
    app.sql("UPDATE connectors SET verify_certificates = false WHERE key IN ('parking-permits', 'appointments')").await;
    for (name, has_secret) in [("Waiting", true), ("Ticking", false)] {
        let id = app.connector_with(name, with(Method::Basic, None)).await;
        if has_secret {
            secret(app, id, SecretField::Password).await;
        }
        app.sql(&format!(
            "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
             SELECT gen_random_uuid(), '{id}', host, host, 'GET', 'https://' || host || '.example.net/list', now(), 'Ana', now(), 'Ana'
             FROM unnest(ARRAY['reports', '{}']) AS host", "a-very-long-name-of-a-server-".repeat(2)
        ))
        .await;
    }
    app.connector_with("Dog licences", with(Method::Basic, None)).await;
    let air = app.connector_with("Air quality", with(Method::ApiKey, None)).await;
    secret(app, air, SecretField::ApiKey).await;
    app.sql(&format!("UPDATE authorizations SET api_key_name = 'X-Sensor-Key' WHERE connector_id = '{air}'")).await;
    app.connector_with("Unset key", with(Method::ApiKey, None)).await;
    app.connector_with("SMS gateway", |new| new.details.enabled = false).await;
    app.connector_with("Bare", |new| {
        (new.method, new.details.description, new.details.base_url) = (Method::Bearer, String::new(), None);
    })
    .await;
    app.connector_with(LONG, |new| {
        new.details.description = "Überall dort, wo ein Schiff anlegt. ".repeat(40);
        new.details.base_url = Some(
            HttpUrl::parse(&format!("https://{}.example.org/{}", "sehr-lang".repeat(6), "weiter/".repeat(20)))
                .expect("an address"),
        );
    })
    .await;
    app.sql("UPDATE connectors SET key = 'donaudampfschifffahrt' WHERE key LIKE 'donaudampfschifffahrt%'").await;
    let origin = HttpUrl::parse(origin(tokens)).expect("an address");
    for name in ["Token asker", "Token taker"] {
        app.connector_with(name, |new| (new.method, new.details.base_url) = (Method::Bearer, Some(origin.clone())))
            .await;
    }
    for name in ["Newsletter", "Two editors", "Changing", "Going", "Busy", "Namesake", "Old archive"] {
        app.connector(name).await;
    }
    app.connector_with("Two authorizers", with(Method::Basic, None)).await;
    app.connector_with("Castle archive", with(Method::NoAuth, Some(heritage))).await;
    change_often(full, "busy").await;
    for key in ["namesake", "old-archive", "castle-archive"] {
        full.colleague.open(&format!("/connectors/{key}/delete")).await.submit(|form| form).await.expect(303);
    }
    app.connector("Namesake").await;
}

/// More lines than a page of the audit log looks at before those about two hundred things of long ago; and the others
/// linked.
async fn fill_log(app: &TestApp) {
    app.sql("ALTER TABLE audit_events DISABLE TRIGGER audit_events_queue;
        INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
        SELECT gen_random_uuid(), '2025-01-01Z'::timestamptz + n * interval '1 minute', 'Connectory', '', '', 'token.renewed',
            CASE WHEN n <= 200 THEN 'Far away ' || n ELSE 'Sensor' END, '[]' FROM generate_series(1, 20500) n;
        ALTER TABLE audit_events ENABLE TRIGGER audit_events_queue;
        INSERT INTO audit_names SELECT 'subject', 'Far away ' || n, ' far away ' || n FROM generate_series(1, 200) n")
        .await;
    chain::link_waiting(&mut *app.conn().await, &app.vault).await.expect("a chain");
}

async fn token(app: &TestApp, connector: Uuid, scope: &str, hours_ago: i64, ends_in_hours: Option<i64>) {
    let refresh = RefreshToken::None;
    token_with(app, connector, scope, hours_ago, ends_in_hours, refresh).await;
}

pub(super) async fn token_with(
    app: &TestApp,
    connector: Uuid,
    scope: &str,
    hours_ago: i64,
    ends_in_hours: Option<i64>,
    refresh: RefreshToken,
) {
    let (mut conn, now) = (app.conn().await, app.clock.now());
    let token = NewToken {
        refresh,
        access: Secret::new(format!("eyJhbGciOiJSUzI1NiJ9.{}", "c2FtcGxl".repeat(60))),
        token_type: "Bearer".into(),
        scope: scope.into(),
        expires_at: ends_in_hours.map(|hours| now + TimeDelta::hours(hours)),
        refresh_expires_at: None,
        kept: Default::default(),
    };
    let obtained = now - TimeDelta::hours(hours_ago);
    let origins = crate::support::in_use(&mut conn, connector).await;
    authorization::store_token(
        &mut Change { conn: &mut conn, by: &Actor::command_line(), now: obtained },
        &app.vault,
        connector,
        &token,
        &origins,
    )
    .await
    .expect("a token is stored");
    crate::support::issued(&mut conn, connector, obtained).await;
    connectors::refresh_health(&mut conn, connector, now).await.expect("the health is known");
}

pub(super) async fn secret(app: &TestApp, connector: Uuid, field: SecretField) {
    let (mut conn, now) = (app.conn().await, app.clock.now());
    let secret = Secret::new("not to be seen".into());
    let new = authorization::NewSecret {
        connector,
        name: field.into(),
        secret: &secret,
        origins: &crate::support::in_use(&mut conn, connector).await,
    };
    authorization::store_secret(&mut Change { conn: &mut conn, by: &Actor::command_line(), now }, &app.vault, &new)
        .await
        .expect("a secret is stored");
    connectors::refresh_health(&mut conn, connector, now).await.expect("the health is known");
}

/// Leaves many lines in a connector's activity.
async fn change_often(full: &Peopled, key: &str) {
    let path = format!("/connectors/{key}");
    let details = format!("{path}/details");
    for (field, value) in [
        ("description", "Another description, long enough to need more than one line in its column of the table"),
        ("display_name", "Busy bee"),
        ("base_url", "https://busy.example.org/an/address/that/is/rather/long/v17"),
    ] {
        full.admin.open(&details).await.submit(|form| form.set(field, value)).await.expect(303);
    }
    let authorization = format!("{path}/authorization");
    let basic = |form: FormFill| form.set("auth_method", "basic").set("user_name", "bee").set("password", "hidden");
    full.colleague.open(&authorization).await.submit(basic).await.expect(303);
}
