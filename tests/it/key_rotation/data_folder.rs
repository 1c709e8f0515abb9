//! The master key that the program keeps in its data folder, and every moment at which a rotation can be cut off.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use connectory::vault::MasterKey;

use super::{complaint, key, rotate};
use crate::support::PASSWORD;
use crate::support::program::{Installation, mode};

/// An installation with sample data, which has secrets, and the key that it began with.
fn installed() -> (Installation, String) {
    let here = Installation::new();
    let demo = here.run(&["demo"], "");
    assert_eq!(demo.code, 0, "{}", demo.err);
    let key = read(&here.key_file());
    (here, key)
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn put(path: &Path, text: &str) {
    fs::write(path, text).expect("a key file");
    fs::set_permissions(path, Permissions::from_mode(0o600)).expect("its mode");
}

fn next_file(here: &Installation) -> PathBuf {
    here.folder.join("master.key.next")
}

fn kept_file(here: &Installation, old: &str) -> PathBuf {
    let id = MasterKey::parse(old).expect("a key").id().to_string();
    here.folder.join(format!("master.key.{id}"))
}

/// Whether the program starts, opens all that is stored, and ends well.
fn starts(here: &Installation) {
    let (status, log) = here.serve().stop();
    assert!(status.success(), "{log}");
    // Sealing all anew opens every value.
    let reseal = rotate(here, &[], &["--data-key"]);
    assert_eq!(reseal.code, 0, "{}{}", reseal.out, reseal.err);
    assert!(!reseal.out.contains("Sealed 0"), "{}", reseal.out);
}

#[test]
fn the_program_makes_its_new_key_itself_and_keeps_the_old_one() {
    let (here, old) = installed();
    let plan = rotate(&here, &[], &["--master-key", "--dry-run"]);
    assert!(
        plan.out.starts_with(
            "Nothing was changed. 1 data key would be wrapped under a master key that is still to be made"
        ),
        "{}{}",
        plan.out,
        plan.err
    );
    assert_eq!(read(&here.key_file()), old);
    let done = rotate(&here, &[], &["--master-key"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let new = read(&here.key_file());
    assert_ne!(new, old);
    assert_eq!(mode(&here.key_file()), 0o600);
    assert_eq!(read(&kept_file(&here, &old)), old);
    assert!(!next_file(&here).exists());
    assert!(done.out.contains(kept_file(&here, &old).to_str().expect("a path")), "{}", done.out);
    assert!(!done.out.contains(new.trim()) && !done.err.contains(new.trim()));
    starts(&here);

    let again = rotate(&here, &[], &["--master-key"]);
    assert!(again.out.starts_with("2 data keys are now wrapped under"), "{}", again.out);
    assert_eq!(read(&kept_file(&here, &old)), old, "kept as well");
    assert_eq!(read(&kept_file(&here, &new)), new);
    starts(&here);
}

#[test]
fn the_running_program_goes_on() {
    let (here, _) = installed();
    let user = here.run(&["user", "create", "ana", "--super-admin"], PASSWORD);
    assert_eq!(user.code, 0, "{}", user.err);
    let program = here.serve();
    assert_eq!(rotate(&here, &[], &["--master-key"]).code, 0);
    let (status, log) = program.stop();
    assert!(status.success(), "{log}");
    starts(&here);
}

#[test]
fn both_keys_are_changed_unless_one_is_named() {
    let (here, old) = installed();
    let program = here.serve();
    let plan = rotate(&here, &[], &["--dry-run"]);
    assert!(plan.out.contains("A new data key would be made"), "{}", plan.out);
    assert!(plan.out.contains("1 data key would be wrapped under"), "{}", plan.out);
    assert_eq!(read(&here.key_file()), old);
    // Beside the running program, which opens the new data key by the master key that it has.
    let done = rotate(&here, &[], &[]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    for words in [
        "Data key 2 seals from now on.",
        "Data key 1 is retired",
        "2 data keys are now wrapped under",
        "Move it away from this machine",
    ] {
        assert!(done.out.contains(words), "{words}: {}", done.out);
    }
    assert!(!done.out.contains("Sealed 0"), "{}", done.out);
    assert_ne!(read(&here.key_file()), old);
    let (status, log) = program.stop();
    assert!(status.success(), "{log}");
    starts(&here);
    let both = rotate(&here, &[], &["--data-key", "--master-key"]);
    assert_ne!(both.code, 0);
}

#[test]
fn cut_off_before_the_data_keys_were_wrapped_anew_nothing_is_lost() {
    let (here, old) = installed();
    // Half a draft of the next key.
    fs::write(here.folder.join("master.key.next.new"), "0123").expect("a draft");
    starts(&here);
    // The whole next key.
    put(&next_file(&here), &key('a'));
    starts(&here);
    assert_eq!(read(&here.key_file()), old, "nothing is wrapped under the next one yet");
    assert!(next_file(&here).exists());
    // Done again, it takes the key that is there.
    assert_eq!(rotate(&here, &[], &["--master-key"]).code, 0);
    assert_eq!(read(&here.key_file()), key('a'));
    starts(&here);
}

#[test]
fn cut_off_after_the_data_keys_were_wrapped_anew_the_next_start_puts_the_key_in_its_place() {
    let (here, old) = installed();
    assert_eq!(rotate(&here, &[], &["--master-key"]).code, 0);
    let new = read(&here.key_file());
    let kept = kept_file(&here, &old);
    // Before the old one was linked, and after that.
    for kept_is_there in [false, true] {
        put(&here.key_file(), &old);
        put(&next_file(&here), &new);
        if !kept_is_there {
            fs::remove_file(&kept).expect("what was kept");
        }
        starts(&here);
        assert_eq!(read(&here.key_file()), new);
        assert_eq!(read(&kept), old);
        assert!(!next_file(&here).exists());
    }
    // A command finishes it as well.
    put(&here.key_file(), &old);
    put(&next_file(&here), &new);
    assert_eq!(here.run(&["migrate"], "").code, 0);
    assert_eq!(read(&here.key_file()), new);
}

#[test]
fn the_next_key_can_be_given() {
    let (here, old) = installed();
    let new = key('c');
    let done = rotate(&here, &[("CONNECTORY_NEW_MASTER_KEY", &new)], &["--master-key"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert_eq!(read(&here.key_file()).trim(), new);
    assert_eq!(read(&kept_file(&here, &old)), old);
    starts(&here);
    // But not another than the one that a rotation was begun with.
    put(&next_file(&here), &key('d'));
    let other = rotate(&here, &[("CONNECTORY_NEW_MASTER_KEY", &key('e'))], &["--master-key"]);
    assert!(complaint(&other).contains("holds another key"), "{}", other.err);
    assert_eq!(read(&here.key_file()).trim(), new);
    starts(&here);
}

#[test]
fn without_any_of_its_keys_it_does_not_start() {
    let (here, old) = installed();
    assert_eq!(rotate(&here, &[], &["--master-key"]).code, 0);
    put(&here.key_file(), &old);
    let wrong = here.run(&["serve"], "");
    assert!(complaint(&wrong).starts_with("the master key does not fit this database"), "{}", wrong.err);
}
