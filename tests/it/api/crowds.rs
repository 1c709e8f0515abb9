//! Pages are answered however busy the calls are.

use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::*;
use crate::support::hostile::{Behaviour, Hostile};

/// Somebody who begins a request and does not go on with it.
async fn slow_client(world: &World, begun: &str) -> TcpStream {
    let mut stream = TcpStream::connect(world.app.address).await.expect("a connection");
    stream.write_all(begun.as_bytes()).await.expect("a beginning");
    stream
}

#[tokio::test]
async fn pages_are_answered_while_calls_hang_and_slow_clients_hold_connections() {
    let server = Hostile::start(Behaviour::Silence).await;
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let ana = world.app.super_admin().await;
    world.lead(&server.url("/")).await;
    // Longer than the test takes on any machine: they end when the test ends them. One key has half of the calls at
    // once.
    world.app.sql("UPDATE authorizations SET time_out = 300, concurrency = 80").await;
    let calls: Vec<_> = (0..40).map(|_| tokio::spawn(world.request("GET", "/ledger/proxy/x").send())).collect();
    until("the calls hang", async || {
        tokio::time::sleep(Duration::from_millis(1)).await;
        server.connections() >= 40
    })
    .await;
    let mut held = Vec::new();
    for _ in 0..100 {
        held.push(slow_client(&world, "GET /connectors HTTP/1.1\r\nHost: x\r\nX-Slow: ").await);
        held.push(slow_client(&world, "POST /sign-in HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100000\r\n\r\ncsrf=").await);
    }
    for path in ["/", "/connectors", "/connectors/ledger", "/audit", "/calls"] {
        for _ in 0..3 {
            ana.get(path).await.expect(200);
            let hanging = calls.iter().filter(|call| !call.is_finished()).count();
            assert_eq!(hanging, calls.len(), "{path} is answered while all hang");
        }
    }
    drop(held);
    calls.iter().for_each(tokio::task::JoinHandle::abort);
}
