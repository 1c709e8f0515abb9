//! What the page shows, and to whom.

use connectory::access::Permission;

use super::*;

#[tokio::test]
async fn only_super_admins_see_it() {
    let app = TestApp::start().await;
    let all: Vec<Permission> = Permission::all().collect();
    let manager = app.person(&all).await;
    manager.get("/notices").await.expect(403);
    let home = manager.get("/calls").await.expect(200);
    assert!(!home.has_link("Notices"));
    let admin = app.super_admin().await;
    let page = admin.get("/connectors").await.click("Activity").await.click("Notices").await.expect(200);
    assert_eq!(page.h1(), "Notices");
}

#[tokio::test]
async fn it_says_how_to_set_it_up_while_nobody_is_told() {
    let app = TestApp::start().await;
    let admin = app.super_admin().await;
    let text = admin.get("/notices").await.expect(200).text();
    for words in ["No notices are sent.", "CONNECTORY_SMTP_HOST", "CONNECTORY_NOTICES_WEBHOOK_URL", "No events yet"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let id = app.connector("Payroll").await;
    set_health(&app, id, "failing").await;
    round(&app).await;
    let page = admin.get("/notices").await;
    let row = page.rows().remove(0);
    assert!(row[1].starts_with("Failing") && row[2].ends_with(", still so") && row[3] == "Nothing", "{row:?}");
}

#[tokio::test]
async fn it_tells_what_became_of_each_message() {
    let receiver = Upstream::start(|seen| match body(seen)["data"]["connector"]["name"].as_str() {
        Some("Refused") => Reply::of(500, &[], ""),
        _ => Reply::of(200, &[], ""),
    })
    .await;
    let app = site(&webhook_to(&receiver.url("/secret-path"))).await;
    let admin = app.super_admin().await;
    for (name, health) in [
        ("Told", "needs_reauthorization"),
        ("Refused", "needs_reauthorization"),
        ("Waiting", "failing"),
        ("Short", "failing"),
    ] {
        let id = app.connector(name).await;
        set_health(&app, id, health).await;
    }
    round(&app).await;
    app.sql("UPDATE connectors SET status = 'healthy' WHERE name = 'Short'").await;
    after(&app, TimeDelta::seconds(1)).await;
    let page = admin.get("/notices").await.expect(200);
    let text = page.text();
    assert!(text.contains(&format!("http://{}, signed with 1 secret", receiver.address)), "{text}");
    assert!(!text.contains("secret-path"), "{text}");
    let sent = |name: &str| {
        let at = page.row_heads().iter().position(|head| head == name).expect(name);
        page.rows()[at][3].clone()
    };
    assert!(sent("Told").starts_with("Webhook: sent "), "{}", sent("Told"));
    let refused = sent("Refused");
    for words in
        ["Webhook: not sent yet after 1 attempt, next in ", " The receiver answered 500 Internal Server Error."]
    {
        assert!(refused.contains(words), "{refused}");
    }
    let waiting = sent("Waiting");
    assert!(waiting.starts_with("Webhook: to be sent in "), "{waiting}");
    assert!(waiting.ends_with(", if it is still so"), "{waiting}");
    assert_eq!(sent("Short"), "Webhook: not sent, because it was over before");
    let tab = page.click("Told").await.expect(200);
    assert_eq!(tab.h1(), "Told: Authorization");

    app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = 'x' WHERE name = 'Told'").await;
    app.sql("UPDATE notice_deliveries SET state = 'given_up' WHERE problem <> ''").await;
    let page = admin.get("/notices").await.expect(200);
    assert!(!page.has_link("Told") && page.text().contains("given up after 1 attempt."));
}

#[tokio::test]
async fn it_says_that_the_receiver_wants_no_more() {
    let receiver = Upstream::start(|_| Reply::of(410, &[], "")).await;
    let app = site(&webhook_to(&receiver.url("/in"))).await;
    let id = app.connector("Payroll").await;
    set_health(&app, id, "expiring").await;
    round(&app).await;
    let text = app.super_admin().await.get("/notices").await.expect(200).text();
    assert!(text.contains("The webhook is stopped."), "{text}");
}
