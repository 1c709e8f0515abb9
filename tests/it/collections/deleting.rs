//! Deleting a collection is deleting its connector, and the other way round.

use chrono::TimeDelta;
use connectory::access::Permission::{DeleteConnectors, EditConnectors};

use crate::support::{TestApp, strs};

/// Adds records behind the site's back.
async fn fill(app: &TestApp, id: uuid::Uuid, records: i32) {
    app.sql(&format!(
        "INSERT INTO records (collection_id, id, data, created_at, created_by, updated_at, updated_by)
        SELECT '{id}', gen_random_uuid(), '{{}}', now(), '', now(), '' FROM generate_series(1, {records})"
    ))
    .await;
}

#[tokio::test]
async fn the_page_that_asks_counts_the_records() {
    let app = TestApp::start().await;
    let id = app.collection("Books", "").await;
    let ana = app.person(&[DeleteConnectors, EditConnectors]).await;
    for (more, words) in [(0, "0 records"), (1, "1 record"), (999, "1,000 records"), (1, "more than 1,000 records")] {
        fill(&app, id, more).await;
        let page = ana.get("/collections/books/edit").await.click("Delete collection “Books”").await.expect(200);
        assert_eq!(page.path, "/connectors/books/delete");
        assert!(page.text().contains(&format!("and so do its records: {words}.")), "{}", page.text());
    }
}

#[tokio::test]
async fn both_go_to_the_trash_and_come_back() {
    let app = TestApp::start().await;
    let id = app.collection("Books", "").await;
    fill(&app, id, 2).await;
    let ana = app.person(&[DeleteConnectors, EditConnectors]).await;
    let page = ana.get("/connectors/books/details").await.click("Delete this data connector").await.expect(200);
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), ("/collections", "The collection was deleted"));
    assert!(page.text().contains("No collections yet"));
    ana.get("/collections/books/edit").await.expect(404);
    ana.get("/connectors/books/details").await.expect(404);

    let page = ana.get("/connectors/trash").await.form("/connectors/books/restorations").send().await.expect(303);
    page.follow().await.expect(200);
    assert_eq!(strs(&ana.get("/collections").await.row_heads()), ["Books"]);
    ana.get("/collections/books/edit").await.expect(200);
    assert_eq!(app.count("SELECT count(*) FROM records").await, 2);
}

#[tokio::test]
async fn after_thirty_days_the_records_are_gone() {
    let app = TestApp::start().await;
    let id = app.collection("Books", "").await;
    fill(&app, id, 10_001).await;
    let ana = app.person(&[DeleteConnectors, EditConnectors]).await;
    ana.get("/connectors/books/delete").await.submit(|form| form).await.expect(303);
    app.advance(TimeDelta::days(31));
    // The session of before has ended.
    let ana = app.person(&[DeleteConnectors, EditConnectors]).await;
    let page = ana.get("/connectors/trash").await.expect(200);
    page.form("/connectors/books/restorations").send().await.expect(404);
    app.run_due_work().await;
    for table in ["connectors", "collections", "records", "tokens", "endpoints"] {
        assert_eq!(app.count(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
}
