//! The line of the call log that a call becomes.
//!
//! Rule: whoever begins a record gets a line, at the latest when the record is dropped, as a call that was cancelled:
//! that is what happens when the caller has gone.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use crate::access::InUse;
use crate::calls::{Call, CallLog, Outcome, Target};
use crate::relay::{CallTiming, RelayProblem};

/// Codes of problems that are Connectory's no and not a failure.
const REFUSALS: [&str; 4] = ["api_failing", "connector_busy", "api_address_refused", "too_many_bodies"];

/// A line that is written when it is dropped.
pub(super) struct Record {
    log: CallLog,
    call: Option<Call>,
    begun: Instant,
    /// The request counts as one of the key's for as long as the record is there.
    _in_use: Rc<InUse>,
}

impl Record {
    pub(super) fn new(log: &CallLog, call: Call, begun: Instant, in_use: &Rc<InUse>) -> Record {
        Record { log: log.clone(), call: Some(call), begun, _in_use: Rc::clone(in_use) }
    }

    fn call(&mut self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = &mut self.call {
            change(call);
        }
    }

    pub(super) fn endpoint(&mut self, id: Uuid, name: Arc<str>) {
        self.call(|call| call.endpoint = Some((id, name)));
    }

    pub(super) fn target(&mut self, target: Target) {
        self.call(|call| call.target = target);
    }

    /// The API has answered; its body may still be on the way.
    pub(super) fn head(&mut self, status: u16, timing: CallTiming, attempts: u16) {
        self.call(|call| {
            call.status = Some(status);
            call.attempts = attempts;
            call.queue = timing.queue;
            call.connect = timing.connect;
            call.first_byte = timing.first_byte;
        });
    }

    pub(super) fn sizes(&mut self, sent: u64, received: u64) {
        self.call(|call| {
            call.sent = sent;
            call.received = received;
        });
    }

    pub(super) fn answered(&mut self) {
        self.call(|call| call.outcome = Outcome::Answered);
    }

    pub(super) fn failed(&mut self, problem: &'static str, detail: &str) {
        self.call(|call| {
            call.outcome = Outcome::Failed;
            call.problem = problem;
            call.detail = detail.to_string();
        });
    }

    /// The caller gets a problem document.
    pub(super) fn problem(&mut self, problem: &RelayProblem) {
        let is_failure = problem.status >= 500 && !REFUSALS.contains(&problem.code);
        self.call(|call| {
            call.outcome = if is_failure { Outcome::Failed } else { Outcome::Refused };
            call.problem = problem.code;
            call.detail = problem.detail.clone();
            call.attempts = problem.attempts;
            call.queue = problem.queue;
        });
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if let Some(mut call) = self.call.take() {
            call.total = self.begun.elapsed();
            self.log.record(call);
        }
    }
}
