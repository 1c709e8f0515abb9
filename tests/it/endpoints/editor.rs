//! The editor: it saves, it refuses what is wrong in words and keeps it, and nothing of others is overwritten.

use connectory::access::Permission::EditConnectors;

use super::*;
use crate::support::strs;

#[tokio::test]
async fn the_first_endpoints_are_offered_their_names() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    for (name, method) in [("list", "GET"), ("create", "POST"), ("update", "PUT"), ("delete", "DELETE")] {
        let page = ana.get(NEW).await.expect(200);
        assert_eq!(page.field_value("endpoint_name"), name);
        assert_eq!(page.field_value("http_method"), method);
        let page = page.form(TAB).set("endpoint_url", "/orders").send().await;
        let page = page.expect(303).follow().await.expect(200);
        assert_eq!(page.flash(), "The endpoint was created");
    }
    assert_eq!(ana.get(NEW).await.field_value("endpoint_name"), "");
}

#[tokio::test]
async fn an_endpoint_reads_back_as_it_was_typed() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let typed = [
        ("endpoint_name", "Créer une commande"),
        ("description", "<script>alert(1)</script>\nand \"more\""),
        ("http_method", "PATCH"),
        ("endpoint_url", "/orders/{{order.id}}?v={{v|\"a b\"}}"),
        ("body_kind", "json"),
        ("body", "{\n  \"n\": {{n}},\n  \"s\": \"{{s|}}\"\n}"),
        ("sample", "{\"order\": {\"id\": 7}, \"n\": 1}"),
        ("time_out", "45"),
        ("retries", "2"),
    ];
    let address = created(&ana, |form| typed.iter().fold(form, |form, (name, value)| form.set(name, value))).await;
    let page = ana.get(&address).await.expect(200);
    for (name, value) in typed {
        assert_eq!(page.field_value(name).trim_start_matches('\n'), value, "{name}");
    }
    assert!(!page.html.contains("<script>alert"));
    assert!(
        page.text().contains("Variables: order.id, v (a b if there is no value), n, s (empty if there is no value).")
    );

    let page = page.form(&address).set("endpoint_name", "Renamed").send();
    let page = page.await.expect(303).follow().await;
    assert_eq!(page.flash(), "The endpoint was saved");
    assert_eq!(page.h1(), "Payroll: Endpoint “Renamed”");
    assert_eq!(app.value("SELECT version FROM endpoints").await, "2");
}

#[tokio::test]
async fn errors_are_shown_at_their_field_and_the_input_is_kept() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    for (field, value, message) in [
        ("endpoint_name", "", "Enter a name"),
        (
            "endpoint_name",
            "a<b",
            "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “<”.",
        ),
        ("endpoint_url", "/orders/{{order.id", "URL has “{{” without the “}}” that ends the variable (character 9)"),
        (
            "endpoint_url",
            "https://{{host}}/",
            "URL has a variable in the scheme, host or port. Only path and query can have variables, so that no value decides where a secret goes",
        ),
        ("endpoint_url", "ftp://example.org/", "URL must start with https:// or http://"),
        ("sample", "{\"a\":", "Sample data is not JSON: EOF while parsing a value at line 1, character 5"),
        ("sample", "[1]", "Sample data must be a JSON object, such as {\"id\": 7}"),
        ("time_out", "0", "Timeout must be a whole number of seconds from 1 to 3600"),
        ("time_out", "3601", "Timeout must be a whole number of seconds from 1 to 3600"),
    ] {
        let page = ana.get(NEW).await;
        let form = page.form(TAB).set("endpoint_url", "/orders");
        let page = form.set(field, value).send().await.expect(422);
        assert_eq!(page.errors(), [(field.to_string(), message.to_string())], "{value}");
        assert_eq!(page.field_error(field).as_deref(), Some(message));
        assert_eq!(page.field_value(field).trim_start_matches('\n'), value);
        assert!(page.title().starts_with("Error: "));
    }
    for (kind, body, message) in [
        ("json", "{\"a\": {{b}", "Body has “{{” without the “}}” that ends the variable (character 7)"),
        ("json", "{\"a\": }", "Body is not JSON: expected value at line 1, character 7"),
        ("json", "", "Body is empty. Enter it, or choose None as the body type"),
        (
            "xml",
            "<a><!-- {{b}} --></a>",
            "Body has a variable where XML can have none. Variables can stand in the text of an element and in the value of an attribute, not in names, comments, CDATA or namespaces",
        ),
    ] {
        let page = ana.get(NEW).await;
        let form = page.form(TAB).set("endpoint_url", "/orders");
        let form = form.set("body_kind", kind).set("body", body);
        let page = form.send().await.expect(422);
        assert_eq!(page.errors(), [("body".to_string(), message.to_string())]);
    }
    assert_eq!(app.count("SELECT count(*) FROM endpoints").await, 0);
}

#[tokio::test]
async fn texts_that_are_too_long_are_refused() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let long = |length: usize| "x".repeat(length);
    for (field, value) in [
        ("endpoint_name", long(101)),
        ("endpoint_url", format!("/{}", long(2_000))),
        ("description", long(4_001)),
        ("sample", format!("{{\"a\":\"{}\"}}", long(128 * 1024))),
    ] {
        let page = ana.get(NEW).await;
        let form = page.form(TAB).set("endpoint_url", "/orders");
        let page = form.set(field, &value).send().await.expect(422);
        assert_eq!(page.errors().len(), 1, "{field}: {:?}", page.errors());
        assert_eq!(page.errors()[0].0, field);
    }
    let page = ana.get(NEW).await;
    let form = page.form(TAB).set("endpoint_url", "/orders");
    let form = form.set("body_kind", "text").set("body", &long(257 * 1024));
    let page = form.send().await.expect(422);
    assert_eq!(page.errors()[0].1, "Body must be 256 kilobytes or less");
}

#[tokio::test]
async fn a_name_is_unique_in_its_connector_without_regard_to_case() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    app.connector("Ledger").await;
    let ana = app.person(&[EditConnectors]).await;
    created(&ana, |form| form.set("endpoint_name", "Straße").set("endpoint_url", "/a")).await;
    let page = ana.get(NEW).await;
    let form = page.form(TAB).set("endpoint_url", "/orders");
    let page = form.set("endpoint_name", "STRASSE").send().await.expect(422);
    assert_eq!(
        page.errors(),
        [(
            "endpoint_name".to_string(),
            "An endpoint named “STRASSE” already exists in this data connector".to_string()
        )]
    );
    let other = "/connectors/ledger/endpoints";
    let page = ana.get(&format!("{other}/new")).await;
    let form = page.form(other).set("endpoint_name", "Straße");
    form.send().await.expect(303);
}

#[tokio::test]
async fn pressing_save_twice_creates_one_endpoint() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(NEW).await;
    let first = page.form(TAB).set("endpoint_url", "/a").send().await;
    let second = page.form(TAB).set("endpoint_url", "/a").send().await;
    assert_eq!(first.expect(303).location(), second.expect(303).location());
    assert_eq!(app.count("SELECT count(*) FROM endpoints").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'endpoint.created'").await, 1);
}

#[tokio::test]
async fn two_who_edit_at_once_see_both_versions() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let ben = app.person(&[EditConnectors]).await;
    let address = created(&ana, |form| form.set("endpoint_url", "/a")).await;
    let (hers, his) = (ana.get(&address).await, ben.get(&address).await);
    hers.form(&address).set("endpoint_url", "/hers").send().await.expect(303);
    // Rows and Run do not make an old form young.
    let his = press(&his, &address, "Add a parameter", |form| form.set("endpoint_url", "/his")).await.expect(200);
    let form = his.form(&address).set("parameter_1_name", "page");
    let page = form.set("parameter_1_value", "1").send().await.expect(409);
    assert_eq!(page.h1(), "Someone else saved this first");
    assert_eq!(
        page.rows(),
        [["URL", "/hers", "/his"].map(String::from), ["Parameters", "Empty", "page: 1"].map(String::from)]
    );
    let page = page.form(&address).press("Save mine over theirs").send();
    let page = page.await.expect(303).follow().await;
    assert_eq!(page.field_value("endpoint_url"), "/his");
    assert_eq!(page.field_value("parameter_1_name"), "page");
}

#[tokio::test]
async fn every_change_is_on_the_connectors_activity() {
    let app = TestApp::start().await;
    let id = app.connector("Payroll").await;
    let ana = app.super_admin().await;
    let address = created(&ana, |form| form.set("endpoint_url", "/a")).await;
    let page = ana.get(&address).await;
    page.form(&address).set("endpoint_url", "/b").send().await.expect(303);
    let page = ana.get(&format!("{address}/delete")).await;
    page.main_form().send().await.expect(303);
    let lines = app
        .rows("SELECT kind, subject_id, subject_name FROM audit_events WHERE kind LIKE 'endpoint.%' ORDER BY id")
        .await;
    let id = id.to_string();
    assert_eq!(
        lines,
        ["endpoint.created", "endpoint.saved", "endpoint.deleted"].map(|kind| [
            kind.to_string(),
            id.clone(),
            "list".into()
        ])
    );
    let saved = app.value("SELECT changes FROM audit_events WHERE kind = 'endpoint.saved'").await;
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&saved).expect("JSON"),
        serde_json::json!([{ "field": "URL", "from": "/a", "to": "/b" }])
    );
    let page = ana.get("/connectors/payroll/activity/changes").await.expect(200);
    let heads = page.row_heads();
    assert_eq!(strs(&heads[..3]), ["Endpoint deleted: list", "Endpoint saved: list", "Endpoint created: list"]);
}

#[tokio::test]
async fn a_copy_of_a_connector_has_its_endpoints() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.super_admin().await;
    created(&ana, |form| {
        form.set("endpoint_url", "/a?q={{q}}").set("body_kind", "text").set("body", "{{text}}").set("time_out", "9")
    })
    .await;
    ana.post("/connectors/payroll/duplicates", &[]).await.expect(303);
    let columns = "name, name_key, description, method, url, parameters, headers, body_kind, body, form, sample, time_out, retries";
    let rows = app.rows(&format!("SELECT {columns} FROM endpoints")).await;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0], rows[1]);
    assert_eq!(app.count("SELECT count(DISTINCT connector_id) FROM endpoints").await, 2);
    assert_eq!(app.count("SELECT count(DISTINCT id) FROM endpoints").await, 2);
}
