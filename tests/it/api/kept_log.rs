//! The log of calls that a real program made, after the program was killed or asked to stop.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::*;

/// Programs that call at the same time.
const CALLERS: usize = 4;

/// Calls of each after lines have been written.
const CALLS: usize = 100;

/// Far more than the first lines take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Request ids of answered calls, and when they were answered.
type Answered = Mutex<Vec<(String, Instant)>>;

async fn call(world: &World, address: SocketAddr, answered: &Answered) {
    let url = format!("http://{address}/api/v1/connectors/ledger/proxy/x");
    let answer = Answer::of(world.http.get(url).bearer_auth(&world.key)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let id = answer.header("connectory-request-id").to_string();
    answered.lock().expect("no panic").push((id, Instant::now()));
}

/// Calls until lines have been written, and then many times more.
async fn call_for_a_while(world: &World, address: SocketAddr) -> Vec<(String, Instant)> {
    let (answered, has_lines) = (Answered::default(), AtomicBool::new(false));
    let caller = async || {
        while !has_lines.load(Ordering::Relaxed) {
            call(world, address, &answered).await;
        }
        for _ in 0..CALLS {
            call(world, address, &answered).await;
        }
    };
    let watch = async {
        while written(world).await.is_empty() {}
        has_lines.store(true, Ordering::Relaxed);
    };
    let calling = async { tokio::join!(join_all((0..CALLERS).map(|_| caller())), watch) };
    let in_time = tokio::time::timeout(PATIENCE, calling).await;
    in_time.expect("lines of the call log");
    answered.into_inner().expect("no panic")
}

/// The request ids of all lines.
async fn written(world: &World) -> HashSet<String> {
    let rows = world.app.rows("SELECT request_id FROM calls").await;
    rows.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_killed_program_loses_at_most_the_calls_of_its_last_second() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let installation = world.app.another_program();
    let program = installation.serve();
    let answered = call_for_a_while(&world, installation.address).await;
    let end = Instant::now();
    drop(program);
    let written = written(&world).await;
    for (id, at) in answered {
        let before = end.duration_since(at);
        let is_kept = written.contains(&id);
        assert!(is_kept || before < Duration::from_secs(1), "lost: {before:?}");
    }
}

#[tokio::test]
async fn a_program_that_is_asked_to_stop_loses_no_call() {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    let installation = world.app.another_program();
    let program = installation.serve();
    let answered = call_for_a_while(&world, installation.address).await;
    let (status, log) = program.stop();
    assert!(status.success(), "{log}");
    let written = written(&world).await;
    let lost = answered.iter().filter(|(id, _)| !written.contains(id));
    assert_eq!(lost.count(), 0);
}
