//! A week of calls, of every outcome, by programs with names of every length.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use connectory::calls::{Call, CallKind, Outcome, Target};
use uuid::Uuid;

use super::world::LONG;
use crate::calls::{call, endpoint, program};
use crate::support::TestApp;

/// How many calls there are, an hour or so apart.
const CALLS: i64 = 160;

/// Records calls of two connectors.
pub(super) async fn fill(app: &TestApp) {
    let id = async |key: &str| -> Uuid {
        let id = app.value(&format!("SELECT id FROM connectors WHERE key = '{key}'")).await;
        id.parse().expect("a connector")
    };
    let (payroll, long) = (id("payroll-ledger").await, id("donaudampfschifffahrt").await);
    let now = app.clock.now();
    for number in 0..CALLS {
        let mut call = call(now - TimeDelta::minutes(2 + 61 * number), payroll);
        (call.connector_name, call.caller) = (Arc::from("Payroll ledger"), program("Month-end report"));
        call.endpoint = Some((endpoint("list"), Arc::from("List entries")));
        call.total = Duration::from_micros(900 * (number % 13 + 1).pow(3).unsigned_abs());
        (call.queue, call.connect) = (call.total / 20, call.total / 8);
        call.first_byte = call.total * 3 / 5;
        // More in the morning than at night.
        for _ in 0..number % 7 {
            app.call_log.record(another(&call));
        }
        vary(&mut call, number, long);
        app.call_log.record(call);
    }
    app.call_log.finish().await;
}

fn another(call: &Call) -> Call {
    let mut other = crate::calls::call(call.at, call.connector);
    (other.connector_name, other.caller, other.endpoint) =
        (Arc::clone(&call.connector_name), call.caller.clone(), call.endpoint.clone());
    (other.queue, other.connect) = (call.queue, call.connect);
    (other.first_byte, other.total) = (call.first_byte, call.total);
    other
}

/// Everything that a call can be.
fn vary(call: &mut Call, number: i64, long: Uuid) {
    match number % 8 {
        1 => call.status = Some(404),
        2 => {
            (call.outcome, call.status, call.problem) = (Outcome::Refused, None, "endpoint_not_allowed");
            call.detail =
                "The API key “Salary slips” may not call this endpoint. Allow it on the program's page.".into();
            call.caller = program("Salary slips");
        }
        3 => {
            (call.outcome, call.status, call.problem) = (Outcome::Failed, None, "timed_out");
            call.detail = "The API did not answer within 30 seconds.".into();
            (call.kind, call.endpoint, call.attempts) = (CallKind::Proxy, None, 3);
            call.total = Duration::from_secs(30);
        }
        4 => {
            (call.connector, call.connector_name) = (long, Arc::from(LONG));
            call.caller = program(&format!("{LONG} (Auswertung)"));
            call.endpoint = Some((endpoint("long"), Arc::from(LONG)));
            call.target =
                Target::new(&format!("https://{}.example.org/{}", "sehr-lang".repeat(6), "weiter/".repeat(20)));
            (call.status, call.received) = (Some(502), 34_567_890);
        }
        5 => call.outcome = Outcome::Cancelled,
        _ => {}
    }
}
