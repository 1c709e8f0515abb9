//! Authorizing in the browser as servers, browsers and people do it.

use connectory::access::Permission::EditConnectors;
use connectory::connectors::{Grant, Method};
use connectory::outbound::HttpUrl;
use uuid::Uuid;

use crate::api::World;
use crate::support::upstream::{Reply, Seen, Upstream};
use crate::support::{Browser, FormFill, Page, TestApp};

pub const TAB: &str = "/connectors/payroll/authorization";
const ATTEMPTS: &str = "/connectors/payroll/authorization/attempts";
const CALLBACK: &str = "/connectors/payroll/authorization/callback";
const AUTHORIZED: &str = "The data connector is authorized";
const TOKEN: &str = r#"{"access_token":"tok3n-1","token_type":"Bearer","expires_in":3600}"#;

/// A site with a connector whose authorization server is small.
pub struct Site {
    pub app: TestApp,
    id: Uuid,
    pub server: Upstream,
    pub ana: Browser,
}

impl Site {
    /// The token endpoint gives a token.
    pub async fn new() -> Site {
        Site::with(|_| Reply::json(200, TOKEN)).await
    }

    pub async fn with(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Site {
        let (app, server) = (TestApp::start().await, Upstream::start(script).await);
        let id = connector(&app, "Payroll", &server).await;
        let ana = app.person(&[EditConnectors]).await;
        Site { app, id, server, ana }
    }

    /// Presses Authorize, and gives the address to which a server that agrees sends the browser back.
    pub async fn answer(&self) -> String {
        format!("{CALLBACK}?code=c0de-1&state={}", self.state().await)
    }

    /// The state of a new request.
    async fn state(&self) -> String {
        asked(&leave(&self.ana, ATTEMPTS).await, "state")
    }

    async fn token(&self) -> Option<String> {
        self.app.token(self.id).await
    }

    /// A request of ana's browser with one more header.
    async fn get_with(&self, address: &str, (name, value): (&str, &str)) -> Page {
        let request = self.ana.request(reqwest::Method::GET, address).header(name, value);
        self.ana.send(request).await
    }
}

async fn connector(app: &TestApp, name: &str, server: &Upstream) -> Uuid {
    let url = HttpUrl::parse(&server.url("/")).ok();
    let id = app
        .connector_with(name, |new| {
            new.method = Method::OAuth(Grant::AuthorizationCode);
            new.details.base_url = url;
        })
        .await;
    app.sql(&format!(
        "INSERT INTO oauth_clients (connector_id, authorize_url, token_url, client_id)
         VALUES ('{id}', '{}', '{}', 'app')",
        server.url("/authorize"),
        server.url("/token")
    ))
    .await;
    id
}

/// The address that the page before leaving links to.
async fn leave(browser: &Browser, attempts: &str) -> String {
    let tab = browser.get(attempts.strip_suffix("/attempts").expect("a tab")).await.expect(200);
    let page = tab.form(attempts).send().await.expect(200);
    let links = page.links();
    links.iter().find(|(words, _)| words.starts_with("Continue to ")).expect("a link").1.clone()
}

fn asked(address: &str, name: &str) -> String {
    let (_, query) = address.split_once('?').expect("a query");
    let found = form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("no {name} in {address}")).1.into_owned()
}

async fn expect_authorized(page: Page) {
    let page = page.expect(303).follow().await.expect(200);
    assert_eq!((page.path.as_str(), page.flash().as_str()), (TAB, AUTHORIZED));
}

/// A browser fetches or renders the callback ahead, or a program checks the link; then the person goes there.
#[tokio::test]
async fn a_prefetch_of_the_callback_spends_nothing() {
    let site = Site::new().await;
    let answer = site.answer().await;
    for header in [
        ("Sec-Purpose", "prefetch"),
        ("Sec-Purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("X-Purpose", "preview"),
        ("X-Moz", "prefetch"),
    ] {
        let page = site.get_with(&answer, header).await.expect(503);
        assert_eq!((page.html.as_str(), page.header("cache-control")), ("", "no-store"));
    }
    let head = site.ana.request(reqwest::Method::HEAD, &answer);
    site.ana.send(head).await.expect(503);
    // A scanner of links in mail or chat has no session.
    let scanner = site.app.browser().get(&answer).await.expect(303);
    assert!(scanner.location().is_some_and(|location| location.starts_with("/sign-in")));
    assert_eq!((site.token().await, site.server.seen().len()), (None, 0));
    expect_authorized(site.ana.get(&answer).await).await;
    assert_eq!(site.token().await.as_deref(), Some("tok3n-1"));
}

/// The link is clicked twice, or the browser loads the page again: the second page says what came of the first.
#[tokio::test]
async fn the_same_answer_again_says_that_the_connector_is_authorized() {
    let site = Site::new().await;
    let answer = site.answer().await;
    expect_authorized(site.ana.get(&answer).await).await;
    expect_authorized(site.ana.get(&answer).await).await;
    assert_eq!(site.server.seen().len(), 1, "the code is sent once");

    let refused = "This response was used already";
    let ben = site.app.person(&[EditConnectors]).await;
    assert_eq!(ben.get(&answer).await.expect(400).h1(), refused);
    site.app.sql("DELETE FROM tokens").await;
    assert_eq!(site.ana.get(&answer).await.expect(400).h1(), refused, "it was removed since");
    expect_authorized(site.ana.get(&site.answer().await).await).await;
    site.app.advance(chrono::TimeDelta::seconds(601));
    assert_eq!(site.ana.get(&answer).await.expect(400).h1(), refused, "too late");
}

/// The settings are others now, so the token of the answer says nothing of them.
#[tokio::test]
async fn the_same_answer_again_is_refused_after_a_save() {
    let site = Site::new().await;
    let answer = site.answer().await;
    expect_authorized(site.ana.get(&answer).await).await;
    let tab = site.ana.get(TAB).await;
    tab.form(TAB).set("time_out", "9").send().await.expect(303);
    assert_eq!(site.ana.get(&answer).await.expect(400).h1(), "This response was used already");
}

/// An answer that brought no token brings none the second time, and no request is sent.
#[tokio::test]
async fn the_same_answer_again_after_a_refusal_stays_refused() {
    let site = Site::with(|_| Reply::json(400, r#"{"error":"invalid_grant"}"#)).await;
    let answer = site.answer().await;
    assert_eq!(site.ana.get(&answer).await.expect(200).h1(), "No access token");
    assert_eq!(site.ana.get(&answer).await.expect(400).h1(), "This response was used already");
    assert_eq!(site.server.seen().len(), 1);
}

/// Two clicks while the server is slow: the browser drops the first page, and the second one waits for the token.
#[tokio::test]
async fn a_second_click_while_the_token_is_fetched_has_its_outcome() {
    let site = Site::with(|_| Reply::json(200, TOKEN).held()).await;
    let answer = site.answer().await;
    tokio::select! {
        _ = site.ana.get(&answer) => panic!("the server has answered"),
        () = site.server.wait_for(1) => {}
    }
    let (second, ()) = tokio::join!(site.ana.get(&answer), async { site.server.go_on() });
    expect_authorized(second).await;
    assert_eq!(site.token().await.as_deref(), Some("tok3n-1"));
    assert_eq!(site.server.seen().len(), 1);
}

const ANSWERS: &str = "/connectors/payroll/authorization/answers";

/// What a page of another site has a browser post: no cookie of ours comes along.
async fn posted(site: &TestApp, to: &str, fields: &[(&str, &str)]) -> Page {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let browser = site.browser();
    let request = browser
        .request(reqwest::Method::POST, to)
        .header("origin", "https://appleid.example")
        .header("sec-fetch-site", "cross-site")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body);
    // A browser of this kind says once where it comes from.
    let mut request = request.build().expect("a request");
    for (name, value) in [("origin", "https://appleid.example"), ("sec-fetch-site", "cross-site")] {
        request.headers_mut().insert(name, value.parse().expect("a value"));
    }
    browser.execute(request).await
}

/// The fields of a form that stand in it from the beginning, with their names.
fn hidden(page: &Page) -> Vec<(String, String)> {
    let names = page.attributes("form[data-send] input", "name");
    names.into_iter().zip(page.attributes("form[data-send] input", "value")).collect()
}

/// `response_mode=form_post`, as Apple wants it: the server's page posts code and state from another site.
#[tokio::test]
async fn an_answer_that_is_posted_from_another_site_is_passed_on_by_a_page_of_ours() {
    let site = Site::new().await;
    let tab = site.ana.get(TAB).await;
    tab.form(TAB).set("authorize_parameters", "response_mode=form_post").send().await.expect(303);
    let away = leave(&site.ana, ATTEMPTS).await;
    assert_eq!(asked(&away, "response_mode"), "form_post");
    let state = asked(&away, "state");
    let user = r#"{"name":{"firstName":"Ana"}}"#;
    let fields = [("state", state.as_str()), ("code", "c0de-\"1"), ("user", user), ("csrf", "x")];
    let page = posted(&site.app, CALLBACK, &fields).await.expect(200);
    assert_eq!((page.h1().as_str(), page.header("cache-control")), ("Finish authorizing", "no-store"));
    assert!(page.header("set-cookie").is_empty(), "a post of another site sets no cookie");
    let passed_on = [("state", state.as_str()), ("code", "c0de-\"1")];
    assert_eq!(hidden(&page), passed_on.map(|(name, value)| (name.to_string(), value.to_string())));
    assert_eq!(site.token().await, None, "it changes nothing");

    expect_authorized(site.ana.post_exactly(ANSWERS, &passed_on).await).await;
    let sent = site.server.last();
    assert!(String::from_utf8_lossy(&sent.body).contains("code=c0de-%221"), "{sent:?}");
    assert_eq!(site.token().await.as_deref(), Some("tok3n-1"));
    expect_authorized(site.ana.post_exactly(ANSWERS, &passed_on).await).await;
}

/// What is passed on counts in the session that left, and from a page of ours.
#[tokio::test]
async fn a_posted_answer_counts_in_its_own_session_only() {
    let site = Site::new().await;
    let state = site.state().await;
    let fields = [("code", "c0de-1"), ("state", state.as_str())];
    let ben = site.app.person(&[EditConnectors]).await;
    assert_eq!(ben.post_exactly(ANSWERS, &fields).await.expect(400).h1(), "This sign-in began in another session");
    posted(&site.app, ANSWERS, &fields).await.expect(403);
    let signed_out = site.app.browser().post_exactly(ANSWERS, &fields).await.expect(303);
    assert!(signed_out.location().is_some_and(|location| location.starts_with("/sign-in")));
    let made_up = [("code", "c0de-1"), ("state", "made-up")];
    assert_eq!(site.ana.post_exactly(ANSWERS, &made_up).await.expect(400).h1(), "This sign-in could not be completed");
    assert_eq!((site.token().await, site.server.seen().len()), (None, 0));
    let denied = [("error", "access_denied"), ("error_description", "No."), ("state", state.as_str())];
    assert_eq!(site.ana.post_exactly(ANSWERS, &denied).await.expect(200).h1(), "Access was denied");
}

/// The page for posts of other sites is open to all, so it is small and limited.
#[tokio::test]
async fn what_other_sites_post_is_limited() {
    let site = Site::new().await;
    posted(&site.app, CALLBACK, &[("code", &"x".repeat(17_000))]).await.expect(413);
    let page = posted(&site.app, "/connectors/none/authorization/callback", &[("a", "b")]).await.expect(200);
    assert!(hidden(&page).is_empty());
    let mut statuses = Vec::new();
    for _ in 0..30 {
        statuses.push(posted(&site.app, CALLBACK, &[("code", "x")]).await.status);
    }
    assert_eq!((statuses[0], statuses[28], statuses[29]), (200, 200, 429));
}

const SHARED: &str = "/oauth/callback";

/// Chooses the redirect URL of the whole site, and gives the state of a new request.
async fn share(site: &Site, tab: &str, fill: impl FnOnce(FormFill) -> FormFill) {
    let page = site.ana.get(tab).await.expect(200);
    let form = fill(page.form(tab).set("redirect", "shared"));
    form.send().await.expect(303);
}

/// A provider that takes one redirect URL only; two connectors to it.
#[tokio::test]
async fn one_redirect_url_serves_all_connectors_and_the_state_finds_the_one() {
    let site = Site::new().await;
    let url = format!("{}{SHARED}", site.app.public_url);
    assert_eq!(site.ana.get(TAB).await.field_value("redirect"), "own");
    let ledger = connector(&site.app, "Ledger", &site.server).await;
    let tabs = [("payroll", site.id), ("ledger", ledger)];
    for (key, _) in tabs {
        let tab = format!("/connectors/{key}/authorization");
        share(&site, &tab, |form| form).await;
        assert_eq!(site.ana.get(&tab).await.field_value("redirect_url"), url);
    }
    for (key, id) in tabs {
        let away = leave(&site.ana, &format!("/connectors/{key}/authorization/attempts")).await;
        assert_eq!(asked(&away, "redirect_uri"), url);
        let answer = format!("{SHARED}?code=c0de-{key}&state={}", asked(&away, "state"));
        site.get_with(&answer, ("Sec-Purpose", "prefetch")).await.expect(503);
        for _ in 0..2 {
            let page = site.ana.get(&answer).await.expect(303).follow().await.expect(200);
            assert_eq!(page.path, format!("/connectors/{key}/authorization"));
            assert_eq!(page.flash(), AUTHORIZED);
        }
        let sent = String::from_utf8_lossy(&site.server.last().body).into_owned();
        let encoded: String = form_urlencoded::byte_serialize(url.as_bytes()).collect();
        assert!(sent.contains(&format!("code=c0de-{key}")) && sent.contains(&encoded), "{sent}");
        assert_eq!(site.app.token(id).await.as_deref(), Some("tok3n-1"));
    }
    assert_eq!(site.server.seen().len(), 2);
}

/// The address is a part of what tells servers apart: a response counts where its request said that it comes.
#[tokio::test]
async fn a_response_counts_at_the_redirect_url_of_its_request() {
    let site = Site::new().await;
    let unknown = "This sign-in could not be completed";
    let state = site.state().await;
    let page = site.ana.get(&format!("{SHARED}?code=c&state={state}")).await.expect(400);
    assert_eq!(page.h1(), unknown);
    share(&site, TAB, |form| form).await;
    let state = site.state().await;
    let page = site.ana.get(&format!("{CALLBACK}?code=c&state={state}")).await.expect(400);
    assert_eq!(page.h1(), unknown);
    assert_eq!((site.token().await, site.server.seen().len()), (None, 0));
}

/// Nothing of a connector is shown to a session that did not ask.
#[tokio::test]
async fn the_shared_redirect_url_tells_strangers_nothing() {
    let site = Site::new().await;
    share(&site, TAB, |form| form).await;
    let state = site.state().await;
    let ben = site.app.person(&[EditConnectors]).await;
    for (browser, address, title) in [
        (&ben, format!("{SHARED}?code=c&state={state}"), "This sign-in began in another session"),
        (&site.ana, format!("{SHARED}?code=c&state=made-up"), "This sign-in could not be completed"),
        (&site.ana, format!("{SHARED}?code=c"), "This sign-in could not be completed"),
        (&site.ana, format!("{SHARED}?x=y"), "There is no response in this address"),
    ] {
        let page = browser.get(&address).await.expect(400);
        assert_eq!(page.h1(), title, "{address}");
        assert!(!page.text().contains("Payroll"), "{address}");
        assert!(page.has_link("Back to data connectors"));
    }
    assert_eq!(site.server.seen().len(), 0);
}

/// At an address that servers share, a response that names its issuer counts for that Issuer only (RFC 9207).
#[tokio::test]
async fn at_the_shared_redirect_url_a_named_issuer_must_be_the_connectors() {
    let site = Site::new().await;
    let iss = "&iss=https%3A%2F%2Fid.example.org";
    share(&site, TAB, |form| form).await;
    let page = site.ana.get(&format!("{SHARED}?code=c&state={}{iss}", site.state().await)).await.expect(400);
    assert_eq!(page.h1(), "This response names its issuer, and none is set");
    share(&site, TAB, |form| form.set("issuer", "https://other.example.org")).await;
    let page = site.ana.get(&format!("{SHARED}?code=c&state={}{iss}", site.state().await)).await.expect(400);
    assert_eq!(page.h1(), "This response comes from another server");
    assert_eq!(site.server.seen().len(), 0);
    share(&site, TAB, |form| form.set("issuer", "https://id.example.org")).await;
    expect_authorized(site.ana.get(&format!("{SHARED}?code=c&state={}{iss}", site.state().await)).await).await;
}

/// The other kinds of answers come there as well: posted by the server, and behind the #.
#[tokio::test]
async fn the_shared_redirect_url_takes_posted_answers_and_fragments() {
    let site = Site::new().await;
    share(&site, TAB, |form| form).await;
    let state = site.state().await;
    let page = posted(&site.app, SHARED, &[("code", "c0de-1"), ("state", &state)]).await.expect(200);
    assert!(page.has_form("/oauth/answers"));
    let fields = hidden(&page);
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    expect_authorized(site.ana.post_exactly("/oauth/answers", &fields).await).await;

    site.app.sql("UPDATE connectors SET method = 'oauth_implicit'; DELETE FROM tokens").await;
    let state = site.state().await;
    let page = site.ana.get(SHARED).await.expect(200);
    assert_eq!(page.h1(), "Finish authorizing");
    let address = format!("{}{SHARED}#access_token=tok3n-2&state={state}", site.app.public_url);
    let empty = page.form("/oauth/answers").send().await.expect(422);
    assert_eq!(empty.field_error("address").as_deref(), Some("Paste the whole address of this page"));
    expect_authorized(page.form("/oauth/answers").set("address", &address).send().await).await;
    assert_eq!(site.token().await.as_deref(), Some("tok3n-2"));
}

/// A token of the type DPoP counts only with a proof: it is refused when it arrives.
#[tokio::test]
async fn a_token_that_is_bound_to_a_key_is_refused_when_it_arrives() {
    let site = Site::with(|_| Reply::json(200, r#"{"access_token":"t","token_type":"DPoP"}"#)).await;
    let page = site.ana.get(&site.answer().await).await.expect(200);
    assert_eq!(page.h1(), "No access token");
    assert!(page.text().contains("a token of the type DPoP") && page.text().contains("turn off DPoP"));
    assert_eq!(site.token().await, None);

    site.app.sql("UPDATE connectors SET method = 'oauth_implicit'").await;
    let address = format!("#access_token=t&token_type=dpop&state={}", site.state().await);
    let page = site.ana.post_exactly(ANSWERS, &[("address", &address)]).await.expect(200);
    assert!(page.text().contains("a token of the type DPoP"), "{}", page.text());
    assert_eq!(site.token().await, None);
}

/// One that was stored by an earlier version is not sent without its proof.
#[tokio::test]
async fn a_stored_token_that_is_bound_to_a_key_is_not_sent() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.sql("UPDATE tokens SET token_type = 'DPoP'").await;
    assert_eq!(world.proxied("/echo").await.status, 409, "it must be authorized again");
    assert!(world.api.seen().is_empty());
}
