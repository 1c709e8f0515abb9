//! What README.md says of the commands, against the commands.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use super::document::{Marker, blocks, read, repository};
use super::machine::Machine;

/// The text of the block of this name in README.md.
fn block(name: &str) -> String {
    let wanted = Marker::Recipe(name.into());
    let mut blocks = blocks(&read("README.md"));
    blocks.retain(|block| block.marker == wanted);
    blocks.pop().unwrap_or_else(|| panic!("no {name}")).text
}

#[test]
fn the_first_steps_go_as_they_are_shown() {
    let mut machine = Machine::new();
    machine.environment("CONNECTORY_LISTEN", &machine.address.to_string());
    let line = machine.recipe("by-hand");
    machine.serve(line.trim());
    let program = machine.connectory.as_mut().expect("it serves");
    let code = program.code();
    let greeting = program.greeting.clone();
    let with_code = |shown: &str| shown.replace("ABCD-EFGH-JKLM-NPQR", &code);
    assert_eq!(greeting, with_code(&machine.translated(&block("first-start"))));
    assert!(greeting.ends_with(&with_code(&machine.recipe("greeting"))));
    let folder = machine.path("/srv/connectory");
    assert!(folder.join("master.key").exists());

    machine.environment("CONNECTORY_DATA_DIR", folder.to_str().expect("a path"));
    let line = block("sample-data").replace("target/quick", "target/release");
    let outcome = machine.shell(&line);
    assert_eq!(outcome.out, "Created 60 data connectors; 0 were there already.\n", "{}", outcome.err);
}

#[test]
fn the_list_of_commands_is_the_programs() {
    let machine = Machine::new();
    for line in block("commands").lines() {
        let words = line.strip_prefix("connectory ").expect("a command");
        let (usage, _) = words.split_once("  ").unwrap_or((words, ""));
        let command: Vec<&str> = usage
            .split_whitespace()
            .take_while(|word| {
                word.chars().all(|letter| letter.is_ascii_lowercase() || letter == '-') && !word.starts_with('-')
            })
            .collect();
        let command = if usage.starts_with("[serve]") { vec!["serve"] } else { command };
        let output = Command::new(machine.path("/target/release/connectory"))
            .args(&command)
            .arg("--help")
            .output()
            .expect("the program");
        assert!(output.status.success(), "{line}");
        let help = String::from_utf8_lossy(&output.stdout);
        for option in usage.split(['[', ']', ' ']).filter(|word| word.starts_with("--")) {
            assert!(help.contains(option), "{line}: {help}");
        }
        for option in ["--data-dir", "--config"] {
            assert!(help.contains(option), "{line}: {help}");
        }
    }
}

#[test]
fn make_run_builds_the_quick_program_and_passes_options_on() {
    let output = Command::new("make")
        .args(["-n", "run", "ARGS=--data-dir /srv/connectory"])
        .current_dir(repository(""))
        .env_remove("CARGO_TARGET_DIR")
        // The tests may be run by make themselves, whose own would say more.
        .env_remove("MAKELEVEL")
        .env_remove("MAKEFLAGS")
        .env_remove("MFLAGS")
        .output()
        .expect("make");
    let said = String::from_utf8_lossy(&output.stdout);
    let steps = [
        "sh packaging/provision run",
        "cargo build --locked --profile quick --bin connectory",
        "exec target/quick/connectory serve --data-dir /srv/connectory",
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), steps);
    assert!(read("README.md").contains("`make run ARGS=\"--data-dir /srv/connectory\"`"));
}

#[test]
fn the_versions_that_are_asked_for_are_the_ones_that_are_needed() {
    let (readme, provision) = (read("README.md"), read("packaging/provision"));
    let cargo = read("Cargo.toml");
    let rust = cargo.lines().find_map(|line| line.strip_prefix("rust-version = \""));
    let rust = rust.expect("a version").trim_end_matches('"');
    assert!(readme.contains(&format!("Rust {rust} or newer")));
    assert!(readme.contains("Node.js 20.19 or newer") && provision.contains("need 20.19 or newer"));
    assert!(readme.contains("Chromium 156 or newer") && provision.contains("oldest_chromium=156"));
}

#[test]
fn a_chromium_that_is_too_old_is_upgraded() {
    let programs = std::env::temp_dir().join(format!("connectory-provision-{}", uuid::Uuid::now_v7()));
    fs::create_dir(&programs).expect("a folder");
    let fakes = [
        ("chromium", "echo 'Chromium 148.0.7778.96 built on Debian GNU/Linux 12 (bookworm)'"),
        ("apt-get", "echo \"apt-get $*\"; exit 1"),
        ("sudo", "exec \"$@\""),
    ];
    for (name, script) in fakes {
        let file = programs.join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a program");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a program that can be run");
    }
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").expect("a PATH"));
    let output = Command::new("sh").arg(repository("packaging/provision")).arg("test").env("PATH", path).output();
    fs::remove_dir_all(&programs).expect("nothing is left");
    let said = String::from_utf8_lossy(&output.expect("a shell").stdout).into_owned();
    assert!(
        said.lines().any(|line| line.starts_with("apt-get") && line.ends_with("chromium chromium-driver")),
        "{said}"
    );
}

#[test]
fn the_table_of_entries_is_the_repository() {
    let readme = read("README.md");
    let table = readme.split("## What is where").nth(1).expect("the table");
    let table = table.split("\n## ").next().unwrap_or_default();
    let first_cells = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<String> = first_cells
        .filter_map(|line| line.split(" |").next())
        .flat_map(|cell| cell.split(", ").map(|name| name.trim_matches(['`', '/']).to_owned()))
        .collect();
    assert!(listed.contains("src"), "{listed:?}");
    let Some(there) = tracked_entries() else {
        return;
    };
    assert_eq!(listed, there);
}

/// What of the repository's first level is kept by git; `None` in a copy without git.
fn tracked_entries() -> Option<BTreeSet<String>> {
    if !repository(".git").exists() {
        return None;
    }
    let git = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(repository(""))
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&git.stderr);
    assert!(git.status.success(), "{said}");
    let paths = String::from_utf8(git.stdout).expect("readable names");
    let first_level = paths.split_terminator('\0').filter_map(|path| {
        let first = path.split('/').next()?;
        (first != "README.md").then(|| first.to_owned())
    });
    Some(first_level.collect())
}
