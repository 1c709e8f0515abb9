//! A call never waits for its line, and its line is not lost.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use connectory::calls::{CallLog, Outcome};
use connectory::clock::Clock;
use connectory::db::{ChangeListener, Db};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use uuid::Uuid;

use super::{call, program};
use crate::support::TestApp;

const LINES: &str = "SELECT count(*) FROM calls";

/// Tells the process that records where to.
const DATABASE: &str = "CONNECTORY_TEST_DATABASE";

/// How many calls the totals know of.
const COUNTED: &str = "SELECT coalesce(sum(calls), 0) FROM call_hours WHERE connector_id = '00000000-0000-0000-0000-000000000000' AND caller_id = connector_id";

#[tokio::test]
async fn a_line_tells_all_that_was_reported_of_the_call() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let at = DateTime::from_timestamp_micros(1_795_000_000_123_456).expect("a time");
    let mut refused = call(at, connector);
    (refused.outcome, refused.status, refused.problem) = (Outcome::Refused, None, "key_expired");
    (refused.detail, refused.endpoint) = ("The key\0 has expired.".into(), None);
    let answered = call(at, connector);
    let (first, second) = (answered.id, refused.id);
    app.call_log.record(answered);
    app.call_log.record(refused);
    app.call_log.finish().await;
    let columns = "kind, connector_name, endpoint_name, caller_kind, caller_name, address, method, target, outcome, status, problem, detail, \
        attempts, queue_us, connect_us, first_byte_us, total_us, sent_bytes, received_bytes, request_id, at AT TIME ZONE 'UTC'";
    let line = |id: Uuid| format!("SELECT {columns} FROM calls WHERE id = '{id}'");
    assert_eq!(
        app.rows(&line(first)).await[0],
        [
            "endpoint",
            "Payroll",
            "list",
            "program",
            "Month-end report",
            "192.0.2.7",
            "GET",
            "https://api.example.org/v1/entries",
            "answered",
            "200",
            "",
            "",
            "1",
            "2000",
            "8000",
            "30000",
            "40000",
            "0",
            "1204",
            "01a20138e1aa7108ac75c188e78d1004",
            "2026-11-18 11:06:40.123456",
        ]
    );
    let refused = &app.rows(&line(second)).await[0];
    assert_eq!(refused[2], "");
    assert_eq!(refused[8..12], ["refused", "", "key_expired", "The key  has expired."]);
}

#[tokio::test]
async fn calls_are_counted_by_hour_with_their_errors_and_times_and_the_newest() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let hour = DateTime::from_timestamp(1_795_000_000 / 3600 * 3600, 0).expect("an hour");
    let (first, second) = (app.another_call_log(), app.another_call_log());
    for (log, minute, status, millis) in
        [(&first, 5, 200, 4), (&first, 1, 500, 40), (&second, 9, 404, 4), (&second, 59, 204, 90_000)]
    {
        let mut call = call(hour + TimeDelta::minutes(minute), connector);
        (call.status, call.total) = (Some(status), Duration::from_millis(millis));
        log.record(call);
    }
    let mut refused = call(hour + TimeDelta::minutes(60), connector);
    (refused.outcome, refused.status, refused.caller) = (Outcome::Refused, None, program("Another"));
    second.record(refused);
    // Two instances count in the same rows.
    futures_util::join!(first.finish(), second.finish());
    let rows = "SELECT calls, errors, latencies, last_status, caller_name FROM call_hours";
    assert_eq!(
        app.rows(&format!("{rows} WHERE connector_id = '{connector}' AND caller_name <> '' ORDER BY hour")).await,
        [
            ["4", "2", "{0,0,2,0,0,1,0,0,0,0,0,0,0,0,0,1}", "204", "Month-end report"],
            ["1", "1", "{0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0}", "", "Another"],
        ]
    );
    for totals in [connector, Uuid::nil()] {
        assert_eq!(
            app.rows(&format!("SELECT calls, errors, caller_kind FROM call_hours WHERE connector_id = '{totals}' AND caller_id = '{}' ORDER BY hour", Uuid::nil())).await,
            [["4", "2", ""], ["1", "1", ""]]
        );
    }
}

#[tokio::test]
async fn lines_wait_while_the_database_is_away_and_are_then_written_once() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    app.call_log.record(call(app.clock.now(), connector));
    app.call_log.finish().await;
    app.take_database_away().await;
    for _ in 0..1_200 {
        app.call_log.record(call(app.clock.now(), connector));
    }
    // The stop tries again and again, and the database comes back meanwhile.
    futures_util::join!(app.call_log.finish(), app.give_database_back());
    assert_eq!(app.count(LINES).await, 1_201);
    assert_eq!(app.count(COUNTED).await, 1_201);
}

#[tokio::test]
async fn an_entry_whose_commit_was_not_confirmed_is_not_counted_again() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let (first, second) = (app.another_call_log(), app.another_call_log());
    let (id, at) = (Uuid::now_v7(), app.clock.now());
    for log in [&first, &second] {
        let mut again = call(at, connector);
        again.id = id;
        log.record(again);
    }
    second.record(call(at, connector));
    first.finish().await;
    second.finish().await;
    assert_eq!((app.count(LINES).await, app.count(COUNTED).await), (2, 2));
}

#[tokio::test]
async fn the_writer_writes_within_a_second_and_at_once_when_much_is_waiting() {
    let app = TestApp::start().await;
    let connector = app.connector("Payroll").await;
    let log = app.call_log.clone();
    let writer = tokio::spawn(async move { log.run().await });
    for _ in 0..1_300 {
        app.call_log.record(call(app.clock.now(), connector));
    }
    let start = Instant::now();
    while app.count(LINES).await < 1_300 {
        assert!(start.elapsed() < Duration::from_secs(20), "the lines are not written");
    }
    writer.abort();
}

/// Records a call every millisecond and says so, until it is asked to stop. Not a test: the two below run it as a
/// process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a process that other tests start"]
async fn a_process_that_records() {
    let url = std::env::var(DATABASE).expect("started by a test");
    let log = CallLog::new(Db::new(&url, 1).expect("a pool"), &Clock::system(), &ChangeListener::new(&url));
    let writer = log.clone();
    tokio::spawn(async move { writer.run().await });
    let mut stop = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("a signal");
    let clock = Clock::system();
    let mut tick = tokio::time::interval(Duration::from_millis(1));
    loop {
        tokio::select! {
            _ = stop.recv() => break,
            _ = tick.tick() => {
                let call = call(clock.now(), Uuid::nil());
                let id = call.id;
                log.record(call);
                println!("recorded {id} {}", clock.now().to_rfc3339());
            }
        }
    }
    log.finish().await;
}

/// The process, and its lines so far.
struct Recorder {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Recorder {
    fn start(app: &TestApp) -> Recorder {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL"])
            .arg(std::env::current_exe().expect("this program"))
            .args(["--exact", "calls::writing::a_process_that_records", "--ignored", "--nocapture"])
            .env(DATABASE, app.database_url())
            .stdout(Stdio::piped())
            .process_group(0);
        let mut child = command.spawn().expect("the process");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        Recorder { child, lines }
    }

    fn next(&mut self) -> Option<(Uuid, DateTime<Utc>)> {
        loop {
            let line = self.lines.next()?.expect("a readable line");
            if let Some((id, at)) = line.split_once("recorded ").and_then(|(_, rest)| rest.split_once(' ')) {
                return Some((id.parse().expect("an id"), at.parse().expect("a time")));
            }
        }
    }

    /// Sends it the signal once it has recorded for a while, and gives all that it has recorded.
    fn end(mut self, signal: Signal) -> Vec<(Uuid, DateTime<Utc>)> {
        let mut recorded: Vec<(Uuid, DateTime<Utc>)> = Vec::new();
        while recorded.len() < 2_000 {
            recorded.push(self.next().expect("it goes on"));
        }
        kill(Pid::from_raw(self.child.id().try_into().expect("a process")), signal).expect("it runs");
        recorded.extend(std::iter::from_fn(|| self.next()));
        self.child.wait().expect("its end");
        recorded
    }
}

async fn written(app: &TestApp) -> std::collections::HashSet<Uuid> {
    let ids = app.rows("SELECT id FROM calls").await;
    ids.iter().map(|row| row[0].parse().expect("an id")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_process_loses_at_most_the_calls_of_its_last_second() {
    let app = TestApp::start().await;
    let recorder = Recorder::start(&app);
    let recorded = tokio::task::spawn_blocking(|| recorder.end(Signal::SIGKILL)).await.expect("its end");
    let written = written(&app).await;
    let (_, end) = *recorded.last().expect("lines");
    let lost: Vec<TimeDelta> =
        recorded.iter().filter(|(id, _)| !written.contains(id)).map(|(_, at)| end - *at).collect();
    assert!(lost.iter().all(|before| *before < TimeDelta::seconds(1)), "{} lost: {:?}", lost.len(), lost.first());
    assert!(!written.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_asked_to_stop_loses_nothing() {
    let app = TestApp::start().await;
    let recorder = Recorder::start(&app);
    let recorded = tokio::task::spawn_blocking(|| recorder.end(Signal::SIGTERM)).await.expect("its end");
    let written = written(&app).await;
    assert_eq!(recorded.iter().filter(|(id, _)| !written.contains(id)).count(), 0);
}
