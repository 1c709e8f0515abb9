//! The two authorization servers of other authors, each in a process of its own: `tests/tools/oidc-provider.mjs` and
//! `tests/tools/django-oauth.py`, whose opening comments say how they differ. Both know `ana` with `correct-horse`.
//!
//! A redirect URI is known once the site runs and its connector exists: start the server after that, or add the client.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::oauth_server::{USER, USERS_PASSWORD};
use super::{Browser, Page};

const OIDC_PROVIDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/oidc-provider.mjs");
const DJANGO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/django-oauth.py");

/// How a server is set up.
#[derive(Serialize)]
pub struct Setup {
    pub clients: Vec<Client>,
    pub access_token_seconds: u32,
    pub refresh_token_seconds: u32,
    /// Whether authorization requests without a code challenge are refused. From public clients they always are by
    /// oidc-provider.
    pub pkce_required: bool,
    /// Whether each refresh gives a new refresh token and spends the old one.
    pub rotate: bool,
    /// Who can sign in to oidc-provider beside ana, and what it tells of each: claims by user name.
    pub people: serde_json::Value,
    /// How oidc-provider signs ID tokens.
    pub signing: String,
}

impl Setup {
    /// Tokens for an hour and refresh tokens for a day, PKCE required, rotation.
    pub fn with(clients: impl Into<Vec<Client>>) -> Setup {
        Setup {
            clients: clients.into(),
            access_token_seconds: 3600,
            refresh_token_seconds: 86400,
            pkce_required: true,
            rotate: true,
            people: serde_json::json!({}),
            signing: "ES256".into(),
        }
    }
}

/// What a client may do. Django gives each client one.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// With refresh tokens.
    AuthorizationCode,
    Implicit,
    ClientCredentials,
    /// Only oidc-provider has it. With refresh tokens.
    Device,
    /// Only oidc-provider has it; its keys are those of the client.
    JwtBearer,
    /// Only Django has it. With refresh tokens.
    Password,
}

/// A client as the server's operator registers it.
#[derive(Clone, Serialize)]
pub struct Client {
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    /// Told by the servers apart only from "none": a secret may come in the header and in the body.
    authentication: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    keys: Vec<PublicKey>,
    grants: Vec<Grant>,
    redirect_uris: Vec<String>,
}

/// A key by which a client proves itself.
#[derive(Clone, Serialize)]
pub struct PublicKey {
    pub pem: String,
    pub kid: String,
}

impl Client {
    /// A client with a secret.
    pub fn confidential(id: &str, secret: &str, grant: Grant) -> Client {
        Client { client_secret: Some(secret.to_string()), authentication: "basic", ..Client::public(id, grant) }
    }

    /// A client that cannot keep a secret.
    pub fn public(id: &str, grant: Grant) -> Client {
        Client {
            client_id: id.to_string(),
            client_secret: None,
            authentication: "none",
            keys: Vec::new(),
            grants: vec![grant],
            redirect_uris: Vec::new(),
        }
    }

    /// A client that proves itself by assertions which one of these keys signs. Only oidc-provider takes them.
    pub fn signing(id: &str, keys: Vec<PublicKey>, grant: Grant) -> Client {
        Client { authentication: "private_key_jwt", keys, ..Client::public(id, grant) }
    }

    /// A client that proves itself by nothing but signs what it asks for tokens with.
    pub fn bearing(id: &str, keys: Vec<PublicKey>) -> Client {
        Client { keys, ..Client::public(id, Grant::JwtBearer) }
    }

    /// A client that proves itself by assertions which its secret signs. Only oidc-provider takes them.
    pub fn signing_by_secret(id: &str, secret: &str, grant: Grant) -> Client {
        Client { authentication: "client_secret_jwt", ..Client::confidential(id, secret, grant) }
    }

    /// May be sent back to this address.
    pub fn redirect(mut self, uri: &str) -> Client {
        self.redirect_uris.push(uri.to_string());
        self
    }
}

/// Where a server listens.
#[derive(Deserialize)]
pub struct Urls {
    pub issuer: String,
    #[serde(rename = "authorize_url")]
    pub authorize: String,
    #[serde(rename = "token_url")]
    pub token: String,
    #[serde(rename = "revocation_url")]
    pub revocation: String,
    /// OpenID Connect's; Django has none.
    #[serde(rename = "discovery_url")]
    pub discovery: Option<String>,
    /// An API that wants a Bearer token.
    #[serde(rename = "api_url")]
    pub api: String,
    #[serde(rename = "control_url")]
    control: String,
}

/// What a server was asked since its start or the last reset.
#[derive(Deserialize)]
pub struct Seen {
    /// Token requests that came, answered or not.
    pub arrived: usize,
    /// Those that were answered, in the order of the answers.
    pub token: Vec<Outcome>,
    /// How many were answered for each `grant_type`.
    pub by_grant: BTreeMap<String, usize>,
    /// What became of the requests to the API.
    pub api: ApiRequests,
}

/// A token request that was answered. No values: a parameter may be a secret.
#[derive(Deserialize)]
pub struct Outcome {
    pub grant_type: String,
    pub status: u16,
    /// The `error` of RFC 6749, section 5.2.
    pub error: Option<String>,
    /// How the client proved itself: `basic`, `body`, `assertion` or `none`.
    pub authentication: String,
    /// The names of the parameters, sorted.
    pub parameters: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
pub struct ApiRequests {
    pub ok: usize,
    pub refused: usize,
}

/// A running server; it stops when dropped.
pub struct AuthorizationServer {
    pub urls: Urls,
    /// The words on the consent page's two buttons.
    pub allow: &'static str,
    pub deny: &'static str,
    http: reqwest::Client,
    process: Child,
}

impl AuthorizationServer {
    /// Starts oidc-provider and waits until it answers.
    pub fn oidc_provider(setup: &Setup) -> AuthorizationServer {
        start("node", OIDC_PROVIDER, setup, ["Allow", "Deny"])
    }

    /// Starts Django OAuth Toolkit and waits until it answers.
    pub fn django(setup: &Setup) -> AuthorizationServer {
        start("/usr/bin/python3", DJANGO, setup, ["Authorize", "Cancel"])
    }

    /// Does as ana would who follows this authorization request, signs in and allows it; gives the address to which
    /// the server sends her in the end.
    pub async fn allow(&self, request: &str) -> String {
        self.answer(request, self.allow).await
    }

    /// The same, but she denies it.
    pub async fn deny(&self, request: &str) -> String {
        self.answer(request, self.deny).await
    }

    /// Does as ana would who follows the address of a code, confirms the code, signs in and allows it, or denies it.
    pub async fn answer_device(&self, address: &str, allows: bool) {
        let browser = self.browser();
        let mut page = browser.get(self.own(address).expect("this server")).await;
        let mut has_answered = false;
        for _ in 0..12 {
            page = match page.location() {
                Some(location) => browser.get(self.own(location).expect("this server")).await,
                None if has_answered => return,
                None if page.buttons().iter().any(|words| words == self.allow) => {
                    has_answered = true;
                    fill_in(page, if allows { self.allow } else { self.deny }).await
                }
                None if page.first_form().value("password").is_some() => fill_in(page, self.allow).await,
                None => page.first_form().send().await,
            };
        }
        panic!("{address} leads nowhere")
    }

    async fn answer(&self, request: &str, button: &str) -> String {
        let browser = self.browser();
        let mut page = browser.get(self.own(request).expect("this server")).await;
        for _ in 0..10 {
            page = match page.location() {
                Some(location) => match self.own(location) {
                    Some(path) => browser.get(path).await,
                    None => return location.to_string(),
                },
                None => fill_in(page, button).await,
            };
        }
        panic!("{request} leads nowhere")
    }

    /// A browser that has not been here yet.
    fn browser(&self) -> Browser {
        let address = self.urls.issuer.trim_start_matches("http://");
        let address = address.parse().expect("address and port");
        Browser::new(self.http.clone(), address, &self.urls.issuer)
    }

    /// The path of an address of this server.
    fn own<'a>(&self, address: &'a str) -> Option<&'a str> {
        let path = address.strip_prefix(&self.urls.issuer).unwrap_or(address);
        path.starts_with('/').then_some(path)
    }

    /// Asks the API and gives its status.
    pub async fn call_api(&self, access_token: &str) -> u16 {
        let request = self.http.get(&self.urls.api).bearer_auth(access_token);
        let answer = request.send().await.expect("an answer");
        answer.status().as_u16()
    }

    /// What was asked so far.
    pub async fn seen(&self) -> Seen {
        self.seen_when_arrived(0).await
    }

    /// The same, as soon as so many token requests have come.
    pub async fn seen_when_arrived(&self, requests: usize) -> Seen {
        let url = format!("{}/requests?arrived={requests}", self.urls.control);
        let answer = self.http.get(url).send().await.expect("an answer");
        answer.json().await.expect("what was asked")
    }

    /// Forgets what was asked and ends delays and failures.
    pub async fn reset(&self) {
        self.command("reset", None).await;
    }

    /// From now on carries token requests out at once and answers them this much later.
    pub async fn delay(&self, by: Duration) {
        self.command(&format!("delay?ms={}", by.as_millis()), None).await;
    }

    /// Answers the next token requests with this status and a page, and does nothing else; without a number all.
    pub async fn fail(&self, status: u16, times: Option<u32>) {
        let times = times.map_or("-1".to_string(), |times| times.to_string());
        self.command(&format!("fail?status={status}&times={times}"), None).await;
    }

    /// Makes every token that was given worthless.
    pub async fn revoke_all(&self) {
        self.command("revoke-all", None).await;
    }

    /// Registers one more client.
    pub async fn add_client(&self, client: &Client) {
        self.command("clients", Some(client)).await;
    }

    async fn command(&self, command: &str, body: Option<&Client>) {
        let request = self.http.post(format!("{}/{command}", self.urls.control));
        let answer = request.json(&body).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{command}");
    }
}

/// Fills in the page to sign in or the one to consent.
async fn fill_in(page: Page, button: &str) -> Page {
    let page = page.expect(200);
    let form = page.first_form();
    if form.value("password").is_none() {
        return form.press(button).send().await;
    }
    let form = form.set("username", USER).set("password", USERS_PASSWORD);
    form.send().await
}

fn start(interpreter: &str, program: &str, setup: &Setup, [allow, deny]: [&'static str; 2]) -> AuthorizationServer {
    let mut process = Command::new(interpreter)
        .arg(program)
        .arg(serde_json::to_string(setup).expect("JSON"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Node.js and Python: `make test` says what is missing");
    let mut line = String::new();
    BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("its addresses");
    AuthorizationServer {
        urls: serde_json::from_str(&line).expect("JSON: `make test` installs the server"),
        allow,
        deny,
        http: patient_client(),
        process,
    }
}

/// Without connections kept for later: Node.js closes them after five seconds, just when a test may use one again.
fn patient_client() -> reqwest::Client {
    reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("an HTTP client")
}

impl Drop for AuthorizationServer {
    fn drop(&mut self) {
        // The server ends when its input does.
        drop(self.process.stdin.take());
        _ = self.process.wait();
    }
}
