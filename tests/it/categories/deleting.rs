//! Deleting a category, and what keeps it.

use chrono::TimeDelta;
use connectory::access::Permission::DeleteCategories;

use super::{BUILT_IN, names};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn one_without_connectors_is_deleted_after_a_question() {
    let app = TestApp::start().await;
    app.category("Finance").await;
    let ana = app.person(&[DeleteCategories]).await;
    let page = ana.get("/categories").await.click("Delete Finance").await.expect(200);
    assert_eq!(page.h1(), "Are you sure you want to delete “Finance”?");
    assert!(page.has_link("Keep it"));
    let page = page.submit(|form| form).await.expect(303).follow().await;
    assert_eq!((page.flash().as_str(), names(&page).len()), ("The category was deleted", 0));
    assert_eq!(app.value("SELECT subject_name FROM audit_events WHERE kind = 'category.deleted'").await, "Finance");
}

#[tokio::test]
async fn one_with_connectors_is_not_and_says_how_many_and_where() {
    let app = TestApp::start().await;
    let id = app.category("Finance").await;
    for name in ["Payroll", "Ledger"] {
        app.connector_with(name, |new| new.categories = vec![id]).await;
    }
    let ana = app.person(&[DeleteCategories]).await;
    let address = format!("/categories/{id}/delete");
    let page = ana.get(&address).await.expect(200);
    assert_eq!(page.h1(), "“Finance” cannot be deleted");
    assert!(!page.has_form(&address));
    let list = page.click("2 data connectors").await.expect(200);
    assert_eq!(strs(&list.row_heads()), ["Ledger", "Payroll"]);
    let page = ana.post(&address, &[]).await.expect(409);
    assert_eq!(page.h1(), "“Finance” cannot be deleted");
    assert_eq!(app.count("SELECT count(*) FROM categories").await, 3);
}

#[tokio::test]
async fn one_that_only_connectors_in_the_trash_have_waits_for_the_trash() {
    let app = TestApp::start().await;
    let id = app.category("Finance").await;
    app.connector_with("Payroll", |new| new.categories = vec![id]).await;
    app.sql("UPDATE connectors SET deleted_at = now()").await;
    let ana = app.person(&[DeleteCategories]).await;
    let page = ana.get(&format!("/categories/{id}/delete")).await.expect(200);
    assert!(page.text().contains("1 data connector in the trash has this category"), "{}", page.text());
    ana.post(&format!("/categories/{id}/delete"), &[]).await.expect(409);
    app.advance(TimeDelta::days(31));
    app.run_due_work().await;
    let ana = app.person(&[DeleteCategories]).await;
    ana.post(&format!("/categories/{id}/delete"), &[]).await.expect(303);
}

#[tokio::test]
async fn the_built_in_ones_stay() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let list = ana.get("/categories").await;
    assert_eq!(strs(&list.row_heads()), BUILT_IN);
    assert!(!list.links().iter().any(|(_, href)| href.ends_with("/delete")));
    for row in app.rows("SELECT id, name FROM categories").await {
        let address = format!("/categories/{}", row[0]);
        assert!(!ana.get(&format!("{address}/edit")).await.links().iter().any(|(_, href)| href.ends_with("/delete")));
        let page = ana.get(&format!("{address}/delete")).await.expect(200);
        assert!(page.text().contains("It is built in"), "{}", row[1]);
        ana.post(&format!("{address}/delete"), &[]).await.expect(409);
    }
    assert_eq!(app.count("SELECT count(*) FROM categories").await, 2);
}

#[tokio::test]
async fn it_races_with_a_new_connector_and_one_of_them_wins() {
    let app = TestApp::start().await;
    let id = app.category("Finance").await;
    let ana = app.super_admin().await;
    let csrf = ana.csrf().await;
    let (address, category) = (format!("/categories/{id}/delete"), id.to_string());
    let fields = [
        ("csrf", csrf.as_str()),
        ("connector_name", "Payroll"),
        ("description", "Salaries"),
        ("auth_method", "no_auth"),
        ("category", &category),
    ];
    let (deleted, created) =
        futures_util::join!(ana.post_exactly(&address, &fields[..1]), ana.post_exactly("/connectors", &fields));
    assert!(
        matches!((deleted.status, created.status), (303, 422) | (409, 303)),
        "{} {}",
        deleted.status,
        created.status
    );
    assert_eq!(
        app.count("SELECT count(*) FROM connector_categories WHERE category_id NOT IN (SELECT id FROM categories)")
            .await,
        0
    );
}
