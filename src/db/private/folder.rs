//! The data folder: who may enter it, the lock on it, and where things stand in it.
//!
//! Rule: the folder belongs to the program's user, and only `cluster` and `socket` within it to the
//! server's. As root this matters: nothing the program writes lies where the user `postgres` could
//! have put a symbolic link.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use super::cluster;
use super::programs::Account;

/// The longest path of a Unix socket, in bytes.
const MAX_SOCKET_PATH: usize = 107;

/// What PostgreSQL calls the socket of port 5432.
const SOCKET_NAME: &str = ".s.PGSQL.5432";

/// Ties the program's user to the database's role in the two access files.
const MAP: &str = "connectory";

/// A prepared and locked data folder. The lock lasts until this is dropped or the program dies.
pub struct Folder {
    root: PathBuf,
    socket: String,
    lock: File,
}

/// A program that is being started at this moment has a copy of the open file until it runs, and the lock with it.
/// Unlocking ends that lock too; closing would not.
impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = self.lock.unlock() {
            tracing::warn!(%error, "the data folder could not be unlocked");
        }
    }
}

impl Folder {
    pub fn open(data_dir: &Path, account: &Account) -> anyhow::Result<Self> {
        create(data_dir).with_context(|| shown("cannot be made", data_dir))?;
        // Resolved, because the folder of a running server is compared with it.
        let root = fs::canonicalize(data_dir).with_context(|| shown("is not there", data_dir))?;
        check_owner(&root)?;
        let socket = socket_folder(&root)?;
        let lock = lock(&root)?;
        if account.drops_root() {
            let_server_in(&root, account)?;
        }
        let folder = Self { root, socket, lock };
        folder.make_private(Path::new(&folder.socket), account)?;
        folder.write_access_files(account)?;
        Ok(folder)
    }

    /// The folder of the server's socket; text, because it goes into the connection string.
    pub fn socket(&self) -> &str {
        &self.socket
    }

    /// The database cluster. It is there if and only if it is complete.
    pub fn cluster(&self) -> PathBuf {
        self.root.join("cluster")
    }

    /// Where a new cluster is made.
    pub fn draft(&self) -> PathBuf {
        self.root.join("cluster.new")
    }

    pub fn log(&self) -> PathBuf {
        self.root.join("postgresql.log")
    }

    /// Who may connect: PostgreSQL's `hba_file`.
    pub fn access(&self) -> PathBuf {
        self.root.join("pg_hba.conf")
    }

    /// Which user is which role: PostgreSQL's `ident_file`.
    pub fn identities(&self) -> PathBuf {
        self.root.join("pg_ident.conf")
    }

    /// Makes `path` a folder that only the server's user can enter.
    pub fn make_private(&self, path: &Path, account: &Account) -> anyhow::Result<()> {
        make_folder(path)
            .and_then(|()| fs::set_permissions(path, Permissions::from_mode(0o700)))
            .and_then(|()| give_to_server(path, account))
            .with_context(|| shown("cannot be made", path))
    }

    /// Puts names made, removed or changed in the folder on the disk.
    pub fn sync(&self) -> io::Result<()> {
        File::open(&self.root)?.sync_all()
    }

    /// Written at every start, since another user may run the program this time.
    fn write_access_files(&self, account: &Account) -> anyhow::Result<()> {
        let role = cluster::ROLE;
        let access = format!("local all {role} peer map={MAP}\n");
        let identities = format!("{MAP} \"{}\" {role}\n", account.client_name());
        for (path, content) in [(self.access(), access), (self.identities(), identities)] {
            write_for_server(&path, &content, account).with_context(|| shown("cannot be written", &path))?;
        }
        Ok(())
    }
}

fn create(data_dir: &Path) -> io::Result<()> {
    if let Some(parent) = data_dir.parent() {
        fs::create_dir_all(parent)?;
    }
    make_folder(data_dir)
}

fn make_folder(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result,
    }
}

fn check_owner(root: &Path) -> anyhow::Result<()> {
    let metadata = fs::metadata(root).with_context(|| shown("is not there", root))?;
    let name = root.display();
    ensure!(
        metadata.uid() == nix::unistd::Uid::effective().as_raw(),
        "the data folder {name} belongs to another user (id {}): run Connectory as that user, or choose another folder",
        metadata.uid()
    );
    ensure!(metadata.mode() & 0o022 == 0, "other users can write to the data folder {name}: chmod go-w {name}");
    Ok(())
}

/// Refuses paths that neither the server nor the connection string could hold.
fn socket_folder(root: &Path) -> anyhow::Result<String> {
    let folder = root.join("socket");
    let name = root.display();
    let Some(text) = folder.to_str() else {
        bail!("the path of the data folder {name} is not UTF-8: choose another folder");
    };
    ensure!(
        !text.contains([',', '"']) && !text.contains(char::is_control),
        "the path of the data folder {name} contains a comma, a double quote or a control character: choose another folder"
    );
    let excess = (text.len() + 1 + SOCKET_NAME.len()).saturating_sub(MAX_SOCKET_PATH);
    ensure!(
        excess == 0,
        "the path of the data folder {name} is {excess} bytes too long for a Unix socket: choose a shorter one"
    );
    Ok(text.to_owned())
}

fn lock(root: &Path) -> anyhow::Result<File> {
    let path = root.join("lock");
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .with_context(|| shown("cannot be opened", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another Connectory is running on the data folder {}: stop it first, or give both the same DATABASE_URL",
            root.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| shown("cannot be locked", &path)),
    }
}

/// As root: lets the server's user pass through the folder, not list it, and makes sure that the
/// folders above let it pass too.
fn let_server_in(root: &Path, account: &Account) -> anyhow::Result<()> {
    let mode = fs::metadata(root)?.mode() & 0o7777;
    if mode & 0o077 == 0 {
        chown(root, None, Some(account.server().gid.as_raw()))
            .and_then(|()| fs::set_permissions(root, Permissions::from_mode(mode | 0o010)))
            .with_context(|| shown("cannot be shared", root))?;
    }
    if account.can_enter(root)? {
        return Ok(());
    }
    let user = &account.server().name;
    let wall = outermost_wall(root, account)?;
    bail!(
        "PostgreSQL runs as the user {user}, who may not enter {}: choose a data folder elsewhere, such as /var/lib/connectory, or allow it with chmod o+x",
        wall.display()
    )
}

fn outermost_wall<'a>(root: &'a Path, account: &Account) -> anyhow::Result<&'a Path> {
    let mut wall = root;
    for folder in root.ancestors() {
        if !account.can_enter(folder)? {
            wall = folder;
        }
    }
    Ok(wall)
}

fn give_to_server(path: &Path, account: &Account) -> io::Result<()> {
    if !account.drops_root() {
        return Ok(());
    }
    let server = account.server();
    chown(path, Some(server.uid.as_raw()), Some(server.gid.as_raw()))
}

/// Writes a file that the server's user can read and not change.
fn write_for_server(path: &Path, content: &str, account: &Account) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    if account.drops_root() {
        fchown(&file, None, Some(account.server().gid.as_raw()))?;
        file.set_permissions(Permissions::from_mode(0o640))?;
    }
    file.write_all(content.as_bytes())
}

fn shown(what: &str, path: &Path) -> String {
    format!("{} {what}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_too_long_for_a_socket_is_refused_with_the_excess() {
        let longest = format!("/{}", "d".repeat(85));
        assert!(socket_folder(Path::new(&longest)).is_ok());
        let error = socket_folder(Path::new(&format!("{longest}dd"))).unwrap_err();
        assert!(error.to_string().contains("is 2 bytes too long"), "{error}");
    }

    #[test]
    fn a_path_that_would_be_taken_for_two_is_refused() {
        assert!(socket_folder(Path::new("/a,b")).is_err());
        assert!(socket_folder(Path::new("/a\nb")).is_err());
        assert!(socket_folder(Path::new("/a b")).is_ok());
    }
}
