//! All SQL of checks.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{delete, sql_query};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::model::{CheckRow, Run, Schedule};
use crate::access::{Actor, Right, admission_sql};
use crate::audit::{Change, Changes, transaction};
use crate::authorization::TestResult;
use crate::connectors::{Connector, ConnectorId};
use crate::db::Conn;
use crate::db::schema::{check_runs, check_schedules, checks};
use crate::web::Error;

/// How many checks of a connector, runs, and checks of a run a page shows.
const SHOWN: i64 = 100;
const RUNS_SHOWN: i64 = 50;
const RESULTS_SHOWN: i64 = 500;

/// How long checks are kept.
const KEPT: TimeDelta = TimeDelta::days(30);

/// Requests the checks that are due. The next time is an interval later, 5 % sooner or later, so
/// that connectors which were scheduled together do not stay together.
pub async fn request_due(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), Error> {
    let sql = "WITH due AS (
            SELECT connector_id FROM check_schedules WHERE next_at <= $1 ORDER BY next_at LIMIT 500 FOR UPDATE SKIP LOCKED
        ), moved AS (
            UPDATE check_schedules s SET next_at = $1 + CASE schedule WHEN 'hourly' THEN interval '1 hour' ELSE interval '1 day' END * (0.95 + 0.1 * random())
            FROM due WHERE s.connector_id = due.connector_id RETURNING s.connector_id
        )
        INSERT INTO checks (id, connector_id, requested_at)
        SELECT gen_random_uuid(), c.id, $1 FROM moved JOIN connectors c ON c.id = moved.connector_id
        WHERE c.enabled AND c.deleted_at IS NULL
          AND NOT EXISTS (SELECT FROM checks waiting WHERE waiting.connector_id = c.id AND waiting.finished_at IS NULL)";
    sql_query(sql).bind::<Timestamptz, _>(now).execute(conn).await?;
    Ok(())
}

/// Deletes old checks and runs.
pub async fn purge(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), Error> {
    delete(checks::table.filter(checks::finished_at.lt(now - KEPT))).execute(conn).await?;
    let ended = check_runs::table.filter(check_runs::started_at.lt(now - KEPT));
    delete(ended).execute(conn).await?;
    Ok(())
}

/// A check that this instance has to do.
#[derive(QueryableByName)]
pub struct Leased {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    /// Of the connector.
    #[diesel(sql_type = Text)]
    pub key: String,
}

/// The next check that waits, or that an instance has begun and not finished in time.
pub async fn lease(conn: &mut Conn, now: DateTime<Utc>, until: DateTime<Utc>) -> Result<Option<Leased>, Error> {
    let sql = "UPDATE checks SET leased_until = $2 FROM connectors
        WHERE connectors.id = connector_id AND checks.id = (
            SELECT id FROM checks WHERE finished_at IS NULL AND (leased_until IS NULL OR leased_until <= $1)
            ORDER BY requested_at, id LIMIT 1 FOR UPDATE SKIP LOCKED)
        RETURNING checks.id, connectors.key";
    let lease = sql_query(sql).bind::<Timestamptz, _>(now).bind::<Timestamptz, _>(until);
    Ok(lease.get_result(conn).await.optional()?)
}

/// Stores what a check has found; `time` is how long it took.
pub async fn finish(
    conn: &mut Conn,
    id: Uuid,
    (result, time): (&TestResult, Duration),
    now: DateTime<Utc>,
) -> Result<(), Error> {
    diesel::update(checks::table.find(id).filter(checks::finished_at.is_null()))
        .set((
            checks::finished_at.eq(now),
            checks::outcome.eq(result.outcome),
            checks::message.eq(&result.message),
            checks::remedy.eq(&result.remedy),
            checks::duration_ms.eq(i32::try_from(time.as_millis()).unwrap_or(i32::MAX)),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The condition on rows of `connectors` that are enabled and that the person may authorize.
fn may_check(by: &Actor) -> String {
    let right = Right::Authorize.code();
    let admits = admission_sql(by, "connectors", &format!("'{}'", by.id.unwrap_or_default()));
    format!(
        "connectors.deleted_at IS NULL AND connectors.enabled AND NOT connectors.is_collection{} AND '{right}' = ANY ({admits})",
        by.visibility.and("connectors")
    )
}

/// How many connectors the person can check.
pub async fn count(conn: &mut Conn, by: &Actor) -> Result<i64, Error> {
    let sql = format!("SELECT count(*) AS number FROM connectors WHERE {}", may_check(by));
    Ok(sql_query(sql).get_result::<Number>(conn).await?.number)
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// Requests checks of one connector or of all, as far as the person may authorize them and they are enabled. Gives the id
/// of the run; without any connector there is none.
pub async fn start(change: &mut Change<'_>, of: Option<ConnectorId>) -> Result<Option<Uuid>, Error> {
    transaction(change, async |change| {
        let run = Uuid::now_v7();
        let sql = format!(
            "WITH chosen AS (
                SELECT id FROM connectors WHERE ($4 IS NULL OR connectors.id = $4) AND {}
            ), run AS (
                INSERT INTO check_runs (id, started_at, started_by, connectors)
                SELECT $1, $2, $3, count(*) FROM chosen HAVING count(*) > 0
            )
            INSERT INTO checks (id, connector_id, run_id, requested_at) SELECT gen_random_uuid(), id, $1, $2 FROM chosen",
            may_check(change.by)
        );
        let insert = sql_query(sql)
            .bind::<SqlUuid, _>(run)
            .bind::<Timestamptz, _>(change.now)
            .bind::<Text, _>(change.by.attribution())
            .bind::<Nullable<SqlUuid>, _>(of);
        let number = insert.execute(change.conn).await?;
        if number == 0 {
            return Ok(None);
        }
        let changes = Changes::none().field("Data connectors", "", number.to_string());
        change.record("checks.started", run, "Checks", changes).await?;
        Ok(Some(run))
    })
    .await
}

/// Takes the checks out of a run that have not begun.
pub async fn cancel(change: &mut Change<'_>, run: &Run) -> Result<(), Error> {
    transaction(change, async |change| {
        let waiting = checks::run_id.eq(run.id).and(checks::finished_at.is_null()).and(checks::leased_until.is_null());
        let cancelled = delete(checks::table.filter(waiting)).execute(change.conn).await?;
        if cancelled == 0 {
            return Ok(());
        }
        diesel::update(check_runs::table.find(run.id))
            .set((check_runs::cancelled_at.eq(change.now), check_runs::cancelled_by.eq(change.by.attribution())))
            .execute(change.conn)
            .await?;
        let changes = Changes::none().field("Data connectors", "", cancelled.to_string());
        change.record("checks.cancelled", run.id, "Checks", changes).await
    })
    .await
}

/// Sets how often a connector is checked. The first check comes at some time within the first interval.
pub async fn schedule(change: &mut Change<'_>, connector: &Connector, schedule: Schedule) -> Result<(), Error> {
    transaction(change, async |change| {
        let before = schedule_of(change.conn, connector.id).await?;
        if before == schedule {
            return Ok(());
        }
        if schedule == Schedule::Off {
            delete(check_schedules::table.find(connector.id)).execute(change.conn).await?;
        } else {
            let sql = "INSERT INTO check_schedules (connector_id, schedule, next_at)
                VALUES ($1, $2, $3 + CASE $2 WHEN 'hourly' THEN interval '1 hour' ELSE interval '1 day' END * random())
                ON CONFLICT (connector_id) DO UPDATE SET schedule = excluded.schedule, next_at = excluded.next_at";
            sql_query(sql)
                .bind::<SqlUuid, _>(connector.id)
                .bind::<Text, _>(schedule.code())
                .bind::<Timestamptz, _>(change.now)
                .execute(change.conn)
                .await?;
        }
        let changes = Changes::none().field("Check by itself", before.label(), schedule.label());
        change.record("connector.checks_scheduled", connector.id, &connector.name, changes).await
    })
    .await
}

pub async fn schedule_of(conn: &mut Conn, connector: ConnectorId) -> Result<Schedule, Error> {
    let schedule = check_schedules::table.find(connector).select(check_schedules::schedule);
    Ok(schedule.first(conn).await.optional()?.unwrap_or(Schedule::Off))
}

const ROWS: &str = "SELECT connectors.key, connectors.label, checks.requested_at, check_runs.started_by, checks.leased_until,
        checks.finished_at, checks.outcome, checks.message, checks.remedy, checks.duration_ms
    FROM checks JOIN connectors ON connectors.id = checks.connector_id LEFT JOIN check_runs ON check_runs.id = checks.run_id";

/// The checks of a connector, newest first.
pub async fn of_connector(conn: &mut Conn, connector: ConnectorId) -> Result<Vec<CheckRow>, Error> {
    let sql =
        format!("{ROWS} WHERE checks.connector_id = $1 ORDER BY checks.requested_at DESC, checks.id LIMIT {SHOWN}");
    Ok(sql_query(sql).bind::<SqlUuid, _>(connector).load(conn).await?)
}

/// The checks of a run of connectors that the person sees: problems first, then what waits.
pub async fn of_run(conn: &mut Conn, by: &Actor, run: Uuid) -> Result<Vec<CheckRow>, Error> {
    let sql = format!(
        "{ROWS} WHERE checks.run_id = $1 AND connectors.deleted_at IS NULL{}
        ORDER BY array_position(ARRAY['failed', 'warning', NULL, 'skipped', 'works'], checks.outcome), connectors.label, checks.id
        LIMIT {RESULTS_SHOWN}",
        by.visibility.and("connectors")
    );
    Ok(sql_query(sql).bind::<SqlUuid, _>(run).load(conn).await?)
}

const RUNS: &str = "SELECT r.*, coalesce(n.finished, 0) AS finished, coalesce(n.failed, 0) AS failed, coalesce(n.open, 0) AS open
    FROM check_runs r LEFT JOIN LATERAL (
        SELECT count(finished_at) AS finished, count(*) FILTER (WHERE outcome = 'failed') AS failed, count(*) FILTER (WHERE finished_at IS NULL) AS open
        FROM checks WHERE run_id = r.id) n ON true";

/// The runs, newest first.
pub async fn runs(conn: &mut Conn) -> Result<Vec<Run>, Error> {
    Ok(sql_query(format!("{RUNS} ORDER BY r.started_at DESC, r.id LIMIT {RUNS_SHOWN}")).load(conn).await?)
}

pub async fn run(conn: &mut Conn, id: Uuid) -> Result<Run, Error> {
    Ok(sql_query(format!("{RUNS} WHERE r.id = $1")).bind::<SqlUuid, _>(id).get_result(conn).await?)
}

/// How many connectors that the person sees have each schedule.
pub async fn scheduled(conn: &mut Conn, by: &Actor) -> Result<Vec<(Schedule, i64)>, Error> {
    let sql = format!(
        "SELECT schedule, count(*) AS number FROM check_schedules JOIN connectors ON connectors.id = connector_id
        WHERE connectors.deleted_at IS NULL{} GROUP BY schedule ORDER BY schedule DESC",
        by.visibility.and("connectors")
    );
    let rows: Vec<Scheduled> = sql_query(sql).load(conn).await?;
    Ok(rows.into_iter().map(|row| (row.schedule, row.number)).collect())
}

#[derive(QueryableByName)]
struct Scheduled {
    #[diesel(sql_type = Text)]
    schedule: Schedule,
    #[diesel(sql_type = BigInt)]
    number: i64,
}
