//! The own password, asked for again before what a borrowed browser must not do: showing a token, replacing a stored
//! secret, exporting, making a key.
//!
//! Rule: it counts for fifteen minutes, in this session only. Which routes ask stands in the table of routes
//! ([`super::Asks`]). Where only some of a form needs it, the form shows [`password_again`] unless
//! [`RequestContext::is_confirmed`], and its handler calls [`SignInGuard::confirm`].

use actix_session::SessionExt;
use actix_web::HttpRequest;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::sessions::CONFIRMED_AT;
use super::{Actor, RequestContext, SignInGuard};
use crate::db::schema::users;
use crate::web::{Error, Errors, FormData, OWN_PASSWORD, TextField};

/// How long an entered password counts.
const COUNTS_FOR: TimeDelta = TimeDelta::minutes(15);

/// Said to somebody who has entered nothing.
const MISSING: &str = "Enter your own password";

/// Said to somebody who signs in with the provider alone.
pub(super) const NO_PASSWORD: &str =
    "You have no password here. Show on your profile, under the sign-in provider, that it is you, and come back";

/// The field for the own password, with its message if the form was refused.
pub fn password_again(errors: &Errors) -> TextField {
    TextField::secret(OWN_PASSWORD, "Your own password").autocomplete("current-password").errors(errors)
}

/// Whether a password that was entered then still counts.
pub(super) fn counts(entered: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
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
    pub(super) async fn check_entered(
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

    /// Why what was entered does not count: somebody who signs in with the provider alone has nothing to enter.
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
