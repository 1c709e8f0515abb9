//! The pages of the log: what they show, how they are narrowed, and who may see them.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use connectory::access::Permission::{EditConnectors, ViewActivity, ViewConnectors};
use connectory::calls::{self, Call, CallKind, Caller, CallerKind, Outcome, Target};
use uuid::Uuid;

use super::{call, endpoint, program};
use crate::support::{Browser, TestApp, strs};

/// Records a call some minutes ago that differs from the usual one.
fn ago(app: &TestApp, minutes: i64, connector: Uuid, change: impl FnOnce(&mut Call)) {
    let mut call = call(app.clock.now() - TimeDelta::minutes(minutes), connector);
    change(&mut call);
    app.call_log.record(call);
}

fn refused(call: &mut Call) {
    (call.outcome, call.status, call.problem) = (Outcome::Refused, None, "key_expired");
    call.detail = "The key has expired.".into();
}

/// A site with two connectors, and calls of every kind.
async fn site() -> (TestApp, Browser) {
    let app = TestApp::start().await;
    let (payroll, ledger) = (app.connector("Payroll").await, app.connector("Ledger").await);
    ago(&app, 1, payroll, |_| {});
    ago(&app, 2, payroll, |call| call.status = Some(404));
    ago(&app, 3, ledger, |call| {
        (call.connector_name, call.caller) = (Arc::from("Ledger"), program("Salary slips"));
        call.endpoint = Some((endpoint("post"), Arc::from("post")));
        refused(call);
    });
    ago(&app, 90, ledger, |call| {
        (call.connector_name, call.kind, call.endpoint) = (Arc::from("Ledger"), CallKind::Proxy, None);
        (call.outcome, call.status, call.problem) = (Outcome::Failed, None, "timed_out");
        call.total = Duration::from_secs(30);
    });
    ago(&app, 60 * 30, payroll, |call| {
        call.kind = CallKind::Run;
        call.caller =
            Caller { kind: CallerKind::User, id: Uuid::from_u128(5), name: Arc::from("Ana Ruiz"), api_key: None };
    });
    app.call_log.finish().await;
    let ana = app.person(&[ViewActivity, ViewConnectors]).await;
    (app, ana)
}

/// Who called what with what outcome, a row each.
async fn shown(ana: &Browser, address: &str) -> Vec<[String; 4]> {
    let page = ana.get(address).await.expect(200);
    let texts = |label: &str| page.texts(&format!("td[data-label='{label}']"));
    let columns = [texts("Caller"), texts("Connector"), texts("Endpoint"), texts("Status")];
    (0..columns[0].len())
        .map(|row| columns.each_ref().map(|column| column.get(row).cloned().unwrap_or_default()))
        .collect()
}

const FIRST: [&str; 4] = ["Month-end report Program", "Payroll", "list GET", "200 OK"];
const MISSING: [&str; 4] = ["Month-end report Program", "Payroll", "list GET", "404 Not Found"];
const REFUSED: [&str; 4] = ["Salary slips Program", "Ledger", "post GET", "Refused"];
const FAILED: [&str; 4] = ["Month-end report Program", "Ledger", "Proxy GET", "No response"];
const RUN: [&str; 4] = ["Ana Ruiz Person", "Payroll", "list GET", "200 OK"];

#[tokio::test]
async fn the_log_shows_the_newest_calls_first_and_every_filter_narrows_it() {
    let (app, ana) = site().await;
    let id = |name: &str| format!("SELECT id FROM connectors WHERE name = '{name}'");
    let ledger = app.value(&id("Ledger")).await;
    let (salaries, list) = (program("Salary slips").id, endpoint("list"));
    let day = (app.clock.now() - TimeDelta::hours(30)).format("%Y-%m-%d %H:%M");
    let narrowed: [(String, &[[&str; 4]]); 13] = [
        ("".into(), &[FIRST, MISSING, REFUSED, FAILED]),
        ("period=1h".into(), &[FIRST, MISSING, REFUSED]),
        ("period=7d".into(), &[FIRST, MISSING, REFUSED, FAILED, RUN]),
        (format!("connector={ledger}"), &[REFUSED, FAILED]),
        (format!("caller={salaries}"), &[REFUSED]),
        (format!("period=30d&endpoint={list}"), &[FIRST, MISSING, RUN]),
        ("outcome=errors".into(), &[MISSING, REFUSED, FAILED]),
        ("outcome=refused".into(), &[REFUSED]),
        ("status=4xx".into(), &[MISSING]),
        ("outcome=errors&status=2xx".into(), &[]),
        (format!("outcome=failed&connector={ledger}"), &[FAILED]),
        (format!("caller={salaries}&connector={}", Uuid::nil()), &[]),
        (format!("from={}&to={}", escaped(&day.to_string()), escaped(&format!("{day}:59"))), &[RUN]),
    ];
    for (query, expected) in narrowed {
        let rows = shown(&ana, &format!("/calls?{query}")).await;
        assert_eq!(rows.iter().map(|row| strs(row)).collect::<Vec<_>>(), expected.to_vec(), "{query}");
    }
    let page = ana.get("/connectors/ledger/activity").await.expect(200);
    assert_eq!((page.h1().as_str(), page.title().as_str()), ("Ledger: Activity", "Activity, Ledger – Connectory"));
    assert_eq!(page.texts("td[data-label='Status']"), ["Refused", "No response"]);
    assert!(page.all("td[data-label='Connector']").next().is_none(), "it is the same in every row");
    // An address cannot lead out of the tab.
    let other = app.value(&id("Payroll")).await;
    let page = ana.get(&format!("/connectors/ledger/activity?connector={other}")).await;
    assert_eq!(page.texts("td[data-label='Status']"), ["Refused", "No response"]);
}

fn escaped(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[tokio::test]
async fn the_filter_form_keeps_what_was_chosen_and_chips_take_it_away() {
    let (_app, ana) = site().await;
    let page = ana.get("/calls").await.expect(200);
    assert_eq!(
        page.choices("caller"),
        ["Any caller", "Ana Ruiz (person)", "Month-end report (program)", "Salary slips (program)"]
    );
    assert_eq!(page.choices("connector"), ["Any connector", "Ledger", "Payroll"]);
    let page = page.submit(|form| form.set("outcome", "errors").set("period", "7d")).await.expect(200);
    assert_eq!((page.field_value("outcome"), page.field_value("period")), ("errors".into(), "7d".into()));
    assert_eq!(page.texts(".chip"), ["Remove filter: Last 7 days ✕", "Remove filter: All errors ✕"]);
    let page = page.click("Remove filter: All errors ✕").await.expect(200);
    assert_eq!(page.rows().len(), 8, "the steps of the figures come first: {:?}", page.rows());
    let page = page.click("Salary slips").await.expect(200);
    assert_eq!(page.texts("td[data-label='Caller']"), ["Salary slips Program"]);
    let page = page.click("Clear all filters").await.expect(200);
    assert_eq!(page.path, "/calls");
}

#[tokio::test]
async fn figures_say_in_words_pictures_and_a_table_what_was_called() {
    let (_app, ana) = site().await;
    let page = ana.get("/calls?period=7d").await.expect(200);
    let text = page.text();
    assert!(text.contains("5 calls since"), "{text}");
    assert!(text.contains("3 of them errors (60%). Median 50 ms, 95th percentile 50 ms."), "{text}");
    assert_eq!(page.all("svg[role=img] title").count(), 3);
    let cells = page.rows();
    let calls: i64 = cells.iter().map(|row| row[1].parse::<i64>().expect("a number")).sum();
    let errors: i64 = cells.iter().map(|row| row[2].parse::<i64>().expect("a number")).sum();
    assert_eq!((cells.len(), calls, errors), (8, 5, 3));
    let page = ana.get("/connectors/ledger/activity").await.expect(200);
    assert!(page.text().contains("2 calls since"), "{}", page.text());
    let page = ana.get("/calls?outcome=refused").await.expect(200);
    assert!(page.text().contains("with any outcome and status"), "{}", page.text());
}

#[tokio::test]
async fn a_call_has_a_page_with_all_that_is_known_of_it() {
    let (app, ana) = site().await;
    app.sql("UPDATE connectors SET deleted_at = now() WHERE name = 'Ledger'").await;
    let page = ana.get("/calls").await;
    let link = page.links().into_iter().find(|(words, _)| words.ends_with(" post")).expect("a link");
    let page = ana.get(&link.1).await.expect(200);
    assert_eq!(page.h1(), "Call of post");
    let text = page.text();
    for words in [
        "The key has expired. key_expired",
        "Ledger (deleted)",
        "Endpoint: post",
        "GET https://api.example.org/v1/entries",
        "Salary slips",
        "192.0.2.7",
        "01a20138e1aa7108ac75c188e78d1004",
        "1.2 kB",
        "40 ms in total",
    ] {
        assert!(text.contains(words), "“{words}”: {text}");
    }
    assert_eq!(
        page.rows().iter().map(|row| strs(row)[..2].join(" ")).collect::<Vec<_>>(),
        ["Queue 2.0 ms", "Connect 8.0 ms", "First byte 22 ms", "Rest 8.0 ms"]
    );
    for nothing in
        ["/calls/1-2", "/calls/rubbish", "/calls/1795000000000000-00000000-0000-0000-0000-000000000007", "/calls/"]
    {
        ana.get(nothing).await.expect(404);
    }
}

#[tokio::test]
async fn pages_go_back_and_forth_through_the_log() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    for minute in 0..23 {
        ago(&app, minute, connector, |call| {
            call.endpoint = Some((endpoint("x"), Arc::from(format!("call {minute:02}"))))
        });
    }
    app.call_log.finish().await;
    let ana = app.person(&[ViewActivity]).await;
    let first = ana.get("/calls").await.expect(200);
    assert_eq!(first.table_foot(), "1 – 10 of 23 calls");
    let second = first.click("Next page").await.expect(200);
    assert_eq!(second.table_foot(), "11 – 20 of 23 calls");
    assert!(second.texts("td[data-label='Endpoint']")[0].starts_with("call 10"));
    assert_eq!(
        second.click("Previous page").await.texts("td[data-label='Endpoint']"),
        first.texts("td[data-label='Endpoint']")
    );
    let last = second.click("Last page").await.expect(200);
    assert_eq!(
        (last.table_foot().as_str(), last.texts("td[data-label='Endpoint']").len()),
        ("14 – 23 of 23 calls", 10)
    );
    assert!(last.title().starts_with("Activity (page 3 of 3)"), "{}", last.title());
}

#[tokio::test]
async fn a_time_that_cannot_be_read_is_said_at_its_field_and_stays_there() {
    let (_app, ana) = site().await;
    let page = ana.get("/calls?from=last+week&outcome=errors").await.expect(422);
    assert!(page.title().starts_with("Error: Activity"), "{}", page.title());
    let message = "From must be a day or a time such as 2026-11-22 or 2026-11-22 14:30";
    assert_eq!(page.errors(), [("from".to_string(), message.to_string())]);
    assert_eq!(page.field_error("from").as_deref(), Some(message));
    assert_eq!((page.field_value("from"), page.field_value("outcome")), ("last week".into(), "errors".into()));
    ana.get("/connectors/payroll/activity?from=x").await.expect(422);
    ana.get("/calls.csv?from=x").await.expect(400);
}

#[tokio::test]
async fn an_empty_log_says_what_it_will_show() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let ana = app.person(&[ViewActivity]).await;
    for address in ["/calls", "/connectors/payroll/activity"] {
        let page = ana.get(address).await.expect(200);
        assert!(page.text().contains("No calls yet"), "{}", page.text());
    }
    ago(&app, 60 * 30, connector, |_| {});
    app.call_log.finish().await;
    let page = ana.get("/calls").await.expect(200);
    assert!(page.text().contains("There was no call in the last 24 hours."), "{}", page.text());
    let page = page.click("Show the last 30 days").await.expect(200);
    assert_eq!(page.texts("td[data-label='Status']"), ["200 OK"]);
    let page = ana.get("/calls?outcome=refused&period=30d").await.expect(200);
    assert!(page.text().contains("No call of the last 30 days matches these filters."), "{}", page.text());
    assert_eq!(page.click("Clear all filters").await.path, "/calls");
}

#[tokio::test]
async fn the_log_needs_the_permission_to_view_activity() {
    let (app, _) = site().await;
    let ben = app.person(&[EditConnectors]).await;
    assert!(!ben.get("/connectors").await.has_link("Activity"));
    for address in ["/calls", "/calls.csv", "/calls/any", "/connectors/payroll/activity"] {
        let page = ben.get(address).await.expect(403);
        assert!(page.text().contains("“View Activity”"), "{}", page.text());
    }
    let eva = app.person(&[ViewActivity]).await;
    let page = eva.get("/").await.click("Activity").await.expect(200);
    assert_eq!(page.h1(), "Activity");
    assert_eq!(page.texts("header nav a"), ["Activity"]);
}

#[tokio::test]
async fn what_callers_send_is_escaped_wherever_it_is_shown() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let bad = r#"<script>alert(1)</script>"'&"#;
    ago(&app, 1, connector, |call| {
        call.connector_name = Arc::from(bad);
        call.endpoint = Some((endpoint("x"), Arc::from(bad)));
        call.caller.name = Arc::from(bad);
        (call.address, call.detail, call.request_id) = (bad.into(), bad.into(), bad.into());
        (call.target, call.problem) = (Target::new(&format!("https://api.example.org/{bad}")), "timed_out");
    });
    app.call_log.finish().await;
    let ana = app.super_admin().await;
    let list = ana.get("/calls").await.expect(200);
    let call = list.links().into_iter().find(|(_, href)| href.starts_with("/calls/")).expect("a link").1;
    for address in ["/calls", "/connectors/payroll/activity", "/connectors/payroll/delete", &call] {
        let page = ana.get(address).await.expect(200);
        assert!(!page.html.contains("<script>alert"), "{address}");
        assert!(page.text().contains("<script>alert"), "{address}");
    }
}

#[tokio::test]
async fn the_last_call_of_each_endpoint_is_known() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    for name in ["list", "create", "never"] {
        app.sql(&format!(
            "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
             VALUES ('{}', '{connector}', '{name}', '{name}', 'GET', '', now(), '', now(), '')",
            endpoint(name)
        ))
        .await;
    }
    ago(&app, 60 * 24 * 9, connector, |call| call.status = Some(500));
    ago(&app, 1, connector, |call| call.status = Some(204));
    ago(&app, 2, connector, |call| {
        call.endpoint = Some((endpoint("create"), Arc::from("create")));
        refused(call);
    });
    app.call_log.finish().await;
    let last = calls::last_calls(&*app.conn().await, &["list", "create", "never"].map(endpoint))
        .await
        .expect("the last calls");
    assert_eq!(last.len(), 2);
    assert_eq!(last[&endpoint("list")].status().label(), "204 No Content");
    assert_eq!(last[&endpoint("create")].status().label(), "Refused");
    let ana = app.person(&[ViewActivity]).await;
    assert_eq!(ana.get(&last[&endpoint("create")].href()).await.expect(200).h1(), "Call of create");
}
