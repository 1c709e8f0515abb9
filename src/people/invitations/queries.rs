//! The links' SQL.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::InvitationToken;
use crate::access::note_place;
use crate::accounts::{self, withdraw_invitations};
use crate::audit::{Change, Changes, transaction};
use crate::db::Conn;
use crate::db::schema::{invitations, sessions, users};
use crate::people::refusal::{ChangeError, Refusal};
use crate::people::users::{User, guard, lock};
use crate::web::{Error, SaveError, date_time_utc};

/// How long a link can be used.
const VALID_FOR: TimeDelta = TimeDelta::hours(72);

/// How long it is remembered after that, so that a person who follows it late sees why it does not work.
const REMEMBERED: TimeDelta = TimeDelta::days(30);

/// A link that has just been made: the only time when its secret is known.
pub(in crate::people) struct Invitation {
    pub token: InvitationToken,
    pub expires_at: DateTime<Utc>,
}

/// Makes a link within the transaction of the change it belongs to. One made earlier does not work any more.
pub(in crate::people) async fn make(change: &mut Change<'_>, user: &User) -> Result<Invitation, Error> {
    withdraw_invitations(change.conn, user.id()).await?;
    let invitation = Invitation { token: InvitationToken::random(), expires_at: change.now + VALID_FOR };
    diesel::insert_into(invitations::table)
        .values((
            invitations::id.eq(Uuid::now_v7()),
            invitations::user_id.eq(user.id()),
            invitations::token_hash.eq(invitation.token.hash()),
            invitations::created_at.eq(change.now),
            invitations::created_by.eq(change.by.attribution()),
            invitations::expires_at.eq(invitation.expires_at),
        ))
        .execute(change.conn)
        .await?;
    let changes = Changes::none().field("Good until", "", date_time_utc(&invitation.expires_at));
    change.record("invitation.made", user.id(), &user.facts.username, changes).await?;
    Ok(invitation)
}

/// Takes a user's password and sessions away and makes a link by which the user sets a new one.
pub(super) async fn replace_password(change: &mut Change<'_>, id: Uuid) -> Result<Invitation, ChangeError> {
    transaction(change, async |change| {
        let user = lock(change.conn, id).await?;
        guard(change.by, &user)?;
        if user.is(change.by) {
            return Err(Refusal::OwnPassword.into());
        }
        if !user.facts.active {
            return Err(Refusal::NoLink.into());
        }
        diesel::update(users::table.find(id))
            .set((
                users::password_hash.eq(None::<String>),
                users::updated_at.eq(change.now),
                users::updated_by.eq(change.by.attribution()),
            ))
            .execute(change.conn)
            .await?;
        let ended = diesel::delete(sessions::table.filter(sessions::user_id.eq(id))).execute(change.conn).await?;
        if user.facts.has_password {
            let changes = Changes::none().secret("Password", "removed").field("Sessions", ended.to_string(), "0");
            change.record("user.password_removed", id, &user.facts.username, changes).await?;
        }
        Ok(make(change, &user).await?)
    })
    .await
}

/// A link that waits to be used.
#[derive(Queryable)]
pub(in crate::people) struct Pending {
    pub expires_at: DateTime<Utc>,
    pub created_by: String,
}

/// The link of a user that still works, if there is one.
pub(in crate::people) async fn pending(
    conn: &mut Conn,
    user: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<Pending>, Error> {
    Ok(invitations::table
        .filter(invitations::user_id.eq(user))
        .filter(invitations::used_at.is_null())
        .filter(invitations::expires_at.gt(now))
        .select((invitations::expires_at, invitations::created_by))
        .first(conn)
        .await
        .optional()?)
}

/// Whose password a link sets.
#[derive(Queryable)]
pub(super) struct Invited {
    pub id: Uuid,
    pub username: String,
    pub name: String,
}

/// Why a link does not work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(super) enum DeadLink {
    #[error(
        "This link does not work. It may not be whole, or a newer one has replaced it: copy it again, or ask an administrator for a new one"
    )]
    Unknown,
    #[error("This link was used already: the password is set. If it was not you who set it, tell an administrator now")]
    Used,
    #[error("This link has ended: links work for three days. Ask an administrator for a new one")]
    Over,
}

/// The person whose password the link sets.
pub(super) async fn invited(
    conn: &mut Conn,
    token: &InvitationToken,
    now: DateTime<Utc>,
) -> Result<Result<Invited, DeadLink>, Error> {
    let row = invitations::table
        .inner_join(users::table)
        .filter(invitations::token_hash.eq(token.hash()))
        .filter(users::active)
        .select(((users::id, users::username, users::name), invitations::expires_at, invitations::used_at))
        .first::<(Invited, DateTime<Utc>, Option<DateTime<Utc>>)>(conn)
        .await
        .optional()?;
    Ok(match row {
        None => Err(DeadLink::Unknown),
        Some((_, _, Some(_))) => Err(DeadLink::Used),
        Some((_, expires, _)) if expires <= now => Err(DeadLink::Over),
        Some((invited, ..)) => Ok(invited),
    })
}

/// Uses a link up and sets the password, unless the link was used or replaced meanwhile.
pub(super) async fn spend(
    change: &mut Change<'_>,
    token: &InvitationToken,
    password_hash: &str,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let id = change.by.id.ok_or(SaveError::Stale)?;
        // The user first, as everywhere: two who lock the same rows in another order would wait for each other.
        let user = lock(change.conn, id).await?;
        let link = invitations::table
            .filter(invitations::token_hash.eq(token.hash()))
            .filter(invitations::user_id.eq(id))
            .filter(invitations::used_at.is_null())
            .filter(invitations::expires_at.gt(change.now));
        let used = diesel::update(link).set(invitations::used_at.eq(change.now)).execute(change.conn).await?;
        if used == 0 || !user.facts.active {
            return Err(SaveError::Stale);
        }
        change.record("invitation.used", id, &change.by.username, Changes::none()).await?;
        note_place(change.conn, id, &change.by.address, change.now).await?;
        accounts::set_password(change.conn, change.by, change.now, &user.facts.username, password_hash).await
    })
    .await
}

/// Forgets links that ended long ago.
pub async fn purge(conn: &mut Conn, now: DateTime<Utc>) -> Result<usize, Error> {
    let over = invitations::table.filter(invitations::expires_at.le(now - REMEMBERED));
    Ok(diesel::delete(over).execute(conn).await?)
}
