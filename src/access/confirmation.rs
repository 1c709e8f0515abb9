//! The own password, asked for again before what a borrowed browser must not do: showing a token, replacing a stored
//! secret, exporting, making a key.
//!
//! Rule: it counts for fifteen minutes, in this session only. A form that needs it shows [`password_again`] unless
//! [`Visit::is_confirmed`], so nothing typed is lost on the way through another page.

use actix_web::HttpRequest;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::{Actor, SignInGuard, Visit};
use crate::db::schema::{sessions, users};
use crate::web::{Error, Errors, FormData, TextField};

/// How long an entered password counts.
const COUNTS_FOR: TimeDelta = TimeDelta::minutes(15);

/// The field that asks for it, whatever the form is: no form may send it on.
pub const OWN_PASSWORD: &str = "own_password";

/// The field for the own password, with its message if the form was refused.
pub fn password_again(errors: &Errors) -> TextField {
    TextField::secret(OWN_PASSWORD, "Your own password")
        .autocomplete("current-password")
        .errors(errors)
}

/// Whether a password that was entered then still counts.
pub(super) fn counts(entered: Option<DateTime<Utc>>, now: DateTime<Utc>) -> bool {
    entered.is_some_and(|at| now - at < COUNTS_FOR)
}

impl SignInGuard {
    /// Whether the person has entered their own password, now in this form or a short time before; if not, the message stands
    /// in `errors`. Guessing is slowed down as it is at the sign-in.
    pub async fn confirm(
        &self,
        visit: &Visit,
        data: &FormData,
        errors: &mut Errors,
    ) -> Result<bool, Error> {
        if visit.is_confirmed() {
            return Ok(true);
        }
        let password = data.get(OWN_PASSWORD).unwrap_or_default().to_string();
        if password.is_empty() {
            errors.add(OWN_PASSWORD, "Enter your own password");
            return Ok(false);
        }
        let fits = self.own_password(&visit.req, &visit.actor, password);
        if fits.await?.is_none() {
            errors.add(OWN_PASSWORD, self.why_not(&visit.actor).await?);
            return Ok(false);
        }
        self.remember(&visit.req).await?;
        Ok(true)
    }

    /// Why what was entered does not count: somebody who signs in with the provider alone has nothing to enter.
    async fn why_not(&self, actor: &Actor) -> Result<&'static str, Error> {
        let row = users::table.filter(users::id.nullable().eq(actor.id));
        let has_password: Option<bool> = row
            .select(users::password_hash.is_not_null())
            .first(&mut *self.db.get().await?)
            .await
            .optional()?;
        Ok(match has_password {
            Some(false) => {
                "You have no password here. Show on your profile, under the sign-in provider, that it is you, and come back"
            }
            _ => "This is not your password",
        })
    }

    /// Notes in the session of a request that it is still the same person. An UPDATE: a session that was ended meanwhile
    /// stays ended.
    pub async fn remember(&self, req: &HttpRequest) -> Result<(), Error> {
        let Some(token) = self.cookies.token(req) else {
            return Ok(());
        };
        let session = sessions::table.filter(sessions::id_hash.eq(token.hash().to_vec()));
        diesel::update(session)
            .set(sessions::confirmed_at.eq(self.clock.now()))
            .execute(&mut *self.db.get().await?)
            .await?;
        Ok(())
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
