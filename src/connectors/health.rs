//! The health of a connector: one word for whether calls through it work, when that changes by itself, and when its token
//! is to be renewed.
//!
//! What calls and tests say is in [`super::evidence`], with the table of what counts.
//!
//! Health and forecast are a function of stored facts and the time, and this is the only place that decides them. The
//! word is stored with the connector, so that the list can sort and filter by it; whatever changes a fact recomputes it
//! in its transaction, and a job does so when only time has passed.
//!
//! Rule: only the server's own refusal (`is_final`) makes a connector that renews its token by itself need a person.
//! Time-outs and faults of the server make it Failing, however many there are. Healthy is said only on evidence: a token
//! that was issued, or a call or test that the API took.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use super::{Evidence, Grant, Method};
use crate::db::text_enum;

text_enum! {
    /// The words, with their codes in the order of the labels.
    pub enum Health {
        Disabled = "disabled", "Disabled";
        Expiring = "expiring", "Expiring";
        Failing = "failing", "Failing";
        Healthy = "healthy", "Healthy";
        NeedsReauthorization = "needs_reauthorization", "Needs re-authorization";
        NotAuthorized = "not_authorized", "Not authorized";
        NotTested = "not_tested", "Not tested yet";
        Refused = "refused", "Refused";
    }
}

/// A token is renewed this long before it ends, or a tenth of its life if that is less.
const LONGEST_MARGIN: TimeDelta = TimeDelta::minutes(5);

/// A connector counts as in use for this long after a call. One that is not is renewed only so often, so that the
/// server does not forget it and it still works after a holiday.
const IN_USE: TimeDelta = TimeDelta::days(1);

/// Background work fetches no two tokens of a connector closer together than this, however short they live, and a token
/// younger than this is not replaced because the API refuses it: each call would ask for one more.
const YOUNG: TimeDelta = TimeDelta::minutes(1);

/// What the forecast follows from.
pub struct Facts {
    pub enabled: bool,
    pub method: Method,
    /// The password or API key of the method is set.
    pub has_secret: bool,
    pub token: Option<TokenTimes>,
    /// When the refresh token ends that renews it, and since when that is known; none if a sign-in renews it.
    pub refresh: Option<TokenTimes>,
    /// A sign-in or refresh token is stored with which a new token can be fetched without a person.
    pub renewable: bool,
    pub renewal: RenewalFacts,
    /// The API has failed too often and is left alone for a while.
    pub is_left_alone: bool,
    /// What calls, tests and tokens have shown.
    pub evidence: Evidence,
}

/// What is known of the last attempts to renew the token.
#[derive(Queryable, Default)]
pub struct RenewalFacts {
    /// Failed attempts since the last token came.
    pub failures: i32,
    /// The last failure was the server's no.
    pub is_final: bool,
    pub next_attempt_at: Option<DateTime<Utc>>,
    /// When a call last wanted the token.
    pub last_used_at: Option<DateTime<Utc>>,
}

/// When a token was obtained and when it ends, if it says so.
pub struct TokenTimes {
    pub obtained_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

/// What follows.
#[derive(PartialEq, Eq, Debug)]
pub struct HealthForecast {
    pub health: Health,
    /// When the health is another one if nothing happens but time.
    pub changes_at: Option<DateTime<Utc>>,
    /// When background work is to renew the token.
    pub renew_at: Option<DateTime<Utc>>,
}

impl HealthForecast {
    /// The forecast at `now`.
    pub fn of(facts: &Facts, now: DateTime<Utc>) -> HealthForecast {
        let (health, changes_at) = facts.health(now);
        HealthForecast { health, changes_at, renew_at: facts.renew_at(now) }
    }
}

impl Facts {
    fn health(&self, now: DateTime<Utc>) -> (Health, Option<DateTime<Utc>>) {
        if !self.enabled {
            return (Health::Disabled, None);
        }
        let (health, changes_at) = self.sign_in_health(now);
        let of_api = if self.is_left_alone { Health::Failing } else { self.evidence.health() };
        let health = match (health, of_api) {
            (Health::Healthy, of_api) => of_api,
            (Health::Expiring, of_api @ (Health::Refused | Health::Failing)) => of_api,
            (health, _) => health,
        };
        (health, changes_at)
    }

    /// The health as far as signing in goes: Healthy where a credential is there.
    fn sign_in_health(&self, now: DateTime<Utc>) -> (Health, Option<DateTime<Utc>>) {
        let steady = match (self.method, &self.token) {
            (Method::NoAuth, _) => Health::Healthy,
            (method, _) if method.call_secret().is_some() => match self.has_secret {
                true => Health::Healthy,
                false => Health::NotAuthorized,
            },
            (_, None) => Health::NotAuthorized,
            (_, Some(_)) if self.renewal.is_final => Health::NeedsReauthorization,
            (_, Some(_)) if self.renewal.failures > 0 => Health::Failing,
            (_, Some(token)) if self.renewable => return self.renewable_health(token, now),
            (_, Some(token)) => return token.health(now),
        };
        (steady, None)
    }

    /// A person is needed before the refresh token ends. Until the access token has ended too, calls work.
    fn renewable_health(&self, token: &TokenTimes, now: DateTime<Utc>) -> (Health, Option<DateTime<Utc>>) {
        match self.refresh.as_ref().map(|refresh| refresh.health(now)) {
            None => (Health::Healthy, None),
            Some((Health::NeedsReauthorization, _)) => match token.health(now) {
                (Health::Healthy, changes_at) => (Health::Expiring, changes_at),
                other => other,
            },
            Some(other) => other,
        }
    }

    fn renew_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        if !self.enabled || !self.renewable || self.renewal.is_final {
            return None;
        }
        // Also for the first token, which a person has asked for.
        if self.renewal.failures > 0 {
            return self.renewal.next_attempt_at;
        }
        let token = self.token.as_ref()?;
        let early = token.renew_from()?;
        let used = self.renewal.last_used_at.unwrap_or(token.obtained_at);
        let pause = if is_idle(used, now) { IN_USE } else { YOUNG };
        let due = early.max(token.obtained_at + pause);
        // A server that gives a new refresh token with each renewal gives none after the end of the last.
        let last = self.refresh.as_ref().and_then(TokenTimes::renew_from).filter(|last| *last > token.obtained_at);
        Some(last.map_or(due, |last| due.min(last.max(token.obtained_at + YOUNG))))
    }
}

/// Whether a connector that was last used then is idle by now: its token is not renewed as it ends, but once a day.
pub fn is_idle(last_used_at: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    now - last_used_at > IN_USE
}

impl TokenTimes {
    /// From when on the token is renewed; never, if it does not say when it ends.
    pub fn renew_from(&self) -> Option<DateTime<Utc>> {
        let (expires, life) = (self.expires_at?, self.life()?);
        Some(expires - (life / 10).min(LONGEST_MARGIN))
    }

    /// Whether a call that takes this long may use the token. Half a life is enough for any, or else each call would
    /// fetch a new token where they live shorter than calls want.
    pub fn serves(&self, min_ttl: TimeDelta, now: DateTime<Utc>) -> bool {
        match (self.expires_at, self.life()) {
            (None, _) => true,
            (Some(expires), Some(life)) => expires > now && expires - now >= min_ttl.min(life / 2),
            (Some(_), None) => self.is_young(now),
        }
    }

    /// Until when [`Self::serves`] such calls; `None` for ever.
    pub fn serves_until(&self, min_ttl: TimeDelta) -> Option<DateTime<Utc>> {
        let expires = self.expires_at?;
        Some(match self.life() {
            Some(life) => expires - min_ttl.min(life / 2),
            None => self.obtained_at + YOUNG,
        })
    }

    /// Whether the token has just come. By the amount, because another instance's clock may be a little ahead.
    pub fn is_young(&self, now: DateTime<Utc>) -> bool {
        (now - self.obtained_at).abs() < YOUNG
    }

    /// How long the token lives, if it says so. One that was over when it came says nothing: some clock is wrong.
    fn life(&self) -> Option<TimeDelta> {
        let life = self.expires_at? - self.obtained_at;
        Some(life).filter(|life| *life > TimeDelta::zero())
    }

    /// The health of a connector whose token is not renewed.
    fn health(&self, now: DateTime<Utc>) -> (Health, Option<DateTime<Utc>>) {
        let Some(expires) = self.expires_at else {
            return (Health::Healthy, None);
        };
        let warn_from = expires - self.notice(expires);
        match now {
            _ if now >= expires => (Health::NeedsReauthorization, None),
            _ if now >= warn_from => (Health::Expiring, Some(expires)),
            _ => (Health::Healthy, Some(warn_from)),
        }
    }

    /// How long before its end a token that is not renewed is called expiring: a tenth of its life,
    /// but at least five minutes and at most a week.
    fn notice(&self, expires: DateTime<Utc>) -> TimeDelta {
        ((expires - self.obtained_at) / 10).clamp(TimeDelta::minutes(5), TimeDelta::weeks(1))
    }
}

impl Method {
    /// Whether a stored sign-in alone fetches new tokens, without a refresh token.
    pub fn signs_in_by_itself(self) -> bool {
        matches!(self, Method::Login | Method::OAuth(Grant::ClientCredentials | Grant::Password | Grant::JwtBearer))
    }

    /// Whether a new token can be had without a person. `keep_fresh` is what a person chose for a bearer token.
    pub fn is_renewable(self, keep_fresh: bool, has_refresh_token: bool) -> bool {
        match self {
            Method::Bearer => keep_fresh,
            Method::Login => true,
            Method::OAuth(_) => self.signs_in_by_itself() || has_refresh_token,
            Method::NoAuth | Method::Basic | Method::ApiKey | Method::Digest | Method::AwsSignature => false,
        }
    }
}

#[cfg(test)]
mod tests;
