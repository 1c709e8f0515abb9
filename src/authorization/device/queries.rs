//! The requests that wait for a person on another device.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use crate::connectors::ConnectorId;
use crate::db::schema::device_requests as requests;
use crate::db::{Conn, in_row, text_enum};
use crate::oauth::{DeviceCodes, DeviceTexts, TokenError};
use crate::vault::{AssociatedData, Vault};
use crate::web::Error;

/// How many requests one look takes.
const AT_ONCE: i64 = 16;

/// While an instance asks for a token, no other one does; after this time it is taken to have died.
const CLAIM: TimeDelta = TimeDelta::minutes(2);

/// How long a request is remembered after its end, so that the page can say what came of it.
const REMEMBERED: TimeDelta = TimeDelta::days(1);

text_enum! {
    /// How a request stands.
    pub(in crate::authorization) enum DeviceState {
        Waiting = "waiting", "Waiting for you";
        Authorized = "authorized", "Authorized";
        Denied = "denied", "Access was denied";
        Expired = "expired", "The code has ended";
        Failed = "failed", "No access token";
    }
}

/// A request, whose codes are sealed.
#[derive(Queryable, Selectable)]
#[diesel(table_name = requests)]
pub(in crate::authorization) struct DeviceRequest {
    pub connector_id: Uuid,
    /// Each press of Authorize has its own.
    pub attempt: Uuid,
    pub user_id: Uuid,
    pub authorization_version: i32,
    sealed: Vec<u8>,
    pub state: DeviceState,
    pub message: String,
    pub server_words: String,
    pub remedy: String,
    pub interval_seconds: i32,
    pub expires_at: DateTime<Utc>,
}

impl DeviceRequest {
    /// The codes of a request that waits.
    pub fn texts(&self, vault: &Vault) -> Result<DeviceTexts, Error> {
        let opened = vault.open(associated_data(self.connector_id), &self.sealed).map_err(Error::internal)?;
        DeviceTexts::read(&opened).map_err(Error::internal)
    }
}

fn associated_data(connector: ConnectorId) -> AssociatedData<'static> {
    AssociatedData { table: "device_requests", row: connector, column: "sealed", bound_to: None }
}

pub(in crate::authorization) async fn find(
    conn: &mut Conn,
    connector: ConnectorId,
) -> Result<Option<DeviceRequest>, Error> {
    let row = requests::table.find(connector).select(DeviceRequest::as_select()).first(conn).await;
    Ok(in_row(&["device_requests"], connector, row).optional()?)
}

/// Stores a request in place of the one before.
pub(in crate::authorization) async fn store(
    conn: &mut Conn,
    vault: &Vault,
    now: DateTime<Utc>,
    (connector, version, user): (ConnectorId, i32, Uuid),
    codes: &DeviceCodes,
) -> Result<(), Error> {
    let texts = codes.texts.sealable().map_err(Error::internal)?;
    let values = (
        requests::attempt.eq(Uuid::now_v7()),
        requests::user_id.eq(user),
        requests::authorization_version.eq(version),
        requests::sealed.eq(vault.seal(associated_data(connector), &texts).map_err(Error::internal)?),
        requests::state.eq(DeviceState::Waiting),
        (requests::message.eq(""), requests::server_words.eq(""), requests::remedy.eq("")),
        requests::interval_seconds.eq(seconds(codes.interval)),
        requests::next_poll_at.eq(now + codes.interval),
        requests::created_at.eq(now),
        requests::expires_at.eq(now + codes.lifetime),
    );
    diesel::insert_into(requests::table)
        .values((requests::connector_id.eq(connector), values.clone()))
        .on_conflict(requests::connector_id)
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}

fn seconds(time: TimeDelta) -> i32 {
    i32::try_from(time.num_seconds()).unwrap_or(i32::MAX)
}

/// Takes the requests that are due, so that no other instance asks for their tokens meanwhile.
pub(in crate::authorization) async fn claim_due(
    conn: &mut Conn,
    now: DateTime<Utc>,
) -> Result<Vec<DeviceRequest>, Error> {
    conn.transaction(async |conn| {
        let due: Vec<DeviceRequest> = requests::table
            .filter(requests::state.eq(DeviceState::Waiting))
            .filter(requests::next_poll_at.le(now))
            .order(requests::next_poll_at)
            .limit(AT_ONCE)
            .select(DeviceRequest::as_select())
            .for_update()
            .skip_locked()
            .load(conn)
            .await?;
        let ids: Vec<Uuid> = due.iter().map(|request| request.connector_id).collect();
        let claimed = diesel::update(requests::table.filter(requests::connector_id.eq_any(ids)));
        claimed.set(requests::next_poll_at.eq(now + CLAIM)).execute(conn).await?;
        Ok(due)
    })
    .await
}

/// Asks again after this pause. `why`: how the last request failed, for a reason that may pass.
pub(in crate::authorization) async fn wait(
    conn: &mut Conn,
    now: DateTime<Utc>,
    request: &DeviceRequest,
    pause: TimeDelta,
    why: Option<TokenError>,
) -> Result<(), Error> {
    let message = why.map(|why| why.message).unwrap_or_default();
    let waiting = requests::table.find(request.connector_id).filter(requests::state.eq(DeviceState::Waiting));
    diesel::update(waiting.filter(requests::attempt.eq(request.attempt)))
        .set((
            requests::interval_seconds.eq(seconds(pause)),
            requests::next_poll_at.eq(now + pause),
            requests::message.eq(message),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends a request, and forgets its codes; false if it is no longer the one that waits.
pub(in crate::authorization) async fn finish(
    conn: &mut Conn,
    request: &DeviceRequest,
    state: DeviceState,
    why: Option<TokenError>,
) -> Result<bool, Error> {
    let words = why.map(|why| (why.message, why.server_words.unwrap_or_default(), why.remedy));
    let (message, server_words, remedy) = words.unwrap_or_default();
    let waiting = requests::table.find(request.connector_id).filter(requests::state.eq(DeviceState::Waiting));
    let finished = diesel::update(waiting.filter(requests::attempt.eq(request.attempt)))
        .set((
            requests::state.eq(state),
            requests::sealed.eq(Vec::<u8>::new()),
            requests::message.eq(message),
            requests::server_words.eq(server_words),
            requests::remedy.eq(remedy),
        ))
        .execute(conn)
        .await?;
    Ok(finished == 1)
}

/// Forgets the request of a connector; false if there is none that waits.
pub(in crate::authorization) async fn cancel(conn: &mut Conn, connector: ConnectorId) -> Result<bool, Error> {
    let waiting = requests::table.find(connector).filter(requests::state.eq(DeviceState::Waiting));
    Ok(diesel::delete(waiting).execute(conn).await? == 1)
}

/// Deletes the requests whose outcome is not asked for any more.
pub async fn purge_device_requests(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let old = requests::table.filter(requests::expires_at.le(now - REMEMBERED));
    Ok(diesel::delete(old).execute(conn).await?)
}
