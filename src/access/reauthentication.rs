//! Asking for the own password again before what a borrowed browser must not do: showing a token, replacing a stored
//! secret, exporting, making a key.
//!
//! Rules: it counts for fifteen minutes, in this session only. Every route that changes something says in the table of
//! routes whether it asks ([`Asks`]); the access check asks, so no handler can forget to. The page carries the fields
//! that were posted and posts them again to the same address, so nothing typed is lost. Where only some of a form needs
//! it, the form shows the kit's `own_password` unless [`RequestContext::is_confirmed`], and its handler calls
//! [`SignInGuard::confirm`]. Danger: secrets must not be among the carried fields; what takes secrets in its form is
//! [`Asks::ByHandler`].

use std::rc::Rc;

use actix_session::SessionExt;
use actix_web::dev::ServiceRequest;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::sessions::CONFIRMED_AT;
use super::{Actor, RequestContext, SignInGuard};
use crate::db::schema::users;
use crate::web::{Error, Errors, FormData, Layout, OWN_PASSWORD, page};

/// How long an entered password counts.
const COUNTS_FOR: TimeDelta = TimeDelta::minutes(15);

/// The message for an empty field.
const MISSING: &str = "Enter your password";

/// The message for people who sign in with the provider alone.
pub const NO_PASSWORD: &str =
    "You have no password here. Confirm on your profile, under the sign-in provider, that it’s you, and come back";

/// Whether a route that changes something asks for the own password again, which counts for 15 minutes in that session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asks {
    /// Every time, before the handler runs. For everything that gives power: rights, accounts, keys, tokens, exports.
    Always,
    /// The handler asks, by [`SignInGuard::confirm`], because only some of what the form can hold needs it; the text
    /// says what.
    ByHandler(&'static str),
    /// Never, for this reason.
    Never(&'static str),
}

/// The page that asks. It holds what was posted.
#[derive(Template)]
#[template(path = "access/reauthentication.html")]
struct ReauthenticationPage<'a> {
    layout: Layout,
    /// The address that was posted to.
    action: &'a str,
    /// What was posted there.
    fields: Vec<(&'a str, &'a str)>,
    errors: Errors,
    /// The person has a password; else they show at the sign-in provider that it is them.
    has_password: bool,
}

/// Lets a request through if the person has entered their own password, in the posted form or a short time before. Else
/// answers with the page that asks for it.
pub async fn ask_again(guard: &SignInGuard, req: &mut ServiceRequest) -> Result<Option<HttpResponse>, Error> {
    let actor = req.extract::<Actor>().await?;
    if counts(actor.confirmed_at, guard.clock.now()) {
        return Ok(None);
    }
    let data = req.extract::<FormData>().await?;
    let refusal = guard.check_entered(req.request(), &actor, &data).await?;
    let Some(refusal) = refusal else {
        let confirmed_at = Some(guard.clock.now());
        let actor = Actor { confirmed_at, ..actor };
        req.extensions_mut().insert(Rc::new(actor));
        // The body has been read: the handler's form is this.
        req.extensions_mut().insert(data);
        return Ok(None);
    };
    let mut errors = Errors::default();
    // The first time there is no mistake to show.
    if data.get(OWN_PASSWORD).is_some() || refusal == NO_PASSWORD {
        errors.add(OWN_PASSWORD, refusal);
    }
    let answer = ReauthenticationPage {
        layout: req.extract::<Layout>().await?,
        action: req.uri().path_and_query().map_or("/", |uri| uri.as_str()),
        fields: data.carried().collect(),
        errors,
        has_password: refusal != NO_PASSWORD,
    };
    page(StatusCode::UNPROCESSABLE_ENTITY, &answer).map(Some)
}

/// Whether a password that was entered then still counts.
pub fn counts(entered: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    entered.is_some_and(|at| now - at < COUNTS_FOR)
}

impl SignInGuard {
    /// Whether the person has entered their own password, now in this form or a short time before; if not, the message
    /// stands in `errors`. Guessing is slowed down as it is at the sign-in.
    pub async fn confirm(&self, context: &RequestContext, data: &FormData, errors: &mut Errors) -> Result<bool, Error> {
        if context.is_confirmed() {
            return Ok(true);
        }
        let refusal = self.check_entered(&context.req, &context.actor, data).await?;
        if let Some(refusal) = refusal {
            errors.add(OWN_PASSWORD, refusal);
        }
        Ok(refusal.is_none())
    }

    /// Why the own password in a form does not count; nothing if it does, which the session then remembers.
    pub async fn check_entered(
        &self,
        req: &HttpRequest,
        actor: &Actor,
        data: &FormData,
    ) -> Result<Option<&'static str>, Error> {
        let password = data.get(OWN_PASSWORD).unwrap_or_default().to_string();
        if password.is_empty() {
            return self.why_not(actor, MISSING).await.map(Some);
        }
        if self.own_password(req, actor, password).await?.is_none() {
            let wrong = "This is not your password";
            return self.why_not(actor, wrong).await.map(Some);
        }
        self.remember(req)?;
        Ok(None)
    }

    /// Why what was entered does not count: people who sign in with the provider alone have nothing to enter.
    async fn why_not(&self, actor: &Actor, otherwise: &'static str) -> Result<&'static str, Error> {
        let row = users::table.filter(users::id.nullable().eq(actor.id));
        let has_password: Option<bool> =
            row.select(users::password_hash.is_not_null()).first(&mut *self.db.get().await?).await.optional()?;
        Ok(match has_password {
            Some(false) => NO_PASSWORD,
            _ => otherwise,
        })
    }

    /// Notes in the session of a request that it is still the same person.
    pub fn remember(&self, req: &HttpRequest) -> Result<(), Error> {
        req.get_session().insert(CONFIRMED_AT, self.clock.now()).map_err(Error::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_counts_for_a_quarter_of_an_hour() {
        let now = DateTime::UNIX_EPOCH;
        assert!(!counts(None, now));
        assert!(counts(Some(now), now));
        assert!(counts(Some(now), now + TimeDelta::seconds(899)));
        assert!(!counts(Some(now), now + TimeDelta::seconds(900)));
    }
}
