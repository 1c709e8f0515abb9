//! Every edge of the table, with the time set by hand.

use super::*;

fn minute(minutes: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
}

use ApiOutcome::{Failed, NotReached, Refused, Taken};

/// A call of an endpoint that had its credential a second before it ended.
fn call(outcome: ApiOutcome, target: &str, minutes: i64) -> Observation {
    let at = minute(minutes);
    Observation {
        outcome,
        at,
        signed_at: at - TimeDelta::seconds(1),
        is_fresh_token: false,
        target: target.into(),
        message: format!("It was {outcome:?}."),
        server_words: "Words.".into(),
    }
}

/// What is known after calls of one endpoint, a second apart.
fn after(mut known: Evidence, calls: &[ApiOutcome]) -> Evidence {
    let began = known.taken_at.max(known.failed_at).unwrap_or(minute(10));
    for (outcome, seconds) in calls.iter().zip(1..) {
        let at = began + TimeDelta::seconds(seconds);
        known.add(&Observation { at, signed_at: at, ..call(*outcome, "GET /list", 0) });
    }
    known
}

/// A connector in each of the states of the table.
fn in_state(health: Health) -> Evidence {
    let known = match health {
        Health::NotTested => Evidence::default(),
        Health::Healthy => after(Evidence::default(), &[Taken]),
        Health::Failing => after(Evidence::default(), &[Taken, Failed, Failed, Failed]),
        _ => after(Evidence::default(), &[Taken, Refused, Refused, Refused]),
    };
    assert_eq!(known.health(), health);
    known
}

#[test]
fn the_table_holds_for_every_outcome_in_every_state() {
    use Health::{Failing, Healthy, NotTested};
    for (state, calls, expected) in [
        (NotTested, vec![], NotTested),
        (NotTested, vec![Taken], Healthy),
        (NotTested, vec![Refused], Health::Refused),
        (NotTested, vec![Failed], Failing),
        (NotTested, vec![NotReached], Failing),
        (Healthy, vec![Taken], Healthy),
        (Healthy, vec![Refused], Healthy),
        (Healthy, vec![Refused, Refused], Healthy),
        (Healthy, vec![Refused, Refused, Refused], Health::Refused),
        (Healthy, vec![Failed], Healthy),
        (Healthy, vec![Failed, Failed], Healthy),
        (Healthy, vec![Failed, Failed, Failed], Failing),
        (Healthy, vec![NotReached, NotReached], Healthy),
        (Healthy, vec![NotReached, NotReached, NotReached], Failing),
        (Healthy, vec![Failed, Failed, Taken, Failed, Failed], Healthy),
        (Healthy, vec![Refused, Refused, Taken, Refused, Refused], Healthy),
        // None was taken, and the last one says why.
        (Healthy, vec![Refused, Failed, Refused], Health::Refused),
        (Healthy, vec![Refused, Refused, NotReached], Failing),
        (Failing, vec![Taken], Healthy),
        (Failing, vec![Failed], Failing),
        (Failing, vec![Refused, Refused], Failing),
        (Failing, vec![Refused, Refused, Refused], Health::Refused),
        (Failing, vec![Refused, Refused, Failed, Refused], Failing),
        (Health::Refused, vec![Taken], Healthy),
        (Health::Refused, vec![Refused], Health::Refused),
        (Health::Refused, vec![Failed, NotReached], Health::Refused),
        (Health::Refused, vec![Failed, NotReached, Failed], Failing),
        (Health::Refused, vec![Failed, Failed, Refused, Failed], Health::Refused),
    ] {
        assert_eq!(after(in_state(state), &calls).health(), expected, "{state:?} {calls:?}");
    }
}

#[test]
fn failures_of_one_endpoint_do_not_mark_a_connector_whose_others_work() {
    for outcome in [Refused, Failed] {
        let mut known = Evidence::default();
        known.add(&call(Taken, "GET /list", 0));
        for minutes in 1..200 {
            known.add(&call(outcome, "POST /list", minutes));
            assert_eq!(known.health(), Health::Healthy, "{outcome:?} after {minutes} minutes");
        }
        // Nor does one of the endpoint that worked, as soon as another one does not.
        known.add(&call(Taken, "GET /list", 200));
        known.add(&call(outcome, "POST /list", 201));
        known.add(&call(outcome, "GET /list", 202));
        assert_eq!(known.health(), Health::Healthy);
        known.add(&call(outcome, "GET /list", 203));
        assert_eq!(known.health(), after_run_of(outcome));
    }
}

fn after_run_of(outcome: ApiOutcome) -> Health {
    if outcome == Refused { Health::Refused } else { Health::Failing }
}

#[test]
fn failures_of_several_endpoints_mark_it() {
    for outcome in [Refused, Failed] {
        let mut known = Evidence::default();
        known.add(&call(Taken, "GET /list", 0));
        for (target, minutes) in [("GET /a", 1), ("GET /b", 2)] {
            known.add(&call(outcome, target, minutes));
        }
        assert_eq!(known.health(), Health::Healthy);
        known.add(&call(outcome, "GET /c", 3));
        assert_eq!(known.health(), after_run_of(outcome));
        known.add(&call(Taken, "GET /c", 4));
        assert_eq!(known.health(), Health::Healthy);
    }
}

#[test]
fn a_host_that_is_not_reached_concerns_every_endpoint() {
    let mut known = Evidence::default();
    known.add(&call(Taken, "GET /list", 0));
    for minutes in 1..=3 {
        known.add(&call(NotReached, "GET /other", minutes));
    }
    assert_eq!(known.health(), Health::Failing);
}

#[test]
fn after_an_hour_without_success_two_failures_are_enough_and_one_is_not() {
    for (pause, calls, expected) in
        [(59, 2, Health::Healthy), (61, 1, Health::Healthy), (60, 2, Health::Refused), (1_440, 2, Health::Refused)]
    {
        let mut known = Evidence::default();
        known.add(&call(Taken, "GET /list", 0));
        for _ in 0..calls {
            known.add(&call(Refused, "GET /list", pause));
        }
        assert_eq!(known.health(), expected, "{calls} after {pause} minutes");
    }
}

#[test]
fn an_issued_token_speaks_for_the_connector_until_calls_speak_against_it() {
    let mut known = Evidence::default();
    known.issue(minute(0));
    assert_eq!(known.health(), Health::Healthy);
    for minutes in 1..=2 {
        known.add(&call(Failed, "GET /list", minutes));
        assert_eq!(known.health(), Health::Healthy, "a single 5xx changes nothing");
    }
    known.add(&call(Failed, "GET /list", 3));
    assert_eq!(known.health(), Health::Failing);
}

#[test]
fn a_token_that_is_refused_just_after_it_was_issued_is_enough() {
    let fresh = |minutes| Observation { is_fresh_token: true, ..call(Refused, "GET /list", minutes) };
    let mut known = Evidence::default();
    known.issue(minute(0));
    known.add(&fresh(5));
    assert_eq!(known.health(), Health::Refused);
    // Each further call renews the token as well.
    known.renew(minute(10));
    assert_eq!(known.health(), Health::Healthy);
    known.add(&fresh(11));
    assert_eq!(known.health(), Health::Refused);
    // But not where another endpoint works with such tokens.
    let mut known = Evidence::default();
    known.add(&call(Taken, "GET /other", 0));
    for minutes in 1..9 {
        known.renew(minute(minutes) - TimeDelta::seconds(10));
        known.add(&fresh(minutes));
        assert_eq!(known.health(), Health::Healthy);
    }
}

#[test]
fn a_renewal_forgets_refusals_of_the_token_before_and_keeps_failures_of_the_api() {
    let mut refused = in_state(Health::Refused);
    refused.renew(minute(20));
    assert_eq!((refused.health(), refused.run, refused.message.as_str()), (Health::Healthy, 0, ""));
    refused.add(&call(Refused, "GET /list", 20));
    assert_eq!(refused.run, 0, "it had the token before");
    refused.add(&call(Refused, "GET /list", 21));
    assert_eq!(refused.run, 1);

    let mut failing = in_state(Health::Failing);
    let before = failing.clone();
    failing.renew(minute(20));
    assert_eq!(failing, Evidence { issued_at: Some(minute(20)), ..before });
    failing.add(&call(Failed, "GET /list", 20));
    assert_eq!(failing.failed_at, Some(minute(20)), "a failure says nothing of tokens");
}

#[test]
fn a_changed_secret_forgets_everything_and_calls_with_the_one_before_do_not_count() {
    for state in [Health::NotTested, Health::Healthy, Health::Failing, Health::Refused] {
        let mut known = in_state(state);
        known.issued_at = Some(minute(5));
        known.forget(minute(20));
        assert_eq!(known.health(), Health::NotTested);
        for outcome in [Taken, Refused, Failed, NotReached] {
            known.add(&call(outcome, "GET /list", 20));
            assert_eq!(known.health(), Health::NotTested, "{outcome:?} began before");
        }
        known.add(&call(Taken, "GET /list", 21));
        assert_eq!(known.health(), Health::Healthy);
    }
}

#[test]
fn another_base_url_forgets_what_the_api_has_shown_and_not_the_token() {
    for (issued, expected) in [(None, Health::NotTested), (Some(minute(5)), Health::Healthy)] {
        let mut known = Evidence { issued_at: issued, ..in_state(Health::Refused) };
        known.forget_api(minute(20));
        assert_eq!((known.health(), known.issued_at, known.taken_at), (expected, issued, None));
    }
}

#[test]
fn a_call_that_was_taken_before_the_failures_does_not_end_them() {
    let mut known = Evidence::default();
    known.add(&call(Taken, "GET /list", 0));
    for minutes in [2, 3, 4] {
        known.add(&call(Failed, "GET /list", minutes));
    }
    // The head of a long stream came before, and its end is heard of now.
    known.add(&call(Taken, "GET /events", 1));
    assert_eq!((known.health(), known.taken_at), (Health::Failing, Some(minute(1))));
    known.add(&call(Failed, "GET /list", 0));
    assert_eq!(known.failed_at, Some(minute(4)));
}

#[test]
fn only_news_are_stored() {
    let known = in_state(Health::Healthy);
    let taken = known.taken_at.expect("a time");
    let next = |outcome, seconds| {
        let mut next = known.clone();
        let at = taken + TimeDelta::seconds(seconds);
        next.add(&Observation { at, signed_at: at, ..call(outcome, "GET /list", 0) });
        next
    };
    assert!(!known.is_news(&next(Taken, 59)));
    assert!(known.is_news(&next(Taken, 60)), "the time is over a minute old");
    assert!(known.is_news(&next(Failed, 1)));
    let failing = in_state(Health::Failing);
    let again = after(failing.clone(), &[Failed]);
    assert!(!failing.is_news(&again), "the run is as long as it counts");
    assert!(failing.is_news(&after(failing.clone(), &[Taken])));
    assert!(failing.is_news(&after(failing.clone(), &[Refused])));
    let mut reset = known.clone();
    reset.forget(minute(90));
    assert!(known.is_news(&reset));
}

#[test]
fn what_happened_is_remembered_until_a_call_is_taken() {
    let known = in_state(Health::Refused);
    assert_eq!((known.message.as_str(), known.server_words.as_str()), ("It was Refused.", "Words."));
    let known = after(known, &[Taken]);
    assert_eq!((known.message.as_str(), known.failed_at), ("", None));
}
