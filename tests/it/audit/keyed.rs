//! Links have keys that are not in the database: whoever owns it cannot make them, and those of earlier versions still
//! verify.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use connectory::audit::chain as links;
use connectory::vault::{MasterKey, MasterKeys, Vault, WrappedKey};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::tampering::{found_after, six_lines};
use crate::support::TestApp;

/// A master key, and a data key as the first version wrapped it.
const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const WRAPPED: &str =
    "Nt7p1ur9oh/pzRTcEYThxDhAHKMet4YYjgEx8kbCpSKFy7i3DIOmbae6+CieXoIYqxe6uB/lLGOAhku2rDZqC4xaCtjfO/lc";

/// A change of what a line says.
const FORGE: &str = "UPDATE audit_events SET subject_name = 'Forged' WHERE subject_name = 'Meter 4'";

fn master() -> MasterKey {
    MasterKey::parse(MASTER).expect("a master key")
}

/// The vault of an installation that an earlier version has set up, and the same once its keys are wrapped anew.
fn old_and_new_vault() -> (Vault, Vault) {
    let wrapped = WrappedKey {
        id: 1,
        master_key_id: master().id().to_owned(),
        wrapped: BASE64.decode(WRAPPED).expect("base64"),
        is_active: true,
    };
    let masters = MasterKeys::only(master());
    let old = Vault::unlock(&masters, &[wrapped]).expect("the key opens");
    let rewrapped = old.rewrap(&master()).expect("random bytes");
    let new = Vault::unlock(&masters, &rewrapped).expect("the key opens");
    (old, new)
}

async fn fault(app: &TestApp, vault: &Vault) -> Option<String> {
    let verified = links::verify(&mut *app.conn().await, vault, None).await;
    let fault = verified.expect("the chain can be read").err();
    fault.map(|fault| fault.to_string())
}

/// The first `lines` links as an earlier version made them, which anybody can: SHA-256 alone, over what it stored of
/// each line.
async fn plain_links(app: &TestApp, lines: i64) -> String {
    let rows = app
        .rows(&format!("SELECT id, (extract(epoch FROM at) * 1000000)::bigint, coalesce(actor_id::text, ''), actor_name, address, request_id, kind,
            coalesce(subject_id::text, ''), subject_name, changes FROM audit_events ORDER BY id LIMIT {lines}"))
        .await;
    let (mut previous, mut sql) = ("00".repeat(32), String::new());
    for (at, row) in rows.iter().enumerate() {
        let seq = i64::try_from(at + 1).expect("few lines");
        let hash = plain_hash(seq, &previous, row);
        sql += &format!(
            "INSERT INTO audit_links (seq, event_id, format, previous_hash, hash) VALUES ({seq}, '{}', 1, '\\x{previous}', '\\x{hash}'); ",
            row[0]
        );
        previous = hash;
    }
    format!(
        "UPDATE audit_events SET actor_username = NULL WHERE id <= (SELECT max(id::text)::uuid FROM (SELECT id FROM audit_events ORDER BY id LIMIT {lines}) AS plain);
         DELETE FROM audit_links; {sql}
         UPDATE audit_chain SET seq = {lines}, hash = '\\x{previous}';
         DELETE FROM audit_queue WHERE event_id IN (SELECT event_id FROM audit_links)"
    )
}

fn plain_hash(seq: i64, previous: &str, row: &[String]) -> String {
    let mut text = Sha256::new();
    let mut field = |bytes: &[u8]| {
        text.update((bytes.len() as u64).to_be_bytes());
        text.update(bytes);
    };
    let id = |text: &String| match text.as_str() {
        "" => vec![],
        id => id.parse::<Uuid>().expect("an id").as_bytes().to_vec(),
    };
    let micros: i64 = row[1].parse().expect("a time");
    let changes: Vec<BTreeMap<String, String>> = serde_json::from_str(&row[9]).expect("fields before and after");
    field(b"connectory audit line 1");
    field(&seq.to_be_bytes());
    field(&bytes(previous));
    field(&id(&row[0]));
    field(&micros.to_be_bytes());
    field(&id(&row[2]));
    for text in &row[3..7] {
        field(text.as_bytes());
    }
    field(&id(&row[7]));
    field(row[8].as_bytes());
    // Members in the order of their names, without white space.
    field(serde_json::to_string(&changes).expect("JSON").as_bytes());
    let hash = text.finalize();
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("ASCII"), 16).expect("hex")).collect()
}

#[tokio::test]
async fn a_chain_that_was_made_anew_without_the_key_is_found() {
    let app = six_lines().await;
    found_after(&app, FORGE).await;
    let anew = plain_links(&app, 6).await;
    let expected = "entry 1 has a link without a key, which only entries of earlier versions have";
    assert_eq!(found_after(&app, &anew).await.as_deref(), Some(expected));

    // With the record of when links got keys taken away, as if it had never been there.
    let without = "DELETE FROM audit_transition";
    assert_eq!(found_after(&app, without).await.as_deref(), Some(expected));
    app.connector("Later").await;
    let linked = links::link_waiting(&mut *app.conn().await, &app.vault).await;
    assert!(linked.is_err(), "no program goes on with such a chain");

    // With a record of another place, which is as good as nobody can make it.
    let record =
        "INSERT INTO audit_transition SELECT true, seq, hash, 1, decode(repeat('ab', 32), 'hex') FROM audit_chain";
    let fault = found_after(&app, record).await;
    assert_eq!(fault.as_deref(), Some("the record since when links have keys was changed"));
}

#[tokio::test]
async fn a_keyed_link_cannot_be_made_with_another_key_or_an_older_one() {
    let app = six_lines().await;
    let other = "UPDATE audit_links SET data_key = 7 WHERE seq = 6";
    assert_eq!(
        found_after(&app, other).await.as_deref(),
        Some("entry 6 was linked with the key of data key 7, which is not there")
    );
    let none = "UPDATE audit_links SET data_key = NULL WHERE seq = 6";
    let fault = found_after(&app, none).await.unwrap_or_default();
    assert!(fault.starts_with("entry 6 ("), "{fault}");
    let plain = "UPDATE audit_links SET format = 1, data_key = NULL WHERE seq = 6";
    let fault = found_after(&app, plain).await.unwrap_or_default();
    assert!(fault.starts_with("entry 6 has a link without a key"), "{fault}");
}

#[tokio::test]
async fn an_instance_of_an_earlier_version_cannot_add_links_without_a_key() {
    let app = six_lines().await;
    let link = "INSERT INTO audit_links (seq, event_id, format, previous_hash, hash) SELECT 7, gen_random_uuid(), 1, hash, hash FROM audit_chain";
    let refused = app.try_sql(link).await.expect_err("refused");
    assert!(refused.contains("need a key"), "{refused}");
}

#[tokio::test]
async fn links_of_an_earlier_version_still_verify_and_their_end_is_held_by_a_key() {
    let app = six_lines().await;
    let (old, new) = old_and_new_vault();
    let earlier = format!("DELETE FROM audit_transition; {}", plain_links(&app, 6).await);
    found_after(&app, &earlier).await;
    assert_eq!(fault(&app, &old).await, None, "before the first start");

    app.connector("Later").await;
    let linked = links::link_waiting(&mut *app.conn().await, &old).await;
    assert_eq!(linked.ok(), Some(1));
    for vault in [&old, &new] {
        assert_eq!(fault(&app, vault).await, None);
    }
    let verified = links::verify(&mut *app.conn().await, &new, None).await;
    assert_eq!(verified.expect("read").expect("no fault").last_plain, 6, "where they end is known");

    // Who makes the old links anew changes the last of them.
    found_after(&app, FORGE).await;
    let anew = plain_links(&app, 6).await;
    found_after(&app, &anew).await;
    assert_eq!(
        fault(&app, &new).await.as_deref(),
        Some("entry 6 is not the one behind which links got keys: the entries up to it were rewritten")
    );
    // And cannot say that links got keys later.
    found_after(&app, "DELETE FROM audit_transition").await;
    let found = fault(&app, &new).await.unwrap_or_default();
    assert!(found.starts_with("entry 1 has a link without"), "{found}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_start_after_an_update_records_where_links_got_keys() {
    let app = six_lines().await;
    let earlier = format!(
        "DELETE FROM audit_transition; {}; UPDATE data_keys SET master_key_id = '{}', wrapped = decode('{WRAPPED}', 'base64')",
        plain_links(&app, 6).await,
        master().id()
    );
    found_after(&app, &earlier).await;
    let here = app.another_program().set("CONNECTORY_MASTER_KEY", MASTER);
    let migrated = here.run(&["migrate"], "");
    assert_eq!(migrated.code, 0, "{}", migrated.err);
    app.connector("Later").await;
    for _ in 0..2 {
        let verified = here.run(&["audit", "verify"], "");
        assert_eq!(verified.code, 0, "{}", verified.err);
        let expected = "Links up to entry 6 are from an earlier version and have no key.";
        assert!(verified.out.contains(expected), "{}", verified.out);
    }
    let wrapped = app.value("SELECT translate(encode(wrapped, 'base64'), E'\\n', '') FROM data_keys").await;
    assert_ne!(wrapped, WRAPPED, "it says from now on that links have keys");
    found_after(&app, "DELETE FROM audit_transition").await;
    let verified = here.run(&["audit", "verify"], "");
    assert_eq!(verified.code, 3, "{}", verified.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn verifying_needs_the_master_key() {
    let app = six_lines().await;
    let here = app.another_program();
    let other = [("CONNECTORY_MASTER_KEY", MASTER)];
    let verified = here.run_with(&other, &["audit", "verify"], "");
    assert_eq!((verified.code, verified.out.as_str()), (1, ""));
    let expected = "the master key does not fit this database";
    assert!(verified.err.contains(expected), "{}", verified.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn links_verify_after_another_data_key_and_another_master_key() {
    let app = six_lines().await;
    let here = app.another_program();
    let rotated = here.run(&["key", "rotate", "--data-key"], "");
    assert_eq!(rotated.code, 0, "{}{}", rotated.out, rotated.err);
    app.connector("Later").await;
    let next = "ab".repeat(32);
    let new = [("CONNECTORY_NEW_MASTER_KEY", next.as_str())];
    let rotated = here.run_with(&new, &["key", "rotate", "--master-key"], "");
    assert_eq!(rotated.code, 0, "{}{}", rotated.out, rotated.err);
    let here = here.set("CONNECTORY_MASTER_KEY", &next);
    let verified = here.run(&["audit", "verify"], "");
    assert_eq!(verified.code, 0, "{}", verified.err);
    let keys = "SELECT data_key, count(*) > 0 FROM audit_links GROUP BY data_key ORDER BY 1";
    assert_eq!(app.rows(keys).await, [["1", "t"], ["2", "t"]]);

    // With the retired key nobody goes on.
    let older = "UPDATE audit_links SET data_key = 1 WHERE seq = (SELECT max(seq) FROM audit_links)";
    found_after(&app, older).await;
    let verified = here.run(&["audit", "verify"], "");
    let expected = "with the key of data key 1, which is older than that of the entry before";
    assert!(verified.err.contains(expected), "{}", verified.err);
}
