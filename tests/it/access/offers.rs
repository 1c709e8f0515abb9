//! What may not be done is not offered, and a refusal says what it takes.

use connectory::access::Permission::{
    CreateCategories, CreateConnectors, DeleteConnectors, EditConnectors, ManageUsers, ViewActivity, ViewAuditLog,
    ViewCategories, ViewConnectors,
};

use crate::support::{Page, TestApp, strs};

#[tokio::test]
async fn a_refusal_names_the_permission_that_is_needed() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    for (path, permission) in [
        ("/connectors", ViewConnectors),
        ("/connectors/new", CreateConnectors),
        ("/connectors/trash", DeleteConnectors),
        ("/connectors/any/activity", ViewActivity),
        ("/connectors/any/activity/changes", ViewActivity),
        ("/calls", ViewActivity),
        ("/calls.csv", ViewActivity),
        ("/calls/any", ViewActivity),
        ("/categories", ViewCategories),
        ("/categories/new", CreateCategories),
        ("/collections", ViewConnectors),
        ("/collections/new", CreateConnectors),
        ("/users", ManageUsers),
        ("/groups", ManageUsers),
        ("/audit", ViewAuditLog),
    ] {
        let page = ben.get(path).await.expect(403);
        assert_eq!(page.h1(), "You do not have permission to do this");
        assert!(page.text().contains(&format!("“{permission}”")), "{path}: {}", page.text());
    }
}

#[tokio::test]
async fn what_may_not_be_done_is_not_offered() {
    let app = TestApp::start().await;
    let category = app.category("Finance").await;
    app.connector_with("Payroll", |new| new.categories = vec![category]).await;
    let offered = |page: &Page| -> Vec<String> {
        let links = page.links().into_iter().filter(|(_, href)| {
            ["/new", "/delete", "/edit", "/trash", "/activity", "/calls"].iter().any(|end| href.ends_with(end))
        });
        let buttons = page
            .buttons()
            .into_iter()
            .filter(|button| !["Sign out", "Apply filters", "Show"].contains(&button.as_str()));
        links.map(|(words, _)| words).chain(buttons).collect()
    };
    let viewer = app.person(&[ViewConnectors, ViewCategories]).await;
    for path in ["/connectors", "/connectors/payroll/details", "/connectors/payroll/authorization", "/categories"] {
        let page = viewer.get(path).await.expect(200);
        assert!(offered(&page).is_empty(), "{path}: {:?}", offered(&page));
        assert!(!page.rows().iter().flatten().any(|cell| cell.contains("Edit") || cell.contains("Delete")), "{path}");
    }
    assert_eq!(strs(&viewer.get("/connectors").await.texts("header nav a")), ["Connectors", "Categories"]);

    let editor = app.person(&[EditConnectors]).await;
    let page = editor.get("/connectors").await;
    assert_eq!(strs(&page.texts("header nav a")), ["Connectors"]);
    assert!(
        page.has_link("Edit Payroll")
            && !page.has_link("Delete Payroll")
            && !page.has_link("Add Data Connector")
            && !page.has_link("Trash")
    );
    let page = editor.get("/connectors/payroll/details").await;
    assert_eq!(strs(&offered(&page)), ["Save"]);

    let deleter = app.person(&[DeleteConnectors]).await;
    let page = deleter.get("/connectors").await;
    assert!(page.has_link("Delete Payroll") && page.has_link("Trash") && !page.has_link("Edit Payroll"));

    let creator = app.person(&[CreateConnectors]).await;
    let page = creator.get("/connectors").await;
    assert!(page.has_link("Add Data Connector") && page.has_link("Edit Payroll"));
    assert!(creator.get("/connectors/payroll/details").await.has_form("/connectors/payroll/duplicates"));
    assert!(!creator.get("/connectors/new").await.has_link("Create another category"));
}

#[tokio::test]
async fn whoever_only_manages_users_finds_programs_and_people_and_nothing_else() {
    let app = TestApp::start().await;
    let ben = app.person(&[ManageUsers]).await;
    let page = ben.open("/").await.expect(200);
    assert_eq!(page.h1(), "Home");
    assert_eq!(strs(&page.texts("header nav a")), ["Programs", "People"]);
    let users = page.click("People").await.expect(200);
    let groups = users.click("Groups").await.expect(200);
    assert_eq!(strs(&groups.texts("header nav a[aria-current]")), ["People"], "groups are people too");
    let viewer = app.person(&[ViewConnectors, ViewCategories]).await;
    let page = viewer.get("/connectors").await;
    assert!(!page.has_link("People"));
    let ana = app.super_admin().await;
    let tabs = ana.get("/connectors").await.texts("main nav.tabs a");
    assert_eq!(strs(&tabs), ["Data Connectors", "Categories", "Collections", "Expirations", "Checks"]);
}

#[tokio::test]
async fn somebody_without_permissions_is_told_whom_to_ask() {
    let app = TestApp::start().await;
    let ben = app.person(&[]).await;
    let page = ben.get("/").await.expect(200);
    assert!(page.text().contains("“View Data Connectors”"), "{}", page.text());
    assert!(page.texts("header nav a").is_empty());
}
