//! From a person of the provider to a session here: whose account it is, making one, groups, in one transaction.

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::claims::Claims;
use super::error::{SignInError, SignInFailure};
use crate::access::{Actor, PermissionSet, SignInGuard};
use crate::accounts::{self, Identity, NewUser, SessionReason, Username};
use crate::audit::{Change, Changes, transaction};
use crate::config::OidcConfig;
use crate::db::Conn;
use crate::db::schema::{identities, users};
use crate::people;
use crate::web::{Error, SaveError};

/// What all steps of an admission need.
struct Admission<'a> {
    /// Where the browser is; no person yet.
    visitor: Actor,
    settings: &'a OidcConfig,
    claims: &'a Claims,
    now: DateTime<Utc>,
}

/// Starts a session for a person of the provider, if there is an account for them or one may be made.
pub(super) async fn admit(
    req: &HttpRequest,
    guard: &SignInGuard,
    settings: &OidcConfig,
    claims: &Claims,
) -> Result<(), SignInFailure> {
    let admission = Admission { visitor: Actor::arriving(req, None, "", ""), settings, claims, now: guard.clock.now() };
    let mut conn = guard.db.get().await?;
    let change = &mut Change { conn: &mut conn, by: &admission.visitor, now: admission.now };
    let by = transaction(change, async |change| admission.account_and_groups(change.conn).await).await?;
    accounts::begin_session(req, &by, None, SessionReason::SignIn { provider: Some(settings.name.clone()) })?;
    Ok(())
}

impl Admission<'_> {
    fn identity(&self) -> Identity<'_> {
        Identity { issuer: self.settings.issuer.as_str(), subject: &self.claims.subject }
    }

    /// The person of the account, created if there is none, with the groups that the claims name.
    async fn account_and_groups(&self, conn: &mut Conn) -> Result<Actor, SignInFailure> {
        let account = self.account(conn).await?;
        if !account.active {
            return Err(SignInError::Deactivated.into());
        }
        let by = self.actor(&account);
        let change = &mut Change { conn, by: &by, now: self.now };
        people::renew_claimed_groups(change, account.id, &self.claims.groups).await?;
        accounts::note_identity_use(change.conn, self.identity(), self.now).await.map_err(Error::from)?;
        Ok(by)
    }

    /// The account of this person; created if there is none.
    async fn account(&self, conn: &mut Conn) -> Result<Account, SignInFailure> {
        if let Some(account) = account_of(conn, self.identity()).await? {
            return Ok(account);
        }
        if !self.settings.create_people {
            return Err(SignInError::NoAccount.into());
        }
        let typed = &self.claims.username;
        let Ok(username) = Username::parse(typed) else {
            return Err(SignInError::NoUsername(typed.chars().take(100).collect()).into());
        };
        match self.create(conn, username.clone()).await {
            Ok(account) => Ok(account),
            // The same person in two windows, or another person who has the name. Only the first may come in.
            Err(SaveError::NameTaken) => {
                let account = account_of(conn, self.identity()).await?;
                account.ok_or_else(|| SignInError::UsernameTaken(username.as_str().to_string()).into())
            }
            Err(SaveError::Fault(fault)) => Err(fault.into()),
            Err(_) => Err(Error::internal(anyhow::anyhow!("the account was not made")).into()),
        }
    }

    /// Makes an account without password and permissions; groups come by claim.
    async fn create(&self, conn: &mut Conn, username: Username) -> Result<Account, SaveError> {
        let name = match self.claims.name.as_str() {
            "" => username.as_str().to_string(),
            name => name.to_string(),
        };
        let new = NewUser {
            id: Uuid::now_v7(),
            username,
            name,
            password_hash: None,
            super_admin: false,
            permissions: PermissionSet::default(),
        };
        let account =
            Account { id: new.id, username: new.username.as_str().to_string(), name: new.name.clone(), active: true };
        let by = self.actor(&account);
        transaction(&mut Change { conn, by: &by, now: self.now }, async |change| {
            accounts::insert(change, &new).await?;
            if !accounts::insert_identity(change.conn, account.id, self.identity(), self.now).await? {
                return Err(SaveError::NameTaken);
            }
            let changes = Changes::none().field("Provider", "", self.settings.issuer.as_str());
            Ok(change.record("identity.connected", account.id, &account.username, changes).await?)
        })
        .await?;
        Ok(account)
    }

    fn actor(&self, account: &Account) -> Actor {
        Actor {
            id: Some(account.id),
            username: account.username.clone(),
            name: account.name.clone(),
            ..self.visitor.clone()
        }
    }
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

/// Whether the account has a password, kept so until the transaction ends.
pub async fn has_password(conn: &mut Conn, user: Uuid) -> Result<bool, Error> {
    let row = users::table.find(user).select(users::password_hash.is_not_null());
    Ok(row.for_no_key_update().first(conn).await?)
}
