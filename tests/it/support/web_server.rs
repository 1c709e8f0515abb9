//! nginx with a folder of its own, for a test.

use std::path::PathBuf;

use uuid::Uuid;

use super::nginx::Nginx;

/// A running nginx; its folder goes with it.
pub struct WebServer {
    nginx: Option<Nginx>,
    folder: PathBuf,
}

impl WebServer {
    /// `around` stands in the block `http`, `server` in its only `server`.
    pub fn start(around: &str, server: &str) -> WebServer {
        let folder = std::env::temp_dir().join(format!("connectory-nginx-{}", Uuid::now_v7()));
        let nginx = Nginx::start(&folder, "1", around, server).expect("nginx");
        WebServer { nginx: Some(nginx), folder }
    }

    pub fn nginx(&self) -> &Nginx {
        self.nginx.as_ref().expect("it runs")
    }

    pub fn url(&self, path: &str) -> String {
        self.nginx().url(path)
    }

    /// Puts a file below `/v1`, which `server` must serve from `html`.
    pub fn file(&self, name: &str, bytes: &[u8]) {
        let folder = self.folder.join("html/v1");
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
}

impl Drop for WebServer {
    fn drop(&mut self) {
        self.nginx = None;
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
