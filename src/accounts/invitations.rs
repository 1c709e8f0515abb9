//! Invitations: links by which a new user, or one whose password is replaced, sets a password.
//!
//! Rules: 256 random bits, of which the database keeps the hash; shown once, to the person who made the link; valid for
//! three days and one use; a newer one replaces it. The secret stands behind the `#` of the address, which browsers do
//! not send: so it is in no log, not ours and not a proxy's, and in no Referer. The page takes it from there by script,
//! or asks to paste the link.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use uuid::Uuid;
use validator::Validate;

use super::users::set_password;
use crate::access::{Actor, SignInGuard, check_new_password, note_place};
use crate::audit::{Change, Changes, transaction};
use crate::db::Conn;
use crate::db::schema::{invitations, users};
use crate::vault::Secret;
use crate::web::form::{Form, Text};
use crate::web::{Error, Flash, Layout, PublicAddress, SaveError, date_time_utc, page, see_other};

/// The secret part of a link: 256 random bits. Not printable but as part of its link.
pub struct InvitationToken([u8; 32]);

impl InvitationToken {
    pub fn random() -> InvitationToken {
        InvitationToken(rand::random())
    }

    /// Reads what was pasted: the whole link, or the part behind its `#`.
    pub fn parse(typed: &str) -> Option<InvitationToken> {
        let typed = typed.trim();
        let secret = typed.rsplit_once('#').map_or(typed, |(_, secret)| secret);
        let bytes = URL_SAFE_NO_PAD.decode(secret).ok()?;
        bytes.try_into().ok().map(InvitationToken)
    }

    /// The address to hand to the person.
    pub fn link(&self, address: &PublicAddress) -> String {
        format!("{address}/set-password#{}", URL_SAFE_NO_PAD.encode(self.0))
    }

    /// What the database keeps.
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0).to_vec()
    }
}

/// The link, and then the password that is set by it.
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct LinkForm {
    link: Text,
    password: Secret,
}

/// Asks for the link, which the script takes from the address.
#[derive(Template)]
#[template(path = "accounts/set_password.html")]
struct LinkPage {
    layout: Layout,
    form: Form<LinkForm>,
}

/// Asks for the new password.
#[derive(Template)]
#[template(path = "accounts/new_password.html")]
struct PasswordPage {
    layout: Layout,
    invited: Invited,
    form: Form<LinkForm>,
}

fn link_page(layout: Layout, form: Form<LinkForm>) -> Result<HttpResponse, Error> {
    page(form.errors.status(), &LinkPage { layout, form })
}

fn refuse(layout: Layout, mut form: Form<LinkForm>, why: LinkError) -> Result<HttpResponse, Error> {
    form.errors.add("link", why.to_string());
    link_page(layout, form)
}

pub async fn ask(layout: Layout) -> Result<HttpResponse, Error> {
    link_page(layout, Form::new(LinkForm::default()))
}

/// The token in the form, with the person whose password it sets.
async fn read(guard: &SignInGuard, form: &LinkForm) -> Result<Result<(InvitationToken, Invited), LinkError>, Error> {
    let Some(token) = InvitationToken::parse(&form.link) else {
        return Ok(Err(LinkError::Unknown));
    };
    let invited = invited(&mut *guard.db.get().await?, &token, guard.clock.now()).await?;
    Ok(invited.map(|invited| (token, invited)))
}

/// Reads the link and asks for the password, in a response that no cache keeps.
pub async fn open(
    layout: Layout,
    guard: web::Data<SignInGuard>,
    mut form: Form<LinkForm>,
) -> Result<HttpResponse, Error> {
    if form.link.trim().is_empty() {
        form.errors.add("link", "Paste the link that you were given");
        return link_page(layout, form);
    }
    match read(&guard, &form).await? {
        Ok((_, invited)) => page(form.errors.status(), &PasswordPage { layout, invited, form }),
        Err(why) => refuse(layout, form, why),
    }
}

/// Sets the password. No connection is held while it is hashed.
pub async fn take(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    mut form: Form<LinkForm>,
) -> Result<HttpResponse, Error> {
    let (token, invited) = match read(&guard, &form).await? {
        Ok(read) => read,
        Err(why) => return refuse(layout, form, why),
    };
    let password = form.password.expose().to_string();
    let checked = check_new_password(&password, &invited.username, &invited.name);
    if form.errors.keep("password", checked).is_none() {
        return page(form.errors.status(), &PasswordPage { layout, invited, form });
    }
    let hash = guard.hasher.hash(password).await?;
    let by = Actor::arriving(&req, Some(invited.id), &invited.username, &invited.name);
    let mut conn = guard.db.get().await?;
    let change = &mut Change { conn: &mut conn, by: &by, now: guard.clock.now() };
    match spend(change, &token, &hash).await {
        Ok(()) => Ok(see_other(&req, "/sign-in", Some(Flash::done("Your password is set. Sign in with it")))),
        Err(SaveError::Fault(fault)) => Err(fault),
        // The same link was used a moment before, or it was withdrawn.
        Err(_) => refuse(layout, form, LinkError::Used),
    }
}

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
struct Invited {
    pub id: Uuid,
    pub username: String,
    pub name: String,
}

/// Why a link does not work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
enum LinkError {
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
async fn invited(
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
async fn spend(change: &mut Change<'_>, token: &InvitationToken, password_hash: &str) -> Result<(), SaveError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_read_whole_or_from_its_sign_on_and_nothing_else_is() {
        let token = InvitationToken::random();
        let link = token.link(&PublicAddress::new("https://connectory.example.org/"));
        assert!(link.starts_with("https://connectory.example.org/set-password#"));
        let secret = URL_SAFE_NO_PAD.encode(token.0);
        for typed in [link.clone(), format!("  {link}\n"), secret] {
            let read = InvitationToken::parse(&typed).expect("a token");
            assert!(read.hash() == token.hash());
        }
        for other in
            ["", "#", "https://connectory.example.org/set-password", &link[..link.len() - 1], &format!("{link}A")]
        {
            assert!(InvitationToken::parse(other).is_none(), "{other}");
        }
    }
}
