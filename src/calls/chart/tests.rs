//! What charts say and how high their bars are.

use super::*;

fn sum(start: DateTime<Utc>, calls: i64, errors: i64, times: &[(usize, i64)]) -> Sum {
    let mut latencies = vec![0; CLASSES];
    for (class, count) in times {
        latencies[*class] = *count;
    }
    Sum { start, calls, errors, latencies }
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp(1_795_000_000 / 86_400 * 86_400 + 43_200, 0).unwrap()
}

#[test]
fn the_sentence_says_how_many_how_many_errors_and_how_fast() {
    let span = Span { from: noon(), to: noon() + TimeDelta::hours(3) };
    let sums =
        vec![sum(noon(), 1_000, 0, &[(3, 900), (7, 100)]), sum(noon() + TimeDelta::hours(2), 204, 36, &[(5, 168)])];
    let charts = Charts::new(span, TimeDelta::hours(1), sums, false);
    assert_eq!(
        charts.sentence(),
        "1,204 calls since 18 November 2026, 12:00 UTC, 36 of them errors (3 %). Half of the answers came within 10 ms, 95 % within 200 ms."
    );
    assert_eq!(charts.calls_peak(), "At most 1,000 in an hour, from 18 Nov, 12:00.");
    assert_eq!(charts.steps.len(), 3);
    assert_eq!(charts.call_bars().iter().map(|bar| bar.x).collect::<Vec<_>>(), [1, 21]);
    assert_eq!(charts.call_bars()[0].height, "60.0");
}

#[test]
fn nothing_is_said_of_times_when_nothing_was_answered() {
    let span = Span { from: noon(), to: noon() + TimeDelta::hours(1) };
    let charts = Charts::new(span, TimeDelta::hours(1), vec![sum(noon(), 1, 1, &[])], false);
    assert_eq!(charts.sentence(), "1 call since 18 November 2026, 12:00 UTC, 1 of them an error (100 %).");
    assert!(charts.half_bars().is_empty());
    assert_eq!(charts.times_peak(), "No answers.");
}

#[test]
fn a_chart_has_as_many_steps_as_can_be_told_apart() {
    for (hours, step, count) in
        [(1, 1, 2), (24, 1, 25), (168, 24, 8), (720, 24, 31), (366 * 24, 168, 53), (80_000, 168, 62)]
    {
        let span = Span {
            from: noon() - TimeDelta::minutes(30),
            to: noon() + TimeDelta::hours(hours) - TimeDelta::minutes(30),
        };
        let (span, chosen) = steps(span);
        assert_eq!(chosen.num_hours(), step, "{hours}");
        assert_eq!(Charts::new(span, chosen, vec![], false).steps.len(), count, "{hours}");
    }
}

#[test]
fn a_time_above_the_last_bound_is_said_to_be() {
    let mut step = Step::new(noon());
    step.add(&sum(noon(), 1, 0, &[(CLASSES - 1, 1)]));
    assert_eq!(step.half(), "more than 60 s");
}
