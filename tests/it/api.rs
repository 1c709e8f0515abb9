//! The interface for programs: calling endpoints and the proxy, reading tokens, retries and limits, and who may do
//! what.

mod answers;
mod bodies;
mod calls;
mod collection_connector;
mod collections;
mod credentials;
mod crowds;
mod description;
mod discovery;
mod forgetting;
mod hostile;
mod kept_log;
mod keys;
mod limits;
mod loops;
mod matrix;
mod method_override;
mod nginx;
mod origins;
mod paths;
mod record_lists;
mod records;
mod renewal;
mod retries;
mod smuggling;
mod tokens;
mod traversal;
mod unreadable;

use chrono::TimeDelta;
use connectory::access::{Actor, ApiKey};
use connectory::audit::Change;
use connectory::authorization::{NewToken, RefreshToken, store_token};
use connectory::connectors::{self, Method};
use connectory::outbound::HttpUrl;
use connectory::vault::Secret;
use serde_json::Value;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::upstream::{Reply, Seen, Upstream};

/// The token that the API of most tests wants.
pub const TOKEN: &str = "s3cret-t0ken-of-the-api";

/// A site with a connector, the API that it leads to, and a program's key that opens everything.
pub struct World {
    pub app: TestApp,
    pub api: Upstream,
    pub connector: Uuid,
    pub key: String,
    http: reqwest::Client,
}

impl World {
    /// With a bearer token and an API that answers as it is told.
    pub async fn new(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> World {
        World::on(TestApp::start().await, script).await
    }

    async fn on(app: TestApp, script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> World {
        let api = Upstream::start(script).await;
        let connector = app
            .connector_with("Ledger", |new| {
                new.method = Method::Bearer;
                new.details.base_url = HttpUrl::parse(&api.url("/v1")).ok();
            })
            .await;
        give_token(&app, connector, TOKEN).await;
        let key = key_of_program(&app, "Billing").await;
        scope(&app, &key, None, true, true, true).await;
        World { app, api, connector, key: key.expose().to_string(), http: client() }
    }

    /// A request with the key.
    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        self.bare(method, path).bearer_auth(&self.key)
    }

    /// A request without it.
    fn bare(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).expect("a method");
        let url = format!("http://{}/api/v1/connectors{path}", self.app.address);
        self.http.request(method, url)
    }

    async fn get(&self, path: &str) -> Answer {
        Answer::of(self.request("GET", path)).await
    }

    /// A GET through the proxy.
    pub async fn proxied(&self, path: &str) -> Answer {
        self.get(&format!("/ledger/proxy{path}")).await
    }

    /// The header of the last call through the proxy, once calls carry this value: a change is known a little later.
    pub async fn sent_when_known(&self, header: &str, value: &str) -> String {
        let sent =
            || self.api.seen().last().and_then(|seen| seen.header(header).map(str::to_string)).unwrap_or_default();
        for _ in 0..200 {
            self.proxied("/echo").await;
            if sent() == value {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        sent()
    }

    /// Leads the connector to another address, for which its secrets are approved.
    pub async fn lead(&self, base_url: &str) {
        let update = format!("UPDATE connectors SET base_url = '{base_url}'");
        self.app.sql(&update).await;
        self.app.approve_origins(self.connector).await;
    }

    /// Creates an endpoint, for whose address the secrets are approved, and gives its id.
    pub async fn endpoint(&self, name: &str, method: &str, url: &str) -> Uuid {
        let id = Uuid::now_v7();
        self.app.sql(&format!(
            "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
             VALUES ('{id}', '{}', '{name}', lower('{name}'), '{method}', '{url}', now(), 'Ana', now(), 'Ana')", self.connector)).await;
        self.app.approve_origins(self.connector).await;
        id
    }

    pub async fn call(&self, endpoint: &str, variables: Value) -> Answer {
        let body = serde_json::json!({ "variables": variables });
        Answer::of(self.request("POST", &format!("/ledger/endpoints/{endpoint}/call")).json(&body)).await
    }

    /// The rows of the call log, oldest first, once all that were made have been written.
    pub async fn log(&self, columns: &str) -> Vec<Vec<String>> {
        self.app.call_log.finish().await;
        self.app.rows(&format!("SELECT {columns} FROM calls ORDER BY at, id")).await
    }

    /// Waits until this many calls are in the log.
    pub async fn wait_for_log(&self, calls: i64) {
        for _ in 0..2_000 {
            self.app.call_log.finish().await;
            if self.app.count("SELECT count(*) FROM calls").await >= calls {
                return;
            }
            tokio::task::yield_now().await;
        }
        panic!("no line in the call log");
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub async fn of(request: reqwest::RequestBuilder) -> Answer {
        let answer = request.send().await.expect("an answer");
        Answer {
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.expect("a whole body"),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().expect("text"))
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    /// The code of the problem document that this must be.
    #[track_caller]
    pub fn problem(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        assert_eq!(self.header("connectory-answer"), "connectory");
        let document = self.json();
        assert_eq!(document["status"], self.status);
        for member in ["type", "title", "detail", "remedy", "instance", "request_id"] {
            assert!(document[member].is_string(), "{member}: {document}");
        }
        assert_eq!(document["request_id"], self.header("connectory-request-id"));
        assert!(document["type"].as_str().is_some_and(|kind| kind.ends_with(document["code"].as_str().unwrap_or("?"))));
        document["code"].as_str().expect("a code").to_string()
    }

    #[track_caller]
    fn is_upstreams(&self) -> &Answer {
        assert_eq!(self.header("connectory-answer"), "upstream", "{self:?}");
        self
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().expect("a client")
}

/// Stores an hour's token that nobody renews.
async fn give_token(app: &TestApp, connector: Uuid, access: &str) {
    let (mut conn, now) = (app.conn().await, app.clock.now());
    let token = NewToken {
        access: Secret::new(access.into()),
        refresh: RefreshToken::None,
        token_type: "Bearer".into(),
        scope: String::new(),
        expires_at: Some(now + TimeDelta::hours(1)),
        refresh_expires_at: None,
        kept: Default::default(),
    };
    let by = Actor::command_line();
    let origins = crate::support::in_use(&mut conn, connector).await;
    store_token(&mut Change { conn: &mut conn, by: &by, now }, &app.vault, connector, &token, &origins)
        .await
        .expect("a stored token");
    connectors::refresh_health(&mut conn, connector, now).await.expect("the health");
}

/// A new program with a key that leads nowhere yet.
async fn key_of_program(app: &TestApp, name: &str) -> ApiKey {
    let (key, id, program) = (ApiKey::random(), Uuid::now_v7(), Uuid::now_v7());
    let hash: String = key.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    app.sql(&format!(
        "INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by)
             VALUES ('{program}', '{name}', lower('{name}'), lower(' {name}'), now(), 'Ana', now(), 'Ana');
         INSERT INTO api_keys (id, hash, prefix, name, program_id, created_at, created_by)
             VALUES ('{id}', '\\x{hash}', '{}', 'Nightly', '{program}', now(), 'Ana')",
        key.prefix()
    ))
    .await;
    key
}

/// Lets a key lead to a connector, or to all; gives the scope's id.
async fn scope(
    app: &TestApp,
    key: &ApiKey,
    connector: Option<Uuid>,
    endpoints: bool,
    proxy: bool,
    token: bool,
) -> Uuid {
    let id = Uuid::now_v7();
    let connector = connector.map_or("NULL".into(), |id| format!("'{id}'"));
    app.sql(&format!(
        "INSERT INTO api_key_scopes (id, api_key_id, connector_id, all_endpoints, proxy, token)
         SELECT '{id}', id, {connector}, {endpoints}, {proxy}, {token} FROM api_keys WHERE prefix = '{}'",
        key.prefix()
    ))
    .await;
    id
}

/// Waits until something holds; it follows from what has been done, only a little later.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..5_000 {
        if holds().await {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("never: {what}");
}
