//! Leaving for the provider.
//!
//! The attempt is made by a POST, so no other site can begin one. A redirect of a form would meet the content security
//! policy; so the answer is a page that leads on by itself at once, and by its link where a browser does not do that.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use super::SignIns;
use super::fetch::Trouble;
use super::problem::{Problem, problem_page};
use super::provider::Departure;
use super::queries::{self, NewAttempt};
use crate::access::{SignInGuard, client_address};
use crate::accounts::{has_super_admin, is_own_path};
use crate::oauth::{random_state, random_verifier};
use crate::web::{CsrfKey, Error, Form, Layout, page, see_other};

/// The longest path that is gone back to, in bytes.
const LONGEST_PATH: usize = 2_000;

#[derive(Template)]
#[template(path = "openid/leaving.html")]
struct LeavingPage {
    layout: Layout,
    name: String,
    /// Where the link leads, with the state.
    leave: String,
}

/// Begins to sign somebody in.
pub async fn create(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    sign_ins: web::Data<SignIns>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    sign_ins.provider()?;
    if layout.person.is_some() {
        return Ok(see_other(&req, "/", None));
    }
    // Nobody comes before the first super admin.
    if !has_super_admin(&mut *guard.db.get().await?).await? {
        return Ok(see_other(&req, "/first-run", None));
    }
    let next = data.text("next");
    let is_page = is_own_path(&next) && next.len() <= LONGEST_PATH;
    let next = if is_page { next.as_str() } else { "/" };
    leave(&req, layout, (&guard, &sign_ins), None, next).await
}

/// Sends somebody to the provider: to sign in, or to show which of its people the account of `user` belongs to.
pub(super) async fn leave(
    req: &HttpRequest,
    layout: Layout,
    (guard, sign_ins): (&SignInGuard, &SignIns),
    user: Option<Uuid>,
    next: &str,
) -> Result<HttpResponse, Error> {
    let wait = sign_ins.rate_limit.take(&client_address(req));
    wait.map_err(Error::TooMany)?;
    let provider = sign_ins.provider()?;
    match depart(req, (guard, sign_ins), user, next).await? {
        Ok(leave) => leaving_page(layout, provider.settings.name.clone(), leave),
        Err(trouble) => problem_page(req, layout, provider, Problem::Unavailable(trouble)),
    }
}

/// The provider's address with a new attempt in it. No connection is held while the provider is asked.
async fn depart(
    req: &HttpRequest,
    (guard, sign_ins): (&SignInGuard, &SignIns),
    user: Option<Uuid>,
    next: &str,
) -> Result<Result<String, Trouble>, Error> {
    let visitor = CsrfKey::hash_of(req);
    let visitor = visitor.ok_or(Error::StaleForm)?;
    let (state, nonce, verifier) = (random_state(), random_state(), random_verifier());
    let departure = Departure {
        redirect_url: &sign_ins.redirect_url,
        state: &state,
        nonce: &nonce,
        verifier: &verifier,
        anew: user.is_some(),
    };
    let leave = match sign_ins.provider()?.departure(&departure).await {
        Ok(leave) => leave,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let attempt = NewAttempt { user, visitor, state: &state, verifier: &verifier, nonce: &nonce, next };
    let mut conn = guard.db.get().await?;
    queries::keep_attempt(&mut conn, &sign_ins.vault, guard.clock.now(), &attempt).await?;
    Ok(Ok(leave))
}

fn leaving_page(layout: Layout, name: String, leave: String) -> Result<HttpResponse, Error> {
    let refresh = HeaderValue::from_str(&format!("0; url={leave}")).map_err(Error::internal)?;
    let mut response = page(StatusCode::OK, &LeavingPage { layout, name, leave })?;
    response.headers_mut().insert(HeaderName::from_static("refresh"), refresh);
    Ok(response)
}
