//! Groups that a claim fills.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::Account;
use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::db::schema::{group_users, groups};
use crate::web::Error;

/// A group that somebody came into or fell out of by a claim.
#[derive(Queryable)]
struct Touched {
    id: Uuid,
    name: String,
    claim_value: String,
}

/// Brings the memberships that come by claim to what the provider says now. Those made by hand stay as they are,
/// whatever it says.
pub(in crate::openid) async fn renew_memberships(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    account: &Account,
    values: &[String],
) -> Result<(), Error> {
    let wanted: Vec<Uuid> = groups::table
        .filter(groups::claim_value.ne(""))
        .filter(groups::claim_value.eq_any(values))
        .select(groups::id)
        .load(conn)
        .await?;
    let gone: Vec<Uuid> = diesel::delete(
        group_users::table
            .filter(group_users::user_id.eq(account.id))
            .filter(group_users::by_claim)
            .filter(group_users::group_id.ne_all(&wanted)),
    )
    .returning(group_users::group_id)
    .get_results(conn)
    .await?;
    let rows: Vec<_> = wanted
        .iter()
        .map(|group| {
            (group_users::group_id.eq(group), group_users::user_id.eq(account.id), group_users::by_claim.eq(true))
        })
        .collect();
    let come: Vec<Uuid> = diesel::insert_into(group_users::table)
        .values(rows)
        .on_conflict_do_nothing()
        .returning(group_users::group_id)
        .get_results(conn)
        .await?;
    let member = format!("{} ({})", account.name, account.username);
    for group in named(conn, &gone).await? {
        let changes = Changes::none().field("Members", &member, "").field("By claim", &group.claim_value, "");
        record(conn, by, now, &group, ("group.member_removed", changes)).await?;
    }
    for group in named(conn, &come).await? {
        let changes = Changes::none().field("Members", "", &member).field("By claim", "", &group.claim_value);
        record(conn, by, now, &group, ("group.member_added", changes)).await?;
    }
    Ok(())
}

async fn named(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<Touched>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    Ok(groups::table
        .filter(groups::id.eq_any(ids))
        .order(groups::name)
        .select((groups::id, groups::name, groups::claim_value))
        .load(conn)
        .await?)
}

async fn record(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    group: &Touched,
    (kind, changes): (&'static str, Changes),
) -> Result<(), Error> {
    let event = Event { kind, subject_id: Some(group.id), subject_name: &group.name, changes };
    audit::record(conn, by, now, event).await
}
