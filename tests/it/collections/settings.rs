//! The list, creating and editing.

use std::time::Duration;

use connectory::access::Permission::{CreateConnectors, EditConnectors, ViewConnectors};

use tokio_postgres::NoTls;

use super::{BOOK, error};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn a_collection_is_created_with_its_connector() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    let page = ana.get("/collections").await.expect(200);
    assert!(page.text().contains("No collections yetA collection is a set of JSON records"), "{}", page.text());
    assert_eq!(strs(&page.texts("main nav.tabs a")), ["Data Connectors", "Collections", "Expirations", "Checks"]);
    assert_eq!(strs(&page.texts("header nav a[aria-current]")), ["Connectors"]);
    let page = page.click("Create the first collection").await.expect(200);
    let form = page.main_form().set("collection_name", "Library books").set("description", "What we own");
    let page = form.set("schema", BOOK).send().await.expect(303);
    assert_eq!(page.location(), Some("/collections/library-books"));

    let page = ana.get("/collections").await.expect(200);
    assert_eq!(page.flash(), "The collection was created");
    let today = app.clock.now().format("%-d %b %Y").to_string();
    assert_eq!(page.rows(), [["Library books", "What we own", "title, pages", &today]]);
    let connector = "SELECT key, method, status, category_names, base_url = $$URL$$, is_collection FROM connectors"
        .replace("URL", &format!("{}/api/v1/collections/library-books/records", app.public_url));
    assert_eq!(app.rows(&connector).await, [["library-books", "bearer", "healthy", "Generated", "t", "t"]]);
    let endpoints = app.rows("SELECT name, method, url FROM endpoints ORDER BY name").await;
    let endpoints: Vec<String> = endpoints.into_iter().map(|row| row.join(" ").trim().to_string()).collect();
    assert_eq!(
        strs(&endpoints),
        [
            "CreateRecord POST",
            "DeleteRecord DELETE /{{id}}",
            "GetRecord GET /{{id}}",
            "ListAll GET",
            "UpdateRecord PUT /{{id}}",
        ]
    );
    let kinds = app.rows("SELECT kind, count(*) FROM audit_events WHERE kind ~ '^(connector|collection|endpoint)' GROUP BY 1 ORDER BY 1").await;
    assert_eq!(kinds, [["collection.created", "1"], ["connector.created", "1"], ["endpoint.created", "5"]]);
}

#[tokio::test]
async fn pressing_create_twice_creates_one() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateConnectors]).await;
    let page = ana.get("/collections/new").await.expect(200);
    for _ in 0..2 {
        let page = page.submit(|form| form.set("collection_name", "Books")).await.expect(303);
        assert_eq!(page.location(), Some("/collections/books"));
    }
    assert_eq!(app.count("SELECT count(*) FROM collections").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM endpoints").await, 5);
}

#[tokio::test]
async fn what_is_wrong_is_kept_with_what_to_do() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[CreateConnectors]).await;
    let page = ana.get("/collections/new").await.expect(200);
    let nine: Vec<String> = (0..9).map(|number| format!("m{number}")).collect();
    for (field, typed, message) in [
        ("collection_name", " ", "Enter a name"),
        ("collection_name", "payroll", "A data connector named “payroll” already exists"),
        ("schema", "{\n  \"type\": }", "Schema is not JSON. Line 2, column 11: expected value"),
        ("schema", "[]", "Schema must be a JSON object, such as {\"type\": \"object\"}"),
        ("members", &nine.join("\n"), "There can be 8 members. Remove some"),
        ("members", &"m".repeat(101), "The name of a member must be 100 characters or fewer"),
        ("description", &"d".repeat(4001), "Description must be 4,000 characters or fewer"),
    ] {
        let form = page.main_form().set("collection_name", "Books").set(field, typed);
        let refused = form.send().await.expect(422);
        assert_eq!(refused.errors(), error(field, message));
        assert_eq!(refused.field_value(field).trim(), typed.trim());
        assert_eq!(refused.title(), "Error: Create collection – Connectory");
    }
    let bad = r#"{"type": "strnig", "x": "<script>alert(1)</script>"}"#;
    let refused = page.submit(|form| form.set("collection_name", "Books").set("schema", bad)).await.expect(422);
    assert!(
        refused.errors()[0].1.starts_with("This is not a JSON Schema that can be used: "),
        "{:?}",
        refused.errors()
    );
    assert!(!refused.html.contains("<script>alert"));
    assert_eq!(app.count("SELECT count(*) FROM collections").await, 0);
    assert_eq!(
        app.count("SELECT count(*) FROM connectors").await,
        1,
        "nothing is left of a collection that was refused"
    );
}

#[tokio::test]
async fn renaming_a_collection_renames_its_connector_and_no_key() {
    let app = TestApp::start().await;
    app.collection("Books", BOOK).await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/collections/books/edit").await.expect(200);
    assert_eq!((page.h1().as_str(), page.field_value("collection_name").as_str()), ("Books: Settings", "Books"));
    assert_eq!(page.field_value("members").trim(), "title\npages");
    let form =
        page.main_form().set("collection_name", "Library").set("description", "").set("members", "title\n\nyear ");
    let page = form.send().await.expect(303);
    assert_eq!(page.location(), Some("/collections/books"));
    let stored = "SELECT key, name, label, description, c.version, members, k.version FROM connectors c JOIN collections k ON k.connector_id = c.id";
    assert_eq!(app.rows(stored).await, [["books", "Library", "Library", "", "2", "{title,year}", "2"]]);
    assert_eq!(strs(&ana.get("/connectors?q=library").await.row_heads()), ["Library"]);
    let changes = app.value("SELECT changes FROM audit_events WHERE kind = 'collection.saved'").await;
    for words in [r#""Name""#, r#""Library""#, r#""Description""#, "title, year"] {
        assert!(changes.contains(words), "{words}: {changes}");
    }
    // Records that are being edited are not in the way of a new name.
    ana.get("/collections/books/edit").await.submit(|form| form.set("collection_name", "Books")).await.expect(303);
    assert_eq!(app.rows(stored).await[0][4..], ["3", "{title,year}", "2"]);
}

#[tokio::test]
async fn the_second_of_two_who_edit_at_once_sees_both_versions_and_decides() {
    let app = TestApp::start().await;
    app.collection("Books", "").await;
    let (ana, ben) = (app.person(&[EditConnectors]).await, app.person(&[EditConnectors]).await);
    let (anas, bens) = (ana.get("/collections/books/edit").await, ben.get("/collections/books/edit").await);
    anas.submit(|form| form.set("members", "title")).await.expect(303);
    let page = bens.submit(|form| form.set("collection_name", "Shelf").set("schema", "{}")).await.expect(409);
    assert_eq!(
        page.rows(),
        [["Name", "Books", "Shelf"], ["Schema", "Empty", "{}"], ["Members to sort and filter by", "title", "Empty"]]
    );
    page.submit(|form| form).await.expect(303);
    assert_eq!(
        app.rows("SELECT name, schema, members FROM connectors c JOIN collections k ON k.connector_id = c.id").await,
        [["Shelf", "{}", "{}"]]
    );
}

#[tokio::test]
async fn a_schema_that_records_do_not_fit_is_saved_and_they_are_counted() {
    let app = TestApp::start().await;
    let id = app.collection("Books", "").await;
    app.sql(&format!(
        "INSERT INTO records (collection_id, id, data, created_at, created_by, updated_at, updated_by)
        SELECT '{id}', gen_random_uuid(), jsonb_build_object(CASE WHEN n <= 3 THEN 'name' ELSE 'title' END, 'x'), now(), '', now(), '' FROM generate_series(1, 10) n"
    ))
    .await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get("/collections/books/edit").await.submit(|form| form.set("schema", BOOK)).await.expect(303);
    drop(page);
    let page = ana.get("/collections").await;
    assert_eq!(
        page.flash(),
        "The collection was saved. 3 of the first 10 records do not fit the schema: records are checked when they are saved."
    );
    ana.get("/collections/books/edit").await.submit(|form| form.set("description", "x")).await.expect(303);
    assert_eq!(ana.get("/collections").await.flash(), "The collection was saved");
}

#[tokio::test]
async fn the_list_shows_what_a_person_sees() {
    let app = TestApp::start().await;
    let hidden = app.collection("Wages", "").await;
    app.collection("Books", "").await;
    app.connector("Maps").await;
    app.sql(&format!("UPDATE connectors SET open_rights = '{{}}' WHERE id = '{hidden}'")).await;
    let ben = app.person(&[ViewConnectors]).await;
    let page = ben.get("/collections").await.expect(200);
    assert_eq!(strs(&page.row_heads()), ["Books"]);
    assert!(!page.has_link("Add Collection"));
    for path in ["/collections/wages/edit", "/collections/maps/edit", "/collections/nothing/edit"] {
        app.person(&[EditConnectors]).await.get(path).await.expect(404);
    }
    ben.get("/collections/new").await.expect(403);
    ben.get("/collections/books/edit").await.expect(403);
    let ana = app.super_admin().await;
    assert_eq!(strs(&ana.get("/collections?sort=-name").await.row_heads()), ["Wages", "Books"]);
    assert_eq!(strs(&ana.get("/collections?q=b%C3%B6oks").await.row_heads()), ["Books"]);
    let page = ana.get("/collections?q=%3Cb%3E").await;
    assert!(page.text().contains("No collection fits “<b>”"), "{}", page.text());
}

#[tokio::test]
async fn indexing_by_other_members_may_take_longer_than_a_request() {
    let app = TestApp::start().await;
    app.collection("Books", BOOK).await;
    let ana = app.person(&[EditConnectors]).await;
    let (other, connection) = tokio_postgres::connect(app.database_url(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    other.batch_execute("BEGIN; LOCK TABLE record_members IN EXCLUSIVE MODE").await.expect("the table");
    let page = ana.get("/collections/books/edit").await;
    let saving = page.submit(|form| form.set("members", "pages"));
    let releasing = async {
        tokio::time::sleep(Duration::from_secs(6)).await;
        other.batch_execute("COMMIT").await.expect("a commit");
    };
    let (page, ()) = tokio::join!(saving, releasing);
    assert_eq!(page.expect(303).follow().await.flash(), "The collection was saved");
    assert_eq!(app.value("SELECT members::text FROM collections").await, "{pages}");
}
