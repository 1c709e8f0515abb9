//! wrk: a load generator by others, which costs less than what it measures.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// What came out.
#[derive(Clone)]
pub struct Figures {
    /// Answers a second.
    pub rate: f64,
    /// Times to the whole answer, in milliseconds.
    pub p50: f64,
    pub p99: f64,
    pub requests: f64,
    /// Processor time of the server for each, in microseconds.
    pub processor: f64,
}

/// Asks on so many connections for so long.
pub fn run(url: &str, headers: &[String], connections: usize, time: Duration) -> anyhow::Result<Figures> {
    let mut wrk = Command::new("wrk");
    wrk.args(["--latency", "--threads", "1", "--connections"])
        .arg(connections.to_string())
        .args(["--duration", &format!("{}s", time.as_secs())]);
    for header in headers {
        wrk.args(["--header", header]);
    }
    let output = wrk.arg(url).output().context("wrk cannot be run")?;
    let text = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "wrk: {text}{}", String::from_utf8_lossy(&output.stderr));
    for bad in ["Non-2xx", "Socket errors"] {
        ensure!(!text.contains(bad), "wrk of {url}:\n{text}");
    }
    read(&text).with_context(|| format!("wrk said:\n{text}"))
}

fn read(text: &str) -> anyhow::Result<Figures> {
    let after = |name: &str| {
        let line = text.lines().find_map(|line| line.trim().strip_prefix(name));
        line.map(str::trim).with_context(|| format!("no {name}"))
    };
    let requests = text.lines().find(|line| line.contains("requests in"));
    let requests = requests.and_then(|line| line.split_whitespace().next()).context("no number of requests")?;
    Ok(Figures {
        rate: after("Requests/sec:")?.parse()?,
        p50: milliseconds(after("50%")?)?,
        p99: milliseconds(after("99%")?)?,
        requests: requests.parse()?,
        processor: 0.0,
    })
}

fn milliseconds(text: &str) -> anyhow::Result<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    bail!("“{text}” is no time")
}

/// Processor time of all threads of these processes, in microseconds.
pub fn processor_time(processes: &[u32]) -> f64 {
    let ticks: u64 = processes.iter().map(|id| ticks(*id)).sum();
    // The kernel counts in hundredths of a second for whoever asks.
    ticks as f64 * 10_000.0
}

fn ticks(id: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name in brackets may hold spaces.
    let fields = text.rsplit_once(") ").map_or("", |(_, rest)| rest);
    let fields: Vec<&str> = fields.split(' ').collect();
    let field = |number: usize| fields.get(number).and_then(|field| field.parse::<u64>().ok());
    field(11).unwrap_or(0) + field(12).unwrap_or(0)
}

/// The figures of the round in the middle, each by itself.
pub fn median(rounds: Vec<Figures>) -> Figures {
    let middle = |value: fn(&Figures) -> f64| {
        let mut all: Vec<f64> = rounds.iter().map(value).collect();
        all.sort_unstable_by(f64::total_cmp);
        all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
    };
    Figures {
        rate: middle(|figures| figures.rate),
        p50: middle(|figures| figures.p50),
        p99: middle(|figures| figures.p99),
        requests: middle(|figures| figures.requests),
        processor: middle(|figures| figures.processor),
    }
}
