//! The log as a file.

use std::sync::Arc;

use chrono::TimeDelta;
use connectory::access::Permission::ViewActivity;

use super::{call, program};
use crate::support::{TestApp, formulas};

#[tokio::test]
async fn a_file_has_the_same_calls_as_the_page_and_nothing_that_a_spreadsheet_would_run() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let now = app.clock.now();
    let mut evil = call(now - TimeDelta::minutes(1), connector);
    evil.caller = program("=HYPERLINK(\"https://evil.example\")");
    evil.endpoint = Some((super::endpoint("x"), Arc::from("Zürich, \"quoted\"")));
    let mut error = call(now - TimeDelta::minutes(2), connector);
    error.status = Some(500);
    error.address = ";=1+1;y".into();
    for call in [evil, error] {
        app.call_log.record(call);
    }
    app.call_log.finish().await;
    let ana = app.person(&[ViewActivity]).await;
    let page = ana.get("/calls").await.click("Download as CSV").await.expect(200);
    assert_eq!(page.header("content-type"), "text/csv; charset=utf-8; header=present");
    assert!(page.header("content-disposition").starts_with("attachment; filename=\"calls-"));
    assert_eq!(page.header("cache-control"), "no-store");
    let lines: Vec<&str> = page.html.split("\r\n").collect();
    assert_eq!(lines.len(), 4, "{}", page.html);
    assert!(lines[0].starts_with("time,connector,endpoint,"));
    assert!(
        lines[1].contains(
            ",Payroll,\"Zürich, \"\"quoted\"\"\",endpoint,\"'=HYPERLINK(\"\"https://evil.example\"\")\",program,"
        ),
        "{}",
        lines[1]
    );
    assert!(lines[2].contains(",answered,500,,,1,2.000,8.000,30.000,40.000,0,1204,"), "{}", lines[2]);
    assert!(lines[2].contains("\";'=1+1;y\""), "{}", lines[2]);
    assert_eq!(formulas(&page.html), [] as [String; 0]);
    let errors =
        ana.get("/connectors/payroll/activity?outcome=errors").await.click("Download as CSV").await.expect(200);
    assert_eq!(errors.html.lines().count(), 2);
}

#[tokio::test]
async fn a_long_file_comes_whole_in_pieces_up_to_a_bound() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    app.call_log.record(call(app.clock.now() - TimeDelta::hours(1), connector));
    app.call_log.finish().await;
    let more = |lines: i64| {
        format!("INSERT INTO calls SELECT (jsonb_populate_record(line, jsonb_build_object('id', gen_random_uuid(), 'at', now() - number % 3000 * interval '1 second'))).*
            FROM (SELECT calls FROM calls LIMIT 1) AS first (line) CROSS JOIN generate_series(1, {lines}) AS number")
    };
    let yesterday = connectory::clock::Clock::system().now() - TimeDelta::days(1);
    app.call_log.record(call(yesterday + TimeDelta::minutes(1), connector));
    app.call_log.finish().await;
    app.sql(&more(3_500)).await;
    let ana = app.person(&[ViewActivity]).await;
    let page = ana.get("/calls.csv").await.expect(200);
    let mut ids: Vec<&str> = page.html.lines().collect();
    assert_eq!(ids.len(), 3_503);
    assert!(ids[1..].is_sorted_by(|a, b| a[..27] >= b[..27]), "the newest first");
    ids.dedup();
    app.sql(&more(100_000)).await;
    let page = ana.get("/calls.csv").await.expect(200);
    let lines: Vec<&str> = page.html.lines().collect();
    assert_eq!(lines.len(), 100_002, "head, lines, and that there are more");
    assert!(lines[100_000].starts_with("20"));
    assert!(lines[100_001].starts_with("\"Only the newest 100000 calls"));
}
