//! Every edge of the health, with the time moved by hand.

use super::*;
use crate::connectors::{ApiOutcome, Observation};

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
        token: Some(TokenTimes { obtained_at: START, expires_at: Some(minute(60)) }),
        refresh: None,
        renewable,
        renewal: RenewalFacts::default(),
        is_left_alone: false,
        evidence: issued(),
    }
}

/// What a token has shown that a server has issued.
fn issued() -> Evidence {
    let mut known = Evidence::default();
    known.issue(START);
    known
}

/// What a call has shown; `None` without one.
fn called(outcome: Option<ApiOutcome>) -> Evidence {
    let mut known = Evidence::default();
    if let Some(outcome) = outcome {
        let (target, message, server_words) = (String::new(), String::new(), String::new());
        known.add(&Observation {
            outcome,
            at: START,
            signed_at: START,
            is_fresh_token: false,
            target,
            message,
            server_words,
        });
    }
    known
}

fn health(facts: &Facts, minutes: i64) -> Health {
    HealthForecast::of(facts, minute(minutes)).health
}

const CODE: Method = Method::OAuth(Grant::AuthorizationCode);

#[test]
fn a_token_that_nobody_renews_goes_from_healthy_over_expiring_to_its_end() {
    for method in [Method::Bearer, Method::OAuth(Grant::Implicit), CODE] {
        let facts = facts(method, false);
        let at = |minutes| HealthForecast::of(&facts, minute(minutes));
        let forecast = |health, changes_at| HealthForecast { health, changes_at, renew_at: None };
        assert_eq!(at(0), forecast(Health::Healthy, Some(minute(54))));
        assert_eq!(at(54), forecast(Health::Expiring, Some(minute(60))));
        assert_eq!(at(60), forecast(Health::NeedsReauthorization, None));
    }
}

#[test]
fn a_token_without_an_end_stays_healthy_and_is_not_renewed_early() {
    let mut facts = facts(CODE, true);
    facts.token = Some(TokenTimes { obtained_at: START, expires_at: None });
    let later = HealthForecast::of(&facts, minute(600_000));
    assert_eq!((later.health, later.renew_at), (Health::Healthy, None));
}

#[test]
fn a_renewable_token_stays_healthy_and_is_renewed_before_its_end() {
    let facts = facts(CODE, true);
    for minutes in [0, 54, 56, 60, 6_000] {
        assert_eq!(health(&facts, minutes), Health::Healthy);
    }
    let renew_at = |life: i64| {
        let times = TokenTimes { obtained_at: START, expires_at: Some(minute(life)) };
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
    facts.token = Some(TokenTimes { obtained_at: START, expires_at: Some(START + TimeDelta::seconds(2)) });
    assert_eq!(HealthForecast::of(&facts, START).renew_at, Some(minute(1)));
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
        let times = TokenTimes { obtained_at: START, expires_at: life.map(|life| START + TimeDelta::seconds(life)) };
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
    let times = TokenTimes { obtained_at: minute(60), expires_at: None };
    for (minutes, young) in [(0, false), (59, false), (60, true), (61, false)] {
        assert_eq!(times.is_young(minute(minutes)), young, "{minutes}");
    }
    assert!(times.is_young(minute(60) - TimeDelta::seconds(3)));
}

#[test]
fn an_idle_connector_is_renewed_once_a_day() {
    let mut facts = facts(CODE, true);
    let day = 24 * 60;
    let at = |facts: &Facts, minutes| HealthForecast::of(facts, minute(minutes)).renew_at;
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
        let failing = HealthForecast::of(&facts, minute(56));
        assert_eq!(failing.health, Health::Failing);
        assert_eq!(failing.renew_at, Some(minute(57)));
        facts.renewal.failures = 10_000;
        assert_eq!(health(&facts, 60_000), Health::Failing);
        facts.renewal.is_final = true;
        let refused = HealthForecast::of(&facts, minute(56));
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
    let at = |minutes| HealthForecast::of(&facts, minute(minutes));
    assert_eq!(at(0).health, Health::Failing);
    assert_eq!(at(0).changes_at, Some(minute(54)), "as without it");
    assert_eq!(at(55).health, Health::Failing);
    assert_eq!(at(60).health, Health::NeedsReauthorization);
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
        (Method::NoAuth, false, Health::NotTested),
        (Method::Basic, false, Health::NotAuthorized),
        (Method::Basic, true, Health::NotTested),
        (Method::ApiKey, false, Health::NotAuthorized),
        (Method::ApiKey, true, Health::NotTested),
        (Method::Bearer, false, Health::NotAuthorized),
        (CODE, true, Health::NotAuthorized),
        (Method::OAuth(Grant::ClientCredentials), true, Health::NotAuthorized),
        (Method::OAuth(Grant::Password), true, Health::NotAuthorized),
        (Method::OAuth(Grant::Implicit), false, Health::NotAuthorized),
    ] {
        let facts = Facts { has_secret, token: None, evidence: called(None), ..facts(method, false) };
        assert_eq!(health(&facts, 0), expected, "{method:?}");
    }
}

#[test]
fn healthy_is_said_of_every_method_only_on_evidence() {
    use ApiOutcome::{Failed, NotReached, Refused, Taken};
    for method in [Method::NoAuth, Method::Basic, Method::ApiKey, Method::Bearer, CODE] {
        for (outcome, expected) in [
            (None, Health::NotTested),
            (Some(Taken), Health::Healthy),
            (Some(Refused), Health::Refused),
            (Some(Failed), Health::Failing),
            (Some(NotReached), Health::Failing),
        ] {
            let facts = Facts { has_secret: true, evidence: called(outcome), ..facts(method, false) };
            assert_eq!(health(&facts, 0), expected, "{method:?} {outcome:?}");
        }
    }
}

#[test]
fn what_a_person_must_do_comes_before_what_calls_have_shown() {
    let with = |outcome| Facts { evidence: called(outcome), ..facts(CODE, false) };
    for outcome in [None, Some(ApiOutcome::Taken), Some(ApiOutcome::Refused), Some(ApiOutcome::Failed)] {
        assert_eq!(health(&with(outcome), 60), Health::NeedsReauthorization, "{outcome:?}");
        let none = Facts { token: None, ..with(outcome) };
        assert_eq!(health(&none, 0), Health::NotAuthorized, "{outcome:?}");
        let disabled = Facts { enabled: false, ..with(outcome) };
        assert_eq!(health(&disabled, 0), Health::Disabled, "{outcome:?}");
        let renewal = RenewalFacts { failures: 1, ..RenewalFacts::default() };
        let failing = Facts { renewable: true, renewal, ..with(outcome) };
        assert_eq!(health(&failing, 0), Health::Failing, "{outcome:?}");
    }
    // A token that ends soon hides neither that it is refused nor that the API fails.
    for (outcome, expected) in [
        (None, Health::Expiring),
        (Some(ApiOutcome::Taken), Health::Expiring),
        (Some(ApiOutcome::Refused), Health::Refused),
        (Some(ApiOutcome::Failed), Health::Failing),
    ] {
        assert_eq!(health(&with(outcome), 55), expected, "{outcome:?}");
    }
}

#[test]
fn an_open_circuit_is_failing_whatever_calls_have_shown_before() {
    for outcome in [None, Some(ApiOutcome::Taken), Some(ApiOutcome::Refused), Some(ApiOutcome::Failed)] {
        let facts = Facts { is_left_alone: true, evidence: called(outcome), ..facts(CODE, true) };
        assert_eq!(health(&facts, 0), Health::Failing, "{outcome:?}");
    }
}

#[test]
fn switched_off_it_is_disabled_and_left_alone() {
    let mut facts = facts(CODE, true);
    facts.renewal.is_final = true;
    facts.enabled = false;
    assert_eq!(
        HealthForecast::of(&facts, minute(60)),
        HealthForecast { health: Health::Disabled, changes_at: None, renew_at: None }
    );
}

#[test]
fn a_person_is_asked_for_before_a_refresh_token_ends() {
    let mut facts = facts(CODE, true);
    facts.refresh = Some(TokenTimes { obtained_at: START, expires_at: Some(minute(100)) });
    for (minutes, health, changes_at) in [
        (0, Health::Healthy, Some(minute(90))),
        (90, Health::Expiring, Some(minute(100))),
        (100, Health::NeedsReauthorization, None),
    ] {
        let forecast = HealthForecast::of(&facts, minute(minutes));
        assert_eq!((forecast.health, forecast.changes_at), (health, changes_at), "{minutes}");
    }
    // The access token outlives it.
    facts.token = Some(TokenTimes { obtained_at: START, expires_at: Some(minute(600)) });
    assert_eq!(health(&facts, 100), Health::Expiring);
    assert_eq!(health(&facts, 600), Health::NeedsReauthorization);
}

#[test]
fn an_idle_connector_is_renewed_before_its_refresh_token_ends() {
    let mut facts = facts(CODE, true);
    let day = 24 * 60;
    let renew_at = |facts: &Facts| HealthForecast::of(facts, minute(2 * day)).renew_at;
    assert_eq!(renew_at(&facts), Some(minute(day)));
    facts.refresh = Some(TokenTimes { obtained_at: START, expires_at: Some(minute(120)) });
    assert_eq!(renew_at(&facts), Some(minute(115)));
    // It did not move with the last renewal, so a further one does not help.
    facts.token = Some(TokenTimes { obtained_at: minute(116), expires_at: Some(minute(176)) });
    assert_eq!(renew_at(&facts), Some(minute(116 + day)));
}
