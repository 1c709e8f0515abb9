//! The people of the samples: names of every length, groups in groups, links that wait.

use connectory::access::Permission::{
    CallConnectors, CreateConnectors, EditConnectors, ViewActivity, ViewCategories, ViewConnectors,
};
use connectory::access::{Permission, PermissionSet};
use uuid::Uuid;

use crate::support::TestApp;

/// Stands for a link to a password that works, for Ida Invited.
pub const LINK: &str = "a set-password link";

/// Stands for one that is going to be used, for Otto Once.
pub const LINK_TO_USE: &str = "another set-password link";

const LONG: &str =
    "Prof. Dr. Wolfeschlegelsteinhausenbergerdorff-Donaudampfschifffahrtsgesellschaft von und zu Hohenlohe";

/// What a group needs to be found.
async fn group(app: &TestApp, id: u128, name: &str, description: &str, may: &[Permission]) -> Uuid {
    let id = Uuid::from_u128(id);
    let key = connectory::name::key(name);
    let words = connectory::name::searched(&[name, description]);
    app.sql(&format!("INSERT INTO groups (id, name, name_key, description, search_text, created_at, created_by, updated_at, updated_by) VALUES ('{id}', '{name}', '{key}', '{description}', '{words}', now() - interval '40 days', 'Person 1', now(), 'Person 1')")).await;
    for permission in PermissionSet::with_required(may.iter().copied()).iter() {
        app.sql(&format!("INSERT INTO group_permissions VALUES ('{id}', '{}')", permission.code())).await;
    }
    id
}

/// Ids are fixed, so that samples can name their addresses.
async fn user(app: &TestApp, id: u128, username: &str, name: &str, may: &[Permission]) -> Uuid {
    let made = app.user_named(username, name, may).await;
    let fixed = Uuid::from_u128(id);
    app.sql(&format!(
        "BEGIN;
         CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT permission FROM user_permissions WHERE user_id = '{0}';
         DELETE FROM user_permissions WHERE user_id = '{0}';
         UPDATE users SET id = '{fixed}' WHERE id = '{0}';
         INSERT INTO user_permissions SELECT '{fixed}', permission FROM kept;
         COMMIT",
        made.id
    ))
    .await;
    fixed
}

pub async fn fill(app: &TestApp) {
    let ben = user(app, 1, "ben", "Ben Okafor", &[ViewCategories]).await;
    let long = user(app, 2, &"hohenlohe".repeat(11), LONG, &[CreateConnectors]).await;
    let off = user(app, 3, "off", "Olga Off", &[ViewConnectors]).await;
    let ida = user(app, 4, "ida", "Ida Invited", &[]).await;
    user(app, 5, "two", "Two editors", &[]).await;
    user(app, 6, "going", "Gustav Going", &[]).await;
    let chief = user(app, 7, "chief", "Chief", &[ViewConnectors]).await;
    user(app, 8, "restored", "Rita Restored", &[]).await;
    user(app, 9, "saved", "Sam Saved", &[]).await;
    user(app, 10, "once", "Otto Once", &[]).await;
    profiles(app).await;
    app.sql(&format!("UPDATE users SET active = false WHERE id IN ('{off}', '{}')", Uuid::from_u128(8))).await;
    app.sql(&format!("UPDATE users SET password_hash = NULL WHERE id = '{ida}'")).await;
    app.sql(&format!("UPDATE users SET super_admin = true WHERE id = '{chief}'")).await;
    app.sql(&format!(
        "INSERT INTO sessions VALUES (sha256('{ben}'), '{ben}', '192.0.2.1', '', now(), now(), now() + interval '1 day');
         UPDATE users SET last_sign_in_at = now() - interval '3 hours' WHERE id = '{ben}'"
    ))
    .await;
    let finance = group(app, 11, "Finance", "Everybody who works with money", &[EditConnectors]).await;
    let accounting = group(app, 12, "Accounting", "", &[ViewActivity]).await;
    group(app, 13, "Empty", "", &[]).await;
    let wordy = group(
        app,
        14,
        &LONG[10..].replace(',', ""),
        &"Who is in charge of it all, and of what comes after. ".repeat(18),
        &[CallConnectors],
    )
    .await;
    group(app, 15, "Two editors", "", &[]).await;
    group(app, 16, "Going", "", &[ViewConnectors]).await;
    for (group, member) in [(finance, accounting), (wordy, finance)] {
        app.sql(&format!("INSERT INTO group_groups VALUES ('{group}', '{member}')")).await;
    }
    for (group, member) in [(accounting, ben), (accounting, long), (accounting, off), (wordy, long)] {
        app.sql(&format!("INSERT INTO group_users (group_id, user_id) VALUES ('{group}', '{member}')")).await;
    }
    app.sql(
        "INSERT INTO users (id, username, username_key, name, search_text, created_at, updated_at)
         SELECT gen_random_uuid(), 'staff' || n, 'staff' || n, 'Staff ' || n, ' staff' || n, now(), now() FROM generate_series(1, 60) n",
    )
    .await;
}

/// Makes the link that a word stands for, as if somebody had, and gives it.
pub async fn link(app: &TestApp, word: &str) -> String {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use sha2::{Digest, Sha256};
    let bytes: [u8; 32] = rand::random();
    let hash: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    app.sql(&format!(
        "INSERT INTO invitations VALUES (gen_random_uuid(), '{}', '\\x{hash}', now(), 'Person 1', now() + interval '1 day')",
        Uuid::from_u128(if word == LINK { 4 } else { 10 })
    ))
    .await;
    format!("{}/set-password#{}", app.public_url, URL_SAFE_NO_PAD.encode(bytes))
}

/// People whose own profile is looked at: their samples sign in as them, because some of it ends sessions.
async fn profiles(app: &TestApp) {
    let selma = user(app, 0x31, "selma", "Selma Sessions", &[]).await;
    let simon = user(app, 0x32, "simon", "Simon Sessions", &[]).await;
    user(app, 0x33, "petra", "Petra Password", &[]).await;
    user(app, 0x34, "cora", "Cora Conflict", &[]).await;
    let firefox = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:145.0) Gecko/20100101 Firefox/145.0";
    let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1";
    for (number, (person, address, user_agent)) in [
        (selma, "192.0.2.17", firefox),
        (selma, "2001:db8:85a3:8d3:1319:8a2e:370:7348", phone),
        (selma, "192.0.2.18", ""),
        (simon, "192.0.2.19", firefox),
    ]
    .into_iter()
    .enumerate()
    {
        app.sql(&format!(
            "INSERT INTO sessions (id_hash, user_id, address, user_agent, created_at, last_seen_at, expires_at)
             VALUES (sha256('{person}{number}'), '{person}', '{address}', '{user_agent}', now() - interval '{number} hours', now(), now() + interval '1 day')"
        ))
        .await;
    }
}
