//! The invitations' SQL.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::InvitationToken;
use crate::access::note_place;
use crate::accounts::users::set_password;
use crate::audit::{Change, Changes, transaction};
use crate::db::Conn;
use crate::db::schema::{invitations, users};
use crate::web::{Error, SaveError, date_time_utc};

/// How long an invitation can be used.
const VALID_FOR: TimeDelta = TimeDelta::hours(72);

/// How long it is kept after that, so that a person who uses it late sees why it does not work.
const KEPT: TimeDelta = TimeDelta::days(30);

/// An invitation that has just been made: the only time when its secret is known.
pub struct Invitation {
    pub token: InvitationToken,
    pub expires_at: DateTime<Utc>,
}

/// Makes an invitation of the user with this id and user name, within the transaction of the change it belongs to. One
/// made earlier does not work any more.
pub async fn make(change: &mut Change<'_>, user: Uuid, username: &str) -> Result<Invitation, Error> {
    withdraw(change.conn, user).await?;
    let invitation = Invitation { token: InvitationToken::random(), expires_at: change.now + VALID_FOR };
    diesel::insert_into(invitations::table)
        .values((
            invitations::id.eq(Uuid::now_v7()),
            invitations::user_id.eq(user),
            invitations::token_hash.eq(invitation.token.hash()),
            invitations::created_at.eq(change.now),
            invitations::created_by.eq(change.by.attribution()),
            invitations::expires_at.eq(invitation.expires_at),
        ))
        .execute(change.conn)
        .await?;
    let changes = Changes::none().field("Good until", "", date_time_utc(&invitation.expires_at));
    change.record("invitation.made", user, username, changes).await?;
    Ok(invitation)
}

/// Deletes a user's invitations that were not used.
pub async fn withdraw(conn: &mut Conn, user: Uuid) -> QueryResult<usize> {
    let unused = invitations::table.filter(invitations::user_id.eq(user)).filter(invitations::used_at.is_null());
    diesel::delete(unused).execute(conn).await
}

/// An invitation that can be used.
#[derive(Queryable)]
pub struct Pending {
    pub expires_at: DateTime<Utc>,
    pub created_by: String,
}

/// The invitation of a user that can be used, if there is one.
pub async fn pending(conn: &mut Conn, user: Uuid, now: DateTime<Utc>) -> Result<Option<Pending>, Error> {
    Ok(invitations::table
        .filter(invitations::user_id.eq(user))
        .filter(invitations::used_at.is_null())
        .filter(invitations::expires_at.gt(now))
        .select((invitations::expires_at, invitations::created_by))
        .first(conn)
        .await
        .optional()?)
}

/// Whose password an invitation sets.
#[derive(Queryable)]
pub(super) struct Invited {
    pub id: Uuid,
    pub username: String,
    pub name: String,
}

/// Why a link does not work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error(
        "This link does not work. It may not be whole, or a newer one has replaced it: copy it again, or ask an administrator for a new one"
    )]
    Unknown,
    #[error("This link was used already: the password is set. If it was not you who set it, tell an administrator now")]
    Used,
    #[error("This link has ended: links work for three days. Ask an administrator for a new one")]
    Expired,
}

/// The person whose password the invitation sets.
pub(super) async fn invited(
    conn: &mut Conn,
    token: &InvitationToken,
    now: DateTime<Utc>,
) -> Result<Result<Invited, LinkError>, Error> {
    let row = invitations::table
        .inner_join(users::table)
        .filter(invitations::token_hash.eq(token.hash()))
        .filter(users::active)
        .select(((users::id, users::username, users::name), invitations::expires_at, invitations::used_at))
        .first::<(Invited, DateTime<Utc>, Option<DateTime<Utc>>)>(conn)
        .await
        .optional()?;
    Ok(match row {
        None => Err(LinkError::Unknown),
        Some((_, _, Some(_))) => Err(LinkError::Used),
        Some((_, expires, _)) if expires <= now => Err(LinkError::Expired),
        Some((invited, ..)) => Ok(invited),
    })
}

/// Uses an invitation up and sets the password, unless it was used or replaced meanwhile.
pub(super) async fn spend(
    change: &mut Change<'_>,
    token: &InvitationToken,
    password_hash: &str,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let id = change.by.id.ok_or(SaveError::Stale)?;
        // The user first, as everywhere: two who lock the same rows in another order would wait for each other.
        let user = users::table.find(id).select((users::username, users::active)).for_no_key_update();
        let (username, is_active): (String, bool) = user.first(change.conn).await?;
        let link = invitations::table
            .filter(invitations::token_hash.eq(token.hash()))
            .filter(invitations::user_id.eq(id))
            .filter(invitations::used_at.is_null())
            .filter(invitations::expires_at.gt(change.now));
        let used = diesel::update(link).set(invitations::used_at.eq(change.now)).execute(change.conn).await?;
        if used == 0 || !is_active {
            return Err(SaveError::Stale);
        }
        change.record("invitation.used", id, &change.by.username, Changes::none()).await?;
        note_place(change.conn, id, &change.by.address, change.now).await?;
        set_password(change, &username, password_hash).await
    })
    .await
}

/// Deletes invitations that ended long ago.
pub async fn purge(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let over = invitations::table.filter(invitations::expires_at.le(now - KEPT));
    Ok(diesel::delete(over).execute(conn).await?)
}
