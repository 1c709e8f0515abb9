//! From a person of the provider to a session here: whose account it is, making one, groups, in one transaction.

use actix_web::HttpRequest;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;
use uuid::Uuid;

use super::claims::Claims;
use super::problem::Problem;
use super::queries::{self, Account, Identity};
use super::settings::Settings;
use crate::access::{Actor, PermissionSet, SignInGuard};
use crate::accounts::{self, NewUser, SessionReason, Username};
use crate::audit::{self, Changes, Event};
use crate::db::Conn;
use crate::web::{Error, SaveError};

/// What came of it.
pub(super) enum Admitted {
    /// The session begins with the answer.
    In,
    Out(Problem),
}

/// What all steps of an admission need.
struct Visitor<'a> {
    /// Where the visitor comes from; nobody yet.
    somebody: Actor,
    settings: &'a Settings,
    claims: &'a Claims,
    now: DateTime<Utc>,
}

/// Lets a person in whom the provider vouches for, if there is an account for them or one may be made.
pub(super) async fn admit(
    req: &HttpRequest,
    guard: &SignInGuard,
    settings: &Settings,
    claims: &Claims,
) -> Result<Admitted, Error> {
    let visitor = Visitor { somebody: Actor::arriving(req, None, "", ""), settings, claims, now: guard.clock.now() };
    let mut conn = guard.db.get().await?;
    let by = conn
        .transaction(async |conn| {
            let account = match visitor.account(conn).await? {
                Ok(account) if account.active => account,
                Ok(_) => return Ok::<_, Error>(Err(Problem::Deactivated)),
                Err(problem) => return Ok(Err(problem)),
            };
            visitor.welcome(conn, &account).await.map(Ok)
        })
        .await?;
    let by = match by {
        Ok(by) => by,
        Err(problem) => return Ok(Admitted::Out(problem)),
    };
    accounts::begin_session(req, &by, None, SessionReason::SignIn { provider: Some(settings.name.clone()) })?;
    Ok(Admitted::In)
}

impl Visitor<'_> {
    fn identity(&self) -> Identity<'_> {
        Identity { issuer: self.settings.issuer.as_str(), subject: &self.claims.subject }
    }

    /// The account of this person; made if there is none.
    async fn account(&self, conn: &mut Conn) -> Result<Result<Account, Problem>, Error> {
        if let Some(account) = queries::account_of(conn, self.identity()).await? {
            return Ok(Ok(account));
        }
        if !self.settings.creates_people {
            return Ok(Err(Problem::NoAccount));
        }
        let typed = &self.claims.username;
        let Ok(username) = Username::parse(typed) else {
            return Ok(Err(Problem::NoUsername(typed.chars().take(100).collect())));
        };
        match self.create(conn, username.clone()).await {
            Ok(account) => Ok(Ok(account)),
            // The same person in two windows, or somebody else who has the name. Only the first may come in.
            Err(SaveError::NameTaken) => {
                let account = queries::account_of(conn, self.identity()).await?;
                let taken = || Problem::UsernameTaken(username.as_str().to_string());
                Ok(account.ok_or_else(taken))
            }
            Err(SaveError::Fault(fault)) => Err(fault),
            Err(_) => Err(Error::internal(anyhow::anyhow!("the account was not made"))),
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

    /// Renews the groups of whoever signs in, and notes the use of the identity.
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
            ..self.somebody.clone()
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
