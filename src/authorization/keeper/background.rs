//! Refreshing tokens before they are needed, by `renewals.due_at`.

use std::error::Error as _;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use futures_util::{StreamExt, stream};

use super::{TokenKeeper, TokenProblem, Trigger, state};
use crate::connectors::{self, ConnectorId};
use crate::db::Conn;
use crate::db::schema::renewals;
use crate::web::Error;

/// Refreshes that background work starts at once, and looks at in one run.
const AT_ONCE: usize = 16;
const BATCH: i64 = 200;

/// How long one run waits for the refreshes that it has started. They go on, but slow servers must not delay other
/// connectors.
const LONGEST_RUN: Duration = Duration::from_secs(20);

/// After a fault of this program the connector is left alone for so long.
const AFTER_FAULT: TimeDelta = TimeDelta::minutes(1);

impl TokenKeeper {
    /// Renews the tokens that are due, many at once, and gives how many were looked at. Waits for them, but not long.
    pub async fn renew_due(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        let due = state::due(&mut *self.0.db.get().await?, now, BATCH).await?;
        let count = due.len();
        let looks = due.into_iter().map(|connector| self.renew_if_due(connector));
        let looks = stream::iter(looks).buffer_unordered(AT_ONCE);
        let all = looks.for_each(|()| async {});
        // Those that were not reached are still due.
        _ = tokio::time::timeout(LONGEST_RUN, all).await;
        Ok(count)
    }

    /// A refusal is recorded with the connector; neither it nor a fault delays the others.
    async fn renew_if_due(&self, connector: ConnectorId) {
        if let Err(TokenProblem::Fault(fault)) = self.try_if_due(connector).await {
            let cause = fault.source().map(ToString::to_string);
            tracing::warn!(%connector, cause, "a token could not be renewed");
            if let Ok(mut conn) = self.0.db.get().await {
                let until = self.0.clock.now() + AFTER_FAULT;
                _ = postpone(&mut conn, connector, until).await;
            }
        }
    }

    async fn try_if_due(&self, connector: ConnectorId) -> Result<(), TokenProblem> {
        let now = self.0.clock.now();
        let (forecast, found) = {
            let mut conn = self.0.db.get().await.map_err(Error::from)?;
            let forecast = connectors::review_health(&mut conn, connector, now).await?;
            (forecast, state::state(&mut conn, connector).await?)
        };
        let is_due = forecast.renew_at.is_some_and(|at| at <= now);
        match found.filter(|state| is_due && state.enabled) {
            Some(state) => self.refresh(connector, state.renewal.token_version, Trigger::Due).await,
            None => Ok(()),
        }
    }
}

/// Looks at the connector again only then: a fault of this program would come again at once.
async fn postpone(conn: &mut Conn, connector: ConnectorId, until: DateTime<Utc>) -> Result<(), Error> {
    diesel::update(renewals::table.find(connector)).set(renewals::due_at.eq(until)).execute(conn).await?;
    Ok(())
}
