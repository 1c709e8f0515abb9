//! Counters of this interface, made once for each operation and status and not for each request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use metrics::{Counter, Histogram};

/// The counters of one worker.
#[derive(Default)]
pub struct Meters {
    requests: RefCell<HashMap<(&'static str, &'static str, u16), Counter>>,
    times: RefCell<HashMap<&'static str, Histogram>>,
}

impl Meters {
    /// Counts an answer by the pattern of its address.
    pub(super) fn note(&self, route: &'static str, method: &'static str, status: u16, elapsed: Duration) {
        let new = || metrics::counter!("connectory_http_requests_total", "route" => route, "method" => method, "status" => status.to_string());
        let mut requests = self.requests.borrow_mut();
        let counter = requests.entry((route, method, status)).or_insert_with(new);
        counter.increment(1);
        let new = || metrics::histogram!("connectory_http_request_seconds", "route" => route);
        let mut times = self.times.borrow_mut();
        let time = times.entry(route).or_insert_with(new);
        time.record(elapsed.as_secs_f64());
    }
}
