//! The records of a collection as a file.

use super::people;
use crate::support::{Browser, Page, TestApp, formulas};

/// Puts records into the only collection, the data of each given in SQL with the number `n`.
async fn fill(app: &TestApp, number: u32, data: &str) {
    app.sql(&format!(
        "INSERT INTO records (collection_id, id, data, created_at, created_by, updated_at, updated_by)
         SELECT connector_id, lpad(n::text, 32, '0')::uuid, {data}, now(), '', now(), '' FROM collections, generate_series(1, {number}) AS n"
    ))
    .await;
}

/// The file behind a button of the list.
pub(super) async fn export(browser: &Browser, format: &str) -> Page {
    let list = browser.get("/collections/parts").await.expect(200);
    let button = format!("Export as {}", format.to_uppercase());
    list.form("/collections/parts/exports").press(&button).send().await
}

#[tokio::test]
async fn json_has_every_record_as_it_is_stored() {
    let app = TestApp::start().await;
    app.collection("Parts", "").await;
    let (_, ben) = people(&app).await;
    assert_eq!(export(&ben, "json").await.expect(200).html, "[\n]\n");
    fill(&app, 250, "jsonb_build_object('n', n, 'big', 123456789012345678901234567890.10)").await;
    let page = export(&ben, "json").await.expect(200);
    assert_eq!(page.header("content-type"), "application/json");
    assert_eq!(page.header("content-disposition"), "attachment; filename=\"parts.json\"");
    let records: Vec<serde_json::Value> = serde_json::from_str(&page.html).expect("JSON");
    let numbers: Vec<u64> = records.iter().map(|record| record["n"].as_u64().expect("a number")).collect();
    assert_eq!(numbers, (1..=250).collect::<Vec<_>>());
    assert_eq!(page.html.matches("123456789012345678901234567890.10").count(), 250);
    let changes =
        app.value("SELECT changes::text FROM audit_events WHERE kind = 'records.exported' ORDER BY id DESC").await;
    assert!(changes.contains("\"250\"") && changes.contains("\"JSON\""), "{changes}");
}

#[tokio::test]
async fn csv_has_a_column_for_each_member_and_no_formula() {
    let app = TestApp::start().await;
    app.collection("Parts", r#"{"properties": {"name": {"type": "string"}, "unused": {"type": "number"}}}"#).await;
    let (ana, _) = people(&app).await;
    fill(&app, 101, r#"'{"name": "=1+1", "in": {"x": [1.50]}, "no": null, "n": -1.50, "a,\"b\"": "-2"}'::jsonb"#).await;
    let page = export(&ana, "csv").await.expect(200);
    let mut lines = page.html.trim_start_matches('\u{feff}').lines();
    assert_eq!(lines.next(), Some(r#"name,unused,"a,""b""",in,n,no"#));
    let row = r#""'=1+1",,"'-2","{""x"": [1.50]}",-1.50,"#;
    assert_eq!(lines.next(), Some(row));
    assert_eq!(lines.count(), 100);
    assert!(formulas(&page.html).iter().all(|cell| cell == "-1.50"), "{:?}", formulas(&page.html));
}

#[tokio::test]
async fn what_is_no_format_and_who_may_not_view_is_refused() {
    let app = TestApp::start().await;
    app.collection("Parts", "").await;
    let (ana, _) = people(&app).await;
    ana.post("/collections/parts/exports", &[("format", "xml")]).await.expect(400);
    app.person(&[]).await.post("/collections/parts/exports", &[("format", "csv")]).await.expect(403);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'records.exported'").await, 0);
}
