//! The private PostgreSQL: a database server of the program's own, for installations without a
//! DATABASE_URL.
//!
//! It is started from the PostgreSQL installed on the machine, keeps everything in the data folder,
//! and listens on a Unix socket only the program can use, so there is no password to keep. As root
//! it runs as the user `postgres`, because PostgreSQL refuses root; otherwise as the user who
//! started the program.
//!
//! Rule: the server never outlives the program and two programs never share a data folder. What an
//! earlier run left behind, however it ended, is cleared at the next start.
//!
//! Danger: the kernel ends the server with the *thread* that started it. Start it from the main
//! thread, before the asynchronous runtime; a pool's idle threads end and would take it along.

mod cluster;
mod folder;
mod programs;
mod server;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use folder::Folder;
use programs::{Account, Programs};
use server::Server;

/// How often something awaited is looked at.
const POLL: Duration = Duration::from_millis(10);

/// What may differ from an ordinary start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The folder of `initdb` and `postgres`; without one, the newest that Debian installed.
    pub bin_dir: Option<PathBuf>,
    /// Whether what is committed survives a power cut. Only tests do without it.
    pub durable: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { bin_dir: None, durable: true }
    }
}

/// A running private PostgreSQL, ready for connections. Dropping it stops the server.
pub struct PrivatePostgres {
    // Before the folder: fields drop in order, and the folder's lock must outlive the server.
    server: Server,
    folder: Folder,
}

impl PrivatePostgres {
    /// Starts the server on `data_dir`, making folder and database where there are none. Blocks
    /// until connections are accepted: well below a second, a few seconds the first time or on a
    /// busy machine, and up to a minute while a crashed database recovers.
    ///
    /// Call it from a thread that lives as long as the program (see the module's danger).
    ///
    /// # Errors
    /// One line that says what to do, when another program uses the folder, when PostgreSQL is
    /// missing or of another major version, or when the folder does not suit; with the last lines
    /// of the log when the server itself fails.
    pub fn start(data_dir: &Path) -> anyhow::Result<Self> {
        Self::start_with(data_dir, &Settings::default())
    }

    /// [`PrivatePostgres::start`] with other settings.
    ///
    /// # Errors
    /// The same.
    pub fn start_with(data_dir: &Path, settings: &Settings) -> anyhow::Result<Self> {
        let account = Account::of_this_process()?;
        let folder = Folder::open(data_dir, &account)?;
        let made_by = cluster::major(&folder.cluster(), &account)?;
        let programs = Programs::find(settings.bin_dir.as_deref(), made_by, &account)?;
        if made_by.is_none() {
            cluster::create(&folder, &account, &programs, settings.durable)?;
        }
        server::stop_leftover(&folder.cluster())?;
        let server = Server::start(&folder, &account, &programs, settings.durable)?;
        Ok(Self { server, folder })
    }

    /// Where to connect to the server that another program runs on `data_dir`, if one does: for
    /// commands beside it. The other program keeps it running and stops it.
    #[must_use]
    pub fn url_if_running(data_dir: &Path) -> Option<String> {
        let socket = data_dir.canonicalize().ok()?.join("socket");
        std::os::unix::net::UnixStream::connect(socket.join(".s.PGSQL.5432")).ok()?;
        Some(connection_string(socket.to_str()?))
    }

    /// Where to connect, as key=value pairs that tokio-postgres reads. Holds no secret.
    #[must_use]
    pub fn url(&self) -> String {
        connection_string(self.folder.socket())
    }

    /// Why the server is gone, if it is; does not wait. The program should then end with this as
    /// its error, since nothing works without the database.
    pub fn has_exited(&mut self) -> Option<String> {
        self.server.has_exited()
    }

    /// Stops the server cleanly: open transactions are rolled back, the rest is on the disk. Waits
    /// up to 20 s, then cuts it off, which loses nothing committed.
    ///
    /// # Errors
    /// When it had to be cut off or had failed before.
    pub fn stop(mut self) -> anyhow::Result<()> {
        self.server.stop()
    }
}

fn connection_string(socket: &str) -> String {
    let socket = socket.replace('\\', r"\\").replace('\'', r"\'");
    let role = cluster::ROLE;
    let database = cluster::DATABASE;
    format!("host='{socket}' user={role} dbname={database}")
}

/// Waits until `done` says so; false when that took longer than `patience`.
fn wait_until(patience: Duration, mut done: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    while !done() {
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(POLL);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::connection_string;

    #[test]
    fn any_folder_survives_the_connection_string() {
        for folder in ["/var/lib/connectory/socket", r"/home/a b/it's\here"] {
            let config: tokio_postgres::Config = connection_string(folder).parse().unwrap();
            let host = tokio_postgres::config::Host::Unix(folder.into());
            assert_eq!(config.get_hosts(), [host]);
            assert_eq!(config.get_user(), Some("connectory"));
            assert_eq!(config.get_dbname(), Some("connectory"));
        }
    }
}
