//! A real web server: Debian's nginx, on a free port of 127.0.0.1. The benchmark of calls uses it too.

use std::fs::{self, File};
use std::io::{Error, Result};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How long a start may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; it stops when dropped.
pub struct Nginx {
    master: Child,
    folder: PathBuf,
    pub port: u16,
}

impl Nginx {
    /// Starts a server that keeps its files in `folder`, which it makes. `around` stands in the block `http`, `server`
    /// in its only `server`.
    pub fn start(folder: &Path, workers: &str, around: &str, server: &str) -> Result<Nginx> {
        fs::create_dir(folder)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        // As the user who runs it; without the line, root's workers could not write here.
        let user = if nix::unistd::geteuid().is_root() { "user root;" } else { "" };
        let configuration = format!(
            "daemon off; worker_processes {workers}; pid nginx.pid; error_log error.log; {user}
             events {{ worker_connections 1024; }}
             http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
             keepalive_requests 100000000; sendfile on; tcp_nodelay on; {around}
             server {{ listen 127.0.0.1:{port} backlog=1024; {server} }} }}"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, configuration)?;
        let master = Command::new("setpriv")
            .args(["--pdeathsig=TERM", "--", "/usr/sbin/nginx", "-p"])
            .arg(folder)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(File::create(folder.join("start.log"))?)
            .spawn()?;
        let mut nginx = Nginx { master, folder: folder.into(), port };
        nginx.wait_until_up()?;
        Ok(nginx)
    }

    fn wait_until_up(&mut self) -> Result<()> {
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            if self.master.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.folder.join("start.log"))?;
                return Err(Error::other(format!("nginx did not start: {log}")));
            }
            sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The master's process; its workers are its children.
    pub fn id(&self) -> u32 {
        self.master.id()
    }

    /// Sends the master a signal; false if it is gone.
    pub fn signal(&self, signal: Signal) -> bool {
        let id = i32::try_from(self.id()).ok().map(Pid::from_raw);
        id.is_some_and(|id| kill(id, signal).is_ok())
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        if !self.signal(Signal::SIGTERM) {
            _ = self.master.kill();
        }
        _ = self.master.wait();
    }
}
