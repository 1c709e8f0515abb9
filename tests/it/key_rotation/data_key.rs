//! Another data key: made, put to use when all instances know it, and everything sealed again.

use std::sync::Arc;

use connectory::access::Permission::EditConnectors;
use connectory::audit::Change;
use connectory::authorization::SecretField;
use connectory::connectors::Method;
use connectory::keyring::{self, Instance};
use connectory::vault::{MasterKey, MasterKeys};
use uuid::Uuid;

use super::{complaint, key, rotate};
use crate::support::{Browser, PASSWORD, TestApp};

/// Whether the connector's page reveals this token; else the page.
async fn reveals(visitor: &Browser, token: &str) -> Result<(), String> {
    let page = visitor
        .post("/connectors/payroll/authorization/token-reveals", &[("own_password", PASSWORD)])
        .await
        .expect(200);
    if page.html.contains(token) { Ok(()) } else { Err(page.text()) }
}

/// A connector with a token and a secret.
async fn filled() -> (TestApp, Uuid) {
    let app = TestApp::start().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::Bearer).await;
    app.store_token(id, "canary-token", None).await;
    app.store_secret(id, SecretField::TokenPassword, "canary-secret").await;
    (app, id)
}

impl TestApp {
    /// This site as an instance that learns data keys, whose master key is this one.
    fn instance(&self, master_key: &str) -> Instance {
        Instance {
            id: Uuid::now_v7(),
            address: self.address,
            started_at: self.clock.now(),
            vault: self.vault.clone(),
            masters: Arc::new(MasterKeys::only(MasterKey::parse(master_key).expect("a master key"))),
        }
    }

    async fn refresh(&self, instance: &Instance) {
        keyring::refresh(&mut *self.conn().await, instance, self.clock.now()).await.expect("the keys can be read");
    }

    async fn behind(&self, key: i32, in_use: bool) -> usize {
        keyring::behind(&mut *self.conn().await, self.clock.now(), key, in_use).await.expect("the instances").len()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_counts_and_changes_nothing() {
    let (app, _) = filled().await;
    let here = app.another_program();
    let plan = rotate(&here, &[], &["--data-key", "--dry-run"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    assert_eq!(
        plan.out,
        "Nothing was changed.\n  data key 1: 2 sealed values\nA new data key would be made, and 2 values sealed again.\n"
    );
    assert_eq!(app.count("SELECT count(*) FROM data_keys").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_sealed_anew_while_two_instances_serve_and_the_old_key_is_retired() {
    let (app, id) = filled().await;
    let ana = app.user(&[EditConnectors]).await;
    let (here, there) = (app.another_program(), app.another_program());
    let programs = [here.serve(), there.serve()];
    let visitors = programs.each_ref().map(|program| program.browser());
    for visitor in &visitors {
        visitor.sign_in(&ana.username, PASSWORD).await.expect(303);
    }
    let done = rotate(&here, &[], &["--data-key"]);
    assert_eq!(done.code, 0, "{}{}", done.out, done.err);
    let lines: Vec<&str> = done.out.lines().collect();
    assert_eq!(lines[..2], ["Data key 2 seals from now on.", "Sealed 3 values again."]);
    assert!(lines[2].starts_with("Data key 1 is retired"), "{}", done.out);
    let uses = keyring::uses(&*app.conn().await).await.expect("counted");
    // The key of cookies, which the instances have made, is one of them.
    assert_eq!(uses.into_iter().collect::<Vec<_>>(), [(2, 3)]);

    // Both have learnt the key meanwhile: they open with it, and seal with it.
    for visitor in &visitors {
        assert_eq!(reveals(visitor, "canary-token").await, Ok(()));
    }
    app.refresh(&app.instance(app.master_key())).await;
    assert_eq!(app.secret(id, SecretField::TokenPassword).await.as_deref(), Some("canary-secret"));
    visitors[0]
        .get("/connectors/payroll/authorization")
        .await
        .submit(|form| form.set("token_choice", "replace").set("token", "another-token"))
        .await
        .expect(303);
    assert_eq!(reveals(&visitors[1], "another-token").await, Ok(()));
    let header = app.value("SELECT encode(substring(access_token FROM 1 FOR 5), 'hex') FROM tokens").await;
    assert_eq!(header, "0100000002");

    let events = app.rows("SELECT kind, subject_name FROM audit_events WHERE kind LIKE 'data_key.%' ORDER BY id").await;
    assert_eq!(events, [["data_key.activated", "Data key 2"], ["data_key.retired", "Data key 1"]]);
    drop(programs);
    // A start reads it with all keys, the retired one among them.
    let again = here.run(&["migrate"], "");
    assert_eq!(again.code, 0, "{}", again.err);
    assert_eq!(app.token(id).await.as_deref(), Some("another-token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_interrupted_goes_on_with_the_same_key() {
    let (app, _) = filled().await;
    let here = app.another_program();
    // Killed before the key was put to use.
    let masters = MasterKeys::only(MasterKey::parse(app.master_key()).expect("a key"));
    let (mut conn, now) = (app.conn().await, app.clock.now());
    for _ in 0..2 {
        let key = keyring::begin(&mut conn, &masters, now).await.expect("a key");
        assert_eq!(key, 2, "no third one is made");
    }
    let plan = rotate(&here, &[], &["--data-key", "--dry-run"]);
    assert!(plan.out.contains("data key 2: 0 sealed values, not in use yet"), "{}", plan.out);
    assert!(plan.out.contains("was interrupted"), "{}", plan.out);
    let done = rotate(&here, &[], &["--data-key"]);
    assert!(
        done.out.starts_with("Data key 2 seals from now on.\nSealed 2 values again.\n"),
        "{}{}",
        done.out,
        done.err
    );

    // Killed after it was put to use, with one value left.
    app.store_secret(
        Uuid::from_slice(&hex(&app.value("SELECT encode(uuid_send(id), 'hex') FROM connectors").await)).expect("an id"),
        SecretField::TokenClientSecret,
        "late",
    )
    .await;
    let plan = rotate(&here, &[], &["--data-key", "--dry-run"]);
    assert!(plan.out.contains("1 value would be sealed again, and no further key made"), "{}", plan.out);
    let done = rotate(&here, &[], &["--data-key"]);
    assert!(done.out.starts_with("Going on with data key 2.\nSealed 1 value again.\n"), "{}{}", done.out, done.err);
    assert_eq!(app.count("SELECT count(*) FROM data_keys").await, 2);
}

fn hex(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_does_not_open_is_named_and_no_key_is_retired() {
    let (app, id) = filled().await;
    app.sql("UPDATE secrets SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)").await;
    let failed = rotate(&app.another_program(), &[], &["--data-key"]);
    let expected = format!(
        "1 value was sealed again, but 1 value does not open and was left as it is: secrets {id} token_password. No data key was retired"
    );
    assert_eq!(complaint(&failed), expected);
    assert_eq!(app.count("SELECT count(*) FROM data_keys WHERE retired_at IS NOT NULL").await, 0);
}

#[tokio::test]
async fn a_key_is_not_put_to_use_before_every_living_instance_knows_it() {
    let (app, _) = filled().await;
    let masters = MasterKeys::only(MasterKey::parse(app.master_key()).expect("a key"));
    let one = app.instance(app.master_key());
    app.refresh(&one).await;
    assert_eq!(app.behind(1, true).await, 0);
    let key = keyring::begin(&mut *app.conn().await, &masters, app.clock.now()).await.expect("a key");
    assert_eq!(app.behind(key, false).await, 1, "it has not looked yet");
    app.refresh(&one).await;
    assert_eq!((app.behind(key, false).await, app.behind(key, true).await), (0, 1));
    let by = connectory::access::Actor::command_line();
    keyring::activate(&mut Change { conn: &mut *app.conn().await, by: &by, now: app.clock.now() }, key)
        .await
        .expect("put to use");
    app.refresh(&one).await;
    assert_eq!(app.behind(key, true).await, 0);
    assert_eq!(app.vault.sealing_key(), key, "all workers seal with it");

    // An instance that is gone holds nobody up.
    keyring::begin(&mut *app.conn().await, &masters, app.clock.now()).await.expect("a key");
    assert_eq!(app.behind(key + 1, false).await, 1);
    app.advance(chrono::TimeDelta::seconds(31));
    assert_eq!(app.behind(key + 1, false).await, 0);
}

#[tokio::test]
async fn an_instance_with_the_master_key_of_before_keeps_what_it_has_and_is_waited_for() {
    let (app, id) = filled().await;
    let instance = app.instance(app.master_key());
    app.refresh(&instance).await;
    let old = MasterKey::parse(app.master_key()).expect("a key");
    let masters = MasterKeys::only(old).succeeded_by(MasterKey::parse(&key('a')).expect("a key"));
    let (mut conn, now, by) = (app.conn().await, app.clock.now(), connectory::access::Actor::command_line());
    keyring::rotate(&mut Change { conn: &mut conn, by: &by, now }, &masters).await.expect("rotated");
    let key = keyring::begin(&mut conn, &masters, now).await.expect("a key");
    app.refresh(&instance).await;
    assert_eq!(app.behind(key, false).await, 1);
    assert_eq!(app.secret(id, SecretField::TokenPassword).await.as_deref(), Some("canary-secret"));
}
