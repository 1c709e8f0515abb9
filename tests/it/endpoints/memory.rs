//! Endpoints are kept in memory for calls, and dropped when they or their connector change.

use std::time::Duration;

use connectory::access::Permission::EditConnectors;
use connectory::db::ChangeEvent;
use connectory::endpoints::EndpointCache;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;

use connectory::endpoints::Files;

use super::*;

/// Waits until the site has heard that this connector has changed.
async fn heard(changes: &mut UnboundedReceiver<ChangeEvent>, id: Uuid) {
    let found = async {
        while let Some(change) = changes.recv().await {
            if change == ChangeEvent::Connector(id) {
                return;
            }
        }
        panic!("the site hears no more");
    };
    timeout(Duration::from_secs(20), found).await.expect("a notice");
}

#[tokio::test]
async fn an_endpoint_is_found_by_its_name_and_a_change_is_seen() {
    let app = TestApp::start().await;
    let definitions = EndpointCache::new(&app.clock, &app.changes);
    let (tell, mut changes) = unbounded_channel();
    // Told after the definitions, which have dropped what has changed by then.
    app.changes.subscribe(move |change| _ = tell.send(change));
    let id = app.connector("Payroll").await;
    heard(&mut changes, id).await;
    let ana = app.person(&[EditConnectors]).await;
    let find = async |name: &str| {
        let found = definitions.find(&app.db, id, name).await;
        found.expect("an answer")
    };
    assert!(find("list").await.is_none());

    let address = created(&ana, |form| form.set("endpoint_url", "/orders/{{id}}").set("time_out", "7")).await;
    heard(&mut changes, id).await;
    let found = find("LIST").await.expect("the endpoint");
    assert_eq!(found.time_out.map(|time| time.as_secs()), Some(7));
    let url = |found: &connectory::endpoints::DefinedEndpoint| {
        let rendered = found.definition.render(&serde_json::json!({ "id": "a b" }), &Files::new());
        rendered.expect("a request").url.as_str().to_string()
    };
    assert_eq!(url(&found), "https://api.example.org/v1/orders/a%20b");

    let page = ana.get(&address).await;
    let form = page.form(&address).set("endpoint_url", "/other");
    form.send().await.expect(303);
    heard(&mut changes, id).await;
    let found = find("list").await.expect("the endpoint");
    assert_eq!(url(&found), "https://api.example.org/v1/other");

    app.sql("UPDATE connectors SET base_url = 'https://new.example.org'").await;
    heard(&mut changes, id).await;
    let found = find("list").await.expect("the endpoint");
    assert_eq!(url(&found), "https://new.example.org/other");

    app.sql("DELETE FROM endpoints").await;
    heard(&mut changes, id).await;
    assert!(find("list").await.is_none());
    let all = definitions.all(&app.db, id).await.expect("an answer");
    assert!(all.is_empty());
}
