//! Measures calls of programs through the real program: how much they cost over calling the API directly, and how a
//! plain reverse proxy does in the same place.
//!
//! The API is nginx, which answers 1 KiB of JSON to whoever shows the right bearer token. It is called directly,
//! through nginx as a reverse proxy that adds the token (`proxy_set_header Authorization`), and through Connectory with
//! key check, address guard and call log. Proxy and program have two workers each.
//!
//! Rule: every answer must be good, and one that is not ends the run. Danger: other work on the machine; rounds
//! alternate between the three, the medians count, and the report begins and ends with the load average.
#![expect(clippy::disallowed_methods, reason = "the bench is a plain client of the program, without its address guard")]

#[path = "../pages/folder.rs"]
mod folder;
mod nginx;
#[path = "../pages/program.rs"]
#[expect(dead_code, reason = "the other benchmark needs the rest")]
mod program;
mod report;
mod site;
mod steps;
mod stream;
#[path = "../../tests/it/support/nginx.rs"]
mod web_server;
mod wrk;

use std::time::Duration;

use anyhow::{Context, bail, ensure};
use folder::Folder;
use program::Program;
use site::Site;
use wrk::Figures;

/// How many connections ask at once.
const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// How often each is measured.
const ROUNDS: usize = 3;

/// Workers of the program and of the proxy.
const WORKERS: &str = "2";

/// What the API wants, and the two in the middle add.
const TOKEN: &str = "a-token-that-only-the-proxy-and-the-program-know";

/// What is called, in the order of the report.
const TARGETS: [&str; 3] = ["the API itself", "nginx", "Connectory"];

/// What the command line may change.
struct Options {
    /// How long each round of each case is measured.
    time: Duration,
    /// Where only the program is to be kept busy, for a profile.
    profile: Option<usize>,
}

impl Options {
    fn read() -> anyhow::Result<Options> {
        let mut options = Options { time: Duration::from_secs(3), profile: None };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().context("a value is missing");
            match argument.as_str() {
                "--bench" => {} // cargo says so to every benchmark
                "--seconds" => options.time = Duration::from_secs(value()?.parse()?),
                // Of the other benchmark, which gets the same arguments.
                "--rows" => _ = value()?,
                "--profile" => options.profile = Some(value()?.parse()?),
                other => bail!("“{other}” is none of: --seconds 3, --profile 16"),
            }
        }
        Ok(options)
    }
}

fn main() -> anyhow::Result<()> {
    let options = Options::read()?;
    let folder = Folder::create()?;
    let api = nginx::api(&folder, TOKEN)?;
    let proxy = nginx::proxy(&folder, api.port, TOKEN)?;
    let settings = [
        ("CONNECTORY_WORKERS", WORKERS),
        ("CONNECTORY_OUTBOUND_LOOPBACK", "yes"),
        // One key makes all calls.
        ("CONNECTORY_CALLER_REQUESTS_PER_MINUTE", "10000000"),
        ("CONNECTORY_CALLER_REQUESTS_AT_ONCE", "1000"),
    ];
    let (program, _) = Program::start_with(&folder, &settings)?;
    let site = Site::prepare(&folder, program.address, &api.url("/"), TOKEN)?;
    if let Some(connections) = options.profile {
        eprintln!("process {}, {connections} connections", program.id());
        let found = wrk::run(&site.url("json"), &site.headers(), connections, options.time)?;
        println!("{:.0} requests a second", found.rate);
        return program.stop();
    }
    println!("Load average at the start: {}\n", report::load_average()?);
    steps::run()?;
    let targets = [
        Target::new(api.url("/json"), vec![format!("Authorization: Bearer {TOKEN}")], nginx::processes(&api)),
        Target::new(proxy.url("/json"), Vec::new(), nginx::processes(&proxy)),
        Target::new(site.url("json"), site.headers(), vec![program.id()]),
    ];
    let mut measured = Vec::new();
    for connections in CONNECTIONS {
        measured.push(measure(&targets, connections, options.time)?);
    }
    report::calls(&measured);
    let streamed = stream::gigabyte(&site, &program)?;
    report::stream(&streamed);
    let logged = site.calls_logged()?;
    println!("{logged} calls stand in the call log.");
    ensure!(logged > 0, "the calls were not logged");
    program.stop()?;
    println!("Load average at the end: {}", report::load_average()?);
    Ok(())
}

/// What is asked, and whose processor time it takes.
struct Target {
    url: String,
    headers: Vec<String>,
    processes: Vec<u32>,
}

impl Target {
    fn new(url: String, headers: Vec<String>, processes: Vec<u32>) -> Target {
        Target { url, headers, processes }
    }
}

/// The medians of each target, in their order.
pub struct Measured {
    pub connections: usize,
    pub figures: Vec<Figures>,
}

fn measure(targets: &[Target], connections: usize, time: Duration) -> anyhow::Result<Measured> {
    let mut rounds: Vec<Vec<Figures>> = targets.iter().map(|_| Vec::new()).collect();
    for round in 0..=ROUNDS {
        for (target, found) in targets.iter().zip(&mut rounds) {
            let before = wrk::processor_time(&target.processes);
            let mut figures = wrk::run(&target.url, &target.headers, connections, time)?;
            let spent = wrk::processor_time(&target.processes) - before;
            figures.processor = spent / figures.requests;
            // The first round opens connections and fills caches.
            if round > 0 {
                found.push(figures);
            }
        }
    }
    let figures: Vec<Figures> = rounds.into_iter().map(wrk::median).collect();
    for (name, figures) in TARGETS.iter().zip(&figures) {
        eprintln!(
            "{connections} connections, {name}: {:.0} requests a second, p50 {:.3} ms",
            figures.rate, figures.p50
        );
    }
    Ok(Measured { connections, figures })
}
