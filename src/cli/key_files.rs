//! Where master keys come from, and the files of the data folder while one follows another.
//!
//! Rule: the next key is on the disk before any data key is wrapped under it, and `master.key` is replaced after all
//! are. A start reads both files, so it works wherever a rotation was interrupted, and finishes what is left to do with
//! the files.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::config::{Config, MasterKeySource};
use crate::vault::{MasterKey, MasterKeys, WrappedKey};

/// The file in the data folder that holds the master key of the private PostgreSQL.
const KEY_FILE: &str = "master.key";

/// The key that follows it, while a rotation is under way.
const NEXT_FILE: &str = "master.key.next";

/// Reads the master keys. One is made only for a new private PostgreSQL: to an old one, a new key would be the wrong
/// one.
pub(super) fn master_keys(config: &Config, database_is_new: bool) -> anyhow::Result<MasterKeys> {
    let current = match &config.master_key {
        MasterKeySource::DataDir => key_in(&config.data_dir.join(KEY_FILE), database_is_new)?,
        given => read(given, "CONNECTORY_MASTER_KEY")?,
    };
    let mut others = Vec::new();
    if let Some(old) = &config.old_master_key {
        others.push(read(old, "CONNECTORY_OLD_MASTER_KEY")?);
    }
    if let Some(new) = new_master_key(config)? {
        others.push(new);
    }
    if is_in_data_dir(config) {
        others.extend(left_key(config)?);
    }
    Ok(MasterKeys::new(current, others))
}

/// The key to rotate to that the administrator names, if there is one.
pub(super) fn new_master_key(config: &Config) -> anyhow::Result<Option<MasterKey>> {
    let new = config.new_master_key.as_ref();
    new.map(|new| read(new, "CONNECTORY_NEW_MASTER_KEY")).transpose()
}

/// Whether the program keeps the master key itself.
pub(super) fn is_in_data_dir(config: &Config) -> bool {
    matches!(config.master_key, MasterKeySource::DataDir)
}

/// The next key of the data folder that an interrupted rotation has left.
pub(super) fn left_key(config: &Config) -> anyhow::Result<Option<MasterKey>> {
    let path = config.data_dir.join(NEXT_FILE);
    let left = path.exists().then(|| MasterKey::read_file(&path));
    Ok(left.transpose()?)
}

/// The next key of the data folder: the one that an interrupted rotation has left, `given`, or a new one. On the disk
/// when this returns.
pub(super) fn next_key(config: &Config, given: Option<MasterKey>) -> anyhow::Result<MasterKey> {
    let path = config.data_dir.join(NEXT_FILE);
    match (left_key(config)?, given) {
        (Some(left), Some(given)) if left.id() != given.id() => bail!(
            "{} holds another key ({}) than the new one ({}): a rotation to it was begun. Finish that first, without CONNECTORY_NEW_MASTER_KEY",
            path.display(),
            left.id(),
            given.id()
        ),
        (Some(left), _) => Ok(left),
        (None, Some(given)) => {
            given.write_file(&path)?;
            Ok(given)
        }
        (None, None) => Ok(MasterKey::create_file(&path)?),
    }
}

/// Puts the next key in its place if all data keys are wrapped under it, and gives where the one before is kept.
pub(super) fn finish_rotation(config: &Config, stored: &[WrappedKey]) -> anyhow::Result<Option<PathBuf>> {
    let (path, next) = (config.data_dir.join(KEY_FILE), config.data_dir.join(NEXT_FILE));
    if !is_in_data_dir(config) || stored.is_empty() || !next.exists() {
        return Ok(None);
    }
    let key = MasterKey::read_file(&next)?;
    if stored.iter().any(|stored| stored.master_key_id != key.id()) {
        return Ok(None);
    }
    let before = MasterKey::read_file(&path)?;
    let kept = config.data_dir.join(format!("{KEY_FILE}.{}", before.id()));
    match MasterKey::replace_file(&path, &next, &kept) {
        Ok(()) => Ok(Some(kept)),
        // Another command has just done it.
        Err(_) if MasterKey::read_file(&path)?.id() == key.id() => Ok(Some(kept)),
        Err(error) => Err(error.into()),
    }
}

/// Reads a key that a setting of this name gives as text, or as a file with `_FILE` behind the name.
fn read(source: &MasterKeySource, name: &'static str) -> anyhow::Result<MasterKey> {
    match source {
        MasterKeySource::Text(text) => MasterKey::parse(text.expose()).context(name),
        MasterKeySource::File(path) => MasterKey::read_file(path).with_context(|| format!("{name}_FILE")),
        MasterKeySource::DataDir => bail!("{name} is not set"),
    }
}

fn key_in(path: &Path, database_is_new: bool) -> anyhow::Result<MasterKey> {
    if path.exists() || !database_is_new {
        return Ok(MasterKey::read_file(path)?);
    }
    let key = MasterKey::create_file(path)?;
    eprintln!(
        "Made the master key {}. Keep a copy of it apart from the backups: without it no stored secret can be read.",
        path.display()
    );
    Ok(key)
}
