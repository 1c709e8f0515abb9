//! Guessing: many names from one address, how long an answer takes, and a session that ends while it is used.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use connectory::clock::Clock;
use futures_util::future::join_all;

use super::*;
use crate::support::PASSWORD;

/// Names that one address may try at once.
const MANY: usize = 120;

#[tokio::test]
async fn many_names_from_one_address_are_slowed_down_and_keep_nobody_out_who_came_from_there() {
    // No try comes back while the guesses are made, however long that takes.
    let app = &TestApp::start_with(|site| site.clock = Clock::still()).await;
    let newcomer = app.user(&[]).await;
    // Takes one of the tries.
    let ana = app.super_admin().await;
    let guesser = &app.browser();
    let csrf = &guesser.csrf().await;
    let guess = async |number: usize| {
        let name = format!("guess{number}");
        let fields = [("csrf", csrf.as_str()), ("username", &name), ("password", "an all too common password")];
        guesser.post_exactly("/sign-in", &fields).await.status
    };
    let answers = join_all((0..=MANY).map(guess)).await;
    let count = |status| answers.iter().filter(|answer| **answer == status).count();
    assert_eq!((count(422), count(429)), (MANY - 1, 2), "{answers:?}");

    let sign_in = async |username: &str| app.browser().sign_in(username, PASSWORD).await.status;
    let known = ana.user().username.as_str();
    assert_eq!(sign_in(&newcomer.username).await, 429);
    assert_eq!(sign_in(known).await, 303);
    app.sql("UPDATE sign_in_places SET last_at = last_at - interval '91 days'").await;
    assert_eq!(sign_in(known).await, 429, "it is too long ago");
    let elsewhere = app.browser_at([127, 0, 0, 9].into());
    elsewhere.sign_in(&newcomer.username, PASSWORD).await.expect(303);
    app.advance(TimeDelta::seconds(1));
    assert_eq!(sign_in(&newcomer.username).await, 303);
}

/// Who is known to come from this machine.
async fn known_here(app: &TestApp) -> Vec<String> {
    let known =
        "SELECT username FROM sign_in_places JOIN users ON users.id = user_id WHERE network = '127.0.0.1' ORDER BY 1";
    app.rows(known).await.into_iter().flatten().collect()
}

#[tokio::test]
async fn every_way_in_makes_known_from_where_somebody_came_for_ninety_days() {
    let app = &TestApp::start().await;
    let ana = app.browser();
    let first_run = ana.get("/first-run").await;
    first_run
        .submit(|form| {
            form.set("code", app.first_run.code())
                .set("username", "ana")
                .set("full_name", "Ana Ruiz")
                .set("password", PASSWORD)
        })
        .await
        .expect(303);
    assert_eq!(known_here(app).await, ["ana"]);

    let ben = app.user_named("ben", "Ben Okafor", &[]).await;
    let invited = format!("/users/{}/invitations", ben.id);
    let page = ana.post(&invited, &[]).await.expect(200);
    let link = page.field_value("link").trim().to_string();
    let page = app.browser().get("/set-password").await;
    let page = page.submit(|form| form.set("link", &link)).await;
    page.submit(|form| form.set("password", PASSWORD)).await.expect(303);
    assert_eq!(known_here(app).await, ["ana", "ben"]);

    app.advance(TimeDelta::days(60));
    app.browser().sign_in("ben", PASSWORD).await.expect(303);
    app.advance(TimeDelta::days(60));
    app.run_due_work().await;
    assert_eq!(known_here(app).await, ["ben"]);
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    let app = &TestApp::start().await;
    let user = app.user(&[]).await;
    let visitor = &app.browser();
    let csrf = &visitor.csrf().await;
    let time = async |name: &str| {
        app.advance(TimeDelta::seconds(31));
        let fields = [("csrf", csrf.as_str()), ("username", name), ("password", "an all too common password")];
        let begun = Instant::now();
        let page = visitor.post_exactly("/sign-in", &fields).await;
        assert_eq!(page.status, 422);
        begun.elapsed()
    };
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for _ in 0..15 {
        known.push(time(&user.username).await);
        unknown.push(time("nobody-of-this-name").await);
    }
    let (known, unknown) = (median(known), median(unknown));
    println!("sign-in refused: {known:?} with a known name, {unknown:?} with an unknown one");
    // Without the hash an unknown name would take a fraction; the rest is left to a busy machine.
    assert!(unknown * 2 > known, "{unknown:?}, {known:?}");
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
async fn a_session_that_is_ended_while_a_request_runs_stays_ended() {
    let app = &TestApp::start().await;
    let ana = app.super_admin().await;
    let of_ana = format!("FROM sessions WHERE user_id = '{}'", ana.user().id);
    // Late enough that the request notes the use of the session.
    app.advance(TimeDelta::minutes(2));
    app.sql(&format!("BEGIN; SELECT 1 {of_ana} FOR UPDATE")).await;
    let end = async {
        app.until_a_lock_is_waited_for().await;
        app.sql(&format!("DELETE {of_ana}; COMMIT")).await;
    };
    let (_, ()) = tokio::join!(ana.get("/connectors"), end);
    assert_eq!(app.count(&format!("SELECT count(*) {of_ana}")).await, 0);
    ana.get("/connectors").await.expect(303);
}
