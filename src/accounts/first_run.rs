//! The first run: a page to create the first super admin, guarded by a code that only the console shows.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use uuid::Uuid;
use validator::Validate;

use super::names::parse_own_name;
use super::sessions::{SessionReason, begin_session};
use super::users::{NewUser, has_super_admin, insert_first};
use super::{Username, UsernameProblem};
use crate::access::{Actor, PermissionSet, SignInGuard, check_new_password};
use crate::audit::Change;
use crate::db::Db;
use crate::vault::Secret;
use crate::web::form::{Form, Text};
use crate::web::{Error, Errors, Flash, Layout, SaveError, page, see_other};

/// Letters and digits that cannot be mistaken for each other.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// The one-time code of this run; 80 random bits.
#[derive(Clone)]
pub struct FirstRun {
    code: Arc<str>,
}

impl FirstRun {
    pub fn new() -> FirstRun {
        let bytes: [u8; 16] = rand::random();
        let letters: Vec<char> = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        FirstRun { code: groups.join("-").into() }
    }

    /// The code in groups of four, for the console.
    pub fn code(&self) -> &str {
        &self.code
    }

    fn fits(&self, typed: &str) -> bool {
        let plain = |text: &str| -> Vec<u8> {
            text.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_uppercase()).collect()
        };
        plain(typed).ct_eq(&plain(&self.code)).into()
    }
}

impl Default for FirstRun {
    fn default() -> FirstRun {
        FirstRun::new()
    }
}

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct FirstRunForm {
    code: Secret,
    username: Text,
    full_name: Text,
    password: Secret,
}

impl FirstRunForm {
    fn checked(&self, first: &FirstRun, errors: &mut Errors) -> Option<(Username, String, String)> {
        if !first.fits(self.code.expose()) {
            errors.add("code", "Enter the code that the server printed when it was started last");
        }
        let username = errors.keep::<_, UsernameProblem>("username", Username::parse(&self.username));
        let name = errors.keep("full_name", parse_own_name(&self.full_name));
        let password = self.password.expose();
        errors.keep("password", check_new_password(password, &self.username, self.full_name.trim()));
        Some((username?, name?, password.into()))
    }
}

#[derive(Template)]
#[template(path = "accounts/first_run.html")]
struct FirstRunPage {
    layout: Layout,
    form: Form<FirstRunForm>,
}

impl FirstRunPage {
    /// The code that was entered, if it is the right one: it is not typed again for a mistake elsewhere.
    fn code(&self) -> &str {
        if self.form.errors.has("code") { "" } else { self.form.code.expose() }
    }
}

/// The page exists as long as there is no super admin.
pub async fn show(layout: Layout, db: web::Data<Db>) -> Result<HttpResponse, Error> {
    if !is_open(&db).await? {
        return Err(Error::NotFound);
    }
    page(StatusCode::OK, &FirstRunPage { layout, form: Form::new(FirstRunForm::default()) })
}

pub async fn create(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    first: web::Data<FirstRun>,
    mut form: Form<FirstRunForm>,
) -> Result<HttpResponse, Error> {
    guard.take(&req, "first run").await?;
    if !is_open(&guard.db).await? {
        return Err(Error::NotFound);
    }
    match form.check(|form, errors| form.checked(&first, errors)) {
        Some(checked) => create_first(&req, &guard, checked).await,
        None => page(form.errors.status(), &FirstRunPage { layout, form }),
    }
}

/// Creates the first super admin of this user name, name and password, who is signed in at once.
async fn create_first(
    req: &HttpRequest,
    guard: &SignInGuard,
    (username, name, password): (Username, String, String),
) -> Result<HttpResponse, Error> {
    let new = NewUser {
        id: Uuid::now_v7(),
        password_hash: Some(guard.hasher.hash(password).await?),
        username,
        name,
        super_admin: true,
        permissions: PermissionSet::default(),
    };
    let by = Actor::arriving(req, Some(new.id), new.username.as_str(), &new.name);
    let mut conn = guard.db.get().await?;
    match insert_first(&mut Change { conn: &mut conn, by: &by, now: guard.clock.now() }, &new).await {
        Ok(()) => {}
        Err(SaveError::Fault(fault)) => return Err(fault),
        Err(_) => return Err(Error::NotFound),
    }
    begin_session(req, &by, new.password_hash.as_deref(), SessionReason::FirstRun)?;
    let outcome = Flash::done("You are the first super admin of this Connectory");
    Ok(see_other(req, "/", Some(outcome)))
}

/// Asked by the sign-in page, which sends the very first visitor here.
pub async fn is_open(db: &Db) -> Result<bool, Error> {
    Ok(!has_super_admin(&mut *db.get().await?).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_fits_with_or_without_its_hyphens_and_nothing_else_does() {
        let first = FirstRun::new();
        assert!(first.fits(first.code()));
        assert!(first.fits(&first.code().replace('-', " ").to_lowercase()));
        assert!(!first.fits(""));
        assert!(!first.fits(&first.code()[1..]));
    }
}
