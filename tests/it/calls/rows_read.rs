//! What the log's pages read of the database: the same few rows, however many there are.

use connectory::access::Permission::ViewActivity;

use super::{Filling, call};
use crate::support::TestApp;

/// Calls of three days, a thousandth of them refused and the oldest of all slow.
const ROWS: i64 = 60_000;

#[tokio::test]
async fn no_page_of_the_log_reads_more_rows_than_a_bound_wherever_they_stand() {
    let app = TestApp::start_with(|site| (site.workers, site.connections) = (1, 1)).await;
    let (payroll, ledger) = (app.connector("Payroll").await, app.connector("Ledger").await);
    let now = app.clock.now();
    for days in 0..4 {
        app.call_log.record(call(now - chrono::TimeDelta::days(days), payroll));
    }
    app.call_log.finish().await;
    Filling {
        connector: format!("CASE WHEN number % 400 = 0 THEN '{ledger}' ELSE '{payroll}' END"),
        outcome: "CASE WHEN number % 1000 = 1 THEN 'refused' ELSE 'answered' END",
        status: "CASE WHEN number = 59995 THEN 302 WHEN number % 1000 <> 1 THEN 200 END",
        ..Filling::of(payroll, ROWS, "now() - number * interval '4 seconds'")
    }
    .write(&app)
    .await;
    app.sql("VACUUM ANALYZE calls").await;
    let ana = app.person(&[ViewActivity]).await;
    // A page of an index reads itself and counts to a thousand; of what no index knows, five thousand are looked
    // through.
    for (query, most, rows) in [
        ("", 1_100, 10),
        ("period=7d&size=100", 1_200, 100),
        ("outcome=errors&period=7d", 200, 10),
        ("outcome=refused", 200, 10),
        ("status=3xx&period=7d", 200, 1),
        ("status=2xx&period=7d", 10_200, 10),
        (&format!("connector={ledger}&period=7d"), 300, 10),
        (&format!("connector={ledger}&period=7d&outcome=errors"), 100, 0),
        (&format!("connector={payroll}&caller={}&period=7d", super::program("Nobody").id), 100, 0),
        (&format!("connector={ledger}&caller={}&period=7d", super::program("Month-end report").id), 30_000, 10),
    ] {
        let before = app.rows_read(&ana, "calls%").await;
        let page = ana.get(&format!("/calls?{query}")).await.expect(200);
        let read = app.rows_read(&ana, "calls%").await - before;
        assert_eq!(page.texts("td[data-label='Status']").len(), rows, "{query}");
        assert!(read <= most, "{query} read {read} rows");
    }
}

#[tokio::test]
async fn older_calls_are_searched_on_request() {
    let app = TestApp::start().await;
    let (payroll, ledger) = (app.connector("Payroll").await, app.connector("Ledger").await);
    let now = app.clock.now();
    let mut oldest = call(now - chrono::TimeDelta::hours(20), ledger);
    oldest.connector_name = std::sync::Arc::from("Ledger");
    app.call_log.record(oldest);
    app.call_log.record(call(now - chrono::TimeDelta::minutes(1), payroll));
    app.call_log.finish().await;
    let at = "now() - interval '1 minute' - number * interval '1 second'";
    Filling::of(payroll, 15_000, at).write(&app).await;
    let ana = app.person(&[ViewActivity]).await;
    let caller = super::program("Month-end report").id;
    let page = ana.get(&format!("/calls?connector={ledger}&caller={caller}")).await.expect(200);
    assert!(page.text().contains("None of the 5,000 calls back to"), "{}", page.text());
    // Fifteen thousand are passed in three steps.
    let mut page = page;
    for _ in 0..3 {
        page = page.click("Search further back").await.expect(200);
    }
    assert_eq!(page.texts("td[data-label='Connector']"), ["Ledger"]);
    assert!(!page.has_link("Search further back"));
}
