//! Who is in a group, who could be, and the groups of one user; adding and removing.

use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DbError};
use diesel::sql_types::{Array, BigInt, Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::lock;
use crate::audit::{Change, Changes, transaction};
use crate::db::Conn;
use crate::db::keyset::{Bind, Select};
use crate::db::schema::{group_groups, group_users, groups};
use crate::people::candidates::{among_chosen, first_matches, patterns};
use crate::people::groups::model::{Member, MemberRow};
use crate::people::users;
use crate::web::{Error, ListQuery, Pages};

/// The members of group $1 whose names match $2.
const MEMBERS: &str = "SELECT 'user' AS kind, u.id, u.name, u.username, u.active, m.by_claim FROM group_users m JOIN users u ON u.id = m.user_id
        WHERE m.group_id = $1 AND u.search_text LIKE ALL ($2)
    UNION ALL
    SELECT 'group', g.id, g.name, '', true, false FROM group_groups m JOIN groups g ON g.id = m.member_group_id
        WHERE m.group_id = $1 AND g.search_text LIKE ALL ($2)";

/// Users and groups that are not in group $1 and whose names match $2.
const OTHERS: &str = "SELECT 'user' AS kind, u.id, u.name, u.username, u.active, false AS by_claim FROM users u
        WHERE u.search_text LIKE ALL ($2) AND NOT EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = $1 AND m.user_id = u.id)
    UNION ALL
    SELECT 'group', g.id, g.name, '', true, false FROM groups g
        WHERE g.search_text LIKE ALL ($2) AND g.id <> $1 AND NOT EXISTS (SELECT 1 FROM group_groups m WHERE m.group_id = $1 AND m.member_group_id = g.id)";

/// One page of a group's members.
pub async fn members(conn: &Conn, group: Uuid, query: &ListQuery<MemberRow>) -> Result<(Vec<MemberRow>, Pages), Error> {
    let binds = [Bind::Id(Some(group)), Bind::Texts(patterns(&query.search))];
    query.fetch(conn, Select { rows: MEMBERS, binds: &binds, ..Select::default() }).await
}

/// The first who could be added and whose names match the search, and whether there are more.
pub async fn candidates(conn: &mut Conn, group: Uuid, search: &str) -> Result<(Vec<MemberRow>, bool), Error> {
    first_matches(conn, OTHERS, group, search).await
}

/// Those of `chosen` that are in the group.
pub async fn among(conn: &mut Conn, group: Uuid, chosen: &[Member]) -> Result<Vec<MemberRow>, Error> {
    among_chosen(conn, MEMBERS, group, chosen).await
}

/// The result of adding members.
pub enum Added {
    Number(usize),
    /// None was added: this group would be in itself.
    Cycle(MemberRow),
}

/// Why a transaction that adds members ends early.
enum AddError {
    Cycle(MemberRow),
    Fault(Error),
}

impl From<Error> for AddError {
    fn from(error: Error) -> AddError {
        AddError::Fault(error)
    }
}

impl From<DbError> for AddError {
    fn from(error: DbError) -> AddError {
        AddError::Fault(error.into())
    }
}

/// Adds all of `chosen` who are not members yet to a group, or none.
pub async fn add(change: &mut Change<'_>, group: Uuid, chosen: &[Member]) -> Result<Added, Error> {
    let added = transaction(change, async |change| {
        let others = among_chosen(change.conn, OTHERS, group, chosen).await?;
        let (number, name) = (others.len(), name_of(change.conn, group).await?);
        for row in others {
            if let Err(error) = insert(change.conn, group, &row).await {
                return Err(if is_cycle(&error) { AddError::Cycle(row) } else { error.into() });
            }
            let changes = Changes::none().field("Members", "", row.full_name());
            change.record("group.member_added", group, &name, changes).await?;
        }
        touch(change, group, number).await?;
        Ok(number)
    })
    .await;
    match added {
        Ok(number) => Ok(Added::Number(number)),
        Err(AddError::Cycle(row)) => Ok(Added::Cycle(row)),
        Err(AddError::Fault(fault)) => Err(fault),
    }
}

async fn name_of(conn: &mut Conn, group: Uuid) -> Result<String, Error> {
    Ok(groups::table.find(group).select(groups::name).first(conn).await?)
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

fn is_cycle(error: &DbError) -> bool {
    matches!(error, DbError::DatabaseError(DatabaseErrorKind::CheckViolation, info)
        if info.constraint_name() == Some("group_groups_circle_check"))
}

/// Removes those of `chosen` who are members from a group.
pub async fn remove(change: &mut Change<'_>, group: Uuid, chosen: &[Member]) -> Result<usize, Error> {
    transaction(change, async |change| {
        let there = among(change.conn, group, chosen).await?;
        let name = name_of(change.conn, group).await?;
        for row in &there {
            if row.is_group() {
                diesel::delete(group_groups::table.find((row.id, group))).execute(change.conn).await?;
            } else {
                diesel::delete(group_users::table.find((row.id, group))).execute(change.conn).await?;
            }
            let changes = Changes::none().field("Members", row.full_name(), "");
            change.record("group.member_removed", group, &name, changes).await?;
        }
        touch(change, group, there.len()).await?;
        Ok(there.len())
    })
    .await
}

/// The group was changed, though not what its form holds. Last, so that a transaction that adds a group to another holds
/// no lock while it waits for one.
async fn touch(change: &mut Change<'_>, group: Uuid, changes: usize) -> Result<(), Error> {
    if changes > 0 {
        lock(change.conn, group).await?;
        diesel::update(groups::table.find(group))
            .set((groups::updated_at.eq(change.now), groups::updated_by.eq(change.by.attribution())))
            .execute(change.conn)
            .await?;
    }
    Ok(())
}

/// Names that an audit line holds at most.
const MOST_NAMES: i64 = 500;

/// The names of the members of a group, for the audit log.
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

/// A group that can be chosen.
#[derive(QueryableByName, Clone)]
pub struct GroupChoice {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub name: String,
    /// The user is in it by a claim of the provider.
    #[diesel(sql_type = Bool)]
    pub by_claim: bool,
}

/// The first `most` groups by name.
pub async fn all(conn: &mut Conn, most: i64) -> Result<Vec<GroupChoice>, Error> {
    let sql = "SELECT id, name, false AS by_claim FROM groups ORDER BY name COLLATE \"und-x-icu\", id LIMIT $1";
    Ok(diesel::sql_query(sql).bind::<BigInt, _>(most).load(conn).await?)
}

/// The group of this id, if there is one.
pub async fn one(conn: &mut Conn, id: Uuid) -> Result<Option<GroupChoice>, Error> {
    let sql = "SELECT id, name, false AS by_claim FROM groups WHERE id = $1";
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(id).get_result(conn).await.optional()?)
}

/// The first groups by name that the user is not in directly and whose names match the search, and whether there are more.
pub async fn joinable(conn: &mut Conn, user: Uuid, search: &str) -> Result<(Vec<GroupChoice>, bool), Error> {
    let rows = "SELECT id, name, false AS by_claim FROM groups g
        WHERE search_text LIKE ALL ($2) AND NOT EXISTS (SELECT 1 FROM group_users m WHERE m.group_id = g.id AND m.user_id = $1)";
    first_matches(conn, rows, user, search).await
}

/// The groups that the user is in directly, by name.
pub async fn joined(conn: &mut Conn, user: Uuid) -> Result<Vec<GroupChoice>, Error> {
    let sql = "SELECT g.id, g.name, m.by_claim FROM group_users m JOIN groups g ON g.id = m.group_id
        WHERE m.user_id = $1 ORDER BY g.name COLLATE \"und-x-icu\", g.id";
    Ok(diesel::sql_query(sql).bind::<SqlUuid, _>(user).load(conn).await?)
}

/// Puts a user into all of `chosen` that there are and that the user is not in yet, and gives how many these are.
pub async fn join(change: &mut Change<'_>, user: Uuid, chosen: &[Uuid]) -> Result<usize, Error> {
    transaction(change, async |change| {
        let mut number = 0;
        for group in locked(change, user, chosen).await? {
            if let Added::Number(added) = add(change, group, &[Member::User(user)]).await? {
                number += added;
            }
        }
        Ok(number)
    })
    .await
}

/// Takes a user out of those of `chosen` that the user is in, and gives how many these are.
pub async fn leave(change: &mut Change<'_>, user: Uuid, chosen: &[Uuid]) -> Result<usize, Error> {
    transaction(change, async |change| {
        let mut number = 0;
        for group in locked(change, user, chosen).await? {
            number += remove(change, group, &[Member::User(user)]).await?;
        }
        Ok(number)
    })
    .await
}

/// Those of `chosen` that there are, in an order in which no two people wait for each other; they and the user stay
/// until the transaction ends. Refuses a person who may not change the user.
async fn locked(change: &mut Change<'_>, user: Uuid, chosen: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    users::guard(change.by, &users::lock(change.conn, user).await?)?;
    Ok(groups::table
        .filter(groups::id.eq_any(chosen))
        .order(groups::id)
        .select(groups::id)
        .for_key_share()
        .load(change.conn)
        .await?)
}

/// Makes the actor a member of the groups whose claim values these are, and removes them from other groups that they
/// came into by claim. Members who were added by hand stay, whatever the provider says.
pub async fn renew_claimed_groups(change: &mut Change<'_>, user: Uuid, values: &[String]) -> Result<(), Error> {
    let wanted: Vec<Uuid> = groups::table
        .filter(groups::claim_value.ne(""))
        .filter(groups::claim_value.eq_any(values))
        .select(groups::id)
        .load(change.conn)
        .await?;
    let over = group_users::table
        .filter(group_users::user_id.eq(user))
        .filter(group_users::by_claim)
        .filter(group_users::group_id.ne_all(&wanted));
    let left: Vec<Uuid> = diesel::delete(over).returning(group_users::group_id).get_results(change.conn).await?;
    let rows = wanted
        .iter()
        .map(|group| (group_users::group_id.eq(group), group_users::user_id.eq(user), group_users::by_claim.eq(true)));
    let joined: Vec<Uuid> = diesel::insert_into(group_users::table)
        .values(rows.collect::<Vec<_>>())
        .on_conflict_do_nothing()
        .returning(group_users::group_id)
        .get_results(change.conn)
        .await?;
    for (kind, ids) in [("group.member_removed", left), ("group.member_added", joined)] {
        record_by_claim(change, kind, &ids).await?;
    }
    Ok(())
}

/// Records that the actor left groups, or joined them, by claim.
async fn record_by_claim(change: &mut Change<'_>, kind: &'static str, ids: &[Uuid]) -> Result<(), Error> {
    if ids.is_empty() {
        return Ok(());
    }
    let changed: Vec<(Uuid, String, String)> = groups::table
        .filter(groups::id.eq_any(ids))
        .order(groups::name)
        .select((groups::id, groups::name, groups::claim_value))
        .load(change.conn)
        .await?;
    let member = change.by.attribution();
    for (id, name, claim_value) in changed {
        let (gone, come) = match kind {
            "group.member_removed" => ((member.as_str(), claim_value.as_str()), ("", "")),
            _ => (("", ""), (member.as_str(), claim_value.as_str())),
        };
        let changes = Changes::none().field("Members", gone.0, come.0).field("By claim", gone.1, come.1);
        change.record(kind, id, &name, changes).await?;
    }
    Ok(())
}
