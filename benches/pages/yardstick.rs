//! What the figures are compared with: a handler that does nothing, and the database alone.

use std::collections::HashMap;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpServer, web};
use anyhow::{Context, anyhow, ensure};

use super::cases::Case;
use super::folder::Folder;
use super::load::{Ask, Figures};

/// A server with as many workers as the program has, which sends one page out of memory.
pub struct Bare {
    pub address: SocketAddr,
    handle: ServerHandle,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

impl Bare {
    pub fn start(page: String) -> anyhow::Result<Bare> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let page = Bytes::from(page);
        let workers = std::thread::available_parallelism()?.get().min(8);
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            actix_web::rt::System::new().block_on(async {
                let app = move || App::new().app_data(web::Data::new(page.clone())).route("/", web::get().to(answer));
                let server = HttpServer::new(app).workers(workers).disable_signals().listen(listener)?.run();
                // Nobody waits any more if the run has ended.
                _ = sender.send(server.handle());
                server.await
            })
        });
        Ok(Bare { address, handle: receiver.recv()?, thread: Some(thread) })
    }

    pub fn case(&self) -> Case {
        let request = Bytes::from(format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", self.address));
        Case {
            name: "bare handler".into(),
            ask: Box::new(move |_| {
                let request = request.clone();
                Ask { request: Box::new(move || request.clone()), status: 200, text: "</html>".into() }
            }),
        }
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        // The order is given at once; the future only waits for its end, as the thread does.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

async fn answer(page: web::Data<Bytes>) -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(Bytes::clone(&page))
}

/// PostgreSQL's own benchmark, over the socket that the program uses.
pub struct Pgbench {
    program: PathBuf,
    folder: PathBuf,
    socket: PathBuf,
}

impl Pgbench {
    pub fn find(folder: &Folder) -> anyhow::Result<Pgbench> {
        let versions = fs::read_dir("/usr/lib/postgresql").context("PostgreSQL is not installed")?;
        let program = versions
            .filter_map(|version| Some(version.ok()?.path().join("bin/pgbench")))
            .filter(|program| program.is_file())
            .max()
            .ok_or_else(|| anyhow!("pgbench is missing"))?;
        Ok(Pgbench { program, folder: folder.path().to_path_buf(), socket: folder.data_dir().join("socket") })
    }

    /// Lets `clients` run a prepared statement for `time`.
    pub fn run(&self, sql: &str, clients: usize, time: Duration) -> anyhow::Result<Figures> {
        let script = self.folder.join("pgbench.sql");
        fs::write(&script, format!("{sql};\n"))?;
        let log = self.folder.join("pgbench_log");
        let started = Instant::now();
        let mut child = Command::new(&self.program)
            .args(["-n", "-M", "prepared", "-U", "connectory", "-l", "--log-prefix"])
            .arg(&log)
            .args(["-c", &clients.to_string(), "-T", &time.as_secs().to_string(), "-h"])
            .arg(&self.socket)
            .arg("-f")
            .arg(&script)
            .arg("connectory")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let log = log.with_extension(child.id().to_string());
        let said = child.stderr.take().map(std::io::read_to_string).transpose()?;
        ensure!(child.wait()?.success(), "pgbench failed: {}", said.unwrap_or_default());
        // Longer than asked for, where a transaction takes long.
        let whole = started.elapsed();
        let lines = fs::read_to_string(&log)?;
        fs::remove_file(log)?;
        Figures::of(intervals(&lines), whole)
    }
}

/// The times between two ends of the same client, in milliseconds. The log's own time of a transaction serves for the
/// first only: where the answer is there at the first look, pgbench writes 0.
fn intervals(log: &str) -> Vec<f64> {
    let mut ends: HashMap<&str, f64> = HashMap::new();
    let mut intervals = Vec::new();
    for line in log.lines() {
        // client, transaction, time, script, end: seconds and microseconds
        let columns: Vec<&str> = line.split(' ').collect();
        let [client, _, time, _, seconds, micros] = columns[..] else {
            continue;
        };
        let (Ok(seconds), Ok(micros)) = (seconds.parse::<f64>(), micros.parse::<f64>()) else {
            continue;
        };
        let end = seconds * 1000.0 + micros / 1000.0;
        match (ends.insert(client, end), time.parse::<f64>()) {
            (Some(last), _) => intervals.push(end - last),
            (None, Ok(time)) if time > 0.0 => intervals.push(time / 1000.0),
            (None, _) => {}
        }
    }
    intervals
}
