//! What pages say where something is kept to others: to each what is true for them.

use connectory::access::Permission::{CreateConnectors, ViewConnectors};

use super::lists::World;
use super::*;

#[tokio::test]
async fn why_something_is_not_offered_is_said_to_each_as_it_is() {
    let world = World::new().await;
    open_for(&world.app, world.payroll, "{view}").await;
    let editor = world.everything().await;
    let viewer = world.app.person(&[ViewConnectors]).await;
    let tab = "/connectors/payroll/endpoints";
    let permission = "A person with the permission “Edit Data Connectors” can create one.";
    let kept = "Those who may edit it can create one.";
    let told = editor.get(tab).await.expect(200).text();
    assert!(told.contains(kept) && !told.contains(permission), "{told}");
    let told = viewer.get(tab).await.expect(200).text();
    assert!(told.contains(permission) && !told.contains(kept), "{told}");

    let endpoint = Uuid::now_v7();
    let (payroll, path) = (world.payroll, format!("{tab}/{endpoint}"));
    world
        .app
        .sql(&format!(
            "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
             VALUES ('{endpoint}', '{payroll}', 'list', 'list', 'GET', '/', now(), 'Ana', now(), 'Ana')"
        ))
        .await;
    let permission = "To run an endpoint you need the permission “Call Data Connectors”.";
    let kept = "you are not among those who may call it";
    for rights in ["{view}", "{view,edit}"] {
        open_for(&world.app, payroll, rights).await;
        let told = editor.get(&path).await.expect(200).text();
        assert!(told.contains(kept) && !told.contains(permission), "{told}");
        let told = viewer.get(&path).await.expect(200).text();
        assert!(told.contains(permission) && !told.contains(kept), "{told}");
    }
}

#[tokio::test]
async fn whoever_sees_none_is_not_told_that_there_are_none() {
    let app = TestApp::start().await;
    let ben = app.person(&[CreateConnectors]).await;
    let (first, begin) = ("No data connectors yet", "How to begin");
    assert!(ben.get("/connectors").await.text().contains(first));
    assert!(ben.get("/").await.text().contains(begin));
    let payroll = app.connector("Payroll").await;
    close(&app, payroll).await;
    let none = "No data connector is open to you";
    for (path, other) in [("/connectors", first), ("/", begin)] {
        let page = ben.get(path).await.expect(200);
        let text = page.text();
        assert!(text.contains(none) && !text.contains(other), "{text}");
        assert!(page.has_link("Create a data connector"), "{path}");
        let viewer = app.person(&[ViewConnectors]).await;
        let page = viewer.get(path).await.expect(200);
        assert!(page.text().contains(none) && !page.has_link("Create a data connector"));
    }
    list(&app, payroll, ben.user().id, "{view}").await;
    assert!(!ben.get("/connectors").await.text().contains(none));
}
