//! The call of a run: through the relay like any other, read whole within limits, and recorded in the call log.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::access::{Actor, InUse};
use crate::calls::{Call, CallKind, CallLog, CallRecord, CallSource, Caller, CallerKind, Target};
use crate::endpoints::definition::Rendered;
use crate::endpoints::model::{EndpointId, RequestSettings};
use crate::outbound;
use crate::relay::{Body, ConnectorSnapshot, Relay, RelayError, RelayRequest, RelayResponse, TIME_OUT};
use crate::web::Held;

/// The largest response that is read, in bytes.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// Copies of a response in memory while its page is made: raw, decoded, masked, and formatted.
const COPIES: usize = 4;

pub(super) struct RunCall<'a> {
    pub by: &'a Actor,
    pub at: DateTime<Utc>,
    pub connector: &'a Arc<ConnectorSnapshot>,
    pub endpoint: Option<(EndpointId, Arc<str>)>,
    pub request: &'a RequestSettings,
}

/// A response with its body.
pub(super) struct ReceivedResponse {
    pub response: RelayResponse,
    pub body: Vec<u8>,
    /// The body was longer.
    pub is_cut: bool,
    /// Why the body broke off.
    pub error: Option<RelayError>,
    pub total: Duration,
    /// Counts the body in the memory for bodies.
    _held: Held,
}

impl RunCall<'_> {
    /// Makes the call, and logs it however it ends: also when the person goes away.
    pub async fn make(
        &self,
        relay: &Relay,
        log: &CallLog,
        rendered: Rendered,
        in_use: &Rc<InUse>,
    ) -> Result<ReceivedResponse, RelayError> {
        let started = Instant::now();
        let mut record = CallRecord::new(log, self.call(), started, in_use);
        let request = self.request(rendered);
        if let outbound::Body::Whole(body) = &request.body {
            record.sent.set(body.len() as u64);
        }
        let total = request.limits.total;
        let calling = async {
            let permit = relay.permit(self.connector, self.by.id.unwrap_or_default(), total).await?;
            relay.call(self.connector, permit, request).await
        };
        let mut response = calling.await.inspect_err(|error| error.log(&mut record))?.log(record);
        let left = total.saturating_sub(started.elapsed());
        let mut held = Held::of(in_use.bodies());
        let (body, is_cut, error) = read(&mut response.body, left, &mut held).await;
        match &error {
            Some(error) => response.body.log_error(error),
            None => response.body.log_answered(),
        }
        Ok(ReceivedResponse { response, body, is_cut, error, total: started.elapsed(), _held: held })
    }

    fn request(&self, rendered: Rendered) -> RelayRequest {
        let seconds = self.request.time_out.and_then(|seconds| u64::try_from(seconds).ok());
        let limits = self.connector.limits(seconds.map(Duration::from_secs));
        RelayRequest {
            headers: rendered.headers,
            body: rendered.body.map_or(outbound::Body::Empty, outbound::Body::from),
            retries: u8::try_from(self.request.retries).unwrap_or_default(),
            follow: true,
            record_sent: true,
            ..RelayRequest::new(self.request.method.http(), rendered.url, limits)
        }
    }

    fn call(&self) -> Call {
        let caller = Caller {
            kind: CallerKind::User,
            id: self.by.id.unwrap_or_default(),
            name: self.by.name.as_str().into(),
            api_key: None,
        };
        let source = CallSource {
            id: Uuid::now_v7(),
            at: self.at,
            caller,
            address: self.by.address.clone(),
            request_id: self.by.request_id.clone(),
        };
        let request = (self.request.method.code(), Target::new(&self.request.url));
        let call = Call::new(source, CallKind::Run, (self.connector.id, &self.connector.label), request);
        Call { endpoint: self.endpoint.clone(), ..call }
    }
}

/// The beginning of a body, whether it was longer, and why it broke off.
async fn read(body: &mut Body, within: Duration, held: &mut Held) -> (Vec<u8>, bool, Option<RelayError>) {
    let mut whole = Vec::new();
    let reading = async {
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => whole.extend_from_slice(&chunk),
                Err(failure) => return (false, Some(RelayError::of_failure(failure))),
            }
            if whole.len() > MAX_BODY {
                return (true, None);
            }
            if held.cover(whole.len() * COPIES).is_err() {
                return (false, Some(RelayError::no_room()));
            }
        }
        (false, None)
    };
    let (is_cut, error) = match tokio::time::timeout(within, reading).await {
        Ok(ended) => ended,
        Err(_) => (false, Some(TIME_OUT.because("The time was over before all of it had come."))),
    };
    whole.truncate(MAX_BODY);
    (whole, is_cut, error)
}
