//! Which PostgreSQL of those installed runs the database.
//!
//! Rule: a database is only ever opened by the major version that made it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};

use super::account::{Account, SETPRIV_MISSING};

/// Debian keeps each major version in a folder here.
const DEBIAN: &str = "/usr/lib/postgresql";

/// PostgreSQL's major version: 15 of 15.16.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Major(u32);

impl Major {
    /// Reads the number that a version ("15.16", "18beta1") starts with.
    pub(super) fn parse(version: &str) -> Option<Self> {
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
pub(super) struct Programs {
    bin_dir: PathBuf,
    major: Major,
}

impl Programs {
    /// The installation that made the database, or the newest one for a new database.
    pub(super) fn find(bin_dir: Option<&Path>, made_by: Option<Major>, account: &Account) -> anyhow::Result<Self> {
        let installed = match bin_dir {
            Some(bin_dir) => vec![Self::in_folder(bin_dir, account)?],
            None => Self::installed(account)?,
        };
        choose(installed, made_by)
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.bin_dir.join("initdb")
    }

    pub(super) fn postgres(&self) -> PathBuf {
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
            "{} does not tell its version: {}",
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
