//! A day with secrets of every kind, and then the search for them in every place and every spelling.

use super::*;

const PEOPLES_PASSWORD: &str = "canary of a person 6c04f1";
const BASIC: &str = "canary-basic-&+ü%-8d12";
const API_KEY: &str = "canary-api-key-77b0";
const PASTED: &str = "canary-pasted-token-19ae";
const ISSUED: &str = "canary-issued-token-c3d5";
const TOKEN_PASSWORD: &str = "canary-token-password-\"<>-50e9";
const CLIENT_SECRET: &str = "canary-client-secret-/+=-2f6b";

/// Not secret, and in the same places: without it the search would prove nothing.
const PUBLIC: &str = "no-secret-at-all-4410";

/// Every way in which a secret may be written down.
pub(super) fn spellings(secret: &[u8]) -> Vec<String> {
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![hex.to_uppercase(), hex];
    for offset in 0..3 {
        // In the midst of other text, base64 depends on where the secret begins; what is next to its ends varies.
        let shifted = [&[0; 3][..offset], secret].concat();
        let whole = shifted.len() / 3 * 3;
        let start = if offset == 0 { 0 } else { 4 };
        all.extend([
            STANDARD.encode(&shifted[..whole])[start..].to_string(),
            URL_SAFE.encode(&shifted[..whole])[start..].to_string(),
        ]);
    }
    if let Ok(text) = std::str::from_utf8(secret) {
        let encoded: String = form_urlencoded::byte_serialize(secret).collect();
        let json = serde_json::Value::from(text).to_string();
        all.extend([text.to_string(), encoded.replace('+', "%20"), encoded, json.trim_matches('"').to_string()]);
    }
    all
}

/// The secret whose spelling stands in a text.
pub(super) fn found<'a>(secrets: &'a [(&'static str, Vec<String>)], text: &str) -> Vec<&'a str> {
    let stands = |spellings: &Vec<String>| spellings.iter().any(|spelling| text.contains(spelling.as_str()));
    secrets.iter().filter(|(_, spellings)| stands(spellings)).map(|(name, _)| *name).collect()
}

/// The files of a folder that hold one of the texts.
pub(super) fn files_with(folder: &Path, texts: &[&str]) -> String {
    let grep = ["-r", "--files-with-matches", "--text", "--fixed-strings", "--exclude=master.key", "--file=-", "."];
    let mut grep = Command::new("grep")
        .args(grep)
        .current_dir(folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("grep");
    grep.stdin.take().expect("its input").write_all(texts.join("\n").as_bytes()).expect("the texts");
    String::from_utf8(grep.wait_with_output().expect("its output").stdout).expect("names of files")
}

/// Everything in the database as text, bytes as hexadecimal digits.
pub(super) async fn all_rows(url: &str) -> String {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let tables = client
        .query("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public'", &[])
        .await
        .expect("the tables");
    assert!(tables.len() > 10, "{} tables", tables.len());
    let mut text = String::new();
    for table in tables {
        let rows = client.simple_query(&format!("SELECT * FROM {}", table.get::<_, &str>(0))).await.expect("the rows");
        for message in rows {
            if let SimpleQueryMessage::Row(row) = message {
                (0..row.len()).for_each(|column| text.extend([row.get(column).unwrap_or_default(), "\n"]));
            }
        }
    }
    text
}

pub(super) fn dump(url: &str) -> String {
    let output = Command::new("pg_dump").args(["--inserts", url]).output().expect("pg_dump");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

pub(super) async fn create(browser: &Browser, name: &str, method: &str) -> Page {
    let page = browser.get("/connectors/new").await.expect(200);
    let fill = page.main_form().set("connector_name", name).set("description", PUBLIC).set("auth_method", method);
    fill.send().await.expect(303).follow().await.expect(200)
}

/// A person's whole day with secrets of every kind. Gives every page but those that show a token for once, and the API
/// key that one of these showed.
async fn a_day(
    browser: &Browser,
    code: &str,
    token_url: &str,
    refusing_url: &str,
    client: &Issued,
) -> (Vec<Page>, String) {
    let page = browser.open("/").await;
    let fill = page
        .main_form()
        .set("code", code)
        .set("username", "ana")
        .set("full_name", "Ana")
        .set("password", PEOPLES_PASSWORD);
    fill.send().await.expect(303);
    browser.post("/sign-out", &[]).await.expect(303);
    let mut pages = vec![browser.sign_in("ana", &format!("{PEOPLES_PASSWORD}!")).await.expect(422)];
    browser.sign_in("ana", PEOPLES_PASSWORD).await.expect(303);

    let tab = |key: &str| format!("/connectors/{key}/authorization");
    let page = create(browser, "Basic", "basic").await;
    let certificates =
        page.form(&tab("basic")).set("client_certificate", &client.certificate_pem).set("client_key", &client.key_pem);
    let saved = certificates.set("password", BASIC).send().await.expect(303).follow().await;
    pages.push(
        saved
            .form(&tab("basic"))
            .set("password_choice", "replace")
            .set("password", BASIC)
            .set("user_name", "a:b")
            .send()
            .await
            .expect(422),
    );
    pages.push(
        saved
            .form(&tab("basic"))
            .set("password_choice", "replace")
            .set("password", BASIC)
            .set("own_password", TOKEN_PASSWORD)
            .send()
            .await
            .expect(422),
    );
    pages.push(
        saved
            .form(&tab("basic"))
            .set("password_choice", "replace")
            .set("password", BASIC)
            .set("own_password", PEOPLES_PASSWORD)
            .forge("version", "0")
            .send()
            .await
            .expect(409),
    );
    pages.push(
        saved
            .form(&tab("basic"))
            .set("password_choice", "replace")
            .set("password", BASIC)
            .forge("csrf", "")
            .send()
            .await
            .expect(403),
    );
    pages.push(
        browser
            .get("/connectors/basic/details")
            .await
            .submit(|form| form.set("base_url", "elsewhere.example.org"))
            .await
            .expect(422),
    );
    pages.push(saved);

    let page = create(browser, "Key", "api_key").await;
    pages.push(
        page.form(&tab("key"))
            .set("api_key_name", "X-Key")
            .set("api_key", API_KEY)
            .send()
            .await
            .expect(303)
            .follow()
            .await,
    );
    let page = create(browser, "Pasted", "bearer").await;
    pages.push(page.form(&tab("pasted")).set("token", PASTED).send().await.expect(303).follow().await);

    create(browser, "Issued", "bearer").await;
    let request = format!("{}/token-requests", tab("issued"));
    let ask = async |url: &str| {
        let form = browser
            .get(&request)
            .await
            .form(&request)
            .set("token_url", url)
            .set("token_user", "svc")
            .set("token_password", TOKEN_PASSWORD);
        form.set("token_client_id", "app").set("token_client_secret", CLIENT_SECRET).send().await.expect(200)
    };
    pages.push(ask(refusing_url).await);
    let (waiting, received) = (ask(token_url).await, ask(token_url).await);
    assert_eq!(
        (waiting.field_value("access_token").as_str(), received.field_value("access_token").as_str()),
        (ISSUED, ISSUED)
    );
    let taken = received
        .form(&format!("{}/token", tab("issued")))
        .press("Keep it fresh")
        .send()
        .await
        .expect(303)
        .follow()
        .await;
    let renewed = taken.form(&format!("{}/token-renewals", tab("issued"))).send().await.expect(303).follow().await;
    assert_eq!(renewed.flash(), "The token was renewed");
    pages.extend([taken, renewed]);
    let reveals = format!("{}/token-reveals", tab("issued"));
    let reveal = browser.get(&reveals).await;
    assert_eq!(
        reveal
            .form(&reveals)
            .set("own_password", PEOPLES_PASSWORD)
            .send()
            .await
            .expect(200)
            .field_value("access_token"),
        ISSUED
    );

    pages.push(
        browser
            .get("/connectors/issued/details")
            .await
            .form("/connectors/issued/duplicates")
            .send()
            .await
            .expect(303)
            .follow()
            .await,
    );
    for key in ["basic", "key", "pasted", "issued", "issued-copy"] {
        for part in ["", "/authorization", "/activity", "/activity/changes", "/delete"] {
            pages.push(browser.get(&format!("/connectors/{key}{part}")).await.expect(200));
        }
    }
    pages.push(browser.get("/connectors").await.expect(200));
    let key = a_programs_key(browser, &mut pages).await;
    (pages, key)
}

/// Makes a program with a key that leads to a connector, and gives that key.
async fn a_programs_key(browser: &Browser, pages: &mut Vec<Page>) -> String {
    let page = browser.get("/programs/new").await.expect(200);
    let made = page.submit(|form| form.set("program_name", "Billing"));
    let program = made.await.expect(303).location().expect("its page").to_string();
    // The password was entered a short time ago, to see the token.
    let new = browser.get(&format!("{program}/keys/new")).await.expect(200);
    let form = || new.main_form().set("key_name", "Nightly");
    let shown = form().send().await.expect(200);
    let key = shown.field_value("api_key");
    let again = form().send().await.expect(303).follow().await;
    for part in ["/connectors/basic", "/edit", "/revocation", "/connectors/new"] {
        pages.push(browser.get(&format!("{}{part}", again.path)).await.expect(200));
    }
    for path in [program.as_str(), "/programs", "/profile"] {
        pages.push(browser.get(path).await.expect(200));
    }
    let revoke = browser.get(&format!("{}/revocation", again.path)).await;
    pages.push(revoke.submit(|form| form).await.expect(303).follow().await);
    pages.push(again);
    key
}

#[tokio::test]
async fn no_secret_is_in_the_database_its_dump_its_files_the_log_or_a_page() {
    let here = Installation::new().set("CONNECTORY_LOG", "trace").set("CONNECTORY_OUTBOUND_LOOPBACK", "yes");
    let server =
        Hostile::json(&format!(r#"{{"access_token":"{ISSUED}","refresh_token":"{ISSUED}-r","expires_in":3600}}"#))
            .await;
    let refusing = Hostile::start(Behaviour::Echo).await;
    let client = Issued::self_signed("client");
    let mut program = here.serve();
    let (browser, code) = (program.browser(), program.code());
    let (pages, programs_key) = a_day(&browser, &code, &server.url("/token"), &refusing.url("/token"), &client).await;

    let master = fs::read_to_string(here.key_file()).expect("the master key").trim().to_string();
    let master_bytes: Vec<u8> = (0..master.len() / 2)
        .map(|at| u8::from_str_radix(&master[2 * at..2 * at + 2], 16).expect("hexadecimal digits"))
        .collect();
    let session = browser.session_key();
    let session_bytes =
        URL_SAFE.decode(format!("{session}{}", "=".repeat((4 - session.len() % 4) % 4))).expect("base64");
    let client_key = client.key_pem.lines().nth(1).expect("a line of the key");
    let secrets: Vec<(&'static str, Vec<String>)> = [
        ("the password of a person", PEOPLES_PASSWORD.as_bytes()),
        ("the password of Basic Auth", BASIC.as_bytes()),
        ("the API key", API_KEY.as_bytes()),
        ("the pasted token", PASTED.as_bytes()),
        ("the issued token", ISSUED.as_bytes()),
        ("the password of the token request", TOKEN_PASSWORD.as_bytes()),
        ("the client secret", CLIENT_SECRET.as_bytes()),
        ("the client key", client_key.as_bytes()),
        ("the master key", master.as_bytes()),
        ("the master key's bytes", &master_bytes),
        // Its beginning is shown to tell it by.
        ("the key of a program", &programs_key.as_bytes()[13..]),
        ("the session", session.as_bytes()),
        ("the session's bytes", &session_bytes),
    ]
    .map(|(name, secret)| (name, spellings(secret)))
    .into();

    for page in pages {
        assert_eq!(found(&secrets, &page.html), [""; 0], "on {} ({})", page.path, page.status);
    }
    let url = PrivatePostgres::url_if_running(&here.folder).expect("a running PostgreSQL");
    let (rows, dump) = (all_rows(&url).await, dump(&url));
    let (status, log) = program.stop();
    assert!(status.success(), "{status}");
    for (place, text) in [("rows", &rows), ("dump", &dump)] {
        assert!(text.contains(PUBLIC), "the search sees the {place}");
        assert_eq!(found(&secrets, text), [""; 0], "in the {place}");
    }
    assert!(log.contains("TRACE") && log.contains("/connectors/issued/details"), "the log tells all");
    assert_eq!(found(&secrets, &log), [""; 0], "in the log");

    // The tables, what was written ahead of them, PostgreSQL's own log.
    let public = files_with(&here.folder, &[PUBLIC]);
    assert!(public.contains("/pg_wal/") && public.contains("/base/"), "the search sees the files: {public}");
    for (name, spellings) in &secrets {
        let spellings: Vec<&str> = spellings.iter().map(String::as_str).collect();
        assert_eq!(files_with(&here.folder, &spellings), "", "{name} in a file");
    }
    let raw = files_with(&here.folder.join("cluster"), &[&master]);
    assert_eq!(raw, "");
}

#[test]
fn the_search_knows_a_secret_in_every_spelling() {
    let secret = "pässw\"ord-0123";
    let known = [("it", spellings(secret.as_bytes()))];
    for before in ["", "x", "xy", "xyz"] {
        for after in ["", "1", "12"] {
            let text = format!("{before}{secret}{after}");
            let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
            let encoded: String = form_urlencoded::byte_serialize(text.as_bytes()).collect();
            let quoted = serde_json::Value::from(text.as_str()).to_string();
            for written in [STANDARD.encode(&text), URL_SAFE.encode(&text), hex, encoded, quoted, text] {
                assert_eq!(found(&known, &written), ["it"], "{written}");
            }
        }
    }
    assert_eq!(found(&known, "pässw0rd"), [""; 0]);
}
