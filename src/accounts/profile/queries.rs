//! The profile's SQL: what a person changes of the own account, each with its audit line in one transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};
use uuid::Uuid;

use super::forms::CheckedProfile;
use crate::access::Actor;
use crate::accounts::queries::{search_text, withdraw_invitations};
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::db::schema::{sessions, users};
use crate::db::version::SeenVersion;
use crate::web::{Error, SaveError, Theme, Zone};

/// A person's own account.
#[derive(Queryable)]
pub(super) struct Profile {
    pub name: String,
    pub version: i32,
    pub updated_at: DateTime<Utc>,
    pub updated_by: String,
    time_zone: String,
    theme: String,
}

impl Profile {
    pub fn zone(&self) -> Zone {
        Zone::parse(&self.time_zone).unwrap_or_default()
    }

    pub fn theme(&self) -> Theme {
        Theme::parse(&self.theme).unwrap_or_default()
    }
}

/// The account of whoever is signed in.
pub(super) async fn find(conn: &mut Conn, user: Uuid) -> Result<Profile, Error> {
    let row = users::table.find(user).select((
        users::name,
        users::version,
        users::updated_at,
        users::updated_by,
        users::time_zone,
        users::theme,
    ));
    Ok(row.first(conn).await?)
}

/// Saves the own profile, unless somebody has saved the user since it was read.
pub(super) async fn update(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    (user, seen): (Uuid, SeenVersion),
    new: &CheckedProfile,
) -> Result<(), SaveError> {
    conn.transaction(async |conn| {
        let row = users::table.find(user).select(users::version);
        seen.lock(conn, row.for_no_key_update()).await?;
        let old = find(conn, user).await?;
        diesel::update(users::table.find(user))
            .set((
                users::name.eq(&new.name),
                users::search_text.eq(search_text(&by.username, &new.name)),
                users::time_zone.eq(new.zone.name()),
                users::theme.eq(new.theme.code()),
                users::version.eq(users::version + 1),
                users::updated_at.eq(now),
                users::updated_by.eq(by.attribution()),
            ))
            .execute(conn)
            .await?;
        let changes = Changes::none()
            .field("Name", &old.name, &new.name)
            .field("Time zone", old.zone().name(), new.zone.name())
            .field("Theme", old.theme().label(), new.theme.label());
        record(conn, by, now, "profile.saved", changes).await
    })
    .await
}

/// Sets a new password in the place of the one with this hash and ends every session: the browser in which it is done
/// gets another one. Links that could set another password lose their force. False if the password is another one by
/// now, or the user was deactivated: no session is left then either.
pub(super) async fn change_password(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    (user, old, new): (Uuid, &str, &str),
) -> Result<bool, SaveError> {
    conn.transaction(async |conn| {
        let seen = users::table.find(user).filter(users::active).filter(users::password_hash.eq(old));
        let changed = diesel::update(seen)
            .set((users::password_hash.eq(new), users::updated_at.eq(now), users::updated_by.eq(by.attribution())))
            .execute(conn)
            .await?;
        if changed == 0 {
            return Ok(false);
        }
        let ended = diesel::delete(sessions::table.filter(sessions::user_id.eq(user))).execute(conn).await?;
        withdraw_invitations(conn, user).await?;
        let changes = Changes::none().secret("Password", "changed").field("Sessions", ended.to_string(), "1");
        record(conn, by, now, "user.password_changed", changes).await?;
        Ok(true)
    })
    .await
}

async fn record(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    kind: &'static str,
    changes: Changes,
) -> Result<(), SaveError> {
    let event = Event { kind, subject_id: by.id, subject_name: &by.username, changes };
    Ok(audit::record(conn, by, now, event).await?)
}
