//! The first run: a page to create the first super admin, guarded by a code that only the console shows.

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use subtle::ConstantTimeEq;
use uuid::Uuid;

use super::names::parse_own_name;
use super::queries::{self, NewUser};
use super::sessions::{SessionReason, begin_session};
use super::{Username, UsernameProblem};
use crate::access::{Actor, PermissionSet, SignInGuard, check_new_password};
use crate::db::Db;
use crate::web::{Error, Errors, Flash, Form, FormData, Layout, SaveError, TextField, page, see_other};

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

#[derive(Template)]
#[template(path = "accounts/first_run.html")]
struct FirstRunPage {
    layout: Layout,
    form: FirstRunForm,
}

#[derive(Default)]
struct FirstRunForm {
    username: String,
    name: String,
    errors: Errors,
}

impl FirstRunForm {
    fn code_field(&self) -> TextField {
        TextField::new("code", "One-time code", "")
            .hint("Printed on the server's console when Connectory was started.")
            .width("w28")
            .errors(&self.errors)
    }

    fn username_field(&self) -> TextField {
        TextField::new("username", "User name", &self.username)
            .hint("What you sign in with.")
            .autocomplete("username")
            .width("w28")
            .errors(&self.errors)
    }

    fn name_field(&self) -> TextField {
        TextField::new("full_name", "Your name", &self.name)
            .prose()
            .autocomplete("name")
            .width("w28")
            .errors(&self.errors)
    }

    fn password_field(&self) -> TextField {
        TextField::secret("password", "Password")
            .hint("At least 12 characters. Several words make a good one.")
            .errors(&self.errors)
    }
}

/// The page exists as long as there is no super admin.
pub async fn show(layout: Layout, db: web::Data<Db>) -> Result<HttpResponse, Error> {
    if !is_open(&db).await? {
        return Err(Error::NotFound);
    }
    page(StatusCode::OK, &FirstRunPage { layout, form: FirstRunForm::default() })
}

pub async fn create(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    first: web::Data<FirstRun>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    guard.take(&req, "first run").await?;
    if !is_open(&guard.db).await? {
        return Err(Error::NotFound);
    }
    let mut form =
        FirstRunForm { username: data.text("username"), name: data.trimmed("full_name"), errors: Errors::default() };
    match check(&mut form, &data, &first) {
        Some(checked) => found(&req, &guard, checked).await,
        None => page(StatusCode::UNPROCESSABLE_ENTITY, &FirstRunPage { layout, form }),
    }
}

/// Creates the first super admin of this user name, name and password, who is signed in at once.
async fn found(
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
    let founder = Actor::arriving(req, Some(new.id), new.username.as_str(), &new.name);
    let mut conn = guard.db.get().await?;
    match queries::create_first(&mut conn, &founder, guard.clock.now(), &new).await {
        Ok(_) => {}
        Err(SaveError::Fault(fault)) => return Err(fault),
        Err(_) => return Err(Error::NotFound),
    }
    begin_session(req, &founder, new.password_hash.as_deref(), SessionReason::FirstRun)?;
    let outcome = Flash::done("You are the first super admin of this Connectory");
    Ok(see_other(req, "/connectors", Some(outcome)))
}

fn check(form: &mut FirstRunForm, data: &FormData, first: &FirstRun) -> Option<(Username, String, String)> {
    if !first.fits(&data.text("code")) {
        form.errors.add("code", "Enter the code that the server printed when it was started last");
    }
    let username = form.errors.keep::<_, UsernameProblem>("username", Username::parse(&form.username));
    let name = form.errors.keep("full_name", parse_own_name(&form.name));
    let password = data.text("password");
    form.errors.keep("password", check_new_password(&password, &form.username, &form.name));
    if form.errors.any() {
        return None;
    }
    Some((username?, name?, password))
}

/// Asked by the sign-in page, which sends the very first visitor here.
pub async fn is_open(db: &Db) -> Result<bool, Error> {
    Ok(!queries::has_super_admin(&mut *db.get().await?).await?)
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
