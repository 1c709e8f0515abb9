//! A key is shown once, stored as a hash, and refused as soon as it is revoked.

use chrono::TimeDelta;
use connectory::access::Permission::ManageUsers;
use connectory::access::Wants;
use connectory::db::ChangeEvent;
use uuid::Uuid;

use super::{hearing, key, key_to_all, make_key, presented, program, recorded, told};
use crate::support::{PASSWORD, Page, TestApp, strs};

const PROXY: Wants<'static> = Wants::Proxy { method: "GET" };

#[tokio::test]
async fn a_key_is_shown_by_the_page_that_makes_it_and_nowhere_after() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let page = make_key(&ana, &address, |form| form.set("leads", "all")).await.expect(200);
    assert_eq!((page.h1().as_str(), page.header("cache-control")), ("Nightly export: Copy the API key", "no-store"));
    let text = page.field_value("api_key");
    assert!(page.text().contains("It is shown only now."));
    assert!(page.attribute("#api_key", "readonly").is_some());
    let holder = presented(&app, &text).await.expect("the key works");
    assert_eq!((&*holder.name, holder.prefix.as_str()), ("Billing", &text[..12]));
    let page = page.click("See what it can call").await.expect(200);
    let secret = &text[13..];
    let revocation = format!("{}/revocation", page.path);
    let mut pages: Vec<Page> = vec![];
    for path in [&address, "/programs", &revocation, &format!("{}/edit", page.path), &format!("{address}/delete")] {
        pages.push(ana.get(path).await.expect(200));
    }
    pages.push(page);
    for page in &pages {
        assert!(!page.html.contains(secret), "{}", page.path);
        assert!(
            page.path == "/programs" || page.html.contains(&text[..12]) || page.path.ends_with("/edit"),
            "{}",
            page.path
        );
    }
    let tables = app.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").await;
    assert!(tables.len() > 20);
    let mut seen = 0;
    for table in tables.iter().flatten() {
        for row in app.rows(&format!("SELECT t::text FROM {table} t")).await.concat() {
            assert!(!row.contains(secret), "{table}");
            seen += usize::from(row.contains(&text[..12]));
        }
    }
    assert!(seen >= 2, "its beginning stands in its row and in the audit line");
}

#[tokio::test]
async fn sending_the_form_twice_makes_one_key_and_says_that_it_was_shown() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let page = ana.get(&format!("{address}/keys/new")).await;
    let send = || page.main_form().set("key_name", "Nightly").confirmed().send();
    let text = send().await.expect(200).field_value("api_key");
    let page = send().await.expect(303).follow().await.expect(200);
    assert!(page.flash().contains("already shown"), "{}", page.flash());
    assert!(!page.html.contains(&text));
    assert_eq!(app.count("SELECT count(*) FROM api_keys").await, 1);
    assert_eq!(recorded(&app, "api_key.").await.len(), 1);
    // The id of somebody else's key tells nothing about it.
    let other = program(&ana, "Other").await;
    let id = app.value("SELECT id FROM api_keys").await;
    let page = make_key(&ana, &other, |form| form.forge("new_id", &id)).await;
    page.expect(404);
}

#[tokio::test]
async fn a_key_asks_for_the_own_password_again_unless_it_was_entered_a_short_time_ago() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    // That it was entered for the program does not count any more.
    app.advance(TimeDelta::minutes(15));
    let new = format!("{address}/keys/new");
    let page = ana.get(&new).await.expect(200);
    for (typed, message) in [("", "Enter your password"), ("wrong", "This is not your password")] {
        let form = page.main_form().set("key_name", "Nightly").set("own_password", typed);
        let page = form.send().await.expect(422);
        assert_eq!(page.errors(), super::error("own_password", message));
        assert_eq!(
            (page.main_form().value("key_name"), page.field_value("own_password")),
            (Some("Nightly"), String::new())
        );
    }
    assert_eq!(app.count("SELECT count(*) FROM api_keys").await, 0);
    // A mistake elsewhere does not lose the password.
    let form = page.main_form().set("key_name", "").set("own_password", PASSWORD);
    let page = form.send().await.expect(422);
    assert_eq!(page.errors(), super::error("key_name", "Enter a name"));
    assert!(page.main_form().value("own_password").is_none());
    page.submit(|form| form.set("key_name", "Nightly")).await.expect(200);
    // It counts in this session and for a quarter of an hour.
    let elsewhere = app.signed_in(ana.user().clone()).await;
    assert!(elsewhere.get(&new).await.main_form().value("own_password").is_some());
    assert!(ana.get(&new).await.main_form().value("own_password").is_none());
    app.advance(TimeDelta::minutes(15));
    let page = ana.get(&new).await;
    assert!(page.main_form().value("own_password").is_some());
    let page = page.submit(|form| form.set("key_name", "Another")).await.expect(422);
    assert_eq!(page.errors(), super::error("own_password", "Enter your password"));
}

#[tokio::test]
async fn a_revoked_key_is_refused_at_once_and_for_good() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let (text, page) = key_to_all(&ana, &address).await;
    assert_eq!(told(&app, &text, Uuid::nil(), Wants::Endpoint { id: Uuid::nil(), method: "GET" }).await, "");
    let form = ana.get(&page).await.click("Revoke").await.expect(200);
    assert_eq!(form.h1(), "Are you sure you want to revoke “Nightly export”?");
    let mut heard = hearing(&app);
    let answer = form.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(answer.flash(), "The API key was revoked. Calls with it are refused.");
    assert_eq!(heard.recv().await, Some(ChangeEvent::Keys), "every instance is told");
    assert_eq!(presented(&app, &text).await.err(), Some("key_revoked"));
    assert!(!answer.has_link("Revoke") && !answer.has_link("Add a data connector"));
    assert!(answer.text().contains("Revoked"));
    // Nothing about it can be changed any more.
    for rest in ["/edit", "/revocation", "/connectors/new", "/connectors/_all", "/connectors/_all/removal"] {
        let answer = ana.get(&format!("{page}{rest}")).await.expect(303).follow().await;
        assert!(answer.flash().contains("was revoked"), "{rest}: {}", answer.flash());
    }
    let answer = ana.post(&page, &[("key_name", "Alive"), ("expires", "never"), ("methods", "all")]).await;
    assert!(answer.expect(303).follow().await.flash().contains("was revoked"));
    let scope = format!("{page}/connectors/_all");
    ana.post(&scope, &[("endpoints", "all"), ("proxy", "yes")]).await.expect(303);
    // A second press says the same and records nothing.
    ana.post(&format!("{page}/revocation"), &[]).await.expect(303);
    assert_eq!(told(&app, &text, Uuid::nil(), PROXY).await, "key_revoked");
    let kinds: Vec<String> = recorded(&app, "api_key.").await.into_iter().map(|line| line[0].clone()).collect();
    assert_eq!(strs(&kinds), ["api_key.created", "api_key.revoked"]);
}

#[tokio::test]
async fn an_inactive_programs_keys_are_refused_and_can_be_prepared() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    ana.get(&format!("{address}/edit")).await.submit(|form| form.set("status", "inactive")).await.expect(303);
    let (text, page) = key_to_all(&ana, &address).await;
    assert_eq!(presented(&app, &text).await.err(), Some("key_holder_inactive"));
    assert!(ana.get(&page).await.text().contains("Billing is inactive."));
    ana.get(&format!("{address}/edit")).await.submit(|form| form.set("status", "active")).await.expect(303);
    assert!(presented(&app, &text).await.is_ok());
}

#[tokio::test]
async fn the_programs_page_shows_every_key_with_its_state() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    assert!(ana.get(&address).await.text().contains("This program has no API key yet."));
    for (name, expires) in [("One", "30"), ("Two", "never"), ("Three", "365")] {
        make_key(&ana, &address, |form| form.set("key_name", name).set("expires", expires)).await.expect(200);
    }
    app.sql("UPDATE api_keys SET revoked_at = now(), revoked_by = 'Ana' WHERE name = 'Three'; UPDATE api_keys SET last_used_at = now(), last_used_address = '192.0.2.9' WHERE name = 'One'").await;
    app.advance(TimeDelta::days(31));
    ana.sign_in(&ana.user().username, PASSWORD).await.expect(303);
    let rows = ana.get(&address).await.expect(200).rows();
    let states: Vec<(&str, &str)> = rows.iter().map(|row| (row[0].as_str(), row[7].as_str())).collect();
    assert_eq!(states, [("Two", "Active"), ("One", "Expired"), ("Three", "Revoked")]);
    assert_eq!((rows[0][5].as_str(), rows[0][6].as_str()), ("Never", "Never"));
    assert!(rows[1][5].ends_with("from 192.0.2.9"), "{}", rows[1][5]);
    assert_eq!((rows[0][2].as_str(), rows[0][3].as_str()), ("None", "All"));
}

#[tokio::test]
async fn a_key_of_another_holder_does_not_exist() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let (one, other) = (program(&ana, "One").await, program(&ana, "Other").await);
    let (_, page) = key(&ana, &one).await;
    let id = page.rsplit('/').next().expect("an id");
    for holder in [other.as_str(), "/profile"] {
        for rest in ["", "/edit", "/revocation", "/connectors/new", "/connectors/_all"] {
            ana.get(&format!("{holder}/keys/{id}{rest}")).await.expect(404);
        }
        for rest in ["", "/revocation", "/connectors/_all", "/connectors/_all/removal"] {
            ana.post(&format!("{holder}/keys/{id}{rest}"), &[("endpoints", "all")]).await.expect(404);
        }
    }
    assert_eq!(app.count("SELECT count(*) FROM api_keys WHERE revoked_at IS NULL").await, 1);
}
