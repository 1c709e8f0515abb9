//! What an earlier run left on the cluster when both it and the kernel's signal failed.
//!
//! Rule: a process is only signalled when it is PostgreSQL, works in this cluster, and is the
//! server that the cluster's pid file names. Process numbers are reused; an old pid file may name
//! anything. The data folder's lock is held here, so any such server is nobody's.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::pid_file::PidFile;
use super::server::STOP_SIGNALS;
use super::wait_until;

/// How long a dead server may stay in the process table. A slow init takes seconds to collect it,
/// and until then PostgreSQL takes it for alive.
const ZOMBIE: Duration = Duration::from_secs(20);

/// Stops a server that still runs on the cluster, and waits until all its processes are gone.
pub(super) fn clear(cluster: &Path) -> anyhow::Result<()> {
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
    use super::state;

    #[test]
    fn the_state_is_found_behind_any_name() {
        assert_eq!(state("812 (postgres) Z 1 812 812 0"), Some('Z'));
        assert_eq!(state("812 (a) R (b) S 1 812"), Some('S'));
        assert_eq!(state("812 (postgres"), None);
    }
}
