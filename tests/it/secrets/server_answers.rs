//! Tokens that servers put where nobody looks for one, in answers that bring none: after a day with them, each is in no
//! page, no problem document, no table and no log.

use connectory::access::ApiKey;
use tokio_postgres::Client;

use super::at_rest::{all_rows, create, dump, files_with, found, spellings};
use super::*;
use crate::support::hostile::answer;

const JSON: (&str, &str) = ("Content-Type", "application/json");
const HTML: (&str, &str) = ("Content-Type", "text/html");
const XML: (&str, &str) = ("Content-Type", "application/xml");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const TEXT: (&str, &str) = ("Content-Type", "text/plain");

const UP: &str = include_str!("../../../migrations/2026-11-29-130000_reduce_server_words/up.sql");

/// A token as servers make them, of its own for each place: in turn a JWT's shape, hexadecimal digits, base64url and
/// base64.
fn canary(number: usize) -> String {
    let random: String = (0..3).map(|part| format!("{:016x}", rand_of(number as u64 * 3 + part))).collect();
    let bytes: Vec<u8> = random.bytes().collect();
    match number % 4 {
        0 => format!("eyJhbGciOiJub25lIn0.{}.c2ln", URL_SAFE.encode(&bytes[..30])),
        1 => random,
        2 => format!("{}_{}", &URL_SAFE.encode(&bytes[..24]), &random[..6]),
        _ => format!("{}+/9w==", STANDARD.encode(&bytes[..27])),
    }
}

/// The same numbers in every run, without a pattern (SplitMix64).
fn rand_of(seed: u64) -> u64 {
    let mut z = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A JSON answer whose second chunk begins in the midst of the token.
fn chunked(token: &str) -> Behaviour {
    let body = format!(r#"{{"error":"invalid_request","error_description":"Saw {token} here"}}"#);
    let (first, second) = body.split_at(body.find(token).expect("the token") + token.len() / 2);
    let chunk = |text: &str| format!("{:x}\r\n{text}\r\n", text.len());
    let head = "HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    Behaviour::Answer(format!("{head}{}{}0\r\n\r\n", chunk(first), chunk(second)).into_bytes())
}

type Case = (&'static str, fn(&str) -> Behaviour);

/// Every place of an answer.
const CASES: &[Case] = &[
    ("unknown name", |t| answer(400, &[JSON], &format!(r#"{{"wert":"{t}"}}"#))),
    ("unknown name under success", |t| answer(200, &[JSON], &format!(r#"{{"wert":"{t}"}}"#))),
    ("nested", |t| answer(400, &[JSON], &format!(r#"{{"a":{{"b":[{{"c":"{t}"}}]}},"l":["{t}"]}}"#))),
    ("a name itself", |t| answer(200, &[JSON], &format!(r#"{{"{t}":{{"x":1}}}}"#))),
    ("bare JSON", |t| answer(400, &[JSON], &format!(r#""{t}""#))),
    ("list", |t| answer(500, &[JSON], &format!(r#"["{t}",{{"x":"{t}"}}]"#))),
    ("error_description", |t| {
        answer(400, &[JSON], &format!(r#"{{"error":"invalid_request","error_description":"Saw {t}, no"}}"#))
    }),
    ("error code", |t| answer(400, &[JSON], &format!(r#"{{"error":"{t}"}}"#))),
    ("error_uri", |t| {
        answer(
            400,
            &[JSON],
            &format!(r#"{{"error":"invalid_request","error_description":"See https://a.example/{t}?t={t}"}}"#),
        )
    }),
    ("error under success", |t| {
        answer(200, &[JSON], &format!(r#"{{"error":"invalid_request","access_token":"{t}","message":"{t}"}}"#))
    }),
    ("field of a form", |t| answer(400, &[JSON], &format!(r#"{{"user":["Not for {t} here."]}}"#))),
    ("XML", |t| answer(400, &[XML], &format!("<?xml version=\"1.0\"?><r><token>{t}</token></r>"))),
    ("XML under success", |t| answer(200, &[XML], &format!("<r a=\"{t}\"><token>{t}</token></r>"))),
    ("HTML title", |t| answer(502, &[HTML], &format!("<html><title>Welcome {t}</title><p>{t}</p></html>"))),
    ("HTML body under success", |t| {
        answer(200, &[HTML], &format!("<html><title>Hello</title><body>{t}<input value=\"{t}\"></body></html>"))
    }),
    ("plain text", |t| answer(400, &[TEXT], &format!("your token is {t}"))),
    ("form", |t| {
        answer(
            400,
            &[FORM],
            &format!(
                "wert={0}&error=invalid_request&error_description=Saw+{0}",
                form_urlencoded::byte_serialize(t.as_bytes()).collect::<String>()
            ),
        )
    }),
    ("Location", |t| answer(302, &[("Location", &format!("/next/{t}?t={t}"))], "")),
    ("headers", |t| {
        answer(
            401,
            &[
                ("WWW-Authenticate", &format!("Bearer error_description=\"{t}\"")),
                ("Retry-After", t),
                ("Set-Cookie", &format!("t={t}")),
                ("X-Token", t),
            ],
            "",
        )
    }),
    ("chunks", chunked),
];

fn key_of(number: usize) -> String {
    format!("case-{number}")
}

/// The day: its pages, and the bodies of problem documents.
struct Day<'a> {
    browser: &'a Browser,
    client: Client,
    key: ApiKey,
    pages: Vec<Page>,
    problems: Vec<String>,
}

impl Day<'_> {
    async fn saw(&mut self, path: &str) {
        let page = self.browser.get(path).await.expect(200);
        self.pages.push(page);
    }

    async fn sql(&self, statement: &str) {
        self.client.batch_execute(statement).await.expect("a statement");
    }

    /// A key of a program that opens everything.
    async fn make_key(&self) {
        let hash: String = self.key.hash().iter().map(|byte| format!("{byte:02x}")).collect();
        self.sql(&format!(
            "INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by)
                 VALUES (gen_random_uuid(), 'Billing', 'billing', ' billing', now(), 'Ana', now(), 'Ana');
             INSERT INTO api_keys (id, hash, prefix, name, program_id, created_at, created_by)
                 SELECT gen_random_uuid(), '\\x{hash}', '{}', 'Nightly', id, now(), 'Ana' FROM programs;
             INSERT INTO api_key_scopes (id, api_key_id, all_endpoints, proxy, token)
                 SELECT gen_random_uuid(), id, true, true, true FROM api_keys",
            self.key.prefix()
        ))
        .await;
    }

    /// A connector that got its token from a good server, and now is told to ask this one.
    async fn connector(&mut self, number: usize, good: &Hostile, server: &Hostile) {
        let (key, tab) = (key_of(number), format!("/connectors/{}/authorization", key_of(number)));
        create(self.browser, &format!("Case {number}"), "oauth_client_credentials").await;
        let form = self.browser.get(&tab).await.form(&tab);
        let form = form
            .set("token_url", &good.url("/token"))
            .set("client_id", "app")
            .set("client_secret", "canary-of-the-client");
        let saved = form.send().await.expect(303).follow().await.expect(200);
        let renewal = saved.form(&format!("{tab}/token-renewals"));
        renewal.send().await.expect(303);
        self.sql(&format!(
            "UPDATE connectors SET base_url = '{}' WHERE key = '{key}';
             UPDATE oauth_clients SET token_url = '{}', revocation_url = '{}'
                 WHERE connector_id = (SELECT id FROM connectors WHERE key = '{key}');
             UPDATE tokens SET obtained_at = now() - interval '2 hours', expires_at = now() - interval '1 hour'
                 WHERE connector_id = (SELECT id FROM connectors WHERE key = '{key}')",
            server.url("/api"),
            server.url("/token"),
            server.url("/revoke")
        ))
        .await;
        let approvals = format!("{tab}/approvals");
        let form = self.browser.get(&approvals).await.form(&approvals);
        let form = form.tick("origin", server.url("/").trim_end_matches('/'));
        form.confirmed().send().await.expect(303);
    }

    /// A program's call, for which a token would have to be had.
    async fn call(&mut self, key: &str) {
        for path in ["proxy/orders", "token"] {
            let path = format!("/api/v1/connectors/{key}/{path}");
            let request = self.browser.request(reqwest::Method::GET, &path);
            let request = request.bearer_auth(self.key.expose());
            let answer = request.send().await.expect("an answer");
            assert!(answer.status().as_u16() >= 400, "{key} {path}");
            self.problems.push(answer.text().await.expect("a body"));
        }
    }

    /// Whatever a person can press that makes the server answer.
    async fn press(&mut self, key: &str, server: &Hostile) {
        let tab = format!("/connectors/{key}/authorization");
        // The requests of one person are limited by their user name.
        let name = key.replace("case-", "ana");
        self.sql(&format!("UPDATE users SET username = '{name}'")).await;
        for (action, button) in [(format!("{tab}/token-renewals"), None), (tab.clone(), Some("Test connection"))] {
            let form = self.browser.get(&tab).await.form(&action);
            let form = match button {
                Some(button) => form.press(button),
                None => form,
            };
            let page = form.send().await;
            let page = match page.location() {
                Some(_) => page.follow().await,
                None => page,
            };
            self.pages.push(page.expect(200));
        }
        let form = self.browser.get(&tab).await.form(&tab);
        let form = form.set("issuer", &server.url("/issuer"));
        self.pages.push(form.press("Find settings").send().await);
    }
}

#[tokio::test]
async fn tokens_of_other_servers_are_in_no_page_problem_table_or_log() {
    let here = Installation::new().set("CONNECTORY_LOG", "trace").set("CONNECTORY_OUTBOUND_LOOPBACK", "yes");
    let mut program = here.serve();
    let browser = program.found().await;
    let url = PrivatePostgres::url_if_running(&here.folder).expect("a running PostgreSQL");
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("it");
    tokio::spawn(connection);
    let mut day = Day { browser: &browser, client, key: ApiKey::random(), pages: Vec::new(), problems: Vec::new() };
    day.make_key().await;
    let good = Hostile::json(r#"{"access_token":"good-for-now","expires_in":3600}"#).await;
    let canaries: Vec<String> = (0..CASES.len()).map(canary).collect();
    let mut servers = Vec::new();
    for (number, (_, make)) in CASES.iter().enumerate() {
        let server = Hostile::start(make(&canaries[number])).await;
        day.connector(number, &good, &server).await;
        servers.push(server);
    }
    // An answer that the browser brings.
    create(&browser, "Code", "oauth_authorization_code").await;
    let brought = canary(CASES.len());
    for (number, server) in servers.iter().enumerate() {
        let key = key_of(number);
        day.call(&key).await;
        day.press(&key, server).await;
        // Stored by now: the next call is told what the last try brought.
        day.call(&key).await;
        for part in ["", "/authorization", "/activity", "/activity/changes"] {
            day.saw(&format!("/connectors/{key}{part}")).await;
        }
    }
    let callback = "/connectors/code/authorization/callback";
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("error", &brought)
        .append_pair("error_description", &format!("Saw {brought}"))
        .finish();
    let address = format!("{callback}?{query}&state=unknown");
    day.pages.push(browser.get(&address).await);
    for path in ["/", "/connectors", "/calls", "/calls.csv", "/notices", "/audit"] {
        day.saw(path).await;
    }
    let calls = browser.get("/calls").await;
    for (_, link) in calls.links() {
        if link.starts_with("/calls/") {
            day.saw(&link).await;
        }
    }

    let named = CASES.iter().map(|(name, _)| *name).chain(["the callback"]);
    let secrets: Vec<(&'static str, Vec<String>)> = named
        .zip(canaries.iter().chain([&brought]))
        .map(|(name, canary)| (name, spellings(canary.as_bytes())))
        .collect();
    // What people need is there, so the search sees what it must.
    let said = |words: &str| day.pages.iter().any(|page| page.text().contains(words));
    assert!(said("The server said: “invalid_request: Saw ‹masked›, no”"));
    assert!(said("The server said: “Hello”") && said("Welcome ‹masked›"));
    let problems = day.problems.join("\n");
    assert!(problems.contains("invalid_request: Saw ‹masked›"), "{problems}");
    for page in &day.pages {
        assert_eq!(found(&secrets, &page.html), [""; 0], "on {}", page.path);
    }
    assert_eq!(found(&secrets, &problems), [""; 0], "in a problem document");
    let (rows, dump) = (all_rows(&url).await, dump(&url));
    let (status, log) = program.stop();
    assert!(status.success(), "{status}");
    for (place, text) in [("rows", &rows), ("dump", &dump)] {
        assert!(text.contains("Saw ‹masked›"), "the search sees the {place}");
        assert_eq!(found(&secrets, text), [""; 0], "in the {place}");
    }
    assert!(log.contains("TRACE") && log.contains("case-0"));
    assert_eq!(found(&secrets, &log), [""; 0], "in the log");
    for (name, spellings) in &secrets {
        let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
        assert_eq!(files_with(&here.folder, &spellings), "", "{name} in a file");
    }
}

#[tokio::test]
async fn words_that_were_stored_before_are_reduced() {
    let app = TestApp::start().await;
    app.sql("CREATE TABLE calls_of_before PARTITION OF calls DEFAULT").await;
    let token = canary(1);
    let moved = format!("The server redirects to “https://a.example/{token}”.");
    let members = format!("The answer has no token. Its members are {token}, b.");
    for (number, (message, words, message_now, words_now)) in [
        (
            "The server answered 400 (Bad Request).",
            format!("invalid_grant: {token}"),
            "The server answered 400 (Bad Request).",
            "invalid_grant",
        ),
        ("The server answered 400 (Bad Request).", token.clone(), "The server answered 400 (Bad Request).", ""),
        (&moved, String::new(), "The server redirects to another address.", ""),
        (&members, String::new(), "The answer has no token.", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let id = app.connector(&format!("Payroll {number}")).await;
        let now = app.clock.now().to_rfc3339();
        app.sql(&format!(
            "INSERT INTO renewals (connector_id, failures, failed_at, is_final, message, server_words) VALUES ('{id}', 1, '{now}', false, '{message}', '{words}')
                 ON CONFLICT (connector_id) DO UPDATE SET message = excluded.message, server_words = excluded.server_words;
             INSERT INTO notice_events (id, connector_id, health, began_at, message, remedy) VALUES ('{id}', '{id}', 'failing', '{now}', '{message}', '');
             INSERT INTO calls (id, at, kind, connector_id, connector_name, caller_kind, caller_id, caller_name, method, outcome, total_us, detail)
                 VALUES ('{id}', '{now}', 'proxy', '{id}', 'Payroll', 'program', '{id}', 'Billing', 'GET', 'failed', 1, '{message} The server said: “{words}\nand {token}”');
             INSERT INTO notice_deliveries (id, event_id, occasion, channel, recipient, since, state, due_at, problem)
                 VALUES ('{id}', '{id}', 'began', 'email', 'a@example.org', '{now}', 'waiting', '{now}', 'The mail server refused it: 550 {token}')"
        ))
        .await;
        app.sql(UP).await;
        let stored = app
            .rows(&format!(
                "SELECT r.message, r.server_words, e.message, c.detail, d.problem FROM renewals r
                 JOIN notice_events e USING (connector_id) JOIN calls c USING (connector_id) JOIN notice_deliveries d ON d.event_id = e.id
                 WHERE r.connector_id = '{id}'"
            ))
            .await;
        let expected = [message_now, words_now, message_now, message_now, "The mail server refused it."];
        assert_eq!(stored, [expected]);
    }
}
