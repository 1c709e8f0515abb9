//! The tools of `tests/tools`: accessibility rules and the HTML checker.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::json;

use super::driver::REMEDY;
use super::window::Window;

/// Rules that hold a page to WCAG 2.2 A and AA, and to what the rules' authors hold to be good practice.
const AXE_TAGS: [&str; 7] = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"];

/// The rules of them that the colours alone can break.
const AXE_COLOURS: [&str; 1] = ["cat.color"];

/// A rule, the elements, what is wrong.
const AXE_RUN: &str = r#"
const done = arguments[arguments.length - 1];
axe.run(document, { runOnly: arguments[0], rules: arguments[0].includes('wcag22aa') ? { 'target-size': { enabled: true } } : {}, resultTypes: ['violations'] })
    .then(results => done(results.violations.map(rule => `${rule.id}: ${rule.help}: ` + rule.nodes.map(node => node.html).join(' | '))))
    .catch(error => done([`axe: ${error}`]));
"#;

/// Messages of the HTML checker that are wrong about these pages, each with the reason.
const VNU_ALLOWED: [(&str, &str); 0] = [];

fn tool(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools").join(path)
}

/// The accessibility rules.
pub struct Axe(String);

impl Axe {
    pub fn load() -> Axe {
        let file = tool("node_modules/axe-core/axe.min.js");
        Axe(std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{} ({error}): {REMEDY}", file.display())))
    }

    /// What breaks a rule on the open page.
    pub async fn check(&self, window: &Window) -> Vec<String> {
        self.run(window, &AXE_TAGS).await
    }

    /// The same where nothing but the colours has changed since the last look.
    pub async fn check_colours(&self, window: &Window) -> Vec<String> {
        self.run(window, &AXE_COLOURS).await
    }

    async fn run(&self, window: &Window, tags: &[&str]) -> Vec<String> {
        if window.script("return typeof axe", json!([])).await != "object" {
            window.script(&self.0, json!([])).await;
        }
        let broken = window.script_to_come(AXE_RUN, json!([tags])).await;
        serde_json::from_value(broken).expect("a list of texts")
    }
}

/// What the HTML checker has to say about the pages in a folder, a line each.
pub fn check_html(folder: &Path) -> Vec<String> {
    let jar = tool("node_modules/vnu-jar/build/dist/vnu.jar");
    assert!(jar.is_file(), "{} is missing: {REMEDY}", jar.display());
    let output = Command::new("java")
        // Without its file for performance counters in the folder for temporary files.
        .args(["-XX:-UsePerfData", "-jar"])
        .arg(jar)
        .args(["--stdout", "--exit-zero-always", "--format", "json", "--skip-non-html"])
        .arg(folder)
        .output()
        .unwrap_or_else(|error| panic!("java does not start ({error}): {REMEDY}"));
    let text = String::from_utf8_lossy(&output.stdout);
    let answer: Answer = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{error}: {text} {}", String::from_utf8_lossy(&output.stderr)));
    let wrong = answer
        .messages
        .into_iter()
        .filter(|message| !VNU_ALLOWED.iter().any(|(words, _)| message.message.contains(words)));
    wrong.map(|message| message.line()).collect()
}

#[derive(Deserialize)]
struct Answer {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    url: String,
    message: String,
    #[serde(default)]
    extract: String,
}

impl Message {
    fn line(self) -> String {
        let page = self.url.rsplit('/').next().unwrap_or_default();
        format!("{page}: {}: {}", self.message, self.extract.replace('\n', " "))
    }
}
