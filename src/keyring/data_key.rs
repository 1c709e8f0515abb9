//! A new data key: made, put to use once all know it, and the older ones retired.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::store::{insert, load};
use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::db::schema::data_keys;
use crate::vault::MasterKeys;
use crate::web::Error;

/// The data key that is to seal from now on: one that waits to be put to use since an interrupted run, or a new one.
pub async fn begin(conn: &mut Conn, masters: &MasterKeys, now: DateTime<Utc>) -> Result<i32, Error> {
    let stored = load(conn).await?;
    let newest = stored.last().map_or(0, |key| key.id);
    if stored.last().is_some_and(|key| !key.is_active) {
        return Ok(newest);
    }
    insert(conn, masters, newest + 1, now, None).await?;
    Ok(newest + 1)
}

/// Puts a data key to use.
pub async fn activate(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, key: i32) -> Result<(), Error> {
    conn.transaction(async |conn| {
        let waiting = data_keys::table.find(key).filter(data_keys::activated_at.is_null());
        let activated = diesel::update(waiting).set(data_keys::activated_at.eq(now)).execute(conn).await?;
        if activated == 0 {
            return Ok(());
        }
        let event = Event {
            kind: "data_key.activated",
            subject_id: None,
            subject_name: &format!("Data key {key}"),
            changes: Changes::none(),
        };
        audit::record(conn, by, now, event).await
    })
    .await
}

/// Retires the keys before this one, which seal nothing any more, and gives their numbers.
pub async fn retire_older(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, key: i32) -> Result<Vec<i32>, Error> {
    conn.transaction(async |conn| {
        let older = data_keys::table.filter(data_keys::id.lt(key)).filter(data_keys::retired_at.is_null());
        let mut retired: Vec<i32> =
            diesel::update(older).set(data_keys::retired_at.eq(now)).returning(data_keys::id).get_results(conn).await?;
        retired.sort_unstable();
        for id in &retired {
            let event = Event {
                kind: "data_key.retired",
                subject_id: None,
                subject_name: &format!("Data key {id}"),
                changes: Changes::none().field("Followed by", "", format!("Data key {key}")),
            };
            audit::record(conn, by, now, event).await?;
        }
        Ok(retired)
    })
    .await
}
