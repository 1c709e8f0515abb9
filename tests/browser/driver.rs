//! Chromium under remote control: one chromedriver for the whole run, few browsers at once.
//!
//! Nothing of it outlives the run: everything that it writes stands in one folder, and a small process that waits for
//! ours to end, however it ends, kills what still runs and removes the folder.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use thirtyfour::common::command::FormatRequestData;
use thirtyfour::{Capabilities, RequestData, SessionId, WebDriver, WebElement};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

/// What whoever lacks something has to do.
pub const REMEDY: &str = "run `make test`, which installs what the tests need";

/// As little as possible that is not the page: no updates, no first-run pages, no calls home.
const FLAGS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--no-first-run",
    "--window-size=1280,900",
];

/// The longest that a script may take, in milliseconds; a page takes at most twice as long. A browser that hangs fails
/// its test after that.
const SCRIPT_LIMIT: u64 = 15_000;

/// Browsers at once: more of them only wait for each other.
static ROOM: Semaphore = Semaphore::const_new(2);

static DRIVER: OnceLock<Result<Driver, String>> = OnceLock::new();

struct Driver {
    address: String,
    folder: PathBuf,
    /// Held because the janitor waits for its input to close, and the driver may write to its output.
    _processes: [Child; 2],
}

impl Driver {
    fn start() -> Result<Driver, String> {
        let folder = std::env::temp_dir().join(format!("connectory-chromium-{}", Uuid::now_v7()));
        fs::create_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .env("TMPDIR", &folder)
            .env("HOME", &folder)
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| {
                _ = fs::remove_dir(&folder);
                format!("chromedriver does not start ({error}): {REMEDY}")
            })?;
        let mut janitor = janitor(&folder, driver.id());
        let Some(port) = port(&mut driver) else {
            drop(janitor.stdin.take());
            _ = janitor.wait();
            return Err("chromedriver stopped before it named its port".into());
        };
        Ok(Driver { address: format!("http://127.0.0.1:{port}"), folder, _processes: [driver, janitor] })
    }
}

/// The port that chromedriver has chosen: the number at the end of its line about the start.
fn port(driver: &mut Child) -> Option<u16> {
    let output = driver.stdout.as_mut()?;
    // One line only: whatever it says later stays in the pipe, which the process keeps.
    let mut lines = BufReader::with_capacity(1, output).lines();
    let line = lines.find_map(|line| line.ok().filter(|line| line.contains("started successfully on port")))?;
    line.trim_end_matches('.').rsplit(' ').next()?.parse().ok()
}

/// Ends the driver and its browsers, which are one process group, when this process has ended, and removes the folder.
fn janitor(folder: &Path, group: u32) -> Child {
    let script = r#"cat; kill -s KILL -- "-$1"; for try in 1 2 3 4 5; do rm -rf "$0" && break; sleep 0.2; done"#;
    Command::new("sh")
        .args(["-c", script])
        .arg(folder)
        .arg(group.to_string())
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("a shell that cleans up")
}

/// A browser with a profile of its own. It ends when this is dropped.
pub struct Session {
    pub driver: WebDriver,
    _profile: Profile,
    _room: SemaphorePermit<'static>,
}

/// The folder of one browser; its field stands after the browser's, so that it goes after it.
struct Profile(PathBuf);

impl Drop for Profile {
    fn drop(&mut self) {
        // All of them go at the end of the run; until then the disk need not fill up.
        _ = fs::remove_dir_all(&self.0);
    }
}

impl Session {
    /// Waits until there is room for one more browser and starts it.
    pub async fn start() -> Session {
        let room = ROOM.acquire().await.expect("room for a browser");
        let driver = match DRIVER.get_or_init(Driver::start) {
            Ok(driver) => driver,
            Err(problem) => panic!("{problem}"),
        };
        let profile = driver.folder.join(Uuid::now_v7().to_string());
        // A connection kept open would belong to this test's runtime, which stands still while the session is dropped.
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_millis(3 * SCRIPT_LIMIT))
            .build()
            .expect("an HTTP client");
        let started = WebDriver::builder(&driver.address, capabilities(&profile)).client(client).await;
        Session {
            driver: started.unwrap_or_else(|error| panic!("Chromium does not start: {REMEDY}\n{error}")),
            _profile: Profile(profile),
            _room: room,
        }
    }

    /// Asks the browser's developer tools for something that WebDriver has no word for.
    pub async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let body = json!({ "cmd": command, "params": parameters });
        self.ask(Question { path: "goog/cdp/execute".into(), body: Some(body) }).await
    }

    /// The name that screen readers give to an element.
    pub async fn name_of(&self, element: &WebElement) -> String {
        let path = format!("element/{}/computedlabel", element.element_id());
        let name = self.ask(Question { path, body: None }).await;
        name.as_str().unwrap_or_default().to_string()
    }

    async fn ask(&self, question: Question) -> Value {
        let words = format!("{question:?}");
        let answer = self.driver.cmd(question).await;
        answer.and_then(|answer| answer.value_json()).unwrap_or_else(|error| panic!("{words}: {error}"))
    }
}

fn capabilities(profile: &Path) -> Capabilities {
    let mut flags: Vec<String> = FLAGS.iter().map(|flag| flag.to_string()).collect();
    flags.push(format!("--user-data-dir={}", profile.display()));
    let mut wanted = Capabilities::new();
    wanted
        .set("browserName", "chrome")
        .and_then(|()| wanted.set("goog:chromeOptions", json!({ "args": flags })))
        .and_then(|()| wanted.set("timeouts", json!({ "script": SCRIPT_LIMIT, "pageLoad": 2 * SCRIPT_LIMIT })))
        .expect("capabilities");
    wanted
}

/// A command that the client library does not have.
#[derive(Debug)]
struct Question {
    path: String,
    body: Option<Value>,
}

impl FormatRequestData for Question {
    fn format_request(&self, session: &SessionId) -> RequestData {
        let path = format!("session/{session}/{}", self.path);
        match &self.body {
            Some(body) => RequestData::new(Method::POST, path).add_body(body.clone()),
            None => RequestData::new(Method::GET, path),
        }
    }
}
