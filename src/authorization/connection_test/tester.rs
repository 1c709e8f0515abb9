//! Tests of connectors as they are stored, without a person at the form.

use super::{Mark, TestReport, Tools, test};
use diesel_async::AsyncConnection;

use crate::access::{Actor, Right};
use crate::authorization::keeper::TokenKeeper;
use crate::authorization::queries::see_one_state;
use crate::authorization::tab::{Stored, read};
use crate::clock::Clock;
use crate::connectors::{self, LegacyGrants};
use crate::db::{Db, text_enum};
use crate::outbound::Outbound;
use crate::vault::Vault;
use crate::web::{Error, PublicAddress};

text_enum! {
    /// How a test ended.
    pub enum TestOutcome {
        Works = "works", "Works";
        Warning = "warning", "Works, with a warning";
        Failed = "failed", "Problem";
        /// Disabled, or there is nothing yet that could be tested.
        Skipped = "skipped", "Not tested";
    }
}

/// What a test has found.
pub struct TestResult {
    pub outcome: TestOutcome,
    /// What happened, in a sentence or two; no secret is in it.
    pub message: String,
    /// What to do; empty if there is nothing.
    pub remedy: String,
}

impl TestResult {
    pub fn new(outcome: TestOutcome, message: &str, remedy: &str) -> TestResult {
        TestResult { outcome, message: message.into(), remedy: remedy.into() }
    }
}

/// Tests connectors as they are stored. What the API answers counts for their health. Clones share its parts.
#[derive(Clone)]
pub struct ConnectionTester {
    /// Connections of the runtime on which it works.
    pub db: Db,
    pub vault: Vault,
    pub outbound: Outbound,
    pub keeper: TokenKeeper,
    pub clock: Clock,
    /// Where people open Connectory.
    pub address: PublicAddress,
    pub grants: LegacyGrants,
}

impl ConnectionTester {
    /// Tests the connector of this key. No database connection is held while servers are asked.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the connector is gone, and faults of this program; what other servers refuse is a result.
    pub async fn test(&self, key: &str) -> Result<TestResult, Error> {
        let mut stored = self.read(key).await?;
        if !stored.connector.enabled {
            return Ok(TestResult::new(TestOutcome::Skipped, "The data connector is disabled.", ""));
        }
        // Without a person's consent there would be nothing to test but the client.
        if stored.asks_for_consent() && stored.token.is_none() {
            let remedy = "Press Authorize on the Authorization tab.";
            return Ok(TestResult::new(TestOutcome::Skipped, "There is no access token yet.", remedy));
        }
        let Some(checked) = stored.check(&self.vault)? else {
            let remedy = "Open the Authorization tab and save it: it says what is missing.";
            return Ok(TestResult::new(TestOutcome::Failed, "The settings are not complete.", remedy));
        };
        let tools = Tools {
            vault: &self.vault,
            outbound: &self.outbound,
            keeper: &self.keeper,
            clock: &self.clock,
            address: &self.address,
        };
        let report = test(&tools, &stored, &checked).await?;
        if let Some(seen) = &report.observation {
            let mut conn = self.db.get().await?;
            let seen = std::slice::from_ref(seen);
            connectors::add_observations(&mut conn, stored.connector.id, seen, self.clock.now()).await?;
        }
        Ok(report.result())
    }

    async fn read(&self, key: &str) -> Result<Stored, Error> {
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            see_one_state(conn).await?;
            let connector = connectors::find(conn, &Actor::connectory(), key, Right::View).await?;
            read(conn, connector, self.grants, self.clock.now()).await
        })
        .await
    }
}

impl TestReport {
    /// The outcome, and what the step says that decides it.
    fn result(self) -> TestResult {
        let worst = self.worst();
        let outcome = match worst {
            Mark::Bad => TestOutcome::Failed,
            Mark::Warning => TestOutcome::Warning,
            Mark::Good | Mark::Skipped => TestOutcome::Works,
        };
        match self.steps.into_iter().rev().find(|step| step.mark == worst) {
            Some(step) => {
                TestResult { outcome, message: format!("{}: {}", step.name, step.words), remedy: step.remedy }
            }
            None => TestResult::new(TestOutcome::Skipped, "There is nothing to test yet.", ""),
        }
    }
}
