//! Who gets the lease.

use super::*;

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

/// A row of version 3 as this says, and a wish for it.
fn held(change: impl FnOnce(&mut Standing, &mut Wish)) -> &'static str {
    let mut standing = Standing { version: 3, ..Standing::default() };
    let mut wish = Wish { connector: Uuid::nil(), version: 3, forced: false, abandoned: None };
    change(&mut standing, &mut wish);
    match standing.held(&wish, NOW) {
        None => "free",
        Some(Held::Busy(_)) => "busy",
        Some(Held::Abandoned(_)) => "abandoned",
        Some(Held::Refused(_)) => "resting",
        Some(Held::Moved) => "moved",
    }
}

fn leased(standing: &mut Standing, until: TimeDelta) {
    standing.lease_id = Some(Uuid::nil());
    standing.lease_until = Some(NOW + until);
}

fn seen(id: Uuid, until: TimeDelta) -> Option<SeenLease> {
    let until = NOW + until;
    Some(SeenLease { id, until })
}

#[test]
fn one_holds_it_until_it_has_run_out_for_a_while() {
    let second = TimeDelta::seconds(1);
    assert_eq!(held(|_, _| {}), "free");
    assert_eq!(held(|row, _| leased(row, second)), "busy");
    assert_eq!(held(|row, _| leased(row, -second)), "abandoned");
    assert_eq!(held(|row, _| leased(row, TimeDelta::days(9))), "abandoned");
    let taken_over = held(|row, wish| {
        leased(row, -second);
        wish.abandoned = seen(Uuid::nil(), -second);
    });
    assert_eq!(taken_over, "free");
    let of_another = held(|row, wish| {
        leased(row, -second);
        wish.abandoned = seen(Uuid::max(), -second);
    });
    assert_eq!(of_another, "abandoned");
    let extended_meanwhile = held(|row, wish| {
        leased(row, -second);
        wish.abandoned = seen(Uuid::nil(), -second * 2);
    });
    assert_eq!(extended_meanwhile, "abandoned");
    let by_a_person = held(|row, wish| {
        leased(row, second);
        wish.forced = true;
    });
    assert_eq!(by_a_person, "busy");
    assert_eq!(held(|_, wish| wish.version = 2), "moved");
}

#[test]
fn a_server_that_has_refused_is_asked_in_its_time_or_by_a_person() {
    let minute = TimeDelta::minutes(1);
    let next = |until: TimeDelta, forced: bool| {
        held(|row, wish| {
            row.next_attempt_at = Some(NOW + until);
            wish.forced = forced;
        })
    };
    assert_eq!(next(minute, false), "resting");
    assert_eq!(next(minute, true), "free");
    assert_eq!(next(TimeDelta::zero(), false), "free");
    assert_eq!(next(TimeDelta::days(9), false), "free", "a clock was put back");
    let said_no = |forced: bool| {
        held(|row, wish| {
            row.is_final = true;
            row.next_attempt_at = Some(NOW - minute);
            wish.forced = forced;
        })
    };
    assert_eq!(said_no(false), "resting");
    assert_eq!(said_no(true), "free");
}
