//! One's own account and the provider's: connecting the two, and taking them apart.
//!
//! Rule: both ask for the own password, so that a person at a borrowed browser cannot connect an account of theirs. An
//! account without a password keeps the connection: there is no other sign-in.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::SignIns;
use super::admission::{account_of, connected, has_password};
use super::claims::Claims;
use super::error::{SignInError, SignInFailure};
use super::id_token::LEEWAY;
use super::provider::Provider;
use super::sign_in::leave;
use crate::access::{Actor, RequestContext, SignInGuard};
use crate::accounts::{self, Identity};
use crate::audit::{Change, Changes, transaction};
use crate::oauth::{AuthorizationRequest, CallbackError};
use crate::web::{Error, Errors, Flash, FormData, Layout, page, see_other};

/// The page of the connection, to which people come back.
const PAGE: &str = "/profile/provider";

#[derive(Template)]
#[template(path = "openid/connection.html")]
struct ConnectionPage {
    layout: Layout,
    name: String,
    /// Since when, and when it was used last.
    connected: Option<(DateTime<Utc>, Option<DateTime<Utc>>)>,
    has_password: bool,
    confirmed: bool,
    errors: Errors,
}

pub async fn show(context: RequestContext, sign_ins: web::Data<SignIns>) -> Result<HttpResponse, Error> {
    connection_page(context, sign_ins.provider()?, Errors::default()).await
}

async fn connection_page(context: RequestContext, provider: &Provider, errors: Errors) -> Result<HttpResponse, Error> {
    let user = context.user()?;
    let mut conn = context.conn().await?;
    let issuer = provider.settings.issuer.as_str();
    let status = errors.status();
    let connection = ConnectionPage {
        name: provider.settings.name.clone(),
        connected: connected(&mut conn, user, issuer).await?,
        has_password: has_password(&mut conn, user).await?,
        confirmed: context.is_confirmed(),
        layout: context.layout,
        errors,
    };
    page(status, &connection)
}

/// Sends a signed-in person to the provider, to show which account they have there.
pub async fn connect(
    context: RequestContext,
    guard: web::Data<SignInGuard>,
    sign_ins: web::Data<SignIns>,
    data: FormData,
) -> Result<HttpResponse, Error> {
    let provider = sign_ins.provider()?;
    let user = context.user()?;
    let has_password = has_password(&mut *context.conn().await?, user).await?;
    // Without a password a person can only confirm who they are.
    let mut errors = Errors::default();
    if has_password && !guard.confirm(&context, &data, &mut errors).await? {
        return connection_page(context, provider, errors).await;
    }
    leave(&context.req, context.layout, &guard, &sign_ins, Some(user), PAGE).await
}

/// Handles the provider's claims for a session that exists already: connects the account, or, if it is
/// connected with just this person, counts like the own password entered again.
pub(super) async fn take(
    req: &HttpRequest,
    guard: &SignInGuard,
    provider: &Provider,
    user: Uuid,
    request: &AuthorizationRequest,
    claims: &Claims,
) -> Result<HttpResponse, SignInFailure> {
    let by = &Actor::from_request(req, &mut Payload::None).into_inner()?;
    if by.id != Some(user) {
        return Err(CallbackError::OtherSession.into());
    }
    let is_fresh = |at: DateTime<Utc>| at >= request.created_at - LEEWAY;
    if !claims.signed_in_at.is_some_and(is_fresh) {
        return Err(SignInError::LoginNotForced.into());
    }
    let identity = Identity { issuer: provider.settings.issuer.as_str(), subject: &claims.subject };
    let name = &provider.settings.name;
    let mut conn = guard.db.get().await?;
    let owner = account_of(&mut conn, identity).await?;
    let outcome = if owner.is_some_and(|owner| owner.id == user) {
        guard.remember(req)?;
        format!("{name} confirmed that it’s you. You won’t be asked again for 15 minutes")
    } else if connect_accounts(&mut Change { conn: &mut conn, by, now: guard.clock.now() }, identity).await? {
        format!("Your account is connected with {name}")
    } else {
        return Err(SignInError::ConnectedOtherwise.into());
    };
    Ok(see_other(req, request.next.as_deref().unwrap_or(PAGE), Some(Flash::done(outcome))))
}

async fn connect_accounts(change: &mut Change<'_>, identity: Identity<'_>) -> Result<bool, Error> {
    let (user, now) = (change.by.id.ok_or(Error::SignIn)?, change.now);
    transaction(change, async |change| {
        if !has_password(change.conn, user).await?
            || !accounts::insert_identity(change.conn, user, identity, now).await?
        {
            return Ok(false);
        }
        let changes = Changes::none().field("Provider", "", identity.issuer);
        change.record("identity.connected", user, &change.by.username, changes).await?;
        Ok(true)
    })
    .await
}

/// Removes the connection, unless it is the only sign-in.
pub async fn disconnect(
    context: RequestContext,
    sign_ins: web::Data<SignIns>,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let provider = sign_ins.provider()?;
    let user = context.user()?;
    let issuer = provider.settings.issuer.as_str();
    let mut conn = context.conn().await?;
    let is_done = transaction(&mut Change::new(&mut conn, &context), async |change| {
        if !has_password(change.conn, user).await? {
            return Ok::<_, Error>(false);
        }
        if !accounts::delete_identities(change.conn, user, Some(issuer)).await?.is_empty() {
            let changes = Changes::none().field("Provider", issuer, "");
            change.record("identity.disconnected", user, &change.by.username, changes).await?;
        }
        Ok(true)
    })
    .await?;
    let name = &provider.settings.name;
    Ok(if is_done {
        context.see_other(PAGE, format!("Your account is not connected with {name} any more"))
    } else {
        context.see_other_undone(PAGE, "Without a password this is your only way to sign in")
    })
}
