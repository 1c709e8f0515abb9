//! Event streams: open for as long as something comes, however long that is.

use std::time::Duration;

use crate::api::World;
use crate::support::upstream::Reply;

const EVENTS: [&str; 2] = ["data: one\n\n", "data: two\n\n"];

/// A model may think for longer between two events than a call may take until its response.
#[tokio::test]
async fn a_stream_may_be_silent_for_longer_than_the_time_out() {
    let world = World::new(|_| Reply::chunks(&EVENTS)).await;
    world.app.sql("UPDATE authorizations SET time_out = 1").await;
    let mut stream = world.request("GET", "/ledger/proxy/events").send().await.expect("a head");
    world.api.go_on();
    assert_eq!(stream.chunk().await.expect("open").expect("an event"), EVENTS[0]);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    world.api.go_on();
    world.api.go_on();
    assert_eq!(stream.chunk().await.expect("open").expect("an event"), EVENTS[1]);
    assert_eq!(stream.chunk().await.expect("the end"), None);
}

#[tokio::test]
async fn a_stream_that_is_silent_for_longer_than_its_idle_limit_breaks_off() {
    let world = World::new(|_| Reply::chunks(&EVENTS)).await;
    let tab = world.app.super_admin().await.get("/connectors/ledger/authorization").await.expect(200);
    tab.submit(|form| form.set("stream_idle", "1")).await.expect(303);
    let mut stream = world.request("GET", "/ledger/proxy/events").send().await.expect("a head");
    world.api.go_on();
    assert_eq!(stream.chunk().await.expect("open").expect("an event"), EVENTS[0]);
    assert!(stream.chunk().await.is_err());
    world.wait_for_log(1).await;
    assert_eq!(world.log("status, problem").await, [["200", "api_timed_out"]]);
    assert!(world.log("detail").await[0][0].contains("1 second"));
}
