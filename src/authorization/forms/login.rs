//! Login requests in the tab's form: their fields, and what these accept.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use super::{Check, change_of, label};
use crate::authorization::login::{LoginBody, LoginBodyKind, LoginOptions, PASSWORD, USER};
use crate::authorization::secret_field::SecretChange;
use crate::connectors::SecretField;
use crate::template::HttpMethod;

/// The longest body and list of headers, in characters.
const LONGEST: usize = 20_000;

/// The longest lifetime that can be set: a year, in minutes.
const LONGEST_LIFETIME: i32 = 525_600;

/// The fields as they were typed.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoginFields {
    pub login_method: String,
    pub login_url: String,
    pub login_user: String,
    pub login_body_kind: String,
    pub login_body: String,
    pub login_headers: String,
    pub login_token: String,
    pub login_minutes: String,
}

impl LoginFields {
    /// The fields where nothing was set.
    pub fn usual() -> LoginFields {
        LoginFields::of(&LoginOptions::default())
    }

    /// What is stored, as the form shows it.
    pub fn of(login: &LoginOptions) -> LoginFields {
        LoginFields {
            login_method: login.method.code().into(),
            login_url: login.url.text().into(),
            login_user: login.user.clone(),
            login_body_kind: login.body.kind().code().into(),
            login_body: login.body.text().into(),
            login_headers: login.headers.text().into(),
            login_token: login.location.text().into(),
            login_minutes: login.minutes.map(|minutes| minutes.to_string()).unwrap_or_default(),
        }
    }

    /// The fields with their labels.
    pub fn labelled(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HTTP method", label(&self.login_method, HttpMethod::label).to_string()),
            ("URL of the login request", self.login_url.clone()),
            ("User of the login request", self.login_user.clone()),
            ("Body of the login request", label(&self.login_body_kind, LoginBodyKind::label).to_string()),
            ("Text of the body", self.login_body.clone()),
            ("Headers of the login request", self.login_headers.clone()),
            ("Where the token is in the response to the login", self.login_token.clone()),
            ("Lifetime in minutes", self.login_minutes.clone()),
        ]
    }
}

impl Check<'_> {
    /// The request as typed. What is wrong stands in the errors, and is as usual in the request.
    pub(super) fn login(&mut self) -> LoginOptions {
        let typed = &self.stored.form.fields.login;
        let method = HttpMethod::parse(&typed.login_method).filter(|method| METHODS.contains(method));
        let method = self.errors.keep("login_method", method.ok_or("Choose an HTTP method"));
        let kind = LoginBodyKind::parse(&typed.login_body_kind).ok_or("Choose a body");
        let kind = self.errors.keep("login_body_kind", kind).unwrap_or_default();
        if method == Some(HttpMethod::Get) && kind != LoginBodyKind::None {
            self.errors.add("login_body_kind", "A GET has no body. Choose None, or another HTTP method");
        }
        if typed.login_url.is_empty() {
            self.errors.add("login_url", "Enter the URL");
        }
        for (name, label, text) in
            [("login_body", "Body", &typed.login_body), ("login_headers", "Headers", &typed.login_headers)]
        {
            if text.chars().count() > LONGEST {
                self.errors.add(name, format!("{label} must be 20,000 characters or fewer"));
            }
        }
        let url = typed.login_url.parse().map_err(|problem| format!("{problem}"));
        let headers = typed.login_headers.parse().map_err(|problem| format!("{problem}"));
        let message = "Lifetime must be a whole number of minutes, from 1 to 525600 (a year)";
        let minutes = self.number("login_minutes", &typed.login_minutes, LONGEST_LIFETIME, message);
        let login = LoginOptions {
            method: method.unwrap_or(HttpMethod::Post),
            url: self.errors.keep("login_url", url).unwrap_or_default(),
            user: self.line("login_user", "User", &typed.login_user, false),
            body: self.errors.keep("login_body", LoginBody::parse(kind, &typed.login_body)).unwrap_or_default(),
            headers: self.errors.keep("login_headers", headers).unwrap_or_default(),
            location: self.parsed("login_token", "JSON Pointer", &typed.login_token),
            minutes: minutes.and_then(|minutes| NonZeroU32::new(minutes.get())),
        };
        if login.variables().contains(&USER) && login.user.is_empty() {
            self.errors.add("login_user", "Enter the user, who stands in the request as {{user}}");
        }
        login
    }

    /// A password that stands in the request must be there.
    pub(super) fn check_login_password(&mut self, login: &LoginOptions, secrets: &[(SecretField, SecretChange)]) {
        let field = SecretField::LoginPassword;
        let is_there = match change_of(secrets, field) {
            SecretChange::Keep => self.stored.sealed.has(field),
            SecretChange::Replace(_) => true,
            SecretChange::Remove => false,
        };
        if login.variables().contains(&PASSWORD) && !is_there && !self.errors.has(field.code()) {
            self.errors.add(field.code(), "Enter the password, which stands in the request as {{password}}");
        }
    }
}

/// The methods that can log in.
pub(in crate::authorization) const METHODS: [HttpMethod; 4] =
    [HttpMethod::Post, HttpMethod::Get, HttpMethod::Put, HttpMethod::Patch];
