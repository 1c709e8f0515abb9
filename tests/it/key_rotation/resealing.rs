//! Sealing values again beside saves and renewals.

use connectory::authorization::SecretField;
use connectory::connectors::Method;
use connectory::keyring::{self, Resealed, SEALED};
use connectory::vault::{MasterKey, MasterKeys, Vault, WrappedKey};
use uuid::Uuid;

use crate::support::TestApp;

/// A vault of the site's keys and one more, which seals.
async fn newer_vault(app: &TestApp) -> Vault {
    let masters = MasterKeys::only(MasterKey::parse(app.master_key()).expect("a key"));
    let mut keys: Vec<WrappedKey> = keyring::load(&mut *app.conn().await).await.expect("keys");
    keys.push(Vault::create_key(masters.current(), 2).expect("a key"));
    Vault::unlock(&masters, &keys).expect("the keys open")
}

async fn reseal(app: &TestApp, vault: &Vault) -> Resealed {
    keyring::reseal(&mut *app.conn().await, vault).await.expect("resealed")
}

async fn bearer(app: &TestApp, name: &str) -> Uuid {
    app.connector_with(name, |new| new.method = Method::Bearer).await
}

#[tokio::test]
async fn every_column_of_sealed_values_is_known() {
    let app = TestApp::start().await;
    // What else is bytes: hashes, the keys themselves, the chain.
    let others = [
        "csrf_hash",
        "hash",
        "id_hash",
        "mac",
        "session_hash",
        "state_hash",
        "token_hash",
        "visitor_hash",
        "previous_hash",
        "receiver",
        "wrapped",
    ];
    let columns = app
        .rows("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bytea' ORDER BY 1, 2")
        .await;
    let mut sealed: Vec<Vec<String>> =
        columns.into_iter().filter(|column| !others.contains(&column[1].as_str())).collect();
    let mut known: Vec<Vec<String>> =
        SEALED.iter().map(|sealed| vec![sealed.table.to_string(), sealed.column.to_string()]).collect();
    sealed.sort();
    known.sort();
    assert_eq!(sealed, known, "list the column in keyring::SEALED, or here as no sealed one");
}

#[tokio::test]
async fn values_of_every_column_are_sealed_anew_and_read_the_same() {
    let app = TestApp::start().await;
    let mut ids = Vec::new();
    // More than are read at once.
    for number in 0..70 {
        let id = bearer(&app, &format!("Meter {number}")).await;
        app.store_secret(id, SecretField::TokenPassword, &format!("password {number}")).await;
        app.store_secret(id, SecretField::TokenClientSecret, "the same").await;
        app.store_token(id, &format!("token {number}"), None).await;
        ids.push(id);
    }
    let newer = newer_vault(&app).await;
    let outcome = reseal(&app, &newer).await;
    assert_eq!((outcome.values, outcome.overtaken, outcome.damaged.len()), (210, 0, 0));
    assert_eq!(reseal(&app, &newer).await, Resealed::default(), "nothing is left");
    let uses = keyring::uses(&*app.conn().await).await.expect("counted");
    assert_eq!(uses.into_iter().collect::<Vec<_>>(), [(2, 210)]);
    app.vault.learn(&newer);
    for (number, id) in ids.into_iter().enumerate() {
        let secret = app.secret(id, SecretField::TokenPassword).await;
        assert_eq!(secret, Some(format!("password {number}")));
        assert_eq!(app.token(id).await, Some(format!("token {number}")));
    }
}

#[tokio::test]
async fn a_save_beside_it_is_never_overwritten() {
    let app = TestApp::start().await;
    let id = bearer(&app, "Payroll").await;
    app.store_secret(id, SecretField::TokenPassword, "first").await;
    let newer = newer_vault(&app).await;
    // The row is held by a save that has written another value and is not done yet.
    let value = newer_or_old(&app, id, "second").await;
    app.sql(&format!("BEGIN; UPDATE secrets SET sealed = '\\x{value}' WHERE connector_id = '{id}'")).await;
    let resealing = reseal(&app, &newer);
    let committing = async {
        app.until_a_lock_is_waited_for().await;
        app.sql("COMMIT").await;
    };
    let (outcome, ()) = futures_util::join!(resealing, committing);
    assert_eq!((outcome.values, outcome.overtaken), (0, 1));
    assert_eq!(app.secret(id, SecretField::TokenPassword).await.as_deref(), Some("second"));
    assert_eq!(reseal(&app, &newer).await.values, 1, "the next round finds it");
    app.vault.learn(&newer);
    assert_eq!(app.secret(id, SecretField::TokenPassword).await.as_deref(), Some("second"));
}

/// A value for the secret, sealed by the site, in hexadecimal digits.
async fn newer_or_old(app: &TestApp, id: Uuid, text: &str) -> String {
    let origins = crate::support::in_use(&mut *app.conn().await, id).await.stored();
    let place = connectory::vault::AssociatedData {
        table: "secrets",
        row: id,
        column: "token_password",
        bound_to: Some(&origins),
    };
    let sealed = app.vault.seal(place, &connectory::vault::Secret::new(text.into())).expect("sealed");
    sealed.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn who_renews_a_token_meanwhile_goes_on_and_no_version_moves() {
    let app = TestApp::start().await;
    let id = bearer(&app, "Payroll").await;
    app.store_token(id, "token", Some(chrono::TimeDelta::hours(1))).await;
    app.sql(&format!(
        "UPDATE renewals SET lease_id = gen_random_uuid(), lease_until = now() + interval '1 minute', failures = 2, message = 'busy' WHERE connector_id = '{id}'"
    ))
    .await;
    let everything = "SELECT r::text, a.version, c.version, c.updated_at FROM renewals r JOIN authorizations a USING (connector_id) JOIN connectors c ON c.id = connector_id";
    let before = app.rows(everything).await;
    let newer = newer_vault(&app).await;
    assert_eq!(reseal(&app, &newer).await.values, 1);
    assert_eq!(app.rows(everything).await, before);
    // A token that comes moves it as ever.
    app.vault.learn(&newer);
    app.store_token(id, "another", None).await;
    assert_ne!(app.rows(everything).await, before);
}
