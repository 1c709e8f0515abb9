//! `connectory key rotate`: another data key and another master key, while everything goes on.
//!
//! Rule: both, unless one is named. With the master key alone, a holder of the old one and an old backup has the data
//! key of what is stored later, too. The data key goes first: instances that run open it by the master key that they
//! have.

use std::time::Duration;

use anyhow::bail;
use clap::Subcommand;

use super::key_files;
use super::setup::{Tools, with_database};
use crate::access::Actor;
use crate::audit::Change;
use crate::config::Config;
use crate::db::Conn;
use crate::keyring::{self, Uses};
use crate::vault::{MasterKey, MasterKeys, Vault, WrappedKey};
use crate::web::plural;

/// Between two looks at whether the instances have learnt a key, and for how long they are waited for.
const LOOK: Duration = Duration::from_millis(500);
const PATIENCE: Duration = Duration::from_secs(60);

/// Rounds in which values are sealed again: the second finds what was stored during the first.
const ROUNDS: usize = 10;

#[derive(Subcommand)]
pub(super) enum KeyCommand {
    /// Make a new data key, seal every secret and token with it, and change the master key
    Rotate {
        /// Say what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// Change the data key alone
        #[arg(long)]
        data_key: bool,
        /// Change the master key alone: a holder of the old one and a backup can read what is stored later, too
        #[arg(long, conflicts_with = "data_key")]
        master_key: bool,
    },
}

pub(super) fn run(config: &Config, command: KeyCommand) -> anyhow::Result<()> {
    let KeyCommand::Rotate { dry_run, data_key, master_key } = command;
    with_database(config, async |tools| {
        // Before anything is done: the key to go to must be there.
        if !data_key {
            target(config)?;
        }
        match (master_key, dry_run) {
            (true, _) => {}
            (false, true) => plan_data_key(&tools).await?,
            (false, false) => rotate_data_key(&tools).await?,
        }
        match (data_key, dry_run) {
            (true, _) => Ok(()),
            (false, true) => plan_master(config, &tools).await,
            (false, false) => rotate_master(config, &tools).await,
        }
    })
}

/// What the data keys will be wrapped under: `None` is a key that is still to be made.
fn target(config: &Config) -> anyhow::Result<Option<MasterKey>> {
    match key_files::new_master_key(config)? {
        Some(new) => Ok(Some(new)),
        None if key_files::is_in_data_dir(config) => key_files::left_key(config),
        // The settings name the new key already, and the old one beside it.
        None if config.old_master_key.is_some() => {
            let masters = key_files::master_keys(config, false)?;
            Ok(Some(masters.into_current()))
        }
        None => bail!(
            "set CONNECTORY_NEW_MASTER_KEY_FILE to the new key; or CONNECTORY_MASTER_KEY_FILE to the new key and CONNECTORY_OLD_MASTER_KEY_FILE to the present one"
        ),
    }
}

async fn plan_master(config: &Config, tools: &Tools) -> anyhow::Result<()> {
    let stored = keyring::load(&mut *tools.db.get().await?).await?;
    let target = target(config)?;
    let id = target.as_ref().map(MasterKey::id);
    println!(
        "Nothing was changed. {} would be wrapped under {}:",
        data_keys(others(&stored, id)),
        id.map_or("a master key that is still to be made".into(), |id| format!("master key {id}"))
    );
    for key in &stored {
        println!("  data key {} is wrapped under master key {}", key.id, key.master_key_id);
    }
    Ok(())
}

async fn rotate_master(config: &Config, tools: &Tools) -> anyhow::Result<()> {
    let given = target(config)?;
    let target = if key_files::is_in_data_dir(config) {
        key_files::next_key(config, given)?
    } else {
        given.ok_or_else(|| anyhow::anyhow!("there is no new master key"))?
    };
    let id = target.id().to_string();
    let masters = key_files::master_keys(config, false)?.succeeded_by(target);
    let by = Actor::command_line();
    let mut conn = tools.db.get().await?;
    let rotated = keyring::rotate(&mut change(&mut conn, &by, tools), &masters).await?;
    println!(
        "{} now wrapped under master key {id}.",
        match rotated {
            0 => "All data keys were already, and are".into(),
            number => format!("{} {}", data_keys(number), if number == 1 { "is" } else { "are" }),
        }
    );
    let stored = keyring::load(&mut conn).await?;
    if let Some(kept) = key_files::finish_rotation(config, &stored)? {
        println!(
            "The master key of before is kept as {}: backups from before need it, and can be read with it. Move it away from this machine, to where you keep copies of master keys. Keep a copy of the new one there as well, apart from the backups.",
            kept.display()
        );
    } else if !key_files::is_in_data_dir(config) {
        println!(
            "Instances that run go on. Before each starts again, its CONNECTORY_MASTER_KEY_FILE (or CONNECTORY_MASTER_KEY) must be the new key. Keep the old one as long as you keep backups from before."
        );
    }
    Ok(())
}

fn others(stored: &[WrappedKey], target: Option<&str>) -> usize {
    stored.iter().filter(|key| Some(key.master_key_id.as_str()) != target).count()
}

fn data_keys(number: usize) -> String {
    plural(count(number), "data key", "data keys")
}

async fn plan_data_key(tools: &Tools) -> anyhow::Result<()> {
    let mut conn = tools.db.get().await?;
    let (stored, uses) = (keyring::load(&mut conn).await?, keyring::uses(&conn).await?);
    println!("Nothing was changed.");
    for key in &stored {
        let values = uses.get(&key.id).copied().unwrap_or_default();
        let state = if key.is_active { "" } else { ", not in use yet" };
        println!("  data key {}: {}{state}", key.id, plural(values, "sealed value", "sealed values"));
    }
    let current = tools.vault.sealing_key();
    let left = older_values(&uses, current);
    if left > 0 || stored.iter().any(|key| !key.is_active) {
        println!(
            "A change of data keys was interrupted: {} would be sealed again, and no further key made.",
            plural(left, "value", "values")
        );
    } else {
        println!("A new data key would be made, and {} sealed again.", plural(uses.values().sum(), "value", "values"));
    }
    Ok(())
}

/// Values that keys before this one have sealed.
fn older_values(uses: &Uses, key: i32) -> i64 {
    uses.range(..key).map(|(_, values)| values).sum()
}

async fn rotate_data_key(tools: &Tools) -> anyhow::Result<()> {
    let mut conn = tools.db.get().await?;
    let by = Actor::command_line();
    let current = tools.vault.sealing_key();
    let waiting = keyring::load(&mut conn).await?.iter().any(|key| !key.is_active);
    let left = older_values(&keyring::uses(&conn).await?, current);
    let key = if left > 0 && !waiting {
        println!("Going on with data key {current}.");
        current
    } else {
        let key = keyring::begin(&mut conn, &tools.masters, tools.clock.now()).await?;
        wait_for_instances(tools, &mut conn, key, false).await?;
        keyring::activate(&mut change(&mut conn, &by, tools), key).await?;
        println!("Data key {key} seals from now on.");
        key
    };
    wait_for_instances(tools, &mut conn, key, true).await?;
    learn(&mut conn, &tools.vault, &tools.masters).await?;
    let values = reseal(&mut conn, &tools.vault).await?;
    println!("Sealed {} again.", plural(count(values), "value", "values"));
    for retired in keyring::retire_older(&mut change(&mut conn, &by, tools), key).await? {
        println!(
            "Data key {retired} is retired: it seals nothing any more, and still opens what a backup may bring back."
        );
    }
    Ok(())
}

fn change<'a>(conn: &'a mut Conn, by: &'a Actor, tools: &Tools) -> Change<'a> {
    Change { conn, by, now: tools.clock.now() }
}

async fn learn(conn: &mut Conn, vault: &Vault, masters: &MasterKeys) -> anyhow::Result<()> {
    let stored = keyring::load(conn).await?;
    vault.learn(&Vault::unlock(masters, &stored)?);
    Ok(())
}

/// Goes through all values until none is left that another key has sealed.
async fn reseal(conn: &mut Conn, vault: &Vault) -> anyhow::Result<usize> {
    let mut values = 0;
    for _ in 0..ROUNDS {
        let round = keyring::reseal(conn, vault).await?;
        values += round.values;
        if !round.damaged.is_empty() {
            bail!(
                "{} sealed again, but {} not open and {} left as {}: {}. No data key was retired",
                plural(count(values), "value was", "values were"),
                plural(count(round.damaged.len()), "value does", "values do"),
                if round.damaged.len() == 1 { "was" } else { "were" },
                if round.damaged.len() == 1 { "it is" } else { "they are" },
                round.damaged.join(", ")
            );
        }
        if round.values == 0 && round.overtaken == 0 {
            return Ok(values);
        }
    }
    bail!("values are stored faster than they can be sealed again: run this again")
}

/// Waits until every instance that serves the database opens what the key seals, or seals with it.
async fn wait_for_instances(tools: &Tools, conn: &mut Conn, key: i32, in_use: bool) -> anyhow::Result<()> {
    let begun = tokio::time::Instant::now();
    loop {
        let behind = keyring::behind(conn, tools.clock.now(), key, in_use).await?;
        if behind.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            let addresses: Vec<&str> = behind.iter().map(|instance| instance.address.as_str()).collect();
            bail!(
                "the instance at {} has not taken over data key {key} within {} seconds: see its log, restart it, and run this again",
                addresses.join(", "),
                PATIENCE.as_secs()
            );
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
