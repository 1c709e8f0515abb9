//! Who the server runs as, and how its programs are started.
//!
//! Rule: every program of PostgreSQL is started through [`Account::command`], which drops root,
//! empties the environment and ties the program's life to ours. `setpriv` does this without unsafe
//! code, and in the right order: changing the user after asking for the parent's death signal would
//! cancel it.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use nix::unistd::{Uid, User};

/// Whom Debian's PostgreSQL runs as.
const SERVER_USER: &str = "postgres";

/// Where `setpriv` and what PostgreSQL itself calls are found.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The program's user and the server's: the same one, unless the program runs as root.
pub(super) struct Account {
    client: User,
    server: User,
}

impl Account {
    pub(super) fn of_this_process() -> anyhow::Result<Self> {
        let uid = Uid::effective();
        let client = User::from_uid(uid)
            .context("the list of users cannot be read")?
            .with_context(|| {
                format!(
                    "the user id {uid} has no name on this machine, and PostgreSQL needs one: add it to /etc/passwd, or set DATABASE_URL"
                )
            })?;
        let server = if uid.is_root() { server_user()? } else { client.clone() };
        Ok(Self { client, server })
    }

    /// The program's user, who alone may connect.
    pub(super) fn client_name(&self) -> &str {
        &self.client.name
    }

    /// The user the server runs as.
    pub(super) fn server(&self) -> &User {
        &self.server
    }

    /// Whether the server runs as another user than the program.
    pub(super) fn drops_root(&self) -> bool {
        self.client.uid != self.server.uid
    }

    /// A command that runs `program` as the server's user, without our environment, in a process
    /// group of its own (Ctrl-C must reach the program alone, which then stops the server), and
    /// that the kernel interrupts when the calling thread ends.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/").process_group(0).stdin(Stdio::null());
        if self.drops_root() {
            command
                .arg(format!("--reuid={}", self.server.uid))
                .arg(format!("--regid={}", self.server.gid))
                .arg("--clear-groups");
        }
        command.args(["--pdeathsig=INT", "--"]).arg(program);
        command
    }

    /// Whether the server's user can reach what is in `folder`.
    pub(super) fn can_enter(&self, folder: &Path) -> anyhow::Result<bool> {
        let output = self.command(Path::new("test")).arg("-x").arg(folder).output().context(SETPRIV_MISSING)?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => bail!(
                "no program can be started as the user {}: {}",
                self.server.name,
                String::from_utf8_lossy(&output.stderr).trim()
            ),
        }
    }
}

/// Context of every failure to start a command.
pub(super) const SETPRIV_MISSING: &str =
    "setpriv, which starts PostgreSQL, cannot be run (Debian's package util-linux has it)";

fn server_user() -> anyhow::Result<User> {
    User::from_name(SERVER_USER)
        .context("the list of users cannot be read")?
        .with_context(|| {
            format!(
                "PostgreSQL does not run as root, and there is no user {SERVER_USER} to run it as: install Debian's package postgresql, start Connectory as another user, or set DATABASE_URL"
            )
        })
}
