//! Backup, restore, upgrade and the way back.

use std::fs;

use chrono::Utc;

use super::machine::Machine;
use crate::support::program::mode;

/// How many data connectors the signed-in person of the examples sees.
async fn connectors(machine: &Machine) -> String {
    let page = machine.ana().await.get("/connectors").await.expect(200);
    page.table_foot()
}

fn fill(machine: &mut Machine) {
    let demo = machine.shell("connectory demo");
    assert_eq!(demo.code, 0, "{}", demo.err);
}

/// Makes one more connector, in a change of its own.
async fn one_more(machine: &Machine) {
    let page = machine.ana().await.get("/connectors/new").await.expect(200);
    page.submit(|form| form.set("connector_name", "Zoo").set("description", "x")).await.expect(303);
}

/// Takes a backup by the script, and gives the dump to the day that the restore names.
fn back_up(machine: &mut Machine) -> Vec<u8> {
    machine.put("backup-script");
    machine.run("backup");
    let folder = machine.path("/var/backups/connectory");
    let files = fs::read_dir(&folder).expect("the folder");
    let files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    let [dump] = files.as_slice() else { panic!("{files:?}") };
    let days = [Utc::now(), Utc::now() - chrono::TimeDelta::minutes(5)];
    let names = days.map(|day| folder.join(format!("{}.dump", day.format("%F"))));
    assert!(names.contains(dump), "{dump:?}");
    assert_eq!((mode(&folder), mode(dump)), (0o700, 0o600));
    fs::read(dump).expect("the dump")
}

fn lay(machine: &Machine, path: &str, bytes: &[u8]) {
    let path = machine.path(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    fs::write(path, bytes).expect("a file");
}

#[tokio::test]
async fn a_backup_is_restored_onto_a_new_machine_with_the_key_that_was_kept_apart() {
    let mut old = Machine::in_use();
    fill(&mut old);
    old.run("keep-master-key");
    let dump = back_up(&mut old);
    let safe = "/media/safe/connectory-master.key";
    assert_eq!(mode(&old.path(safe)), 0o600);
    let key = fs::read(old.path(safe)).expect("the key");
    drop(old);

    let mut new = Machine::installed();
    lay(&new, safe, &key);
    lay(&new, "/var/backups/connectory/2026-11-24.dump", &dump);
    new.run("restore-key");
    new.run("enable");
    let out = new.run("restore");
    assert!(out.contains("OK: no entry was changed"), "{out}");
    assert_eq!(connectors(&new).await, "1 – 25 of 60 data connectors");
    // The instance that made the dump seems to run still, by what the dump says of it.
    let forget = "runuser -u connectory -- psql -h /var/lib/connectory/socket -U connectory -c 'DELETE FROM instances'";
    let forgotten = new.shell(&new.translated(forget));
    assert_eq!(forgotten.code, 0, "{}", forgotten.err);
    // Opens every value.
    let sealed = new.run("rotate-data-key");
    assert!(sealed.contains("Sealed") && !sealed.contains("Sealed 0"), "{sealed}");
    new.run("restore-finish");
    assert_eq!(fs::read(new.path("/var/lib/connectory/master.key")).expect("a key"), key);
}

#[tokio::test]
async fn a_dump_is_restored_in_place_and_what_was_there_is_kept_aside() {
    let mut machine = Machine::in_use();
    fill(&mut machine);
    let dump = back_up(&mut machine);
    lay(&machine, "/var/backups/connectory/2026-11-24.dump", &dump);
    one_more(&machine).await;
    assert_eq!(connectors(&machine).await, "1 – 25 of 61 data connectors");
    machine.run("restore");
    assert_eq!(connectors(&machine).await, "1 – 25 of 60 data connectors");
    let ask = "runuser -u connectory -- psql -Atc 'SELECT count(*) FROM connectors' -h /var/lib/connectory/socket -U connectory connectory_before";
    let before = machine.shell(&machine.translated(ask));
    assert_eq!(before.out, "61\n", "{}", before.err);

    // Once more: what was put aside is not lost, and nobody is locked out.
    let second = machine.paste("restore");
    assert_ne!(second.code, 0, "{}", second.out);
    let refused = "connectory_before is still there";
    assert!(second.err.contains(refused), "{}", second.err);
    assert_eq!(connectors(&machine).await, "1 – 25 of 60 data connectors");
    let before = machine.shell(&machine.translated(ask));
    assert_eq!(before.out, "61\n", "{}", before.err);
    machine.run("restore-finish");
    one_more(&machine).await;
    machine.run("restore");
    assert_eq!(connectors(&machine).await, "1 – 25 of 60 data connectors");
    machine.run("restore-finish");
    run_nightly_jobs(&mut machine);
}

#[tokio::test]
async fn whoever_is_stopped_while_names_are_exchanged_lets_connectory_in_again() {
    let mut machine = Machine::in_use();
    let lock = "ALTER DATABASE connectory ALLOW_CONNECTIONS false; SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = 'connectory'";
    for statement in lock.split("; ") {
        let shut = machine.shell(&machine.translated(&format!(
            "runuser -u connectory -- psql -h /var/lib/connectory/socket -U connectory -c \"{statement}\" postgres"
        )));
        assert_eq!(shut.code, 0, "{}", shut.err);
    }
    machine.browser().get("/sign-in").await.expect(503);
    machine.run("restore-let-in");
    machine.ana().await.get("/connectors").await.expect(200);
}

#[test]
fn a_backup_that_fails_leaves_nothing_behind() {
    let mut machine = Machine::serving();
    machine.put("backup-script");
    machine.stop();
    let failed = machine.try_run("backup");
    assert_ne!(failed.code, 0, "there was nobody to ask");
    let folder = fs::read_dir(machine.path("/var/backups/connectory")).expect("the folder");
    assert_eq!(folder.count(), 0);
}

/// Runs the commands of the nightly jobs.
fn run_nightly_jobs(machine: &mut Machine) {
    let jobs = [(machine.put("backup-nightly"), ""), (machine.put("audit-nightly"), "OK: ")];
    for (file, said) in jobs {
        let text = fs::read_to_string(&file).expect("the job");
        let line = text.lines().last().expect("a line");
        let words: Vec<&str> = line.split(' ').collect();
        let ([minute, hour, "*", "*", "*", "root"], command) = words.split_at(6) else { panic!("{line}") };
        let times = (minute.parse::<u8>(), hour.parse::<u8>());
        assert!(matches!(times, (Ok(0..60), Ok(0..24))), "{line}");
        // cron's own PATH has no /usr/local.
        let path = text.lines().find(|line| line.starts_with("PATH="));
        assert!(path.is_some_and(|path| path.contains("/usr/local/sbin:")));
        assert!(text.ends_with('\n'), "cron passes over a last line without an end");
        let outcome = machine.shell(&command.join(" "));
        assert_eq!(outcome.code, 0, "{}", outcome.err);
        assert!(outcome.out.contains(said), "{}", outcome.out);
    }
}

/// Puts another version of the program where it is built, and gives its text.
fn build(machine: &Machine, version: &str) -> String {
    let built = machine.path("/target/release/connectory");
    let old = fs::read_to_string(&built).expect("a program");
    let new = format!("{old}# {version}\n");
    fs::write(&built, &new).expect("a program");
    new
}

fn installed_program(machine: &Machine) -> String {
    let place = machine.path("/usr/local/lib/connectory/connectory");
    fs::read_to_string(place).expect("a program")
}

#[tokio::test]
async fn each_upgrade_keeps_a_way_back_to_the_moment_before_it() {
    let mut machine = Machine::in_use();
    let first = build(&machine, "the first new version");
    machine.run("upgrade");
    assert_eq!(installed_program(&machine), first);
    one_more(&machine).await;

    // The next one does not begin while the copy of this one is there, or the way back would lead there.
    let second = build(&machine, "the second new version");
    let refused = machine.paste("upgrade");
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("connectory.before"), "{}", refused.err);
    assert_eq!(installed_program(&machine), first);
    machine.run("upgrade-finish");
    machine.run("upgrade");
    assert_eq!(installed_program(&machine), second);
    machine.run("roll-back");
    assert_eq!(installed_program(&machine), first);
    let page = machine.ana().await.get("/connectors").await.expect(200);
    assert!(page.has_link("Zoo"), "{}", page.text());

    // There is no way back from here, and trying it changes nothing.
    let refused = machine.paste("roll-back");
    assert_ne!(refused.code, 0);
    assert!(refused.err.contains("connectory.before"), "{}", refused.err);
    assert_eq!(installed_program(&machine), first);
    machine.ana().await.get("/connectors").await.expect(200);
}

#[tokio::test]
async fn a_copy_of_the_stopped_folder_is_a_backup_that_no_later_one_touches() {
    let mut machine = Machine::in_use();
    machine.run("cold-copy");
    one_more(&machine).await;
    let refused = machine.paste("cold-copy");
    assert!(refused.err.contains("connectory-cold"), "{}", refused.err);
    machine.ana().await.get("/connectors").await.expect(200);

    machine.stop();
    let folder = machine.path("/var/lib/connectory");
    fs::remove_dir_all(&folder).expect("the folder");
    fs::rename(machine.path("/var/backups/connectory-cold"), folder).expect("the copy");
    machine.run("enable");
    let page = machine.ana().await.get("/connectors").await.expect(200);
    assert!(page.text().contains("No data connectors yet"));
}
