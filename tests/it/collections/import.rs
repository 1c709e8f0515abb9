//! Records from a file: they are all stored or none, in the background.

use std::time::Duration;

use connectory::access::Permission::{CallConnectors, EditConnectors, ViewConnectors};
use reqwest::Method;
use tokio_postgres::NoTls;

use super::export::export;
use super::{BOOK, error, people};
use crate::support::{Browser, Page, TestApp};

const BOUNDARY: &str = "a boundary of the tests";

/// Sends a file as the form of the page does.
async fn send(browser: &Browser, name: &str, bytes: impl AsRef<[u8]>) -> Page {
    let page = browser.get("/collections/parts/imports/new").await.expect(200);
    let value = |name| page.attribute(&format!("form[enctype='multipart/form-data'] input[name={name}]"), "value");
    send_with(browser, [&value("csrf").expect("a token"), &value("new_id").expect("an id")], name, bytes.as_ref()).await
}

async fn send_with(browser: &Browser, [csrf, id]: [&str; 2], name: &str, bytes: &[u8]) -> Page {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{csrf}\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"new_id\"\r\n\r\n{id}\r\n--{BOUNDARY}\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), bytes, format!("\r\n--{BOUNDARY}--\r\n").as_bytes()].concat();
    let request = browser.request(Method::POST, "/collections/parts/imports");
    let media_type = format!("multipart/form-data; boundary=\"{BOUNDARY}\"");
    browser.send(request.header("content-type", media_type).body(body)).await
}

/// The page of an import that has ended.
async fn ended(started: Page) -> Page {
    let started = started.expect(303);
    for _ in 0..600 {
        let page = started.follow().await.expect(200);
        if !page.html.contains("data-refresh") {
            return page;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("an import does not end");
}

async fn import(browser: &Browser, name: &str, bytes: impl AsRef<[u8]>) -> Page {
    ended(send(browser, name, bytes).await).await
}

async fn parts(schema: &str) -> (TestApp, Browser) {
    let app = TestApp::start().await;
    app.collection("Parts", schema).await;
    let (ana, _) = people(&app).await;
    (app, ana)
}

async fn number(app: &TestApp) -> i64 {
    app.count("SELECT count(*) FROM records").await
}

fn sentence(page: &Page) -> String {
    page.texts("[data-live=sentence]").concat()
}

#[tokio::test]
async fn what_was_exported_comes_back() {
    let (app, ana) = parts(BOOK).await;
    let records = r#"[{"title":"Emil","pages":123456789012345678901234567890},{"title":"=1+1"},{"title":"a;b\n\"c\"","pages":-2}]"#;
    let page = import(&ana, "books.json", records).await;
    assert_eq!(sentence(&page), "3 records were imported.");
    for format in ["csv", "json"] {
        let before = app.rows("SELECT data::text FROM records ORDER BY id").await;
        let file = export(&ana, format).await.expect(200).html;
        app.sql("DELETE FROM records").await;
        assert_eq!(sentence(&import(&ana, &format!("books.{format}"), file).await), "3 records were imported.");
        assert_eq!(app.rows("SELECT data::text FROM records ORDER BY id").await, before, "{format}");
    }
    let audited = app.rows("SELECT changes::text FROM audit_events WHERE kind = 'records.imported'").await.concat();
    assert_eq!(audited.len(), 3);
    assert!(audited.iter().all(|row| row.contains("books.") && row.contains("\"3\"")), "{audited:?}");
}

#[tokio::test]
async fn one_record_that_does_not_fit_stops_all() {
    let (app, ana) = parts(BOOK).await;
    let page = import(&ana, "books.csv", "title,pages\nEmil,12\nLotta,many\n,3\n").await;
    assert_eq!(sentence(&page), "Nothing was imported.");
    let problems = page.texts(".problems li");
    assert!(problems[0].starts_with("Line 3: /pages: ") && problems[1].starts_with("Line 4: "), "{problems:?}");
    assert_eq!((problems.len(), number(&app).await), (2, 0));
    let many = ["title,pages\n", &"Emil,12\n".repeat(2500), &"Emil,x\n".repeat(100)].concat();
    let page = import(&ana, "books.csv", many).await;
    assert_eq!((page.texts(".problems li").len(), number(&app).await), (20, 0));
    assert!(page.text().contains("There may be more"), "{}", page.text());
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'records.imported'").await, 0);
    let latest = ana.get("/collections/parts/imports/new").await.expect(200);
    assert_eq!(latest.rows().iter().filter(|row| row[1] == "Failed").count(), 2, "{:?}", latest.rows());
}

#[tokio::test]
async fn many_records_are_stored_in_the_order_of_the_file() {
    let (app, ana) = parts("").await;
    let lines: String = (0..3210).map(|number| format!("{{\"n\": {number}}}\n")).collect();
    assert_eq!(sentence(&import(&ana, "numbers.jsonl", lines).await), "3,210 records were imported.");
    let order = "SELECT string_agg(data ->> 'n', ',' ORDER BY created_at, id) FROM records";
    let expected: Vec<String> = (0..3210).map(|number: i32| number.to_string()).collect();
    assert_eq!(app.value(order).await, expected.join(","));
}

#[tokio::test]
async fn bad_files_are_refused_with_a_reason() {
    let (app, ana) = parts(BOOK).await;
    for (bytes, problem) in [
        (&b"title\n\xe4\n"[..], "Line 2 is not UTF-8. Save the file as “CSV UTF-8”."),
        (b"\xff\xfet\0", "The file is in UTF-16. Save it as UTF-8 and import it again."),
        (b"", "The file is empty."),
        (b"[{\"title\": \"a\"", "The file is not JSON. Line 1, column 14: EOF while parsing an object."),
        (
            b"[{\"title\": \"a\", \"title\": \"b\"}]",
            "Record 1: Line 1, column 22: the name “title” stands twice in one object.",
        ),
    ] {
        let page = import(&ana, "books.json", bytes).await;
        assert_eq!(page.texts(".problems li"), [problem]);
    }
    let deep = format!("[{{\"title\": {}1{}}}]", "[".repeat(100), "]".repeat(100));
    assert!(import(&ana, "deep.json", deep).await.text().contains("nested"));
    let huge = format!("[{{\"title\": \"{}\"}}]", "x".repeat(300 * 1024));
    assert!(import(&ana, "huge.json", huge).await.text().contains("The record has more than 256 KiB"));
    assert!(
        import(&ana, "endless.csv", ["title\n\"", &"x".repeat(5 << 20)].concat()).await.text().contains("too long")
    );
    assert_eq!(number(&app).await, 0);
}

#[tokio::test]
async fn without_a_file_the_form_says_so() {
    let (app, ana) = parts("").await;
    let page = send(&ana, "", "").await.expect(422);
    assert_eq!(page.errors(), error("file", "Choose a file"));
    assert_eq!(app.count("SELECT count(*) FROM imports").await, 0);
}

#[tokio::test]
async fn it_needs_the_right_to_call_and_the_csrf_token() {
    let (app, ana) = parts("").await;
    let id = "00000000-0000-7000-8000-00000000000a";
    send_with(&ana, ["wrong", id], "a.json", b"[{}]").await.expect(403);
    let reader = app.person(&[ViewConnectors]).await;
    reader.get("/collections/parts/imports/new").await.expect(403);
    send_with(&reader, [&reader.csrf_of("/profile").await, id], "a.json", b"[{}]").await.expect(403);
    ana.post_exactly("/collections/parts/imports", &[("csrf", &ana.csrf_of("/profile").await)]).await.expect(422);
    assert_eq!(app.count("SELECT count(*) FROM imports").await, 0);
}

#[tokio::test]
async fn a_running_import_can_be_cancelled_and_holds_the_settings() {
    let (app, ana) = parts(BOOK).await;
    let editor = app.person(&[ViewConnectors, CallConnectors, EditConnectors]).await;
    let (other, connection) = tokio_postgres::connect(app.database_url(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    other.batch_execute("BEGIN; LOCK TABLE records IN EXCLUSIVE MODE").await.expect("the table");
    let started = send(&ana, "books.csv", "title\nEmil\n").await.expect(303);
    let page = started.follow().await.expect(200);
    assert!(page.html.contains("data-refresh"), "{}", page.text());
    let settings = editor.get("/collections/parts/edit").await;
    let page = settings.submit(|form| form.set("members", "pages")).await.expect(422);
    assert!(page.field_error("schema").is_some_and(|problem| problem.contains("being imported")));
    let page = started.follow().await.submit(|form| form.press("Cancel the import")).await;
    let page = ended(page).await;
    assert_eq!(sentence(&page), "The import was cancelled. Nothing was imported.");
    // Once more changes nothing.
    let cancellation = format!("{}/cancellation", started.location().expect("the import"));
    ana.post(&cancellation, &[]).await.expect(303);
    other.batch_execute("COMMIT").await.expect("a commit");
    assert_eq!(number(&app).await, 0);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'records.import_cancelled'").await, 1);
}

#[tokio::test]
async fn an_import_that_is_no_longer_updated_was_interrupted() {
    let (app, ana) = parts("").await;
    app.sql(
        "INSERT INTO imports (id, collection_id, file_name, size, state, bytes_read, created_at, created_by, updated_at)
         SELECT '00000000-0000-7000-8000-00000000000a', connector_id, 'a.csv', 10, 'running', 5, now(), '', now() - interval '1 minute' FROM collections",
    )
    .await;
    let page = ana.get("/collections/parts/imports/00000000-0000-7000-8000-00000000000a").await.expect(200);
    assert!(sentence(&page).starts_with("The import was interrupted"), "{}", sentence(&page));
    assert!(!page.html.contains("data-refresh"));
    ana.get("/collections/parts/imports/00000000-0000-7000-8000-00000000000b").await.expect(404);
}

#[tokio::test]
async fn the_second_press_finds_the_import_of_the_first() {
    let (app, ana) = parts("").await;
    let (csrf, id) = (ana.csrf_of("/profile").await, "00000000-0000-7000-8000-00000000000a");
    for _ in 0..2 {
        let page = ended(send_with(&ana, [&csrf, id], "a.json", b"[{}]").await).await;
        assert_eq!(sentence(&page), "1 record was imported.");
    }
    assert_eq!(number(&app).await, 1);
}

#[tokio::test]
async fn nothing_is_imported_into_a_collection_that_was_deleted() {
    let (app, ana) = parts("").await;
    let (other, connection) = tokio_postgres::connect(app.database_url(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    other.batch_execute("BEGIN; LOCK TABLE records IN EXCLUSIVE MODE").await.expect("the table");
    send(&ana, "a.json", "[{}]").await.expect(303);
    app.sql("UPDATE connectors SET deleted_at = now(), deleted_by = ''").await;
    other.batch_execute("COMMIT").await.expect("a commit");
    while app.count("SELECT count(*) FROM imports WHERE state = 'running'").await > 0 {}
    assert_eq!(app.value("SELECT problems::text FROM imports").await, "{\"The collection was deleted\"}");
    assert_eq!(number(&app).await, 0);
}
