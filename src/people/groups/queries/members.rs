//! Who is in a group, who could be, and changing it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DbError};
use diesel::sql_types::{Array, BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::super::model::{Member, MemberRow};
use super::{lock, save::record};
use crate::access::Actor;
use crate::audit::Changes;
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::{group_groups, group_users, groups};
use crate::people::candidates::{among_chosen, first_fitting};
use crate::people::search::patterns;
use crate::web::{Error, ListQuery, Pages};

/// The members of group $1 whose names fit $2.
const MEMBERS: &str = "SELECT 'user' AS kind, u.id, u.name, u.username, u.active, m.by_claim FROM group_users m JOIN users u ON u.id = m.user_id
        WHERE m.group_id = $1 AND u.search_text LIKE ALL ($2)
    UNION ALL
    SELECT 'group', g.id, g.name, '', true, false FROM group_groups m JOIN groups g ON g.id = m.member_group_id
        WHERE m.group_id = $1 AND g.search_text LIKE ALL ($2)";

/// Everybody who is not in group $1 and whose name fits $2.
const OTHERS: &str = "SELECT 'user' AS kind, u.id, u.name, u.username, u.active, false AS by_claim FROM users u
        WHERE u.search_text LIKE ALL ($2) AND NOT EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = $1 AND m.user_id = u.id)
    UNION ALL
    SELECT 'group', g.id, g.name, '', true, false FROM groups g
        WHERE g.search_text LIKE ALL ($2) AND g.id <> $1 AND NOT EXISTS (SELECT 1 FROM group_groups m WHERE m.group_id = $1 AND m.member_group_id = g.id)";

/// One page of a group's members.
pub(in super::super) async fn members(
    conn: &Conn,
    group: Uuid,
    query: &ListQuery<MemberRow>,
) -> Result<(Vec<MemberRow>, Pages), Error> {
    let binds = [Bind::Id(Some(group)), Bind::Texts(patterns(&query.search))];
    query.fetch(conn, Select { with: "", rows: MEMBERS, binds: &binds }).await
}

/// The first `most` who could be added and whose names fit the search, groups before users.
pub(in super::super) async fn candidates(
    conn: &mut Conn,
    group: Uuid,
    search: &str,
    most: i64,
) -> Result<Vec<MemberRow>, Error> {
    first_fitting(conn, OTHERS, group, (search, most)).await
}

/// Those of `chosen` that are in the group.
pub(in super::super) async fn among(conn: &mut Conn, group: Uuid, chosen: &[Member]) -> Result<Vec<MemberRow>, Error> {
    among_chosen(conn, MEMBERS, group, chosen).await
}

/// What came of adding members.
pub(in super::super) enum Added {
    Number(usize),
    /// Nobody was added: this group would be in itself.
    Circle(MemberRow),
}

/// Why a transaction that adds members ends early.
enum Stop {
    Circle(MemberRow),
    Fault(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Stop {
        Stop::Fault(error)
    }
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Stop {
        Stop::Fault(error.into())
    }
}

/// Puts all of `chosen` who are not in it yet into a group, or nobody.
pub(in super::super) async fn add(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    group: Uuid,
    chosen: &[Member],
) -> Result<Added, Error> {
    let added = conn
        .transaction(async |conn| {
            let others = among_chosen(conn, OTHERS, group, chosen).await?;
            let number = others.len();
            for row in others {
                if let Err(error) = insert(conn, group, &row).await {
                    return Err(match circle(&error) {
                        true => Stop::Circle(row),
                        false => error.into(),
                    });
                }
                let change = Changes::none().field("Members", "", row.full_name());
                changed(conn, by, now, group, ("group.member_added", change)).await?;
            }
            touch(conn, by, now, group, number).await?;
            Ok(number)
        })
        .await;
    match added {
        Ok(number) => Ok(Added::Number(number)),
        Err(Stop::Circle(row)) => Ok(Added::Circle(row)),
        Err(Stop::Fault(fault)) => Err(fault),
    }
}

async fn insert(conn: &mut Conn, group: Uuid, row: &MemberRow) -> Result<usize, DbError> {
    if row.is_group() {
        diesel::insert_into(group_groups::table)
            .values((group_groups::group_id.eq(group), group_groups::member_group_id.eq(row.id)))
            .on_conflict_do_nothing()
            .execute(conn)
            .await
    } else {
        diesel::insert_into(group_users::table)
            .values((group_users::group_id.eq(group), group_users::user_id.eq(row.id)))
            .on_conflict_do_nothing()
            .execute(conn)
            .await
    }
}

fn circle(error: &DbError) -> bool {
    matches!(error, DbError::DatabaseError(DatabaseErrorKind::CheckViolation, info)
        if info.constraint_name() == Some("group_groups_circle_check"))
}

/// Takes those of `chosen` who are in it out of a group.
pub(in super::super) async fn remove(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    group: Uuid,
    chosen: &[Member],
) -> Result<usize, Error> {
    conn.transaction(async |conn| {
        let there = among(conn, group, chosen).await?;
        for row in &there {
            if row.is_group() {
                diesel::delete(group_groups::table.find((row.id, group))).execute(conn).await?;
            } else {
                diesel::delete(group_users::table.find((row.id, group))).execute(conn).await?;
            }
            let change = Changes::none().field("Members", row.full_name(), "");
            changed(conn, by, now, group, ("group.member_removed", change)).await?;
        }
        touch(conn, by, now, group, there.len()).await?;
        Ok(there.len())
    })
    .await
}

async fn changed(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    group: Uuid,
    (kind, changes): (&'static str, Changes),
) -> Result<(), Error> {
    let name: String = groups::table.find(group).select(groups::name).first(conn).await?;
    record(conn, by, now, kind, (group, &name), changes).await
}

/// The group was changed, though not what its form holds. Last, so that whoever adds a group to another waits for one
/// lock only while holding none.
async fn touch(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, group: Uuid, changes: usize) -> Result<(), Error> {
    if changes > 0 {
        lock(conn, group).await?;
        diesel::update(groups::table.find(group))
            .set((groups::updated_at.eq(now), groups::updated_by.eq(by.attribution())))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Names that an audit line holds at most.
const MOST_NAMES: i64 = 500;

/// The members of a group in words.
pub(super) async fn names(conn: &mut Conn, group: Uuid) -> Result<Vec<String>, Error> {
    let sql = format!("SELECT * FROM ({MEMBERS}) AS rows ORDER BY name COLLATE \"und-x-icu\", id LIMIT $3");
    let rows: Vec<MemberRow> = diesel::sql_query(sql)
        .bind::<SqlUuid, _>(group)
        .bind::<Array<Text>, _>(Vec::<String>::new())
        .bind::<BigInt, _>(MOST_NAMES + 1)
        .load(conn)
        .await?;
    let more = rows.len() > usize::try_from(MOST_NAMES).unwrap_or(usize::MAX);
    let mut names: Vec<String> = rows.iter().map(MemberRow::full_name).collect();
    if more {
        names.pop();
        names.push("and others".into());
    }
    Ok(names)
}
