//! The server's process: its settings, its start, its end.

use std::process::{Child, ExitStatus};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::account::{Account, SETPRIV_MISSING};
use super::folder::Folder;
use super::log::Log;
use super::pid_file::PidFile;
use super::programs::Programs;
use super::wait_until;

/// How long a start may take, recovery after a crash included.
const START: Duration = Duration::from_secs(60);

/// How a server is stopped, and how long each way may take: a fast shutdown, which ends open
/// connections and writes all to the disk; an immediate one, after which the next start recovers.
pub(super) const STOP_SIGNALS: [(Signal, Duration); 2] =
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
pub(super) struct Server {
    child: Child,
    log: Log,
}

impl Server {
    /// Starts the server and waits until it accepts connections.
    pub(super) fn start(
        folder: &Folder,
        account: &Account,
        programs: &Programs,
        durable: bool,
    ) -> anyhow::Result<Self> {
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
    pub(super) fn has_exited(&mut self) -> Option<String> {
        let status = match self.child.try_wait() {
            Ok(None) => return None,
            Ok(Some(status)) => status.to_string(),
            Err(error) => error.to_string(),
        };
        Some(format!("the private PostgreSQL has ended by itself ({status}); {}", self.log.quote()))
    }

    /// Stops the server, cleanly if it can; it is gone when this returns.
    pub(super) fn stop(&mut self) -> anyhow::Result<()> {
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
