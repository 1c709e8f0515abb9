//! Checking API keys against the database: what decides is what stands there now.

use chrono::TimeDelta;
use connectory::access::Permission::{CallConnectors, EditConnectors};
use connectory::access::{ApiKey, ApiKeys, HolderKind, KeyHolder, KeyRefusal, Permission, Rights, Subject, Wants};
use uuid::Uuid;

use crate::support::{TestApp, open_to_all};

const PROXY: Wants<'static> = Wants::Proxy { method: "GET" };

/// Whose key a test wants.
pub enum Whose {
    Program(Uuid),
    User(Uuid),
}

/// Stores a key that leads everywhere, and gives it.
pub async fn key(app: &TestApp, whose: Whose) -> ApiKey {
    let (key, id) = (ApiKey::random(), Uuid::now_v7());
    let hash: String = key.hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let (column, holder) = match whose {
        Whose::Program(id) => ("program_id", id),
        Whose::User(id) => ("user_id", id),
    };
    app.sql(&format!(
        "INSERT INTO api_keys (id, hash, prefix, name, {column}, created_at, created_by)
            VALUES ('{id}', '\\x{hash}', '{}', 'Nightly', '{holder}', now(), 'Ana');
         INSERT INTO api_key_scopes (id, api_key_id, proxy, token) VALUES ('{}', '{id}', true, true)",
        key.prefix(),
        Uuid::now_v7()
    ))
    .await;
    key
}

async fn program(app: &TestApp) -> Uuid {
    let id = Uuid::now_v7();
    app.sql(&format!("INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by) VALUES ('{id}', 'Billing', 'billing', ' billing', now(), 'Ana', now(), 'Ana')")).await;
    id
}

/// Who the key's holder is, or the code of the refusal.
async fn find(app: &TestApp, text: &str) -> Result<std::sync::Arc<KeyHolder>, &'static str> {
    // With nothing in memory.
    let keys = ApiKeys::new(&app.clock, &app.changes);
    let found = keys.find(&app.db, text, app.clock.now()).await;
    found.map_err(|refusal| refusal.code())
}

/// What a key is told that wants something of any connector.
async fn told(app: &TestApp, key: &ApiKey, wants: Wants<'_>) -> &'static str {
    match find(app, key.expose()).await {
        Ok(holder) => holder
            .check(open_to_all(Uuid::now_v7()), wants, app.clock.now())
            .map_or_else(|refusal| refusal.code(), |()| ""),
        Err(code) => code,
    }
}

#[tokio::test]
async fn a_programs_key_is_found_by_its_whole_text_only() {
    let app = TestApp::start().await;
    let id = program(&app).await;
    let key = key(&app, Whose::Program(id)).await;
    let holder = find(&app, key.expose()).await.expect("the holder");
    assert_eq!(
        (holder.kind, holder.id, &*holder.name, holder.prefix.as_str()),
        (HolderKind::Program, id, "Billing", key.prefix())
    );
    let mut other = key.expose().to_string();
    let last = if other.pop() == Some('A') { 'B' } else { 'A' };
    other.push(last);
    for unknown in [other.as_str(), "", key.prefix(), ApiKey::random().expose()] {
        assert_eq!(find(&app, unknown).await.err(), Some("key_unknown"));
    }
}

#[tokio::test]
async fn a_key_is_refused_once_it_was_revoked_has_expired_or_its_program_is_inactive() {
    let app = TestApp::start().await;
    let id = program(&app).await;
    let key = key(&app, Whose::Program(id)).await;
    assert_eq!(told(&app, &key, PROXY).await, "");
    app.sql("UPDATE programs SET active = false").await;
    assert_eq!(told(&app, &key, PROXY).await, "key_holder_inactive");
    app.sql("UPDATE programs SET active = true; UPDATE api_keys SET expires_at = now() + interval '1 hour'").await;
    assert_eq!(told(&app, &key, PROXY).await, "");
    app.advance(TimeDelta::minutes(61));
    assert_eq!(told(&app, &key, PROXY).await, "key_expired");
    app.sql("UPDATE api_keys SET expires_at = NULL, revoked_at = now()").await;
    assert_eq!(told(&app, &key, PROXY).await, "key_revoked");
    app.sql("DELETE FROM programs").await;
    assert_eq!(told(&app, &key, PROXY).await, "key_unknown");
}

#[tokio::test]
async fn a_persons_key_does_what_the_person_may_do_now_and_no_more() {
    let app = TestApp::start().await;
    for (may, through, token) in [
        (&[] as &[Permission], "key_holder_not_permitted", "key_holder_not_permitted"),
        (&[EditConnectors] as &[Permission], "key_holder_not_permitted", "key_holder_not_permitted"),
        (&[CallConnectors] as &[Permission], "", "token_not_allowed"),
        (&[CallConnectors, EditConnectors] as &[Permission], "", ""),
    ] {
        let ben = app.person(may).await;
        let key = key(&app, Whose::User(ben.user().id)).await;
        assert_eq!(told(&app, &key, PROXY).await, through);
        assert_eq!(told(&app, &key, Wants::Token).await, token);
    }
    let ana = app.super_admin().await;
    let key = key(&app, Whose::User(ana.user().id)).await;
    assert_eq!(told(&app, &key, Wants::Token).await, "");
    app.sql(&format!("UPDATE users SET super_admin = false WHERE id = '{}'", ana.user().id)).await;
    assert_eq!(told(&app, &key, PROXY).await, "key_holder_not_permitted");
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", ana.user().id)).await;
    assert_eq!(told(&app, &key, PROXY).await, "key_holder_inactive");
}

#[tokio::test]
async fn rights_that_a_group_in_a_group_gives_count_until_they_are_taken_away() {
    let app = TestApp::start().await;
    let member = crate::access::member_of_nested_group(&app, &[CallConnectors]).await;
    let key = key(&app, Whose::User(member.user().id)).await;
    assert_eq!(told(&app, &key, PROXY).await, "");
    app.sql("DELETE FROM group_groups").await;
    assert_eq!(told(&app, &key, PROXY).await, "key_holder_not_permitted");
}

#[tokio::test]
async fn what_a_key_leads_to_is_read_as_it_was_stored() {
    let app = TestApp::start().await;
    let (mine, other) = (app.connector("Payroll").await, app.connector("Ledger").await);
    let id = program(&app).await;
    let key = key(&app, Whose::Program(id)).await;
    let (scope, endpoint, unlisted) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    app.sql(&format!(
        "DELETE FROM api_key_scopes; UPDATE api_keys SET methods = '{{GET}}';
         INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
            VALUES ('{endpoint}', '{mine}', 'list', 'list', 'GET', '/', now(), '', now(), '');
         INSERT INTO api_key_scopes (id, api_key_id, connector_id, all_endpoints) SELECT '{scope}', id, '{mine}', false FROM api_keys;
         INSERT INTO api_key_endpoints VALUES ('{scope}', '{endpoint}')"
    ))
    .await;
    let holder = find(&app, key.expose()).await.expect("the holder");
    let check = |connector, wants| {
        holder.check(open_to_all(connector), wants, app.clock.now()).map_or_else(|refusal| refusal.code(), |()| "")
    };
    let get = |id| Wants::Endpoint { id, method: "GET" };
    let post = Wants::Endpoint { id: endpoint, method: "POST" };
    assert_eq!(check(mine, get(endpoint)), "");
    assert_eq!(check(mine, post), "method_not_allowed");
    assert_eq!(check(mine, get(unlisted)), "endpoint_not_allowed");
    assert_eq!(check(mine, PROXY), "proxy_not_allowed");
    assert_eq!(check(mine, Wants::Token), "token_not_allowed");
    assert_eq!(check(other, get(endpoint)), "connector_not_allowed");
    assert!(holder.may_see(open_to_all(mine)) && !holder.may_see(open_to_all(other)));
}

#[tokio::test]
async fn the_last_use_is_written_once_a_minute_and_a_later_one_stays() {
    let app = TestApp::start().await;
    let id = program(&app).await;
    key(&app, Whose::Program(id)).await;
    let key: Uuid = app.value("SELECT id FROM api_keys").await.parse().expect("an id");
    let used = "SELECT last_used_at IS NOT NULL, last_used_address FROM api_keys";
    app.api_keys.note_use(key, app.clock.now(), "192.0.2.1");
    app.run_due_work().await;
    assert_eq!(app.rows(used).await, [["t", "192.0.2.1"]]);
    app.api_keys.note_use(key, app.clock.now(), "192.0.2.2");
    app.run_due_work().await;
    assert_eq!(app.rows(used).await, [["t", "192.0.2.1"]], "within the minute");
    app.advance(TimeDelta::minutes(1));
    app.run_due_work().await;
    assert_eq!(app.rows(used).await, [["t", "192.0.2.2"]]);
    // An instance that is behind does not turn the time back.
    app.api_keys.note_use(key, app.clock.now() - TimeDelta::hours(1), "192.0.2.3");
    app.advance(TimeDelta::minutes(1));
    app.run_due_work().await;
    assert_eq!(app.rows(used).await, [["t", "192.0.2.2"]]);
}

#[tokio::test]
async fn without_the_database_a_key_is_neither_good_nor_bad() {
    let app = TestApp::start().await;
    let id = program(&app).await;
    let key = key(&app, Whose::Program(id)).await;
    app.take_database_away().await;
    let found = ApiKeys::new(&app.clock, &app.changes).find(&app.db, key.expose(), app.clock.now()).await;
    assert!(matches!(found.err(), Some(KeyRefusal::Unavailable(_))));
    app.give_database_back().await;
    assert_eq!(told(&app, &key, PROXY).await, "");
}

#[tokio::test]
async fn a_key_in_memory_is_refused_as_soon_as_it_is_told_of_a_change() {
    let app = TestApp::start().await;
    let ben = app.person(&[CallConnectors]).await;
    let key = key(&app, Whose::User(ben.user().id)).await;
    let ask = async || {
        let found = app.api_keys.find(&app.db, key.expose(), app.clock.now()).await;
        found.map_or_else(|refusal| refusal.code(), |_| "")
    };
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    // After the keys, which have subscribed before.
    app.changes.subscribe(move |change| _ = tell.send(change));
    for (change, code) in [
        ("UPDATE users SET active = false WHERE NOT super_admin", "key_holder_inactive"),
        ("UPDATE users SET active = true WHERE NOT super_admin", ""),
        ("DELETE FROM user_permissions WHERE permission = 'call-data-connectors'", "key_holder_not_permitted"),
        ("UPDATE api_keys SET revoked_at = now()", "key_revoked"),
        ("DELETE FROM api_keys", "key_unknown"),
    ] {
        _ = ask().await;
        while told.try_recv().is_ok() {}
        app.sql(change).await;
        told.recv().await.expect("a notice");
        assert_eq!(ask().await, code, "{change}");
    }
}

#[tokio::test]
async fn a_key_in_memory_follows_the_lists_of_connectors() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ben = app.person(&[CallConnectors]).await;
    let key = key(&app, Whose::User(ben.user().id)).await;
    let closed = Subject { connector: payroll, open: Rights::NONE };
    let may_see = async || {
        let found = app.api_keys.find(&app.db, key.expose(), app.clock.now());
        found.await.is_ok_and(|holder| holder.may_see(closed))
    };
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    app.changes.subscribe(move |change| _ = tell.send(change));
    let user = ben.user().id;
    for (change, sees) in [
        (
            format!(
                "INSERT INTO connector_rights (id, connector_id, user_id, rights) VALUES (gen_random_uuid(), '{payroll}', '{user}', '{{view,call}}')"
            ),
            true,
        ),
        ("UPDATE connector_rights SET rights = '{view}'".into(), false),
        ("UPDATE connector_rights SET rights = '{view,call}'".into(), true),
        ("DELETE FROM connector_rights".into(), false),
    ] {
        assert_eq!(may_see().await, !sees);
        while told.try_recv().is_ok() {}
        app.sql(&change).await;
        told.recv().await.expect("a notice");
        assert_eq!(may_see().await, sees, "{change}");
    }
}
