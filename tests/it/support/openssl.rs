//! Certificates and TLS servers by OpenSSL, which makes and speaks what rustls does not.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A folder in which OpenSSL works.
pub struct OpenSsl {
    folder: TempDir,
}

/// A running `openssl s_server`, which answers 200 to every request; it stops when dropped.
pub struct SslServer {
    child: Child,
    pub port: u16,
}

impl OpenSsl {
    pub fn new() -> OpenSsl {
        OpenSsl { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file");
    }

    /// Runs `openssl` with these words, in the folder.
    pub fn run(&self, command: &str) {
        let output = Command::new("openssl").args(command.split(' ')).current_dir(self.folder.path()).output();
        let output = output.expect("openssl");
        assert!(output.status.success(), "openssl {command}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// A self-signed certificate `c.pem` with its key `k.pem`, as `openssl req` makes it: it calls itself an authority.
    pub fn self_signed(&self, key: &str, more: &str) {
        self.run(&format!("req -x509 -newkey {key} -nodes -days 30 -keyout k.pem -out c.pem {more}"));
    }

    /// A server with `c.pem` and `k.pem`.
    pub async fn serve(&self, more: &str) -> SslServer {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
        let command = format!("s_server -accept 127.0.0.1:{port} -cert c.pem -key k.pem -www {more}");
        let child = Command::new("openssl")
            .args(command.trim().split(' '))
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl");
        let server = SslServer { child, port };
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return server;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("openssl {command} does not listen");
    }
}

impl SslServer {
    pub fn url(&self) -> String {
        format!("https://127.0.0.1:{}/", self.port)
    }
}

impl Drop for SslServer {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
