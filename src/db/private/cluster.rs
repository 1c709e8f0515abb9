//! The database cluster: made once, in a draft folder that takes its final name when all is done,
//! so that an interrupted first start leaves nothing half-made.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use super::folder::Folder;
use super::programs::{Account, Major, Programs, SETPRIV_MISSING};
use super::server::last_lines;
use super::wait_until;

/// The role the program connects as: no superuser, so that a mistake in a query cannot run
/// programs or read files.
pub const ROLE: &str = "connectory";

pub const DATABASE: &str = "connectory";

/// No client can connect as the superuser; it owns what PostgreSQL itself brings.
const SUPERUSER: &str = "postgres";

/// How long the draft of an interrupted start may resist removal, while its maker still ends.
const REMOVAL: Duration = Duration::from_secs(5);

/// The major version that made the cluster; `None` when there is no cluster yet.
pub fn major(cluster: &Path, account: &Account) -> anyhow::Result<Option<Major>> {
    let name = cluster.display();
    let owner = match fs::metadata(cluster) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        result => result.with_context(|| format!("{name} cannot be read"))?.uid(),
    };
    let server = account.server();
    ensure!(
        owner == server.uid.as_raw(),
        "the database {name} belongs to another user (id {owner}) than {}, whom it would run as: start Connectory as before, or give the folder to that user",
        server.name
    );
    let version =
        fs::read_to_string(cluster.join("PG_VERSION")).with_context(|| format!("{name} is no PostgreSQL database"))?;
    Major::parse(&version).map(Some).with_context(|| format!("{name} is of an unknown PostgreSQL version"))
}

/// Makes the cluster with the program's role and database in it.
pub fn create(folder: &Folder, account: &Account, programs: &Programs, durable: bool) -> anyhow::Result<()> {
    let draft = folder.draft();
    let initialise = |locale| {
        remove(&draft)?;
        folder.make_private(&draft, account)?;
        initdb(account.command(&programs.initdb()), &draft, locale, durable)
    };
    // Under C.UTF-8 lower() knows every letter, under C only A to Z; but not every system has it.
    match initialise("C.UTF-8") {
        Err(error) if lacks_locale(&error) => initialise("C"),
        result => result,
    }
    .context("the private database cannot be made")?;
    create_database(account.command(&programs.postgres()), &draft).context("the private database cannot be filled")?;
    fs::rename(&draft, folder.cluster())
        .and_then(|()| folder.sync())
        .context("the private database cannot be put in place")
}

/// What a start that was interrupted left; its `initdb` may still be writing for a moment.
fn remove(draft: &Path) -> anyhow::Result<()> {
    let mut removed = Ok(());
    wait_until(REMOVAL, || {
        removed = match fs::remove_dir_all(draft) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        };
        removed.is_ok()
    });
    removed.with_context(|| format!("{} cannot be removed", draft.display()))
}

fn initdb(mut initdb: Command, draft: &Path, locale: &str, durable: bool) -> anyhow::Result<()> {
    initdb
        .args(["--encoding=UTF8", "--data-checksums"])
        // Sorted by code point, so that no index depends on the machine's C library.
        .args([&format!("--locale={locale}"), "--lc-collate=C"])
        .args(["--auth-local=peer", "--auth-host=reject"])
        .arg(format!("--username={SUPERUSER}"));
    if !durable {
        initdb.arg("--no-sync");
    }
    initdb.arg("--pgdata").arg(draft);
    finish(initdb, "")
}

/// In single-user mode, which needs neither a client nor a way for the superuser to connect.
/// CREATEDB lets an administrator restore a dump beside the database, and tests have one each.
fn create_database(mut postgres: Command, draft: &Path) -> anyhow::Result<()> {
    postgres.args(["--single", "-c", "exit_on_error=on", "-D"]).arg(draft).arg("postgres");
    let statements = format!("CREATE ROLE {ROLE} LOGIN CREATEDB;\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n");
    finish(postgres, &statements)
}

/// Runs the command to its end; the error is the last of what it said.
fn finish(mut command: Command, input: &str) -> anyhow::Result<()> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().context(SETPRIV_MISSING)?;
    // Shorter than any pipe's buffer, so this cannot wait for a reader. A program that failed at
    // once says so below, better than the broken pipe would.
    let written = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}\n{}", output.status, last_lines(&said));
    }
    written.context("PostgreSQL did not read its input")
}

fn lacks_locale(error: &anyhow::Error) -> bool {
    error.to_string().contains("invalid locale name")
}
