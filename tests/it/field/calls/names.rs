//! Devices and gateways that tell names of headers apart by their case.

use serde_json::json;

use crate::api::World;
use crate::support::upstream::Reply;

/// One that knows `Authorization` and not `authorization`.
#[tokio::test]
async fn names_of_headers_are_written_as_usual() {
    let world = World::new(|seen| match seen.names.iter().any(|name| name == "Authorization") {
        true => Reply::json(200, "{}"),
        false => Reply::json(401, "{}"),
    })
    .await;
    world.endpoint("stock", "POST", "/stock").await;
    world.app.sql("UPDATE endpoints SET body_kind = 'json', body = '{}'").await;
    assert_eq!(world.call("stock", json!({})).await.status, 200);
    let names = world.api.last().names;
    for name in ["Host", "Authorization", "Content-Type", "Content-Length", "User-Agent", "Accept", "Via"] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
    let request = world.request("GET", "/ledger/proxy/x").header("soapaction", "a").header("x-trace", "1");
    assert_eq!(request.send().await.expect("an answer").status(), 200);
    let names = world.api.last().names;
    for name in ["Authorization", "SOAPAction", "X-Trace"] {
        assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
    }
}

/// Also those of the second request, which finds them remembered.
#[tokio::test]
async fn names_of_an_endpoints_headers_are_written_as_they_were_typed() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.endpoint("stock", "GET", "/stock").await;
    let rows = ["SOAPAction", "X-API-Version", "lower-case", "X-Usual"];
    let rows: Vec<_> = rows.iter().map(|name| json!({ "name": name, "value": "1", "required": false })).collect();
    world.app.sql(&format!("UPDATE endpoints SET headers = '{}'", json!(rows))).await;
    for _ in 0..2 {
        assert_eq!(world.call("stock", json!({})).await.status, 200);
        let names = world.api.last().names;
        for name in ["SOAPAction", "X-API-Version", "lower-case", "X-Usual", "Authorization"] {
            assert!(names.iter().any(|other| other == name), "{name}: {names:?}");
        }
    }
}
