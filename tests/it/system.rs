//! The System page: what it tells of the program, its settings, its database and the other instances, and what it warns
//! of.

use std::path::Path;
use std::process::Command;

use connectory::access::Permission;
use connectory::config::{Config, Settings};
use scraper::{ElementRef, Selector};

use crate::support::program::Installation;
use crate::support::{Page, TestApp, words};

mod warnings;

const CANARY: &str = "whsec_canaryMfKQ9r8GKYqrTwjUPD8ILPZIo2";

fn settings(pairs: &[(&str, &str)]) -> Settings {
    let home = [("HOME", "/home/ana")];
    Config::of(pairs.iter().copied().chain(home)).unwrap_or_else(|error| panic!("{error}")).settings
}

/// A site that others know of, with these settings.
async fn site(pairs: &[(&str, &str)]) -> TestApp {
    let settings = settings(pairs);
    let app = TestApp::start_with(|site| site.about.settings = settings).await;
    app.sign_on().await;
    app
}

async fn system(app: &TestApp) -> Page {
    app.super_admin().await.get("/system").await.expect(200)
}

/// The titles of the warnings.
fn warnings(page: &Page) -> Vec<String> {
    page.texts(".note strong")
}

fn warns(page: &Page, title: &str) -> bool {
    warnings(page).iter().any(|warning| warning == title)
}

/// The row of whatever table has one with this head, or with these first words in it.
fn row(page: &Page, head: &str) -> Vec<String> {
    let cell = Selector::parse("th, td").expect("a selector");
    let cells = |row: ElementRef<'_>| row.select(&cell).map(words).collect();
    let rows: Vec<Vec<String>> = page.all("#main tbody tr").map(cells).collect();
    let is_it = |row: &&Vec<String>| row[0] == head || row[0].starts_with(&format!("{head} "));
    let found = rows.iter().find(is_it);
    found.unwrap_or_else(|| panic!("no row {head}: {rows:?}")).clone()
}

/// The value of a setting and where it comes from.
fn setting(page: &Page, name: &str) -> (String, String) {
    let row = row(page, name);
    (row[1].clone(), row[2].clone())
}

/// How full the file system of a folder is, as `df` says it.
fn used_percent(folder: &Path) -> u8 {
    let output = Command::new("df").args(["--output=pcent"]).arg(folder).output().expect("df runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let percent = text.lines().nth(1).map(|line| line.trim().trim_end_matches('%'));
    percent.and_then(|percent| percent.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

#[tokio::test]
async fn only_super_admins_see_it() {
    let app = TestApp::start().await;
    let all: Vec<Permission> = Permission::all().collect();
    let manager = app.person(&all).await;
    manager.get("/system").await.expect(403);
    assert!(!manager.get("/calls").await.expect(200).has_link("System"));
    let admin = app.super_admin().await;
    let page = admin.get("/").await.click("Activity").await;
    let page = page.click("System").await.expect(200);
    assert_eq!(page.h1(), "System");
    assert_eq!(page.title(), "System, Activity – Connectory");
}

#[tokio::test]
async fn it_shows_program_database_keys_and_logs() {
    let app = site(&[]).await;
    app.connector("Payroll").await;
    let page = system(&app).await;
    let text = page.text();
    let version = env!("CARGO_PKG_VERSION");
    let database = app.value("SELECT current_database()").await;
    let server = app.value("SHOW server_version").await;
    let schema = app.value("SELECT count(*) FROM __diesel_schema_migrations").await;
    for words in [
        format!("Version{version}"),
        server,
        "this machine, by a socket".into(),
        format!("{database}, as "),
        "EncryptedNo".into(),
        format!("{schema}, the last 2026-"),
        "Worker 1".into(),
        "Worker 2".into(),
        "Kept for 30 days; 0 lines wait to be written".into(),
        "waiting to be linked".into(),
        "With a password alone".into(),
        "Not by e-mail; not by webhook".into(),
    ] {
        assert!(text.contains(&words), "{words}: {text}");
    }
    let key = row(&page, "1");
    assert_eq!(key[1], "Seals");
    let master = app.value("SELECT master_key_id FROM data_keys").await;
    assert_eq!(key[4], master);
    assert!(page.has_link("Read the audit log") && page.has_link("Notices"));
}

#[tokio::test]
async fn the_days_of_the_call_log_are_one_table() {
    let app = site(&[]).await;
    app.run_due_work().await;
    let days = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'calls'::regclass";
    assert!(app.count(days).await > 1);
    let page = system(&app).await;
    let calls: Vec<String> = page.row_heads().into_iter().filter(|head| head.starts_with("calls")).collect();
    assert_eq!(calls, ["calls"]);
}

#[tokio::test]
async fn every_setting_is_shown_and_nothing_of_a_secret() {
    let hook = format!("https://hooks.example.org/{CANARY}");
    let database = format!("postgres://ana:{CANARY}@db.example.org:5433/connectory");
    let app = site(&[
        ("DATABASE_URL", &database),
        ("CONNECTORY_DATABASE_PLAINTEXT", "yes"),
        ("CONNECTORY_MASTER_KEY", CANARY),
        ("CONNECTORY_METRICS_TOKEN", CANARY),
        ("CONNECTORY_NOTICES_WEBHOOK_URL", &hook),
        ("CONNECTORY_NOTICES_WEBHOOK_SECRETS", CANARY),
        ("CONNECTORY_OIDC_ISSUER", "https://login.example.org"),
        ("CONNECTORY_OIDC_CLIENT_ID", "<b>connectory</b>"),
        ("CONNECTORY_OIDC_CLIENT_SECRET", CANARY),
        ("CONNECTORY_OUTBOUND_LOOPBACK", "yes"),
        ("CONNECTORY_OUTBOUND_ONLY", "10.0.0.0/8"),
    ])
    .await;
    let page = system(&app).await;
    assert!(!page.html.contains("canary"), "{}", page.html);
    for known in connectory::config::SETTINGS {
        setting(&page, known.name);
    }
    for (name, value, origin) in [
        ("CONNECTORY_METRICS_TOKEN", "Set", "Environment"),
        ("CONNECTORY_OIDC_CLIENT_SECRET", "Set", "Environment"),
        ("CONNECTORY_NOTICES_WEBHOOK_URL", "Set", "Environment"),
        ("CONNECTORY_SMTP_PASSWORD", "Not set", "Default"),
        ("CONNECTORY_SESSION_HOURS", "12", "Default"),
        ("CONNECTORY_OIDC_CLIENT_ID", "<b>connectory</b>", "Environment"),
        (
            "DATABASE_URL",
            "host db.example.org, port 5433, database connectory, user ana, a password, not encrypted",
            "Environment",
        ),
    ] {
        assert_eq!(setting(&page, name), (value.into(), origin.into()), "{name}");
    }
    assert!(!page.html.contains("hooks.example.org"), "{}", page.html);
    let text = page.text();
    for words in [
        "or through https://login.example.org",
        "Not by e-mail; by webhook.",
        "DATABASE_URL is shown without its password",
        "Only 10.0.0.0/8; this machine as well",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}

#[tokio::test]
async fn it_tells_which_instances_run_and_which_one_answers() {
    let app = site(&[]).await;
    app.sql(
        "INSERT INTO instances (id, address, started_at, seen_at, newest_key, sealing_key, version, host, pid) VALUES
            (gen_random_uuid(), '192.0.2.8:80', now() - interval '2 days', now(), 1, 1, '9.9.9', 'other', 7),
            (gen_random_uuid(), '192.0.2.9:80', now() - interval '3 days', now() - interval '2 hours', 1, 1, '8.8.8', 'dead', 8)",
    )
    .await;
    let page = system(&app).await;
    let own = row(&page, &app.address.to_string());
    assert_eq!(own[1], "Answers this page");
    assert_eq!(own[2], env!("CARGO_PKG_VERSION"));
    let pid = std::process::id();
    assert!(own[0].ends_with(&format!("process {pid}")), "{own:?}");
    assert_eq!(row(&page, "192.0.2.8:80")[1..3], ["Runs", "9.9.9"]);
    let dead = row(&page, "192.0.2.9:80");
    assert_eq!((dead[1].as_str(), dead[4].as_str()), ("Not heard of", "2 hours ago"));
    assert!(page.text().contains("2 instances run"));
    assert!(warns(&page, "Instances of different versions run."));
    assert!(page.text().contains("9.9.9") && !page.text().contains("and 8.8.8"));

    app.sql("UPDATE instances SET version = $$$$, host = $$$$, pid = 0 WHERE host = 'other'").await;
    let page = system(&app).await;
    assert_eq!(row(&page, "192.0.2.8:80")[2], "Unknown, an earlier one");
    assert!(page.text().contains("the versions an earlier one and"));
}

#[tokio::test]
async fn the_connections_of_all_databases_are_counted() {
    let (app, other) = (site(&[]).await, site(&[]).await);
    other.value("SELECT 1").await;
    let text = system(&app).await.text();
    let words = text.split("Connections").nth(1).expect("the row");
    let mut numbers =
        words.split(|letter: char| !letter.is_ascii_digit()).filter_map(|digits| digits.parse::<i64>().ok());
    let (own, all) = (numbers.next(), numbers.next());
    assert!(own > Some(0) && all > own, "{words}");
}

#[tokio::test]
async fn while_the_database_is_away_it_says_so() {
    let app = site(&[]).await;
    let admin = app.super_admin().await;
    app.take_database_away().await;
    let page = admin.get("/system").await.expect(503);
    assert_eq!(page.header("retry-after"), "5");
    app.give_database_back().await;
}

#[tokio::test]
async fn a_program_on_a_database_of_its_own_has_nothing_to_complain_of() {
    let installation = Installation::new().set("CONNECTORY_METRICS_TOKEN", CANARY);
    let mut program = installation.serve();
    let page = program.found().await.get("/system").await.expect(200);
    // But of what is true of the machine that runs the tests.
    let as_root = nix::unistd::geteuid().is_root().then_some("Connectory runs as root.");
    let full = (used_percent(&installation.folder) > 90).then_some("The disk of the database is nearly full.");
    let expected: Vec<&str> = as_root.into_iter().chain(full).collect();
    assert_eq!(warnings(&page), expected);
    let says = page.texts("h2")[0] == "No problems";
    assert_eq!(says, expected.is_empty());
    assert!(!page.html.contains("canary"), "{}", page.html);
    let folder = installation.folder.display().to_string();
    assert_eq!(setting(&page, "CONNECTORY_DATA_DIR"), (folder, "Command line".into()));
    let own = row(&page, &installation.address.to_string());
    assert_eq!(own[1], "Answers this page");
    let text = page.text();
    for words in ["the private one of this program", " free of ", "1 instance runs"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(program.stop().0.success());
}
