//! Token refresh: hands out a connector's token, and requests a new one where the stored one ends.
//!
//! Rules. Exactly one request for a new token runs per connector, over all instances: the holder of the lease in the
//! row of `renewals` sends it ([`lease`]); in one process all others wait for the same refresh ([`in_flight`]). No
//! connection is held during the request. A new token is stored before any caller gets it; a refusal changes nothing
//! but the record of the refusal.
//!
//! Danger: a rotated refresh token that is lost cannot be had again. So a refresh runs on the program's main runtime
//! and goes on when its callers have gone; storing is tried again while the database is away; a graceful stop waits
//! for it.
//!
//! Leases are judged by the instances' own clocks, which must agree within a few seconds.
//!
//! Caches of tokens are notified of a new one before those who wait for it ([`TokenKeeper::on_replaced`]), so in this
//! process no call that begins later carries the old one. Other instances are notified by the database.

mod background;
mod devices;
mod in_flight;
mod lease;
mod outcome;
mod request;
mod state;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::runtime::Handle;

use super::origins::ApprovedOrigins;
use crate::access::Actor;
use crate::clock::Clock;
use crate::connectors::{ConnectorId, LegacyGrants};
use crate::db::Db;
use crate::oauth::TokenError;
use crate::outbound::Outbound;
use crate::vault::{Secret, Vault};
use crate::web::Error;

pub use in_flight::Renewal;
pub use state::RenewalState;
pub(super) use state::renewal;

use in_flight::{InFlight, Listeners, OtherInstance, RefreshKey};
use lease::{Acquired, GRACE, Lease, LeaseRequest, Unavailable};
use request::{Answer, NextTokenRequest};
use state::TokenState;

/// Between two attempts at a lease that another instance holds.
const POLL: Duration = Duration::from_millis(100);

/// How long a stop waits for refreshes in flight.
const STOP_TIMEOUT: Duration = Duration::from_secs(45);

/// Hands out tokens that live long enough. Cheap to clone.
#[derive(Clone)]
pub struct TokenKeeper(Arc<Inner>);

struct Inner {
    /// Connections of the main runtime, on which refreshes run.
    db: Db,
    vault: Vault,
    outbound: Outbound,
    clock: Clock,
    /// No token is requested with a grant that is switched off.
    grants: LegacyGrants,
    runtime: Handle,
    in_flight: InFlight,
    listeners: Listeners,
}

/// What a caller needs of a token.
#[derive(Clone, Copy, Default)]
pub struct Need {
    /// How long it must still live; where tokens live shorter than twice this, half their life is enough.
    pub min_ttl: TimeDelta,
    /// The version of a token that the API has refused; another one is wanted.
    pub refused: Option<i64>,
}

/// A token for a call.
pub struct LiveToken {
    pub access: Secret,
    /// Where it may be sent.
    pub origins: ApprovedOrigins,
    /// How to present it (RFC 6749 section 7.1).
    pub token_type: String,
    pub expires_at: Option<DateTime<Utc>>,
    /// Moves with every token of the connector; for [`Need::refused`].
    pub version: i64,
    /// A cache need not ask again before: by then its use is worth noting, or a refresh is due.
    pub ask_again_at: DateTime<Utc>,
    /// When it no longer lives long enough for the need; `None` for ever.
    pub serves_until: Option<DateTime<Utc>>,
}

/// Why there is no token.
#[derive(Clone, Debug)]
pub enum TokenProblem {
    /// The connector is disabled, or gone.
    Disabled,
    /// There has been no token yet, or it was disconnected.
    NotAuthorized,
    /// The token has ended or was refused, and only a person can get another.
    Ended,
    /// The API refuses a token that has just been issued.
    RefusedYoung,
    /// The server was asked just now and gave none.
    Refused(Box<TokenError>),
    /// The server gave none before, and the backoff after that is not over.
    Backoff(Box<RenewalState>),
    /// The tokens were replaced or forgotten while the server was asked, so its answer was not stored.
    Changed,
    /// Another instance renews it; only background work leaves it at that.
    Elsewhere,
    /// A fault of the program, or the database is away. All requests that waited share it.
    Fault(Arc<Error>),
}

impl From<Error> for TokenProblem {
    fn from(error: Error) -> TokenProblem {
        TokenProblem::Fault(Arc::new(error))
    }
}

/// Why a new token is requested.
#[derive(Clone)]
enum Trigger {
    /// A call that waits for it.
    Call,
    /// Background work, which does not wait for another instance.
    Due,
    /// A person, who may ask during the backoff after a refusal.
    Person(Box<Actor>),
}

impl TokenKeeper {
    /// One that refreshes on this runtime, which must be the program's main one, with connections of its own.
    pub fn new(
        db: Db,
        vault: Vault,
        outbound: Outbound,
        clock: Clock,
        grants: LegacyGrants,
        runtime: Handle,
    ) -> TokenKeeper {
        TokenKeeper(Arc::new(Inner {
            db,
            vault,
            outbound,
            clock,
            grants,
            runtime,
            in_flight: InFlight::default(),
            listeners: Listeners::default(),
        }))
    }

    /// Calls `listener` with each connector and the version of its token that was replaced; it must be quick.
    pub fn on_replaced(&self, listener: impl Fn(ConnectorId, i64) + Send + Sync + 'static) {
        self.0.listeners.add(Box::new(listener));
    }

    /// The refresh of this connector's token that runs, or that this process waits for.
    pub fn renewal(&self, connector: ConnectorId) -> Option<Renewal> {
        self.0.in_flight.renewal(connector)
    }

    /// A token of this connector that fits the need: the stored one, or a new one.
    pub async fn token(&self, connector: ConnectorId, need: Need) -> Result<LiveToken, TokenProblem> {
        let this = self.clone();
        // The pool's connections belong to the main runtime.
        let work = async move { this.obtain(connector, need).await };
        self.0.runtime.spawn(work).await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// A new token now, for a person who waits for it.
    pub async fn renew_now(&self, connector: ConnectorId, by: &Actor) -> Result<(), TokenProblem> {
        let (this, by) = (self.clone(), by.clone());
        let work = async move {
            let state = this.state(connector).await?;
            this.refresh(connector, state.renewal.token_version, Trigger::Person(Box::new(by))).await
        };
        self.0.runtime.spawn(work).await.unwrap_or_else(|_| Err(interrupted()))
    }

    async fn obtain(&self, connector: ConnectorId, need: Need) -> Result<LiveToken, TokenProblem> {
        let now = self.0.clock.now();
        let state = self.state(connector).await?;
        if !state.enabled {
            return Err(TokenProblem::Disabled);
        }
        let Some(token) = &state.token else {
            return Err(TokenProblem::NotAuthorized);
        };
        if state.notes_use(now) {
            let mut conn = self.0.db.get().await.map_err(Error::from)?;
            state::note_use(&mut conn, connector, &state, now).await?;
        }
        if state.serves(need, now) {
            self.refresh_early(connector, &state, now);
            return self.open(connector, state, need);
        }
        if need.refused == Some(state.renewal.token_version) && token.times().is_young(now) {
            return Err(TokenProblem::RefusedYoung);
        }
        if !state.is_renewable() {
            return Err(TokenProblem::Ended);
        }
        match self.refresh(connector, state.renewal.token_version, Trigger::Call).await {
            // Whatever is stored by now counts.
            Ok(()) | Err(TokenProblem::Changed) => {}
            Err(problem) => return Err(problem),
        }
        let state = self.state(connector).await?;
        if !state.enabled {
            return Err(TokenProblem::Disabled);
        }
        self.open(connector, state, need)
    }

    /// Starts to refresh a token that serves but ends soon, without waiting for it.
    fn refresh_early(&self, connector: ConnectorId, state: &TokenState, now: DateTime<Utc>) {
        if state.ends_soon(now) && state.is_renewable() {
            drop(self.join(connector, state.renewal.token_version, Trigger::Due));
        }
    }

    fn open(&self, connector: ConnectorId, state: TokenState, need: Need) -> Result<LiveToken, TokenProblem> {
        let version = state.renewal.token_version;
        let ask_again_at = state.ask_again_at(self.0.clock.now());
        let token = state.token.ok_or(TokenProblem::NotAuthorized)?;
        let serves_until = token.times().serves_until(need.min_ttl);
        let sealed = token.sealed(connector);
        Ok(LiveToken {
            access: sealed.open(&self.0.vault)?,
            origins: sealed.origins()?,
            token_type: token.token_type,
            expires_at: token.expires_at,
            version,
            ask_again_at,
            serves_until,
        })
    }

    async fn state(&self, connector: ConnectorId) -> Result<TokenState, TokenProblem> {
        let mut conn = self.0.db.get().await.map_err(Error::from)?;
        state::state(&mut conn, connector).await?.ok_or(TokenProblem::Disabled)
    }

    /// Replaces the token of this version, or waits until it is replaced.
    async fn refresh(&self, connector: ConnectorId, version: i64, trigger: Trigger) -> Result<(), TokenProblem> {
        loop {
            let outcome = self.join(connector, version, trigger.clone()).await;
            // It may have been the refresh of a caller that gives up earlier.
            let earlier = matches!(
                (&outcome, &trigger),
                (Err(TokenProblem::Elsewhere), Trigger::Call | Trigger::Person(_))
                    | (Err(TokenProblem::Backoff(_)), Trigger::Person(_))
            );
            if !earlier {
                return outcome;
            }
        }
    }

    fn join(&self, connector: ConnectorId, version: i64, trigger: Trigger) -> in_flight::Refresh {
        let this = self.clone();
        let (runtime, key) = (&self.0.runtime, (connector, version));
        self.0.in_flight.join(runtime, key, |other_instance| async move {
            let outcome = this.run((connector, version), trigger, &other_instance).await;
            if matches!(outcome, Ok(()) | Err(TokenProblem::Changed)) {
                this.0.listeners.notify(connector, version);
            }
            outcome
        })
    }

    /// Acquires the lease and sends the request, or waits until the holder of the lease is done.
    async fn run(
        &self,
        (connector, version): RefreshKey,
        trigger: Trigger,
        other_instance: &OtherInstance,
    ) -> Result<(), TokenProblem> {
        let forced = matches!(trigger, Trigger::Person(_));
        let mut wanted = LeaseRequest { connector, version, forced, expired: None };
        loop {
            let acquired = {
                let mut conn = self.0.db.get().await.map_err(Error::from)?;
                lease::acquire(&mut conn, &self.0, &wanted, self.0.clock.now()).await?
            };
            match acquired {
                Acquired::Yes(lease, request) => {
                    other_instance.set(None);
                    match self.send(&lease, *request, &trigger).await {
                        Some(outcome) => return outcome,
                        None => wanted.expired = Some(lease.seen()),
                    }
                }
                Acquired::No(Unavailable::Replaced) => return Ok(()),
                Acquired::No(Unavailable::Refused(problem)) => return Err(*problem),
                Acquired::No(Unavailable::Expired(lease)) => {
                    other_instance.set(Some(GRACE));
                    wanted.expired = Some(lease);
                    tokio::time::sleep(GRACE).await;
                }
                Acquired::No(Unavailable::Held(_)) if matches!(trigger, Trigger::Due) => {
                    return Err(TokenProblem::Elsewhere);
                }
                Acquired::No(Unavailable::Held(until)) => {
                    let left = (until - self.0.clock.now()).to_std().unwrap_or_default();
                    other_instance.set(Some(left + GRACE));
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }

    /// Sends the request and stores the answer, and extends the lease until then. `None` if the lease may have run out
    /// before the request was sent.
    async fn send(
        &self,
        lease: &Lease,
        request: NextTokenRequest,
        trigger: &Trigger,
    ) -> Option<Result<(), TokenProblem>> {
        let sending = async {
            match request.send(&self.0, lease).await {
                Answer::TooLate => None,
                answer => Some(outcome::store(&self.0, lease, answer, trigger).await),
            }
        };
        tokio::select! {
            outcome = sending => outcome,
            never = lease.keep_extending(&self.0) => match never {},
        }
    }

    /// Waits for the refreshes in flight, at a stop.
    pub async fn finish(&self) {
        let all = async {
            loop {
                let running = self.0.in_flight.all();
                if running.is_empty() {
                    break;
                }
                join_all(running).await;
            }
        };
        if tokio::time::timeout(STOP_TIMEOUT, all).await.is_err() {
            tracing::warn!("stopping although a token is still being refreshed");
        }
    }
}

/// A refresh ended without an outcome: the program stops, or has a fault.
fn interrupted() -> TokenProblem {
    TokenProblem::Fault(Arc::new(Error::internal(anyhow::anyhow!("the token refresh was interrupted"))))
}
