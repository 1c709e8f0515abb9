//! The server's process: its settings, its start, its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::folder::Folder;
use super::programs::{Account, Programs, SETPRIV_MISSING};
use super::wait_until;

/// How long a start may take, recovery after a crash included.
const START: Duration = Duration::from_secs(60);

/// How a server is stopped, and how long each way may take: a fast shutdown, which ends open
/// connections and writes all to the disk; an immediate one, after which the next start recovers.
const STOP_SIGNALS: [(Signal, Duration); 2] =
    [(Signal::SIGINT, Duration::from_secs(20)), (Signal::SIGQUIT, Duration::from_secs(10))];

/// Settings of every server, made for a small machine with one client.
const SETTINGS: &[&str] = &[
    // No network: the socket is the only way in.
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "max_connections=100",
    "shared_buffers=64MB",
    // Compiling a query costs more than any of ours takes.
    "jit=off",
    "timezone=UTC",
    "log_timezone=UTC",
    "logging_collector=off",
    "log_destination=stderr",
    "log_checkpoints=off",
    "log_line_prefix=%m [%p] ",
    // Errors without the statement or the row: both can hold what does not belong in a log.
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
];

const DURABLE: &[&str] = &["fsync=on", "synchronous_commit=on", "full_page_writes=on"];

const NOT_DURABLE: &[&str] = &["fsync=off", "synchronous_commit=off", "full_page_writes=off"];

/// A started server. Dropping it stops it.
pub struct Server {
    child: Child,
    log: Log,
}

impl Server {
    /// Starts the server and waits until it accepts connections.
    pub fn start(folder: &Folder, account: &Account, programs: &Programs, durable: bool) -> anyhow::Result<Self> {
        let log = Log::open(folder.log()).context("PostgreSQL's log cannot be opened")?;
        let child = account
            .command(&programs.postgres())
            .arg("-D")
            .arg(folder.cluster())
            .args(settings(folder, durable))
            .stdout(log.output()?)
            .stderr(log.output()?)
            .spawn()
            .context(SETPRIV_MISSING)?;
        let mut server = Self { child, log };
        server.wait_until_ready(folder)?;
        Ok(server)
    }

    /// Why the server is gone, if it is.
    pub fn has_exited(&mut self) -> Option<String> {
        let status = match self.child.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => status.to_string(),
            Err(error) => error.to_string(),
        };
        Some(format!("the private PostgreSQL has ended by itself ({status}); {}", self.log.quote()))
    }

    /// Stops the server, cleanly if it can; it is gone when this returns.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        let [fast, immediate] = STOP_SIGNALS;
        match self.ended_by(fast)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => bail!("the private PostgreSQL ended with {status}; {}", self.log.quote()),
            None => {}
        }
        if self.ended_by(immediate)?.is_none() {
            self.child.kill()?;
            self.child.wait()?;
        }
        bail!("the private PostgreSQL did not stop and was cut off; its next start recovers it")
    }

    /// Sends the signal, unless the server is gone already: its number could be another's by then.
    fn ended_by(&mut self, (signal, patience): (Signal, Duration)) -> anyhow::Result<Option<ExitStatus>> {
        let mut ended = self.child.try_wait()?;
        if ended.is_none() {
            kill(self.pid()?, signal)?;
            wait_until(patience, || {
                ended = self.child.try_wait().ok().flatten();
                ended.is_some()
            });
        }
        Ok(ended)
    }

    fn wait_until_ready(&mut self, folder: &Folder) -> anyhow::Result<()> {
        let server = self.pid()?;
        let cluster = folder.cluster();
        let mut ready = false;
        wait_until(START, || {
            // The number is compared because a file of an earlier run may still say "ready".
            ready = PidFile::read(&cluster).is_some_and(|file| file.ready && file.server == server);
            ready || !matches!(self.child.try_wait(), Ok(None))
        });
        if let Some(reason) = self.has_exited() {
            bail!(reason);
        }
        if !ready {
            bail!("the private PostgreSQL was not ready after {} s; {}", START.as_secs(), self.log.quote());
        }
        Ok(())
    }

    fn pid(&self) -> anyhow::Result<Pid> {
        // setpriv becomes the server, so the child's number is the server's.
        Ok(Pid::from_raw(i32::try_from(self.child.id())?))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None))
            && let Err(error) = self.stop()
        {
            tracing::error!("{error:#}");
        }
    }
}

/// On the command line, where they overrule what anyone wrote into the cluster's own files.
fn settings(folder: &Folder, durable: bool) -> Vec<String> {
    let durability = if durable { DURABLE } else { NOT_DURABLE };
    let fixed = SETTINGS.iter().chain(durability).map(ToString::to_string);
    let paths = [
        // A list of folders, so the one is quoted.
        format!("unix_socket_directories=\"{}\"", folder.socket()),
        format!("hba_file={}", folder.access().display()),
        format!("ident_file={}", folder.identities().display()),
    ];
    fixed.chain(paths).flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

/// A log longer than this, in bytes, is put aside at the next start, in place of the one before.
const MAX_LEN: u64 = 10 * 1024 * 1024;

/// How much of the end is read to find the last lines, in bytes.
const TAIL_LEN: u64 = 8 * 1024;

/// How many lines an error message quotes.
const QUOTED_LINES: usize = 10;

/// The server's log: a file that the program opens for it and quotes when something goes wrong.
struct Log {
    path: PathBuf,
    file: File,
    /// Where this run began: lines of earlier ones explain nothing.
    start: u64,
}

impl Log {
    fn open(path: PathBuf) -> io::Result<Self> {
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_LEN) {
            fs::rename(&path, path.with_extension("log.old"))?;
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        let start = file.metadata()?.len();
        Ok(Self { path, file, start })
    }

    /// The file as an output of the server.
    fn output(&self) -> io::Result<Stdio> {
        self.file.try_clone().map(Stdio::from)
    }

    /// The last lines of this run under the file's name, for an error message.
    fn quote(&self) -> String {
        let name = self.path.display();
        match read_tail(&self.path, self.start) {
            Ok(tail) => format!("last lines of {name}:\n{}", last_lines(&tail)),
            Err(error) => format!("{name} cannot be read: {error}"),
        }
    }
}

/// The last lines of a text, to be quoted.
pub fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
}

fn read_tail(path: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(start.max(length.saturating_sub(TAIL_LEN))))?;
    let mut tail = Vec::new();
    file.take(TAIL_LEN).read_to_end(&mut tail)?;
    Ok(String::from_utf8_lossy(&tail).into_owned())
}

/// The line, counted from 0, on which the server says what it is doing.
const STATUS_LINE: usize = 7;

/// `postmaster.pid`, in which a running server says who it is and how far it has come. It is read, never deleted:
/// PostgreSQL itself judges whether a stale one may go, and two servers on one cluster would destroy it.
#[derive(Debug, PartialEq, Eq)]
struct PidFile {
    /// The server's process, alive or not.
    server: Pid,
    /// Whether it accepts connections.
    ready: bool,
}

impl PidFile {
    /// `None` when there is no file or it is only half written.
    fn read(cluster: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(cluster.join("postmaster.pid")).ok()?)
    }

    /// A negative number is a server in single-user mode, of which there is nothing to know.
    fn parse(text: &str) -> Option<Self> {
        let mut lines = text.lines();
        let server = lines.next()?.trim().parse().ok().filter(|pid| *pid > 0)?;
        let status = lines.nth(STATUS_LINE - 1);
        Some(Self { server: Pid::from_raw(server), ready: status.is_some_and(|status| status.trim() == "ready") })
    }
}

/// How long a dead server may stay in the process table. A slow init takes seconds to collect it,
/// and until then PostgreSQL takes it for alive.
const ZOMBIE: Duration = Duration::from_secs(20);

/// Stops a server that an earlier run left on the cluster, because both it and the kernel's signal failed, and waits
/// until all its processes are gone.
///
/// A process is only signalled when it is PostgreSQL, works in this cluster, and is the server that the cluster's pid
/// file names: process ids are reused, and an old pid file may name any process. The data folder's lock is held here, so no other
/// program uses such a server.
pub fn stop_leftover(cluster: &Path) -> anyhow::Result<()> {
    for (signal, patience) in STOP_SIGNALS {
        if processes_in(cluster).is_empty() {
            break;
        }
        signal_server(cluster, signal);
        wait_until(patience, || processes_in(cluster).is_empty());
    }
    let remaining = processes_in(cluster);
    if !remaining.is_empty() {
        bail!("PostgreSQL processes of an earlier run still use {} and do not stop: {remaining:?}", cluster.display());
    }
    wait_until(ZOMBIE, || !is_zombie(cluster));
    Ok(())
}

/// Only the server: its own processes follow it, and some would take the signal for another order.
fn signal_server(cluster: &Path, signal: Signal) {
    let server = PidFile::read(cluster).map(|file| file.server);
    if let Some(server) = server.filter(|server| works_in(*server, cluster)) {
        // It may have ended since; whether it has is what the caller looks at.
        kill(server, signal).ok();
    }
}

fn processes_in(cluster: &Path) -> Vec<Pid> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .filter(|process| works_in(*process, cluster))
        .collect()
}

/// Every process of a server has the cluster as its working folder.
fn works_in(process: Pid, cluster: &Path) -> bool {
    let is_postgres =
        fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| name.trim_end() == "postgres");
    is_postgres && fs::read_link(format!("/proc/{process}/cwd")).is_ok_and(|folder| folder == cluster)
}

fn is_zombie(cluster: &Path) -> bool {
    PidFile::read(cluster)
        .and_then(|file| fs::read_to_string(format!("/proc/{}/stat", file.server)).ok())
        .is_some_and(|stat| state(&stat) == Some('Z'))
}

/// The state in `/proc/PID/stat`: it follows the name, which may itself hold spaces and brackets.
fn state(stat: &str) -> Option<char> {
    let (_, after_name) = stat.rsplit_once(')')?;
    after_name.trim_start().chars().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ten_lines_are_quoted() {
        let text: String = (1..=12).map(|line| format!("{line}\n")).collect();
        assert_eq!(last_lines(&text), "3\n4\n5\n6\n7\n8\n9\n10\n11\n12");
        assert_eq!(last_lines("only\n"), "only");
        assert_eq!(last_lines(""), "");
    }

    const STARTING: &str = "812\n/data/cluster\n1763776800\n5432\n/data/socket\n\n 5432001 3\n";

    fn parsed(text: &str) -> Option<(i32, bool)> {
        PidFile::parse(text).map(|file| (file.server.as_raw(), file.ready))
    }

    #[test]
    fn a_server_is_ready_when_the_eighth_line_says_so() {
        assert_eq!(parsed(&format!("{STARTING}ready   \n")), Some((812, true)));
        assert_eq!(parsed(&format!("{STARTING}starting\n")), Some((812, false)));
        assert_eq!(parsed(STARTING), Some((812, false)));
    }

    #[test]
    fn what_names_no_server_is_ignored() {
        for text in ["", "\n", "-812\n/data/cluster\n", "0\n", "81a\n"] {
            assert_eq!(parsed(text), None, "{text}");
        }
    }

    #[test]
    fn the_state_is_found_behind_any_name() {
        assert_eq!(state("812 (postgres) Z 1 812 812 0"), Some('Z'));
        assert_eq!(state("812 (a) R (b) S 1 812"), Some('S'));
        assert_eq!(state("812 (postgres"), None);
    }
}
