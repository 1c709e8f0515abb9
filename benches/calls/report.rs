//! The figures as Markdown.

use super::stream::Streamed;
use super::{Measured, TARGETS};

/// What the calls cost, each beside calling the API itself and beside nginx.
pub fn calls(measured: &[Measured]) {
    println!("| connections | called | req/s | of nginx's | p50 ms | added at p50, ms | p99 ms | CPU µs a request |");
    println!("|---:|---|---:|---:|---:|---:|---:|---:|");
    for round in measured {
        let (direct, nginx) = (&round.figures[0], &round.figures[1]);
        for (name, figures) in TARGETS.iter().zip(&round.figures) {
            println!(
                "| {} | {name} | {:.0} | {:.2} | {:.3} | {:.3} | {:.3} | {:.1} |",
                round.connections,
                figures.rate,
                figures.rate / nginx.rate,
                figures.p50,
                figures.p50 - direct.p50,
                figures.p99,
                figures.processor,
            );
        }
    }
    println!();
}

pub fn stream(streamed: &Streamed) {
    let mebibytes = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    println!(
        "A gibibyte through Connectory: {:.2} s; resident memory before {:.1} MiB, at most {:.1} MiB, after {:.1} MiB.",
        streamed.time.as_secs_f64(),
        mebibytes(streamed.before),
        mebibytes(streamed.highest),
        mebibytes(streamed.after),
    );
}

pub fn load_average() -> std::io::Result<String> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    Ok(text.split_whitespace().take(3).collect::<Vec<_>>().join(" "))
}
