//! What the list's page reads of the database: the same few thousand rows, however many there are.

use connectory::access::Permission::ViewConnectors;

use crate::support::{TestApp, strs};

/// How many connectors there are. The last of them in the order of their names are what most searches look for.
const ROWS: i64 = 20_000;

/// More than are counted.
const LATE: i64 = 1200;

/// What a page may read: the matches up to where counting stops, a walk of three thousand rows and the page itself,
/// or all matches instead if the walk has not filled it.
const MOST: i64 = 1001 + 3000 + LATE;

/// A list, and which rows it has as SQL knows them.
const LISTS: [(&str, &str, &str); 11] = [
    ("", "true", "label, id"),
    ("q=vehicle", "late", "label, id"),
    ("q=ve", "late", "label, id"),
    ("q=vehicle&sort=-name", "late", "label DESC, id DESC"),
    ("q=vehicle&sort=created", "late", "created_at, id"),
    ("q=vehicle+records&status=failing", "late", "label, id"),
    ("status=failing", "late", "label, id"),
    ("status=failing&sort=-status", "late", "status DESC, id DESC"),
    ("q=records", "true", "label, id"),
    ("q=zeppelin", "number % 7000 = 0", "label, id"),
    ("q=xylophone", "false", "label, id"),
];

async fn fill(app: &TestApp) {
    app.sql(&format!(
        "CREATE TABLE numbered AS
            SELECT number, md5(number::text)::uuid AS id, number > {ROWS} - {LATE} AS late FROM generate_series(1, {ROWS}) AS number;
        INSERT INTO connectors (id, key, name, name_key, description, method, status, status_since, category_names,
            category_names_folded, own_folded, created_at, created_by, updated_at, updated_by)
        SELECT id, name, name, name, '', 'no_auth', CASE WHEN late THEN 'failing' ELSE 'healthy' END, now(), '', '',
            ' ' || name || CASE WHEN number % 7000 = 0 THEN ' zeppelin' ELSE '' END || ' records', now() + number * interval '1 second', '', now(), ''
        FROM numbered, LATERAL (SELECT CASE WHEN late THEN 'vehicle' ELSE 'meter' END || '-' || lpad(number::text, 5, '0') AS name) AS named"
    ))
    .await;
    app.sql("VACUUM ANALYZE connectors").await;
}

/// The names that SQL finds, with the size of a page from an offset on.
async fn names(app: &TestApp, rows: &str, order: &str, offset: i64) -> Vec<String> {
    app.rows(&format!(
        "SELECT name FROM connectors JOIN numbered USING (id) WHERE {rows} ORDER BY {order} LIMIT 10 OFFSET {offset}"
    ))
    .await
    .concat()
}

#[tokio::test]
async fn no_page_of_a_list_reads_more_rows_than_a_bound_wherever_they_stand() {
    let app = TestApp::start_with(|site| (site.workers, site.connections) = (1, 1)).await;
    fill(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    for (query, rows, order) in LISTS {
        let total = app.count(&format!("SELECT count(*) FROM numbered WHERE {rows}")).await;
        let first = ana.get(&format!("/connectors?size=10&{query}")).await.expect(200);
        let mut pages = vec![(first.path.clone(), 0)];
        if total > 10 {
            pages.push((first.click("Next page").await.path, 10));
            pages.push((format!("/connectors?size=10&{query}&place=last"), total - 10));
            let last = ana.get(&pages[2].0).await;
            pages.push((last.click("Previous page").await.path, total - 20));
        }
        for (page, offset) in pages {
            let expected = names(&app, rows, order, offset).await;
            let before = app.rows_read(&ana, "connectors").await;
            let found = ana.get(&page).await.expect(200);
            let read = app.rows_read(&ana, "connectors").await - before;
            assert_eq!(strs(&found.row_heads()), strs(&expected), "{page}");
            assert!(read <= MOST, "{page} read {read} rows");
        }
    }
}

#[tokio::test]
async fn the_home_page_reads_no_more_rows_than_it_counts() {
    let app = TestApp::start_with(|site| (site.workers, site.connections) = (1, 1)).await;
    fill(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    ana.get("/").await.expect(200);
    let before = app.rows_read(&ana, "connectors").await;
    let page = ana.get("/").await.expect(200);
    let read = app.rows_read(&ana, "connectors").await - before;
    assert!(page.has_link("Failing: more than 1,000"));
    assert!(read <= 1_001 + 50, "{read} rows");
}

#[tokio::test]
async fn a_page_whose_rows_are_gone_meanwhile_is_empty() {
    let app = TestApp::start().await;
    for number in 0..12 {
        app.connector(&format!("Meter {number:02}")).await;
    }
    let ana = app.person(&[ViewConnectors]).await;
    let uncategorized = connectory::categories::UNCATEGORIZED;
    let lists = ["q=meter".into(), format!("category={uncategorized}")];
    for query in lists {
        let first = ana.get(&format!("/connectors?size=10&{query}&sort=-name")).await;
        let second = first.click("Next page").await;
        assert_eq!(second.row_heads().len(), 2);
        app.sql("UPDATE connectors SET deleted_at = now() WHERE name < 'Meter 02'").await;
        let page = ana.get(&second.path).await.expect(200);
        assert!(page.text().contains("No results"), "{query}");
        app.sql("UPDATE connectors SET deleted_at = NULL").await;
    }
}
