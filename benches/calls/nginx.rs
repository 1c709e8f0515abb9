//! nginx, as the API and as the reverse proxy in front of it.

use std::fs;
use std::net::TcpListener;
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};

use super::WORKERS;
use super::folder::Folder;

/// The size of the answer.
const KIBIBYTE: usize = 1024;

const PATIENCE: Duration = Duration::from_secs(10);

/// The running server; it ends when dropped.
pub struct Nginx {
    master: Child,
    pub port: u16,
}

impl Nginx {
    /// The API: JSON at `/json` and a gibibyte at `/big`, for whoever has the token.
    pub fn api(folder: &Folder, token: &str) -> anyhow::Result<Nginx> {
        let filler = "x".repeat(KIBIBYTE - "{\"filler\":\"\"}".len());
        let big = folder.file("big");
        fs::File::create(&big)?.set_len(1 << 30)?;
        let root = folder.path().display();
        let locations = format!(
            "if ($http_authorization != \"Bearer {token}\") {{ return 401; }}
             location = /json {{ default_type application/json; return 200 '{{\"filler\":\"{filler}\"}}'; }}
             location = /big {{ default_type application/octet-stream; root {root}; }}"
        );
        Nginx::start(folder, "api", "", &locations)
    }

    /// A reverse proxy that adds the token.
    pub fn proxy(folder: &Folder, api: u16, token: &str) -> anyhow::Result<Nginx> {
        let upstream = format!(
            "upstream api {{ server 127.0.0.1:{api}; keepalive 64; keepalive_requests 1000000; }}"
        );
        let locations = format!(
            "location / {{ proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Authorization \"Bearer {token}\"; }}"
        );
        Nginx::start(folder, "proxy", &upstream, &locations)
    }

    fn start(folder: &Folder, name: &str, around: &str, locations: &str) -> anyhow::Result<Nginx> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let prefix = folder.file(name);
        fs::create_dir(&prefix)?;
        let configuration = format!(
            "daemon off; worker_processes {WORKERS}; pid nginx.pid; error_log error.log;
             events {{ worker_connections 1024; }}
             http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
             keepalive_requests 100000000; sendfile on; tcp_nodelay on; {around}
             server {{ listen 127.0.0.1:{port} backlog=1024; {locations} }} }}"
        );
        let file = prefix.join("nginx.conf");
        fs::write(&file, configuration)?;
        let master = Command::new("setpriv")
            .args(["--pdeathsig=TERM", "--", "/usr/sbin/nginx", "-p"])
            .arg(&prefix)
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stderr(fs::File::create(prefix.join("start.log"))?)
            .spawn()
            .context("setpriv cannot be run")?;
        let mut nginx = Nginx { master, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let gone = nginx.master.try_wait()?.is_some() || begun.elapsed() > PATIENCE;
            ensure!(
                !gone,
                "nginx did not start: {}",
                fs::read_to_string(prefix.join("start.log"))?
            );
            sleep(Duration::from_millis(5));
        }
        Ok(nginx)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The master and its workers.
    pub fn processes(&self) -> Vec<u32> {
        let master = self.master.id();
        let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"));
        let children = children.unwrap_or_default();
        let workers = children.split_whitespace().filter_map(|id| id.parse().ok());
        std::iter::once(master).chain(workers).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let asked = i32::try_from(self.master.id()).map(|id| {
            nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(id),
                nix::sys::signal::Signal::SIGTERM,
            )
        });
        if !matches!(asked, Ok(Ok(()))) {
            _ = self.master.kill();
        }
        _ = self.master.wait();
    }
}
