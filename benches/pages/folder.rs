//! The folder of one run, which is gone when the run is over, however it ends.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A folder that a small process removes when the pipe it reads from closes and the database server in it has ended:
/// at the end of this value, or of this process if that is killed.
pub struct Folder {
    path: PathBuf,
    janitor: Child,
}

const JANITOR: &str = r#"cat; read -r server < "$0/data/cluster/postmaster.pid" && timeout 30 tail --pid="$server" -s 0.05 -f /dev/null; rm -rf "$0""#;

impl Folder {
    pub fn create() -> io::Result<Folder> {
        let path = std::env::temp_dir().join(format!("connectory-bench-{}", std::process::id()));
        std::fs::create_dir(&path)?;
        let janitor = Command::new("sh")
            .args(["-c", JANITOR])
            .arg(&path)
            .current_dir("/")
            .process_group(0) // survives the terminal's Ctrl-C
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Folder { path, janitor })
    }

    pub fn data_dir(&self) -> PathBuf {
        self.path.join("data")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.janitor.stdin.take());
        // Should waiting fail, the janitor does its work all the same.
        _ = self.janitor.wait();
    }
}
