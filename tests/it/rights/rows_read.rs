//! What lists read does not grow with what somebody may not see.

use connectory::access::Permission::ViewConnectors;

use super::*;
use crate::support::strs;

const ROWS: i64 = 10_000;

async fn fill(app: &TestApp) {
    app.sql(&format!(
        "INSERT INTO connectors (id, key, name, name_key, description, method, status, status_since, category_names,
            category_names_folded, own_folded, created_at, created_by, updated_at, updated_by)
        SELECT md5(number::text)::uuid, name, name, name, '', 'no_auth', 'healthy', now(), '', '', ' ' || name, now(), '', now(), ''
        FROM generate_series(1, {ROWS}) AS number, LATERAL (SELECT 'meter-' || lpad(number::text, 5, '0') AS name) AS named"
    ))
    .await;
}

#[tokio::test]
async fn a_list_of_which_nearly_nothing_is_open_reads_what_is() {
    let app = TestApp::start_with(|site| (site.workers, site.connections) = (1, 1)).await;
    fill(&app).await;
    app.sql("UPDATE connectors SET open_rights = '{}' WHERE name <> 'meter-09999'").await;
    let ben = app.person(&[ViewConnectors]).await;
    for number in ["00777", "09876"] {
        let id = app.value(&format!("SELECT id FROM connectors WHERE name = 'meter-{number}'")).await;
        list(&app, id.parse().expect("an id"), ben.user().id, "{view}").await;
    }
    app.sql("VACUUM ANALYZE connectors").await;
    ben.get("/connectors").await.expect(200);
    for query in ["", "?sort=-name", "?q=meter", "?status=healthy"] {
        let before = app.rows_read(&ben, "connectors").await;
        let page = ben.get(&format!("/connectors{query}")).await.expect(200);
        let read = app.rows_read(&ben, "connectors").await - before;
        let mut names = ["meter-00777", "meter-09876", "meter-09999"];
        if query.contains("-name") {
            names.reverse();
        }
        assert_eq!(strs(&page.row_heads()), names, "{query}");
        assert!(page.table_foot().ends_with("of 3 data connectors"), "{}", page.table_foot());
        assert!(read <= MOST, "{query} read {read} rows");
    }
}

/// The number of the hidden is counted off the kept one, from an index; that is the only thing that grows.
const MOST: i64 = ROWS + 500;

#[tokio::test]
async fn a_list_of_which_nearly_everything_is_open_reads_a_walk_at_most() {
    let app = TestApp::start_with(|site| (site.workers, site.connections) = (1, 1)).await;
    fill(&app).await;
    app.sql("UPDATE connectors SET open_rights = '{}' WHERE name < 'meter-00012'").await;
    app.sql("VACUUM ANALYZE connectors").await;
    let ben = app.person(&[ViewConnectors]).await;
    let first = ben.get("/connectors").await.expect(200);
    assert_eq!(first.row_heads()[0], "meter-00012");
    assert!(first.table_foot().ends_with("of 9,989 data connectors"), "{}", first.table_foot());
    let second = first.click("Next page").await;
    for page in [first.path, second.path, "/connectors?place=last".into()] {
        let before = app.rows_read(&ben, "connectors").await;
        ben.get(&page).await.expect(200);
        let read = app.rows_read(&ben, "connectors").await - before;
        assert!(read <= 1_001 + 3_000 + 500, "{page} read {read} rows");
    }
}
