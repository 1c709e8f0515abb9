//! Who may do what: every route for every kind of person, and what keeps forms from being sent by others.

mod changes;
mod examples;
mod forms;
mod kept;
mod matrix;
mod offers;
mod own_password;

pub use examples::Examples;

use connectory::access::{Permission, PermissionSet};
use uuid::Uuid;

use crate::support::{Browser, TestApp};

/// Somebody signed in whose group is in a group that has the permissions.
pub async fn member_of_nested_group(app: &TestApp, may: &[Permission]) -> Browser {
    let member = app.person(&[]).await;
    let (inner, outer) = (group(app, "Payroll office").await, group(app, "Finance").await);
    app.sql(&format!("INSERT INTO group_users (group_id, user_id) VALUES ('{inner}', '{}')", member.user().id)).await;
    app.sql(&format!("INSERT INTO group_groups (group_id, member_group_id) VALUES ('{outer}', '{inner}')")).await;
    for permission in PermissionSet::with_required(may.iter().copied()).iter() {
        app.sql(&format!(
            "INSERT INTO group_permissions (group_id, permission) VALUES ('{outer}', '{}')",
            permission.code()
        ))
        .await;
    }
    member
}

async fn group(app: &TestApp, name: &str) -> Uuid {
    let id = Uuid::now_v7();
    app.sql(&format!("INSERT INTO groups (id, name, name_key, created_at, updated_at) VALUES ('{id}', '{name}', lower('{name}'), now(), now())")).await;
    id
}
