//! The program itself: its start and its end, the commands beside it, and what stops it before it does harm.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use reqwest::Method;
use reqwest::header::AUTHORIZATION;

use crate::support::program::{Installation, Outcome, free_address, has_ended, mode, wait_until};
use crate::support::{Browser, PASSWORD, Page};

const METRICS_TOKEN: &str = "a-token-for-the-metrics";

impl Outcome {
    /// The one line with which a command says why it has failed.
    fn complaint(&self) -> &str {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        let mut complaints = self.err.lines().filter_map(|line| line.strip_prefix("connectory: "));
        let complaint = complaints.next().unwrap_or_else(|| panic!("no complaint: {}", self.err));
        assert_eq!(complaints.next(), None, "one line: {}", self.err);
        complaint
    }
}

async fn create_connector(browser: &Browser, name: &str) -> Page {
    let page = browser.get("/connectors/new").await.expect(200);
    page.submit(|form| form.set("connector_name", name).set("description", "x")).await.expect(303)
}

async fn metrics(browser: &Browser, token: Option<&str>) -> Page {
    let request = browser.request(Method::GET, "/metrics");
    let request = token.iter().fold(request, |request, token| request.header(AUTHORIZATION, format!("Bearer {token}")));
    browser.send(request).await
}

#[tokio::test]
async fn the_first_start_makes_a_key_of_its_own_and_says_where_to_go_and_how_to_begin() {
    let here = Installation::new().set("CONNECTORY_METRICS_TOKEN", METRICS_TOKEN);
    let mut program = here.serve();
    assert_eq!(program.greeting, format!("Connectory is ready: open http://{}\n", here.address));
    assert_eq!(mode(&here.key_file()), 0o600);
    let key = fs::read_to_string(here.key_file()).expect("the key");
    let browser = program.found().await;
    assert!(browser.get("/connectors").await.expect(200).text().contains("No data connectors yet"));

    let visitor = program.browser();
    assert_eq!(visitor.get("/healthz").await.expect(200).html, "alive\n");
    assert_eq!(visitor.get("/readyz").await.expect(200).html, "ready\n");
    for token in [None, Some(""), Some("wrong"), Some(&METRICS_TOKEN[1..])] {
        metrics(&visitor, token).await.expect(404);
    }
    let page = metrics(&visitor, Some(METRICS_TOKEN)).await.expect(200);
    assert!(page.header("content-type").starts_with("text/plain"), "{}", page.header("content-type"));
    let counted = page
        .html
        .lines()
        .find(|line| line.starts_with("connectory_http_requests_total") && line.contains("\"/healthz\""));
    assert!(counted.is_some_and(|line| line.contains("status=\"200\"") && line.ends_with(" 1")), "{}", page.html);
    assert!(page.html.contains("connectory_http_request_seconds"));
    // Counted by the background work, which begins with the program.
    let began = std::time::Instant::now();
    while !metrics(&visitor, Some(METRICS_TOKEN)).await.html.contains("connectory_connectors{status=\"not_tested\"} 0")
    {
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "connectors are not counted");
    }

    let postgres = program.postgres();
    let (status, log) = program.stop();
    assert!(status.success(), "{status}: {log}");
    assert!(has_ended(postgres));
    assert_eq!(here.processes(), [""; 0]);
    assert!(log.contains(&format!("Made the master key {}", here.key_file().display())), "{log}");
    assert!(!log.contains(key.trim()));

    // The next start finds all as it was, asks for no first super admin, and without its token shows no metrics.
    let here = here.set("CONNECTORY_METRICS_TOKEN", "");
    let program = here.serve();
    browser.get("/connectors").await.expect(200);
    metrics(&visitor, Some(METRICS_TOKEN)).await.expect(404);
    metrics(&visitor, Some("")).await.expect(404);
    assert_eq!(fs::read_to_string(here.key_file()).expect("the key"), key);
    let (status, log) = program.stop();
    assert!(status.success() && !log.contains("Made the master key"), "{status}: {log}");
}

#[tokio::test]
async fn commands_work_beside_the_running_program() {
    let here = Installation::new();
    let mut program = here.serve();
    let browser = program.found().await;

    let created = here.run(
        &["user", "create", "ben", "--name", "Ben Okafor", "--permission", "edit-data-connectors"],
        &format!("{PASSWORD}\n"),
    );
    assert_eq!(
        (created.code, created.out.as_str()),
        (0, "Created user ben.\n  Edit Data Connectors\n  View Data Connectors\n"),
        "{}",
        created.err
    );
    let ben = program.browser();
    ben.sign_in("ben", PASSWORD).await.expect(303);
    ben.get("/connectors").await.expect(200);
    ben.get("/connectors/new").await.expect(403);

    let again = here.run(&["user", "create", "BEN"], PASSWORD);
    assert_eq!(again.complaint(), "there is a user BEN already");
    let reset = here.run(&["user", "reset-password", "ben"], "another battery staple\n");
    assert_eq!(
        (reset.code, reset.out.as_str()),
        (0, "Set the password of ben and ended all sessions.\n"),
        "{}",
        reset.err
    );
    assert_eq!(ben.get("/connectors").await.location(), Some("/sign-in?next=%2Fconnectors"));
    ben.sign_in("ben", PASSWORD).await.expect(422);
    ben.sign_in("ben", "another battery staple").await.expect(303);
    assert_eq!(here.run(&["user", "reset-password", "nobody"], PASSWORD).complaint(), "there is no user nobody");

    for (created, there) in [(60, 0), (0, 60)] {
        let demo = here.run(&["demo"], "");
        assert_eq!(
            (demo.code, demo.out),
            (0, format!("Created {created} data connectors; {there} were there already.\n")),
            "{}",
            demo.err
        );
    }
    assert_eq!(browser.get("/connectors").await.table_foot(), "1 – 25 of 60 data connectors");
    assert_eq!(here.run(&["migrate"], "").out, "The database is up to date.\n");

    let second = here.run_with(&[("CONNECTORY_LISTEN", &free_address().to_string())], &["serve"], "");
    let expected = format!(
        "another Connectory is running on the data folder {}: stop it first, or give both the same DATABASE_URL",
        here.folder.display()
    );
    assert_eq!(second.complaint(), expected);
    browser.get("/connectors").await.expect(200);
    let (status, log) = program.stop();
    assert!(status.success(), "{status}: {log}");
    assert!(!log.contains(PASSWORD) && !log.contains("another battery staple"));
}

#[tokio::test]
async fn commands_work_without_a_running_program_and_leave_none() {
    let here = Installation::new();
    let created = here.run(&["user", "create", "ana", "--super-admin"], &format!("{PASSWORD}\r\n"));
    assert_eq!((created.code, created.out.as_str()), (0, "Created user ana.\n"), "{}", created.err);
    assert_eq!(here.processes(), [""; 0]);
    let program = here.serve();
    let ana = program.browser();
    ana.sign_in("ana", PASSWORD).await.expect(303);
    assert!(ana.open("/").await.has_link("Add Data Connector"), "may do everything");
}

#[tokio::test]
async fn what_was_saved_is_there_after_the_program_was_killed() {
    let here = Installation::new();
    let mut program = here.serve();
    let browser = program.found().await;
    create_connector(&browser, "Payroll").await;
    program.kill();
    wait_until("the end of every process", || here.processes().is_empty());

    let program = here.serve();
    assert_eq!(browser.get("/connectors").await.expect(200).row_heads(), ["Payroll"], "and the session is still one");
    create_connector(&browser, "Ledger").await;
    let (status, _) = program.stop();
    assert!(status.success());
}

#[tokio::test]
async fn the_end_of_its_postgresql_ends_the_program_with_the_reason() {
    let here = Installation::new();
    let mut program = here.serve();
    program.code();
    nix::sys::signal::kill(program.postgres(), nix::sys::signal::Signal::SIGKILL).expect("a running PostgreSQL");
    let (status, log) = program.end();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("connectory: the private PostgreSQL has ended"), "{log}");
    wait_until("the end of every process", || here.processes().is_empty());
    let program = here.serve();
    program.browser().get("/readyz").await.expect(200);
}

#[tokio::test]
async fn a_key_that_does_not_fit_stops_the_start() {
    let here = Installation::new();
    assert!(here.serve().stop().0.success());
    let key_file = here.key_file();
    let key = fs::read_to_string(&key_file).expect("the key");
    let other = "0123456789abcdef".repeat(4);
    let put = |text: &str, mode| {
        fs::write(&key_file, text).expect("a key file");
        fs::set_permissions(&key_file, Permissions::from_mode(mode)).expect("its mode");
    };

    put(&other, 0o600);
    let wrong = here.run(&["serve"], "");
    assert!(
        wrong
            .complaint()
            .starts_with("the master key does not fit this database: its data keys were made with master key "),
        "{}",
        wrong.err
    );
    assert!(!wrong.err.contains(&other) && !wrong.err.contains(key.trim()));
    assert_eq!(wrong.out, "", "nobody is told that it is ready");
    let wrong = here.run(&["demo"], "");
    assert!(wrong.complaint().starts_with("the master key does not fit this database"), "{}", wrong.err);

    put("hunter2", 0o600);
    let none = here.run(&["serve"], "");
    assert!(
        none.complaint().starts_with(&format!("the file {} holds no master key: ", key_file.display())),
        "{}",
        none.err
    );
    assert!(!none.err.contains("hunter2"));

    put(&key, 0o644);
    let open = here.run(&["serve"], "");
    assert!(open.complaint().contains("is open to other users (mode 0644): chmod 600 it"), "{}", open.err);

    // To an old database a new key would be the wrong one.
    fs::remove_file(&key_file).expect("the key file");
    let missing = here.run(&["serve"], "");
    assert!(
        missing.complaint().starts_with(&format!("the master key file {} cannot be read: ", key_file.display())),
        "{}",
        missing.err
    );
    assert!(!key_file.exists());
    assert_eq!(here.processes(), [""; 0]);

    put(&key, 0o600);
    assert!(here.serve().stop().0.success(), "nothing was spoilt by the tries");
}

#[test]
fn wrong_settings_are_all_told_at_once_and_nothing_is_started() {
    let here = Installation::new();
    let wrong = [
        ("CONNECTORY_LISTEN", "somewhere"),
        ("CONNECTORY_WORKERS", "none"),
        ("CONNECTORY_DATABASE_CONNECTIONS", "1"),
        ("CONNECTORY_PUBLIC_URL", "connectory.example.org"),
        ("CONNECTORY_OUTBOUND_LOOPBACK", "perhaps"),
        ("CONNECTORY_SESSION_HOURS", "0"),
        ("CONNECTORY_METRICS_TOKEN", "short"),
        ("CONNECTORY_LOG_FORMAT", "xml"),
        ("DATABASE_URL", "mysql://db.example.org/connectory"),
        ("CONNECTORY_LISTN", "127.0.0.1:8080"),
    ];
    for command in [&["serve"][..], &["demo"], &["user", "create", "ana"]] {
        let outcome = here.run_with(&wrong, command, PASSWORD);
        assert_eq!((outcome.code, outcome.out.as_str()), (1, ""), "{}", outcome.err);
        for (name, _) in wrong {
            assert!(
                outcome.err.contains(&format!("{name} must be "))
                    || outcome.err.contains(&format!("no setting {name}")),
                "{name} in: {}",
                outcome.err
            );
        }
        assert!(!outcome.err.contains("short"), "a setting's value may be a secret: {}", outcome.err);
    }
    assert!(!here.folder.exists());
}

#[test]
fn files_with_secrets_that_others_can_read_or_change_stop_the_start() {
    use std::os::unix::fs::{PermissionsExt, chown};
    let here = Installation::new();
    fs::create_dir(&here.folder).expect("a folder");
    let file = here.folder.join("settings");
    let path = file.to_str().expect("a readable path");
    let secret = "CONNECTORY_METRICS_TOKEN=a-token-for-the-metrics\nCONNECTORY_WORKERS=0\n";
    let plain = "CONNECTORY_WORKERS=0\n";
    let token_file = format!(
        "CONNECTORY_OIDC_ISSUER=https://id.example.org\nCONNECTORY_OIDC_CLIENT_ID=a\nCONNECTORY_OIDC_CLIENT_SECRET_FILE={path}.secret\nCONNECTORY_WORKERS=0\n"
    );
    let complaints = |text: &str, mode: u32| {
        fs::write(&file, text).expect("a file");
        fs::write(format!("{path}.secret"), "a secret").expect("a file");
        // The mode is that of the file in which the secret stands.
        let (shown, other) = match text == token_file {
            true => (format!("{path}.secret"), path.to_string()),
            false => (path.to_string(), format!("{path}.secret")),
        };
        for (path, mode) in [(&shown, mode), (&other, 0o600)] {
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("a mode");
        }
        here.run(&["serve", "--config", path], "").err
    };
    for (text, mode, words) in [
        (secret, 0o600, None),
        (secret, 0o640, None),
        (secret, 0o644, Some("open to all users (mode 0644)")),
        (secret, 0o660, Some("other users can write to it (mode 0660)")),
        (plain, 0o644, None),
        (plain, 0o646, Some("other users can write to it (mode 0646)")),
        (&*token_file, 0o640, None),
        (&*token_file, 0o644, Some("open to all users (mode 0644)")),
    ] {
        let err = complaints(text, mode);
        match words {
            Some(words) => assert!(err.contains(words), "{mode:o}: {err}"),
            None => assert!(err.contains("CONNECTORY_WORKERS must be") && !err.contains("mode"), "{err}"),
        }
        assert!(!err.contains("a-token-for"), "{err}");
    }
    // A file of somebody else, who could change it, and a master key of theirs.
    if nix::unistd::geteuid().is_root() {
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).expect("a mode");
        chown(&file, Some(65_534), None).expect("an owner");
        let err = here.run(&["serve", "--config", path], "").err;
        assert!(err.contains("belongs to the user 65534"), "{err}");
        let key = here.folder.join("key");
        fs::write(&key, "a".repeat(64)).expect("a file");
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).expect("a mode");
        chown(&key, Some(65_534), None).expect("an owner");
        let key = [("CONNECTORY_MASTER_KEY_FILE", key.to_str().expect("a path"))];
        let err = here.run_with(&key, &["migrate"], "").err;
        assert!(err.contains("belongs to the user 65534"), "{err}");
    }
}

#[test]
fn a_file_of_settings_is_read_and_the_environment_wins() {
    let here = Installation::new();
    fs::create_dir(&here.folder).expect("a folder");
    let file = here.folder.join("settings");
    let path = file.to_str().expect("a readable path");
    fs::write(&file, "# ours\nCONNECTORY_WORKERS = 0\nCONNECTORY_LISTEN=nowhere\n").expect("a file");
    let outcome = here.run(&["serve", "--config", path], "");
    assert_eq!(outcome.complaint(), "CONNECTORY_WORKERS must be a whole number from 1 to 64");
    fs::write(&file, "CONNECTORY_COLOUR=red\nnonsense\n").expect("a file");
    let outcome = here.run(&["serve", "--config", path], "");
    assert!(outcome.err.contains(&format!("{path}:1: there is no setting CONNECTORY_COLOUR\n")), "{}", outcome.err);
    assert!(outcome.err.contains(&format!("{path}:2: write NAME=value\n")), "{}", outcome.err);
    let outcome = here.run(&["serve", "--config", "/no/such/file"], "");
    assert!(outcome.complaint().starts_with("/no/such/file: "), "{}", outcome.err);
}

#[test]
fn a_port_that_is_taken_is_told_before_anything_is_started() {
    let here = Installation::new();
    let _taken = std::net::TcpListener::bind(here.address).expect("the port");
    let outcome = here.run(&["serve"], "");
    assert!(
        outcome
            .complaint()
            .starts_with(&format!("CONNECTORY_LISTEN: cannot listen on {}: Address already in use", here.address)),
        "{}",
        outcome.err
    );
    assert!(!here.folder.exists());
}

#[test]
fn a_user_that_cannot_be_is_told_before_anything_is_started() {
    let here = Installation::new();
    for (arguments, password, complaint) in [
        (&["user", "create", "ana"][..], "", "Enter a password"),
        (&["user", "create", "ana"], "eleven char\n", "Password must be at least 12 characters long"),
        (
            &["user", "create", "ana ruiz"],
            PASSWORD,
            "A user name can have letters, numbers, full stops, underscores, hyphens, @ and +",
        ),
        (&["user", "reset-password", "ana"], "short", "Password must be at least 12 characters long"),
    ] {
        assert_eq!(here.run(arguments, password).complaint(), complaint);
    }
    let common = here.run(&["user", "create", "ana"], "Password1234\n");
    assert!(common.complaint().starts_with("Choose a password that is not easy to guess"), "{}", common.err);

    let unknown = here.run(&["user", "create", "ana", "--permission", "fly"], PASSWORD);
    assert_eq!(unknown.code, 2);
    for permission in connectory::access::Permission::all() {
        assert!(unknown.err.contains(permission.code()), "{} in: {}", permission.code(), unknown.err);
    }
    assert!(!here.folder.exists());
}
