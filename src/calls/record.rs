//! The entry of a call that is under way.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Instant;

use super::{Call, CallLog};
use crate::access::InUse;

/// An entry of the call log that is written when it is dropped: as a cancelled call, unless its outcome was set. That is
/// what happens when the caller has gone.
pub struct CallRecord {
    log: CallLog,
    /// `None` while it is dropped.
    call: Option<Call>,
    started: Instant,
    /// Bytes of the request's body that were passed on to the API so far.
    pub sent: Rc<Cell<u64>>,
    /// The request counts as one of its caller's for as long as the record is there.
    _in_use: Rc<InUse>,
}

impl CallRecord {
    pub fn new(log: &CallLog, call: Call, started: Instant, in_use: &Rc<InUse>) -> CallRecord {
        CallRecord { log: log.clone(), call: Some(call), started, sent: Rc::default(), _in_use: Rc::clone(in_use) }
    }

    /// Counts the time of the call from here on.
    pub fn restart(&mut self, now: Instant) {
        self.started = now;
    }

    pub fn update(&mut self, change: impl FnOnce(&mut Call)) {
        if let Some(call) = &mut self.call {
            change(call);
        }
    }
}

impl Drop for CallRecord {
    fn drop(&mut self) {
        if let Some(call) = self.call.take() {
            self.log.record(Call { total: self.started.elapsed(), sent: self.sent.get(), ..call });
        }
    }
}
