//! The program as a child process: its start, its memory, its end.

use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::folder::Folder;

/// The program that was built with this benchmark.
pub const BINARY: &str = env!("CARGO_BIN_EXE_connectory");

const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// How often a start is looked at; the listening socket makes the last question wait for its answer.
const POLL: Duration = Duration::from_millis(1);

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Program {
    child: Child,
    pub address: SocketAddr,
    data_dir: PathBuf,
}

/// Resident memory, in bytes.
pub struct Memory {
    pub program: u64,
    /// All processes of the database server, each page that they share counted once.
    pub database: u64,
}

impl Program {
    /// Starts the program with these settings besides the default ones, and tells how long it took until it was ready.
    pub fn start_with(folder: &Folder, settings: &[(&str, &str)]) -> anyhow::Result<(Program, Duration)> {
        let data_dir = folder.data_dir();
        let log_file = folder.file("program.log");
        let log = OpenOptions::new().create(true).append(true).open(&log_file)?;
        let address = free_address()?;
        let started = Instant::now();
        // setpriv becomes the program, and has it end should this process be killed.
        let child = Command::new("setpriv")
            .args(["--pdeathsig=TERM", "--", BINARY, "serve", "--data-dir"])
            .arg(&data_dir)
            .env_clear()
            .env("PATH", PATH)
            .env("CONNECTORY_LISTEN", address.to_string())
            .envs(settings.iter().copied())
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("setpriv cannot be run")?;
        let mut program = Program { child, address, data_dir };
        while !is_ready(address) {
            let gone = program.child.try_wait()?.is_some() || started.elapsed() > PATIENCE;
            ensure!(!gone, "the program did not start:\n{}", fs::read_to_string(&log_file)?);
            std::thread::sleep(POLL);
        }
        Ok((program, started.elapsed()))
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Creates a super admin by the command line.
    pub fn create_user(&self, username: &str, password: &str) -> anyhow::Result<()> {
        let mut command = Command::new(BINARY)
            .args(["user", "create", "--super-admin", username, "--data-dir"])
            .arg(&self.data_dir)
            .env_clear()
            .env("PATH", PATH)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()?;
        writeln!(command.stdin.take().context("no input")?, "{password}")?;
        ensure!(command.wait()?.success(), "the user was not created");
        Ok(())
    }

    pub fn memory(&self) -> Memory {
        Memory {
            program: kilobytes(&format!("/proc/{}/status", self.id()), "VmRSS:"),
            database: self
                .database_processes()
                .iter()
                .map(|process| kilobytes(&format!("/proc/{process}/smaps_rollup"), "Pss:"))
                .sum(),
        }
    }

    /// The database server and its children.
    fn database_processes(&self) -> Vec<String> {
        let pid_file = self.data_dir.join("cluster/postmaster.pid");
        let server = fs::read_to_string(pid_file).unwrap_or_default();
        let Some(server) = server.lines().next() else {
            return Vec::new();
        };
        let children = fs::read_to_string(format!("/proc/{server}/task/{server}/children")).unwrap_or_default();
        std::iter::once(server).chain(children.split_whitespace()).map(str::to_string).collect()
    }

    /// Stops the program as an administrator would.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.end()
    }

    fn end(&mut self) -> anyhow::Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        kill(Pid::from_raw(i32::try_from(self.child.id())?), Signal::SIGTERM)?;
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                ensure!(status.success(), "the program ended with {status}");
                return Ok(());
            }
            std::thread::sleep(POLL);
        }
        self.child.kill()?;
        self.child.wait()?;
        bail!("the program did not stop")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("{error:#}");
        }
    }
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?)
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(address)?;
        write!(stream, "GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        std::io::Result::Ok(answer.starts_with("HTTP/1.1 200"))
    };
    ask().unwrap_or(false)
}

/// A figure of a file of `/proc`, in bytes; 0 when it cannot be read.
fn kilobytes(file: &str, name: &str) -> u64 {
    let text = fs::read_to_string(Path::new(file)).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    number.unwrap_or(0) * 1024
}
