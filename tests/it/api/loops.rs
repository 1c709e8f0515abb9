//! A connector that leads back to Connectory, as through a proxy that the address guard cannot know.

use super::*;
use crate::support::web_server::WebServer;

#[tokio::test]
async fn a_request_that_comes_back_is_refused_and_one_of_another_installation_is_not() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    assert_eq!(world.proxied("/x").await.status, 200);
    let via = world.api.only().header("via").expect("a name").to_string();
    let sent = |via: &str| world.request("GET", "/ledger/proxy/x").header("Via", via);
    for via in [via.clone(), format!("1.0 squid, {via} (again)")] {
        let answer = Answer::of(sent(&via)).await;
        assert_eq!((answer.status, &*answer.problem()), (508, "loop_detected"));
    }
    assert_eq!(world.api.seen().len(), 1);
    for via in ["1.1 connectory-00000000", "1.1 connectory"] {
        assert_eq!(Answer::of(sent(via)).await.is_upstreams().status, 200);
    }
}

#[tokio::test]
async fn a_connector_that_calls_itself_loops_once() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    // Through a reverse proxy whose address the guard does not know, with the key as the connector's credential.
    let to_site = format!("location / {{ proxy_pass http://{}; }}", world.app.address);
    let front = WebServer::start("", &to_site);
    let base = front.url("/api/v1/connectors/ledger/proxy");
    give_token(&world.app, world.connector, &world.key).await;
    world.lead(&base).await;
    let answer = world.proxied("/x").await;
    assert_eq!(answer.is_upstreams().status, 508);
    assert!(answer.body.contains("loop_detected"), "{}", answer.body);
    world.wait_for_log(1).await;
    assert_eq!(world.log("status").await, [["508"]]);
}
