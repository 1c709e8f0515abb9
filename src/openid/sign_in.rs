//! Leaving for the provider and coming back, to a session or to a connected account.
//!
//! The request is made by a POST, so no other site can begin one. A redirect of a form would meet the content security
//! policy; so the response is a page that goes on by itself at once, and by its link where a browser does not do that.
//!
//! Danger: the address that comes back holds a code. It is never logged, never shown, and never put into another address.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use super::SignIns;
use super::admission;
use super::claims::Claims;
use super::connection;
use super::error::{SignInError, SignInFailure, error_page};
use crate::access::{Actor, SignInGuard, client_address};
use crate::accounts::{has_super_admin, is_own_path};
use crate::audit::{Refusal, Refusals};
use crate::oauth::{
    AuthorizationRequest, CallbackError, CallbackParams, Grant, Granted, NewAuthorizationRequest, Purpose,
    RequestSecrets, store_request, take_request,
};
use crate::web::{CsrfKey, Error, FormData, Layout, page, refuse_prefetch, see_other};

/// The longest path that is gone back to, in bytes.
const LONGEST_PATH: usize = 2_000;

#[derive(Template)]
#[template(path = "openid/leaving.html")]
struct LeavingPage {
    layout: Layout,
    name: String,
    /// The provider's address, with the state.
    leave: String,
}

/// Starts a sign-in.
pub async fn create(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    sign_ins: web::Data<SignIns>,
    data: FormData,
) -> Result<HttpResponse, Error> {
    sign_ins.provider()?;
    if layout.person.is_some() {
        return Ok(see_other(&req, "/", None));
    }
    // The first super admin is made here, by the first run.
    if !has_super_admin(&mut *guard.db.get().await?).await? {
        return Ok(see_other(&req, "/first-run", None));
    }
    let next = data.text("next");
    let is_page = is_own_path(&next) && next.len() <= LONGEST_PATH;
    let next = if is_page { next.as_str() } else { "/" };
    leave(&req, layout, &guard, &sign_ins, None, next).await
}

/// Sends a browser to the provider: to sign in, or to show which of its people the account of `user` belongs to.
pub(super) async fn leave(
    req: &HttpRequest,
    layout: Layout,
    guard: &SignInGuard,
    sign_ins: &SignIns,
    user: Option<Uuid>,
    next: &str,
) -> Result<HttpResponse, Error> {
    let wait = sign_ins.rate_limit.take(&client_address(req));
    wait.map_err(Error::TooMany)?;
    let provider = sign_ins.provider()?;
    match authorization_url(req, guard, sign_ins, user, next).await {
        Ok(leave) => leaving_page(layout, provider.settings.name.clone(), leave),
        Err(SignInFailure::Refused(error)) => error_page(req, layout, provider, error),
        Err(SignInFailure::Fault(fault)) => Err(fault),
    }
}

/// The provider's address with a new request in it. No connection is held while the provider responds.
async fn authorization_url(
    req: &HttpRequest,
    guard: &SignInGuard,
    sign_ins: &SignIns,
    user: Option<Uuid>,
    next: &str,
) -> Result<String, SignInFailure> {
    let session = CsrfKey::hash_of(req).ok_or(Error::StaleForm)?;
    let secrets = RequestSecrets::random();
    let provider = sign_ins.provider()?;
    let url = provider.authorization_url(&sign_ins.redirect_url, &secrets, user.is_some()).await?;
    let request = NewAuthorizationRequest { purpose: Purpose::SignIn { next }, user, session, secrets: &secrets };
    store_request(&mut *guard.db.get().await?, &sign_ins.vault, guard.clock.now(), &request).await?;
    Ok(url)
}

fn leaving_page(layout: Layout, name: String, leave: String) -> Result<HttpResponse, Error> {
    let refresh = HeaderValue::from_str(&format!("0; url={leave}")).map_err(Error::internal)?;
    let mut response = page(StatusCode::OK, &LeavingPage { layout, name, leave })?;
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    Ok(response)
}

/// Takes the response in the query.
pub async fn callback(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    sign_ins: web::Data<SignIns>,
    refusals: web::Data<Refusals>,
) -> Result<HttpResponse, Error> {
    let provider = sign_ins.provider()?;
    if let Some(response) = refuse_prefetch(&req) {
        return response;
    }
    let params = CallbackParams::from_query(req.query_string());
    let error = match complete(&req, &guard, &sign_ins, params).await {
        Ok(response) => return Ok(response),
        Err(SignInFailure::Fault(fault)) => return Err(fault),
        Err(SignInFailure::Refused(error)) => error,
    };
    // Only of sign-ins that began here: looking at an address changes nothing.
    if !matches!(error, SignInError::Callback(CallbackError::Empty | CallbackError::UnknownState)) {
        let reason = format!("{}: {}", provider.settings.name, error.title());
        let refusal = Refusal { kind: "sign_in.refused", reason: &reason, subject: None };
        let visitor = Actor::arriving(&req, None, "", "");
        refusals.record(&guard.db, &visitor, guard.clock.now(), refusal).await;
    }
    error_page(&req, layout, provider, error)
}

async fn complete(
    req: &HttpRequest,
    guard: &SignInGuard,
    sign_ins: &SignIns,
    params: CallbackParams,
) -> Result<HttpResponse, SignInFailure> {
    let (provider, session) = (sign_ins.provider()?, CsrfKey::hash_of(req));
    let request = take_request(&mut *guard.db.get().await?, guard.clock.now(), &params, None, session).await??;
    let claims = claims(sign_ins, &request, params).await?;
    match request.user_id {
        Some(user) => connection::take(req, guard, provider, user, &request, &claims).await,
        None => {
            admission::admit(req, guard, &provider.settings, &claims).await?;
            Ok(see_other(req, request.next.as_deref().unwrap_or("/"), None))
        }
    }
}

/// What the provider says of the person. No connection is held during the requests.
async fn claims(
    sign_ins: &SignIns,
    request: &AuthorizationRequest,
    params: CallbackParams,
) -> Result<Claims, SignInFailure> {
    let provider = sign_ins.provider()?;
    let (issuer, required) = provider.issuer().await?;
    params.check_issuer(Some(issuer), required)?;
    let Granted::Code(code) = params.outcome? else {
        return Err(CallbackError::Empty.into());
    };
    let (verifier, nonce) = request.secrets(&sign_ins.vault)?;
    let grant =
        Grant::AuthorizationCode { code, redirect_url: sign_ins.redirect_url.clone(), verifier: Some(verifier) };
    let claims = provider.claims(&grant, &nonce).await?;
    if claims.may_come_in(&provider.settings) { Ok(claims) } else { Err(SignInError::NotAllowed.into()) }
}
