//! Groups to choose from, and the groups of one user: joining and leaving several at once.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::model::Member;
use super::members::{Added, add, remove};
use crate::access::Actor;
use crate::db::Conn;
use crate::db::schema::groups;
use crate::people::search::patterns;
use crate::people::users;
use crate::web::Error;

/// A group that can be chosen.
#[derive(QueryableByName, Clone)]
pub(in crate::people) struct GroupChoice {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The user is in it by a claim of the provider.
    #[diesel(sql_type = Bool)]
    pub by_claim: bool,
}

/// The first `most` groups by name.
pub(in crate::people) async fn all(conn: &mut Conn, most: i64) -> Result<Vec<GroupChoice>, Error> {
    let sql = "SELECT id, name, false AS by_claim FROM groups ORDER BY name COLLATE \"und-x-icu\", id LIMIT $1";
    Ok(diesel::sql_query(sql).bind::<BigInt, _>(most).load(conn).await?)
}

/// The group of this id, if there is one.
pub(in crate::people) async fn one(conn: &mut Conn, id: Uuid) -> Result<Option<GroupChoice>, Error> {
    let sql = "SELECT id, name, false AS by_claim FROM groups WHERE id = $1";
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(id).get_result(conn).await.optional()?)
}

/// The first `most` groups by name that the user is not in directly and whose names fit the search.
pub(in crate::people) async fn joinable(
    conn: &mut Conn,
    user: Uuid,
    search: &str,
    most: i64,
) -> Result<Vec<GroupChoice>, Error> {
    let sql = "SELECT id, name, false AS by_claim FROM groups g
        WHERE search_text LIKE ALL ($2) AND NOT EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = g.id AND m.user_id = $1)
        ORDER BY name COLLATE \"und-x-icu\", id LIMIT $3";
    Ok(diesel::sql_query(sql)
        .bind::<SqlUuid, _>(user)
        .bind::<Array<Text>, _>(patterns(search))
        .bind::<BigInt, _>(most)
        .load(conn)
        .await?)
}

/// The groups that the user is in directly, by name.
pub(in crate::people) async fn joined(conn: &mut Conn, user: Uuid) -> Result<Vec<GroupChoice>, Error> {
    let sql = "SELECT g.id, g.name, m.by_claim FROM group_users m JOIN groups g ON g.id = m.group_id
        WHERE m.user_id = $1 ORDER BY g.name COLLATE \"und-x-icu\", g.id";
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(user).load(conn).await?)
}

/// Puts a user into all of `chosen` that there are and that the user is not in yet, and gives how many these are.
pub(in crate::people) async fn join(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    user: Uuid,
    chosen: &[Uuid],
) -> Result<usize, Error> {
    conn.transaction(async |conn| {
        let mut number = 0;
        for group in locked(conn, by, user, chosen).await? {
            if let Added::Number(added) = add(conn, by, now, group, &[Member::User(user)]).await? {
                number += added;
            }
        }
        Ok(number)
    })
    .await
}

/// Takes a user out of those of `chosen` that the user is in, and gives how many these are.
pub(in crate::people) async fn leave(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    user: Uuid,
    chosen: &[Uuid],
) -> Result<usize, Error> {
    conn.transaction(async |conn| {
        let mut number = 0;
        for group in locked(conn, by, user, chosen).await? {
            number += remove(conn, by, now, group, &[Member::User(user)]).await?;
        }
        Ok(number)
    })
    .await
}

/// Those of `chosen` that there are, in an order in which no two people wait for each other; they and the user stay
/// until the transaction ends. Refuses whoever may not change the user.
async fn locked(conn: &mut Conn, by: &Actor, user: Uuid, chosen: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    users::guard(by, &users::lock(conn, user).await?)?;
    Ok(groups::table
        .filter(groups::id.eq_any(chosen))
        .order(groups::id)
        .select(groups::id)
        .for_key_share()
        .load(conn)
        .await?)
}
