//! Rights to one connector: what is open to everybody, what only to listed users and groups, and what everybody sees of
//! it.

mod at_once;
mod decision;
mod keys;
mod lists;
mod rows_read;
mod said;
mod tab;
mod told;

use uuid::Uuid;

use crate::api_keys::{Whose, key};
use crate::support::TestApp;

/// Keeps a connector to those whom it lists.
async fn close(app: &TestApp, connector: Uuid) {
    open_for(app, connector, "{}").await;
}

/// Opens a connector to everybody for these rights, an array as PostgreSQL writes it.
async fn open_for(app: &TestApp, connector: Uuid, rights: &str) {
    app.sql(&format!("UPDATE connectors SET open_rights = '{rights}' WHERE id = '{connector}'")).await;
}

/// Lists a user on a connector.
async fn list(app: &TestApp, connector: Uuid, user: Uuid, rights: &str) {
    app.sql(&format!(
        "INSERT INTO connector_rights (id, connector_id, user_id, rights) VALUES (gen_random_uuid(), '{connector}', '{user}', '{rights}')"
    ))
    .await;
}

/// Lists a group on a connector.
async fn list_group(app: &TestApp, connector: Uuid, group: Uuid, rights: &str) {
    app.sql(&format!(
        "INSERT INTO connector_rights (id, connector_id, group_id, rights) VALUES (gen_random_uuid(), '{connector}', '{group}', '{rights}')"
    ))
    .await;
}

async fn group(app: &TestApp, name: &str) -> Uuid {
    let id = Uuid::now_v7();
    app.sql(&format!("INSERT INTO groups (id, name, name_key, search_text, created_at, updated_at) VALUES ('{id}', '{name}', lower('{name}'), lower(' {name}'), now(), now())")).await;
    id
}

async fn put_into(app: &TestApp, user: Uuid, group: Uuid) {
    app.sql(&format!("INSERT INTO group_users (group_id, user_id) VALUES ('{group}', '{user}')")).await;
}

async fn program(app: &TestApp, name: &str) -> Uuid {
    let id = Uuid::now_v7();
    app.sql(&format!(
        "INSERT INTO programs (id, name, name_key, searched, created_at, created_by, updated_at, updated_by)
         VALUES ('{id}', '{name}', lower('{name}'), lower(' {name}'), now(), 'Ana', now(), 'Ana')"
    ))
    .await;
    id
}

#[tokio::test]
async fn the_database_keeps_rights_that_can_be() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ben = app.user(&[]).await;
    for wrong in ["{call}", "{view,own}", "{View}"] {
        let update = format!("UPDATE connectors SET open_rights = '{wrong}'");
        assert!(app.try_sql(&update).await.is_err(), "{wrong}");
    }
    for (columns, values) in [
        ("user_id, rights", format!("'{}', '{{}}'", ben.id)),
        ("user_id, rights", format!("'{}', '{{edit}}'", ben.id)),
        ("rights", "'{view}'".to_string()),
    ] {
        let insert = format!(
            "INSERT INTO connector_rights (id, connector_id, {columns}) VALUES (gen_random_uuid(), '{payroll}', {values})"
        );
        assert!(app.try_sql(&insert).await.is_err(), "{insert}");
    }
    list(&app, payroll, ben.id, "{view}").await;
    app.sql(&format!("DELETE FROM users WHERE id = '{}'", ben.id)).await;
    assert_eq!(app.count("SELECT count(*) FROM connector_rights").await, 0);
}
