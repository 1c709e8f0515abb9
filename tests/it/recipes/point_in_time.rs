//! Going back to the moment before a mistake.

use std::fs;

use super::database::{server, with_database};
use crate::support::hostile::Authority;
use crate::support::program::wait_until;

#[tokio::test]
async fn the_database_goes_back_to_the_moment_before_a_mistake() {
    let authority = Authority::new("Example CA");
    let mut server = server(&authority);
    server.put("archive-settings");
    server.run("archive");
    let mut machine = with_database(&mut server, &authority);
    let ask = |question: &str| format!("runuser -u postgres -- psql -Atc \"{question}\" connectory");
    let moment = server.shell(&ask("SELECT clock_timestamp()"));
    machine.run("lost-super-admin");
    machine.stop();

    server.name("2026-11-24 14:30:00+00", moment.out.trim());
    let copies = fs::read_dir(server.path("/var/backups/postgresql")).expect("the folder");
    let names = copies.map(|copy| copy.expect("an entry").file_name().into_string());
    let mut names = names.map(|name| name.expect("a name"));
    let copy = names.find(|name| name.starts_with("base-"));
    server.name("base-2026-11-24", &copy.expect("a copy of the whole"));
    server.put("point-in-time-settings");
    // A server that was a standby once has this.
    let put_aside = server.path("/var/lib/postgresql/15/main.before");
    fs::create_dir(&put_aside).expect("a folder");
    server.run("point-in-time");
    assert_eq!(fs::read_dir(put_aside).expect("the folder").count(), 0);
    wait_until("the end of the recovery", || server.shell(&ask("SELECT pg_is_in_recovery()")).out == "f\n");
    let people = server.shell(&ask("SELECT username FROM users"));
    assert_eq!(people.out, "ana\n", "{}", people.err);
    let second = server.paste("point-in-time");
    assert_ne!(second.code, 0);
    assert!(second.err.contains("main.before-recovery"), "{}", second.err);
    machine.run("stop-and-start");
    machine.ana().await.get("/connectors").await.expect(200);
}
