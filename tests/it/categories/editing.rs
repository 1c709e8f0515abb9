//! Editing a category, and two people at it.

use connectory::access::Permission::EditCategories;

use super::error;
use crate::support::{TestApp, strs};

#[tokio::test]
async fn name_and_status_are_saved_and_recorded_field_by_field() {
    let app = TestApp::start().await;
    let id = app.category("Finance").await;
    let ana = app.person(&[EditCategories]).await;
    let page = ana.get("/categories").await.click("Edit Finance").await.expect(200);
    assert_eq!(
        (page.h1().as_str(), page.field_value("category_name").as_str()),
        ("Edit category “Finance”", "Finance")
    );
    let page = page.submit(|form| form.set("category_name", "Finances").set("status", "inactive")).await.expect(303);
    let page = page.follow().await;
    assert_eq!(page.flash(), "The category was saved");
    let row = page.rows().into_iter().find(|row| row[0] == "Finances").expect("the saved row");
    assert_eq!(row[1], "Inactive");
    let event = app
        .rows("SELECT subject_id, subject_name, actor_name, changes FROM audit_events WHERE kind = 'category.saved'")
        .await;
    let changes = r#"[{"to": "Finances", "from": "Finance", "field": "Name"}, {"to": "Inactive", "from": "Active", "field": "Status"}]"#;
    assert_eq!(event, [[id.to_string(), "Finances".into(), ana.user().name.clone(), changes.into()]]);
}

#[tokio::test]
async fn what_is_wrong_is_kept_with_what_to_do() {
    let app = TestApp::start().await;
    let id = app.category("Finance").await;
    app.category("Maps").await;
    let ana = app.person(&[EditCategories]).await;
    let page = ana.get(&format!("/categories/{id}/edit")).await;
    for (typed, message) in [("", "Enter a name"), ("maps", "A category named “maps” already exists")] {
        let page = page.submit(|form| form.set("category_name", typed)).await.expect(422);
        assert_eq!(page.errors(), error("category_name", message));
        assert_eq!(
            (page.field_value("category_name").as_str(), page.h1().as_str()),
            (typed, "Edit category “Finance”")
        );
    }
    assert_eq!(app.value(&format!("SELECT name FROM categories WHERE id = '{id}'")).await, "Finance");
}

#[tokio::test]
async fn its_own_name_in_another_case_is_free() {
    let app = TestApp::start().await;
    let id = app.category("finance").await;
    let ana = app.person(&[EditCategories]).await;
    ana.get(&format!("/categories/{id}/edit"))
        .await
        .submit(|form| form.set("category_name", "FINANCE"))
        .await
        .expect(303);
    assert_eq!(app.value(&format!("SELECT name FROM categories WHERE id = '{id}'")).await, "FINANCE");
}

#[tokio::test]
async fn the_second_of_two_who_edit_at_once_sees_both_versions_and_decides() {
    let app = TestApp::start().await;
    let id = app.category("Finance").await;
    let (ana, ben) = (app.person(&[EditCategories]).await, app.person(&[EditCategories]).await);
    let address = format!("/categories/{id}/edit");
    let (anas, bens) = (ana.get(&address).await, ben.get(&address).await);
    anas.submit(|form| form.set("category_name", "Finances")).await.expect(303);
    let page = bens.submit(|form| form.set("category_name", "Money").set("status", "inactive")).await.expect(409);
    assert_eq!(page.h1(), "Someone else saved this first");
    assert!(page.text().contains(&format!("{} saved “Finances”", ana.user().attribution())));
    assert_eq!(page.rows(), [["Name", "Finances", "Money"], ["Status", "Active", "Inactive"]]);
    assert_eq!(app.value(&format!("SELECT name FROM categories WHERE id = '{id}'")).await, "Finances");

    let kept = page.click("Keep theirs and discard mine").await.expect(200);
    assert_eq!(kept.field_value("category_name"), "Finances");
    page.submit(|form| form).await.expect(303);
    assert_eq!(
        app.rows(&format!("SELECT name, status, version FROM categories WHERE id = '{id}'")).await,
        [["Money", "inactive", "3"]]
    );
}

#[tokio::test]
async fn a_form_that_does_not_say_what_it_was_made_from_saves_nothing() {
    let app = TestApp::start().await;
    let id = app.category("Finance").await;
    let ana = app.person(&[EditCategories]).await;
    for version in ["", "0", "-1", "2", "x", "99999999999999999999"] {
        ana.post(
            &format!("/categories/{id}"),
            &[("category_name", "Money"), ("status", "active"), ("version", version)],
        )
        .await
        .expect(409);
    }
    assert_eq!(app.value(&format!("SELECT name FROM categories WHERE id = '{id}'")).await, "Finance");
}

#[tokio::test]
async fn a_new_name_shows_in_the_list_and_the_search_of_connectors() {
    let app = TestApp::start().await;
    let (finance, maps) = (app.category("Finance").await, app.category("Maps").await);
    app.connector_with("Payroll", |new| new.categories = vec![finance, maps]).await;
    let ana = app.person(&[EditCategories]).await;
    ana.get(&format!("/categories/{finance}/edit"))
        .await
        .submit(|form| form.set("category_name", "Zürich office"))
        .await
        .expect(303);
    let page = ana.get("/connectors").await;
    assert_eq!(page.rows()[0][3], "Maps, Zürich office");
    assert_eq!(strs(&ana.get("/connectors?q=zurich").await.row_heads()), ["Payroll"]);
    assert!(ana.get("/connectors?q=finance").await.row_heads().is_empty());
}

#[tokio::test]
async fn nothing_is_at_the_address_of_no_category() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    for id in ["00000000-0000-7000-8000-00000000ffff", "finance", "1", "%00", "%ff"] {
        ana.get(&format!("/categories/{id}/edit")).await.expect(404);
        ana.post(&format!("/categories/{id}"), &[("category_name", "Money"), ("status", "active")]).await.expect(404);
        ana.post(&format!("/categories/{id}/delete"), &[]).await.expect(404);
    }
}
