//! From a person of the provider to a session here: whose account it is, making one, groups, in one transaction.

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use uuid::Uuid;

use super::Settings;
use super::claims::Claims;
use super::error::{SignInError, SignInFailure};
use super::queries::{self, Account, Identity};
use crate::access::{Actor, PermissionSet, SignInGuard};
use crate::accounts::{self, NewUser, SessionReason, Username};
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::web::{Error, SaveError};

/// What all steps of an admission need.
struct Admission<'a> {
    /// Where the browser is; no person yet.
    visitor: Actor,
    settings: &'a Settings,
    claims: &'a Claims,
    now: DateTime<Utc>,
}

/// Starts a session for a person of the provider, if there is an account for them or one may be made.
pub(super) async fn admit(
    req: &HttpRequest,
    guard: &SignInGuard,
    settings: &Settings,
    claims: &Claims,
) -> Result<(), SignInFailure> {
    let admission = Admission { visitor: Actor::arriving(req, None, "", ""), settings, claims, now: guard.clock.now() };
    let mut conn = guard.db.get().await?;
    let by = conn
        .transaction(async |conn| {
            let account = admission.account(conn).await?;
            if !account.active {
                return Err(SignInFailure::from(SignInError::Deactivated));
            }
            Ok(admission.welcome(conn, &account).await?)
        })
        .await?;
    accounts::begin_session(req, &by, None, SessionReason::SignIn { provider: Some(settings.name.clone()) })?;
    Ok(())
}

impl Admission<'_> {
    fn identity(&self) -> Identity<'_> {
        Identity { issuer: self.settings.issuer.as_str(), subject: &self.claims.subject }
    }

    /// The account of this person; made if there is none.
    async fn account(&self, conn: &mut Conn) -> Result<Account, SignInFailure> {
        if let Some(account) = queries::account_of(conn, self.identity()).await? {
            return Ok(account);
        }
        if !self.settings.creates_people {
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
                let account = queries::account_of(conn, self.identity()).await?;
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
        conn.transaction(async |conn| {
            accounts::insert(conn, &by, self.now, &new).await?;
            if !queries::connect(conn, account.id, self.identity(), self.now).await? {
                return Err(SaveError::NameTaken);
            }
            let changes = Changes::none().field("Provider", "", self.settings.issuer.as_str());
            record(conn, &by, self.now, &account, ("identity.connected", changes)).await?;
            Ok(())
        })
        .await?;
        Ok(account)
    }

    /// Renews the groups and records the use of the identity.
    async fn welcome(&self, conn: &mut Conn, account: &Account) -> Result<Actor, Error> {
        let by = self.actor(account);
        queries::renew_memberships(conn, &by, self.now, account, &self.claims.groups).await?;
        queries::note_use(conn, self.identity(), self.now).await?;
        Ok(by)
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

async fn record(
    conn: &mut Conn,
    by: &Actor,
    now: DateTime<Utc>,
    account: &Account,
    (kind, changes): (&'static str, Changes),
) -> Result<(), Error> {
    let event = Event { kind, subject_id: Some(account.id), subject_name: &account.username, changes };
    audit::record(conn, by, now, event).await
}
