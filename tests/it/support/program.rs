//! The program itself, as an administrator runs it: a process on a data folder of its own.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use uuid::Uuid;

use super::{Browser, PASSWORD};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_connectory");

/// How long a start, a stop and a command may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A data folder, a free port and settings: what runs of the program share. The folder goes when dropped.
pub struct Installation {
    pub folder: PathBuf,
    pub address: SocketAddr,
    settings: Vec<(String, String)>,
}

/// A free address of this machine, for as long as nobody takes it.
pub fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound port")
}

/// How a command has ended.
pub struct Outcome {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Installation {
    pub fn new() -> Installation {
        let address = free_address();
        let folder = std::env::temp_dir().join(format!("connectory-cli-{}", Uuid::now_v7()));
        Installation { folder, address, settings: vec![("CONNECTORY_LISTEN".into(), address.to_string())] }
    }

    /// Sets one more setting of the environment, or another value.
    pub fn set(mut self, name: &str, value: &str) -> Installation {
        self.settings.retain(|(known, _)| known != name);
        self.settings.push((name.into(), value.into()));
        self
    }

    pub fn key_file(&self) -> PathBuf {
        self.folder.join("master.key")
    }

    /// Runs a command to its end, with this on its standard input.
    pub fn run(&self, arguments: &[&str], input: &str) -> Outcome {
        self.run_with(&[], arguments, input)
    }

    /// The same with other settings.
    pub fn run_with(&self, settings: &[(&str, &str)], arguments: &[&str], input: &str) -> Outcome {
        let mut command = self.command(arguments);
        let mut child = command.envs(settings.iter().copied()).stdin(Stdio::piped()).spawn().expect("the program");
        let mut stdin = child.stdin.take().expect("its input");
        // A command that needs no input may be gone before it is written.
        _ = stdin.write_all(input.as_bytes());
        drop(stdin);
        let (out, err) =
            (read_all(child.stdout.take().expect("its output")), read_all(child.stderr.take().expect("its errors")));
        let code = end_of(&mut child, &format!("connectory {}", arguments.join(" "))).code().expect("an exit code");
        Outcome { code, out: out.join().expect("its output"), err: err.join().expect("its errors") }
    }

    /// Starts the program and waits until it says that it is ready.
    pub fn serve(&self) -> Program {
        Program::start(self.command(&["serve"]), self.address, &self.folder)
    }

    /// The processes that work on the folder, by their command lines.
    pub fn processes(&self) -> Vec<String> {
        let folder = self.folder.to_str().expect("a readable path");
        let processes = fs::read_dir("/proc").expect("the processes").filter_map(Result::ok);
        let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
        lines
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .filter(|line| line.contains(folder))
            .collect()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        // The kernel ends the program with the thread that started it, so that a test run which dies leaves nothing.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", PROGRAM]).args(arguments).arg("--data-dir").arg(&self.folder);
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .envs(self.settings.iter().cloned());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// A program that serves; killed when dropped.
pub struct Program {
    child: Child,
    lines: Receiver<String>,
    log: Option<JoinHandle<String>>,
    /// What it has printed so far.
    pub greeting: String,
    address: SocketAddr,
    folder: PathBuf,
}

impl Program {
    /// Starts a command that serves on this address and keeps its data in this folder, and waits until it says that it
    /// is ready.
    pub fn start(mut command: Command, address: SocketAddr, folder: &Path) -> Program {
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program");
        let log = read_all(child.stderr.take().expect("its log"));
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().expect("its output"));
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let mut program =
            Program { child, lines, log: Some(log), greeting: String::new(), address, folder: folder.into() };
        program.await_line("is ready");
        program
    }

    /// Waits for a line that holds these words, and gives it.
    pub fn await_line(&mut self, words: &str) -> String {
        loop {
            let Ok(line) = self.lines.recv_timeout(PATIENCE) else {
                self.child.kill().ok();
                let log = self.log.take().map(|log| log.join().unwrap_or_default());
                panic!("no line with “{words}”: {} {}", self.greeting, log.unwrap_or_default());
            };
            self.greeting.push_str(&line);
            self.greeting.push('\n');
            if line.contains(words) {
                return line;
            }
        }
    }

    /// The one-time code for the first super admin.
    pub fn code(&mut self) -> String {
        self.await_line("one-time code").rsplit(' ').next().expect("the code").to_string()
    }

    pub fn browser(&self) -> Browser {
        browser_at(self.address)
    }

    /// Creates the first super admin with the code of the console, and gives a browser where she is signed in.
    pub async fn found(&mut self) -> Browser {
        let (browser, code) = (self.browser(), self.code());
        let page = browser.open("/").await.expect(200);
        assert_eq!(page.path, "/first-run");
        let fill = page
            .main_form()
            .set("code", &code)
            .set("username", "ana")
            .set("full_name", "Ana Ruiz")
            .set("password", PASSWORD);
        fill.send().await.expect(303);
        browser
    }

    /// The process of its private PostgreSQL.
    pub fn postgres(&self) -> Pid {
        postgres_of(&self.folder)
    }

    /// Asks it to stop, and gives how it ended and what it had logged.
    pub fn stop(self) -> (ExitStatus, String) {
        kill(Pid::from_raw(self.child.id().try_into().expect("a process id")), Signal::SIGTERM)
            .expect("the program runs");
        self.end()
    }

    /// The most memory that it has had so far, in bytes.
    pub fn peak_memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a running program");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = peak.and_then(|peak| peak.trim().strip_suffix(" kB"));
        1024 * kibibytes.expect("its peak").parse::<usize>().expect("a number")
    }

    /// Waits until it ends by itself.
    pub fn end(mut self) -> (ExitStatus, String) {
        let status = end_of(&mut self.child, "the stop");
        (status, self.log.take().expect("the log").join().expect("the log"))
    }

    /// Ends it as a power cut would.
    pub fn kill(mut self) {
        let postgres = self.postgres();
        self.child.kill().expect("the program runs");
        self.child.wait().expect("its end");
        wait_until("the end of its PostgreSQL", || has_ended(postgres));
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// A browser at this address of this machine, without connections of a program that ran there before.
pub fn browser_at(address: SocketAddr) -> Browser {
    let http = reqwest::Client::builder()
        .pool_max_idle_per_host(0)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .expect("an HTTP client");
    Browser::new(http, address, &format!("http://{address}"))
}

pub fn read_all(mut stream: impl Read + Send + 'static) -> JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        _ = stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for a process to end; one that takes too long is killed.
fn end_of(child: &mut Child, what: &str) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().expect("a process of ours") {
            return status;
        }
        if Instant::now() > deadline {
            child.kill().ok();
            panic!("{what} took longer than {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The process of the private PostgreSQL that runs on a data folder.
pub fn postgres_of(folder: &Path) -> Pid {
    let file = fs::read_to_string(folder.join("cluster/postmaster.pid"));
    let file = file.expect("a running PostgreSQL");
    let id = file.lines().next().expect("its process");
    Pid::from_raw(id.parse().expect("a number"))
}

/// The processes of a database server that are stopped, as if its machine hung; they go on when this is dropped.
pub struct Frozen(Vec<Pid>);

impl Drop for Frozen {
    fn drop(&mut self) {
        for process in &self.0 {
            kill(*process, Signal::SIGCONT).ok();
        }
    }
}

/// Stops a PostgreSQL server without ending it: connections stand, and nothing is answered.
pub fn freeze(server: Pid) -> Frozen {
    // First, so that no process is added while they are looked for.
    kill(server, Signal::SIGSTOP).expect("a running PostgreSQL");
    let mut frozen = Frozen(vec![server]);
    let processes = fs::read_dir("/proc").expect("the processes");
    let names = processes.filter_map(|process| process.ok()?.file_name().into_string().ok());
    for process in names.filter_map(|name| name.parse().ok().map(Pid::from_raw)) {
        if parent_of(process) == Some(server) && kill(process, Signal::SIGSTOP).is_ok() {
            frozen.0.push(process);
        }
    }
    frozen
}

fn parent_of(process: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name before it may hold anything.
    let (_, facts) = stat.rsplit_once(") ")?;
    let parent = facts.split(' ').nth(1)?.parse().ok()?;
    Some(Pid::from_raw(parent))
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// No such process, or one that has ended and only waits to be collected.
pub fn has_ended(process: Pid) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

/// The permission bits of a file.
pub fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).expect("a file").permissions().mode() & 0o7777
}
