//! What the page reads of the log: at most the lines that it says, however many there are and whatever is looked for.

use connectory::access::Permission::ViewAuditLog;

use crate::support::TestApp;

const ROWS: i64 = 120_000;

/// The lines that are looked at, the page itself and a few for the kinds.
const MOST: i64 = 20_000 + 200;

/// Somebody who left long ago, a person who does nearly all, things that are rare, and kinds that are.
async fn fill(app: &TestApp) {
    app.sql(&format!(
        "ALTER TABLE audit_events DISABLE TRIGGER audit_events_queue;
         INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
         SELECT md5(n::text)::uuid, '2020-01-01Z'::timestamptz + n * interval '1 minute',
            CASE WHEN n <= 3000 THEN 'Zoe who left' WHEN n % 50 = 0 THEN 'Ben' ELSE 'Connectory' END, '', '',
            CASE WHEN n = 77 THEN 'thing.rare' WHEN n % 2 = 0 THEN 'token.renewed' ELSE 'connector.saved' END,
            CASE WHEN n <= 3000 THEN 'Old ' || n % 200 ELSE 'Thing ' || n % 500 END, '[]'
         FROM generate_series(1, {ROWS}) n;
         ALTER TABLE audit_events ENABLE TRIGGER audit_events_queue;
         INSERT INTO audit_names SELECT DISTINCT 'actor', actor_name, ' ' || lower(actor_name) FROM audit_events ON CONFLICT DO NOTHING;
         INSERT INTO audit_names SELECT DISTINCT 'subject', subject_name, ' ' || lower(subject_name) FROM audit_events ON CONFLICT DO NOTHING"
    ))
    .await;
    app.sql("VACUUM ANALYZE audit_events").await;
    app.sql("VACUUM ANALYZE audit_names").await;
}

#[tokio::test]
async fn no_page_reads_more_lines_than_a_bound_whatever_is_looked_for() {
    let app = TestApp::start_with(|site| (site.workers, site.connections) = (1, 1)).await;
    let ana = app.person(&[ViewAuditLog]).await;
    fill(&app).await;
    // Each with the number of lines on its first page.
    for (query, shown) in [
        ("", 25),
        ("size=100", 100),
        ("person=zoe", 25),
        ("person=connectory", 25),
        ("person=zoe&event=thing.rare", 1),
        ("person=connectory&event=thing.rare", 0),
        ("person=zoe&thing=old+7", 25),
        ("thing=thing+499", 25),
        ("thing=thing", 25),
        ("thing=thing&person=ben&event=connector.saved", 0),
        ("event=thing.rare", 1),
        ("event=token.&person=ben", 25),
        ("from=2020-01-02&to=2020-01-02", 25),
        ("from=2020-01-02&to=2020-01-02&person=ben", 0),
        ("from=2020-01-02&to=2020-01-03&thing=thing+1", 25),
        ("person=nobody+of+this+name", 0),
    ] {
        let before = app.rows_read(&ana, "audit_events").await;
        let page = ana.get(&format!("/audit?{query}")).await.expect(200);
        let read = app.rows_read(&ana, "audit_events").await - before;
        assert_eq!(page.row_heads().len(), shown, "{query}: {}", page.text());
        assert!(read <= MOST, "{query} read {read} lines");
    }
}

#[tokio::test]
async fn looking_further_back_finds_what_is_far_away() {
    let app = TestApp::start_with(|site| (site.workers, site.connections) = (1, 1)).await;
    let ana = app.person(&[ViewAuditLog]).await;
    fill(&app).await;
    // More names fit than are looked up one by one, so the lines themselves are looked through.
    let mut page = ana.get("/audit?thing=old").await.expect(200);
    let mut clicks = 0;
    while page.row_heads().is_empty() {
        assert!(page.text().contains("No results yet"), "{}", page.text());
        page = page.click("Search further back").await.expect(200);
        clicks += 1;
    }
    assert_eq!(page.row_heads().len(), 25);
    assert_eq!(clicks, 5, "20,000 lines each");
}
