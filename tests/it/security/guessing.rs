//! Guessing: many names from one address, how long an answer takes, and a session that ends while it is used.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::future::join_all;

use super::*;
use crate::support::PASSWORD;

/// Names that one address may try at once.
const MANY: usize = 120;

#[tokio::test]
async fn many_names_from_one_address_are_slowed_down_and_keep_nobody_out_who_came_from_there() {
    let app = &TestApp::start().await;
    let ana = app.super_admin().await;
    let newcomer = app.user(&[]).await;
    let guesser = &app.browser();
    let csrf = &guesser.csrf().await;
    let guess = async |number: usize| {
        let name = format!("guess{number}");
        let fields = [
            ("csrf", csrf.as_str()),
            ("username", &name),
            ("password", "an all too common password"),
        ];
        guesser.post_exactly("/sign-in", &fields).await.status
    };
    let answers = join_all((0..=MANY).map(guess)).await;
    let taken = answers.iter().filter(|status| **status == 422).count();
    // One was used up by whoever signed in before, and some come back while they are made.
    assert!((MANY - 1..=MANY).contains(&taken), "{taken} guesses taken");
    assert!(answers.contains(&429), "{answers:?}");

    let known = app.browser();
    known
        .sign_in(&ana.user().username, PASSWORD)
        .await
        .expect(303);
    let elsewhere = app.browser_at([127, 0, 0, 9].into());
    elsewhere
        .sign_in(&newcomer.username, PASSWORD)
        .await
        .expect(303);
    app.advance(TimeDelta::seconds(5));
    let late = app.browser();
    late.sign_in(&newcomer.username, PASSWORD).await.expect(303);
}

#[tokio::test]
async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
    let app = &TestApp::start().await;
    let user = app.user(&[]).await;
    let visitor = &app.browser();
    let csrf = &visitor.csrf().await;
    let time = async |name: &str| {
        app.advance(TimeDelta::seconds(31));
        let fields = [
            ("csrf", csrf.as_str()),
            ("username", name),
            ("password", "an all too common password"),
        ];
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
    app.sql(&format!("BEGIN; SELECT 1 {of_ana} FOR UPDATE"))
        .await;
    let end = async {
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted";
        while app.count(waits).await == 0 {}
        app.sql(&format!("DELETE {of_ana}; COMMIT")).await;
    };
    let (_, ()) = tokio::join!(ana.get("/connectors"), end);
    assert_eq!(app.count(&format!("SELECT count(*) {of_ana}")).await, 0);
    ana.get("/connectors").await.expect(303);
}
