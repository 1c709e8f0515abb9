//! The master key as a file of its own.
//!
//! Rule: only its owner may read it, and a file that exists is never replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::cipher::SealError;
use super::master_key::{KeyFormatError, MasterKey};

/// More bytes than any spelling of a key takes; who names a log file by mistake must not have it
/// read to its end.
const MAX_FILE_LEN: u16 = 1024;

impl MasterKey {
    /// Reads the key from a file that only its owner may read.
    ///
    /// # Errors
    /// When the file cannot be read, when its mode gives other users any access, or when it holds
    /// no key.
    pub fn read_file(path: &Path) -> Result<Self, KeyFileError> {
        let text = read_private(path)?;
        Self::parse(&text).map_err(|source| KeyFileError::Format { path: path.to_owned(), source })
    }

    /// Makes a random key and stores it, as hexadecimal digits, in a new file that only its owner
    /// may read. The file is on the disk, complete, when this returns; an existing file is never
    /// replaced.
    ///
    /// # Errors
    /// When the file exists or cannot be written, or when the operating system gives no random
    /// bytes.
    pub fn create_file(path: &Path) -> Result<Self, KeyFileError> {
        let key = Self::generate().map_err(KeyFileError::Generate)?;
        key.write_file(path)?;
        Ok(key)
    }

    /// Stores this key in the same way.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn write_file(&self, path: &Path) -> Result<(), KeyFileError> {
        write_private(path, self.to_hex().as_bytes())
            .map_err(|source| KeyFileError::Write { path: path.to_owned(), source })
    }

    /// Puts the key file `next` in the place of `path`, whose key is kept as `kept`. At every moment
    /// `path` is a whole key file, and both keys are on the disk.
    ///
    /// # Errors
    /// When a file cannot be linked or renamed.
    pub fn replace_file(path: &Path, next: &Path, kept: &Path) -> Result<(), KeyFileError> {
        put_in_place(path, next, kept).map_err(|source| KeyFileError::Write { path: path.to_owned(), source })
    }
}

/// What is wrong with a master key file; the cause, where there is one, is the source.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Not there, or not for this user to read.
    #[error("the master key file {} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Other users of the machine have access.
    #[error(
        "the master key file {} is open to other users (mode {mode:04o}): chmod 600 it, and replace the key if anyone may have read it",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Owned by another user, who could replace it.
    #[error(
        "the master key file {} belongs to the user {owner}: chown it to root or to the user that runs Connectory",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The user's number.
        owner: u32,
    },
    /// Readable, but not a key.
    #[error("the file {} holds no master key", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was expected.
        source: KeyFormatError,
    },
    /// Already there, or its folder is not writable.
    #[error("the master key file {} cannot be made", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// No key to write.
    #[error("no master key can be made")]
    Generate(#[source] SealError),
}

fn read_private(path: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let failed = |source| KeyFileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    // Asked of the open file, not of the path, which could name another file a moment later.
    let metadata = file.metadata().map_err(failed)?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    let owner = metadata.uid();
    if owner != 0 && owner != nix::unistd::Uid::effective().as_raw() {
        return Err(KeyFileError::Foreign { path: path.to_owned(), owner });
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_LEN.into()));
    file.take(MAX_FILE_LEN.into()).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

/// Writes beside the target and links the finished file into place: unlike a rename this never
/// replaces a file, and unlike writing in place a power cut never leaves half a key.
fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    remove_if_there(&draft)?;
    let written = write_new(&draft, content).and_then(|()| fs::hard_link(&draft, path));
    remove_if_there(&draft)?;
    written?;
    File::open(folder_of(path))?.sync_all()
}

fn put_in_place(path: &Path, next: &Path, kept: &Path) -> io::Result<()> {
    match fs::hard_link(path, kept) {
        // Kept by a run that was interrupted.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        linked => linked?,
    }
    fs::rename(next, path)?;
    File::open(folder_of(path))?.sync_all()
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(content)?;
    file.write_all(b"\n")?;
    file.sync_all()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    /// A folder of its own, removed at the end of the test.
    struct Folder(PathBuf);

    impl Folder {
        fn new() -> Self {
            let path = std::env::temp_dir().join(format!("connectory-{}", uuid::Uuid::now_v7()));
            fs::create_dir(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str, content: &str, mode: u32) -> PathBuf {
            let path = self.0.join(name);
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_created_key_file_is_private_and_reads_back_as_the_same_key() {
        let folder = Folder::new();
        let path = folder.0.join("master.key");
        let created = MasterKey::create_file(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, 0o600);
        assert_eq!(MasterKey::read_file(&path).unwrap().id(), created.id());
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "no draft stays");
    }

    #[test]
    fn an_existing_key_file_is_never_replaced() {
        let folder = Folder::new();
        let path = folder.file("master.key", "precious", 0o600);
        let error = MasterKey::create_file(&path).err().unwrap();
        assert_eq!(error.to_string(), format!("the master key file {} cannot be made", path.display()));
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "no draft stays");
    }

    #[test]
    fn the_draft_of_an_interrupted_run_is_no_obstacle() {
        let folder = Folder::new();
        folder.file("master.key.new", "half a k", 0o644);
        let path = folder.0.join("master.key");
        assert!(MasterKey::create_file(&path).is_ok());
        assert!(MasterKey::read_file(&path).is_ok());
    }

    #[test]
    fn a_key_file_that_others_can_touch_is_refused() {
        let folder = Folder::new();
        for mode in [0o604, 0o640, 0o644, 0o620, 0o601] {
            let path = folder.file("master.key", &"ab".repeat(32), mode);
            let message = MasterKey::read_file(&path).err().unwrap().to_string();
            assert!(message.contains(&format!("(mode {mode:04o})")), "{message}");
            assert!(message.contains(&path.display().to_string()), "{message}");
        }
        let path = folder.file("master.key", &"ab".repeat(32), 0o400);
        assert!(MasterKey::read_file(&path).is_ok());
    }

    #[test]
    fn a_file_without_a_key_is_named_and_its_content_is_not_shown() {
        let folder = Folder::new();
        let path = folder.file("master.key", "hunter2", 0o600);
        let error = MasterKey::read_file(&path).err().unwrap();
        let message = format!("{error}: {}", error.source().unwrap());
        assert!(message.contains("holds no master key"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn a_key_file_is_replaced_by_the_next_one_and_kept() {
        let folder = Folder::new();
        let [path, next, kept] = ["master.key", "master.key.next", "kept"].map(|name| folder.0.join(name));
        let old = MasterKey::create_file(&path).unwrap();
        for round in 0..2 {
            let new = MasterKey::create_file(&next).unwrap();
            MasterKey::replace_file(&path, &next, &kept).unwrap();
            assert_eq!(MasterKey::read_file(&path).unwrap().id(), new.id());
            assert_eq!(
                MasterKey::read_file(&kept).unwrap().id(),
                old.id(),
                "round {round}: what is kept is never replaced"
            );
            assert!(!next.exists());
        }
        assert!(MasterKey::replace_file(&path, &next, &kept).is_err());
        assert!(path.exists());
    }

    #[test]
    fn a_missing_key_file_is_told_from_an_unreadable_one() {
        let folder = Folder::new();
        let missing = MasterKey::read_file(&folder.0.join("master.key"));
        let Some(KeyFileError::Read { source, .. }) = missing.err() else {
            panic!("a missing file cannot be read");
        };
        assert_eq!(source.kind(), io::ErrorKind::NotFound);
    }
}
