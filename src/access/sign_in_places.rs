//! From where each person has come in. Somebody who guesses at the same address does not hold them up.
//!
//! Rule: it is in the database, so that a restart and other instances know it as well.

use std::net::{IpAddr, Ipv6Addr};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::db::Conn;
use crate::db::schema::{sign_in_places, users};
use crate::web::Error;

/// A place counts for so long after its person has come in from there last.
const REMEMBERED: TimeDelta = TimeDelta::days(90);

/// The network that an address stands for: whoever has one IPv6 address has all of its /64.
pub fn network(address: &str) -> String {
    match address.parse() {
        Ok(IpAddr::V6(own)) => Ipv6Addr::from_bits(own.to_bits() & !u128::from(u64::MAX)).to_string(),
        _ => address.to_string(),
    }
}

/// Notes that a person has come in, or shown in another way who they are, from an address.
pub async fn note_place(conn: &mut Conn, user: Uuid, address: &str, now: DateTime<Utc>) -> Result<(), Error> {
    diesel::insert_into(sign_in_places::table)
        .values((
            sign_in_places::user_id.eq(user),
            sign_in_places::network.eq(network(address)),
            sign_in_places::last_at.eq(now),
        ))
        .on_conflict((sign_in_places::user_id, sign_in_places::network))
        .do_update()
        .set(sign_in_places::last_at.eq(now))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether the person of this user name has come in from an address within the last 90 days.
pub(super) async fn is_known(
    conn: &mut Conn,
    username: &str,
    address: &str,
    now: DateTime<Utc>,
) -> Result<bool, Error> {
    let known = sign_in_places::table
        .inner_join(users::table)
        .filter(users::username_key.eq(crate::name::key(username)))
        .filter(sign_in_places::network.eq(network(address)))
        .filter(sign_in_places::last_at.gt(now - REMEMBERED));
    Ok(diesel::select(diesel::dsl::exists(known)).get_result(conn).await?)
}

/// Forgets the places from which nobody has come in for long.
pub(super) async fn purge(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let over = sign_in_places::table.filter(sign_in_places::last_at.le(now - REMEMBERED));
    Ok(diesel::delete(over).execute(conn).await?)
}
