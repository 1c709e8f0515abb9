//! What list and tab say while a token is renewed, fails and comes back.

use super::*;

/// List and tab say the same; gives the tab.
async fn shows(browser: &Browser, words: &str) -> Page {
    let list = browser.get("/connectors").await;
    let cell = list.rows().swap_remove(0).swap_remove(4);
    assert!(cell.starts_with(words), "on the list: {cell}");
    let tab = browser.get(TAB).await;
    assert_eq!(tab.texts(".head .tag"), [words]);
    tab
}

#[tokio::test]
async fn goes_from_healthy_over_failing_back_to_healthy() {
    let Authorized { app, server, admin, .. } = authorized().await;
    shows(&admin, "Healthy").await;
    server.fail(503, None).await;
    app.advance(TimeDelta::minutes(56));
    app.run_due_work().await;
    let tab = shows(&admin, "Failing").await;
    assert!(fact(&tab, "Last attempt").contains("503"), "{}", tab.text());
    let next = fact(&tab, "Next attempt");
    assert!(next.ends_with("after 1 failure"), "{next}");

    app.advance(TimeDelta::seconds(31));
    app.run_due_work().await;
    let next = fact(&shows(&admin, "Failing").await, "Next attempt");
    assert!(next.ends_with("after 2 failures"), "{next}");

    server.reset().await;
    app.advance(TimeDelta::seconds(61));
    app.run_due_work().await;
    let tab = shows(&admin, "Healthy").await;
    assert!(!tab.text().contains("Next attempt"));
}

/// What stands beside the health on the list, and in the head of the Details tab.
async fn says(browser: &Browser, repairs: bool) -> String {
    let list = browser.get("/connectors").await;
    let details = browser.get(DETAILS).await;
    let (link, way_on) = ("Repair Payroll", "Why, and how to repair it");
    assert_eq!(list.has_link(link), repairs, "{:?}", list.links());
    assert_eq!(details.has_link(way_on), repairs);
    if repairs {
        for page in [list.click(link).await, details.click(way_on).await] {
            assert_eq!(page.expect(200).h1(), "Payroll: Authorization");
        }
    }
    list.rows().swap_remove(0).swap_remove(4)
}

#[tokio::test]
async fn is_told_on_the_list_with_since_when_why_and_the_way_to_repair_it() {
    let app = site().await;
    let words = r#"{"error":"temporarily_unavailable","error_description":"<Back> at noon"}"#;
    let server = Hostile::start(answer(503, &[("Retry-After", "600")], words)).await;
    let id = renewed_at(&app, &server.url("/token")).await;
    let admin = app.super_admin().await;
    assert!(says(&admin, false).await.starts_with("Healthy token issued "));
    app.advance(TimeDelta::hours(2));
    let since = app.clock.now().format("%-d %b %Y").to_string();
    problem(call(&app.keeper, id).await);
    let cell = says(&admin, true).await;
    assert!(cell.starts_with(&format!("Failing Repair Payroll since {since}. ")), "{cell}");
    assert!(cell.contains("503") && cell.contains("<Back> at noon”"), "{cell}");
    assert!(cell.contains("Next try in 10 minutes."), "{cell}");
    let viewer = app.person(&[connectory::access::Permission::ViewConnectors]).await;
    let list = viewer.get("/connectors").await;
    assert!(list.text().contains("at noon") && !list.has_link("Repair Payroll"));

    app.sql("UPDATE renewals SET is_final = true, server_words = repeat('long ', 60)").await;
    app.sql("UPDATE connectors SET status = 'needs_reauthorization'").await;
    let cell = says(&admin, true).await;
    assert!(cell.starts_with("Needs re-authorization Repair Payroll since "), "{cell}");
    assert!(cell.contains("long…”") && !cell.contains("Next try"), "{cell}");
    assert!(cell.len() < 300, "{cell}");
}

#[tokio::test]
async fn needs_a_person_when_the_server_says_no_and_a_press_asks_again() {
    let Authorized { app, server, id, admin } = authorized().await;
    server.revoke_all().await;
    app.advance(TimeDelta::minutes(56));
    app.run_due_work().await;
    let tab = shows(&admin, "Needs re-authorization").await;
    let said = fact(&tab, "Last attempt");
    assert!(said.contains("The server said: “invalid_grant"), "{said}");
    let next = "No further attempts until the settings change";
    assert_eq!(fact(&tab, "Next attempt"), next);

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
async fn goes_from_failing_to_a_person_and_is_healthy_when_authorized_again() {
    let site = authorized().await;
    let Authorized { app, server, admin, .. } = &site;
    server.fail(503, None).await;
    app.advance(TimeDelta::minutes(56));
    app.run_due_work().await;
    shows(admin, "Failing").await;
    server.reset().await;
    server.revoke_all().await;
    app.advance(TimeDelta::seconds(31));
    app.run_due_work().await;
    shows(admin, "Needs re-authorization").await;

    let leaving = admin.get(TAB).await.form(&format!("{TAB}/attempts"));
    let leaving = leaving.send().await.expect(200);
    let links = leaving.attributes("a", "href");
    let away = links.into_iter().find(|href| href.starts_with(&server.urls.authorize));
    let back = server.allow(&away.expect("the way to the server")).await;
    let path = back.strip_prefix(&app.public_url).expect(&back);
    admin.get(path).await.expect(303);
    shows(admin, "Healthy").await;

    let address = format!("{TAB}/disconnections");
    let page = admin.get(&address).await.form(&address).send().await;
    page.expect(303);
    shows(admin, "Not authorized").await;
}

#[tokio::test]
async fn is_told_by_a_press_that_a_server_fails() {
    let Authorized { app, server, admin, .. } = authorized().await;
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
