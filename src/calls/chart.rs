//! Charts of calls, errors and times, as SVG bars, as text and as a table.

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, DurationRound, TimeDelta, Timelike, Utc};

use super::filter::Span;
use super::row;
use super::store::{BOUNDS, CLASSES};
use super::totals::Sum;
use crate::web::{Zone, grouped, on_clock, plural};

/// The height of a chart, in units of its own.
const HEIGHT: f64 = 60.0;
/// The width of a bar with the gap behind it.
const PITCH: usize = 10;

/// Which steps a chart of `span` has, and the whole hours that it covers.
pub(super) fn steps(span: Span) -> (Span, TimeDelta) {
    let hours = (span.to - span.from).num_hours();
    let step = match hours {
        ..=49 => TimeDelta::hours(1),
        50..=1_500 => TimeDelta::days(1),
        _ => TimeDelta::days(7),
    };
    let whole = if step == TimeDelta::hours(1) { step } else { TimeDelta::days(1) };
    let from = span.from.duration_trunc(whole).unwrap_or(span.from);
    (Span { from, to: span.to }, step)
}

/// More steps than this are never drawn; the longest retention has fewer.
const MOST_STEPS: i64 = 62;

/// The charts of a span.
#[derive(Template)]
#[template(path = "calls/charts.html")]
pub struct Charts {
    span: Span,
    step: TimeDelta,
    steps: Vec<Step>,
    all: Step,
    /// Filters are in use that the counts do not have.
    wider: bool,
}

impl HtmlSafe for Charts {}

/// A step of time.
#[derive(Clone)]
struct Step {
    start: DateTime<Utc>,
    calls: i64,
    errors: i64,
    latencies: [i64; CLASSES],
}

/// A chart: its highest value in words, and the bars that it draws over one another.
pub(super) struct Chart {
    pub id: &'static str,
    pub title: &'static str,
    pub peak: String,
    pub bars: Vec<Bars>,
    /// How the bars differ; empty if they are of one kind.
    pub legend: &'static str,
}

/// The bars of a chart that look the same.
pub(super) struct Bars {
    pub fill: &'static str,
    pub stroke: &'static str,
    pub bars: Vec<Bar>,
}

/// A bar, in the units of its chart.
pub(super) struct Bar {
    pub x: usize,
    pub y: String,
    pub height: String,
}

impl Charts {
    pub(super) fn new(span: Span, step: TimeDelta, sums: Vec<Sum>, wider: bool) -> Charts {
        let count = ((span.to - span.from).num_seconds() + step.num_seconds() - 1) / step.num_seconds().max(1);
        let count = count.clamp(1, MOST_STEPS);
        let mut steps: Vec<Step> =
            (0..count).map(|index| Step::new(span.from + TimeDelta::seconds(step.num_seconds() * index))).collect();
        let mut all = Step::new(span.from);
        for sum in &sums {
            all.add(sum);
            if let Some(step) = steps.iter_mut().find(|step| step.start == sum.start) {
                step.add(sum);
            }
        }
        Charts { span, step, steps, all, wider }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.calls == 0
    }

    /// “1,204 calls since 21 November 2026, 13:00 UTC, 36 of them errors (3%). …”
    pub(super) fn sentence(&self) -> String {
        let since = crate::web::date_time(&self.span.from);
        let calls = plural(self.all.calls, "call", "calls");
        let errors = match self.all.errors {
            0 => "none of them an error".into(),
            errors => format!(
                "{} of them {} ({})",
                grouped(errors),
                if errors == 1 { "an error" } else { "errors" },
                share(errors, self.all.calls)
            ),
        };
        let times = match (self.all.within(50), self.all.within(95)) {
            (Some(half), Some(most)) => {
                format!(" Median {half}, 95th percentile {most}.")
            }
            _ => String::new(),
        };
        format!("{calls} since {since}, {errors}.{times}")
    }

    pub(super) fn step_word(&self) -> &'static str {
        match self.step.num_hours() {
            1 => "hour",
            24 => "day",
            _ => "week",
        }
    }

    pub(super) fn width(&self) -> usize {
        self.steps.len() * PITCH
    }

    pub(super) fn first(&self) -> String {
        self.steps.first().map(|step| self.label(step)).unwrap_or_default()
    }

    pub(super) fn last(&self) -> String {
        self.steps.last().map(|step| self.label(step)).unwrap_or_default()
    }

    /// “21 Nov, 13:00”
    fn label(&self, step: &Step) -> String {
        let format = if self.step_word() == "hour" || Zone::of_reader().clock(&step.start).hour() != 0 {
            "%-d %b, %H:%M"
        } else {
            "%-d %b %Y"
        };
        on_clock(&step.start, format)
    }

    /// Those of calls and errors.
    pub(super) fn counts(&self) -> Vec<Chart> {
        self.charts().into_iter().take(2).collect()
    }

    /// The charts in their order.
    fn charts(&self) -> [Chart; 3] {
        let filled = |fill, bars| Bars { fill, stroke: "none", bars };
        let outlined = |stroke, bars| Bars { fill: "none", stroke, bars };
        // The classes double from one to the next, and so does the scale of times.
        let times =
            |percent| self.bars(|step| step.class(percent).map_or(0.0, |class| (class + 1) as f64 / CLASSES as f64));
        let counts = |value: fn(&Step) -> i64| {
            let most = self.steps.iter().map(value).max().unwrap_or(0) as f64;
            self.bars(|step| value(step) as f64 / most)
        };
        let chart = |id, title, peak, bars| Chart { id, title, peak, bars, legend: "" };
        let calls = filled("var(--accent)", counts(|step| step.calls));
        let errors = filled("var(--bad)", counts(|step| step.errors));
        let times = vec![outlined("var(--accent)", times(95)), filled("var(--accent)", times(50))];
        [
            chart("calls", "Calls", self.peak(|step| step.calls), vec![calls]),
            chart("errors", "Errors", self.peak(|step| step.errors), vec![errors]),
            Chart {
                legend: ". Filled: median; outlined: 95th percentile.",
                ..chart("times", "Response time", self.slowest(), times)
            },
        ]
    }

    /// “Peak 120 per hour, from 21 Nov, 13:00.”
    fn peak(&self, value: impl Fn(&Step) -> i64) -> String {
        // Of equal ones the first.
        match self.steps.iter().rev().max_by_key(|step| value(step)) {
            Some(step) if value(step) > 0 => {
                format!("Peak {} per {}, from {}.", grouped(value(step)), self.step_word(), self.label(step))
            }
            _ => "None.".into(),
        }
    }

    /// “95th percentile up to 200 ms per hour.”
    fn slowest(&self) -> String {
        let slowest = self.steps.iter().filter_map(|step| step.class(95)).max();
        match slowest {
            Some(class) => format!("95th percentile up to {} per {}.", bound(class), self.step_word()),
            None => "No responses.".into(),
        }
    }

    fn bars(&self, share: impl Fn(&Step) -> f64) -> Vec<Bar> {
        let drawn = self.steps.iter().enumerate().map(|(index, step)| (index, share(step)));
        drawn
            .filter(|(_, share)| *share > 0.0)
            .map(|(index, share)| {
                // The lowest bar can be seen, too.
                let height = (share * HEIGHT).clamp(1.0, HEIGHT);
                Bar { x: index * PITCH + 1, y: format!("{:.1}", HEIGHT - height), height: format!("{height:.1}") }
            })
            .collect()
    }
}

/// “3%”, “less than 1%”
fn share(part: i64, whole: i64) -> String {
    match part as f64 * 100.0 / whole.max(1) as f64 {
        percent @ 0.0..1.0 if percent > 0.0 => "less than 1%".into(),
        percent => format!("{percent:.0}%"),
    }
}

/// The class as text: an upper bound, except for the last one.
fn bound(class: usize) -> String {
    match BOUNDS.get(class) {
        Some(time) => row::bound(*time),
        None => "more than 60 s".into(),
    }
}

impl Step {
    fn new(start: DateTime<Utc>) -> Step {
        Step { start, calls: 0, errors: 0, latencies: [0; CLASSES] }
    }

    fn add(&mut self, sum: &Sum) {
        self.calls += sum.calls;
        self.errors += sum.errors;
        for (kept, more) in self.latencies.iter_mut().zip(&sum.latencies) {
            *kept += more;
        }
    }

    /// The class of a percentile.
    fn class(&self, percent: i64) -> Option<usize> {
        let answers: i64 = self.latencies.iter().sum();
        let wanted = (answers * percent + 99) / 100;
        let mut seen = 0;
        let class = self.latencies.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        class.filter(|_| answers > 0)
    }

    fn within(&self, percent: i64) -> Option<String> {
        self.class(percent).map(bound)
    }

    /// A percentile for a cell.
    fn percentile(&self, percent: i64) -> String {
        self.within(percent).unwrap_or_else(|| "–".into())
    }
}

#[cfg(test)]
mod tests {
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
            "1,204 calls since 18 November 2026, 12:00 UTC, 36 of them errors (3%). Median 10 ms, 95th percentile 200 ms."
        );
        let [calls, ..] = charts.charts();
        assert_eq!(calls.peak, "Peak 1,000 per hour, from 18 Nov, 12:00.");
        assert_eq!(charts.steps.len(), 3);
        assert_eq!(calls.bars[0].bars.iter().map(|bar| bar.x).collect::<Vec<_>>(), [1, 21]);
        assert_eq!(calls.bars[0].bars[0].height, "60.0");
    }

    #[test]
    fn without_responses_no_times_are_shown() {
        let span = Span { from: noon(), to: noon() + TimeDelta::hours(1) };
        let charts = Charts::new(span, TimeDelta::hours(1), vec![sum(noon(), 1, 1, &[])], false);
        assert_eq!(charts.sentence(), "1 call since 18 November 2026, 12:00 UTC, 1 of them an error (100%).");
        let [.., times] = charts.charts();
        assert!(times.bars.iter().all(|bars| bars.bars.is_empty()));
        assert_eq!(times.peak, "No responses.");
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
        assert_eq!(step.percentile(50), "more than 60 s");
    }
}
