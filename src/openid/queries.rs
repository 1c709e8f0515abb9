//! The SQL of signing in through the provider: who is whom there, and the groups that a claim fills.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::db::schema::{group_users, groups, identities, users};
use crate::web::Error;

/// A person at the provider: the pair that stands for a person for ever (OpenID Connect Core 1.0 section 5.7).
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    pub issuer: &'a str,
    pub subject: &'a str,
}

/// The account of a sign-in.
#[derive(Queryable)]
pub struct Account {
    pub id: Uuid,
    pub username: String,
    pub name: String,
    pub active: bool,
}

/// The account of an identity, locked until the transaction ends, so that it is not deactivated meanwhile.
pub async fn account_of(conn: &mut Conn, identity: Identity<'_>) -> Result<Option<Account>, Error> {
    let user: Option<Uuid> = identities::table
        .filter(identities::issuer.eq(identity.issuer))
        .filter(identities::subject.eq(identity.subject))
        .select(identities::user_id)
        .first(conn)
        .await
        .optional()?;
    let Some(user) = user else { return Ok(None) };
    Ok(users::table
        .find(user)
        .select((users::id, users::username, users::name, users::active))
        .for_no_key_update()
        .first(conn)
        .await
        .optional()?)
}

/// Connects an account with an identity; false if either is connected otherwise already.
pub async fn connect(conn: &mut Conn, user: Uuid, identity: Identity<'_>, now: DateTime<Utc>) -> Result<bool, Error> {
    let inserted = diesel::insert_into(identities::table)
        .values((
            identities::id.eq(Uuid::now_v7()),
            identities::user_id.eq(user),
            identities::issuer.eq(identity.issuer),
            identities::subject.eq(identity.subject),
            identities::created_at.eq(now),
        ))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    Ok(inserted == 1)
}

/// Records a sign-in with an identity.
pub async fn note_use(conn: &mut Conn, identity: Identity<'_>, now: DateTime<Utc>) -> Result<(), Error> {
    let row = identities::table
        .filter(identities::issuer.eq(identity.issuer))
        .filter(identities::subject.eq(identity.subject));
    diesel::update(row).set(identities::last_sign_in_at.eq(now)).execute(conn).await?;
    Ok(())
}

/// When an account was connected with the provider, and when the last sign-in was.
pub async fn connected(
    conn: &mut Conn,
    user: Uuid,
    issuer: &str,
) -> Result<Option<(DateTime<Utc>, Option<DateTime<Utc>>)>, Error> {
    Ok(identities::table
        .filter(identities::user_id.eq(user))
        .filter(identities::issuer.eq(issuer))
        .select((identities::created_at, identities::last_sign_in_at))
        .first(conn)
        .await
        .optional()?)
}

/// Takes the connection away; false if there was none.
pub async fn disconnect(conn: &mut Conn, user: Uuid, issuer: &str) -> Result<bool, Error> {
    let row = identities::table.filter(identities::user_id.eq(user)).filter(identities::issuer.eq(issuer));
    Ok(diesel::delete(row).execute(conn).await? > 0)
}

/// Whether the account has a password, kept so until the transaction ends.
pub async fn has_password(conn: &mut Conn, user: Uuid) -> Result<bool, Error> {
    let row = users::table.find(user).select(users::password_hash.is_not_null());
    Ok(row.for_no_key_update().first(conn).await?)
}

/// A group whose members changed by a claim.
#[derive(Queryable)]
struct Touched {
    id: Uuid,
    name: String,
    claim_value: String,
}

/// Brings the memberships that come by claim to what the provider says now. Those made by hand stay as they are,
/// whatever it says.
pub async fn renew_memberships(
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
