//! The brake on guessing passwords.

use chrono::TimeDelta;

use crate::support::{Browser, PASSWORD, Page, TestApp};

/// Tries of one account from one address that pass at once, at most.
const MOST: usize = 10;

async fn guess(visitor: &Browser, username: &str, times: usize) -> Vec<Page> {
    let page = visitor.get("/sign-in").await;
    let mut answers = Vec::new();
    for number in 0..times {
        answers.push(
            page.submit(|form| {
                form.set("username", username)
                    .set("password", &format!("guess {number}"))
            })
            .await,
        );
    }
    answers
}

#[tokio::test]
async fn at_most_ten_wrong_passwords_then_even_the_right_one_waits() {
    let app = TestApp::start().await;
    let user = app.user(&[]).await;
    let visitor = app.browser();
    let statuses: Vec<u16> = guess(&visitor, &user.username, MOST + 1)
        .await
        .iter()
        .map(|page| page.status)
        .collect();
    let passed = statuses.iter().filter(|status| **status == 422).count();
    assert!(
        (3..=MOST).contains(&passed) && statuses.ends_with(&[429]),
        "{statuses:?}"
    );

    let page = visitor.sign_in(&user.username, PASSWORD).await.expect(429);
    assert_eq!(page.h1(), "Too many tries");
    let seconds: u64 = page.header("retry-after").parse().expect("seconds");
    assert!((1..=31).contains(&seconds), "{seconds}");
    visitor
        .sign_in(&user.username.to_uppercase(), PASSWORD)
        .await
        .expect(429);
}

#[tokio::test]
async fn another_account_and_another_address_are_not_held_up() {
    let app = TestApp::start().await;
    let (ben, eva) = (app.user(&[]).await, app.user(&[]).await);
    let visitor = app.browser();
    guess(&visitor, &ben.username, MOST + 1).await;
    app.browser()
        .sign_in(&eva.username, PASSWORD)
        .await
        .expect(303);
    let elsewhere = app.browser_at([127, 0, 0, 2].into());
    elsewhere.sign_in(&ben.username, PASSWORD).await.expect(303);
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
        app.browser()
            .sign_in(&user.username, PASSWORD)
            .await
            .expect(303);
    }
}
