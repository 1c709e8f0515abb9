//! Who gets the lease.

use super::*;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// Whether the lease of a row of version 3 is available, after this change of row and request.
fn availability(change: impl FnOnce(&mut RenewalState, &mut LeaseRequest)) -> &'static str {
    let mut row = RenewalState { token_version: 3, ..RenewalState::default() };
    let mut wanted = LeaseRequest { connector: Uuid::nil(), version: 3, forced: false, expired: None };
    change(&mut row, &mut wanted);
    match row.unavailable(&wanted, NOW) {
        None => "free",
        Some(Unavailable::Held(_)) => "held",
        Some(Unavailable::Expired(_)) => "expired",
        Some(Unavailable::Refused(_)) => "refused",
        Some(Unavailable::Replaced) => "replaced",
    }
}

fn leased(row: &mut RenewalState, until: TimeDelta) {
    row.lease_id = Some(Uuid::nil());
    row.lease_until = Some(NOW + until);
}

fn seen(id: Uuid, until: TimeDelta) -> Option<SeenLease> {
    let until = NOW + until;
    Some(SeenLease { id, until })
}

#[test]
fn one_holds_it_until_it_has_run_out_for_a_while() {
    let second = TimeDelta::seconds(1);
    assert_eq!(availability(|_, _| {}), "free");
    assert_eq!(availability(|row, _| leased(row, second)), "held");
    assert_eq!(availability(|row, _| leased(row, -second)), "expired");
    assert_eq!(availability(|row, _| leased(row, TimeDelta::days(9))), "expired");
    let taken_over = availability(|row, wanted| {
        leased(row, -second);
        wanted.expired = seen(Uuid::nil(), -second);
    });
    assert_eq!(taken_over, "free");
    let of_another = availability(|row, wanted| {
        leased(row, -second);
        wanted.expired = seen(Uuid::max(), -second);
    });
    assert_eq!(of_another, "expired");
    let extended_meanwhile = availability(|row, wanted| {
        leased(row, -second);
        wanted.expired = seen(Uuid::nil(), -second * 2);
    });
    assert_eq!(extended_meanwhile, "expired");
    let by_a_person = availability(|row, wanted| {
        leased(row, second);
        wanted.forced = true;
    });
    assert_eq!(by_a_person, "held");
    assert_eq!(availability(|_, wanted| wanted.version = 2), "replaced");
}

#[test]
fn a_server_that_has_refused_is_asked_in_its_time_or_by_a_person() {
    let minute = TimeDelta::minutes(1);
    let next = |until: TimeDelta, forced: bool| {
        availability(|row, wanted| {
            row.next_attempt_at = Some(NOW + until);
            wanted.forced = forced;
        })
    };
    assert_eq!(next(minute, false), "refused");
    assert_eq!(next(minute, true), "free");
    assert_eq!(next(TimeDelta::zero(), false), "free");
    assert_eq!(next(TimeDelta::days(9), false), "free", "a clock was put back");
    let said_no = |forced: bool| {
        availability(|row, wanted| {
            row.is_final = true;
            row.next_attempt_at = Some(NOW - minute);
            wanted.forced = forced;
        })
    };
    assert_eq!(said_no(false), "refused");
    assert_eq!(said_no(true), "free");
}

#[test]
fn a_dead_holder_is_succeeded_within_fifteen_seconds_and_begins_nothing_late() {
    let dead = LEASE.to_std().expect("a duration") + GRACE;
    assert!(dead <= Duration::from_secs(14), "{dead:?}");
    assert!(EXTEND_EVERY * 2 < GRACE);
    let now = DateTime::UNIX_EPOCH;
    let wanted = LeaseRequest { connector: Uuid::nil(), version: 3, forced: false, expired: None };
    let lease = Lease::new(&wanted, now);
    assert!(!lease.is_late(now + LEASE - MARGIN));
    assert!(lease.is_late(now + LEASE));
}
