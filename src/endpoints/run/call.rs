//! The call of a run: through the relay like any other, read whole within limits, and recorded in the call log.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::Run;
use crate::calls::{Call, CallKind, CallRecord, CallSource, Caller, CallerKind, Target};
use crate::endpoints::definition::Rendered;
use crate::endpoints::editor::Editor;
use crate::endpoints::model::{Endpoint, RequestSettings};
use crate::outbound;
use crate::relay::{Body, ConnectorSnapshot, RelayError, RelayRequest, RelayResponse, TIME_OUT};
use crate::web::Held;

/// The largest response that is read, in bytes.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// Copies of a response in memory while its page is made: raw, decoded, masked, and formatted.
const COPIES: usize = 4;

/// A response with its body.
pub(super) struct ReceivedResponse {
    pub response: RelayResponse,
    pub body: Vec<u8>,
    /// The body was longer.
    pub is_cut: bool,
    /// Why the body broke off.
    pub error: Option<RelayError>,
    pub total: Duration,
    /// A sentence about it.
    pub note: Option<String>,
    /// Counts the body in the memory for bodies.
    _held: Held,
}

impl Run<'_> {
    /// Makes the call, and logs it however it ends: also when the person goes away.
    pub(super) async fn call(
        &self,
        editor: &Editor,
        settings: &RequestSettings,
        rendered: Rendered,
    ) -> Result<ReceivedResponse, RelayError> {
        let connector = self.relay.connector(&editor.connector.key).await?;
        let started = Instant::now();
        let call = self.log_entry(&connector, editor.endpoint.as_ref(), settings);
        let mut record = CallRecord::new(self.log, call, started, &self.in_use);
        record.sent.set(rendered.body.as_ref().map_or(0, |body| body.len() as u64));
        let request = relay_request(&connector, settings, rendered);
        let total = request.limits.total;
        let calling = async {
            let permit = self.relay.permit(&connector, self.context.actor.id.unwrap_or_default(), total).await?;
            self.relay.call(&connector, permit, request).await
        };
        let mut response = calling.await.inspect_err(|error| error.log(&mut record))?.log(record);
        let left = total.saturating_sub(started.elapsed());
        let mut held = Held::of(self.in_use.bodies());
        let (body, is_cut, error) = read(&mut response.body, left, &mut held).await;
        match &error {
            Some(error) => response.body.log_error(error),
            None => response.body.log_answered(),
        }
        Ok(ReceivedResponse { response, body, is_cut, error, total: started.elapsed(), note: None, _held: held })
    }

    fn log_entry(
        &self,
        connector: &ConnectorSnapshot,
        endpoint: Option<&Endpoint>,
        settings: &RequestSettings,
    ) -> Call {
        let by = &self.context.actor;
        let caller = Caller {
            kind: CallerKind::User,
            id: by.id.unwrap_or_default(),
            name: by.name.as_str().into(),
            api_key: None,
        };
        let source = CallSource {
            id: Uuid::now_v7(),
            at: self.context.now(),
            caller,
            address: by.address.clone(),
            request_id: by.request_id.clone(),
        };
        let request = (settings.method.code(), Target::new(&settings.url));
        let call = Call::new(source, CallKind::Run, (connector.id, &connector.label), request);
        Call { endpoint: endpoint.map(|endpoint| (endpoint.id, endpoint.name.as_str().into())), ..call }
    }
}

fn relay_request(connector: &ConnectorSnapshot, settings: &RequestSettings, rendered: Rendered) -> RelayRequest {
    let seconds = settings.time_out.and_then(|seconds| u64::try_from(seconds).ok());
    let limits = connector.limits(seconds.map(Duration::from_secs));
    RelayRequest {
        headers: rendered.headers,
        names: rendered.names,
        body: rendered.body.map_or(outbound::Body::Empty, outbound::Body::from),
        retries: u8::try_from(settings.retries).unwrap_or_default(),
        follow: true,
        record_sent: true,
        ..RelayRequest::new(settings.method.http(), rendered.url, limits)
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
        Err(_) => (false, Some(TIME_OUT.because("The time ran out before all of it was received."))),
    };
    whole.truncate(MAX_BODY);
    (whole, is_cut, error)
}
