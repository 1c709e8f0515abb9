//! An API that takes signed requests only, by packages of other authors: `tests/tools/aws-signatures.mjs`.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde::Deserialize;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/aws-signatures.mjs");

/// A running API; it stops when dropped.
pub struct AwsApi {
    pub url: String,
    process: Child,
}

#[derive(Deserialize)]
struct Address {
    url: String,
}

impl AwsApi {
    /// Starts an API that knows this access key.
    pub fn start(key_id: &str, secret: &str) -> AwsApi {
        let mut process = Command::new("node")
            .arg(PROGRAM)
            .arg(serde_json::json!({ "key_id": key_id, "secret": secret }).to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js: `make test` says what is missing");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("its address");
        let Address { url } = serde_json::from_str(&line).expect("JSON: `make test` installs the packages");
        AwsApi { url, process }
    }
}

impl Drop for AwsApi {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.process.stdin.take());
        _ = self.process.wait();
    }
}
