//! The brake on guessing passwords.

use chrono::TimeDelta;
use connectory::clock::Clock;

use crate::support::{Browser, PASSWORD, Page, TestApp};

/// Tries of one account from one address that pass at once, at most.
const MOST: usize = 10;

async fn guess(visitor: &Browser, username: &str, times: usize) -> Vec<Page> {
    let page = visitor.get("/sign-in").await;
    let mut answers = Vec::new();
    for number in 0..times {
        answers
            .push(page.submit(|form| form.set("username", username).set("password", &format!("guess {number}"))).await);
    }
    answers
}

#[tokio::test]
async fn at_most_ten_wrong_passwords_then_even_the_right_one_waits() {
    let app = TestApp::start().await;
    let user = app.user(&[]).await;
    let visitor = app.browser();
    let statuses: Vec<u16> = guess(&visitor, &user.username, MOST + 1).await.iter().map(|page| page.status).collect();
    let passed = statuses.iter().filter(|status| **status == 422).count();
    assert!((3..=MOST).contains(&passed) && statuses.ends_with(&[429]), "{statuses:?}");

    let page = visitor.sign_in(&user.username, PASSWORD).await.expect(429);
    assert_eq!(page.h1(), "Too many tries");
    let seconds: u64 = page.header("retry-after").parse().expect("seconds");
    assert!((1..=31).contains(&seconds), "{seconds}");
    visitor.sign_in(&user.username.to_uppercase(), PASSWORD).await.expect(429);
}

#[tokio::test]
async fn another_account_and_another_address_are_not_held_up() {
    let app = TestApp::start().await;
    let (ben, eva) = (app.user(&[]).await, app.user(&[]).await);
    let visitor = app.browser();
    guess(&visitor, &ben.username, MOST + 1).await;
    app.browser().sign_in(&eva.username, PASSWORD).await.expect(303);
    let elsewhere = app.browser_at([127, 0, 0, 2].into());
    elsewhere.sign_in(&ben.username, PASSWORD).await.expect(303);
}

/// Guesses at an account from addresses that nobody has come from, until more are not taken there.
async fn guess_from_everywhere(app: &TestApp, username: &str) {
    for host in 100..108 {
        let visitor = app.browser_at([127, 0, 1, host].into());
        guess(&visitor, username, 8).await;
    }
}

#[tokio::test]
async fn guessing_from_many_addresses_slows_down_strangers_and_nobody_who_is_known_there() {
    let app = TestApp::start_with(|site| site.clock = Clock::still()).await;
    let ben = app.user(&[]).await;
    app.browser().sign_in(&ben.username, PASSWORD).await.expect(303);
    guess_from_everywhere(&app, &ben.username).await;
    let stranger = app.browser_at([127, 0, 0, 9].into());
    let page = stranger.sign_in(&ben.username, PASSWORD).await.expect(429);
    let seconds: u64 = page.header("retry-after").parse().expect("seconds");
    assert!((1..=301).contains(&seconds), "{seconds}");
    // Neither the person at a familiar address nor another account is held up.
    app.browser().sign_in(&ben.username, PASSWORD).await.expect(303);
    let eva = app.user(&[]).await;
    stranger.sign_in(&eva.username, PASSWORD).await.expect(303);
    // Nobody waits for good, even while it goes on.
    app.advance(TimeDelta::minutes(5));
    guess_from_everywhere(&app, &ben.username).await;
    let stranger = app.browser_at([127, 0, 0, 9].into());
    stranger.sign_in(&ben.username, PASSWORD).await.expect(303);
}

#[tokio::test]
async fn the_person_is_told_of_guesses_from_many_addresses_for_a_week() {
    let app = TestApp::start_with(|site| site.clock = Clock::still()).await;
    let (ben, eva) = (app.user(&[]).await, app.user(&[]).await);
    let (ben, eva) = (app.signed_in(ben).await, app.signed_in(eva).await);
    let told = async |browser: &Browser| {
        let page = browser.get("/").await.expect(200);
        page.text().contains("Others are trying to sign in as you.")
    };
    assert!(!told(&ben).await);
    guess_from_everywhere(&app, &ben.user().username).await;
    guess_from_everywhere(&app, "nobody-of-this-name").await;
    assert!(told(&ben).await && !told(&eva).await);
    app.advance(TimeDelta::days(8));
    let again = app.signed_in(ben.user().clone()).await;
    assert!(!told(&again).await);
    app.run_due_work().await;
    assert_eq!(app.count("SELECT count(*) FROM sign_in_alarms").await, 0);
}

#[tokio::test]
async fn it_passes_with_time() {
    let app = TestApp::start().await;
    let user = app.user(&[]).await;
    let visitor = app.browser();
    guess(&visitor, &user.username, MOST + 1).await;
    app.advance(TimeDelta::seconds(31));
    visitor.sign_in(&user.username, PASSWORD).await.expect(303);
}

#[tokio::test]
async fn who_signs_in_with_the_right_password_now_and_again_never_waits() {
    let app = TestApp::start().await;
    let user = app.user(&[]).await;
    for _ in 0..2 * MOST {
        app.advance(TimeDelta::minutes(1));
        app.browser().sign_in(&user.username, PASSWORD).await.expect(303);
    }
}
