//! A standby that takes over.

use std::time::{Duration, Instant};

use futures_util::future::join_all;

use super::database::{connectory, server};
use super::document::recipe;
use super::machine::Machine;
use crate::support::Browser;
use crate::support::hostile::Authority;
use crate::support::program::wait_until;

/// How long Connectory may need to go on after a failover.
const SECONDS: Duration = Duration::from_secs(10);

/// Whether the save of a new category was acknowledged.
async fn save(browser: &Browser, csrf: &str, name: &str) -> bool {
    let fields = [("csrf", csrf), ("category_name", name), ("status", "active")];
    let page = browser.post_exactly("/categories", &fields).await;
    page.status == 303
}

/// What a server's database says to a question.
fn ask(server: &mut Machine, question: &str) -> String {
    let outcome = server.shell(&format!("runuser -u postgres -- psql -Atc \"{question}\" connectory"));
    assert_eq!(outcome.code, 0, "{}", outcome.err);
    outcome.out.trim().to_owned()
}

/// The standby of a server.
fn standby(authority: &Authority, primary: &mut Machine) -> Machine {
    primary.run("failover-primary");
    let mut standby = Machine::with_postgresql(authority);
    standby.name("localhost, 192.0.2.11", "127.0.0.1");
    let port = primary.postgresql().port;
    standby.name("host=db1.example.org", &format!("host=127.0.0.1 port={port}"));
    standby.run("database-certificate");
    standby.put("database-listens");
    let access = "/etc/postgresql/15/main/pg_hba.conf";
    std::fs::copy(primary.path(access), standby.path(access)).expect("the same lines");
    standby.postgresql().start();
    standby.run("failover-standby");
    standby
}

fn wait_for_standby(primary: &mut Machine) {
    wait_until("the standby's following", || {
        let state = primary.run("failover-state");
        state.contains("| streaming | sync")
    });
}

#[tokio::test]
async fn the_standby_has_every_acknowledged_save_and_connectory_finds_it_by_itself() {
    let authority = Authority::new("Example CA");
    let mut db1 = server(&authority);
    let mut db2 = standby(&authority, &mut db1);
    db1.run("failover-synchronous");
    wait_for_standby(&mut db1);
    let settings = recipe("failover-settings");
    let machine = connectory(&mut [&mut db1, &mut db2], &authority, &settings);
    let ana = machine.ana().await;
    let csrf = ana.csrf_of("/categories/new").await;
    let mut acknowledged = 0;
    for number in 0..30 {
        acknowledged += usize::from(save(&ana, &csrf, &format!("Before {number}")).await);
    }
    assert_eq!(acknowledged, 30);
    db1.postgresql().kill();
    ana.get("/categories").await.expect(503);
    assert!(!save(&ana, &csrf, "Meanwhile").await);

    db2.run("failover-promote");
    let begun = Instant::now();
    while ana.get("/categories").await.status != 200 {
        assert!(begun.elapsed() < SECONDS, "it stays away");
    }
    // The copy was made before the other one waited for a standby, so this one waits for nobody.
    assert!(save(&ana, &csrf, "Afterwards").await);
    let question = "SELECT count(*) FROM categories WHERE name LIKE 'Before %' OR name = 'Afterwards'";
    assert_eq!(ask(&mut db2, question), "31");
}

#[tokio::test]
async fn a_server_that_hangs_is_left_for_the_promoted_standby() {
    let authority = Authority::new("Example CA");
    let mut db1 = server(&authority);
    let mut db2 = standby(&authority, &mut db1);
    db1.run("failover-synchronous");
    wait_for_standby(&mut db1);
    let settings = recipe("failover-settings");
    let machine = connectory(&mut [&mut db1, &mut db2], &authority, &settings);
    let ana = machine.ana().await;
    let csrf = ana.csrf_of("/categories/new").await;
    assert!(save(&ana, &csrf, "Before").await);
    // Every worker has open connections.
    join_all((0..20).map(|_| ana.get("/categories"))).await;

    // It accepts connections, and those that stand stay, but it answers nothing.
    let frozen = db1.postgresql().freeze();
    db2.run("failover-promote");
    let begun = Instant::now();
    loop {
        let asked = Instant::now();
        let page = ana.get("/categories").await;
        assert!(asked.elapsed() < Duration::from_secs(5), "a page hangs");
        if page.status == 200 {
            break;
        }
        page.expect(503);
        assert!(begun.elapsed() < SECONDS, "it stays away");
    }
    eprintln!("pages are back after {:?}", begun.elapsed());
    // Nobody goes back to the one that hung, on whatever connection.
    let pages = join_all((0..20).map(|_| ana.get("/categories"))).await;
    assert!(pages.iter().all(|page| page.status == 200));
    assert!(save(&ana, &csrf, "Afterwards").await);
    let question = "SELECT count(*) FROM categories WHERE name IN ('Before', 'Afterwards')";
    assert_eq!(ask(&mut db2, question), "2");
    drop(frozen);
}

#[tokio::test]
async fn without_its_standby_the_server_goes_on_alone_when_told() {
    let authority = Authority::new("Example CA");
    let mut db1 = server(&authority);
    let mut db2 = standby(&authority, &mut db1);
    db1.run("failover-synchronous");
    wait_for_standby(&mut db1);
    // What was put aside is not buried under what is put aside later.
    let second = db2.paste("failover-standby");
    assert_ne!(second.code, 0);
    assert!(second.err.contains("main.before"), "{}", second.err);
    assert_eq!(ask(&mut db2, "SELECT pg_is_in_recovery()"), "t");
    db2.postgresql().kill();
    db1.run("failover-alone");
    ask(&mut db1, "CREATE TABLE goes_on ()");
    ask(&mut db1, "SELECT pg_drop_replication_slot('db2')");
}
