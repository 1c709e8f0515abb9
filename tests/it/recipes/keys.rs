//! Changing the master key and the data key.

use std::fs;

use super::machine::Machine;
use crate::support::TestApp;
use crate::support::program::mode;

const KEY: &str = "/etc/connectory/master.key";

/// An installation on a database of one's own, which has secrets, with the key in the file of the document.
async fn on_a_database_of_ones_own() -> (TestApp, Machine) {
    let app = TestApp::start().await;
    let mut machine = Machine::installed();
    machine.run("make-master-key");
    assert_eq!(mode(&machine.path(KEY)), 0o600);
    fs::write(machine.path(KEY), app.master_key()).expect("the key");
    machine.add_settings("database-settings");
    let url = app.database_url();
    machine.add_lines(&format!("DATABASE_URL={url}\nCONNECTORY_DATABASE_CONNECTIONS=8\n"));
    let demo = machine.shell("connectory demo");
    assert_eq!(demo.code, 0, "{}", demo.err);
    machine.run("enable");
    (app, machine)
}

#[test]
fn the_master_key_of_the_private_database_is_changed_beside_the_running_program() {
    let mut machine = Machine::serving();
    let key = machine.path("/var/lib/connectory/master.key");
    let before = fs::read_to_string(&key).expect("the key");
    let out = machine.run("rotate-master-key");
    assert!(out.contains("Nothing was changed.") && out.contains("now wrapped under"), "{out}");
    assert_ne!(fs::read_to_string(&key).expect("the key"), before);
    machine.run("stop-and-start");
    machine.run("rotate-data-key");
}

#[tokio::test]
async fn the_master_key_of_ones_own_database_is_changed_with_both_keys_set_meanwhile() {
    let (app, mut machine) = on_a_database_of_ones_own().await;
    machine.run("next-master-key");
    assert_eq!(mode(&machine.path("/etc/connectory/master.key.2")), 0o600);
    machine.add_settings("both-master-keys");
    machine.run("stop-and-start");
    let out = machine.run("rotate-to-next-master-key");
    assert!(out.contains("Data key 2 seals from now on.") && out.contains("1 data key is now wrapped under"), "{out}");
    machine.add_lines("CONNECTORY_OLD_MASTER_KEY_FILE=\n");
    machine.run("stop-and-start");
    let sealed = machine.run("rotate-data-key");
    assert!(!sealed.contains("Sealed 0"), "{sealed}");
    drop(app);
}

#[tokio::test]
async fn the_other_way_round_the_data_keys_go_first() {
    let (app, mut machine) = on_a_database_of_ones_own().await;
    machine.run("next-master-key");
    machine.run("rotate-first");
    machine.stop();
    assert_eq!(machine.shell("connectory migrate").code, 1, "the old key alone does not do");
    machine.add_settings("both-master-keys");
    machine.run("stop-and-start");
    drop(app);
}
