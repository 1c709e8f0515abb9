//! The pages of records: list, form, JSON, deleting, conflicts and history.

use super::{people, the_record};
use crate::support::TestApp;

/// The form has its fields in this order.
const BOOK: &str = r#"{
    "type": "object", "required": ["title"],
    "properties": {
        "title": { "type": "string", "title": "Title", "description": "As on the cover" },
        "about": { "type": "string", "maxLength": 4000 },
        "pages": { "type": "integer", "minimum": 1 },
        "price": { "type": "number" },
        "lent": { "type": "boolean" },
        "shelf": { "enum": ["A", "B"] }
    }
}"#;

#[tokio::test]
async fn a_record_is_added_shown_edited_and_deleted() {
    let app = TestApp::start().await;
    app.collection("Books", BOOK).await;
    let (ana, _) = people(&app).await;
    let page = ana.get("/collections/books").await.expect(200);
    assert!(page.text().contains("No records yet"));
    let page = page.click("Add the first record").await.expect(200);
    assert!(page.text().contains("As on the cover"));
    let page = page.submit(|form| form.set("member_0", "Emil <b>").set("member_2", "12")).await.expect(303);
    let page = page.follow().await;
    assert_eq!(page.flash(), "The record was added");
    let id = the_record(&app).await;
    assert_eq!(page.rows()[0][..4], [id.as_str(), "Emil <b>", "", "12"]);
    assert_eq!(app.value("SELECT data::text FROM records").await, r#"{"pages": 12, "title": "Emil <b>"}"#);

    let page = page.click(&id).await.expect(200);
    assert_eq!((page.field_value("member_0").as_str(), page.field_value("member_4").as_str()), ("Emil <b>", ""));
    let page = page.submit(|form| form.set("member_3", "9.50").set("member_4", "true").set("member_2", "")).await;
    assert_eq!(page.expect(303).follow().await.flash(), "The record was saved");
    assert_eq!(
        app.value("SELECT data::text FROM records").await,
        r#"{"lent": true, "price": 9.50, "title": "Emil <b>"}"#
    );
    let changed = app.value("SELECT changes::text FROM audit_events WHERE kind = 'record.saved'").await;
    assert!(changed.contains("pages, ") || changed.contains(", pages"), "{changed}");
    assert!(!changed.contains("9.50"), "{changed}");

    let page = ana.get(&format!("/collections/books/records/{id}/delete")).await.expect(200);
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!(page.flash(), "The record was deleted");
    assert_eq!(app.count("SELECT count(*) FROM records").await, 0);
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_what_was_typed_stays() {
    let app = TestApp::start().await;
    app.collection("Books", BOOK).await;
    let (ana, _) = people(&app).await;
    let page = ana.get("/collections/books/records/new").await;
    let page = page.submit(|form| form.set("member_2", "many").set("member_1", "It is\nlong")).await.expect(422);
    let expected = [("member_0", "Enter title"), ("member_2", "pages must be a whole number such as 12")]
        .map(|(field, message)| (field.to_string(), message.to_string()));
    assert_eq!(page.errors(), expected);
    assert_eq!((page.field_value("member_2").as_str(), page.field_value("member_1").as_str()), ("many", "It is\nlong"));
    let page = page.submit(|form| form.set("member_0", "Emil").set("member_2", "0")).await.expect(422);
    assert!(page.field_error("member_2").expect("a message").starts_with("pages: "));

    let page = page.submit(|form| form.press("Edit as JSON")).await.expect(200);
    assert!(page.field_value("json").contains("\"pages\": 0"), "{}", page.field_value("json"));
    let page = page.submit(|form| form.set("json", "{\n \"title\": ,\n}")).await.expect(422);
    assert!(page.field_error("json").expect("a message").contains("Line 2, column 11"), "{:?}", page.errors());
    assert_eq!(page.field_value("json"), "{\n \"title\": ,\n}");
    let page = page.submit(|form| form.set("json", r#"{"title": 7}"#)).await.expect(422);
    assert!(page.field_error("json").expect("a message").contains("/title"), "{:?}", page.errors());
    let page = page.submit(|form| form.set("json", r#"{"title": "Emil", "pages": 9}"#).press("Edit in a form")).await;
    assert_eq!(page.expect(200).field_value("member_2"), "9");
    assert_eq!(app.count("SELECT count(*) FROM records").await, 0);
}

#[tokio::test]
async fn numbers_keep_their_digits_and_other_members_are_edited_as_json() {
    let app = TestApp::start().await;
    app.collection("Books", BOOK).await;
    let (ana, _) = people(&app).await;
    let page = ana.get("/collections/books/records/new").await.submit(|form| form.press("Edit as JSON")).await;
    let huge = r#"{"price": 123456789012345678901234567890.10, "title": "x"}"#;
    page.submit(|form| form.set("json", huge)).await.expect(303);
    let id = the_record(&app).await;
    let page = ana.get("/collections/books").await;
    assert!(page.text().contains("123456789012345678901234567890.10"));
    let page = page.click(&id).await;
    page.submit(|form| form.set("member_0", "y")).await.expect(303);
    let stored = app.value("SELECT data::text FROM records").await;
    assert!(stored.contains("123456789012345678901234567890.10"), "{stored}");
    app.sql(r#"UPDATE records SET data = data || '{"more": [1.50, {"x": null}]}'"#).await;
    let page = ana.get(&format!("/collections/books/records/{id}")).await;
    assert!(page.field_value("json").contains("1.50"));
    let page = page.submit(|form| form.press("Edit in a form")).await.expect(422);
    assert!(page.field_error("json").expect("a message").contains("cannot hold"));
}

#[tokio::test]
async fn the_list_is_filtered_sorted_and_paged_by_a_member() {
    let app = TestApp::start().await;
    let id = app.collection("Parts", "").await;
    app.sql("UPDATE collections SET members = '{name,n}'").await;
    let (ana, _) = people(&app).await;
    app.sql(&format!(
        r#"INSERT INTO records (collection_id, id, data, created_at, created_by, updated_at, updated_by)
        SELECT connector_id, gen_random_uuid(), jsonb_build_object('name', 'Part ' || n, 'n', n, 'x', '<script>'), now() + n * interval '1 s', 'x', now(), 'x'
        FROM collections, generate_series(1, 25) AS n WHERE connector_id = '{id}'"#
    ))
    .await;
    let names = |page: &crate::support::Page| page.rows().iter().map(|row| row[1].clone()).collect::<Vec<_>>();
    let page = ana.get("/collections/parts?sort=-created").await;
    assert_eq!(names(&page)[..2], ["Part 25", "Part 24"]);
    let page = ana.get("/collections/parts?member=n&sort=-value").await;
    assert_eq!(names(&page)[..2], ["Part 25", "Part 24"]);
    let page = page.click("Next page").await.expect(200);
    assert_eq!(names(&page)[..2], ["Part 15", "Part 14"]);
    let page = ana.get("/collections/parts?member=n&comparison=equal&value=7").await;
    assert_eq!(names(&page), ["Part 7"]);
    let page = ana.get("/collections/parts?member=name&comparison=beginning&value=part+2&size=25").await;
    assert_eq!(names(&page).len(), 7);
    let page = ana.get("/collections/parts?member=name&value=nothing").await;
    assert!(page.text().contains("No results"));
    for hostile in ["1e999", "1e-99999", "%00", "%7B", "%22%5Cud800%22", "%27", "\u{10ffff}"] {
        for comparison in ["equal", "beginning"] {
            ana.get(&format!("/collections/parts?member=n&comparison={comparison}&value={hostile}")).await.expect(200);
        }
    }
    ana.get("/collections/parts?member=x&sort=value&after=AAAA").await.expect(200);
}

#[tokio::test]
async fn who_may_only_view_sees_no_buttons_and_is_refused() {
    let app = TestApp::start().await;
    app.collection("Books", "").await;
    let (ana, ben) = people(&app).await;
    let page = ana.get("/collections/books/records/new").await;
    page.submit(|form| form.set("json", r#"{"<script>": "</textarea><script>"}"#)).await.expect(303);
    let id = the_record(&app).await;
    let page = ben.get("/collections/books").await.expect(200);
    assert!(page.text().contains("</textarea><script>") && !page.has_link("Add Record"));
    let record = format!("/collections/books/records/{id}");
    let page = ben.get(&record).await.expect(200);
    assert!(page.text().contains("</textarea><script>") && !page.has_form(&record));
    assert!(!page.has_link("Delete this record"));
    ben.get(&format!("{record}/versions")).await.expect(200);
    for path in ["/collections/books/records", &record, &format!("{record}/delete")] {
        ben.post(path, &[("json", "{}"), ("version", "1")]).await.expect(403);
    }
    for path in ["/collections/books/records/new", &format!("{record}/delete"), &format!("{record}/versions/1/edit")] {
        ben.get(path).await.expect(403);
    }
    assert_eq!(app.count("SELECT count(*) FROM records").await, 1);
}

#[tokio::test]
async fn two_who_edit_at_once_see_both_versions() {
    let app = TestApp::start().await;
    app.collection("Books", BOOK).await;
    let ((ana, _), (ben, _)) = (people(&app).await, people(&app).await);
    ana.get("/collections/books/records/new").await.submit(|form| form.set("member_0", "Emil")).await.expect(303);
    let address = format!("/collections/books/records/{}", the_record(&app).await);
    let (anas, bens) = (ana.get(&address).await, ben.get(&address).await);
    anas.submit(|form| form.set("member_0", "Lotta")).await.expect(303);
    let page = bens.submit(|form| form.set("member_0", "Pippi").set("member_2", "3")).await.expect(409);
    assert_eq!(page.h1(), "Someone else saved this first");
    let differences = page.rows();
    assert!(differences.iter().any(|row| row[..] == ["title", "Lotta", "Pippi"]), "{differences:?}");
    page.submit(|form| form).await.expect(303);
    assert_eq!(app.value("SELECT data::text FROM records").await, r#"{"pages": 3, "title": "Pippi"}"#);

    let page = ana.get(&format!("{address}/delete")).await;
    ben.get(&address).await.submit(|form| form.set("member_2", "4")).await.expect(303);
    page.submit(|form| form).await.expect(409);
    assert_eq!(app.count("SELECT count(*) FROM records").await, 1);
}

#[tokio::test]
async fn the_history_says_what_was_changed_and_restores() {
    let app = TestApp::start().await;
    app.collection("Books", BOOK).await;
    let (ana, _) = people(&app).await;
    ana.get("/collections/books/records/new").await.submit(|form| form.set("member_0", "Emil")).await.expect(303);
    let address = format!("/collections/books/records/{}", the_record(&app).await);
    ana.get(&address).await.submit(|form| form.set("member_0", "Lotta").set("member_2", "5")).await.expect(303);
    let page = ana.get(&address).await.click("History of this record").await.expect(200);
    let cells = ["title", "Emil", "Lotta", "pages", "None", "5", "title", "None", "Emil"];
    assert_eq!(page.texts("tbody tr > *"), cells);
    let page = page.click("Restore version 1").await.expect(200);
    assert_eq!((page.field_value("member_0").as_str(), page.field_value("member_2").as_str()), ("Emil", ""));
    page.submit(|form| form).await.expect(303);
    assert_eq!(app.value("SELECT data::text FROM records").await, r#"{"title": "Emil"}"#);
    assert_eq!(app.value("SELECT version FROM records").await, "3");
    ana.get(&format!("{address}/versions/9/edit")).await.expect(404);
    ana.get("/collections/books/records/none").await.expect(404);
}

#[tokio::test]
async fn a_member_that_the_schema_loses_meanwhile_is_not_lost() {
    let app = TestApp::start().await;
    app.collection("Books", BOOK).await;
    let (ana, _) = people(&app).await;
    let page = ana.get("/collections/books/records/new").await;
    page.submit(|form| form.set("member_0", "Emil").set("member_2", "12")).await.expect(303);
    let page = ana.get(&format!("/collections/books/records/{}", the_record(&app).await)).await;
    app.sql("UPDATE collections SET schema = '{\"properties\": {\"title\": {\"type\": \"string\"}}}'").await;
    let page = page.submit(|form| form.set("member_0", "Lotta")).await.expect(422);
    assert!(page.field_error("json").is_some_and(|problem| problem.contains("settings of the collection")));
    let page = page.main_form().send().await.expect(303);
    assert_eq!(page.follow().await.flash(), "The record was saved");
    assert_eq!(app.value("SELECT data::text FROM records").await, r#"{"pages": 12, "title": "Lotta"}"#);
}

#[tokio::test]
async fn a_conflict_shows_what_differs_and_not_how_it_is_written() {
    let app = TestApp::start().await;
    app.collection("Notes", "").await;
    let (ana, ben) = people(&app).await;
    app.sql(
        "INSERT INTO records (collection_id, id, data, created_at, created_by, updated_at, updated_by)
         SELECT connector_id, gen_random_uuid(), '{\"a\": [1, {\"b\": 2}], \"c\": 100}', now(), '', now(), '' FROM collections",
    )
    .await;
    let mine = ana.get(&format!("/collections/notes/records/{}", the_record(&app).await)).await;
    app.sql("UPDATE records SET data = data || '{\"d\": 1}', version = 2").await;
    let page = mine.submit(|form| form.set("json", "{\"a\":[1,{\"b\":2}],\"c\":1e2}")).await.expect(409);
    assert_eq!(page.row_heads(), ["d"], "{}", page.text());
    drop(ben);
}

#[tokio::test]
async fn a_record_of_the_largest_size_is_edited_and_its_last_digit_counts() {
    let app = TestApp::start().await;
    app.collection("Notes", "").await;
    let (ana, _) = people(&app).await;
    let page = ana.get("/collections/notes/records/new").await;
    let long = format!("{{\"n\": 123456789012345678901234567890, \"text\": \"{}\"}}", "ä".repeat(127 * 1024));
    page.submit(|form| form.set("json", &long)).await.expect(303);
    let page = ana.get(&format!("/collections/notes/records/{}", the_record(&app).await)).await;
    let other = page.field_value("json").replace("567890", "567891");
    page.submit(|form| form.set("json", &other)).await.expect(303);
    let changes = "SELECT changes::text FROM audit_events WHERE kind = 'record.saved'";
    assert!(app.value(changes).await.contains("\"n\""), "{}", app.value(changes).await);
}
