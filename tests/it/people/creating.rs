//! Creating a user.

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::{granted, history, link, manager};
use crate::support::{Page, TestApp, strs};

const VIEW: &str = "view-data-connectors";

async fn id_of(app: &TestApp, username: &str) -> uuid::Uuid {
    let id = app.value(&format!("SELECT id FROM users WHERE username = '{username}'")).await;
    id.parse().expect("a user")
}

#[tokio::test]
async fn a_user_is_created_with_permissions_and_a_link_that_is_shown_once() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let page = boss.get("/users/new").await.expect(200);
    assert_eq!(page.texts("legend"), ["Data Connectors", "Other permissions"]);
    assert_eq!(
        page.choices("permission"),
        [
            "Create Data Connectors",
            "Delete Data Connectors",
            "Edit Data Connectors",
            "View Data Connectors",
            "Create Data Connector Categories",
            "Delete Data Connector Categories",
            "Edit Data Connector Categories",
            "View Data Connector Categories",
            "Call Data Connectors",
            "View Activity",
            "Manage Users",
            "View Audit Log"
        ]
    );
    let page = page
        .submit(|form| {
            form.set("username", "ben")
                .set("full_name", "  Ben   Okafor ")
                .tick("permission", VIEW)
                .tick("permission", "view-activity")
        })
        .await
        .expect(200);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.flash().starts_with("The user was created."), "{}", page.flash());
    let shown = link(&page);
    assert!(shown.starts_with(&format!("{}/set-password#", app.public_url)), "{shown}");
    let id = id_of(&app, "ben").await;
    assert_eq!(granted(&app, id).await, ["view-activity", VIEW]);
    assert_eq!(
        app.rows(&format!(
            "SELECT name, super_admin, active, password_hash IS NULL, created_by FROM users WHERE id = '{id}'"
        ))
        .await,
        [["Ben Okafor", "f", "t", "t", &boss.user().attribution()]]
    );
    let until = app.clock.now() + TimeDelta::hours(72);
    let history = history(&app, id).await;
    assert_eq!(history[0].0, "user.created");
    assert!(
        history[0].1.contains("Name:  > Ben Okafor")
            && history[0].1.contains("Permissions:  > View Data Connectors, View Activity"),
        "{}",
        history[0].1
    );
    assert_eq!(history[1].0, "invitation.made");
    assert!(history[1].1.contains(&until.format("%-d %B %Y").to_string()), "{}", history[1].1);
    let page = boss.get(&format!("/users/{id}")).await.expect(200);
    assert!(!page.html.contains(shown.rsplit('#').next().expect("a secret")));
    assert!(page.text().contains("Made by"), "the link waits");
}

#[tokio::test]
async fn what_is_ticked_brings_what_it_needs_and_the_page_says_so() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let page = boss
        .get("/users/new")
        .await
        .submit(|form| form.set("username", "ben").set("full_name", "Ben").tick("permission", "create-data-connectors"))
        .await
        .expect(200);
    assert!(
        page.flash()
            .contains("Also granted, because what you ticked needs it: Edit Data Connectors, View Data Connectors."),
        "{}",
        page.flash()
    );
    assert_eq!(granted(&app, id_of(&app, "ben").await).await, ["create-data-connectors", "edit-data-connectors", VIEW]);
}

#[tokio::test]
async fn bad_names_are_refused_with_what_to_do_and_all_that_was_typed_stays() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    app.user_named("ben", "Ben", &[]).await;
    let page = boss.get("/users/new").await;
    let (long, very_long) = ("x".repeat(101), "é".repeat(256));
    for (field, typed, message) in [
        ("username", "", "Enter a user name"),
        ("username", "ben okafor", "A user name can have letters, numbers, full stops, underscores, hyphens, @ and +"),
        (
            "username",
            "<script>alert(1)</script>",
            "A user name can have letters, numbers, full stops, underscores, hyphens, @ and +",
        ),
        ("username", &long, "User name must be 100 characters or fewer"),
        ("username", "BEN", "A user named “BEN” already exists"),
        ("full_name", " ", "Enter the person’s name"),
        ("full_name", &very_long, "Name must be 255 characters or fewer"),
        ("full_name", "Ana\u{202e}ziuR", "A name cannot have control characters. Type it again"),
    ] {
        let page = page
            .submit(|form| {
                form.set("username", "carl")
                    .set("full_name", "Carl")
                    .tick("permission", "view-audit-log")
                    .set(field, typed)
            })
            .await
            .expect(422);
        assert_eq!(page.errors(), [(field.to_string(), message.to_string())]);
        assert_eq!(page.field_error(field).as_deref(), Some(message));
        assert_eq!(page.field_value(field), typed);
        assert_eq!(page.ticked("permission"), ["view-audit-log"]);
        assert_eq!(page.title(), "Error: Create user – Connectory");
        assert!(!page.html.contains("<script>alert"));
    }
    assert_eq!(app.count("SELECT count(*) FROM users WHERE username = 'carl'").await, 0);
    assert_eq!(app.count("SELECT count(*) FROM invitations").await, 0);
}

#[tokio::test]
async fn twenty_at_once_make_one_user_of_a_name() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    app.confirm(&boss).await;
    let spellings = ["ben", "BEN", "Ben", "beN"];
    let pages = join_all((0..20).map(|_| boss.get("/users/new"))).await;
    let fill = |number: usize, page: &Page| {
        page.main_form().set("username", spellings[number % spellings.len()]).set("full_name", "Ben")
    };
    let answers = join_all(pages.iter().enumerate().map(|(number, page)| fill(number, page).send())).await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 19, "{statuses:?}");
    assert_eq!(app.count("SELECT count(*) FROM users WHERE username_key = 'ben'").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM invitations").await, 1);
}

#[tokio::test]
async fn the_same_form_sent_twice_makes_one_user_and_shows_the_link_once() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let page = boss.get("/users/new").await;
    let fill = || page.main_form().set("username", "ben").set("full_name", "Ben");
    fill().send().await.expect(200);
    let again = fill().send().await.expect(303).follow().await.expect(200);
    assert_eq!(again.path, format!("/users/{}", id_of(&app, "ben").await));
    assert!(again.flash().contains("If it was lost, create a new one"), "{}", again.flash());
    assert!(!again.html.contains("/set-password#"));
    assert_eq!(app.count("SELECT count(*) FROM invitations").await, 1);
}

#[tokio::test]
async fn what_no_page_offers_is_granted_to_nobody() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let answer = boss
        .post(
            "/users",
            &[
                ("username", "ben"),
                ("full_name", "Ben"),
                ("permission", "super-admin"),
                ("permission", "view-activity"),
                ("permission", "'; DROP TABLE users"),
                ("super_admin", "yes"),
                ("active", "no"),
            ],
        )
        .await
        .expect(200);
    assert_eq!(answer.header("cache-control"), "no-store");
    let id = id_of(&app, "ben").await;
    assert_eq!(strs(&granted(&app, id).await), ["view-activity"]);
    assert_eq!(app.rows(&format!("SELECT super_admin, active FROM users WHERE id = '{id}'")).await, [["f", "t"]]);
}
