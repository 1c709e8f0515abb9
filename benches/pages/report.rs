//! The figures as Markdown.

use std::time::Duration;

use super::load::Figures;
use super::program::Memory;
use super::records::{Import, Records};
use super::session::Weight;
use super::{CONNECTIONS, Measured, MeasuredCase};

/// From the start of the process to the first answer that says ready.
pub struct Starts {
    /// With the making of the database.
    pub first: Duration,
    pub later: Duration,
}

/// The cases, with each number of connectors and of connections.
///
/// “Ratio” compares the p50 of the largest number of connectors with the yardsticks': bare handler and main query
/// for a list, the durable change of one row for a save. “Growth” compares it with the p50 of the smallest.
pub fn cases(rows: &[i64], measured: &[Measured]) {
    let mut head = vec!["case".to_string(), "connections".into()];
    for number in rows {
        head.extend(["req/s", "p50 ms", "p99 ms"].map(|figure| format!("{number}: {figure}")));
    }
    head.extend(["growth of p50", "yardstick ms", "ratio", "sequential scan"].map(String::from));
    let mut table = Vec::new();
    let (Some(smallest), Some(largest)) = (measured.first(), measured.last()) else {
        return;
    };
    for (number, case) in largest.cases.iter().enumerate() {
        for (which, connections) in CONNECTIONS.iter().enumerate() {
            let mut line = vec![case.name.clone(), connections.to_string()];
            for size in measured {
                line.extend(three(&size.cases[number].pages[which]));
            }
            let p50 = case.pages[which].p50;
            let yardstick = yardstick(largest, case, which);
            line.push(format!("{:.2}", p50 / smallest.cases[number].pages[which].p50));
            line.push(format!("{yardstick:.2}"));
            line.push(format!("{:.1}", p50 / yardstick));
            line.push(if case.reads_all { "yes" } else { "no" }.into());
            table.push(line);
        }
    }
    print(&head, &table);
}

/// The p50 of what a case is compared with.
fn yardstick(measured: &Measured, case: &MeasuredCase, which: usize) -> f64 {
    let bare = measured.bare.iter().find(|(size, _)| *size == case.size);
    match (bare, case.query.get(which)) {
        (Some((_, bare)), Some(query)) => bare[which].p50 + query.p50,
        _ => measured.update[which].p50,
    }
}

/// The yardsticks themselves.
pub fn yardsticks(rows: &[i64], measured: &[Measured]) {
    let head = ["yardstick", "connectors", "connections", "req/s", "p50 ms", "p99 ms"].map(String::from);
    let mut table = Vec::new();
    for (number, measured) in rows.iter().zip(measured) {
        let bare = measured.bare.iter().map(|(size, figures)| (format!("bare handler, page of {size} rows"), figures));
        let update = ("durable change of one row".to_string(), &measured.update);
        let queries = measured.cases.iter().map(|case| (format!("query: {}", case.name), &case.query));
        for (name, figures) in bare.chain([update]).chain(queries) {
            for (connections, figures) in CONNECTIONS.iter().zip(figures) {
                let mut line = vec![name.clone(), number.to_string(), connections.to_string()];
                line.extend(three(figures));
                table.push(line);
            }
        }
    }
    print(&head, &table);
}

/// Start, memory and weight.
pub fn rest(starts: &Starts, idle: &Memory, loaded: &Memory, weights: &[Weight]) {
    let mebibytes = |bytes: u64| format!("{:.1} MiB", bytes as f64 / 1024.0 / 1024.0);
    let mut table = vec![
        vec!["first start, database made".into(), format!("{:.2} s", starts.first.as_secs_f64())],
        vec!["later start".into(), format!("{:.2} s", starts.later.as_secs_f64())],
        vec!["memory after the start, program".into(), mebibytes(idle.program)],
        vec!["memory after the start, PostgreSQL".into(), mebibytes(idle.database)],
        vec!["memory after the load, program".into(), mebibytes(loaded.program)],
        vec!["memory after the load, PostgreSQL".into(), mebibytes(loaded.database)],
    ];
    for weight in weights {
        table.push(vec![format!("{} (coding: {})", weight.name, weight.coding), format!("{} bytes", weight.bytes)]);
    }
    print(&["measure", "value"].map(String::from), &table);
}

/// A collection: its import and its lists.
pub fn records(measured: &Records) {
    let Import { records, bytes, time, memory: (before, most) } = &measured.import;
    let mebibytes = |bytes: u64| bytes as f64 / 1024.0 / 1024.0;
    println!(
        "Import of {records} records as CSV ({:.1} MiB): {:.1} s, memory of the program {:.1} MiB before and {:.1} MiB at most.\n",
        mebibytes(*bytes as u64),
        time.as_secs_f64(),
        mebibytes(*before),
        mebibytes(*most)
    );
    let head = ["list", "records", "connections", "req/s", "p50 ms", "p99 ms"].map(String::from);
    let mut table = Vec::new();
    for (name, figures) in &measured.lists {
        for (connections, figures) in CONNECTIONS.iter().zip(figures) {
            let mut line = vec![name.clone(), measured.rows.to_string(), connections.to_string()];
            line.extend(three(figures));
            table.push(line);
        }
    }
    print(&head, &table);
}

/// What else the machine was doing.
pub fn load_average() -> std::io::Result<String> {
    Ok(std::fs::read_to_string("/proc/loadavg")?.split(' ').take(3).collect::<Vec<_>>().join(" "))
}

fn three(figures: &Figures) -> [String; 3] {
    [format!("{:.0}", figures.rate), format!("{:.2}", figures.p50), format!("{:.2}", figures.p99)]
}

fn print(head: &[String], table: &[Vec<String>]) {
    let line = |cells: &[String]| println!("| {} |", cells.join(" | "));
    line(head);
    line(&vec!["---".to_string(); head.len()]);
    table.iter().for_each(|cells| line(cells));
    println!();
}
