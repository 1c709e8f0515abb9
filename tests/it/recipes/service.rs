//! Installing, starting and stopping, the first people.

use std::fs;
use std::process::Command;

use super::ANA;
use super::machine::{Machine, is_root};
use crate::support::program::mode;

#[tokio::test]
async fn the_service_is_installed_started_and_stopped_as_the_document_says() {
    let mut machine = Machine::in_use();
    assert_eq!(mode(&machine.path("/usr/local/sbin/connectory")), 0o755);
    assert_eq!(mode(&machine.path("/etc/connectory/connectory.conf")), 0o640);
    machine.ana().await.get("/connectors").await.expect(200);
    the_data_folder_is_as_shown(&machine);
    machine.run("stop-and-start");
    assert_eq!(machine.log.matches("stopping").count(), 2, "{}", machine.log);
    machine.ana().await.get("/connectors").await.expect(200);
}

/// Compares the data folder with its picture in the document.
fn the_data_folder_is_as_shown(machine: &Machine) {
    let folder = machine.path("/var/lib/connectory");
    let mut names = Vec::new();
    for line in machine.recipe("data-folder").lines() {
        let mut words = line.split_whitespace();
        let (bits, name) = (words.next().expect("bits"), words.nth(2).expect("a name"));
        names.push(name.to_owned());
        if is_root() {
            assert_eq!(letters(mode(&folder.join(name))), bits[1..], "{name}");
        }
    }
    for entry in fs::read_dir(&folder).expect("the folder") {
        let name = entry.expect("an entry").file_name();
        assert!(names.iter().any(|known| **known == *name), "{name:?} is not shown");
    }
}

#[tokio::test]
async fn people_and_passwords_are_made_on_the_command_line() {
    let mut machine = Machine::serving();
    let made = machine.shell("printf 'quite another good password\\n' | connectory user create ana --super-admin");
    assert_eq!(made.code, 0, "{}", made.err);
    machine.browser().sign_in(ANA.0, ANA.1).await.expect(422);
    machine.run("lost-password");
    machine.ana().await.get("/users").await.expect(200);

    machine.run("lost-super-admin");
    let rescue = machine.browser();
    rescue.sign_in("rescue", ANA.1).await.expect(303);
    rescue.get("/users").await.expect(200);

    let out = machine.run("users");
    assert!(out.contains("Create Data Connectors\n"), "{out}");
    let ben = machine.browser();
    ben.sign_in("ben", "other words make another one").await.expect(303);
    ben.get("/connectors/new").await.expect(200);
    ben.get("/users").await.expect(403);
}

#[test]
fn nobody_else_looks_into_the_data_folder_before_the_first_start() {
    let machine = Machine::installed();
    assert_eq!(mode(&machine.path("/var/lib/connectory")), 0o700);
}

#[test]
fn systemd_understands_the_unit() {
    let machine = Machine::installed();
    let unit = machine.path("/etc/systemd/system/connectory.service");
    let output = Command::new("systemd-analyze")
        .args(["verify", "--man=no", "--recursive-errors=no"])
        .arg(&unit)
        .output()
        .expect("systemd-analyze; Debian's package is systemd");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let about_it: Vec<&str> = said.lines().filter(|line| line.contains("connectory")).collect();
    assert_eq!(about_it, [""; 0]);
    // What it is told to keep is what the settings name.
    let text = fs::read_to_string(unit).expect("the unit");
    assert!(text.contains("\nStateDirectory=connectory\n"));
    assert!(machine.recipe("settings-file").contains("DATA_DIR=") && machine.path("/var/lib/connectory").exists());
}

/// `rwxr-x---` of 0o750.
fn letters(mode: u32) -> String {
    let bit = |(place, letter)| {
        if mode >> (8 - place) & 1 == 1 { letter } else { '-' }
    };
    "rwxrwxrwx".chars().enumerate().map(bit).collect()
}
