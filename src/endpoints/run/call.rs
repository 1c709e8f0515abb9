//! The call of a run: carried by the relay like any other, read whole within limits, and written into the call log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::report::Times;
use crate::access::Actor;
use crate::calls::{Call, CallKind, CallLog, Caller, CallerKind, Outcome, Target};
use crate::endpoints::definition::Rendered;
use crate::endpoints::model::{EndpointId, HttpMethod};
use crate::outbound;
use crate::relay::{Body, Carried, Line, Order, Relay, RelayProblem, TIME_OUT};
use crate::web::Held;

/// What is read of an answer at most, in bytes.
const LARGEST: usize = 10 * 1024 * 1024;

/// As often stands an answer in memory while a page of it is made: as it came, as text, masked, and laid out.
const COPIES: usize = 4;

/// Who runs what.
pub(super) struct Run<'a> {
    pub by: &'a Actor,
    pub at: DateTime<Utc>,
    pub line: &'a Arc<Line>,
    pub endpoint: Option<(EndpointId, Arc<str>)>,
    /// The URL before values are put in.
    pub target: &'a str,
    pub method: HttpMethod,
    pub time_out: Option<Duration>,
    pub retries: u8,
}

/// An answer with its body.
pub(super) struct Whole {
    pub carried: Carried,
    pub body: Vec<u8>,
    /// There was more than is read.
    pub is_cut: bool,
    /// Why the body ended before its end.
    pub broken: Option<RelayProblem>,
    pub times: Times,
    /// Counts the body for as long as it is here.
    _held: Held,
}

impl Run<'_> {
    /// Makes the call, and a line of the log of it however it ends: also when whoever waits for it goes away.
    pub async fn call(
        &self,
        relay: &Relay,
        log: &CallLog,
        rendered: Rendered,
        mut held: Held,
    ) -> Result<Whole, RelayProblem> {
        let begun = Instant::now();
        let mut entry = Entry::new(log, self.entry(), begun);
        let order = self.order(rendered);
        if let outbound::Body::Whole(body) = &order.body {
            let size = body.len() as u64;
            entry.change(|call| call.sent = size);
        }
        let total = order.limits.total;
        let carried = async {
            let turn = relay.turn(self.line, self.by.id.unwrap_or_default(), total);
            relay.carry(self.line, turn.await?, order).await
        };
        let mut carried = match carried.await {
            Ok(carried) => carried,
            Err(problem) => {
                entry.failed(&problem);
                return Err(problem);
            }
        };
        entry.answered(&carried);
        let left = total.saturating_sub(begun.elapsed());
        let (body, is_cut, broken) = read(&mut carried.body, left, &mut held).await;
        entry.ended(body.len(), broken.as_ref());
        let times = Times {
            queue: carried.timing.queue,
            connect: carried.timing.connect,
            first_byte: carried.timing.first_byte,
            total: begun.elapsed(),
        };
        Ok(Whole { carried, body, is_cut, broken, times, _held: held })
    }

    fn order(&self, rendered: Rendered) -> Order {
        let limits = self.line.limits(self.time_out);
        let mut order = Order::new(self.method.http(), rendered.url, limits);
        order.headers = rendered.headers;
        if let Some(body) = rendered.body {
            order.body = body.into();
        }
        order.retries = self.retries;
        order.follow = true;
        order.shown = true;
        order
    }

    fn entry(&self) -> Call {
        Call {
            id: Uuid::now_v7(),
            at: self.at,
            kind: CallKind::Run,
            connector: self.line.id,
            connector_name: Arc::clone(&self.line.label),
            endpoint: self.endpoint.clone(),
            caller: Caller {
                kind: CallerKind::User,
                id: self.by.id.unwrap_or_default(),
                name: self.by.name.as_str().into(),
                api_key: None,
            },
            address: self.by.address.clone(),
            method: self.method.code(),
            target: Target::new(self.target),
            outcome: Outcome::Cancelled,
            status: None,
            problem: "",
            detail: String::new(),
            attempts: 0,
            queue: Duration::ZERO,
            connect: Duration::ZERO,
            first_byte: Duration::ZERO,
            total: Duration::ZERO,
            sent: 0,
            received: 0,
            request_id: self.by.request_id.clone(),
        }
    }
}

/// A line of the log that is written when it goes out of visibility: as cancelled, unless something else has come of the
/// call.
struct Entry<'a> {
    log: &'a CallLog,
    call: Option<Call>,
    begun: Instant,
}

impl<'a> Entry<'a> {
    fn new(log: &'a CallLog, call: Call, begun: Instant) -> Entry<'a> {
        let call = Some(call);
        Entry { log, call, begun }
    }

    fn change(&mut self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = &mut self.call {
            change(call);
        }
    }

    fn failed(&mut self, problem: &RelayProblem) {
        self.change(|call| {
            call.outcome = if problem.attempts == 0 { Outcome::Refused } else { Outcome::Failed };
            call.problem = problem.code;
            call.detail = problem.detail.clone();
            call.attempts = problem.attempts;
            call.queue = problem.queue;
        });
    }

    fn answered(&mut self, carried: &Carried) {
        self.change(|call| {
            call.status = Some(carried.status);
            call.attempts = carried.attempts;
            call.queue = carried.timing.queue;
            call.connect = carried.timing.connect;
            call.first_byte = carried.timing.first_byte;
        });
    }

    fn ended(&mut self, received: usize, broken: Option<&RelayProblem>) {
        self.change(|call| {
            call.received = received as u64;
            call.outcome = match broken {
                None => Outcome::Answered,
                Some(problem) => {
                    call.problem = problem.code;
                    call.detail = problem.detail.clone();
                    Outcome::Failed
                }
            };
        });
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        if let Some(mut call) = self.call.take() {
            call.total = self.begun.elapsed();
            self.log.record(call);
        }
    }
}

/// The beginning of a body, whether there is more, and why it broke off, if it did.
async fn read(body: &mut Body, within: Duration, held: &mut Held) -> (Vec<u8>, bool, Option<RelayProblem>) {
    let mut whole = Vec::new();
    let reading = async {
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) => whole.extend_from_slice(&piece),
                Err(failure) => return (false, Some(RelayProblem::of_failure(failure))),
            }
            if whole.len() > LARGEST {
                return (true, None);
            }
            if held.cover(whole.len() * COPIES).is_err() {
                return (false, Some(RelayProblem::no_room()));
            }
        }
        (false, None)
    };
    let (is_cut, broken) = match tokio::time::timeout(within, reading).await {
        Ok(ended) => ended,
        Err(_) => (false, Some(TIME_OUT.because("The time was over before all of it had come."))),
    };
    whole.truncate(LARGEST);
    (whole, is_cut, broken)
}
