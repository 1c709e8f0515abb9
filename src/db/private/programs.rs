//! Who the server runs as, which of the installed PostgreSQLs it is, and how its programs are started.
//!
//! Rule: a database is only ever opened by the major version that made it.
//!
//! Rule: every program of PostgreSQL is started through [`Account::command`], which drops root,
//! empties the environment and ties the program's life to ours. `setpriv` does this without unsafe
//! code, and in the right order: changing the user after asking for the parent's death signal would
//! cancel it.

use std::fmt;
use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use nix::unistd::{Uid, User};

/// Whom Debian's PostgreSQL runs as.
const SERVER_USER: &str = "postgres";

/// Where `setpriv` and what PostgreSQL itself calls are found.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// The program's user and the server's: the same one, unless the program runs as root.
pub struct Account {
    client: User,
    server: User,
}

impl Account {
    pub fn of_this_process() -> anyhow::Result<Self> {
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
    pub fn client_name(&self) -> &str {
        &self.client.name
    }

    /// The user the server runs as.
    pub fn server(&self) -> &User {
        &self.server
    }

    /// Whether the server runs as another user than the program.
    pub fn drops_root(&self) -> bool {
        self.client.uid != self.server.uid
    }

    /// A command that runs `program` as the server's user, without our environment, in a process
    /// group of its own (Ctrl-C must reach the program alone, which then stops the server), and
    /// that the kernel interrupts when the calling thread ends.
    pub fn command(&self, program: &Path) -> Command {
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
    pub fn can_enter(&self, folder: &Path) -> anyhow::Result<bool> {
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
pub const SETPRIV_MISSING: &str =
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

/// Debian keeps each major version in a folder here.
const DEBIAN: &str = "/usr/lib/postgresql";

/// PostgreSQL's major version: 15 of 15.16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Major(u32);

impl Major {
    /// Reads the number that a version ("15.16", "18beta1") starts with.
    pub fn parse(version: &str) -> Option<Self> {
        let end = version.find(|character: char| !character.is_ascii_digit()).unwrap_or(version.len());
        version.get(..end)?.parse().ok().map(Self)
    }
}

impl fmt::Display for Major {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One installed PostgreSQL server.
#[derive(Clone, Debug)]
pub struct Programs {
    bin_dir: PathBuf,
    major: Major,
}

impl Programs {
    /// The installation that made the database, or the newest one for a new database.
    pub fn find(bin_dir: Option<&Path>, made_by: Option<Major>, account: &Account) -> anyhow::Result<Self> {
        let installed = match bin_dir {
            Some(bin_dir) => vec![Self::in_folder(bin_dir, account)?],
            None => Self::installed(account)?,
        };
        choose(installed, made_by)
    }

    pub fn initdb(&self) -> PathBuf {
        self.bin_dir.join("initdb")
    }

    pub fn postgres(&self) -> PathBuf {
        self.bin_dir.join("postgres")
    }

    fn installed(account: &Account) -> anyhow::Result<Vec<Self>> {
        let Ok(folders) = fs::read_dir(DEBIAN) else {
            return Ok(Vec::new());
        };
        folders
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .filter(|bin_dir| has_server(bin_dir))
            .map(|bin_dir| Self::in_folder(&bin_dir, account))
            .collect()
    }

    fn in_folder(bin_dir: &Path, account: &Account) -> anyhow::Result<Self> {
        // Resolved, because programs are started from the root folder.
        let bin_dir = fs::canonicalize(bin_dir)
            .ok()
            .filter(|bin_dir| has_server(bin_dir))
            .with_context(|| format!("{} has no initdb and postgres", bin_dir.display()))?;
        let major = ask_major(account.command(&bin_dir.join("postgres")))?;
        Ok(Self { bin_dir, major })
    }
}

/// A client-only installation has neither.
fn has_server(bin_dir: &Path) -> bool {
    bin_dir.join("initdb").is_file() && bin_dir.join("postgres").is_file()
}

/// The answer reads `postgres (PostgreSQL) 15.16 (Debian 15.16-0+deb12u1)`.
fn ask_major(mut postgres: Command) -> anyhow::Result<Major> {
    let output = postgres.arg("--version").output().context(SETPRIV_MISSING)?;
    let answer = String::from_utf8_lossy(&output.stdout);
    answer.split_once("(PostgreSQL) ").and_then(|(_, version)| Major::parse(version)).with_context(|| {
        format!(
            "{} does not say its version: {}",
            postgres.get_program().display(),
            String::from_utf8_lossy(&output.stderr).trim()
        )
    })
}

fn choose(mut installed: Vec<Programs>, made_by: Option<Major>) -> anyhow::Result<Programs> {
    installed.sort_by_key(|programs| programs.major);
    let chosen = match made_by {
        Some(major) => installed.iter().find(|programs| programs.major == major),
        None => installed.last(),
    };
    match (chosen, made_by) {
        (Some(programs), _) => Ok(programs.clone()),
        (None, Some(major)) if !installed.is_empty() => bail!(
            "the database was made by PostgreSQL {major}, and installed is {}: install Debian's package postgresql-{major}, or move the data with pg_dump",
            listed(&installed)
        ),
        (None, _) => {
            bail!("there is no PostgreSQL server in {DEBIAN}: install Debian's package postgresql, or set DATABASE_URL")
        }
    }
}

fn listed(installed: &[Programs]) -> String {
    let majors: Vec<String> = installed.iter().map(|programs| programs.major.to_string()).collect();
    majors.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(majors: &[u32]) -> Vec<Programs> {
        let programs = |&major| Programs {
            bin_dir: PathBuf::from(format!("/usr/lib/postgresql/{major}/bin")),
            major: Major(major),
        };
        majors.iter().map(programs).collect()
    }

    #[test]
    fn the_major_version_is_the_leading_number() {
        assert_eq!(Major::parse("15.16 (Debian)"), Some(Major(15)));
        assert_eq!(Major::parse("18beta1"), Some(Major(18)));
        assert_eq!(Major::parse("15"), Some(Major(15)));
        assert_eq!(Major::parse("devel"), None);
    }

    #[test]
    fn a_new_database_is_made_by_the_newest_version() {
        let chosen = choose(installed(&[15, 17, 9]), None).unwrap();
        assert_eq!(chosen.major, Major(17));
    }

    #[test]
    fn an_existing_database_keeps_its_version() {
        let chosen = choose(installed(&[15, 17]), Some(Major(15))).unwrap();
        assert_eq!(chosen.initdb(), Path::new("/usr/lib/postgresql/15/bin/initdb"));
    }

    #[test]
    fn a_database_of_a_version_that_is_not_installed_is_refused() {
        let error = choose(installed(&[17, 15]), Some(Major(16))).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("the database was made by PostgreSQL 16, and installed is 15, 17:"));
    }

    #[test]
    fn without_any_server_the_package_is_named() {
        for made_by in [None, Some(Major(15))] {
            let error = choose(Vec::new(), made_by).unwrap_err();
            assert!(error.to_string().contains("package postgresql"), "{error}");
        }
    }
}
