//! The list of categories: order, search, filter, paging.

use chrono::TimeDelta;
use connectory::access::Permission::ViewCategories;
use connectory::categories::CategoryStatus;

use super::names;
use crate::support::{TestApp, strs};

/// Five categories that differ in every column.
async fn various(app: &TestApp) {
    for (name, status, connectors) in [
        ("Maps", CategoryStatus::Active, 1),
        ("Ärzte", CategoryStatus::Inactive, 4),
        ("Zoo", CategoryStatus::Active, 0),
        ("archive", CategoryStatus::Inactive, 2),
        ("50 off_shore", CategoryStatus::Active, 3),
    ] {
        app.advance(TimeDelta::days(1));
        let id = app.category_with(name, status).await;
        for number in 0..connectors {
            app.connector_with(&format!("{name} {number}"), |new| new.categories = vec![id]).await;
        }
    }
}

#[tokio::test]
async fn every_column_sorts_both_ways() {
    let app = TestApp::start().await;
    various(&app).await;
    let ana = app.person(&[ViewCategories]).await;
    let by_name = ["50 off_shore", "archive", "Ärzte", "Maps", "Zoo"];
    for (column, ascending) in [
        ("Name", by_name),
        ("Status", ["Maps", "Zoo", "50 off_shore", "Ärzte", "archive"]),
        ("Data connectors", ["Zoo", "Maps", "archive", "50 off_shore", "Ärzte"]),
        ("Modified", ["Maps", "Ärzte", "Zoo", "archive", "50 off_shore"]),
        ("Created", ["Maps", "Ärzte", "Zoo", "archive", "50 off_shore"]),
    ] {
        let head = |sign: &str| format!("{column} {sign}");
        let page = ana.get("/categories").await;
        assert_eq!(strs(&page.texts("th[aria-sort]")), ["Name ▲"]);
        // The default order is by name already: one press turns it round.
        let page = if column == "Name" { page } else { page.click(&head("♢")).await };
        assert_eq!(page.attributes("th[aria-sort]", "aria-sort"), ["ascending"]);
        assert_eq!(strs(&names(&page)), ascending, "by {column}");
        let page = page.click(&head("▲")).await;
        assert_eq!(page.attributes("th[aria-sort]", "aria-sort"), ["descending"]);
        assert_eq!(
            names(&page),
            ascending.iter().rev().map(ToString::to_string).collect::<Vec<_>>(),
            "by {column}, descending"
        );
    }
}

#[tokio::test]
async fn the_search_finds_any_part_without_case_and_accents_and_takes_wildcards_literally() {
    let app = TestApp::start().await;
    various(&app).await;
    let ana = app.person(&[ViewCategories]).await;
    for (search, found) in [
        ("arzte", vec!["Ärzte"]),
        ("ÄRZ", vec!["Ärzte"]),
        ("oo", vec!["Zoo"]),
        ("off_s", vec!["50 off_shore"]),
        ("off%", vec![]),
        ("o__", vec![]),
        ("\\", vec![]),
    ] {
        let page = ana.get("/categories").await.submit(|form| form.set("q", search)).await.expect(200);
        assert_eq!(strs(&names(&page)), found, "{search}");
        assert_eq!(page.field_value("q"), search);
    }
}

#[tokio::test]
async fn a_search_that_finds_nothing_says_so_and_can_be_cleared() {
    let app = TestApp::start().await;
    various(&app).await;
    let ana = app.person(&[ViewCategories]).await;
    let page = ana.get("/categories?q=%3Cscript%3Enothing&status=active").await.expect(200);
    assert!(page.text().contains("No results") && page.text().contains("“<script>nothing”"), "{}", page.text());
    assert_eq!(page.click("Clear search and filters").await.row_heads().len(), 7);
    assert_eq!(page.click("Remove filter: Status is Active ✕").await.path, "/categories?q=%3Cscript%3Enothing");
    assert_eq!(page.click("Remove filter: Name has “<script>nothing” ✕").await.path, "/categories?status=active");
}

#[tokio::test]
async fn the_status_filters() {
    let app = TestApp::start().await;
    various(&app).await;
    let ana = app.person(&[ViewCategories]).await;
    let page = ana.get("/categories").await.submit(|form| form.set("status", "inactive")).await;
    assert_eq!(strs(&names(&page)), ["archive", "Ärzte"]);
    assert_eq!(page.table_foot(), "1 – 2 of 2 categories");
}

#[tokio::test]
async fn every_page_forward_and_back_gives_each_row_once() {
    let app = TestApp::start().await;
    for number in 1..=21 {
        app.category(&format!("Category {number:02}")).await;
    }
    let ana = app.person(&[ViewCategories]).await;
    for sort in ["name", "-name", "status", "-status", "connectors", "-modified", "created"] {
        let first = ana.get(&format!("/categories?sort={sort}")).await;
        let second = first.click("Next page").await;
        let third = second.click("Next page").await;
        let pages = [&first, &second, &third];
        let feet = pages.map(|page| page.table_foot());
        assert_eq!(
            strs(&feet),
            ["1 – 10 of 23 categories", "11 – 20 of 23 categories", "21 – 23 of 23 categories"],
            "{sort}"
        );
        let mut rows: Vec<String> = pages.iter().flat_map(|page| page.row_heads()).collect();
        rows.sort();
        rows.dedup();
        assert_eq!(rows.len(), 23, "{sort}");

        assert!(!first.has_link("Previous page") && !third.has_link("Next page"));
        let back = third.click("Previous page").await;
        assert_eq!((back.row_heads(), back.table_foot()), (second.row_heads(), second.table_foot()), "{sort}");
        let back = back.click("Previous page").await;
        assert_eq!((back.row_heads(), back.table_foot()), (first.row_heads(), first.table_foot()), "{sort}");
        assert!(!back.has_link("Previous page"), "{sort}");
        assert_eq!(third.click("First page").await.row_heads(), first.row_heads(), "{sort}");
        let last = first.click("Last page").await;
        let seen = rows.len() - last.row_heads().len() + 1;
        assert_eq!(last.table_foot(), format!("{seen} – 23 of 23 categories"), "{sort}");
        assert_eq!(last.row_heads().last(), third.row_heads().last(), "{sort}");
    }
}

#[tokio::test]
async fn rows_a_page_can_be_chosen() {
    let app = TestApp::start().await;
    for number in 1..=21 {
        app.category(&format!("Category {number:02}")).await;
    }
    let ana = app.person(&[ViewCategories]).await;
    let page = ana.get("/categories").await;
    assert_eq!(strs(&page.choices("size")), ["10", "25", "50", "100"]);
    let page = page.submit(|form| form.set("size", "25")).await;
    assert_eq!((page.row_heads().len(), page.table_foot().as_str()), (23, "1 – 23 of 23 categories"));
    assert!(!page.has_link("Next page") && !page.has_link("First page"));
    for odd in ["7", "0", "-10", "1000000", "x", ""] {
        assert_eq!(ana.get(&format!("/categories?size={odd}")).await.row_heads().len(), 10, "{odd}");
    }
}

#[tokio::test]
async fn the_count_leads_to_the_connectors() {
    let app = TestApp::start().await;
    various(&app).await;
    let ana = app.person(&[ViewCategories]).await;
    let page = ana.get("/categories").await.click("2 connectors in archive").await.expect(200);
    assert_eq!(strs(&page.row_heads()), ["archive 0", "archive 1"]);
    assert!(page.has_link("Remove filter: Category is archive ✕"), "even an inactive one has its name");
}

#[tokio::test]
async fn names_are_escaped_wherever_they_are_printed() {
    let app = TestApp::start().await;
    let id = app.category("Finance").await;
    app.connector_with("Payroll", |new| new.categories = vec![id]).await;
    // No form lets such a name in; what stands in the database is not trusted all the same.
    let bad = r#"<script>alert(1)</script>"&'"#;
    app.sql(&format!("UPDATE categories SET name = '{}' WHERE id = '{id}'", bad.replace('\'', "''"))).await;
    app.sql("UPDATE connectors SET category_names = (SELECT name FROM categories WHERE built_in IS NULL)").await;
    let ana = app.super_admin().await;
    let filtered = format!("/connectors?category={id}");
    for path in [
        "/categories",
        &format!("/categories/{id}/edit"),
        &format!("/categories/{id}/delete"),
        "/connectors",
        &filtered,
        "/connectors/new",
        "/connectors/payroll/details",
    ] {
        let page = ana.get(path).await.expect(200);
        assert!(!page.html.contains("<script>alert"), "{path}");
        assert!(page.html.contains("&lt;script&gt;alert") || page.html.contains("&#60;script&#62;alert"), "{path}");
    }
}
