//! The key that signs session cookies.

use actix_web::cookie::Key;
use connectory::access::Actor;
use connectory::audit::Change;
use connectory::keyring;
use connectory::vault::{MasterKey, MasterKeys, Vault, WrappedKey};

use super::key;
use crate::support::{PASSWORD, TestApp};

impl TestApp {
    async fn cookie_key(&self, vault: &Vault) -> Result<Key, String> {
        let read = keyring::cookie_key(&mut *self.conn().await, vault, self.clock.now()).await;
        read.map_err(|error| format!("{:#}", anyhow::Error::from(error)))
    }
}

#[tokio::test]
async fn it_is_made_once_and_outlives_new_data_and_master_keys() {
    let app = TestApp::start().await;
    let (one, other) = tokio::join!(app.cookie_key(&app.vault), app.cookie_key(&app.vault));
    let first = one.expect("a key");
    assert!(first == other.expect("the same key"));
    assert_eq!(app.count("SELECT count(*) FROM cookie_keys").await, 1);

    let old = MasterKeys::only(MasterKey::parse(app.master_key()).expect("a key"));
    let mut keys: Vec<WrappedKey> = keyring::load(&mut *app.conn().await).await.expect("keys");
    keys.push(Vault::create_key(old.current(), 2).expect("a key"));
    let newer = Vault::unlock(&old, &keys).expect("the keys open");
    assert_eq!(keyring::reseal(&mut *app.conn().await, &newer).await.expect("resealed").values, 1);
    assert!(app.cookie_key(&newer).await.expect("the same key") == first);
    assert!(app.cookie_key(&app.vault).await.is_err(), "it is sealed by the newer key now");

    let new = old.succeeded_by(MasterKey::parse(&key('b')).expect("a key"));
    let (by, now) = (Actor::command_line(), app.clock.now());
    keyring::rotate(&mut Change { conn: &mut *app.conn().await, by: &by, now }, &new).await.expect("rotated");
    assert!(app.cookie_key(&newer).await.expect("the same key") == first);
}

#[tokio::test]
async fn one_that_was_altered_is_an_error_that_names_it() {
    let app = TestApp::start().await;
    app.cookie_key(&app.vault).await.expect("a key");
    app.sql("UPDATE cookie_keys SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1)").await;
    let error = app.cookie_key(&app.vault).await.err().expect("an error");
    let id = app.value("SELECT id FROM cookie_keys").await;
    assert!(error.contains(&format!("column sealed of row {id} of cookie_keys")), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_counts_at_every_instance_and_after_both_keys_were_rotated() {
    let app = TestApp::start().await;
    let ana = app.user(&[]).await;
    let (here, there) = (app.another_program(), app.another_program());
    let programs = [here.serve(), there.serve()];
    let visitor = programs[0].browser();
    visitor.sign_in(&ana.username, PASSWORD).await.expect(303);
    let elsewhere = programs[1].browser();
    elsewhere.take_cookies_of(&visitor);
    assert_eq!(elsewhere.get("/profile").await.status, 200);

    let rotated = super::rotate(&here, &[("CONNECTORY_NEW_MASTER_KEY", &key('c'))], &[]);
    assert_eq!(rotated.code, 0, "{}{}", rotated.out, rotated.err);
    drop(programs);
    let again = app.another_program().set("CONNECTORY_MASTER_KEY", &key('c'));
    let program = again.serve();
    let later = program.browser();
    later.take_cookies_of(&visitor);
    assert_eq!(later.get("/profile").await.status, 200);
}
