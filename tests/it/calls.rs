//! The call log: how lines get into it, how long they stay, and the pages that show them.

mod keeping;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use connectory::calls::{Call, CallKind, Caller, CallerKind, Outcome, Target};
use uuid::Uuid;

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
    Caller {
        kind: CallerKind::Program,
        id: id_of(name),
        name: Arc::from(name),
        api_key: None,
    }
}

pub fn endpoint(name: &str) -> Uuid {
    id_of(&format!("endpoint {name}"))
}

fn id_of(name: &str) -> Uuid {
    let mut bytes = [7_u8; 16];
    for (index, byte) in name.bytes().enumerate() {
        bytes[index % 16] = bytes[index % 16].wrapping_mul(31).wrapping_add(byte);
    }
    Uuid::from_bytes(bytes)
}
