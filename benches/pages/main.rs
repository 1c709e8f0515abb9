//! Measures the pages of the real program over its real, durable database: how fast, how heavy, and whether anything
//! grows with the number of connectors.
//!
//! The same run measures two yardsticks, so that its figures mean something on any machine: a bare handler that sends
//! a page of the same size, and `pgbench` with the page's main query over the same socket.
//!
//! Rule: every answer is checked, and one wrong answer ends the run. Danger: other work on the machine; the report
//! begins and ends with the load average.
#![expect(clippy::disallowed_methods, reason = "the bench is a plain client of the program, without its address guard")]

mod cases;
mod data;
mod folder;
mod http;
mod load;
mod plans;
mod program;
mod records;
mod report;
mod session;
mod yardstick;

use std::time::Duration;

use anyhow::{Context, bail};
use cases::Case;
use data::Data;
use folder::Folder;
use load::Figures;
use program::Program;
use records::Records;
use session::Session;
use yardstick::{Bare, Pgbench};

/// How many connections ask at once: one tells how long a page takes, many what the machine carries.
const CONNECTIONS: [usize; 2] = [1, 16];

/// Later starts are short, so the median of several is taken.
const LATER_STARTS: usize = 5;

/// What the command line may change.
struct Options {
    /// How long each case is measured.
    time: Duration,
    /// Numbers of connectors to measure with, in rising order.
    rows: Vec<i64>,
    /// The number of records to measure with; 0 leaves them out.
    records: i64,
}

impl Options {
    fn read() -> anyhow::Result<Options> {
        let mut options = Options { time: Duration::from_secs(3), rows: vec![10_000, 100_000], records: 1_000_000 };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().context("a value is missing");
            match argument.as_str() {
                "--bench" => {} // cargo says so to every benchmark
                "--seconds" => options.time = Duration::from_secs(value()?.parse()?),
                "--rows" => {
                    options.rows = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?;
                }
                "--records" => options.records = value()?.parse()?,
                other => bail!("“{other}” is none of: --seconds 3, --rows 10000,100000, --records 1000000"),
            }
        }
        Ok(options)
    }
}

/// One thread: the machine's cores belong to what is measured.
#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let options = Options::read()?;
    // Whatever ends the run, what it has started ends by being dropped.
    tokio::select! {
        outcome = run(&options) => outcome,
        _ = tokio::signal::ctrl_c() => bail!("interrupted"),
    }
}

async fn run(options: &Options) -> anyhow::Result<()> {
    println!("Load average at the start: {}\n", report::load_average()?);
    let folder = Folder::create()?;
    let (program, starts) = start(&folder).await?;
    let idle = program.memory();
    program.create_user(session::USER, session::PASSWORD)?;
    let session = Session::begin(program.address).await?;
    let mut data = Data::open(&folder).await?;
    let pgbench = Pgbench::find(&folder)?;
    let mut measured = Vec::new();
    for rows in &options.rows {
        eprintln!("filling in {rows} connectors");
        data.fill_up_to(*rows).await?;
        measured.push(measure_all(options, &session, &data, &pgbench).await?);
    }
    report::cases(&options.rows, &measured);
    report::yardsticks(&options.rows, &measured);
    let weights = session.weights().await?;
    report::rest(&starts, &idle, &program.memory(), &weights);
    if options.records > 0 {
        report::records(&measure_records(options, &session, &data, &program).await?);
    }
    let plans: Vec<&str> = measured.iter().flat_map(|measured| measured.plans.iter()).map(String::as_str).collect();
    println!("Plans: {}", plans::save(&plans)?.display());
    drop(data);
    program.stop()?;
    println!("Load average at the end: {}", report::load_average()?);
    Ok(())
}

/// Starts the program for the first time, then again and again; the last one stays.
async fn start(folder: &Folder) -> anyhow::Result<(Program, report::Starts)> {
    let (mut program, first) = Program::start_with(folder, &[])?;
    let mut later = Vec::new();
    for _ in 0..LATER_STARTS {
        program.stop()?;
        let (again, time) = Program::start_with(folder, &[])?;
        program = again;
        later.push(time);
    }
    later.sort_unstable();
    // What a start leaves to be done afterwards is not part of the idle state.
    tokio::time::sleep(Duration::from_secs(1)).await;
    Ok((program, report::Starts { first, later: later[LATER_STARTS / 2] }))
}

/// All that is measured with one number of connectors.
pub struct Measured {
    pub cases: Vec<MeasuredCase>,
    /// The bare handler, for each size of page.
    pub bare: Vec<(usize, Vec<Figures>)>,
    /// The durable change of one row.
    pub update: Vec<Figures>,
    pub plans: Vec<String>,
}

/// One case, with each number of connections.
pub struct MeasuredCase {
    pub name: String,
    pub pages: Vec<Figures>,
    /// The main query alone.
    pub query: Vec<Figures>,
    /// Rows a page; 0 for a save.
    pub size: usize,
    /// Whether a query of the page scans the table from its beginning, up to its limit.
    pub reads_all: bool,
}

async fn measure_all(options: &Options, session: &Session, data: &Data, pgbench: &Pgbench) -> anyhow::Result<Measured> {
    let mut measured = Measured { cases: Vec::new(), bare: Vec::new(), update: Vec::new(), plans: Vec::new() };
    for list in cases::lists(data).await? {
        let (plan, reads_all) = plans::explain(data, &list).await?;
        measured.plans.push(plan);
        let first = data.value(&list.sql("key")).await?;
        let case = session.list(&list, first.as_deref());
        measured.cases.push(MeasuredCase {
            name: list.name.clone(),
            pages: measure(options, session, &case).await?,
            query: CONNECTIONS
                .iter()
                .map(|clients| pgbench.run(&list.sql(cases::COLUMNS), *clients, options.time))
                .collect::<anyhow::Result<_>>()?,
            size: list.size,
            reads_all,
        });
    }
    let case = session.save(data.editable(CONNECTIONS[1]).await?);
    measured.cases.push(MeasuredCase {
        name: "save Details".into(),
        pages: measure(options, session, &case).await?,
        query: Vec::new(),
        size: 0,
        reads_all: false,
    });
    for clients in CONNECTIONS {
        measured.update.push(pgbench.run(data::UPDATE, clients, options.time)?);
    }
    for size in cases::SIZES {
        let bare = Bare::start(session.get(&cases::first_page(size)).await?)?;
        let mut figures = Vec::new();
        for connections in CONNECTIONS {
            figures.push(load::measure(bare.address, connections, options.time, &bare.case()).await?);
        }
        measured.bare.push((size, figures));
    }
    Ok(measured)
}

async fn measure_records(
    options: &Options,
    session: &Session,
    data: &Data,
    program: &Program,
) -> anyhow::Result<Records> {
    eprintln!("filling in {} records", options.records);
    let import = records::fill(session, data, program, options.records).await?;
    let mut lists = Vec::new();
    for case in records::lists(session, data).await? {
        lists.push((case.name.clone(), measure(options, session, &case).await?));
    }
    Ok(Records { rows: options.records, import, lists })
}

async fn measure(options: &Options, session: &Session, case: &Case) -> anyhow::Result<Vec<Figures>> {
    let mut figures = Vec::new();
    for connections in CONNECTIONS {
        let found =
            load::measure(session.address, connections, options.time, case).await.with_context(|| case.name.clone())?;
        eprintln!("{}: {connections} connections, p50 {:.2} ms", case.name, found.p50);
        figures.push(found);
    }
    Ok(figures)
}
