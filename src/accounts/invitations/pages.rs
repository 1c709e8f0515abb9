//! Following an invitation's link to set a password. There is no session here: the link proves who it is.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use validator::Validate;

use super::InvitationToken;
use super::queries::{self, Invited, LinkError};
use crate::access::{Actor, SignInGuard, check_new_password};
use crate::audit::Change;
use crate::vault::Secret;
use crate::web::form::{Form, Text};
use crate::web::{Error, Flash, Layout, SaveError, page, see_other};

/// The link, and then the password that is set by it.
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct LinkForm {
    pub(super) link: Text,
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
    let invited = queries::invited(&mut *guard.db.get().await?, &token, guard.clock.now()).await?;
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
    match queries::spend(change, &token, &hash).await {
        Ok(()) => Ok(see_other(&req, "/sign-in", Some(Flash::done("Your password is set. Sign in with it")))),
        Err(SaveError::Fault(fault)) => Err(fault),
        // The same link was used a moment before, or it was withdrawn.
        Err(_) => refuse(layout, form, LinkError::Used),
    }
}
