//! The private PostgreSQL, really started: what it refuses, and what is left after every kind of
//! end. As root it runs as the user `postgres`, otherwise as whoever runs the tests; both must
//! pass.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use connectory::db::private::{PrivatePostgres, Settings};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// What the program's process prints when its database is ready.
const READY: &str = "database is ready";

/// A data folder of a test's own, removed at its end. Declared first, so that it goes last.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let name = format!("connectory-{}", uuid::Uuid::now_v7());
        Self(std::env::temp_dir().join(name))
    }

    /// Starts without waiting for the disk, which no test of a clean machine needs.
    fn start(&self) -> anyhow::Result<PrivatePostgres> {
        let settings = Settings { durable: false, ..Settings::default() };
        PrivatePostgres::start_with(&self.0, &settings)
    }

    /// The error with which a start is refused, causes included.
    fn refusal(&self) -> String {
        let error = self.start().err().expect("the start must be refused");
        format!("{error:#}")
    }

    fn cluster(&self) -> PathBuf {
        self.0.join("cluster")
    }

    /// The running server's process.
    fn server(&self) -> Pid {
        let file = fs::read_to_string(self.cluster().join("postmaster.pid")).unwrap();
        Pid::from_raw(file.lines().next().unwrap().parse().unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Another process that runs the private PostgreSQL, as the program does; killed at the end.
struct Program(Child);

impl Program {
    /// Runs [`a_program_with_a_private_postgresql`] in a process of its own.
    fn spawn(folder: &Folder) -> Self {
        let (_, module) = module_path!().split_once("::").unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .arg(format!("{module}::a_program_with_a_private_postgresql"))
            .args(["--exact", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.as_mut().unwrap();
        writeln!(stdin, "{}", folder.0.display()).unwrap();
        Self(child)
    }

    fn ready(folder: &Folder) -> Self {
        let mut program = Self::spawn(folder);
        let stdout = BufReader::new(program.0.stdout.take().unwrap());
        let mut lines = stdout.lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(READY)));
        program
    }

    fn kill(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

#[test]
#[ignore = "other tests run it in a process of its own"]
fn a_program_with_a_private_postgresql() {
    let mut input = std::io::stdin().lines().map_while(Result::ok);
    let Some(data_dir) = input.next() else {
        return;
    };
    let postgres = PrivatePostgres::start(Path::new(&data_dir)).unwrap();
    println!("{READY}");
    assert_eq!(input.next(), None, "waits until it is killed");
    postgres.stop().unwrap();
}

/// The first value that the last statement gives, or "".
fn query(url: &str, sql: &str) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        let messages = client.simple_query(sql).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
        let values = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        values.last().unwrap_or_default().to_owned()
    })
}

/// No such process, or one that has ended and only waits to be collected.
fn has_ended(process: Pid) -> bool {
    fs::read_to_string(format!("/proc/{process}/stat")).map_or(true, |stat| stat.contains(") Z "))
}

fn wait_for(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn what_is_stored_is_there_after_a_clean_stop() {
    let folder = Folder::new();
    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    query(&postgres.url(), "CREATE TABLE kept AS SELECT 42 AS value");
    let server = folder.server();
    postgres.stop().unwrap();
    assert!(has_ended(server));

    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    assert_eq!(query(&postgres.url(), "SELECT value FROM kept"), "42");
    postgres.stop().unwrap();
}

#[test]
fn the_database_is_utf_8_with_checksums_and_writes_to_the_disk() {
    let folder = Folder::new();
    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    let show = |setting| query(&postgres.url(), &format!("SHOW {setting}"));
    assert_eq!(show("server_encoding"), "UTF8");
    assert_eq!(show("data_checksums"), "on");
    assert_eq!(show("fsync"), "on");
    assert_eq!(show("synchronous_commit"), "on");
    assert_eq!(show("listen_addresses"), "");
    assert_eq!(show("is_superuser"), "off");
}

#[test]
fn a_database_of_its_own_can_be_made_for_every_test() {
    let folder = Folder::new();
    let postgres = folder.start().unwrap();
    query(&postgres.url(), "CREATE DATABASE copy TEMPLATE connectory");
    let url = postgres.url().replace("dbname=connectory", "dbname=copy");
    assert_eq!(query(&url, "SELECT current_database()"), "copy");
}

#[test]
fn a_folder_with_spaces_and_quotes_works() {
    let folder = Folder(std::env::temp_dir().join(format!("it's {}", uuid::Uuid::now_v7())));
    let postgres = folder.start().unwrap();
    assert_eq!(query(&postgres.url(), "SELECT 1"), "1");
}

#[test]
fn only_the_programs_user_gets_in() {
    let folder = Folder::new();
    let postgres = folder.start().unwrap();
    assert_eq!(mode(&folder.cluster()), 0o700);
    assert_eq!(mode(&folder.0.join("socket")), 0o700);
    assert_eq!(query(&postgres.url(), "SELECT session_user"), "connectory");
    if Uid::effective().is_root() {
        let message = knock_as("postgres", &postgres.url());
        assert!(message.contains("Peer authentication failed"), "{message}");
        let message = knock_as("nobody", &postgres.url());
        assert!(message.contains("Permission denied"), "{message}");
    }
}

/// What psql says when another user tries to connect.
fn knock_as(user: &str, url: &str) -> String {
    let user = User::from_name(user).unwrap().unwrap();
    let output = Command::new("setpriv")
        .args([format!("--reuid={}", user.uid), format!("--regid={}", user.gid)])
        .args(["--clear-groups", "psql", url])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn as_root_the_server_runs_as_postgres_who_cannot_change_the_folder() {
    if !Uid::effective().is_root() {
        return;
    }
    let folder = Folder::new();
    let _postgres = folder.start().unwrap();
    let postgres = User::from_name("postgres").unwrap().unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", folder.server())).unwrap();
    let (uid, gid) = (postgres.uid, postgres.gid);
    assert!(status.contains(&format!("Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n")));
    assert!(status.contains(&format!("Gid:\t{gid}\t{gid}\t{gid}\t{gid}\n")));
    assert!(status.contains("Groups:\t \n"), "{status}");
    assert_eq!(mode(&folder.0), 0o710);
    assert_eq!(fs::metadata(&folder.0).unwrap().uid(), 0);
}

#[test]
fn the_server_sees_nothing_of_the_programs_environment() {
    let folder = Folder::new();
    let _postgres = folder.start().unwrap();
    let environment = fs::read(format!("/proc/{}/environ", folder.server()));
    // Only root may read what belongs to a server of another user.
    let environment = String::from_utf8(environment.unwrap()).unwrap();
    let names: Vec<&str> = environment
        .split_terminator('\0')
        .filter_map(|variable| variable.split_once('=').map(|(name, _)| name))
        .collect();
    assert_eq!(names, ["LC_ALL", "PATH"]);
}

#[test]
fn a_second_program_on_the_same_folder_is_refused() {
    let folder = Folder::new();
    let postgres = folder.start().unwrap();
    let message = folder.refusal();
    assert!(message.starts_with("another Connectory is running on the data folder"));
    assert_eq!(query(&postgres.url(), "SELECT 1"), "1");
}

#[test]
fn a_killed_program_leaves_no_server() {
    let folder = Folder::new();
    let mut program = Program::ready(&folder);
    let server = folder.server();
    program.kill();
    wait_for("the server's end", || has_ended(server));
}

#[test]
fn a_killed_program_can_be_started_again_at_once() {
    let folder = Folder::new();
    for _ in 0..3 {
        Program::ready(&folder).kill();
    }
    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    assert_eq!(query(&postgres.url(), "SELECT 1"), "1");
}

#[test]
fn nothing_committed_is_lost_when_program_and_server_are_killed() {
    let folder = Folder::new();
    let mut program = Program::ready(&folder);
    let url = format!("host={} user=connectory dbname=connectory", folder.0.join("socket").display());
    query(&url, "CREATE TABLE kept AS SELECT generate_series(1, 10000)");
    // The server first: it must not hear of the program's end.
    kill(folder.server(), Signal::SIGKILL).unwrap();
    program.kill();

    let postgres = PrivatePostgres::start(&folder.0).unwrap();
    assert_eq!(query(&postgres.url(), "SELECT count(*) FROM kept"), "10000");
}

#[test]
fn a_first_start_cut_short_at_any_moment_can_be_repeated() {
    let folder = Folder::new();
    for milliseconds in [20, 100, 250, 500] {
        let mut program = Program::spawn(&folder);
        std::thread::sleep(Duration::from_millis(milliseconds));
        program.kill();
    }
    let postgres = folder.start().unwrap();
    assert_eq!(query(&postgres.url(), "SELECT 1"), "1");
    assert!(!folder.0.join("cluster.new").exists());
}

#[test]
fn a_server_that_runs_on_without_its_program_is_stopped() {
    let folder = Folder::new();
    let postgres = folder.start().unwrap();
    let command_line = fs::read_to_string(format!("/proc/{}/cmdline", folder.server())).unwrap();
    let owner = fs::metadata(folder.cluster()).unwrap();
    postgres.stop().unwrap();
    let mut orphan = Command::new("setpriv");
    if Uid::effective().is_root() {
        orphan.args([format!("--reuid={}", owner.uid()), format!("--regid={}", owner.gid())]);
        orphan.arg("--clear-groups");
    }
    orphan.args(command_line.split_terminator('\0')).stderr(Stdio::null());
    let mut orphan = orphan.spawn().unwrap();
    let pid_file = folder.cluster().join("postmaster.pid");
    wait_for("the orphan's start", || fs::read_to_string(&pid_file).is_ok_and(|file| file.contains("ready")));
    // Collected as an init would, for a zombie would hold up the start.
    let orphan = std::thread::spawn(move || orphan.wait().unwrap());

    let postgres = folder.start().unwrap();
    assert!(orphan.join().unwrap().success(), "it was asked to stop");
    assert_eq!(query(&postgres.url(), "SELECT 1"), "1");
}

#[test]
fn a_server_that_dies_is_noticed() {
    let folder = Folder::new();
    let mut postgres = folder.start().unwrap();
    assert_eq!(postgres.has_exited(), None);
    kill(folder.server(), Signal::SIGKILL).unwrap();
    let mut reason = None;
    wait_for("the notice", || {
        reason = postgres.has_exited();
        reason.is_some()
    });
    let reason = reason.unwrap();
    assert!(reason.starts_with("the private PostgreSQL has ended by itself (signal: 9"));
    assert!(postgres.stop().is_err());
}

#[test]
fn a_server_that_cannot_start_is_quoted() {
    let folder = Folder::new();
    folder.start().unwrap().stop().unwrap();
    fs::remove_file(folder.cluster().join("global/pg_control")).unwrap();
    let message = folder.refusal();
    assert!(message.contains("could not find the database system"), "{message}");
    assert!(message.contains("postgresql.log"), "{message}");
}

#[test]
fn a_database_of_another_major_version_is_refused() {
    let folder = Folder::new();
    folder.start().unwrap().stop().unwrap();
    fs::write(folder.cluster().join("PG_VERSION"), "9\n").unwrap();
    let message = folder.refusal();
    assert!(message.starts_with("the database was made by PostgreSQL 9, and installed is "));
    assert_eq!(message.lines().count(), 1);
}

#[test]
fn unsuitable_folders_are_refused_in_one_line() {
    let long = Folder(std::env::temp_dir().join("d".repeat(100)));
    assert!(long.refusal().contains("too long for a Unix socket"));

    let open = Folder::new();
    fs::create_dir(&open.0).unwrap();
    fs::set_permissions(&open.0, Permissions::from_mode(0o777)).unwrap();
    assert!(open.refusal().starts_with("other users can write to the data folder"));
}

#[test]
fn as_root_a_folder_that_postgres_cannot_enter_is_named() {
    if !Uid::effective().is_root() {
        return;
    }
    let outer = Folder::new();
    fs::create_dir(&outer.0).unwrap();
    fs::set_permissions(&outer.0, Permissions::from_mode(0o700)).unwrap();
    let inner = Folder(outer.0.join("a/b"));
    let message = inner.refusal();
    let wall = format!("who may not enter {}:", outer.0.display());
    assert!(message.contains(&wall), "{message}");
}

#[test]
fn a_program_folder_without_postgresql_is_refused() {
    let folder = Folder::new();
    let settings = Settings { bin_dir: Some(PathBuf::from("/usr/bin")), ..Settings::default() };
    let error = PrivatePostgres::start_with(&folder.0, &settings).err().unwrap();
    assert_eq!(error.to_string(), "/usr/bin has no initdb and postgres");
}
