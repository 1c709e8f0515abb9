//! Whether a file with a secret in it is closed to others: whom it belongs to, and what its mode allows.
//!
//! Rule: it is asked of the open file, not of the path, which could name another file a moment later. The master key's
//! file has a stricter rule of its own, without any access of a group (`vault`).

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Reads a file. With `is_secret` only if root, its user and its group alone can read it; in any case only if it
/// belongs to root or to the user that runs the program, and no other user can write to it.
///
/// # Errors
/// In words that follow the file's path.
pub(super) fn read(path: &Path, is_secret: impl Fn(&str) -> bool) -> Result<String, String> {
    let mut file = File::open(path).map_err(|error| error.to_string())?;
    let metadata = file.metadata().map_err(|error| error.to_string())?;
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| error.to_string())?;
    // A device or a pipe, such as of a shell's `<(…)`, has no owner that means anything.
    if !metadata.is_file() {
        return Ok(text);
    }
    let mode = metadata.permissions().mode() & 0o7777;
    let owner = metadata.uid();
    if owner != 0 && owner != nix::unistd::Uid::effective().as_raw() {
        return Err(format!(
            "it belongs to the user {owner}, who can change it: chown it to root or to the user that runs Connectory"
        ));
    }
    if mode & 0o022 != 0 {
        return Err(format!("other users can write to it (mode {mode:04o}): chmod 640 it"));
    }
    if mode & 0o004 != 0 && is_secret(&text) {
        return Err(format!(
            "it holds a secret and is open to all users (mode {mode:04o}): chmod 640 it, and replace the secret if anyone may have read it"
        ));
    }
    Ok(text)
}
