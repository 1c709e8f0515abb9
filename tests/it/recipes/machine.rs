//! A machine to try recipes on: a folder that stands for its root, the program as a service, and perhaps a PostgreSQL
//! server.
//!
//! Everything is the real thing but what would change the machine under the tests: see [`stand_ins`].

use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::stat::Mode;
use nix::unistd::{Pid, geteuid, mkfifo};
use uuid::Uuid;

use super::document::recipe;
use super::postgresql::Postgresql;
use super::stand_ins;
use crate::support::Browser;
use crate::support::program::{Outcome, PROGRAM, Program, browser_at, free_address, has_ended, read_all};

/// How long a recipe may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// Folders of the examples that lie below the machine's folder.
const FOLDERS: [&str; 9] = [
    "/etc/connectory",
    "/etc/postgresql",
    "/etc/systemd",
    "/etc/cron.d",
    "/var/lib/connectory",
    "/var/lib/postgresql",
    "/var/backups",
    "/usr/local",
    "/media",
];

/// Others, of which only files of these beginnings are the machine's.
const FILES: [&str; 4] = ["/etc/ssl/connectory", "/etc/nginx/conf.d", "/etc/apache2/sites-available", "/srv"];

pub struct Machine {
    pub root: PathBuf,
    /// Where Connectory listens.
    pub address: SocketAddr,
    pub connectory: Option<Program>,
    pub postgresql: Option<Postgresql>,
    /// What stands for the names of the examples.
    names: Vec<(String, String)>,
    /// What services and commands find in their environment.
    environment: Vec<(String, String)>,
    /// What Connectory has logged until it was stopped.
    pub log: String,
}

impl Machine {
    /// A machine with a built program in a folder of sources.
    pub fn new() -> Machine {
        let root = std::env::temp_dir().join(format!("cty-{}", Uuid::now_v7().simple()));
        let address = free_address();
        for folder in ["bin", "run", "target/release", "etc/ssl/certs", "etc/cron.d", "var/lib", "media/safe"] {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        for folder in ["etc/systemd/system", "var/backups", "usr/local/sbin", "usr/local/share/ca-certificates", "srv"]
        {
            fs::create_dir_all(root.join(folder)).expect("a folder");
        }
        stand_ins::put_into(&root.join("bin"));
        mkfifo(&root.join("run/answers"), Mode::S_IRWXU).expect("a pipe");
        let program = format!("exec '{PROGRAM}' \"$@\"");
        stand_ins::write_script(&root.join("target/release/connectory"), &program);
        let site = format!("http://{address}");
        let names = [
            ("https://connectory.example.org", site.as_str()),
            ("127.0.0.1:8080", &address.to_string()),
            ("/usr/lib/postgresql/15/bin", &super::postgresql::programs()),
        ];
        Machine {
            names: names.map(|(name, own)| (name.into(), own.into())).into(),
            root,
            address,
            connectory: None,
            postgresql: None,
            environment: Vec::new(),
            log: String::new(),
        }
    }

    /// With Connectory installed by the recipe, but not started.
    pub fn installed() -> Machine {
        let mut machine = Machine::new();
        machine.install();
        machine
    }

    /// Installs Connectory by the recipe up to its start.
    pub fn install(&mut self) {
        self.run("install");
        self.put("settings-file");
        self.put("command");
        self.put("unit");
        self.run("settings-mode");
        self.run("command-mode");
    }

    /// With Connectory installed and serving.
    pub fn serving() -> Machine {
        let mut machine = Machine::installed();
        machine.run("enable");
        machine
    }

    /// With the first super admin of the recipe besides.
    pub fn in_use() -> Machine {
        let mut machine = Machine::serving();
        machine.run("first-super-admin");
        machine
    }

    /// Takes something for a name of the examples from now on, before the names that were given earlier.
    pub fn name(&mut self, name: &str, own: &str) {
        self.names.retain(|(known, _)| known != name);
        self.names.insert(0, (name.into(), own.into()));
    }

    /// Sets a variable of the environment of services and commands.
    pub fn environment(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.into(), value.into()));
    }

    /// A path of the examples on this machine.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// A recipe with this machine's names and folders.
    pub fn recipe(&self, name: &str) -> String {
        self.translated(&recipe(name))
    }

    pub fn translated(&self, text: &str) -> String {
        let named = self.names.iter().fold(text.to_owned(), |text, (name, own)| text.replace(name, own));
        let root = self.root.to_str().expect("a readable path");
        FOLDERS.iter().chain(&FILES).fold(named, |text, folder| text.replace(folder, &format!("{root}{folder}")))
    }

    /// Writes a file of the document to the path that its first comment names, and gives that.
    pub fn put(&self, name: &str) -> PathBuf {
        let text = self.recipe(name);
        let path = text.lines().find_map(|line| line.strip_prefix("# /"));
        let path = Path::new("/").join(path.unwrap_or_else(|| panic!("{name} names no file")));
        assert!(path.starts_with(&self.root), "{}", path.display());
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    /// Adds settings of the document to the file of settings; the last line of a name counts.
    pub fn add_settings(&self, name: &str) {
        self.add_lines(&self.recipe(name));
    }

    pub fn add_lines(&self, lines: &str) {
        let path = self.path("/etc/connectory/connectory.conf");
        let name = |line: &str| line.split('=').next().unwrap_or_default().to_owned();
        let new: Vec<String> = lines.lines().map(name).collect();
        let old = fs::read_to_string(&path).expect("the settings");
        let kept = old.lines().filter(|line| !new.contains(&name(line)));
        let text: Vec<&str> = kept.chain(lines.lines()).collect();
        fs::write(path, text.join("\n") + "\n").expect("the settings");
    }

    /// Runs a recipe, which must succeed, and gives what it printed.
    pub fn run(&mut self, name: &str) -> String {
        let outcome = self.try_run(name);
        let Outcome { code, out, err } = outcome;
        assert_eq!(code, 0, "{name}: {out}{err}");
        out
    }

    pub fn try_run(&mut self, name: &str) -> Outcome {
        self.shell(&self.recipe(name))
    }

    /// Runs a recipe in a shell that goes on after errors, as one does that somebody pastes it into.
    pub fn paste(&mut self, name: &str) -> Outcome {
        self.shell_by(&["bash"], &self.recipe(name))
    }

    /// Leaves a file that holds a secret, as nobody else can read it.
    pub fn secret_file(&self, path: &str, text: &str) -> PathBuf {
        let file = self.path(path);
        fs::write(&file, text).expect("a file");
        fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("its mode");
        file
    }

    /// Runs commands, and ends at the first that fails.
    pub fn shell(&mut self, commands: &str) -> Outcome {
        self.shell_by(&["sh", "-eu"], commands)
    }

    fn shell_by(&mut self, shell: &[&str], commands: &str) -> Outcome {
        let script = self.root.join("run/commands");
        fs::write(&script, commands).expect("a file");
        let mut child =
            self.command("setpriv").args(["--pdeathsig", "KILL"]).args(shell).arg(&script).spawn().expect("a shell");
        let (out, err) =
            (read_all(child.stdout.take().expect("its output")), read_all(child.stderr.take().expect("its errors")));
        let code = self.see_to_its_end(&mut child, commands);
        let (out, err) = (out.join().expect("text"), err.join().expect("text"));
        Outcome { code, out, err }
    }

    /// Answers what the commands ask of the machine until they have ended.
    fn see_to_its_end(&mut self, child: &mut Child, commands: &str) -> i32 {
        let asked = self.root.join("run/asked");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Ok(words) = fs::read_to_string(&asked) {
                fs::remove_file(&asked).expect("the question");
                self.systemctl(words.trim());
                fs::write(self.root.join("run/answers"), "done\n").expect("an answer");
            }
            if let Some(status) = child.try_wait().expect("a process of ours") {
                return status.code().unwrap_or(-1);
            }
            if Instant::now() > deadline {
                child.kill().ok();
                panic!("this took too long: {commands}");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn systemctl(&mut self, words: &str) {
        match words {
            "daemon-reload" => {}
            // The tests start them, with the files that the document has had them write.
            "reload nginx" | "restart apache2" => {}
            "start connectory" if self.connectory.is_some() => {}
            "start connectory" | "enable --now connectory" => self.start(),
            "stop connectory" => self.stop(),
            "restart connectory" => {
                self.stop();
                self.start();
            }
            "stop postgresql" => self.postgresql().stop(),
            "start postgresql" => self.postgresql().start(),
            "restart postgresql" => {
                self.postgresql().stop();
                self.postgresql().start();
            }
            _ => panic!("systemctl {words}"),
        }
    }

    pub fn postgresql(&mut self) -> &mut Postgresql {
        self.postgresql.as_mut().expect("a machine with PostgreSQL")
    }

    /// Starts what the unit names.
    fn start(&mut self) {
        let unit = fs::read_to_string(self.path("/etc/systemd/system/connectory.service"));
        let unit = unit.expect("the unit");
        let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart="));
        self.serve(start.expect("what it starts"));
    }

    /// Starts Connectory by a command line of the document.
    pub fn serve(&mut self, line: &str) {
        // The kernel ends the program with the thread that started it.
        let mut command = self.command("setpriv");
        command.args(["--pdeathsig", "KILL"]).args(line.split_whitespace());
        let folder = self.path("/var/lib/connectory");
        self.connectory = Some(Program::start(command, self.address, &folder));
    }

    /// Stops Connectory if it runs, as systemd would.
    pub fn stop(&mut self) {
        if let Some(program) = self.connectory.take() {
            let (status, log) = program.stop();
            assert!(status.success(), "{status}: {log}");
            self.log.push_str(&log);
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let own = |folder: &str| self.root.join(folder).display().to_string();
        let path = format!("{}:{}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", own("bin"), own("usr/local/sbin"));
        command
            .env_clear()
            .env("PATH", path)
            .env("LC_ALL", "C.UTF-8")
            .env("MACHINE", &self.root)
            .envs(self.environment.iter().cloned())
            .current_dir(&self.root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn browser(&self) -> Browser {
        browser_at(self.address)
    }

    /// A browser in which the person of the examples has signed in.
    pub async fn ana(&self) -> Browser {
        let browser = self.browser();
        let (name, password) = super::ANA;
        browser.sign_in(name, password).await.expect(303);
        browser
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.postgresql = None;
        let file = self.path("/var/lib/connectory/cluster/postmaster.pid");
        let database = fs::read_to_string(file).ok();
        let database = database.and_then(|file| file.lines().next()?.parse().ok());
        self.connectory = None;
        // The private PostgreSQL ends with the program, but a moment later.
        if let Some(database) = database.map(Pid::from_raw) {
            let deadline = Instant::now() + Duration::from_secs(10);
            while !has_ended(database) && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        fs::remove_dir_all(&self.root).ok();
    }
}

/// Whether the tests run as root.
pub fn is_root() -> bool {
    geteuid().is_root()
}
