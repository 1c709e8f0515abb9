//! Links by which somebody sets a password.

use chrono::TimeDelta;
use connectory::access::Permission::ViewConnectors;
use futures_util::future::join_all;
use sha2::{Digest, Sha256};

use super::{history, link, manager, paste};
use crate::support::{Browser, PASSWORD, TestApp};

const NEW: &str = "quite another good password";

/// A link for a user, made by somebody who manages users.
async fn make(boss: &Browser, user: uuid::Uuid) -> String {
    link(&boss.post(&format!("/users/{user}/invitations"), &[]).await.expect(200))
}

#[tokio::test]
async fn the_link_sets_the_password_once_and_the_person_signs_in_with_it() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let page = boss
        .get("/users/new")
        .await
        .submit(|form| {
            form.set("username", "ben").set("full_name", "Ben Okafor").tick("permission", "view-data-connectors")
        })
        .await
        .expect(200);
    let shown = link(&page);
    let ben = app.browser();
    ben.sign_in("ben", "").await.expect(422);
    let page = paste(&ben, &shown).await.expect(200);
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.h1(), "Welcome, Ben Okafor: choose a password");
    assert_eq!(page.field_value("username"), "ben");
    let page = page.submit(|form| form.set("password", NEW)).await.expect(303).follow().await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), ("/sign-in", "Your password is set. Sign in with it"));
    ben.sign_in("ben", NEW).await.expect(303);
    ben.get("/connectors").await.expect(200);

    let page = paste(&app.browser(), &shown).await.expect(422);
    assert!(page.errors()[0].1.starts_with("This link was used already"), "{:?}", page.errors());
    let id = app.value("SELECT id FROM users WHERE username = 'ben'").await;
    let kinds: Vec<String> =
        history(&app, id.parse().expect("an id")).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["user.created", "invitation.made", "invitation.used", "user.password_reset"]);
    assert_eq!(app.value("SELECT actor_name FROM audit_events WHERE kind = 'invitation.used'").await, "Ben Okafor");
}

#[tokio::test]
async fn a_new_link_for_somebody_with_a_password_ends_password_and_sessions_at_once() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.person(&[ViewConnectors]).await;
    let page = boss.get(&format!("/users/{}", ben.user().id)).await.click("Make a new set-password link").await;
    assert!(page.text().contains("stops working now, and all sessions end"), "{}", page.text());
    let page = page.submit(|form| form).await.expect(200);
    assert_eq!(page.header("cache-control"), "no-store");
    let shown = link(&page);
    assert_eq!(ben.get("/connectors").await.status, 303);
    app.browser().sign_in(&ben.user().username, PASSWORD).await.expect(422);
    let lines = history(&app, ben.user().id).await;
    assert_eq!(lines[1], ("user.password_removed".into(), "Password:  > removed; Sessions: 1 > 0".into()));
    assert_eq!(lines[2].0, "invitation.made");
    let page = paste(&app.browser(), &shown).await.expect(200);
    page.submit(|form| form.set("password", NEW)).await.expect(303);
    app.browser().sign_in(&ben.user().username, NEW).await.expect(303);
}

#[tokio::test]
async fn a_newer_link_replaces_an_older_one() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let (first, second) = (make(&boss, ben.id).await, make(&boss, ben.id).await);
    let page = paste(&app.browser(), &first).await.expect(422);
    assert!(page.errors()[0].1.contains("a newer one has replaced it"), "{:?}", page.errors());
    paste(&app.browser(), &second).await.expect(200);
}

#[tokio::test]
async fn a_link_ends_after_three_days_even_when_its_page_is_open() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let shown = make(&boss, ben.id).await;
    app.advance(TimeDelta::hours(71));
    let open = paste(&app.browser(), &shown).await.expect(200);
    app.advance(TimeDelta::hours(2));
    for page in [
        paste(&app.browser(), &shown).await.expect(422),
        open.submit(|form| form.set("password", NEW)).await.expect(422),
    ] {
        assert!(page.errors()[0].1.starts_with("This link has ended"), "{:?}", page.errors());
    }
    app.run_due_work().await;
    assert_eq!(app.count("SELECT count(*) FROM invitations").await, 1, "so that it can be told");
    app.advance(TimeDelta::days(31));
    app.run_due_work().await;
    assert_eq!(app.count("SELECT count(*) FROM invitations").await, 0);
}

#[tokio::test]
async fn a_link_that_is_none_is_refused_with_what_to_do() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let shown = make(&boss, ben.id).await;
    let visitor = app.browser();
    let made_up = format!("{}/set-password#{}", app.public_url, "A".repeat(43));
    for (typed, message) in [
        ("", "Paste the link that you were given"),
        ("   ", "Paste the link that you were given"),
        (&shown[..shown.len() - 3], "This link does not work."),
        ("<script>alert(1)</script>", "This link does not work."),
        (&made_up, "This link does not work."),
    ] {
        let page = paste(&visitor, typed).await.expect(422);
        assert!(page.errors()[0].1.starts_with(message), "{typed}: {:?}", page.errors());
        assert!(!page.html.contains("<script>alert"));
        assert_eq!(page.field_value("link"), "", "what may be a secret does not come back");
    }
}

#[tokio::test]
async fn weak_passwords_are_refused_and_the_link_still_works() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user_named("benedict.okafor", "Ben", &[]).await;
    let shown = make(&boss, ben.id).await;
    let page = paste(&app.browser(), &shown).await.expect(200);
    for (typed, message) in [
        ("", "Enter a password"),
        ("eleven char", "Password must be at least 12 characters long"),
        ("password1234", "Choose a password that is not easy to guess"),
        ("benedict.okafor1", "Choose a password without your name"),
        (&"x1y2".repeat(65), "Password must be 256 characters or fewer"),
    ] {
        let page = page.submit(|form| form.set("password", typed)).await.expect(422);
        assert!(page.errors()[0].1.starts_with(message), "{typed}: {:?}", page.errors());
        assert!(typed.is_empty() || !page.html.contains(typed));
        assert_eq!(page.header("cache-control"), "no-store");
    }
    page.submit(|form| form.set("password", NEW)).await.expect(303);
}

#[tokio::test]
async fn of_ten_who_use_a_link_at_once_one_sets_the_password() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let shown = make(&boss, ben.id).await;
    let visitors: Vec<Browser> = (0..10).map(|_| app.browser()).collect();
    let pages = join_all(visitors.iter().map(|visitor| paste(visitor, &shown))).await;
    let sends = pages
        .iter()
        .enumerate()
        .map(|(number, page)| page.submit(move |form| form.set("password", &format!("good password number {number}"))));
    let statuses: Vec<u16> = join_all(sends).await.iter().map(|answer| answer.status).collect();
    let winner = statuses.iter().position(|status| *status == 303).expect("a winner");
    assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [303, 422].contains(status)), "{statuses:?}");
    app.browser().sign_in(&ben.username, &format!("good password number {winner}")).await.expect(303);
}

#[tokio::test]
async fn the_database_holds_a_hash_and_never_the_link() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let shown = make(&boss, ben.id).await;
    let secret = shown.rsplit('#').next().expect("a secret").to_string();
    use base64::Engine;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(&secret).expect("base64");
    assert_eq!(bytes.len(), 32, "256 bits");
    let hash: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(app.value("SELECT encode(token_hash, 'hex') FROM invitations").await, hash);
    let audit = app.value("SELECT string_agg(audit_events::text, ' ') FROM audit_events").await;
    assert!(!audit.contains(&secret));
}

#[tokio::test]
async fn nobody_makes_a_link_for_themselves_or_for_who_is_deactivated() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", ben.id)).await;
    for (user, words) in [(boss.user().id, "This is your own password."), (ben.id, "reactivate the user first")] {
        let way = format!("/users/{user}/invitations");
        for page in [boss.get(&way).await.expect(200), boss.post(&way, &[]).await.expect(409)] {
            assert!(page.text().contains(words), "{}", page.text());
        }
    }
    boss.get("/users").await.expect(200);
    assert_eq!(app.count("SELECT count(*) FROM invitations").await, 0);
}

#[tokio::test]
async fn a_password_set_on_the_command_line_ends_a_waiting_link() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let ben = app.user(&[]).await;
    let shown = make(&boss, ben.id).await;
    let hash = app.hasher.hash(NEW.into()).await.expect("a hash");
    let by = connectory::access::Actor::command_line();
    let (mut conn, now) = (app.conn().await, app.clock.now());
    let change = &mut connectory::audit::Change { conn: &mut conn, by: &by, now };
    connectory::accounts::set_password(change, &ben.username, &hash).await.expect("a new password");
    paste(&app.browser(), &shown).await.expect(422);
}
