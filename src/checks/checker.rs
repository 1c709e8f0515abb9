//! The background work: what is due by a schedule is requested, and what waits is checked, a few at a time.

use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::join_all;
use tokio::time::Instant;

use super::queries::{self, Leased};
use crate::authorization::{ConnectionTester, TestOutcome, TestResult};
use crate::web::Error;

/// How many checks an instance does at a time.
const AT_ONCE: usize = 4;

/// How long a check may take, and how long it belongs to the instance that has begun it.
const LONGEST: Duration = Duration::from_secs(120);
const LEASE: TimeDelta = TimeDelta::seconds(150);

/// Does the checks of this process. Clones share its parts.
#[derive(Clone)]
pub struct Checker(ConnectionTester);

impl Checker {
    pub fn new(tester: ConnectionTester) -> Checker {
        Checker(tester)
    }

    /// Requests what is due, and does what waits until nothing does.
    pub async fn round(&self) -> Result<(), Error> {
        queries::request_due(&mut *self.0.db.get().await?, self.0.clock.now()).await?;
        let workers = (0..AT_ONCE).map(|_| self.work());
        join_all(workers).await.into_iter().collect()
    }

    async fn work(&self) -> Result<(), Error> {
        while let Some(check) = self.lease().await? {
            let started = Instant::now();
            let result = self.check(&check).await?;
            let mut conn = self.0.db.get().await?;
            queries::finish(&mut conn, check.id, (&result, started.elapsed()), self.0.clock.now()).await?;
        }
        Ok(())
    }

    async fn lease(&self) -> Result<Option<Leased>, Error> {
        let now = self.0.clock.now();
        queries::lease(&mut *self.0.db.get().await?, now, now + LEASE).await
    }

    /// A check that cannot be done is a result, too: else it would be tried for ever.
    async fn check(&self, check: &Leased) -> Result<TestResult, Error> {
        match tokio::time::timeout(LONGEST, self.0.test(&check.key)).await {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(Error::Unavailable(cause))) => Err(Error::Unavailable(cause)),
            Ok(Err(Error::NotFound)) => {
                Ok(TestResult::new(TestOutcome::Skipped, "The data connector is in the trash.", ""))
            }
            Ok(Err(error)) => {
                let cause = format!("{:#}", anyhow::Error::from(error));
                tracing::error!(cause, connector = check.key, "a connector could not be checked");
                let message = "The check could not be done.";
                Ok(TestResult::new(TestOutcome::Failed, message, "The program’s log says why."))
            }
            Err(_) => {
                let message = "The check took longer than 2 minutes.";
                Ok(TestResult::new(TestOutcome::Failed, message, "Check whether the servers answer."))
            }
        }
    }
}
