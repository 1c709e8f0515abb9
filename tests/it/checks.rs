//! Checks of connectors: now, of all, by a schedule; what they store, and what it does to the health.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use connectory::access::Permission::{EditConnectors, ViewActivity, ViewConnectors};
use connectory::authorization::SecretField;
use connectory::connectors::Method;
use connectory::outbound::HttpUrl;
use uuid::Uuid;

use crate::support::upstream::{Reply, Upstream};
use crate::support::{Page, TestApp, strs};

const CHECKS: &str = "/connectors/payroll/checks";
const SCHEDULE: &str = "/connectors/payroll/checks/schedule";
const SECRET: &str = "canary-7d20aa";

/// A connector with Basic Auth, a password and this API.
async fn connector(app: &TestApp, name: &str, api: &Upstream) -> Uuid {
    let with_method = |new: &mut connectory::connectors::NewConnector| {
        new.method = Method::Basic;
        new.details.base_url = HttpUrl::parse(&api.url("/v1")).ok();
    };
    let id = app.connector_with(name, with_method).await;
    app.store_secret(id, SecretField::Password, SECRET).await;
    id
}

async fn round(app: &TestApp) {
    app.checker.round().await.expect("a round of checks");
}

async fn schedule(page: Page, choice: &str) -> Page {
    page.form(SCHEDULE).set("schedule", choice).send().await
}

#[tokio::test]
async fn a_check_tests_what_is_stored_and_its_result_is_health_and_history() {
    let refuses = Arc::new(AtomicBool::new(true));
    let refusing = refuses.clone();
    let api =
        Upstream::start(
            move |_| if refusing.load(Ordering::Relaxed) { Reply::json(401, "{}") } else { Reply::json(200, "{}") },
        )
        .await;
    let app = TestApp::start().await;
    connector(&app, "Payroll", &api).await;
    let ana = app.person(&[EditConnectors, ViewActivity]).await;
    let page = ana.get(CHECKS).await.expect(200);
    assert!(page.text().contains("No checks yet"));
    let page = page.form(CHECKS).send().await.expect(303).follow().await;
    assert_eq!(page.flash(), "The check was started");
    assert_eq!(page.rows()[0][1], "Waiting");
    assert!(page.text().contains("A check has not ended yet."));

    round(&app).await;
    let row = ana.get(CHECKS).await.rows().remove(0);
    assert_eq!(row[1], "Problem");
    assert!(
        row[2].starts_with("Base URL: The API answered 401") && row[2].contains("refuses the credential"),
        "{}",
        row[2]
    );
    assert_eq!(row[4], ana.user().attribution());
    assert_eq!(app.value("SELECT status FROM connectors").await, "refused");

    refuses.store(false, Ordering::Relaxed);
    for _ in 0..3 {
        ana.get(CHECKS).await.form(CHECKS).send().await.expect(303);
        round(&app).await;
    }
    assert_eq!(ana.get(CHECKS).await.rows()[0][1], "Works, with a warning");
    assert_eq!(app.value("SELECT status FROM connectors").await, "healthy");
    assert!(!app.value("SELECT string_agg(checks::text, ' ') FROM checks").await.contains(SECRET));
}

#[tokio::test]
async fn all_are_checked_after_a_question_and_the_rest_can_be_cancelled() {
    let api = Upstream::json("{}").await;
    let app = TestApp::start().await;
    for name in ["Payroll", "Ledger", "Archive"] {
        connector(&app, name, &api).await;
    }
    app.sql("UPDATE connectors SET enabled = false WHERE key = 'archive'").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/checks").await.expect(200).click("Check all").await.expect(200);
    assert_eq!(page.h1(), "Do you want to check 2 data connectors?");
    let run = page.submit(|form| form).await.expect(303).follow().await.expect(200);
    assert!(run.text().contains("0 of 2 data connectors checked, 0 problems."));
    round(&app).await;
    let page = ana.get(&run.path).await.expect(200);
    assert!(page.text().contains("2 of 2 data connectors checked, 0 problems."));
    assert_eq!(strs(&page.row_heads()), ["Ledger", "Payroll"]);
    assert_eq!(page.rows()[0][1], "Works, with a warning");

    let page = ana.get("/checks/new").await.submit(|form| form).await.expect(303).follow().await;
    let page = page.form(&format!("{}/cancellation", page.path)).send().await.expect(303).follow().await;
    assert!(
        page.text().contains("0 of 2 data connectors checked, 0 problems. The rest was cancelled by"),
        "{}",
        page.text()
    );
    let calls = api.seen().len();
    round(&app).await;
    assert_eq!(api.seen().len(), calls);
    assert_eq!(
        app.rows("SELECT kind FROM audit_events WHERE kind LIKE 'checks.%' ORDER BY id").await.concat(),
        ["checks.started", "checks.started", "checks.cancelled"]
    );
    assert_eq!(ana.get("/checks").await.rows().len(), 2);
}

#[tokio::test]
async fn a_schedule_checks_once_an_interval_and_not_while_disabled() {
    let api = Upstream::json("{}").await;
    let app = TestApp::start().await;
    connector(&app, "Payroll", &api).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = schedule(ana.get(CHECKS).await, "hourly").await.expect(303).follow().await;
    assert_eq!((page.flash().as_str(), page.field_value("schedule").as_str()), ("The schedule was saved", "hourly"));
    assert!(ana.get("/checks").await.text().contains("1 data connector is checked every hour."));
    let done = async || app.count("SELECT count(*) FROM checks WHERE finished_at IS NOT NULL").await;
    app.advance(TimeDelta::hours(1));
    round(&app).await;
    round(&app).await;
    assert_eq!(done().await, 1);
    let ana = app.person(&[EditConnectors]).await;
    assert_eq!(ana.get(CHECKS).await.rows()[0][4], "The schedule");
    app.advance(TimeDelta::minutes(64));
    round(&app).await;
    assert_eq!(done().await, 2);

    app.sql("UPDATE connectors SET enabled = false").await;
    app.advance(TimeDelta::hours(2));
    round(&app).await;
    assert_eq!(done().await, 2);
    app.sql("UPDATE connectors SET enabled = true").await;
    // The session has ended meanwhile.
    let ana = app.person(&[EditConnectors]).await;
    schedule(ana.get(CHECKS).await, "off").await.expect(303);
    app.advance(TimeDelta::days(2));
    round(&app).await;
    assert_eq!(done().await, 2);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'connector.checks_scheduled'").await, 2);
    let ana = app.person(&[EditConnectors]).await;
    let refused = ana.get(CHECKS).await.form(SCHEDULE).forge("schedule", "yearly").send().await.expect(422);
    assert!(refused.text().contains("Choose how often it is checked"));

    app.advance(TimeDelta::days(29));
    app.run_due_work().await;
    assert_eq!(app.count("SELECT count(*) FROM checks").await, 0, "kept for 30 days");
}

#[tokio::test]
async fn a_check_that_an_instance_has_left_is_done_by_another_and_each_once() {
    let api = Upstream::json("{}").await;
    let app = TestApp::start().await;
    connector(&app, "Payroll", &api).await;
    let ana = app.person(&[EditConnectors]).await;
    ana.get(CHECKS).await.form(CHECKS).send().await.expect(303);
    let until = app.clock.now() + TimeDelta::seconds(150);
    app.sql(&format!("UPDATE checks SET leased_until = '{until}'")).await;
    round(&app).await;
    assert_eq!(app.count("SELECT count(*) FROM checks WHERE finished_at IS NOT NULL").await, 0);
    app.advance(TimeDelta::seconds(151));
    futures_util::join!(round(&app), round(&app), round(&app));
    assert_eq!(app.count("SELECT count(*) FROM checks WHERE outcome = 'warning'").await, 1);
    assert_eq!(api.seen().len(), 1);
}

#[tokio::test]
async fn without_a_token_nobody_is_asked_and_the_check_says_what_to_do() {
    let app = TestApp::start().await;
    app.connector_with("Payroll", |new| new.method = Method::OAuth(connectory::connectors::Grant::AuthorizationCode))
        .await;
    app.connector_with("Ledger", |new| new.method = Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    for (key, outcome, words) in [
        ("payroll", "Not tested", "There is no access token yet. Press Authorize on the Authorization tab."),
        ("ledger", "Problem", "save it: it says what is missing."),
    ] {
        let checks = format!("/connectors/{key}/checks");
        ana.get(&checks).await.form(&checks).send().await.expect(303);
        round(&app).await;
        let row = ana.get(&checks).await.rows().remove(0);
        assert!(row[1] == outcome && row[2].ends_with(words), "{row:?}");
    }
}

#[tokio::test]
async fn people_see_checks_of_what_they_see_and_start_those_of_what_they_may_authorize() {
    let api = Upstream::json("{}").await;
    let app = TestApp::start().await;
    for name in ["Payroll", "Ledger"] {
        connector(&app, name, &api).await;
    }
    app.sql("UPDATE connectors SET open_rights = '{view}' WHERE key = 'payroll'; UPDATE connectors SET open_rights = '{}' WHERE key = 'ledger'").await;
    let (ana, root) = (app.person(&[EditConnectors]).await, app.super_admin().await);
    assert_eq!(ana.get("/checks/new").await.h1(), "Do you want to check 0 data connectors?");
    let page = ana.get("/checks/new").await.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "There is no Data Connector that you can check.");
    let page = ana.get(CHECKS).await.expect(200);
    assert!(!page.has_form(CHECKS) && !page.has_form(SCHEDULE));
    ana.get("/connectors/ledger/checks").await.expect(404);
    let run = root.get("/checks/new").await.submit(|form| form).await.expect(303).follow().await.path;
    assert_eq!(strs(&ana.get(&run).await.row_heads()), ["Payroll"]);
    let viewer = app.person(&[ViewConnectors]).await;
    assert!(!viewer.get(&run).await.has_form(&format!("{run}/cancellation")));
}
