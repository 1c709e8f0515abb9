//! The OAuth 2.0 methods, from the empty form to a token that the API accepts, against two authorization servers of
//! other authors; and everything that can go wrong on the way.

mod disconnecting;
mod discovery;
mod forms;
mod grants;
mod interrupted;
mod leaving;
mod legacy_grants;
mod moved_secrets;
mod testing;
mod testing_tokens;
mod transport;
mod wrong_answers;

use std::time::Duration;

use chrono::TimeDelta;
use connectory::access::Permission::{CreateConnectors, EditConnectors};
use connectory::authorization::{Need, SecretField, TokenProblem};
use connectory::connectors::{Grant, Method};
use connectory::outbound::HttpUrl;
use futures_util::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::support::authorization_server::{self as server, AuthorizationServer, Client, Setup};
use crate::support::forward_proxy::ForwardProxy;
use crate::support::hostile::{Authority, Behaviour, Hostile, answer};
use crate::support::oauth_server::{USER, USERS_PASSWORD};
use crate::support::{Browser, FormFill, PASSWORD, Page, TestApp, strs};

const TAB: &str = "/connectors/payroll/authorization";
const ATTEMPTS: &str = "/connectors/payroll/authorization/attempts";
const CALLBACK: &str = "/connectors/payroll/authorization/callback";
const ANSWERS: &str = "/connectors/payroll/authorization/answers";
const RENEWALS: &str = "/connectors/payroll/authorization/token-renewals";
const DISCONNECTIONS: &str = "/connectors/payroll/authorization/disconnections";

const SAVED: &str = "The Data Connector was saved";
const AUTHORIZED: &str = "The data connector is authorized";

const CODE: Method = Method::OAuth(Grant::AuthorizationCode);
const CLIENT: Method = Method::OAuth(Grant::ClientCredentials);
const PASSWORDS: Method = Method::OAuth(Grant::Password);
const IMPLICIT: Method = Method::OAuth(Grant::Implicit);

/// Has every character that goes wrong when Basic credentials are not form-encoded (RFC 6749 section 2.3.1).
const SECRET: &str = "s3cret+/%:& x";

/// Which authorization server.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Oidc,
    Django,
}

const BOTH: [Kind; 2] = [Kind::Oidc, Kind::Django];

/// A site with an empty connector whose base URL is the server's API, and somebody who may edit it.
struct Scene {
    app: TestApp,
    id: Uuid,
    server: AuthorizationServer,
    ana: Browser,
    method: Method,
}

impl Scene {
    /// The server knows the client `app`, with the secret.
    async fn new(kind: Kind, method: Method) -> Scene {
        Scene::with(kind, method, |_| {}).await
    }

    async fn with(kind: Kind, method: Method, change: impl FnOnce(&mut Setup)) -> Scene {
        let client = match method {
            IMPLICIT => Client::public("app", server::Grant::Implicit),
            CLIENT => Client::confidential("app", SECRET, server::Grant::ClientCredentials),
            PASSWORDS => Client::confidential("app", SECRET, server::Grant::Password),
            _ => Client::confidential("app", SECRET, server::Grant::AuthorizationCode),
        };
        Scene::of(kind, method, client, change).await
    }

    async fn of(kind: Kind, method: Method, client: Client, change: impl FnOnce(&mut Setup)) -> Scene {
        let app = TestApp::start().await;
        let callback = format!("{}{CALLBACK}", app.public_url);
        let mut setup = Setup::with([client.redirect(&callback)]);
        change(&mut setup);
        Scene::at(app, kind, method, &setup).await
    }

    /// A scene on this site.
    async fn at(app: TestApp, kind: Kind, method: Method, setup: &Setup) -> Scene {
        let server = match kind {
            Kind::Oidc => AuthorizationServer::oidc_provider(setup),
            Kind::Django => AuthorizationServer::django(setup),
        };
        let id = connector(&app, method, &server.urls.api).await;
        let ana = app.person(&[EditConnectors]).await;
        Scene { app, id, server, ana, method }
    }

    /// The tab, filled in with what the server knows.
    async fn filled(&self) -> FormFill {
        let form = self.ana.get(TAB).await.form(TAB).set("scope", "read");
        let urls = &self.server.urls;
        let form = match self.method {
            CODE | IMPLICIT => form.set("authorize_url", &urls.authorize),
            _ => form,
        };
        let form = form.set("client_id", "app");
        match self.method {
            IMPLICIT => form,
            PASSWORDS => form
                .set("token_url", &urls.token)
                .set("client_secret", SECRET)
                .set("oauth_user", USER)
                .set("oauth_password", USERS_PASSWORD),
            _ => form.set("token_url", &urls.token).set("client_secret", SECRET),
        }
    }

    /// Saves it.
    async fn save(&self) -> Page {
        self.save_with(|form| form).await
    }

    async fn save_with(&self, change: impl FnOnce(FormFill) -> FormFill) -> Page {
        saved(change(self.filled().await)).await
    }

    /// Presses Authorize, and gives the address that leads away.
    async fn leave(&self) -> String {
        leave(&self.ana).await
    }

    /// Goes away, agrees, and gives where the server sends the person back to.
    async fn allowed(&self) -> String {
        self.server.allow(&self.leave().await).await
    }

    /// Brings the browser to an address of this site.
    async fn come_back(&self, address: &str) -> Page {
        self.ana.get(self.path(address)).await
    }

    fn path<'a>(&self, address: &'a str) -> &'a str {
        address.strip_prefix(&self.app.public_url).expect("an address of this site")
    }

    /// Gets a token in the way of the grant.
    async fn authorize(&self) -> Page {
        let page = match self.method {
            CODE => self.come_back(&self.allowed().await).await,
            IMPLICIT => {
                let address = self.allowed().await;
                let (path, _) = address.split_once('#').expect("a fragment");
                let page = self.come_back(path).await.expect(200);
                let form = page.form(ANSWERS).set("address", &address);
                form.send().await
            }
            _ => {
                let tab = self.ana.get(TAB).await;
                tab.form(RENEWALS).press("Get Access Token").send().await
            }
        };
        page.expect(303).follow().await.expect(200)
    }

    async fn token(&self) -> Option<String> {
        self.app.token(self.id).await
    }

    async fn status(&self) -> String {
        self.app.value("SELECT status FROM connectors").await
    }

    async fn audited(&self, kind: &str) -> i64 {
        audited(&self.app, kind).await
    }
}

async fn connector(app: &TestApp, method: Method, base_url: &str) -> Uuid {
    let base_url = HttpUrl::parse(base_url).expect("an address");
    app.connector_with("Payroll", |new| {
        new.method = method;
        new.details.base_url = Some(base_url);
    })
    .await
}

async fn leave(browser: &Browser) -> String {
    let tab = browser.get(TAB).await.expect(200);
    let page = tab.form(ATTEMPTS).send().await.expect(200);
    away(&page)
}

/// Where the page leads that says good-bye.
fn away(page: &Page) -> String {
    let links = page.links();
    let link = links.iter().find(|(words, _)| words.starts_with("Continue to "));
    link.expect("a way on").1.clone()
}

async fn saved(form: FormFill) -> Page {
    let page = form.send().await.expect(303).follow().await.expect(200);
    assert!(page.flash().starts_with(SAVED), "{}", page.flash());
    page
}

/// The values of a parameter in the query of an address.
fn parameters(address: &str, name: &str) -> Vec<String> {
    let (_, query) = address.split_once(['?', '#']).expect("a query");
    form_urlencoded::parse(query.as_bytes())
        .filter(|(key, _)| key == name)
        .map(|(_, value)| value.into_owned())
        .collect()
}

fn parameter(address: &str, name: &str) -> String {
    let values = parameters(address, name);
    assert_eq!(values.len(), 1, "{name} in {address}");
    values.into_iter().next().unwrap_or_default()
}

/// Replaces the secret of a field.
fn replace(form: FormFill, name: &str, text: &str) -> FormFill {
    form.set(&format!("{name}_choice"), "replace").set(name, text).confirmed()
}

async fn audited(app: &TestApp, kind: &str) -> i64 {
    let query = format!("SELECT count(*) FROM audit_events WHERE kind = '{kind}'");
    app.count(&query).await
}

/// The last audit line of a kind, as text.
async fn last_line(app: &TestApp, kind: &str) -> String {
    let query = format!("SELECT changes FROM audit_events WHERE kind = '{kind}' ORDER BY id DESC LIMIT 1");
    app.value(&query).await
}

/// The steps of a connection test: name, mark, words.
fn steps(page: &Page) -> Vec<(String, String)> {
    let names = page.texts("section[aria-labelledby=tested] dt");
    let words = page.texts("section[aria-labelledby=tested] dd");
    names.into_iter().zip(words).collect()
}

/// What a step says; its mark stands first.
fn step(page: &Page, name: &str) -> String {
    let steps = steps(page);
    let found = steps.iter().find(|(step, _)| step == name);
    found.unwrap_or_else(|| panic!("no {name} among {steps:?}: {}", page.text())).1.clone()
}
