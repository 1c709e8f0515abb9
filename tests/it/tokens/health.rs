//! What list and tab say while a token is renewed, fails and comes back.

use super::*;

/// List and tab say the same; gives the tab.
async fn shows(browser: &Browser, words: &str) -> Page {
    let list = browser.get("/connectors").await;
    assert_eq!(list.rows()[0][4], words, "on the list");
    let tab = browser.get(TAB).await;
    assert_eq!(tab.texts(".head .tag"), [words]);
    tab
}

#[tokio::test]
async fn goes_from_healthy_over_failing_back_to_healthy() {
    let Authorized {
        app, server, admin, ..
    } = authorized().await;
    shows(&admin, "Healthy").await;
    server.fail(503, None).await;
    app.advance(TimeDelta::minutes(56));
    app.run_due_work().await;
    let tab = shows(&admin, "Failing").await;
    assert!(fact(&tab, "Last try").contains("503"), "{}", tab.text());
    let next = fact(&tab, "Next try");
    assert!(next.ends_with("after 1 failure"), "{next}");

    app.advance(TimeDelta::seconds(31));
    app.run_due_work().await;
    let next = fact(&shows(&admin, "Failing").await, "Next try");
    assert!(next.ends_with("after 2 failures"), "{next}");

    server.reset().await;
    app.advance(TimeDelta::seconds(61));
    app.run_due_work().await;
    let tab = shows(&admin, "Healthy").await;
    assert!(!tab.text().contains("Next try"));
}

#[tokio::test]
async fn needs_a_person_when_the_server_says_no_and_a_press_asks_again() {
    let Authorized {
        app,
        server,
        id,
        admin,
    } = authorized().await;
    server.revoke_all().await;
    app.advance(TimeDelta::minutes(56));
    app.run_due_work().await;
    let tab = shows(&admin, "Needs re-authorization").await;
    let said = fact(&tab, "Last try");
    assert!(said.contains("The server said: “invalid_grant"), "{said}");
    let next = "None, until somebody has done something";
    assert_eq!(fact(&tab, "Next try"), next);

    for _ in 0..10 {
        app.advance(TimeDelta::hours(5));
        app.run_due_work().await;
        problem(call(&app.keeper, id).await);
    }
    assert_eq!(server.seen().await.arrived, 1, "nothing by itself");

    let pressed = press(&admin).await.expect(200);
    assert!(pressed.text().contains("invalid_grant"));
    assert_eq!(server.seen().await.arrived, 2);
    assert_eq!(stored(&app).await.len(), 1, "the token is still there");
}

#[tokio::test]
async fn is_told_by_a_press_that_a_server_fails() {
    let Authorized {
        app, server, admin, ..
    } = authorized().await;
    server.fail(502, None).await;
    for presses in 1..=2 {
        let page = press(&admin).await.expect(200);
        assert!(page.text().contains("502"), "{}", page.text());
        assert_eq!(server.seen().await.arrived, presses);
    }
    let failed = "SELECT count(*) FROM audit_events WHERE kind = 'token.renewal_failed'";
    assert_eq!(app.count(failed).await, 1, "the first one is recorded");
    server.reset().await;
    press(&admin).await.expect(303);
    shows(&admin, "Healthy").await;
}
