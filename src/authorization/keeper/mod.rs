//! Keeping tokens fresh: whoever needs a connector's token asks here, and waits only if it has to.
//!
//! Rules. Exactly one request for a new token runs per connector, over all instances: whoever holds the lease in the
//! row of `renewals` makes it ([`lease`]); in one process all others wait for the same [`flights`]. No connection is
//! held during the request. A new token is stored before anybody gets it; a refusal changes nothing but the record of
//! the refusal.
//!
//! Danger: a rotated refresh token that is lost cannot be had again. So a renewal runs on the program's main runtime
//! and goes on when whoever asked has gone; storing is tried again while the database is away; a graceful stop waits
//! for it.
//!
//! Leases are judged by the instances' own clocks, which must agree within a few seconds.
//!
//! Whoever keeps tokens in memory is told of a new one before those who wait for it are ([`TokenKeeper::on_replaced`]),
//! so in this process no call that begins later carries the old one. Other instances hear it from the database.

mod ask;
mod background;
mod flights;
mod holding;
mod lease;
mod outcome;

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
use crate::oauth::Refusal;
use crate::outbound::Outbound;
use crate::vault::{Secret, Vault};
use crate::web::Error;

pub use flights::Renewal;
pub(super) use lease::is_held as is_renewing;

use ask::{Asked, Question};
use flights::{Elsewhere, FlightKey, Flights, Hearers};
use holding::Lease;
use lease::{GRACE, Held, Taken, TokenState, Wish};

/// Between two looks at a lease that another instance holds.
const POLL: Duration = Duration::from_millis(100);

/// How long a stop waits for renewals.
const LAST_RENEWALS: Duration = Duration::from_secs(45);

/// Hands out tokens that live long enough. Cheap to clone.
#[derive(Clone)]
pub struct TokenKeeper(Arc<Inner>);

struct Inner {
    /// Connections of the main runtime, on which renewals run.
    db: Db,
    vault: Vault,
    outbound: Outbound,
    clock: Clock,
    /// What is switched off is asked nowhere.
    grants: LegacyGrants,
    runtime: Handle,
    flights: Flights,
    hearers: Hearers,
}

/// What whoever asks for a token wants of it.
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
    /// Whoever keeps it need not ask again before: by then its use is worth noting, or a renewal is due.
    pub ask_again_at: DateTime<Utc>,
    /// When it no longer serves what it was asked for; `None` for ever.
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
    Refused(Box<Refusal>),
    /// The server gave none before, and is not asked again until this time; never, if it said no.
    Resting { message: String, server_words: String, remedy: String, next_attempt_at: Option<DateTime<Utc>> },
    /// The tokens were replaced or forgotten while the server was asked, so its answer was not stored.
    Changed,
    /// Another instance renews it; only background work leaves it at that.
    Elsewhere,
    /// The program's own fault, which is logged.
    Fault(Arc<Error>),
}

impl From<Error> for TokenProblem {
    fn from(error: Error) -> TokenProblem {
        TokenProblem::Fault(Arc::new(error))
    }
}

/// Who wants a new token.
#[derive(Clone)]
enum Trigger {
    /// A call that waits for it, or a look ahead.
    Call,
    /// Background work, which comes again when another instance is at it.
    Due,
    /// A person, who may ask although the server has refused.
    Person(Box<Actor>),
}

impl TokenKeeper {
    /// A keeper that renews on the current runtime, which must be the program's main one, with connections of its own.
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
            flights: Flights::default(),
            hearers: Hearers::default(),
        }))
    }

    /// Calls `hear` with each connector and the version of its token that was replaced; it must be quick.
    pub fn on_replaced(&self, hear: impl Fn(ConnectorId, i64) + Send + Sync + 'static) {
        self.0.hearers.add(Box::new(hear));
    }

    /// The renewal of this connector's token that runs, or that this process waits for.
    pub fn renewal(&self, connector: ConnectorId) -> Option<Renewal> {
        self.0.flights.renewal(connector)
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
            this.renew(connector, state.version, Trigger::Person(Box::new(by))).await
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
            lease::note_use(&mut conn, connector, &state, now).await?;
        }
        if state.serves(need, now) {
            self.look_ahead(connector, &state, now);
            return self.open(connector, state, need);
        }
        if need.refused == Some(state.version) && token.times().is_young(now) {
            return Err(TokenProblem::RefusedYoung);
        }
        if !state.is_renewable() {
            return Err(TokenProblem::Ended);
        }
        match self.renew(connector, state.version, Trigger::Call).await {
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

    /// Begins to renew a token that serves but ends soon; nobody waits for it.
    fn look_ahead(&self, connector: ConnectorId, state: &TokenState, now: DateTime<Utc>) {
        if state.ends_soon(now) && state.is_renewable() {
            drop(self.fly(connector, state.version, Trigger::Due));
        }
    }

    fn open(&self, connector: ConnectorId, state: TokenState, need: Need) -> Result<LiveToken, TokenProblem> {
        let version = state.version;
        let ask_again_at = state.ask_again_at(self.0.clock.now());
        let token = state.token.ok_or(TokenProblem::NotAuthorized)?;
        let serves_until = token.times().serves_until(need.min_ttl);
        let (access, origins) = token.sealed().access_token(&self.0.vault, connector)?;
        Ok(LiveToken {
            access,
            origins,
            token_type: token.token_type,
            expires_at: token.expires_at,
            version,
            ask_again_at,
            serves_until,
        })
    }

    async fn state(&self, connector: ConnectorId) -> Result<TokenState, TokenProblem> {
        let mut conn = self.0.db.get().await.map_err(Error::from)?;
        lease::state(&mut conn, connector).await?.ok_or(TokenProblem::Disabled)
    }

    /// Renews the token of this version, or waits for whoever is at it.
    async fn renew(&self, connector: ConnectorId, version: i64, trigger: Trigger) -> Result<(), TokenProblem> {
        loop {
            let outcome = self.fly(connector, version, trigger.clone()).await;
            // It may have been the flight of somebody who gives up earlier.
            let earlier = matches!(
                (&outcome, &trigger),
                (Err(TokenProblem::Elsewhere), Trigger::Call | Trigger::Person(_))
                    | (Err(TokenProblem::Resting { .. }), Trigger::Person(_))
            );
            if !earlier {
                return outcome;
            }
        }
    }

    fn fly(&self, connector: ConnectorId, version: i64, trigger: Trigger) -> flights::Flight {
        let this = self.clone();
        let (runtime, key) = (&self.0.runtime, (connector, version));
        let flights = &self.0.flights;
        flights.join(runtime, key, |elsewhere| async move {
            let outcome = this.lead((connector, version), trigger, &elsewhere).await;
            if matches!(outcome, Ok(()) | Err(TokenProblem::Changed)) {
                this.0.hearers.tell(connector, version);
            }
            outcome
        })
    }

    /// Takes the lease and asks the server, or waits until whoever holds it is done.
    async fn lead(
        &self,
        (connector, version): FlightKey,
        trigger: Trigger,
        elsewhere: &Elsewhere,
    ) -> Result<(), TokenProblem> {
        let mut wish = Wish { connector, version, forced: matches!(trigger, Trigger::Person(_)), abandoned: None };
        loop {
            let taken = {
                let mut conn = self.0.db.get().await.map_err(Error::from)?;
                lease::take(&mut conn, &self.0, &wish, self.0.clock.now()).await?
            };
            match taken {
                Taken::Yes(lease, question) => {
                    elsewhere.set(None);
                    match self.ask(&lease, *question, &trigger).await {
                        Some(outcome) => return outcome,
                        None => wish.abandoned = Some(lease.seen()),
                    }
                }
                Taken::No(Held::Moved) => return Ok(()),
                Taken::No(Held::Refused(problem)) => return Err(*problem),
                Taken::No(Held::Abandoned(lease)) => {
                    elsewhere.set(Some(GRACE));
                    wish.abandoned = Some(lease);
                    tokio::time::sleep(GRACE).await;
                }
                Taken::No(Held::Busy(_)) if matches!(trigger, Trigger::Due) => {
                    return Err(TokenProblem::Elsewhere);
                }
                Taken::No(Held::Busy(until)) => {
                    let left = (until - self.0.clock.now()).to_std().unwrap_or_default();
                    elsewhere.set(Some(left + GRACE));
                    tokio::time::sleep(POLL).await;
                }
            }
        }
    }

    /// Asks the server and keeps what it says, and the lease until then. `None` if the lease may have run out before
    /// the server was asked.
    async fn ask(&self, lease: &Lease, question: Question, trigger: &Trigger) -> Option<Result<(), TokenProblem>> {
        let asking = async {
            match question.ask(&self.0, lease).await {
                Asked::TooLate => None,
                asked => Some(outcome::settle(&self.0, lease, asked, trigger).await),
            }
        };
        tokio::select! {
            outcome = asking => outcome,
            never = lease.keep(&self.0) => match never {},
        }
    }

    /// Waits for the renewals that run, at a stop.
    pub async fn finish(&self) {
        let all = async {
            loop {
                let running = self.0.flights.all();
                if running.is_empty() {
                    break;
                }
                join_all(running).await;
            }
        };
        if tokio::time::timeout(LAST_RENEWALS, all).await.is_err() {
            tracing::warn!("stopping although a token is still being renewed");
        }
    }
}

/// A renewal ended without an outcome: the program stops, or has a fault.
fn interrupted() -> TokenProblem {
    TokenProblem::Fault(Arc::new(Error::internal(anyhow::anyhow!("the renewal was interrupted"))))
}
