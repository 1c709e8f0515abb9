//! A day with the OAuth grants, and then the search for whatever is secret in them: client secret, password, code,
//! state, verifier and tokens.

use std::collections::BTreeSet;

use super::at_rest::{all_rows, create, dump, files_with, found, spellings};
use super::*;

const OWN_PASSWORD: &str = "canary of a person 81b2";
const CLIENT_SECRET: &str = "canary-client-+/%:& =-27aa";
const WRONG_SECRET: &str = "canary-wrong-secret-9cd1";
const PASSWORD_GRANT: &str = "canary-oauth-pässword-\"<>-44e0";
const CODE: &str = "canary-code-0f17/+=";
const ACCESS: &str = "canary-access-token-6b3e";
const REFRESH: &str = "canary-refresh-token-d250";
const IMPLICIT: &str = "canary-implicit-token-aa94";

/// Not secret, and in the same places: without it the search would prove nothing.
const PUBLIC: &str = "no-secret-at-all-7731";

fn tab(key: &str) -> String {
    format!("/connectors/{key}/authorization")
}

/// The browser of the day, and every page that it has seen.
struct Day<'a> {
    browser: &'a Browser,
    pages: Vec<Page>,
    /// What only the flow itself knows: states, verifiers.
    random: Vec<(&'static str, String)>,
}

impl Day<'_> {
    fn saw(&mut self, page: Page) -> &Page {
        self.pages.push(page);
        self.pages.last().expect("a page")
    }

    /// A new connector of this method with the settings, saved.
    async fn connector(&mut self, name: &str, method: &str, server: &Hostile) {
        create(self.browser, name, method).await;
        let key = name.to_lowercase();
        let page = self.browser.get(&tab(&key)).await;
        let form = page
            .form(&tab(&key))
            .set("authorize_url", &server.url("/authorize"))
            .set("token_url", &server.url("/token"))
            .set("revocation_url", &server.url("/revoke"))
            .set("client_id", PUBLIC)
            .set("client_secret", CLIENT_SECRET)
            .set("oauth_user", "svc")
            .set("oauth_password", PASSWORD_GRANT);
        let tested = form.press("Test connection").send().await.expect(200);
        let form = tested.form(&tab(&key)).set("client_secret", CLIENT_SECRET).set("oauth_password", PASSWORD_GRANT);
        self.saw(tested);
        let page = form.send().await.expect(303).follow().await;
        self.saw(page);
    }

    /// Presses Authorize; the page that leads away shows the state in its link, as it must.
    async fn state(&mut self, key: &str) -> String {
        let page = self.browser.get(&tab(key)).await;
        let attempts = format!("{}/attempts", tab(key));
        let page = page.form(&attempts).send().await.expect(200);
        let links = page.links();
        let link = links.iter().find(|(words, _)| words.starts_with("Continue"));
        let (_, query) = link.expect("a link").1.split_once('?').expect("a query");
        let state = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "state");
        let state = state.expect("a state").1.into_owned();
        self.random.push(("a state", state.clone()));
        state
    }

    /// Brings an answer with the code; twice, so that the second has the outcome of the first, or is refused.
    async fn come_back(&mut self, key: &str, status: u16) {
        let state = self.state(key).await;
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("code", CODE)
            .append_pair("state", &state)
            .finish();
        let address = format!("{}/callback?{query}", tab(key));
        let page = self.browser.get(&address).await.expect(status);
        self.saw(page);
        let page = self.browser.get(&address).await.expect(if status == 303 { 303 } else { 400 });
        self.saw(page);
    }

    /// A form of the tab that is sent as it is.
    async fn press(&mut self, key: &str, part: &str) {
        let action = format!("{}{part}", tab(key));
        let from = if part == "/disconnections" { &action } else { &tab(key) };
        let page = self.browser.get(from).await.form(&action).send().await;
        let page = match page.location() {
            Some(_) => page.follow().await,
            None => page,
        };
        self.saw(page);
    }
}

/// Every grant, with a server that gives tokens and one that echoes all that it is sent.
async fn a_day(day: &mut Day<'_>, server: &Hostile, echo: &Hostile) {
    day.connector("Code", "oauth_authorization_code", server).await;
    day.come_back("code", 303).await;
    day.press("code", "/token-renewals").await;
    let page = day.browser.get(&tab("code")).await;
    let tested = page.form(&tab("code")).press("Test connection").send().await;
    day.saw(tested.expect(200));

    day.connector("Echo", "oauth_authorization_code", echo).await;
    day.come_back("echo", 200).await;
    for (name, method, of) in [
        ("Client", "oauth_client_credentials", server),
        ("Echoed", "oauth_client_credentials", echo),
        ("Password", "oauth_password", server),
        ("Parrot", "oauth_password", echo),
    ] {
        day.connector(name, method, of).await;
        day.press(&name.to_lowercase(), "/token-renewals").await;
    }
    // Typed into a form that is refused.
    let page = day.browser.get(&tab("client")).await;
    let form = page.form(&tab("client")).set("client_secret_choice", "replace");
    let form = form.set("client_secret", WRONG_SECRET).set("lifetime", "x");
    day.saw(form.send().await.expect(422));

    day.connector("Implicit", "oauth_implicit", server).await;
    let callback = format!("{}/callback", tab("implicit"));
    for status in [303, 400] {
        let state = day.state("implicit").await;
        let state = if status == 303 { state } else { "unknown".into() };
        let address = format!("http://here{callback}#access_token={IMPLICIT}&state={state}");
        let page = day.browser.get(&callback).await.expect(200);
        let form = page.form(&format!("{}/answers", tab("implicit"))).set("address", &address);
        day.saw(form.send().await.expect(status));
    }
    for key in ["code", "echo", "client", "echoed", "password", "parrot", "implicit"] {
        for part in ["", "/authorization", "/activity/changes"] {
            let page = day.browser.get(&format!("/connectors/{key}{part}")).await;
            day.saw(page.expect(200));
        }
    }
    // The client's tokens are given back, the others stay in the database for the search.
    day.press("client", "/disconnections").await;
}

/// The values of a parameter in what the servers were sent.
fn sent(servers: &[&Hostile], name: &str) -> BTreeSet<String> {
    let requests = servers.iter().flat_map(|server| server.requests());
    let bodies: Vec<String> = requests.map(|request| request.body).collect();
    let pairs = bodies.iter().flat_map(|body| form_urlencoded::parse(body.as_bytes()));
    pairs.filter(|(known, _)| known == name).map(|(_, value)| value.into_owned()).collect()
}

#[tokio::test]
async fn no_secret_of_a_grant_is_in_the_database_the_log_or_a_page() {
    let here = Installation::new().set("CONNECTORY_LOG", "trace").set("CONNECTORY_OUTBOUND_LOOPBACK", "yes");
    let server = Hostile::json(&format!(
        r#"{{"access_token":"{ACCESS}","refresh_token":"{REFRESH}","expires_in":3600,"scope":"{PUBLIC}"}}"#
    ))
    .await;
    let echo = Hostile::start(Behaviour::Echo).await;
    let mut program = here.serve();
    let (browser, code) = (program.browser(), program.code());
    let first_run = |form: crate::support::FormFill| {
        form.set("code", &code).set("username", "ana").set("full_name", "Ana").set("password", OWN_PASSWORD)
    };
    browser.open("/").await.submit(first_run).await.expect(303);
    let mut day = Day { browser: &browser, pages: Vec::new(), random: Vec::new() };
    a_day(&mut day, &server, &echo).await;

    let both = [&server, &echo];
    for (name, value) in [("code", CODE), ("refresh_token", REFRESH), ("password", PASSWORD_GRANT), ("token", ACCESS)] {
        assert!(sent(&both, name).contains(value), "{name} was in use");
    }
    let verifiers = sent(&both, "code_verifier");
    assert!(verifiers.len() >= 2, "PKCE was in use");
    let mut canaries: Vec<(&'static str, String)> = [
        ("the client secret", CLIENT_SECRET),
        ("the refused client secret", WRONG_SECRET),
        ("the password of the grant", PASSWORD_GRANT),
        ("the code", CODE),
        ("the access token", ACCESS),
        ("the refresh token", REFRESH),
        ("the token of the implicit grant", IMPLICIT),
    ]
    .map(|(name, secret)| (name, secret.to_string()))
    .into();
    canaries.extend(day.random);
    canaries.extend(verifiers.into_iter().map(|verifier| ("a verifier", verifier)));
    let secrets: Vec<(&'static str, Vec<String>)> =
        canaries.iter().map(|(name, secret)| (*name, spellings(secret.as_bytes()))).collect();

    assert!(day.pages.len() > 40, "{} pages", day.pages.len());
    for page in &day.pages {
        assert_eq!(found(&secrets, &page.html), [""; 0], "on {}", page.status);
        let location = page.location().unwrap_or_default();
        assert_eq!(found(&secrets, location), [""; 0], "in a Location");
    }
    let url = PrivatePostgres::url_if_running(&here.folder).expect("a running PostgreSQL");
    let (rows, dump) = (all_rows(&url).await, dump(&url));
    let (status, log) = program.stop();
    assert!(status.success(), "{status}");
    for (place, text) in [("rows", &rows), ("dump", &dump)] {
        assert!(text.contains(PUBLIC), "the search sees the {place}");
        assert_eq!(found(&secrets, text), [""; 0], "in the {place}");
    }
    assert!(log.contains("TRACE") && log.contains("/connectors/code"));
    assert_eq!(found(&secrets, &log), [""; 0], "in the log");
    let public = files_with(&here.folder, &[PUBLIC]);
    assert!(public.contains("/pg_wal/"), "the search sees the files: {public}");
    for (name, spellings) in &secrets {
        let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
        assert_eq!(files_with(&here.folder, &spellings), "", "{name} in a file");
    }
}
