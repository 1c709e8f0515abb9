//! The problems that the page shows.

use chrono::TimeDelta;
use connectory::config::Config;
use reqwest::Method;

use super::{CANARY, row, site, system, warnings, warns};
use crate::support::TestApp;

const MANY: &str = "Many machines are trusted as reverse proxies.";

#[tokio::test]
async fn an_instance_that_could_not_say_that_it_is_there_says_so() {
    let app = TestApp::start().await;
    let silent = "This instance cannot say that it is there.";
    assert!(warns(&system(&app).await, silent));
    app.sign_on().await;
    assert!(!warns(&system(&app).await, silent));
}

#[tokio::test]
async fn what_is_wrong_with_the_database_is_told() {
    let app = site(&[]).await;
    // The tests' server does not wait for the disk.
    let page = system(&app).await;
    assert_eq!(warnings(&page), ["The database may lose what it has acknowledged."]);
    assert_eq!(page.texts("h2")[0], "1 problem");
    app.sql("INSERT INTO __diesel_schema_migrations (version) VALUES ('20991231000099')").await;
    let later = "The database belongs to a later version of Connectory.";
    let page = system(&app).await;
    assert!(warns(&page, later));
    assert!(page.text().contains("It has 1 migration"));
    let clocks = "The clocks of this machine and of the database differ.";
    assert!(!warns(&page, clocks));
    app.advance(TimeDelta::minutes(3));
    let page = system(&app).await;
    assert!(warns(&page, clocks));
    assert!(page.text().contains("The database's is 3 minutes behind this machine's."));
}

#[tokio::test]
async fn what_is_wrong_with_the_way_to_it_is_told() {
    let http = "People reach Connectory without encryption.";
    let none = "No reverse proxy is trusted.";
    let app = TestApp::start_with(|site| site.public_url = "http://connectory.example.org".into());
    assert!(warns(&system(&app.await).await, http));
    let app = TestApp::start_with(|site| site.public_url = "https://connectory.example.org".into());
    let page = system(&app.await).await;
    assert!(warns(&page, none) && !warns(&page, http), "{:?}", warnings(&page));

    let app = site(&[("CONNECTORY_TRUSTED_PROXIES", "10.0.0.1, 0.0.0.0/0")]).await;
    let admin = app.super_admin().await;
    let page = admin.get("/system").await;
    assert!(warns(&page, MANY));
    assert!(page.text().contains("_PROXIES holds 0.0.0.0/0: every"));
    assert!(!warns(&page, none) && !warns(&page, http));
    let request = admin.request(Method::GET, "/system");
    let page = admin.send(request.header("X-Forwarded-For", "192.0.2.7")).await;
    let told = "127.0.0.1 says for whom it asks, and is not trusted.";
    assert!(warns(&page, told), "{:?}", warnings(&page));
}

#[tokio::test]
async fn networks_with_room_for_many_machines_are_not_trusted_in_silence() {
    for (trusted, named) in [
        ("127.0.0.1, 10.20.0.5, ::1", None),
        ("10.20.0.0/24, 2001:db8::/64", None),
        ("10.20.0.0/24, 10.20.0.0/23", Some("10.20.0.0/23")),
        ("2001:db8::/63, 10.0.0.0/8", Some("2001:db8::/63, 10.0.0.0/8")),
    ] {
        let app = site(&[("CONNECTORY_TRUSTED_PROXIES", trusted)]).await;
        let page = system(&app).await;
        assert_eq!(warns(&page, MANY), named.is_some(), "{trusted}");
        if let Some(named) = named {
            let words = format!("_PROXIES holds {named}: every");
            assert!(page.text().contains(&words), "{}", page.text());
        }
    }
}

#[tokio::test]
async fn a_database_that_is_reached_in_clear_is_told_by_the_address_of_the_settings() {
    let exposed = "The connection to the database is not encrypted.";
    for (url, named) in [
        ("postgres://ana@db.example.org/c", Some("db.example.org")),
        ("postgres://ana@127.0.0.1,db2/c?sslmode=prefer", Some("db2")),
        ("host=localhost hostaddr=192.0.2.7 user=ana", Some("192.0.2.7")),
        ("postgres://ana@db.example.org/c?sslmode=require", None),
        ("postgres://ana@db.example.org/c?sslmode=verify-full", None),
        ("postgres://ana@localhost/c", None),
        ("postgres://ana@[::1]/c", None),
        ("host=/run/postgresql user=ana", None),
    ] {
        let pairs = [("DATABASE_URL", url), ("CONNECTORY_MASTER_KEY", CANARY), ("HOME", "/home/ana")];
        // Unless that is allowed, it stops the start.
        let refused = Config::of(pairs).err().map(|error| error.to_string());
        assert_eq!(refused.is_some(), named.is_some(), "{url}");
        if let (Some(words), Some(named)) = (refused, named) {
            assert!(words.contains(&format!("connects to {named} without encryption")), "{words}");
        }
        let allowed = [("CONNECTORY_DATABASE_PLAINTEXT", "yes")];
        let found = Config::of(pairs.into_iter().chain(allowed));
        let found = found.expect("settings").exposed_database;
        assert_eq!(found.as_deref(), named, "{url}");
    }
    let app = TestApp::start_with(|site| site.about.exposed_database = Some("db2".into())).await;
    let page = system(&app).await;
    assert!(warns(&page, exposed) && page.text().contains("It goes to db2."));
    // The tests' server is reached by a socket.
    assert!(!warns(&system(&site(&[]).await).await, exposed));
}

#[tokio::test]
async fn a_program_that_runs_as_root_is_told() {
    let root = "Connectory runs as root.";
    let app = TestApp::start_with(|site| site.about.is_root = true).await;
    assert!(warns(&system(&app).await, root));
    assert!(!warns(&system(&site(&[]).await).await, root));
}

#[tokio::test]
async fn unfinished_changes_of_keys_are_told() {
    let app = site(&[]).await;
    let page = system(&app).await;
    let unfinished = "A change of data keys is not finished.";
    let lacks = "An instance lacks a data key.";
    assert!(!warns(&page, unfinished) && !warns(&page, lacks));
    app.sql("INSERT INTO data_keys (id, master_key_id, wrapped, created_at) SELECT 2, master_key_id, wrapped, now() FROM data_keys")
        .await;
    let page = system(&app).await;
    assert!(warns(&page, unfinished) && !warns(&page, lacks));
    assert_eq!(row(&page, "2")[1..3], ["Waits to be put to use", "Never"]);
    app.sql(
        "UPDATE data_keys SET activated_at = now() WHERE id = 2; UPDATE data_keys SET retired_at = now() WHERE id = 1",
    )
    .await;
    let page = system(&app).await;
    assert!(!warns(&page, unfinished) && warns(&page, lacks));
    assert_eq!(row(&page, "1")[1], "Retired; it still opens");
    let id = app.connector("Payroll").await;
    app.sql(&format!("INSERT INTO secrets (connector_id, field, sealed, set_at, set_by) VALUES ('{id}', 'password', '\\x0100000001aabbcc', now(), 'Ana')"))
        .await;
    let page = system(&app).await;
    assert!(warns(&page, unfinished));
    assert_eq!(row(&page, "1")[3], "1");
    app.sql("UPDATE data_keys SET master_key_id = 'another' WHERE id = 1").await;
    let differ = "The data keys are wrapped under different master keys.";
    assert!(warns(&system(&app).await, differ));
}

#[tokio::test]
async fn what_goes_out_unprotected_is_told() {
    let app = site(&[
        ("CONNECTORY_SMTP_HOST", "mail.example.org"),
        ("CONNECTORY_SMTP_TLS", "none"),
        ("CONNECTORY_NOTICES_FROM", "a@example.org"),
        ("CONNECTORY_NOTICES_TO", "b@example.org"),
    ])
    .await;
    let id = app.connector("Payroll").await;
    app.sql(&format!("UPDATE connectors SET verify_certificates = false WHERE id = '{id}'")).await;
    let page = system(&app).await;
    let mail = "Notices go to the mail server without encryption.";
    assert!(warns(&page, mail) && warns(&page, "Certificates are not checked."));
    assert!(page.text().contains("what 1 data connector sends"));
    let home = page.click("The home page names the first of them").await;
    assert!(home.expect(200).has_link("Payroll"));
}
