//! The HTTP client and token requests against a server that behaves badly on purpose.

mod answers;
mod broken_exchanges;
mod certificates;
mod connection_tests;
mod connections;
mod kept_connections;
mod proxies;
mod scripted;
mod streaming;
mod tokens;

use std::time::Duration;

use connectory::outbound::http::{self, Method};
use connectory::outbound::{Body, HttpUrl, Limits, Outbound, Policy, Request, SendError, Transport};

use crate::support::hostile::{Authority, Hostile};

/// Short, so that no test waits long.
const LIMITS: Limits = Limits {
    connect: Duration::from_millis(500),
    total: Duration::from_millis(700),
    idle: Duration::from_millis(700),
    stream_idle: Duration::from_millis(700),
    body: 1024 * 1024,
    headers: 64 * 1024,
};

fn policy() -> Policy {
    Policy { allow_loopback: true, ..Policy::default() }
}

fn outbound() -> Outbound {
    Outbound::new(policy()).expect("a runtime")
}

fn http_url(url: &str) -> HttpUrl {
    HttpUrl::parse(url).expect("an address")
}

fn get(url: &str) -> Request {
    http_url(url).request(Method::GET, Body::Empty).expect("an address")
}

async fn fetch(outbound: &Outbound, transport: &Transport, url: &str) -> Result<http::Response<Vec<u8>>, SendError> {
    outbound.fetch(transport, get(url), LIMITS).await
}

/// The failure, told from an answer without printing one.
fn failure(result: Result<http::Response<Vec<u8>>, SendError>) -> SendError {
    match result {
        Ok(response) => panic!("an answer with status {}", response.status()),
        Err(failure) => failure,
    }
}

/// Ends when the server has seen its only connection close.
async fn until_closed(server: &Hostile) {
    for _ in 0..100 {
        if server.closed() == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the connection is still open");
}

fn with_ca(authority: &Authority) -> Transport {
    Transport { ca_pem: Some(authority.pem()), ..Transport::default() }
}

fn unverified() -> Transport {
    Transport { verify: false, ..Transport::default() }
}
