//! The server's log: a file that the program opens for it and quotes when something goes wrong.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// A log longer than this, in bytes, is put aside at the next start, in place of the one before.
const MAX_LEN: u64 = 10 * 1024 * 1024;

/// How much of the end is read to find the last lines, in bytes.
const TAIL_LEN: u64 = 8 * 1024;

/// How many lines an error message quotes.
const QUOTED_LINES: usize = 10;

pub(super) struct Log {
    path: PathBuf,
    file: File,
    /// Where this run began: lines of earlier ones explain nothing.
    start: u64,
}

impl Log {
    pub(super) fn open(path: PathBuf) -> io::Result<Self> {
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > MAX_LEN) {
            fs::rename(&path, path.with_extension("log.old"))?;
        }
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
        let start = file.metadata()?.len();
        Ok(Self { path, file, start })
    }

    /// The file as an output of the server.
    pub(super) fn output(&self) -> io::Result<Stdio> {
        self.file.try_clone().map(Stdio::from)
    }

    /// The last lines of this run under the file's name, for an error message.
    pub(super) fn quote(&self) -> String {
        let name = self.path.display();
        match read_tail(&self.path, self.start) {
            Ok(tail) => format!("last lines of {name}:\n{}", last_lines(&tail)),
            Err(error) => format!("{name} cannot be read: {error}"),
        }
    }
}

/// The last lines of a text, to be quoted.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(QUOTED_LINES)..].join("\n")
}

fn read_tail(path: &Path, start: u64) -> io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(start.max(length.saturating_sub(TAIL_LEN))))?;
    let mut tail = Vec::new();
    file.take(TAIL_LEN).read_to_end(&mut tail)?;
    Ok(String::from_utf8_lossy(&tail).into_owned())
}

#[cfg(test)]
mod tests {
    use super::last_lines;

    #[test]
    fn the_last_ten_lines_are_quoted() {
        let text: String = (1..=12).map(|line| format!("{line}\n")).collect();
        assert_eq!(last_lines(&text), "3\n4\n5\n6\n7\n8\n9\n10\n11\n12");
        assert_eq!(last_lines("only\n"), "only");
        assert_eq!(last_lines(""), "");
    }
}
