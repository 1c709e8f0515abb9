//! Apache, as Debian has it, with a folder of its own and `mod_auth_digest`.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, geteuid};
use tempfile::TempDir;

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const MODULES: [&str; 9] =
    ["mpm_event", "authn_core", "authn_file", "authz_core", "authz_user", "auth_digest", "dav", "dav_fs", "dir"];

/// Starts Apache with this configuration; it ends with the test.
pub fn spawn(configuration: &Path) -> Child {
    Command::new("setpriv")
        .args(["--pdeathsig=TERM", "--", "/usr/sbin/apache2", "-D", "FOREGROUND", "-f"])
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("Apache: `make test` installs it")
}

/// A running Apache whose files can be read and written by those who sign in by HTTP Digest; it stops when dropped.
pub struct Apache {
    process: Child,
    pub port: u16,
    folder: TempDir,
}

impl Apache {
    /// `users` is a file of htdigest for the realm “cam”; `settings` are more lines about signing in.
    pub fn start(users: &str, settings: &str) -> Apache {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        // Its workers are another user's than root.
        Command::new("chmod").args(["-R", "a+rwx"]).arg(root).status().expect("chmod");
        fs::create_dir(root.join("v1")).expect("a folder");
        fs::write(root.join("users"), users).expect("a file");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let modules = MODULES.map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"));
        let user = if geteuid().is_root() { "User www-data\nGroup www-data\n" } else { "" };
        let configuration = format!(
            "ServerRoot {root}\nServerName 127.0.0.1\nPidFile {root}/pid\nErrorLog {root}/error.log\nDefaultRuntimeDir {root}\n{modules}{user}Listen 127.0.0.1:{port}\nDocumentRoot {root}\nDavLockDB {root}/locks\n\
             <Directory {root}/v1>\nDav On\nAuthType Digest\nAuthName cam\nAuthDigestProvider file\nAuthUserFile {root}/users\nRequire valid-user\n{settings}\n</Directory>\n",
            root = root.display(),
            modules = modules.concat(),
        );
        let file = root.join("apache.conf");
        fs::write(&file, configuration).expect("a file");
        Command::new("chmod").args(["-R", "a+rwX"]).arg(root).status().expect("chmod");
        let process = spawn(&file);
        let mut apache = Apache { process, port, folder };
        apache.wait_until_up();
        apache
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn wait_until_up(&mut self) {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let ended = self.process.try_wait().expect("a process of ours");
            if ended.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.path().join("error.log")).unwrap_or_default();
                panic!("Apache did not start: {log}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Apache {
    fn drop(&mut self) {
        if let Ok(id) = self.process.id().try_into() {
            kill(Pid::from_raw(id), Signal::SIGTERM).ok();
        }
        self.process.wait().ok();
    }
}
