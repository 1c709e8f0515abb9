//! `postmaster.pid`, in which a running server says who it is and how far it has come.
//!
//! Rule: it is read, never deleted. PostgreSQL itself judges whether a stale one may go, and two
//! servers on one cluster would destroy it.

use std::fs;
use std::path::Path;

use nix::unistd::Pid;

/// The line, counted from 0, on which the server says what it is doing.
const STATUS_LINE: usize = 7;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    /// The server's process, alive or not.
    pub(super) server: Pid,
    /// Whether it accepts connections.
    pub(super) ready: bool,
}

impl PidFile {
    /// `None` when there is no file or it is only half written.
    pub(super) fn read(cluster: &Path) -> Option<Self> {
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
