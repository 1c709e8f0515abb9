//! The list of programs.

use chrono::TimeDelta;
use connectory::access::Permission::{ManageUsers, ViewConnectors};

use super::{key, key_to_all, program};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn without_programs_it_says_what_they_are_for() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let page = ana.get("/programs").await.expect(200);
    assert_eq!(page.h1(), "Programs");
    assert!(page.text().contains("No programs yet"), "{}", page.text());
    let page = page.click("Create the first program").await.expect(200);
    assert_eq!(page.h1(), "Create program");
    assert_eq!(strs(&page.texts("header nav a")), ["Programs", "People"]);
}

#[tokio::test]
async fn only_who_manages_users_sees_them() {
    let app = TestApp::start().await;
    let ben = app.person(&[ViewConnectors]).await;
    let page = ben.get("/programs").await.expect(403);
    assert!(page.text().contains("“Manage Users”"), "{}", page.text());
    assert_eq!(strs(&page.texts("header nav a")), ["Connectors"]);
    let ana = app.super_admin().await;
    let page = ana.get("/connectors").await;
    let items = ["Connectors", "Categories", "Programs", "People", "Activity"];
    assert_eq!(strs(&page.texts("header nav a")), items);
    // The tabs are those of data connectors.
    let tabs = ["Data Connectors", "Categories", "Collections", "Expirations", "Checks"];
    assert_eq!(strs(&page.texts("nav.tabs a")), tabs);
}

#[tokio::test]
async fn every_column_shows_and_sorts() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    for name in ["Mia", "Zeta", "Alpha"] {
        program(&ana, name).await;
        app.advance(TimeDelta::minutes(1));
    }
    let alpha = ana.get("/programs").await.click("Alpha").await.path;
    key(&ana, &alpha).await;
    let (_, used) = key_to_all(&ana, &alpha).await;
    key(&ana, &alpha).await;
    let id: uuid::Uuid = used.rsplit('/').next().expect("an id").parse().expect("an id");
    app.api_keys.note_use(id, app.clock.now(), "192.0.2.7");
    app.run_due_work().await;
    // Neither a revoked nor an expired key counts.
    app.sql(&format!("UPDATE api_keys SET revoked_at = now() WHERE id = '{id}'")).await;
    app.sql("UPDATE programs SET active = false WHERE name = 'Zeta'").await;
    let page = ana.get("/programs").await;
    let today = app.clock.now().format("%-d %b %Y").to_string();
    let rows = page.rows();
    assert_eq!(strs(&rows[0][..4]), ["Alpha", "Active", "2 keys", today.as_str()]);
    assert_eq!(strs(&rows[1][..4]), ["Mia", "Active", "0 keys", "Never"]);
    assert_eq!(strs(&rows[2][..4]), ["Zeta", "Inactive", "0 keys", "Never"]);
    assert_eq!(page.table_foot(), "1 – 3 of 3 programs");
    for (sort, first) in
        [("-name", "Zeta"), ("-status", "Zeta"), ("-keys", "Alpha"), ("-used", "Alpha"), ("modified", "Mia")]
    {
        let page = ana.get(&format!("/programs?sort={sort}")).await.expect(200);
        assert_eq!(page.row_heads()[0], first, "{sort}");
    }
}

#[tokio::test]
async fn it_is_searched_filtered_and_paged_by_its_address() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    for number in 0..23 {
        program(&ana, &format!("Job {number:02}")).await;
    }
    let page = ana.get("/programs/new").await;
    page.submit(|form| form.set("program_name", "Café 100%").set("description", "Runs on the tenth floor"))
        .await
        .expect(422);
    let page = ana.get("/programs/new").await;
    page.submit(|form| {
        form.set("program_name", "Café")
            .set("description", "Runs on the tenth floor, 100% of the time")
            .set("status", "inactive")
    })
    .await
    .expect(303);
    for (query, found) in [
        ("q=cafe", vec!["Café"]),
        ("q=TENTH+floor", vec!["Café"]),
        ("q=100%25", vec!["Café"]),
        ("q=%25", vec!["Café"]),
        ("q=_", vec![]),
        ("status=inactive", vec!["Café"]),
        ("status=inactive&q=job", vec![]),
    ] {
        let page = ana.get(&format!("/programs?{query}")).await.expect(200);
        assert_eq!(strs(&page.row_heads()), found, "{query}");
        assert_eq!(found.is_empty(), page.text().contains("No results"), "{query}");
    }
    let page = ana.get("/programs?q=job&sort=-name").await;
    assert_eq!(page.row_heads()[0], "Job 22");
    let page = page.click("Next page").await.click("Next page").await;
    assert_eq!(strs(&page.row_heads()), ["Job 02", "Job 01", "Job 00"]);
    assert_eq!(page.table_foot(), "21 – 23 of 23 programs");
    for (sort, size) in [("keys", 10), ("-used", 25), ("modified", 10), ("status", 10)] {
        let mut page = ana.get(&format!("/programs?sort={sort}&size={size}")).await;
        let mut all = page.row_heads();
        while page.has_link("Next page") {
            page = page.click("Next page").await.expect(200);
            all.extend(page.row_heads());
        }
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 24, "{sort}: each once");
    }
}
