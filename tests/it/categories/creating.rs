//! Creating a category.

use connectory::access::Permission::CreateCategories;
use futures_util::future::join_all;

use super::{error, names};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn a_category_is_created_active_and_listed() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateCategories]).await;
    let page = ana.get("/categories/new").await.expect(200);
    assert_eq!((page.h1().as_str(), page.field_value("status").as_str()), ("Create category", "active"));
    assert_eq!(strs(&page.choices("status")), ["Active", "Inactive"]);
    let page = page.submit(|form| form.set("category_name", "Finance")).await.expect(303);
    let page = page.follow().await.expect(200);
    assert_eq!((page.path.as_str(), page.flash().as_str()), ("/categories", "The category was created"));
    assert_eq!(strs(&names(&page)), ["Finance"]);
    let today = app.clock.now().format("%-d %b %Y").to_string();
    let row = page.rows().into_iter().find(|row| row[0] == "Finance").expect("the new row");
    assert_eq!(strs(&row[1..5]), ["Active", "0 connectors in Finance", &today, &today]);
}

#[tokio::test]
async fn a_name_that_is_none_is_kept_with_what_to_do() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateCategories]).await;
    let page = ana.get("/categories/new").await;
    let too_long = "é".repeat(101);
    for (typed, message) in [
        ("", "Enter a name"),
        (" \u{a0} ", "Enter a name"),
        (
            "R&D",
            "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “&”.",
        ),
        (
            "<script>alert(1)</script>",
            "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “<”.",
        ),
        ("uncategorized", "A category named “uncategorized” already exists"),
        (&too_long, "Name must be 100 characters or fewer"),
    ] {
        let page = page.submit(|form| form.set("category_name", typed).set("status", "inactive")).await.expect(422);
        assert_eq!(page.errors(), error("category_name", message));
        assert_eq!(page.field_error("category_name").as_deref(), Some(message));
        assert_eq!(
            (page.field_value("category_name").as_str(), page.field_value("status").as_str()),
            (typed, "inactive")
        );
        assert_eq!(page.title(), "Error: Create category – Connectory");
        assert!(!page.html.contains("<script>alert"));
    }
    assert_eq!(app.count("SELECT count(*) FROM categories").await, 2);
}

#[tokio::test]
async fn a_status_that_is_none_is_refused() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateCategories]).await;
    let page = ana
        .get("/categories/new")
        .await
        .submit(|form| form.set("category_name", "Finance").forge("status", "deleted"))
        .await;
    assert_eq!(page.expect(422).errors(), error("status", "Choose Active or Inactive"));
}

#[tokio::test]
async fn a_name_is_one_whatever_its_case_its_unicode_form_and_the_spaces_around_it() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateCategories]).await;
    app.category("Straße").await;
    app.category("Café  1").await;
    let page = ana.get("/categories/new").await;
    for (typed, read) in [("STRASSE", "STRASSE"), ("  straße ", "straße"), ("CAFE\u{301} 1", "CAFÉ 1")] {
        let page = page.submit(|form| form.set("category_name", typed)).await.expect(422);
        assert_eq!(page.errors(), error("category_name", &format!("A category named “{read}” already exists")));
    }
    page.submit(|form| form.set("category_name", "Cafe 1")).await.expect(303);
}

#[tokio::test]
async fn the_same_name_twenty_times_at_once_makes_one() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateCategories]).await;
    let spellings = ["Straße", "STRASSE", " straße ", "strasse"];
    let pages = join_all((0..20).map(|_| ana.get("/categories/new"))).await;
    let forms =
        pages.iter().zip(spellings.iter().cycle()).map(|(page, name)| page.main_form().set("category_name", name));
    let answers = join_all(forms.map(|form| form.send())).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 303).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 422).count(), 19);
    assert_eq!(app.count("SELECT count(*) FROM categories WHERE built_in IS NULL").await, 1);
}

#[tokio::test]
async fn pressing_save_twice_creates_one() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateCategories]).await;
    let page = ana.get("/categories/new").await;
    for _ in 0..2 {
        let page = page.submit(|form| form.set("category_name", "Finance")).await.expect(303).follow().await;
        assert_eq!(page.flash(), "The category was created");
    }
    assert_eq!(app.count("SELECT count(*) FROM categories WHERE name = 'Finance'").await, 1);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind = 'category.created'").await, 1);
}

#[tokio::test]
async fn the_longest_name_reads_back_as_typed() {
    let app = TestApp::start().await;
    let ana = app.person(&[CreateCategories]).await;
    let longest = "Ä".repeat(100);
    let page = ana.get("/categories/new").await.submit(|form| form.set("category_name", &longest)).await.expect(303);
    assert_eq!(names(&page.follow().await), [longest]);
}
