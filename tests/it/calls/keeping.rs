//! How long calls are kept: partitions that come ahead and go whole.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use connectory::calls::Retention;

use super::call;
use crate::support::TestApp;

const PARTITIONS: &str = "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'calls'::regclass ORDER BY 1";

fn partition(day: DateTime<Utc>) -> String {
    day.format("calls_%Y%m%d").to_string()
}

async fn partitions(app: &TestApp) -> Vec<String> {
    app.rows(PARTITIONS).await.concat()
}

#[tokio::test]
async fn days_are_made_ahead_and_dropped_when_their_time_is_over() {
    let app = TestApp::start_with(|site| site.retention = Retention(2)).await;
    app.run_due_work().await;
    let now = app.clock.now();
    let day = |days| partition(now + TimeDelta::days(days));
    assert_eq!(partitions(&app).await, [day(0), day(1), day(2), day(3)]);
    app.advance(TimeDelta::days(2));
    app.run_due_work().await;
    assert_eq!(partitions(&app).await[0], day(0), "kept for two whole days");
    app.advance(TimeDelta::days(1));
    app.run_due_work().await;
    assert_eq!(partitions(&app).await, [day(1), day(2), day(3), day(4), day(5), day(6)]);
}

#[tokio::test]
async fn a_call_of_a_day_without_a_partition_makes_it() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let now = app.clock.now();
    for days in [0, -7, 400] {
        app.call_log.record(call(now + TimeDelta::days(days), connector));
    }
    app.call_log.finish().await;
    assert_eq!(app.count("SELECT count(*) FROM calls").await, 3);
    // One that was dropped meanwhile is made again.
    app.sql(&format!("DROP TABLE {}", partition(now))).await;
    app.call_log.record(call(now, connector));
    app.call_log.finish().await;
    assert_eq!(app.count("SELECT count(*) FROM calls").await, 3);
}

#[tokio::test]
async fn instances_that_start_together_take_turns() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let now = app.clock.now();
    let logs: Vec<_> = (0..6).map(|_| app.another_call_log()).collect();
    for log in &logs {
        for days in 0..5 {
            log.record(call(now + TimeDelta::days(days), connector));
        }
    }
    let all = futures_util::future::join_all(logs.iter().map(|log| log.finish()));
    futures_util::join!(all, app.run_due_work(), app.run_due_work());
    assert_eq!(app.count("SELECT count(*) FROM calls").await, 30);
    assert_eq!(partitions(&app).await.len(), 5);
}

#[tokio::test]
async fn counts_are_kept_for_thirty_days_whatever_the_retention_of_entries() {
    let app = TestApp::start_with(|site| site.retention = Retention(1)).await;
    let connector = app.connector("Payroll").await;
    app.call_log.record(call(app.clock.now(), connector));
    app.call_log.finish().await;
    for (days, lines, counts) in [(29, 0, 4), (2, 0, 0)] {
        app.advance(TimeDelta::days(days));
        app.run_due_work().await;
        assert_eq!(app.count("SELECT count(*) FROM calls").await, lines);
        assert_eq!(app.count("SELECT count(*) FROM call_hours").await, counts);
    }
    // The key stays as programs know it, although no count shows a call any more.
    assert_eq!(app.value("SELECT called FROM connectors").await, "t");
}

#[tokio::test]
async fn deleting_a_month_takes_a_moment_and_a_reader_of_it_is_not_thrown_out() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let now = app.clock.now();
    for days in 0..30 {
        app.call_log.record(call(now + TimeDelta::days(days), connector));
    }
    app.call_log.finish().await;
    app.sql(
        "INSERT INTO calls SELECT (jsonb_populate_record(calls, jsonb_build_object('id', gen_random_uuid()))).*
        FROM calls CROSS JOIN generate_series(1, 4000)",
    )
    .await;
    app.advance(TimeDelta::days(61));
    app.sql("BEGIN; SELECT count(*) FROM calls WHERE at < now() + interval '1 hour'").await;
    app.run_due_work().await;
    assert!(partitions(&app).await.contains(&partition(now)), "it is being read");
    app.sql("COMMIT").await;
    let start = Instant::now();
    app.run_due_work().await;
    let took = start.elapsed();
    assert_eq!(app.count("SELECT count(*) FROM calls").await, 0);
    assert!(took < Duration::from_secs(2), "120,000 lines of 30 days took {took:?}");
}
