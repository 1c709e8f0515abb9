//! `connectory audit`: proves that no entry of the audit log was changed.

use std::process::ExitCode;

use clap::Subcommand;

use super::setup::{Tools, with_database};
use crate::audit::chain::{self, Anchor, Fault};
use crate::config::Config;
use crate::web::{grouped, iso, plural};

#[derive(Subcommand)]
pub(super) enum AuditCommand {
    /// Check the audit log's chain of hashes from its first entry to its last
    Verify {
        /// The end of the chain as it was noted before; it must still stand there
        #[arg(long, value_name = "ENTRY:HASH")]
        expect: Option<Anchor>,
    },
}

/// The exit code of a damaged audit log. 1 stands for a check that could not be made, 2 for a command that was typed
/// wrongly.
const DAMAGED: u8 = 3;

/// The exit code if an error is damage that `verify` has found.
pub(super) fn exit_code(error: &anyhow::Error) -> Option<ExitCode> {
    error.is::<Fault>().then(|| ExitCode::from(DAMAGED))
}

pub(super) fn run(config: &Config, command: AuditCommand) -> anyhow::Result<()> {
    let AuditCommand::Verify { expect } = command;
    with_database(config, async |tools| verify(tools, expect).await)
}

async fn verify(tools: Tools, noted: Option<Anchor>) -> anyhow::Result<()> {
    let mut conn = tools.db.get().await?;
    let verified = match chain::verify(&mut conn, &tools.vault, noted.as_ref()).await? {
        Ok(verified) => verified,
        Err(fault) => return Err(anyhow::Error::new(fault).context("the audit log is NOT intact")),
    };
    println!("Entries: {}", grouped(verified.end.seq));
    for (label, at) in [("First", verified.first), ("Last", verified.last)] {
        if let Some(at) = at {
            println!("{label}: {}", iso(&at));
        }
    }
    println!("End: {}", verified.end);
    if verified.last_plain > 0 {
        println!("Links up to entry {} are from an earlier version and have no key.", grouped(verified.last_plain));
    }
    if verified.waiting > 0 {
        let entries = plural(verified.waiting, "entry is", "entries are");
        println!("{entries} not in the chain yet: a running Connectory links them within a second.");
    }
    for seq in &verified.backdated {
        println!("Note: entry {seq} says an earlier time than entries before it. Was a clock set back then?");
    }
    println!("OK: no entry was changed, taken out, put in or moved.");
    Ok(())
}
