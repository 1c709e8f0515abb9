//! The health of a connector: one word for whether calls through it can be authorized, and until when.
//!
//! It is a function of stored facts and the time. The word is stored with the connector, so that the list can sort and
//! filter by it; whatever changes a fact recomputes it in its transaction, and a job does so when only time has passed.

use chrono::{DateTime, TimeDelta, Utc};

use super::Method;

/// The words, with their codes in the order of the labels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Health {
    Disabled,
    Expiring,
    Failing,
    Healthy,
    NeedsReauthorization,
    NotAuthorized,
}

impl Health {
    pub const ALL: [Health; 6] = [
        Health::Disabled,
        Health::Expiring,
        Health::Failing,
        Health::Healthy,
        Health::NeedsReauthorization,
        Health::NotAuthorized,
    ];

    pub fn parse(code: &str) -> Option<Health> {
        Health::ALL.into_iter().find(|health| health.code() == code)
    }

    pub fn code(self) -> &'static str {
        match self {
            Health::Disabled => "disabled",
            Health::Expiring => "expiring",
            Health::Failing => "failing",
            Health::Healthy => "healthy",
            Health::NeedsReauthorization => "needs_reauthorization",
            Health::NotAuthorized => "not_authorized",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Health::Disabled => "Disabled",
            Health::Expiring => "Expiring",
            Health::Failing => "Failing",
            Health::Healthy => "Healthy",
            Health::NeedsReauthorization => "Needs re-authorization",
            Health::NotAuthorized => "Not authorized",
        }
    }

    /// The health that follows from the facts, and when it next changes if nobody does anything.
    pub fn of(facts: &HealthFacts, now: DateTime<Utc>) -> (Health, Option<DateTime<Utc>>) {
        if !facts.enabled {
            return (Health::Disabled, None);
        }
        match facts.method {
            Method::NoAuth => (Health::Healthy, None),
            Method::Basic | Method::ApiKey if facts.has_secret => (Health::Healthy, None),
            Method::Basic | Method::ApiKey => (Health::NotAuthorized, None),
            Method::Bearer | Method::OAuth(_) => match &facts.token {
                None => (Health::NotAuthorized, None),
                Some(_) if facts.kept_fresh => (Health::Healthy, None),
                Some(token) => token.health(now),
            },
        }
    }
}

/// What health follows from.
pub struct HealthFacts {
    pub enabled: bool,
    pub method: Method,
    /// The password or API key of the method is set.
    pub has_secret: bool,
    pub token: Option<TokenTimes>,
    /// A new token is fetched when this one ends.
    pub kept_fresh: bool,
}

/// When a token was obtained and when it ends, if it says so.
pub struct TokenTimes {
    pub obtained_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl TokenTimes {
    fn health(&self, now: DateTime<Utc>) -> (Health, Option<DateTime<Utc>>) {
        let Some(expires) = self.expires_at else {
            return (Health::Healthy, None);
        };
        let warn_from = expires - self.notice();
        match now {
            _ if now >= expires => (Health::NeedsReauthorization, None),
            _ if now >= warn_from => (Health::Expiring, Some(expires)),
            _ => (Health::Healthy, Some(warn_from)),
        }
    }

    /// How long before its end a token that nobody renews is called expiring: a tenth of its life,
    /// but at least five minutes and at most a week.
    fn notice(&self) -> TimeDelta {
        let life = self
            .expires_at
            .map_or(TimeDelta::zero(), |expires| expires - self.obtained_at);
        (life / 10).clamp(TimeDelta::minutes(5), TimeDelta::weeks(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(expires_in: Option<TimeDelta>, kept_fresh: bool) -> HealthFacts {
        let obtained_at = DateTime::UNIX_EPOCH;
        let token = TokenTimes {
            obtained_at,
            expires_at: expires_in.map(|life| obtained_at + life),
        };
        HealthFacts {
            enabled: true,
            method: Method::Bearer,
            has_secret: false,
            token: Some(token),
            kept_fresh,
        }
    }

    #[test]
    fn a_token_goes_from_healthy_over_expiring_to_its_end() {
        let facts = bearer(Some(TimeDelta::hours(1)), false);
        let at = |minutes| Health::of(&facts, DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes));
        let minute = |minutes| Some(DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes));
        assert_eq!(at(0), (Health::Healthy, minute(54)));
        assert_eq!(at(54), (Health::Expiring, minute(60)));
        assert_eq!(at(60), (Health::NeedsReauthorization, None));
    }

    #[test]
    fn a_token_without_an_end_or_kept_fresh_stays_healthy() {
        let later = DateTime::UNIX_EPOCH + TimeDelta::days(400);
        assert_eq!(
            Health::of(&bearer(None, false), later),
            (Health::Healthy, None)
        );
        assert_eq!(
            Health::of(&bearer(Some(TimeDelta::hours(1)), true), later),
            (Health::Healthy, None)
        );
    }

    #[test]
    fn without_its_secret_a_connector_is_not_authorized_and_switched_off_it_is_disabled() {
        let mut facts = HealthFacts {
            enabled: true,
            method: Method::Basic,
            has_secret: false,
            token: None,
            kept_fresh: false,
        };
        assert_eq!(
            Health::of(&facts, DateTime::UNIX_EPOCH).0,
            Health::NotAuthorized
        );
        facts.enabled = false;
        assert_eq!(Health::of(&facts, DateTime::UNIX_EPOCH).0, Health::Disabled);
        facts = HealthFacts {
            enabled: true,
            method: Method::NoAuth,
            ..facts
        };
        assert_eq!(Health::of(&facts, DateTime::UNIX_EPOCH).0, Health::Healthy);
    }
}
