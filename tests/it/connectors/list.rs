//! The Data Connectors page: search, filters, order, paging.

use chrono::TimeDelta;
use connectory::access::Permission::{CreateConnectors, EditConnectors, ViewActivity, ViewConnectors};
use connectory::connectors::Method;

use crate::support::{FormFill, Page, TestApp, strs};

/// Five connectors that differ in every column.
async fn various(app: &TestApp) {
    let (finance, maps) = (app.category("Finance").await, app.category("Maps").await);
    for (name, description, method, categories, enabled) in [
        ("Payroll", "Zahlungen", Method::Bearer, vec![finance], true),
        ("Äcker und Wälder", "Forst", Method::NoAuth, vec![maps], true),
        ("zoo", "Tiere", Method::ApiKey, vec![maps, finance], false),
        ("Crème brûlée", "apfel 100% _", Method::Basic, vec![connectory::categories::UNCATEGORIZED], true),
        ("Ledger", "Bücher", Method::NoAuth, vec![finance], false),
    ] {
        app.advance(TimeDelta::days(1));
        app.connector_with(name, |new| {
            new.details.description = description.into();
            new.method = method;
            new.categories = categories;
            new.details.enabled = enabled;
        })
        .await;
    }
    // Saved in another order than created.
    for name in ["Ledger", "zoo", "Payroll"] {
        app.advance(TimeDelta::days(1));
        app.sql(&format!(
            "UPDATE connectors SET updated_at = '{}' WHERE name = '{name}'",
            app.clock.now().to_rfc3339()
        ))
        .await;
    }
}

async fn many(app: &TestApp) {
    for number in 1..=23 {
        app.connector_with(&format!("Connector {number:02}"), |new| new.details.enabled = number % 3 > 0).await;
    }
}

#[tokio::test]
async fn an_empty_table_says_what_to_do_or_whom_to_ask() {
    let app = TestApp::start().await;
    let page = app.person(&[CreateConnectors]).await.get("/connectors").await.expect(200);
    assert!(page.text().contains("No data connectors yet"));
    assert_eq!(page.click("Create the first data connector").await.path, "/connectors/new");
    let page = app.person(&[ViewConnectors]).await.get("/connectors").await;
    assert!(page.text().contains("A person with the permission “Create Data Connectors” can create one"));
    assert!(!page.has_link("Create the first data connector"));
}

#[tokio::test]
async fn every_column_sorts_both_ways() {
    let app = TestApp::start().await;
    various(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    for (column, ascending) in [
        ("Name", ["Äcker und Wälder", "Crème brûlée", "Ledger", "Payroll", "zoo"]),
        ("Description", ["Crème brûlée", "Ledger", "Äcker und Wälder", "zoo", "Payroll"]),
        ("Method", ["zoo", "Crème brûlée", "Payroll", "Äcker und Wälder", "Ledger"]),
        ("Category", ["Payroll", "Ledger", "zoo", "Äcker und Wälder", "Crème brûlée"]),
        ("Status", ["zoo", "Ledger", "Payroll", "Crème brûlée", "Äcker und Wälder"]),
        ("Modified", ["Äcker und Wälder", "Crème brûlée", "Ledger", "zoo", "Payroll"]),
        ("Created", ["Payroll", "Äcker und Wälder", "zoo", "Crème brûlée", "Ledger"]),
    ] {
        let page = ana.get("/connectors").await;
        assert_eq!(strs(&page.texts("th[aria-sort]")), ["Name ▲"]);
        let page = if column == "Name" { page } else { page.click(&format!("{column} ♢")).await };
        assert_eq!(page.attributes("th[aria-sort]", "aria-sort"), ["ascending"]);
        assert_eq!(strs(&page.row_heads()), ascending, "by {column}");
        let page = page.click(&format!("{column} ▲")).await;
        assert_eq!(page.attributes("th[aria-sort]", "aria-sort"), ["descending"]);
        assert_eq!(
            page.row_heads(),
            ascending.iter().rev().map(ToString::to_string).collect::<Vec<_>>(),
            "by {column}, descending"
        );
        assert!(page.texts("caption").concat().contains(&format!("Sorted by {}", column.to_lowercase())));
    }
}

#[tokio::test]
async fn the_search_looks_through_names_descriptions_and_categories_without_case_and_accents() {
    let app = TestApp::start().await;
    various(&app).await;
    app.sql("UPDATE connectors SET deleted_at = now() WHERE name = 'Payroll'").await;
    app.connector_with("Internal 7", |new| new.details.display_name = "Señor Ångström".into()).await;
    let ana = app.person(&[ViewConnectors]).await;
    for (search, found) in [
        ("creme BRULEE", vec!["Crème brûlée"]),
        ("CRÈME", vec!["Crème brûlée"]),
        ("bucher", vec!["Ledger"]),
        ("finance", vec!["Ledger", "zoo"]),
        ("senor", vec!["Señor Ångström Internal 7"]),
        ("internal angstrom", vec!["Señor Ångström Internal 7"]),
        ("wald maps", vec!["Äcker und Wälder"]),
        ("100%", vec!["Crème brûlée"]),
        ("%", vec!["Crème brûlée"]),
        ("_", vec!["Crème brûlée"]),
        ("payroll", vec![]),
        ("' OR 1=1 --", vec![]),
        ("\\", vec![]),
    ] {
        let page = ana.get("/connectors").await.submit(|form| form.set("q", search)).await.expect(200);
        assert_eq!(strs(&page.row_heads()), found, "{search}");
        assert_eq!(page.field_value("q"), search);
    }
}

#[tokio::test]
async fn filters_narrow_together_and_each_can_be_taken_away() {
    let app = TestApp::start().await;
    various(&app).await;
    let finance = app.value("SELECT id FROM categories WHERE name = 'Finance'").await;
    let ana = app.person(&[ViewConnectors]).await;
    let page = ana.get("/connectors").await.submit(|form| form.set("category", &finance)).await;
    assert_eq!(
        (strs(&page.row_heads()), page.table_foot().as_str()),
        (vec!["Ledger", "Payroll", "zoo"], "1 – 3 of 3 data connectors")
    );
    let page = page.submit(|form| form.set("status", "disabled")).await;
    assert_eq!(strs(&page.row_heads()), ["Ledger", "zoo"]);
    let page = page.submit(|form| form.set("auth_method", "api_key")).await;
    assert_eq!((strs(&page.row_heads()), page.table_foot().as_str()), (vec!["zoo"], "1 – 1 of 1 data connector"));
    let page = page.click("Status ♢").await;
    assert_eq!(strs(&page.row_heads()), ["zoo"], "sorting keeps the filters");
    let page = page.click("Remove filter: Method is API Key ✕").await;
    assert_eq!(strs(&page.row_heads()), ["zoo", "Ledger"], "and taking one away keeps the order");
    let page = page.click("Remove filter: Category is Finance ✕").await;
    let page = page.click("Clear all filters").await;
    assert_eq!((page.row_heads().len(), page.path.as_str()), (5, "/connectors?sort=status"));
}

#[tokio::test]
async fn a_filter_of_something_that_is_not_there_finds_nothing() {
    let app = TestApp::start().await;
    various(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    for query in [
        "category=x",
        "category=00000000-0000-7000-8000-00000000ffff",
        "auth_method=telepathy",
        "status=%27",
        "auth_method=%00basic%00x",
    ] {
        let page = ana.get(&format!("/connectors?{query}")).await.expect(200);
        assert!(page.text().contains("No results"), "{query}");
        assert_eq!(page.click("Clear search and filters").await.row_heads().len(), 5);
    }
}

#[tokio::test]
async fn a_search_without_results_repeats_the_words_and_can_be_cleared() {
    let app = TestApp::start().await;
    various(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    let page = ana.get("/connectors?q=unheard+of&sort=-created").await;
    assert!(page.text().contains("No results") && page.text().contains("No data connector matches “unheard of”"));
    let page = page.click("Clear search and filters").await;
    assert_eq!((page.path.as_str(), page.row_heads().len()), ("/connectors?sort=-created", 5));
}

/// The three pages of 23 rows, walked forward, back, and from end to end.
async fn walk(first: Page, sort: &str) {
    let second = first.click("Next page").await;
    let third = second.click("Next page").await;
    let pages = [&first, &second, &third];
    let feet = pages.map(|page| page.table_foot());
    assert_eq!(
        strs(&feet),
        ["1 – 10 of 23 data connectors", "11 – 20 of 23 data connectors", "21 – 23 of 23 data connectors"],
        "{sort}"
    );
    assert!(second.title().starts_with("Data Connectors (page 2 of 3)"), "{}", second.title());
    let in_order: Vec<String> = pages.iter().flat_map(|page| page.row_heads()).collect();
    let mut once = in_order.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), 23, "{sort}");

    let back = third.click("Previous page").await;
    assert_eq!((back.row_heads(), back.table_foot()), (second.row_heads(), second.table_foot()), "{sort}");
    let back = back.click("Previous page").await;
    assert_eq!((back.row_heads(), back.table_foot()), (first.row_heads(), first.table_foot()), "{sort}");
    assert!(!back.has_link("Previous page") && !third.has_link("Next page"), "{sort}");
    assert_eq!(third.click("First page").await.row_heads(), first.row_heads(), "{sort}");

    // From the last page backwards, every row comes once too.
    let last = first.click("Last page").await;
    let mut backwards = last.row_heads();
    let mut page = last;
    while page.has_link("Previous page") {
        page = page.click("Previous page").await;
        backwards.splice(0..0, page.row_heads());
    }
    assert_eq!(backwards, in_order, "{sort}, from the end");
}

#[tokio::test]
async fn every_page_forward_and_back_gives_each_row_once_in_every_order() {
    let app = TestApp::start().await;
    many(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    for column in ["name", "description", "method", "category", "status", "modified", "created"] {
        for sign in ["", "-"] {
            let sort = format!("{sign}{column}");
            walk(ana.get(&format!("/connectors?size=10&sort={sort}")).await, &sort).await;
        }
    }
}

#[tokio::test]
async fn paging_keeps_search_filters_and_rows_a_page() {
    let app = TestApp::start().await;
    many(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    let page = ana.get("/connectors?q=connector&status=not_tested&sort=-name&size=10").await.click("Next page").await;
    assert_eq!(page.table_foot(), "11 – 16 of 16 data connectors");
    assert_eq!(page.row_heads()[0], "Connector 08");
    assert_eq!((page.field_value("q").as_str(), page.field_value("status").as_str()), ("connector", "not_tested"));
    let page = sizes(&page).set("size", "25").send().await;
    assert_eq!(page.table_foot(), "1 – 16 of 16 data connectors");
    assert_eq!(page.row_heads()[0], "Connector 23", "still in the same order");
}

#[tokio::test]
async fn a_page_goes_on_after_the_row_before_it_though_rows_come_and_go() {
    let app = TestApp::start().await;
    many(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    let first = ana.get("/connectors?size=10").await;
    app.connector("Connector 00").await;
    app.sql("UPDATE connectors SET deleted_at = now() WHERE name = 'Connector 10'").await;
    let second = first.click("Next page").await;
    assert_eq!(second.row_heads()[0], "Connector 11");
}

#[tokio::test]
async fn rows_with_equal_values_are_all_there() {
    let app = TestApp::start().await;
    many(&app).await;
    app.sql("UPDATE connectors SET created_at = '2026-01-01', description = ''").await;
    let ana = app.person(&[ViewConnectors]).await;
    walk(ana.get("/connectors?size=10&sort=created").await, "equal times").await;
    walk(ana.get("/connectors?size=10&sort=-description").await, "equal descriptions").await;
}

#[tokio::test]
async fn rows_a_page_are_10_25_50_or_100() {
    let app = TestApp::start().await;
    many(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    assert_eq!(strs(&ana.get("/connectors").await.choices("size")), ["10", "25", "50", "100"]);
    for (size, rows) in
        [("25", 23), ("50", 23), ("100", 23), ("10", 10), ("7", 23), ("-1", 23), ("99999999999", 23), ("", 23)]
    {
        assert_eq!(ana.get(&format!("/connectors?size={size}")).await.row_heads().len(), rows, "{size}");
    }
}

/// The choice of the rows per page, in the foot of the table.
fn sizes(page: &Page) -> FormFill {
    page.all_forms("/connectors").remove(1)
}

#[tokio::test]
async fn the_rows_a_page_are_remembered_for_the_person_who_chose_them_in_the_table_foot() {
    let app = TestApp::start().await;
    many(&app).await;
    let ana = app.person(&[ViewConnectors]).await;
    let page = ana.get("/connectors?q=connector&sort=-name&size=10").await;
    assert_eq!(ana.get("/connectors").await.row_heads().len(), 23, "a link does not decide");
    let page = sizes(&page).set("size", "50").press("Show").send().await;
    assert_eq!((page.row_heads().len(), page.row_heads()[0].as_str()), (23, "Connector 23"), "the list stays narrowed");
    let page = sizes(&ana.get("/connectors").await).set("size", "10").press("Show").send().await;
    assert_eq!(page.row_heads().len(), 10);
    assert_eq!(ana.get("/connectors").await.row_heads().len(), 10);
    assert_eq!(app.person(&[ViewConnectors]).await.get("/connectors").await.row_heads().len(), 23);
}

#[tokio::test]
async fn the_owner_filters_and_so_does_having_none() {
    let app = TestApp::start().await;
    for name in ["Ledger", "Payroll", "Zoo"] {
        app.connector(name).await;
    }
    let ana = app.person(&[ViewConnectors, EditConnectors]).await;
    let own = ana.get("/connectors").await.choices("owner");
    assert_eq!(strs(&own[..3]), ["Any owner", "Without owner", "Me"]);
    let id = app.value("SELECT id FROM users ORDER BY id DESC LIMIT 1").await;
    app.sql(&format!("UPDATE connectors SET owner_user_id = '{id}' WHERE name = 'Zoo'")).await;
    let page = ana.get(&format!("/connectors?owner=user.{id}")).await;
    assert_eq!((strs(&page.row_heads()), page.table_foot().as_str()), (vec!["Zoo"], "1 – 1 of 1 data connector"));
    let page = ana.get("/connectors").await.submit(|form| form.set("owner", "none")).await;
    assert_eq!(
        (strs(&page.row_heads()), page.table_foot().as_str()),
        (vec!["Ledger", "Payroll"], "1 – 2 of 2 data connectors")
    );
    assert!(page.has_link("Remove filter: Owner is Without owner ✕"));
    assert!(ana.get("/connectors?owner=user.x").await.text().contains("No results"));
}

#[tokio::test]
async fn people_who_see_activity_see_the_last_call_of_each_row_with_its_errors() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    app.connector("Zoo").await;
    let now = app.clock.now();
    for (days, calls, errors) in [(0, 60, 3), (3, 40, 0), (9, 500, 500)] {
        app.sql(&format!(
            "INSERT INTO call_hours (hour, connector_id, endpoint_id, caller_id, caller_kind, caller_name, calls, errors, latencies, last_at)
            SELECT '{at}', id, '{nil}', '{nil}', '', '', {calls}, {errors}, array_fill(0::bigint, ARRAY[16]), '{at}' FROM connectors WHERE name = 'Payroll'",
            at = (now - TimeDelta::days(days)).to_rfc3339(),
            nil = uuid::Uuid::nil(),
        ))
        .await;
    }
    let page = app.person(&[ViewConnectors, ViewActivity]).await.get("/connectors").await;
    assert!(page.rows()[0][5].ends_with("3% errors"), "{:?}", page.rows()[0]);
    assert_eq!(page.rows()[1][5], "None");
    assert_eq!(
        page.attributes("svg.spark", "aria-label"),
        ["100 calls in the last 7 days, 3 errors. By day: 0; 0; 0; 40; 0; 0; 60"]
    );
    let page = app.person(&[ViewConnectors]).await.get("/connectors").await;
    assert!(!page.texts("thead th").iter().any(|heading| heading == "Last call"));
}

#[tokio::test]
async fn long_texts_are_cut_in_the_list_and_whole_on_their_page() {
    let app = TestApp::start().await;
    let long = "Wörter und mehr ".repeat(200).trim().to_string();
    let name = "N".repeat(255);
    app.connector_with(&name, |new| new.details.description = long.clone()).await;
    let ana = app.person(&[ViewConnectors]).await;
    let page = ana.get("/connectors").await;
    let cell = &page.rows()[0][1];
    assert!(
        cell.ends_with('…') && cell.chars().count() <= 101 && long.starts_with(cell.trim_end_matches('…')),
        "{cell}"
    );
    let page = page.click(&name).await.expect(200);
    assert!(page.text().contains(&long));
}

#[tokio::test]
async fn a_connector_whose_certificates_are_not_checked_is_marked() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let ana = app.person(&[ViewConnectors]).await;
    assert!(!ana.get("/connectors").await.text().contains("Certificate not checked"));
    app.sql("UPDATE connectors SET verify_certificates = false").await;
    assert!(ana.get("/connectors").await.rows()[0][4].starts_with("Not tested yet Certificate not checked"));
    assert!(ana.get("/connectors/payroll/details").await.text().contains("Certificates are not checked."));
}

#[tokio::test]
async fn one_or_two_letters_search_the_beginnings_of_words() {
    let app = TestApp::start().await;
    for name in ["Qz register", "Aqzb", "The qz"] {
        app.connector(name).await;
    }
    let ana = app.person(&[ViewConnectors]).await;
    for (search, found) in [("QZ", vec!["Qz register", "The qz"]), ("q re", vec!["Qz register"]), ("qzb", vec!["Aqzb"])]
    {
        let page = ana.get("/connectors").await;
        let page = page.submit(|form| form.set("q", search)).await.expect(200);
        assert_eq!(strs(&page.row_heads()), found, "{search}");
    }
}
