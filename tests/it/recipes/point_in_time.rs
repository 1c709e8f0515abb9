//! Going back to the moment before a mistake.

use std::fs;

use super::database::{connectory, server};
use crate::support::hostile::Authority;
use crate::support::program::wait_until;

#[tokio::test]
async fn the_database_goes_back_to_the_moment_before_a_mistake() {
    let authority = Authority::new("Example CA");
    let mut server = server(&authority);
    server.put("archive-settings");
    server.run("archive");
    let mut machine = connectory(&mut [&mut server], &authority, "database-settings");
    let ask =
        |question: &str| format!("runuser -u postgres -- psql -Atc \"{question}\" connectory");
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
    server.run("point-in-time");
    wait_until("the end of the recovery", || {
        server.shell(&ask("SELECT pg_is_in_recovery()")).out == "f\n"
    });
    let people = server.shell(&ask("SELECT username FROM users"));
    assert_eq!(people.out, "ana\n", "{}", people.err);
    machine.run("stop-and-start");
    machine.ana().await.get("/connectors").await.expect(200);
}
