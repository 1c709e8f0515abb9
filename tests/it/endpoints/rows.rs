//! Rows are added and removed by sending the form, which saves nothing and loses nothing.

use connectory::access::Permission::EditConnectors;

use super::*;

#[tokio::test]
async fn rows_are_added_and_removed_without_saving() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(NEW).await;
    let page =
        press(&page, TAB, "Add a parameter", |form| form.set("endpoint_url", "/orders").set("endpoint_name", "mine"))
            .await
            .expect(200);
    assert_eq!(page.texts("fieldset > legend:not(.vh)"), ["Parameter 1"]);
    assert_eq!(page.attribute("[data-focus]", "id").as_deref(), Some("parameter-1"));
    assert_eq!(page.attribute("form[data-guard]", "data-guard").as_deref(), Some("unsaved"));
    let page = press(&page, TAB, "Add another parameter", |form| {
        form.set("parameter_1_name", "page").set("parameter_1_value", "{{page|1}}").tick("parameter_1_required", "yes")
    })
    .await
    .expect(200);
    let page =
        press(&page, TAB, "Add a header", |form| form.set("parameter_2_name", "size").set("parameter_2_value", "50"))
            .await
            .expect(200);
    let page = press(&page, TAB, "Remove parameter 1", |form| {
        form.set("header_1_name", "X-Trace").set("header_1_value", "{{trace}}")
    })
    .await
    .expect(200);
    assert_eq!(page.texts("fieldset > legend:not(.vh)"), ["Parameter 1", "Header 1"]);
    assert_eq!(page.field_value("parameter_1_name"), "size");
    assert_eq!(page.field_value("header_1_value"), "{{trace}}");
    assert_eq!(page.texts("#parameter-removed[data-focus]"), ["Parameter 1 was removed. Nothing is saved yet."]);
    assert_eq!(page.field_value("endpoint_url"), "/orders");
    assert_eq!(page.field_value("endpoint_name"), "mine");
    assert!(page.ticked("parameter_1_required").is_empty());
    assert_eq!(app.count("SELECT count(*) FROM endpoints").await, 0);

    page.form(TAB).send().await.expect(303);
    assert_eq!(
        app.rows("SELECT parameters, headers FROM endpoints").await,
        [[
            r#"[{"name": "size", "value": "50", "required": false}]"#,
            r#"[{"name": "X-Trace", "value": "{{trace}}", "required": false}]"#
        ]]
    );
}

#[tokio::test]
async fn another_kind_of_body_loses_nothing() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let show = "Show fields for this body type";
    let page = ana.get(NEW).await;
    let page = press(&page, TAB, show, |form| form.set("body_kind", "json")).await;
    let page =
        press(&page, TAB, show, |form| form.set("body", "{\"a\": 1}").set("body_kind", "form")).await.expect(200);
    let page = press(&page, TAB, "Add a form field", |form| form).await;
    let page = press(&page, TAB, show, |form| form.set("field_1_name", "a").set("body_kind", "json")).await.expect(200);
    assert_eq!(page.field_value("body").trim(), "{\"a\": 1}");
    assert!(page.all("[data-case=form][hidden]").next().is_some());
    // What nobody sees is not stored.
    page.form(TAB).send().await.expect(303);
    assert_eq!(app.rows("SELECT body_kind, body, form FROM endpoints").await, [["json", "{\"a\": 1}", "[]"]]);
}

#[tokio::test]
async fn errors_of_a_row_are_shown_at_it_and_empty_rows_do_not_count() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(NEW).await;
    let page = press(&page, TAB, "Add a header", |form| form).await;
    let page = press(&page, TAB, "Add another header", |form| form).await;
    let page = press(&page, TAB, "Add another header", |form| form).await;
    let page = press(&page, TAB, "Add a parameter", |form| form).await;
    let form = page.form(TAB);
    let form = form
        .set("header_2_name", "Authorization")
        .set("header_2_value", "Bearer x")
        .set("header_3_name", "X-Page")
        .set("header_3_value", "{{page")
        .set("parameter_1_value", "no name");
    let page = form.send().await.expect(422);
    let errors: Vec<(String, String)> = page.errors();
    let expected = [
        ("parameter_1_name", "Enter the key of parameter 1, or remove it"),
        ("header_3_value", "The value of header 3 has “{{” without the “}}” that ends the variable (character 1)"),
        ("header_2_name", "The key of header 2 is set on the Authorization tab"),
    ];
    assert_eq!(errors, expected.map(|(field, message)| (field.to_string(), message.to_string())));
    let form = page.form(TAB);
    let form = form.set("header_2_name", "X-Two").set("header_3_value", "{{page}}").set("parameter_1_value", "");
    form.send().await.expect(303);
    assert_eq!(app.value("SELECT jsonb_array_length(headers) FROM endpoints").await, "2");
}

#[tokio::test]
async fn there_are_fifty_rows_at_most() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let names: Vec<(String, String)> = (1..=51)
        .flat_map(|number| {
            [
                (format!("parameter_{number}_name"), format!("p{number}")),
                (format!("parameter_{number}_value"), "1".to_string()),
            ]
        })
        .collect();
    let mut fields = vec![
        ("endpoint_name", "many"),
        ("endpoint_url", "/a"),
        ("http_method", "GET"),
        ("body_kind", "none"),
        ("retries", "0"),
    ];
    fields.extend(names.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let page = ana.post(TAB, &fields).await.expect(422);
    assert_eq!(page.errors()[0].0, "parameter_51_name");
    assert!(!page.buttons().contains(&"Add another parameter".to_string()));
    let page = press(&page, TAB, "Remove parameter 51", |form| form).await;
    page.form(TAB).send().await.expect(303);
}

#[tokio::test]
async fn a_name_of_a_secret_is_warned_of_where_its_value_would_be_stored() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[EditConnectors]).await;
    let page = ana.get(NEW).await;
    let page = press(&page, TAB, "Add a header", |form| {
        form.set("endpoint_name", "mine")
            .set("endpoint_url", "/orders?api_key=abc")
            .set("sample", "{\"password\": \"abc\"}")
    })
    .await
    .expect(200);
    let page = press(&page, TAB, "Add another header", |form| {
        form.set("header_1_name", "X-Api-Key").set("header_1_value", "abc")
    })
    .await
    .expect(200);
    for (field, name) in [("endpoint_url", "api_key"), ("sample", "password"), ("header_1_value", "X-Api-Key")] {
        let warning = page.texts(&format!("#{field}-warning")).join(" ");
        assert!(warning.contains(&format!("“{name}” looks like")), "{field}: {warning}");
        let described = page.attribute(&format!("#{field}"), "aria-describedby");
        assert!(described.is_some_and(|ids| ids.contains(&format!("{field}-warning"))));
    }
    // It is no mistake: the form is saved, and warned of again where it is shown.
    let answer = page.form(TAB).set("header_2_name", "X-Token").set("header_2_value", "{{token}}");
    let page = answer.send().await.expect(303).follow().await.expect(200);
    assert_eq!(page.all("#header_1_value-warning").count(), 1);
    assert_eq!(page.all("#header_2_value-warning").count(), 0);
}
