//! All SQL of notices.
//!
//! Rule: each step is one set-based statement, and unique constraints make it the same however often and by however
//! many instances it is done.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Interval, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::channels::Set;
use super::model::{Channel, DeliveryRow, Due, EventRow, Target};
use super::reminders;
use super::schedule::{LEASE, NEWS, SETTLING};
use crate::db::Conn;
use crate::db::schema::{connectors, notice_deliveries, notice_events, notice_stops};
use crate::web::Error;

/// The advisory lock under which one instance at a time compares health with events.
const COMPARING: i64 = 0x6e6f_7469_6365_7301;

/// Events that the page shows.
pub(super) const SHOWN: i64 = 100;

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Updates events and messages to the connectors' health at `now`, and with `looks_at_ends` to what ends, unless another
/// instance is doing so.
pub(super) async fn record(conn: &mut Conn, set: &Set, looks_at_ends: bool, now: DateTime<Utc>) -> Result<(), Error> {
    conn.transaction(async |conn| {
        let lock = sql_query("SELECT pg_try_advisory_xact_lock($1) AS locked");
        let lock: Locked = lock.bind::<BigInt, _>(COMPARING).get_result(conn).await?;
        if !lock.locked {
            return Ok(());
        }
        end_events(conn, now).await?;
        begin_events(conn).await?;
        if looks_at_ends {
            reminders::end(conn, now).await?;
            reminders::begin(conn, now).await?;
        }
        drop_ended(conn).await?;
        let targets = Targets::of(set.targets(), stopped(conn, set).await?.is_some());
        add_beginnings(conn, &targets, set.quiet, now).await?;
        add_recoveries(conn, &targets, now).await?;
        delete_old(conn, now - set.kept).await
    })
    .await
}

/// Targets as two columns.
struct Targets {
    channels: Vec<&'static str>,
    recipients: Vec<String>,
}

impl Targets {
    fn of(mut targets: Vec<Target>, webhook_is_stopped: bool) -> Targets {
        targets.retain(|target| target.channel != Channel::Webhook || !webhook_is_stopped);
        let channels = targets.iter().map(|target| target.channel.code()).collect();
        let recipients = targets.into_iter().map(|target| target.recipient).collect();
        Targets { channels, recipients }
    }
}

/// An event ends when the connector gets another health, or the same one again, or is in the trash.
async fn end_events(conn: &mut Conn, now: DateTime<Utc>) -> Result<(), Error> {
    sql_query(
        "UPDATE notice_events e SET ended_at = greatest(e.began_at, CASE WHEN c.deleted_at IS NULL THEN c.status_since ELSE $1 END)
         FROM connectors c
         WHERE c.id = e.connector_id AND e.ended_at IS NULL AND e.reminder IS NULL
           AND (c.status <> e.health OR c.status_since <> e.began_at OR c.deleted_at IS NOT NULL)",
    )
    .bind::<Timestamptz, _>(now)
    .execute(conn)
    .await?;
    Ok(())
}

/// What went wrong is kept as it was at the beginning, so that the message is the same at each attempt.
async fn begin_events(conn: &mut Conn) -> Result<(), Error> {
    sql_query(
        "INSERT INTO notice_events (id, connector_id, health, began_at, expires_at, message, remedy)
         SELECT gen_random_uuid(), c.id, c.status, c.status_since, coalesce(t.refresh_expires_at, t.expires_at),
                CASE WHEN r.failures > 0 THEN r.message
                     WHEN c.status = 'expiring' AND t.refresh_expires_at IS NOT NULL THEN 'Its refresh token ends then, so no new access token can be fetched without a person.'
                     ELSE coalesce(b.message, CASE WHEN c.status IN ('failing', 'refused') THEN v.message END, '') END,
                CASE WHEN r.failures > 0 THEN r.remedy ELSE '' END
         FROM connectors c
         LEFT JOIN tokens t ON t.connector_id = c.id
         LEFT JOIN renewals r ON r.connector_id = c.id
         LEFT JOIN breakers b ON b.connector_id = c.id
         LEFT JOIN evidence v ON v.connector_id = c.id
         WHERE c.status IN ('expiring', 'failing', 'needs_reauthorization', 'refused') AND c.deleted_at IS NULL
           AND NOT EXISTS (SELECT FROM notice_events e WHERE e.connector_id = c.id AND e.health = c.status AND e.began_at = c.status_since)
         ON CONFLICT DO NOTHING",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Messages about events that ended before they were sent are not sent.
async fn drop_ended(conn: &mut Conn) -> Result<(), Error> {
    sql_query(
        "UPDATE notice_deliveries d SET state = 'over' FROM notice_events e
         WHERE e.id = d.event_id AND d.state = 'waiting' AND d.occasion = 'began' AND d.attempts = 0 AND e.ended_at IS NOT NULL",
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a message for each open event and target that has none. A failure that may pass, and a refusal, is reported only
/// after [`SETTLING`], and after a message about a connector none about the same health follows within `quiet`.
async fn add_beginnings(conn: &mut Conn, targets: &Targets, quiet: TimeDelta, now: DateTime<Utc>) -> Result<(), Error> {
    sql_query(
        "INSERT INTO notice_deliveries (id, event_id, occasion, channel, recipient, since, due_at)
         WITH untold AS MATERIALIZED (
            SELECT e.id, e.connector_id, e.health, e.reminder, e.began_at, t.channel, t.recipient
            FROM notice_events e CROSS JOIN unnest($1, $2) AS t (channel, recipient)
            WHERE e.ended_at IS NULL AND NOT EXISTS (
               SELECT FROM notice_deliveries d
               WHERE d.event_id = e.id AND d.occasion = 'began' AND d.channel = t.channel AND d.recipient = t.recipient))
         SELECT gen_random_uuid(), e.id, 'began', e.channel, e.recipient, e.began_at,
                greatest($3, CASE WHEN e.health IN ('failing', 'refused') THEN e.began_at + $4 END, last.at + $5)
         FROM untold e LEFT JOIN LATERAL (
            SELECT max(coalesce(d.sent_at, d.due_at)) AS at
            FROM notice_events before JOIN notice_deliveries d ON d.event_id = before.id
            WHERE before.connector_id = e.connector_id AND before.health = e.health AND before.id <> e.id
              AND e.reminder IS NULL AND before.reminder IS NULL
              AND d.occasion = 'began' AND d.channel = e.channel AND d.recipient = e.recipient AND d.state IN ('sent', 'waiting')
         ) last ON true
         ON CONFLICT DO NOTHING",
    )
    .bind::<Array<Text>, _>(&targets.channels)
    .bind::<Array<Text>, _>(&targets.recipients)
    .bind::<Timestamptz, _>(now)
    .bind::<Interval, _>(SETTLING)
    .bind::<Interval, _>(quiet)
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a message that a connector works again, once, for each target that got the last one about its health.
async fn add_recoveries(conn: &mut Conn, targets: &Targets, now: DateTime<Utc>) -> Result<(), Error> {
    sql_query(
        "INSERT INTO notice_deliveries (id, event_id, occasion, channel, recipient, since, due_at)
         WITH told AS MATERIALIZED (
            SELECT DISTINCT ON (e.connector_id, d.channel, d.recipient) e.id, e.connector_id, d.channel, d.recipient
            FROM notice_events e
            JOIN notice_deliveries d ON d.event_id = e.id AND d.occasion = 'began' AND d.state = 'sent'
            JOIN unnest($1, $2) AS t (channel, recipient) ON t.channel = d.channel AND t.recipient = d.recipient
            WHERE e.ended_at > $4 AND e.reminder IS NULL
            ORDER BY e.connector_id, d.channel, d.recipient, e.began_at DESC)
         SELECT gen_random_uuid(), t.id, 'ended', t.channel, t.recipient, c.status_since, $3
         FROM told t JOIN connectors c ON c.id = t.connector_id AND c.status = 'healthy' AND c.deleted_at IS NULL
         WHERE NOT EXISTS (
            SELECT FROM notice_deliveries d
            WHERE d.event_id = t.id AND d.occasion = 'ended' AND d.channel = t.channel AND d.recipient = t.recipient)
         ON CONFLICT DO NOTHING",
    )
    .bind::<Array<Text>, _>(&targets.channels)
    .bind::<Array<Text>, _>(&targets.recipients)
    .bind::<Timestamptz, _>(now)
    .bind::<Timestamptz, _>(now - NEWS)
    .execute(conn)
    .await?;
    Ok(())
}

async fn delete_old(conn: &mut Conn, ended_before: DateTime<Utc>) -> Result<(), Error> {
    let old = notice_events::table.filter(notice_events::ended_at.lt(ended_before));
    diesel::delete(old).execute(conn).await?;
    Ok(())
}

/// When the webhook's current receiver answered 410 Gone, if it did.
pub(super) async fn stopped(conn: &mut Conn, set: &Set) -> Result<Option<DateTime<Utc>>, Error> {
    let Some(webhook) = &set.webhook else {
        return Ok(None);
    };
    let stop = notice_stops::table.find(Channel::Webhook.code()).filter(notice_stops::receiver.eq(webhook.receiver()));
    Ok(stop.select(notice_stops::stopped_at).first(conn).await.optional()?)
}

/// Gives up all waiting messages to a receiver that answered 410 Gone; no more are added until another one is set.
pub(super) async fn stop(
    conn: &mut Conn,
    receiver: Vec<u8>,
    problem: &str,
    now: DateTime<Utc>,
) -> Result<usize, Error> {
    let channel = Channel::Webhook.code();
    conn.transaction(async |conn| {
        let values = (notice_stops::receiver.eq(receiver), notice_stops::stopped_at.eq(now));
        diesel::insert_into(notice_stops::table)
            .values((notice_stops::channel.eq(channel), values.clone()))
            .on_conflict(notice_stops::channel)
            .do_update()
            .set(values)
            .execute(conn)
            .await?;
        let waiting = notice_deliveries::table
            .filter(notice_deliveries::channel.eq(channel))
            .filter(notice_deliveries::state.eq("waiting"));
        Ok(diesel::update(waiting)
            .set((
                notice_deliveries::state.eq("given_up"),
                notice_deliveries::problem.eq(problem),
                notice_deliveries::lease_id.eq(None::<Uuid>),
            ))
            .execute(conn)
            .await?)
    })
    .await
}

/// The webhook's receiver takes messages again.
pub(super) async fn resume(conn: &mut Conn) -> Result<(), Error> {
    diesel::delete(notice_stops::table.find(Channel::Webhook.code())).execute(conn).await?;
    Ok(())
}

/// Leases the next message of a channel that is due. A row that another instance is leasing is skipped.
pub(super) async fn lease(
    conn: &mut Conn,
    channel: Channel,
    targets: &[Target],
    lease: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Due>, Error> {
    let of_channel = targets.iter().filter(|target| target.channel == channel);
    let recipients: Vec<&str> = of_channel.map(|target| target.recipient.as_str()).collect();
    Ok(sql_query(
        "UPDATE notice_deliveries d SET lease_id = $1, lease_until = $2, attempts = d.attempts + 1
         FROM notice_events e LEFT JOIN connectors c ON c.id = e.connector_id
         WHERE e.id = d.event_id AND d.id = (
            SELECT id FROM notice_deliveries
            WHERE state = 'waiting' AND channel = $3 AND recipient = ANY($4) AND due_at <= $5
              AND (lease_until IS NULL OR lease_until <= $5)
            ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING d.id, d.event_id, d.occasion, d.recipient, d.since, d.attempts, e.health, e.began_at, e.expires_at, e.message,
                   e.remedy, e.reminder, e.days, c.id AS connector_id, coalesce(c.key, '') AS key, coalesce(c.label, e.title) AS label,
                   coalesce(c.contact, '') AS contact,
                   coalesce((SELECT name FROM users WHERE id = c.owner_user_id), (SELECT 'group ' || name FROM groups WHERE id = c.owner_group_id), '') AS owner",
    )
    .bind::<SqlUuid, _>(lease)
    .bind::<Timestamptz, _>(now + LEASE)
    .bind::<Text, _>(channel.code())
    .bind::<Array<Text>, _>(recipients)
    .bind::<Timestamptz, _>(now)
    .get_result(conn)
    .await
    .optional()?)
}

/// The result of an attempt.
pub(super) enum Settled {
    Sent,
    /// To be tried again at that time.
    Failed(String, DateTime<Utc>),
    GivenUp(String),
}

/// Marks a leased message. False if the lease has expired and another instance has leased the message.
pub(super) async fn settle(
    conn: &mut Conn,
    (id, lease): (Uuid, Uuid),
    settled: &Settled,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    use notice_deliveries as d;
    let leased = d::table.find(id).filter(d::lease_id.eq(lease));
    let (state, sent_at, problem, due_at) = match settled {
        Settled::Sent => ("sent", Some(now), "", now),
        Settled::Failed(problem, next) => ("waiting", None, problem.as_str(), *next),
        Settled::GivenUp(problem) => ("given_up", None, problem.as_str(), now),
    };
    let changed = diesel::update(leased)
        .set((
            d::state.eq(state),
            d::sent_at.eq(sent_at),
            d::problem.eq(problem),
            d::due_at.eq(due_at),
            d::lease_id.eq(None::<Uuid>),
            d::lease_until.eq(None::<DateTime<Utc>>),
        ))
        .execute(conn)
        .await?;
    Ok(changed > 0)
}

/// The newest events, and their messages in the order in which they were made.
pub(super) async fn recent(conn: &mut Conn) -> Result<(Vec<EventRow>, Vec<DeliveryRow>), Error> {
    let events: Vec<EventRow> = notice_events::table
        .left_join(connectors::table)
        .order((notice_events::began_at.desc(), notice_events::id.desc()))
        .limit(SHOWN)
        .select(EventRow::as_select())
        .load(conn)
        .await?;
    use notice_deliveries as d;
    let ids: Vec<Uuid> = events.iter().map(|event| event.id).collect();
    let deliveries = d::table
        .filter(d::event_id.eq_any(ids))
        .order((d::occasion, d::channel, d::recipient))
        .select(DeliveryRow::as_select())
        .load(conn)
        .await?;
    Ok((events, deliveries))
}
