//! A PostgreSQL server as Debian's package sets it up: settings below `/etc/postgresql`, data below
//! `/var/lib/postgresql`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::machine::{Machine, is_root};
use crate::support::hostile::Authority;
use crate::support::program::{Frozen, free_address, freeze, wait_until};

/// Where Debian keeps the settings of a server.
const SETTINGS: &str = "/etc/postgresql/15/main";

/// The server of a machine; killed when dropped.
pub struct Postgresql {
    pub port: u16,
    settings: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Machine {
    /// A machine with a server that has not been started. Its certificate is by this authority.
    pub fn with_postgresql(authority: &Authority) -> Machine {
        let mut machine = Machine::new();
        let port = free_address().port();
        machine.configure_postgresql(port, authority);
        let data = machine.path("/var/lib/postgresql/15/main");
        fs::create_dir_all(&data).expect("a folder");
        let log = machine.path("/var/lib/postgresql/log");
        fs::write(&log, "").expect("a file");
        for folder in ["/etc/postgresql", "/var/lib/postgresql", "/run/postgresql"] {
            let folder = machine.path(folder);
            run(Command::new("chmod").args(["-R", "go=,u+rwX"]).arg(&folder));
            if is_root() {
                let owner = ["-R", "postgres:postgres"];
                run(Command::new("chown").args(owner).arg(&folder));
            }
        }
        let initdb = as_postgres(&format!("{}/initdb", programs()));
        make_cluster(initdb, &data);
        let sockets = machine.path("/run/postgresql");
        machine.environment("PGHOST", sockets.to_str().expect("a path"));
        machine.environment("PGPORT", &port.to_string());
        machine.postgresql = Some(Postgresql { port, settings: machine.path(SETTINGS), log, child: None });
        machine
    }

    /// Writes the files below `/etc/postgresql` that Debian's package brings.
    fn configure_postgresql(&self, port: u16, authority: &Authority) {
        let settings = self.path(SETTINGS);
        fs::create_dir_all(settings.join("conf.d")).expect("a folder");
        fs::create_dir_all(self.path("/run/postgresql")).expect("a folder");
        let root = self.root.display();
        let text = format!(
            "data_directory = '{root}/var/lib/postgresql/15/main'\nhba_file = '{root}{SETTINGS}/pg_hba.conf'\nident_file = '{root}{SETTINGS}/pg_ident.conf'\nport = {port}\nunix_socket_directories = '{root}/run/postgresql'\nfsync = off\ninclude_dir = 'conf.d'\n"
        );
        let access = "local all all trust\nlocal replication all trust\n";
        let issued = authority.issue("127.0.0.1");
        for (name, text) in [("postgresql.conf", text.as_str()), ("pg_hba.conf", access), ("pg_ident.conf", "")] {
            fs::write(settings.join(name), text).expect("a file");
        }
        // As an administrator has got them from the authority.
        fs::write(self.path("/db1.crt"), issued.certificate_pem).expect("a file");
        fs::write(self.path("/db1.key"), issued.key_pem).expect("a file");
    }
}

impl Postgresql {
    /// Starts the server and waits until it answers.
    pub fn start(&mut self) {
        let before = fs::read_to_string(&self.log).unwrap_or_default();
        let log = fs::OpenOptions::new().append(true).open(&self.log);
        let child = as_postgres(&format!("{}/postgres", programs()))
            .arg(format!("--config-file={}", self.settings.join("postgresql.conf").display()))
            .stdout(Stdio::null())
            .stderr(log.expect("its log"))
            .spawn()
            .expect("a server");
        self.child = Some(child);
        wait_until("the start of PostgreSQL", || {
            let said = fs::read_to_string(&self.log).unwrap_or_default();
            let child = self.child.as_mut().expect("it was started");
            if let Some(status) = child.try_wait().expect("a process of ours") {
                panic!("{status}: {said}");
            }
            said[before.len()..].contains("ready to accept")
        });
    }

    /// Stops the server if it runs, as systemd would.
    pub fn stop(&mut self) {
        self.end(Signal::SIGINT);
    }

    /// Ends the server as a power cut would.
    pub fn kill(&mut self) {
        self.end(Signal::SIGKILL);
    }

    /// Stops the server without ending it, until what this gives is dropped.
    pub fn freeze(&self) -> Frozen {
        let child = self.child.as_ref().expect("it was started");
        freeze(Pid::from_raw(child.id().try_into().expect("a process id")))
    }

    fn end(&mut self, signal: Signal) {
        if let Some(mut child) = self.child.take() {
            let id = Pid::from_raw(child.id().try_into().expect("a process id"));
            // One that has ended by itself has said why in its log.
            _ = kill(id, signal);
            _ = child.wait();
        }
    }
}

impl Drop for Postgresql {
    fn drop(&mut self) {
        self.end(Signal::SIGQUIT);
    }
}

/// The folder of the newest PostgreSQL that Debian has installed.
pub fn programs() -> String {
    let versions = fs::read_dir("/usr/lib/postgresql").expect("PostgreSQL");
    let names = versions.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let newest = names.filter_map(|name| name.parse::<u32>().ok()).max();
    format!("/usr/lib/postgresql/{}/bin", newest.expect("a version"))
}

/// A command that runs as the server's user, and ends with the thread that started it.
fn as_postgres(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    if is_root() {
        command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    }
    command
        .args(["--pdeathsig", "KILL", "--", program])
        .current_dir("/")
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    command
}

fn make_cluster(mut initdb: Command, data: &Path) {
    initdb.args(["-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"]);
    run(initdb.arg("-D").arg(data));
}

fn run(command: &mut Command) {
    let output = command.output().expect("a command");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {said}");
}
