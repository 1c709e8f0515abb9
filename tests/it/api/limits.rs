//! Nobody can use up what all share: memory for bodies, calls through a connector, look-ups of keys and of names,
//! connections that nobody reads from.

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use connectory::clock::Clock;
use connectory::outbound::{Outbound, Policy};
use futures_util::future::join_all;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;
use crate::support::PASSWORD;

const MIB: usize = 1024 * 1024;

/// How long a piece of an upload may wait before it counts as not taken.
const PATIENCE: Duration = Duration::from_secs(5);

/// Waits for what other threads do.
async fn soon(what: &str, holds: impl Fn() -> bool) {
    until(what, async || {
        tokio::time::sleep(Duration::from_millis(2)).await;
        holds()
    })
    .await;
}

impl World {
    /// The key of another program that opens everything, too.
    async fn another_key(&self) -> String {
        let key = key_of_program(&self.app, "Reports").await;
        scope(&self.app, &key, None, true, true, true).await;
        key.expose().to_string()
    }

    /// A GET through the proxy with this key.
    async fn proxied_with(&self, key: &str, path: &str) -> Answer {
        let request = self.bare("GET", &format!("/ledger/proxy{path}"));
        Answer::of(request.bearer_auth(key)).await
    }

    /// Begins a request with this key, of which more may follow.
    async fn begin(&self, request: &str, key: &str) -> TcpStream {
        begin(self.app.address, request, key).await
    }
}

async fn begin(address: std::net::SocketAddr, request: &str, key: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let (line, headers) = request.split_once('\n').unwrap_or((request, ""));
    let (method, path) = line.split_once(' ').expect("a method");
    let head = format!(
        "{method} /api/v1/connectors{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{headers}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("a head");
    stream
}

#[tokio::test]
async fn a_call_gets_its_permit_before_its_body_is_read() {
    let world = World::new(|_| Reply::silence()).await;
    world.endpoint("patient", "GET", "/x").await;
    world.endpoint("write", "POST", "/x").await;
    world
        .app
        .sql(
            "UPDATE endpoints SET time_out = 60 WHERE name = 'patient';
             UPDATE authorizations SET time_out = 1, concurrency = 1",
        )
        .await;
    let hanging = "POST /ledger/endpoints/patient/call\nContent-Length: 0";
    let hanging = world.begin(hanging, &world.key).await;
    world.api.wait_for(1).await;
    for path in ["endpoints/write/call", "proxy/x"] {
        // Nothing of the body is ever sent.
        let request = format!("POST /ledger/{path}\nContent-Length: 10000");
        let mut waiting = world.begin(&request, &world.key).await;
        let mut answer = vec![0; 12];
        waiting.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(answer, b"HTTP/1.1 503", "{path}");
    }
    drop(hanging);
    world.wait_for_log(3).await;
    let log = world.log("problem").await;
    assert_eq!(log, [[""], ["connector_busy"], ["connector_busy"]]);
    assert_eq!(world.api.seen().len(), 1, "nothing else got through");
}

#[tokio::test]
async fn bodies_take_no_more_memory_than_is_set_and_small_ones_always_pass() {
    let app = TestApp::start_with(|site| site.resources.body_memory = 8 * MIB).await;
    let world = World::on(app, |_| Reply::json(200, "{}")).await;
    world.endpoint("write", "POST", "/x").await;
    let other = world.another_key().await;
    let request = "POST /ledger/endpoints/write/call\nContent-Length: 1000000";
    let piece = vec![b' '; 400_000];
    let variables = json!({ "note": "x".repeat(300_000) });
    let mut large = Vec::new();
    let mut refused = None;
    until("the memory of the key is full", async || {
        let mut one_more = world.begin(request, &world.key).await;
        // It may be refused already.
        _ = one_more.write_all(&piece).await;
        large.push(one_more);
        let answer = world.call("write", variables.clone()).await;
        refused = (answer.status == 503).then_some(answer);
        refused.is_some()
    })
    .await;
    let refused = refused.expect("the answer that ended the loop");
    assert_eq!(refused.problem(), "too_many_bodies");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(world.call("write", json!({ "a": 1 })).await.status, 200);
    let request = world.bare("POST", "/ledger/endpoints/write/call");
    let body = json!({ "variables": variables });
    let answer = Answer::of(request.bearer_auth(&other).json(&body)).await;
    assert_eq!(answer.status, 200, "another key has a part of its own");
    world.app.super_admin().await;
    world.app.browser().get("/sign-in").await.expect(200);

    drop(large);
    until("the memory comes back", async || world.call("write", variables.clone()).await.status == 200).await;
}

#[tokio::test]
async fn a_crowd_of_slow_uploads_stays_within_the_memory_for_bodies() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.endpoint("write", "POST", "/x").await;
    let keys = [world.key.clone(), world.another_key().await];
    let here = world.app.another_program().set("CONNECTORY_BODY_MEMORY", "64");
    let here = here.set("CONNECTORY_WORKERS", "2");
    let program = here.serve();
    let before = program.peak_memory();
    let upload = async |number: usize| {
        let request = "POST /ledger/endpoints/write/call\nContent-Length: 10485760";
        let mut stream = begin(here.address, request, &keys[number % 2]).await;
        let piece = vec![b' '; 64 * 1024];
        // All but the last piece. Who is refused meanwhile cannot send all.
        for _ in 0..159 {
            let written = tokio::time::timeout(PATIENCE, stream.write_all(&piece)).await;
            if !matches!(written, Ok(Ok(()))) {
                break;
            }
        }
        stream
    };
    let held = join_all((0..60).map(upload)).await;
    let refused = "SELECT count(*) FROM calls WHERE problem = 'too_many_bodies'";
    until("most find no room", async || {
        tokio::time::sleep(Duration::from_millis(10)).await;
        world.app.count(refused).await >= 50
    })
    .await;
    world.app.super_admin().await;
    let page = crate::support::program::browser_at(here.address);
    page.get("/sign-in").await.expect(200);
    let grown = program.peak_memory().saturating_sub(before);
    println!("60 uploads of 10 MiB: {} KiB more than before", grown / 1024);
    assert!(grown < 128 * MIB, "{grown}");
    drop(held);
}

#[tokio::test]
async fn one_key_has_half_of_a_connector_and_another_gets_through() {
    let world = World::new(|seen| match seen.path() {
        "/v1/slow" => Reply::chunks(&["one"]),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let other = world.another_key().await;
    world.endpoint("impatient", "GET", "/x").await;
    world.app.sql("UPDATE endpoints SET time_out = 1; UPDATE authorizations SET concurrency = 4").await;
    let slow = join_all((0..2).map(|_| world.request("GET", "/ledger/proxy/slow").send())).await;
    let busy = world.call("impatient", json!({})).await;
    assert_eq!((busy.status, busy.problem().as_str()), (503, "connector_busy"));
    let detail = busy.json()["detail"].to_string();
    assert!(detail.contains("2 calls of this caller"), "{detail}");
    assert_eq!(world.proxied_with(&other, "/x").await.status, 200);
    drop(slow);
    until("the calls have ended", async || world.call("impatient", json!({})).await.status == 200).await;
}

#[tokio::test]
async fn a_key_has_so_many_requests_in_a_minute_and_at_once() {
    let app = TestApp::start_with(|site| {
        site.clock = Clock::still();
        site.resources.key_per_minute = NonZeroU32::MIN.saturating_add(5);
        site.resources.key_at_once = 2;
    })
    .await;
    let world = World::on(app, |seen| match seen.path() {
        "/v1/slow" => Reply::chunks(&["one"]),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let other = world.another_key().await;
    let slow = join_all((0..2).map(|_| world.request("GET", "/ledger/proxy/slow").send())).await;
    for request in ["/ledger/proxy/x", "/ledger", ""] {
        let refused = world.get(request).await;
        assert_eq!((refused.status, refused.problem().as_str()), (429, "key_too_many_at_once"), "“{request}”");
        assert_eq!(refused.header("retry-after"), "1");
    }
    assert_eq!(world.proxied_with(&other, "/x").await.status, 200);
    drop(slow);
    // Two of six are used, and what was refused for another reason counts for nothing.
    let mut taken = 0;
    until("the calls have ended", async || {
        taken += usize::from(world.proxied("/x").await.status == 200);
        taken == 4
    })
    .await;
    let refused = world.proxied("/x").await;
    assert_eq!((refused.status, refused.problem().as_str()), (429, "key_rate_limited"));
    assert_eq!(refused.header("retry-after"), "10");
    assert_eq!(world.proxied_with(&other, "/x").await.status, 200);
    world.app.advance(TimeDelta::seconds(10));
    assert_eq!(world.proxied("/x").await.status, 200);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_response_is_disconnected() {
    let app = TestApp::start_with(|site| site.resources.client_idle = Duration::from_secs(1)).await;
    let large = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}",
        9 * MIB,
        "x".repeat(9 * MIB)
    );
    let world = World::on(app, move |seen| match seen.path() {
        "/v1/large" => Reply::raw(large.clone()),
        "/v1/events" => Reply::chunks(&["one", "two"]),
        _ => Reply::json(200, "{}"),
    })
    .await;
    let other = world.another_key().await;
    let ana = world.app.super_admin().await;
    let page = ana.get("/connectors/ledger/endpoints/new").await;
    let form = page.form("/connectors/ledger/endpoints");
    let form = form.set("endpoint_url", "/large").press("Run");
    let page = form.send().await.expect(200);
    let mut files = page.links().into_iter().map(|(_, href)| href);
    let file = files.find(|href| href.contains("/run-bodies/"));
    let file = file.expect("the whole body");
    world.app.sql("UPDATE authorizations SET concurrency = 2").await;

    let mut events = world.bare("GET", "/ledger/proxy/events").bearer_auth(&other).send().await.expect("a head");
    world.api.go_on();
    let piece = events.chunk().await.expect("whole");
    assert_eq!(piece.as_deref(), Some(b"one".as_slice()));
    // Two who read nothing: a page's file, and a call that holds all that its key may.
    let mut page = TcpStream::connect(world.app.address).await.expect("a connection");
    let cookie = ana.cookie("connectory").expect("a session");
    let request = format!("GET {file} HTTP/1.1\r\nHost: x\r\nCookie: connectory={cookie}\r\n\r\n");
    page.write_all(request.as_bytes()).await.expect("a request");
    let call = world.begin("GET /ledger/proxy/large", &world.key).await;
    // The first connection is Run's.
    world.api.wait_for_gone(1).await;
    world.wait_for_log(2).await;
    let log = "SELECT outcome FROM calls WHERE target LIKE '%/large' AND kind = 'proxy'";
    assert_eq!(world.app.value(log).await, "cancelled");
    assert_eq!(world.proxied("/x").await.status, 200, "its turn came back");

    world.api.go_on();
    let piece = events.chunk().await.expect("whole");
    assert_eq!(piece.as_deref(), Some(b"two".as_slice()), "it is still open");
    let mut rest = Vec::new();
    _ = page.read_to_end(&mut rest).await;
    assert!(rest.starts_with(b"HTTP/1.1 200"));
    assert!(rest.len() < 9 * MIB, "the file has broken off: {}", rest.len());
    drop(call);
}

#[tokio::test]
async fn unknown_keys_cost_the_database_little_and_known_ones_are_not_held_up() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    assert_eq!(world.proxied("/x").await.status, 200);
    let show = async |_| {
        let key = ApiKey::random();
        let request = world.bare("GET", "/ledger/proxy/x");
        Answer::of(request.bearer_auth(key.expose())).await.problem()
    };
    let answers = join_all((0..300).map(show)).await;
    let unknown = answers.iter().filter(|code| *code == "key_unknown").count();
    assert!((30..=32).contains(&unknown), "{unknown}");
    let others = answers.iter().filter(|code| *code != "key_unknown");
    assert!(others.clone().all(|code| code == "too_many_unknown_keys"));
    // However old what is known of it.
    for seconds in [0, 4, 60] {
        world.app.advance(TimeDelta::seconds(seconds));
        assert_eq!(world.proxied("/x").await.status, 200);
    }
    // Connections tell what they have read when they end. Each look-up is three statements.
    world.app.cut_connections().await;
    let scans = "SELECT sum(seq_scan + idx_scan)::bigint FROM pg_stat_user_tables WHERE relname = 'api_keys'";
    let scans = world.app.count(scans).await;
    assert!((90..=450).contains(&scans), "{scans} of 900");
}

/// A resolver whose name servers say nothing until they are let.
#[derive(Default)]
struct Silent {
    asked: AtomicUsize,
    speaks: Mutex<bool>,
    told: Condvar,
}

impl Silent {
    fn answer(&self) -> std::io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut speaks = self.speaks.lock().expect("no panic");
        while !*speaks {
            speaks = self.told.wait(speaks).expect("no panic");
        }
        Ok(vec![Ipv4Addr::LOCALHOST.into()])
    }

    fn speak(&self) {
        *self.speaks.lock().expect("no panic") = true;
        self.told.notify_all();
    }
}

#[tokio::test]
async fn hung_look_ups_block_no_sign_in_and_no_other_call() {
    let names = Arc::new(Silent::default());
    let silent = Arc::clone(&names);
    let app = TestApp::start_with(|site| {
        let policy = Policy { allow_loopback: true, ..Policy::default() };
        let outbound = Outbound::looking_up(policy, move |_| silent.answer());
        site.outbound = outbound.expect("a runtime");
    })
    .await;
    let world = World::on(app, |_| Reply::json(200, "{}")).await;
    let ana = world.app.user(&[]).await;
    for number in 0..48 {
        let base = format!("http://hung{number}.example/");
        world
            .app
            .connector_with(&format!("Hung {number}"), |new| {
                new.details.base_url = HttpUrl::parse(&base).ok();
            })
            .await;
    }
    let calls: Vec<_> = (0..48)
        .map(|number| {
            let path = format!("/hung-{number}/proxy/x");
            tokio::spawn(world.request("GET", &path).send())
        })
        .collect();
    let asked = || names.asked.load(Ordering::SeqCst);
    soon("as many look-ups hang as there can be", || asked() >= 32).await;
    for _ in 0..4 {
        let browser = world.app.browser();
        browser.sign_in(&ana.username, PASSWORD).await.expect(303);
        assert_eq!(world.proxied("/x").await.status, 200);
    }
    assert_eq!(asked(), 32, "no more at once");
    names.speak();
    calls.iter().for_each(tokio::task::JoinHandle::abort);
}
