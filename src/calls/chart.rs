//! Charts of calls, errors and times, drawn here: bars in SVG, the same in words, and the same as a table.

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, DurationRound, TimeDelta, Timelike, Utc};

use super::filter::Span;
use super::hours::{BOUNDS, CLASSES};
use super::queries::Sum;
use super::words;
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
    /// Filters are in use that these figures do not know.
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

/// A bar, in the units of its chart.
struct Bar {
    x: usize,
    y: String,
    height: String,
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

    /// “1,204 calls since 21 November 2026, 13:00 UTC, 36 of them errors (3 %). …”
    fn sentence(&self) -> String {
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
                format!(" Half of the answers came within {half}, 95 % within {most}.")
            }
            _ => String::new(),
        };
        format!("{calls} since {since}, {errors}.{times}")
    }

    fn step_word(&self) -> &'static str {
        match self.step.num_hours() {
            1 => "hour",
            24 => "day",
            _ => "week",
        }
    }

    fn width(&self) -> usize {
        self.steps.len() * PITCH
    }

    fn first(&self) -> String {
        self.steps.first().map(|step| self.label(step)).unwrap_or_default()
    }

    fn last(&self) -> String {
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

    fn most_calls(&self) -> i64 {
        self.steps.iter().map(|step| step.calls).max().unwrap_or(0)
    }

    fn most_errors(&self) -> i64 {
        self.steps.iter().map(|step| step.errors).max().unwrap_or(0)
    }

    /// “At most 120 in an hour, from 21 Nov, 13:00.”
    fn peak(&self, value: impl Fn(&Step) -> i64) -> String {
        // Of equal ones the first.
        match self.steps.iter().rev().max_by_key(|step| value(step)) {
            Some(step) if value(step) > 0 => {
                format!("At most {} in {}, from {}.", grouped(value(step)), self.a_step(), self.label(step))
            }
            _ => "None.".into(),
        }
    }

    fn a_step(&self) -> &'static str {
        match self.step_word() {
            "hour" => "an hour",
            "day" => "a day",
            _ => "a week",
        }
    }

    fn calls_peak(&self) -> String {
        self.peak(|step| step.calls)
    }

    fn errors_peak(&self) -> String {
        self.peak(|step| step.errors)
    }

    /// “Never more than 200 ms for 95 % of the answers of an hour.”
    fn times_peak(&self) -> String {
        let slowest = self.steps.iter().filter_map(|step| step.class(95)).max();
        match slowest {
            Some(class) => format!("95 % within {} in every {}.", bound(class), self.step_word()),
            None => "No answers.".into(),
        }
    }

    fn call_bars(&self) -> Vec<Bar> {
        let most = self.most_calls() as f64;
        self.bars(|step| step.calls as f64 / most)
    }

    fn error_bars(&self) -> Vec<Bar> {
        let most = self.most_errors() as f64;
        self.bars(|step| step.errors as f64 / most)
    }

    /// Half of the answers within this time: the classes double from one to the next, and so does the scale.
    fn half_bars(&self) -> Vec<Bar> {
        self.bars(|step| height_of(step.class(50)))
    }

    fn most_bars(&self) -> Vec<Bar> {
        self.bars(|step| height_of(step.class(95)))
    }

    fn bars(&self, share: impl Fn(&Step) -> f64) -> Vec<Bar> {
        let drawn = self.steps.iter().enumerate().map(|(index, step)| (index, share(step)));
        drawn
            .filter(|(_, share)| *share > 0.0)
            .map(|(index, share)| {
                // Whatever is not nothing can be seen.
                let height = (share * HEIGHT).clamp(1.0, HEIGHT);
                Bar { x: index * PITCH + 1, y: format!("{:.1}", HEIGHT - height), height: format!("{height:.1}") }
            })
            .collect()
    }
}

fn height_of(class: Option<usize>) -> f64 {
    class.map_or(0.0, |class| (class + 1) as f64 / CLASSES as f64)
}

/// “3 %”, “less than 1 %”
fn share(part: i64, whole: i64) -> String {
    match part as f64 * 100.0 / whole.max(1) as f64 {
        percent @ 0.0..1.0 if percent > 0.0 => "less than 1 %".into(),
        percent => format!("{percent:.0} %"),
    }
}

/// The class in words: an upper bound, but for the last one.
fn bound(class: usize) -> String {
    match BOUNDS.get(class) {
        Some(time) => words::bound(*time),
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

    /// The class within which so many of a hundred answers came.
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

    fn calls_words(&self) -> String {
        grouped(self.calls)
    }

    fn errors_words(&self) -> String {
        grouped(self.errors)
    }

    /// The same for a cell.
    fn half(&self) -> String {
        self.within(50).unwrap_or_else(|| "–".into())
    }

    fn most(&self) -> String {
        self.within(95).unwrap_or_else(|| "–".into())
    }
}

#[cfg(test)]
mod tests;
