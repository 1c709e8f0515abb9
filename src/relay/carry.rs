//! Carrying one call: its turn and its credential; its attempts are a [`Journey`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::body::Body;
use super::credential::{self, CallTo};
use super::gate::Pass;
use super::journey::{Journey, broken, told, within};
use super::line::Line;
use super::order::{CallTiming, Carried, Order};
use super::problem::{BUSY, CONNECTOR_NOT_FOUND, RelayProblem};
use super::queries;
use super::switchboard::Switchboard;
use crate::db::Db;
use crate::outbound::Outbound;
use crate::web::Error;

/// How long a call waits for its turn at most.
const PATIENCE: Duration = Duration::from_secs(10);

/// The right to make one call through a connector, given back when it is dropped or the answer's body has ended.
pub struct Turn {
    pass: Pass,
    waited: Duration,
}

/// Carries calls, on the connections of one worker. Cheap to clone.
#[derive(Clone)]
pub struct Relay {
    pub(super) board: Switchboard,
    pub(super) db: Db,
    pub(super) outbound: Outbound,
}

impl Relay {
    /// A relay of the current worker: `db` and `outbound` have connections of its runtime.
    pub fn new(board: &Switchboard, db: &Db, outbound: Outbound) -> Relay {
        Relay { board: board.clone(), db: db.clone(), outbound }
    }

    /// The connector of a key as calls need it, from memory in the usual course.
    pub async fn line(&self, key: &str) -> Result<Arc<Line>, RelayProblem> {
        self.find(key).await?.ok_or_else(|| CONNECTOR_NOT_FOUND.because("No data connector has this key."))
    }

    /// The same, or none if no connector has the key.
    pub async fn find(&self, key: &str) -> Result<Option<Arc<Line>>, RelayProblem> {
        let line = self.board.lines.get(key, async || self.read(key).await).await;
        line.map_err(|error| RelayProblem::of_error(&error))
    }

    async fn read(&self, key: &str) -> Result<Option<Arc<Line>>, Error> {
        let row = queries::line(&mut *self.db.get().await?, key).await?;
        row.map(|row| Line::open(&self.board, row).map(Arc::new)).transpose()
    }

    /// Waits for the turn of a call by `caller`, a key or a person, which may take `total`. The turn is taken before
    /// the request's body is read, so that bodies that wait hold no memory.
    pub async fn turn(&self, line: &Line, caller: Uuid, total: Duration) -> Result<Turn, RelayProblem> {
        line.check_enabled()?;
        let begun = Instant::now();
        let pass = self.enter(line, caller, begun + total).await?;
        Ok(Turn { pass, waited: begun.elapsed() })
    }

    /// Carries a call whose turn it is to the API and gives its answer, whatever its status. Dropping the future or the
    /// answer's body ends the exchange.
    pub async fn carry(&self, line: &Arc<Line>, turn: Turn, order: Order) -> Result<Carried, RelayProblem> {
        line.check_enabled()?;
        line.check_origin(&order.url)?;
        super::target::check_steps(&order.url)?;
        let begun = Instant::now();
        let deadline = begun + order.limits.total.saturating_sub(turn.waited);
        let to = CallTo { line, url: &order.url };
        let chosen = credential::choose(&self.board, to);
        let chosen = within(&self.board, line, deadline, chosen).await?;
        let queue = turn.waited + begun.elapsed();
        let is_shown = order.shown;
        let mut journey = Journey::new(self, line, order, deadline, chosen);
        let left = Instant::now();
        let answered = async {
            let (answer, mut read) = journey.go().await?;
            let first_byte = left.elapsed();
            read.begin().await.map_err(broken)?;
            Ok((answer, read, first_byte))
        };
        match answered.await {
            Ok((answer, read, first_byte)) => Ok(Carried {
                status: answer.status,
                headers: answer.headers,
                body: Body::new(read, turn.pass),
                timing: CallTiming { queue, connect: journey.connect, first_byte },
                attempts: journey.attempts,
                mask: journey.chosen.presented.mask(),
                sent: is_shown.then(|| journey.shown()),
            }),
            Err(problem) => Err(RelayProblem { attempts: journey.attempts, queue, ..problem }),
        }
    }

    /// Waits for the call's turn. While the server is left alone nobody waits.
    async fn enter(&self, line: &Line, caller: Uuid, deadline: Instant) -> Result<Pass, RelayProblem> {
        if let Some(pass) = line.gate.try_enter(caller) {
            return Ok(pass);
        }
        let begun = Instant::now();
        if let Some(resting) = line.state.breaker.resting() {
            return Err(told(line, resting));
        }
        let patience = PATIENCE.min(deadline.saturating_duration_since(begun));
        line.gate.enter(caller, patience).await.map_err(|full| {
            let detail = format!(
                "{} calls {}through {} are under way, which is {}.",
                full.at_once,
                if full.is_share { "of this caller " } else { "" },
                line.label,
                if full.is_share { "half of its limit and the most that one caller has" } else { "its limit" },
            );
            let problem = BUSY.because(detail).retry_after(Duration::from_secs(1));
            RelayProblem { queue: begun.elapsed(), ..problem }
        })
    }
}
