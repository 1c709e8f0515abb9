//! How lines get into the chain.

use futures_util::future::join_all;

use crate::support::TestApp;

const DOWN: &str = include_str!("../../../migrations/2026-11-24-000009_chain_audit/down.sql");
const KEYED_DOWN: &str = include_str!("../../../migrations/2026-11-29-150001_key_audit_links/down.sql");
const KEYED_UP: &str = include_str!("../../../migrations/2026-11-29-150001_key_audit_links/up.sql");
const UP: &str = include_str!("../../../migrations/2026-11-24-000009_chain_audit/up.sql");

#[tokio::test]
async fn every_line_is_linked_once_in_the_order_of_the_commits() {
    let app = TestApp::start().await;
    for name in ["Payroll", "Ledger", "Maps"] {
        app.connector(name).await;
    }
    assert_eq!(app.chain().await, 3);
    app.category("Finance").await;
    assert_eq!((app.chain().await, app.chain().await), (1, 0));
    let lines =
        app.rows("SELECT seq, subject_name FROM audit_links JOIN audit_events ON id = event_id ORDER BY seq").await;
    let expected = [["1", "Payroll"], ["2", "Ledger"], ["3", "Maps"], ["4", "Finance"]];
    assert_eq!(lines, expected);
    assert_eq!(app.end().await.seq, 4);
    assert_eq!(app.fault().await, None);
    assert_eq!(app.count("SELECT count(*) FROM audit_queue").await, 0);
}

#[tokio::test]
async fn who_is_committed_late_is_linked_late() {
    let app = TestApp::start().await;
    let insert = "INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
        VALUES ('00000000-0000-7000-8000-000000000001', now(), 'Late', '', '', 'test.late', 'Late', '[]')";
    app.sql(&format!("BEGIN; {insert}")).await;
    app.connector("Payroll").await;
    assert_eq!(app.chain().await, 1);
    app.sql("COMMIT").await;
    assert_eq!(app.chain().await, 1);
    let last =
        app.value("SELECT actor_name FROM audit_links JOIN audit_events ON id = event_id ORDER BY seq DESC LIMIT 1");
    assert_eq!(last.await, "Late");
    assert_eq!(app.fault().await, None);
}

#[tokio::test]
async fn what_is_not_committed_leaves_no_trace() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    app.sql("ALTER TABLE audit_events ADD CONSTRAINT refused CHECK (kind <> 'category.created') NOT VALID").await;
    let ana = app.super_admin().await;
    ana.post("/categories", &[("category_name", "Finance"), ("status", "active")]).await.expect(500);
    app.chain().await;
    assert_eq!(app.fault().await, None);
    let all = app.count("SELECT count(*) FROM audit_events").await;
    assert_eq!(app.end().await.seq, all);
}

#[tokio::test]
async fn several_instances_make_one_chain_of_many_changes_at_once() {
    let app = TestApp::start().await;
    let changes = join_all((0..60).map(|number| {
        let app = &app;
        async move {
            app.connector(&format!("Meter {number}")).await;
        }
    }));
    let instances = join_all((0..3).map(|_| {
        let app = &app;
        async move {
            for _ in 0..20 {
                app.chain().await;
            }
        }
    }));
    futures_util::join!(changes, instances);
    app.chain().await;
    assert_eq!(app.end().await.seq, 60);
    assert_eq!(app.fault().await, None);
}

#[tokio::test]
async fn no_change_waits_for_the_chain() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    // Another instance that has begun to link and does not get on.
    app.sql("BEGIN; SELECT FROM audit_chain FOR UPDATE").await;
    app.connector("Ledger").await;
    assert_eq!(app.chain().await, 0, "nobody waits for it either");
    app.sql("ROLLBACK").await;
    assert_eq!(app.chain().await, 2);
}

#[tokio::test]
async fn more_lines_than_are_linked_at_once_are_all_linked() {
    let app = TestApp::start().await;
    app.sql("INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
        SELECT md5(n::text)::uuid, now(), 'Ana', '', '', 'test.made', 'Thing ' || n % 7, '[]' FROM generate_series(1, 1234) n")
        .await;
    assert_eq!(app.chain().await, 1234);
    assert_eq!(app.fault().await, None);
    assert_eq!(app.count("SELECT count(*) FROM audit_names").await, 8);
}

#[tokio::test]
async fn lines_from_before_there_was_a_chain_are_linked_too() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    app.chain().await;
    app.sql(KEYED_DOWN).await;
    app.sql(DOWN).await;
    app.connector("Ledger").await;
    assert_eq!(app.try_sql("DELETE FROM audit_events").await, Err("audit_events is append-only".into()));
    app.sql(UP).await;
    app.sql(KEYED_UP).await;
    assert_eq!(app.chain().await, 2);
    assert_eq!(app.fault().await, None);
}

#[tokio::test]
async fn lines_and_links_can_be_added_to_only_and_the_chain_grows_only() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    app.chain().await;
    for table in ["audit_events", "audit_links"] {
        for statement in
            [format!("DELETE FROM {table}"), format!("TRUNCATE {table}"), format!("TRUNCATE {table} CASCADE")]
        {
            let refusal = app.try_sql(&statement).await;
            assert_eq!(refusal, Err(format!("{table} is append-only")), "{statement}");
        }
    }
    for statement in ["UPDATE audit_links SET hash = previous_hash", "UPDATE audit_events SET at = now()"] {
        assert!(app.try_sql(statement).await.is_err(), "{statement}");
    }
    for statement in [
        "UPDATE audit_chain SET seq = 0",
        "UPDATE audit_chain SET hash = '\\x00'",
        "DELETE FROM audit_chain",
        "TRUNCATE audit_chain",
    ] {
        let refusal = app.try_sql(statement).await;
        assert_eq!(refusal, Err("the audit chain only grows".into()), "{statement}");
    }
    assert_eq!(app.fault().await, None);
}
