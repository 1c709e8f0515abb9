//! The call log: how lines get into it, how long they stay, and the pages that show them.

mod delete_page;
mod file;
mod keeping;
mod pages;
mod rows_read;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use connectory::calls::{Call, CallKind, Caller, CallerKind, Outcome, Target};
use uuid::Uuid;

use crate::support::TestApp;

/// A call of a program that was answered, as most are.
pub fn call(at: DateTime<Utc>, connector: Uuid) -> Call {
    Call {
        id: Uuid::now_v7(),
        at,
        kind: CallKind::Endpoint,
        connector,
        connector_name: Arc::from("Payroll"),
        endpoint: Some((endpoint("list"), Arc::from("list"))),
        caller: program("Month-end report"),
        address: "192.0.2.7".into(),
        method: "GET",
        target: Target::new("https://api.example.org/v1/entries"),
        outcome: Outcome::Answered,
        status: Some(200),
        problem: "",
        detail: String::new(),
        shown: None,
        attempts: 1,
        queue: Duration::from_millis(2),
        connect: Duration::from_millis(8),
        first_byte: Duration::from_millis(30),
        total: Duration::from_millis(40),
        sent: 0,
        received: 1_204,
        request_id: "01a20138e1aa7108ac75c188e78d1004".into(),
    }
}

/// The program of this name; its id follows from the name.
pub fn program(name: &str) -> Caller {
    Caller { kind: CallerKind::Program, id: id_of(name), name: Arc::from(name), api_key: None }
}

pub fn endpoint(name: &str) -> Uuid {
    id_of(&format!("endpoint {name}"))
}

/// Many lines at once: each column as SQL of its `number`.
pub struct Filling {
    pub lines: i64,
    pub at: String,
    pub connector: String,
    pub outcome: &'static str,
    pub status: &'static str,
}

impl Filling {
    /// Answered calls of one connector.
    pub fn of(connector: Uuid, lines: i64, at: impl Into<String>) -> Filling {
        Filling { lines, at: at.into(), connector: format!("'{connector}'"), outcome: "'answered'", status: "200" }
    }

    /// Writes the lines, whose days must have partitions; nothing is counted of them.
    pub async fn write(self, app: &TestApp) {
        let caller = program("Month-end report").id;
        app.sql(&format!(
            "INSERT INTO calls (id, at, kind, connector_id, connector_name, caller_kind, caller_id, caller_name, method, outcome, status)
             SELECT gen_random_uuid(), {}, 'proxy', ({})::uuid, 'Payroll', 'program', '{caller}', 'Month-end report', 'GET', {}, {}
             FROM generate_series(1, {}) AS number",
            self.at, self.connector, self.outcome, self.status, self.lines
        ))
        .await;
    }
}

fn id_of(name: &str) -> Uuid {
    let mut bytes = [7_u8; 16];
    for (index, byte) in name.bytes().enumerate() {
        bytes[index % 16] = bytes[index % 16].wrapping_mul(31).wrapping_add(byte);
    }
    Uuid::from_bytes(bytes)
}
