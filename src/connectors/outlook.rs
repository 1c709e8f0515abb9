//! What is to be expected of a connector: its health, when that changes by itself, and when its token is to be renewed.
//!
//! A function of stored facts and the time, and the only place that decides any of the three.
//!
//! Rule: only the server's own no (`is_final`) makes a connector that renews its token by itself need a person. Time-outs and
//! faults of the server make it Failing, however many there are.

use chrono::{DateTime, TimeDelta, Utc};

use super::{Grant, Health, Method};

/// A token is renewed this long before it ends, or a tenth of its life if that is less.
const LONGEST_MARGIN: TimeDelta = TimeDelta::minutes(5);

/// A connector counts as in use for this long after a call. One that is not is renewed only so often, so that the server
/// does not forget it and nobody finds a dead one after a holiday.
const IN_USE: TimeDelta = TimeDelta::days(1);

/// Background work fetches no two tokens of a connector closer together than this, however short they live, and a token
/// younger than this is not replaced because the API refuses it: each call would ask for one more.
const YOUNG: TimeDelta = TimeDelta::minutes(1);

/// What the outlook follows from.
pub struct Facts {
    pub enabled: bool,
    pub method: Method,
    /// The password or API key of the method is set.
    pub has_secret: bool,
    pub token: Option<TokenTimes>,
    /// A sign-in or refresh token is stored with which a new token can be fetched without a person.
    pub renewable: bool,
    pub renewal: RenewalFacts,
    /// The API has failed too often and is left alone for a while.
    pub is_left_alone: bool,
}

/// What is known of the last tries to renew the token.
#[derive(Default)]
pub struct RenewalFacts {
    /// Failed tries since the last token came.
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
pub struct Outlook {
    pub health: Health,
    /// When the health is another one if nothing happens but time.
    pub changes_at: Option<DateTime<Utc>>,
    /// When background work is to renew the token.
    pub renew_at: Option<DateTime<Utc>>,
}

impl Outlook {
    /// The outlook at `now`.
    pub fn of(facts: &Facts, now: DateTime<Utc>) -> Outlook {
        let (health, changes_at) = facts.health(now);
        Outlook {
            health,
            changes_at,
            renew_at: facts.renew_at(now),
        }
    }
}

impl Facts {
    fn health(&self, now: DateTime<Utc>) -> (Health, Option<DateTime<Utc>>) {
        if !self.enabled {
            return (Health::Disabled, None);
        }
        let (health, changes_at) = self.sign_in_health(now);
        // What a person must do comes before what passes by itself.
        match health {
            Health::Healthy | Health::Expiring if self.is_left_alone => {
                (Health::Failing, changes_at)
            }
            health => (health, changes_at),
        }
    }

    /// The health as far as signing in goes.
    fn sign_in_health(&self, now: DateTime<Utc>) -> (Health, Option<DateTime<Utc>>) {
        let steady = match (self.method, &self.token) {
            (Method::NoAuth, _) => Health::Healthy,
            (Method::Basic | Method::ApiKey, _) if self.has_secret => Health::Healthy,
            (Method::Basic | Method::ApiKey, _) | (_, None) => Health::NotAuthorized,
            (_, Some(_)) if self.renewal.is_final => Health::NeedsReauthorization,
            (_, Some(_)) if self.renewal.failures > 0 => Health::Failing,
            (_, Some(_)) if self.renewable => Health::Healthy,
            (_, Some(token)) => return token.health(now),
        };
        (steady, None)
    }

    fn renew_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let token = self.token.as_ref()?;
        if !self.enabled || !self.renewable || self.renewal.is_final {
            return None;
        }
        if self.renewal.failures > 0 {
            return self.renewal.next_attempt_at;
        }
        let early = token.renew_from()?;
        let used = self.renewal.last_used_at.unwrap_or(token.obtained_at);
        let pause = if is_idle(used, now) { IN_USE } else { YOUNG };
        Some(early.max(token.obtained_at + pause))
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

    /// Whether a call that takes this long may use the token. Half a life is enough for any, or else each call would fetch a
    /// new token where they live shorter than calls want.
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

    /// The health of a connector whose token nobody renews.
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

    /// How long before its end a token that nobody renews is called expiring: a tenth of its life,
    /// but at least five minutes and at most a week.
    fn notice(&self, expires: DateTime<Utc>) -> TimeDelta {
        ((expires - self.obtained_at) / 10).clamp(TimeDelta::minutes(5), TimeDelta::weeks(1))
    }
}

impl Method {
    /// Whether a stored sign-in alone fetches new tokens, without a refresh token.
    pub fn signs_in_by_itself(self) -> bool {
        matches!(
            self,
            Method::OAuth(Grant::ClientCredentials | Grant::Password)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn minute(minutes: i64) -> DateTime<Utc> {
        START + TimeDelta::minutes(minutes)
    }

    /// A connector with a token obtained at the start that lives an hour.
    fn facts(method: Method, renewable: bool) -> Facts {
        Facts {
            enabled: true,
            method,
            has_secret: false,
            token: Some(TokenTimes {
                obtained_at: START,
                expires_at: Some(minute(60)),
            }),
            renewable,
            renewal: RenewalFacts::default(),
            is_left_alone: false,
        }
    }

    fn health(facts: &Facts, minutes: i64) -> Health {
        Outlook::of(facts, minute(minutes)).health
    }

    const CODE: Method = Method::OAuth(Grant::AuthorizationCode);

    #[test]
    fn a_token_that_nobody_renews_goes_from_healthy_over_expiring_to_its_end() {
        for method in [Method::Bearer, Method::OAuth(Grant::Implicit), CODE] {
            let facts = facts(method, false);
            let at = |minutes| Outlook::of(&facts, minute(minutes));
            let outlook = |health, changes_at| Outlook {
                health,
                changes_at,
                renew_at: None,
            };
            assert_eq!(at(0), outlook(Health::Healthy, Some(minute(54))));
            assert_eq!(at(54), outlook(Health::Expiring, Some(minute(60))));
            assert_eq!(at(60), outlook(Health::NeedsReauthorization, None));
        }
    }

    #[test]
    fn a_token_without_an_end_stays_healthy_and_is_not_renewed_early() {
        let mut facts = facts(CODE, true);
        facts.token = Some(TokenTimes {
            obtained_at: START,
            expires_at: None,
        });
        let later = Outlook::of(&facts, minute(600_000));
        assert_eq!((later.health, later.renew_at), (Health::Healthy, None));
    }

    #[test]
    fn a_renewable_token_stays_healthy_and_is_renewed_before_its_end() {
        let facts = facts(CODE, true);
        for minutes in [0, 54, 56, 60, 6_000] {
            assert_eq!(health(&facts, minutes), Health::Healthy);
        }
        let renew_at = |life: i64| {
            let times = TokenTimes {
                obtained_at: START,
                expires_at: Some(minute(life)),
            };
            times.renew_from()
        };
        // Five minutes, or a tenth of a shorter life.
        assert_eq!(renew_at(60), Some(minute(55)));
        assert_eq!(renew_at(600), Some(minute(595)));
        assert_eq!(renew_at(10), Some(minute(9)));
        assert_eq!(renew_at(-10), None, "it was old when it came");
    }

    #[test]
    fn background_work_renews_no_more_than_once_a_minute() {
        let mut facts = facts(CODE, true);
        facts.token = Some(TokenTimes {
            obtained_at: START,
            expires_at: Some(START + TimeDelta::seconds(2)),
        });
        assert_eq!(Outlook::of(&facts, START).renew_at, Some(minute(1)));
    }

    #[test]
    fn a_token_serves_calls_that_it_outlives() {
        let cases = [
            // life, age, wanted, serves: in seconds
            (Some(3600), 0, 0, true),
            (Some(3600), 3599, 0, true),
            (Some(3600), 3600, 0, false),
            (Some(3600), 3000, 600, true),
            (Some(3600), 3001, 600, false),
            // Longer than it lives from the start: the first half of its life does.
            (Some(60), 30, 600, true),
            (Some(60), 31, 600, false),
            (None, 1_000_000, 600, true),
            // Over when it came.
            (Some(-60), 59, 0, true),
            (Some(-60), 60, 0, false),
            (Some(0), 0, 600, true),
        ];
        for (life, age, wanted, serves) in cases {
            let times = TokenTimes {
                obtained_at: START,
                expires_at: life.map(|life| START + TimeDelta::seconds(life)),
            };
            let now = START + TimeDelta::seconds(age);
            let wanted = TimeDelta::seconds(wanted);
            let found = times.serves(wanted, now);
            assert_eq!(found, serves, "{life:?} {age} {wanted}");
            let until = times.serves_until(wanted);
            assert!(until.is_none_or(|until| (now <= until) == serves || now == until));
        }
    }

    #[test]
    fn a_token_is_young_for_a_minute_on_every_clock() {
        let times = TokenTimes {
            obtained_at: minute(60),
            expires_at: None,
        };
        for (minutes, young) in [(0, false), (59, false), (60, true), (61, false)] {
            assert_eq!(times.is_young(minute(minutes)), young, "{minutes}");
        }
        assert!(times.is_young(minute(60) - TimeDelta::seconds(3)));
    }

    #[test]
    fn an_idle_connector_is_renewed_once_a_day() {
        let mut facts = facts(CODE, true);
        let day = 24 * 60;
        let at = |facts: &Facts, minutes| Outlook::of(facts, minute(minutes)).renew_at;
        assert_eq!(at(&facts, 10), Some(minute(55)), "authorized just now");
        assert_eq!(at(&facts, day + 1), Some(minute(day)), "a day later");
        facts.renewal.last_used_at = Some(minute(day - 30));
        assert_eq!(at(&facts, day + 1), Some(minute(55)), "in use again");
    }

    #[test]
    fn failures_of_the_moment_make_it_failing_however_many_and_the_servers_no_needs_a_person() {
        for method in [Method::Bearer, CODE, Method::OAuth(Grant::Password)] {
            let mut facts = facts(method, true);
            facts.renewal.failures = 1;
            facts.renewal.next_attempt_at = Some(minute(57));
            let failing = Outlook::of(&facts, minute(56));
            assert_eq!(failing.health, Health::Failing);
            assert_eq!(failing.renew_at, Some(minute(57)));
            facts.renewal.failures = 10_000;
            assert_eq!(health(&facts, 60_000), Health::Failing);
            facts.renewal.is_final = true;
            let refused = Outlook::of(&facts, minute(56));
            assert_eq!(refused.health, Health::NeedsReauthorization);
            assert_eq!(refused.renew_at, None);
            facts.renewal = RenewalFacts::default();
            assert_eq!(health(&facts, 57), Health::Healthy, "a token came");
        }
    }

    #[test]
    fn an_api_that_is_left_alone_makes_it_failing_unless_a_person_is_needed() {
        let mut facts = facts(Method::Bearer, false);
        facts.is_left_alone = true;
        let at = |minutes| Outlook::of(&facts, minute(minutes));
        assert_eq!(at(0).health, Health::Failing);
        assert_eq!(at(0).changes_at, Some(minute(54)), "as without it");
        assert_eq!(at(55).health, Health::Failing);
        assert_eq!(at(60).health, Health::NeedsReauthorization);
        let mut facts = facts;
        facts.token = None;
        assert_eq!(health(&facts, 0), Health::NotAuthorized);
        facts.method = Method::NoAuth;
        assert_eq!(health(&facts, 0), Health::Failing);
        facts.enabled = false;
        assert_eq!(health(&facts, 0), Health::Disabled);
    }

    #[test]
    fn without_what_signs_in_it_is_not_authorized() {
        for (method, has_secret, expected) in [
            (Method::NoAuth, false, Health::Healthy),
            (Method::Basic, false, Health::NotAuthorized),
            (Method::Basic, true, Health::Healthy),
            (Method::ApiKey, false, Health::NotAuthorized),
            (Method::ApiKey, true, Health::Healthy),
            (Method::Bearer, false, Health::NotAuthorized),
            (CODE, true, Health::NotAuthorized),
            (
                Method::OAuth(Grant::ClientCredentials),
                true,
                Health::NotAuthorized,
            ),
            (Method::OAuth(Grant::Password), true, Health::NotAuthorized),
            (Method::OAuth(Grant::Implicit), false, Health::NotAuthorized),
        ] {
            let facts = Facts {
                has_secret,
                token: None,
                ..facts(method, false)
            };
            assert_eq!(health(&facts, 0), expected, "{method:?}");
        }
    }

    #[test]
    fn switched_off_it_is_disabled_and_left_alone() {
        let mut facts = facts(CODE, true);
        facts.renewal.is_final = true;
        facts.enabled = false;
        assert_eq!(
            Outlook::of(&facts, minute(60)),
            Outlook {
                health: Health::Disabled,
                changes_at: None,
                renew_at: None
            }
        );
    }
}
