//! A change and its audit entry, in one transaction.
//!
//! Rule: every query that changes what people see takes a [`Change`] in place of a connection, an actor and a time, and
//! records what it did before it returns.

use chrono::{DateTime, Utc};
use diesel::result::Error as DbError;
use diesel_async::{AsyncConnection, TransactionManager};
use uuid::Uuid;

use super::{Changes, queries};
use crate::access::{Actor, RequestContext};
use crate::db::Conn;
use crate::web::Error;

/// What a change is made with: a connection, who makes it, and when.
pub struct Change<'a> {
    pub conn: &'a mut Conn,
    pub by: &'a Actor,
    pub now: DateTime<Utc>,
}

impl<'a> Change<'a> {
    /// A change that the person of a request makes.
    pub fn new(conn: &'a mut Conn, context: &'a RequestContext) -> Change<'a> {
        Change { conn, by: &context.actor, now: context.now() }
    }

    /// Writes the audit entry. `kind` is the object and what happened to it, such as `connector.saved`.
    pub async fn record(
        &self,
        kind: &'static str,
        id: impl Into<Option<Uuid>>,
        name: &str,
        changes: Changes,
    ) -> Result<(), Error> {
        queries::insert(self, kind, (id.into(), name), changes).await
    }
}

/// Runs `work` in a transaction, which an error rolls back. Inside another transaction it is a savepoint. A form that is
/// only shown again ([`crate::web::Draft`]) changes nothing.
pub async fn transaction<'a, R, E, W>(change: &mut Change<'a>, work: W) -> Result<R, E>
where
    W: AsyncFnOnce(&mut Change<'a>) -> Result<R, E>,
    E: From<DbError>,
{
    if change.by.shows_draft {
        return Err(DbError::RollbackTransaction.into());
    }
    Manager::begin_transaction(change.conn).await?;
    match work(change).await {
        Ok(value) => {
            Manager::commit_transaction(change.conn).await?;
            Ok(value)
        }
        Err(error) => match Manager::rollback_transaction(change.conn).await {
            // A transaction that is broken has its reason in the first error.
            Ok(()) | Err(DbError::BrokenTransactionManager) => Err(error),
            Err(rollback) => Err(rollback.into()),
        },
    }
}

/// The columns that every change of a row sets: its next version, and when and by whom it was changed.
macro_rules! next_version {
    ($table:ident, $change:expr) => {
        (
            $table::version.eq($table::version + 1),
            $table::updated_at.eq($change.now),
            $table::updated_by.eq($change.by.attribution()),
        )
    };
}
pub(crate) use next_version;

/// The columns that every new row has: when and by whom it was created, which was its last change, too.
macro_rules! first_version {
    ($table:ident, $change:expr) => {
        (
            $table::created_at.eq($change.now),
            $table::created_by.eq($change.by.attribution()),
            $table::updated_at.eq($change.now),
            $table::updated_by.eq($change.by.attribution()),
        )
    };
}
pub(crate) use first_version;

type Manager = <Conn as AsyncConnection>::TransactionManager;
