//! An authorization server of other authors, in a process of its own. It gives tokens to `ana` with the password
//! `correct-horse` and to nobody else, and no two tokens are alike.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Who may have a token.
pub const USER: &str = "ana";
pub const USERS_PASSWORD: &str = "correct-horse";

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tools/oauth2-mock-server.mjs");

/// The running server; it stops when dropped.
pub struct OAuthServer {
    pub token_url: String,
    process: Child,
}

impl OAuthServer {
    /// Starts it and waits until it answers.
    pub fn start() -> OAuthServer {
        let mut process = Command::new("node")
            .arg(PROGRAM)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Node.js: `make test` says what is missing");
        let mut line = String::new();
        BufReader::new(process.stdout.take().expect("its output")).read_line(&mut line).expect("its addresses");
        let addresses: serde_json::Value = serde_json::from_str(&line).expect("JSON: `make test` installs the server");
        OAuthServer { token_url: addresses["token_url"].as_str().expect("the token URL").to_string(), process }
    }
}

impl Drop for OAuthServer {
    fn drop(&mut self) {
        // The server ends when its input does.
        drop(self.process.stdin.take());
        _ = self.process.wait();
    }
}
