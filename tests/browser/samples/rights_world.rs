//! Data connectors that are kept to certain people, for the samples of the Access tab.

use uuid::Uuid;

use crate::support::TestApp;

/// Wages list people and groups of every kind, Vault nobody, Rosters is changed by two at once.
pub async fn fill(app: &TestApp) {
    let wages = app.connector("Wages").await;
    let vault = app.connector("Vault").await;
    app.connector("Rosters").await;
    let many = app.connector("Wages of the many").await;
    app.sql(&format!(
        "UPDATE connectors SET open_rights = '{{view}}', access_updated_at = now(), access_updated_by = 'Person 1' WHERE id = '{wages}';
         UPDATE connectors SET open_rights = '{{}}' WHERE id = '{vault}'"
    ))
    .await;
    // The people and groups of `people_world.rs`.
    for (column, id, rights) in [
        ("user_id", 1, "{view,call}"),
        ("user_id", 2, "{view,call,edit,authorize}"),
        ("user_id", 3, "{view}"),
        ("group_id", 12, "{view,call,edit}"),
        ("group_id", 13, "{view,authorize}"),
    ] {
        list(app, wages, (column, Uuid::from_u128(id)), rights).await;
    }
    app.sql(&format!(
        "INSERT INTO connector_rights (id, connector_id, user_id, rights) SELECT gen_random_uuid(), '{many}', id, '{{view}}' FROM users"
    ))
    .await;
}

/// One data connector, that is open to nobody.
pub async fn fill_with_nothing_open(app: &TestApp) {
    let vault = app.connector("Vault").await;
    app.sql(&format!("UPDATE connectors SET open_rights = '{{}}' WHERE id = '{vault}'")).await;
}

async fn list(app: &TestApp, connector: Uuid, (column, id): (&str, Uuid), rights: &str) {
    app.sql(&format!(
        "INSERT INTO connector_rights (id, connector_id, {column}, rights) VALUES (gen_random_uuid(), '{connector}', '{id}', '{rights}')"
    ))
    .await;
}
