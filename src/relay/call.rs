//! One call: its permit and its credential; its attempts are an [`AttemptLoop`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::attempts::{AttemptLoop, circuit_open, within};
use super::concurrency_limit::{LimitReached, Permit};
use super::credential::{self, Destination};
use super::error::{BUSY, CONNECTOR_NOT_FOUND, RelayError};
use super::message::{CallTiming, RelayRequest, RelayResponse};
use super::queries;
use super::snapshot::ConnectorSnapshot;
use super::state::RelayState;
use crate::db::Db;
use crate::outbound::{self, Outbound};
use crate::web::Error;

/// How long a call waits for a permit at most.
const MAX_WAIT: Duration = Duration::from_secs(10);

/// The right to make one call through a connector, given back when it is dropped or the response's body has ended.
pub struct CallPermit {
    permit: Permit,
    waited: Duration,
}

/// Makes calls with the connections of one worker. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    pub(super) state: RelayState,
    pub(super) db: Db,
    pub(super) outbound: Outbound,
}

impl Relay {
    /// A relay of the current worker: `db` and `outbound` have connections of its runtime.
    pub fn new(state: &RelayState, db: &Db, outbound: Outbound) -> Relay {
        Relay { state: state.clone(), db: db.clone(), outbound }
    }

    /// The connector of a key, usually from the cache.
    pub async fn connector(&self, key: &str) -> Result<Arc<ConnectorSnapshot>, RelayError> {
        let connector = self.find_connector(key).await?;
        connector.ok_or_else(|| CONNECTOR_NOT_FOUND.because("No data connector has this key."))
    }

    /// [`Self::connector`]; `None` if no connector has the key.
    pub async fn find_connector(&self, key: &str) -> Result<Option<Arc<ConnectorSnapshot>>, RelayError> {
        let connector = self.state.snapshots.get(key, async || self.read(key).await).await;
        connector.map_err(|error| RelayError::of_error(&error))
    }

    async fn read(&self, key: &str) -> Result<Option<Arc<ConnectorSnapshot>>, Error> {
        let row = queries::snapshot(&mut *self.db.get().await?, key).await?;
        row.map(|row| ConnectorSnapshot::open(&self.state, row).map(Arc::new)).transpose()
    }

    /// Waits for the permit of a call by `caller`, a key or a person, which may take `total`. It is taken before the
    /// request's body is read, so that waiting calls hold no bodies in memory.
    pub async fn permit(
        &self,
        connector: &ConnectorSnapshot,
        caller: Uuid,
        total: Duration,
    ) -> Result<CallPermit, RelayError> {
        connector.check_enabled()?;
        let started = Instant::now();
        let permit = self.acquire(connector, caller, started + total).await?;
        Ok(CallPermit { permit, waited: started.elapsed() })
    }

    /// Makes a call and gives the API's response, whatever its status. Dropping the future or the response's body
    /// aborts the exchange.
    pub async fn call(
        &self,
        connector: &Arc<ConnectorSnapshot>,
        permit: CallPermit,
        mut request: RelayRequest,
    ) -> Result<RelayResponse, RelayError> {
        connector.check_enabled()?;
        connector.check_origin(&request.url)?;
        super::target::check_steps(&request.url)?;
        outbound::introduce(&mut request.headers);
        let started = Instant::now();
        let deadline = started + request.limits.total.saturating_sub(permit.waited);
        let to = Destination { connector, url: &request.url };
        let credential = credential::for_call(&self.state, to);
        let credential = within(&self.state, connector, deadline, credential).await?;
        let queue = permit.waited + started.elapsed();
        let record_sent = request.record_sent;
        let mut attempts = AttemptLoop::new(self, connector, request, deadline, credential);
        let first_sent = Instant::now();
        let response = async {
            let (head, mut body) = attempts.run().await?;
            let first_byte = first_sent.elapsed();
            body.read_first().await.map_err(RelayError::broken_off)?;
            Ok((head, body, first_byte))
        };
        match response.await {
            Ok((head, mut body, first_byte)) => {
                body.hold(permit.permit);
                let shown = attempts.shown(&head, &body);
                Ok(RelayResponse {
                    shown,
                    status: head.status.as_u16(),
                    headers: head.headers,
                    body,
                    timing: CallTiming { queue, connect: attempts.connect, first_byte },
                    attempts: attempts.attempts,
                    mask: attempts.credential.value.mask(),
                    sent: record_sent.then(|| attempts.sent()),
                })
            }
            Err(error) => Err(RelayError { attempts: attempts.attempts, queue, ..error }),
        }
    }

    /// Waits for a permit, but not while the circuit is open.
    async fn acquire(
        &self,
        connector: &ConnectorSnapshot,
        caller: Uuid,
        deadline: Instant,
    ) -> Result<Permit, RelayError> {
        if let Some(permit) = connector.limit.try_acquire(caller) {
            return Ok(permit);
        }
        let started = Instant::now();
        if let Some(open) = connector.state.breaker.open() {
            return Err(circuit_open(connector, open));
        }
        let max_wait = MAX_WAIT.min(deadline.saturating_duration_since(started));
        connector.limit.acquire(caller, max_wait).await.map_err(|reached| {
            let error = BUSY.because(busy(connector, &reached)).retry_after(Duration::from_secs(1));
            RelayError { queue: started.elapsed(), ..error }
        })
    }
}

fn busy(connector: &ConnectorSnapshot, reached: &LimitReached) -> String {
    let (of_caller, limit) = match reached.is_share {
        true => ("of this caller ", "half of its limit and the most that one caller has"),
        false => ("", "its limit"),
    };
    format!("{} calls {of_caller}through {} are under way, which is {limit}.", reached.limit, connector.label)
}
