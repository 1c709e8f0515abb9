//! People and their rights: users, groups, permissions, super admins, and links to a password.

mod creating;
mod cycles;
mod editing;
mod groups;
mod invitations;
mod link_secrecy;
mod list;
mod members;
mod memberships;
mod super_admins;
mod switching_off;
mod user_sessions;

use connectory::access::Permission;
use uuid::Uuid;

use crate::support::{Browser, Page, TestApp};

/// Somebody who manages users and is no super admin, signed in.
async fn manager(app: &TestApp) -> Browser {
    app.person(&[Permission::ManageUsers]).await
}

/// A group with these permissions, and no other.
pub async fn group(app: &TestApp, name: &str, permissions: &[Permission]) -> Uuid {
    let id = Uuid::now_v7();
    let key = connectory::name::key(name);
    let words = connectory::name::searched(&[name]);
    app.sql(&format!("INSERT INTO groups (id, name, name_key, search_text, created_at, updated_at) VALUES ('{id}', '{name}', '{key}', '{words}', now(), now())")).await;
    for permission in permissions {
        app.sql(&format!("INSERT INTO group_permissions VALUES ('{id}', '{}')", permission.code())).await;
    }
    id
}

pub async fn put_user(app: &TestApp, group: Uuid, user: Uuid) {
    app.sql(&format!("INSERT INTO group_users (group_id, user_id) VALUES ('{group}', '{user}')")).await;
}

async fn put_group(app: &TestApp, group: Uuid, member: Uuid) {
    app.sql(&format!("INSERT INTO group_groups (group_id, member_group_id) VALUES ('{group}', '{member}')")).await;
}

/// The codes of what is granted to a user directly.
async fn granted(app: &TestApp, user: Uuid) -> Vec<String> {
    let query = format!("SELECT permission FROM user_permissions WHERE user_id = '{user}' ORDER BY permission");
    app.rows(&query).await.into_iter().flatten().collect()
}

/// The audit lines about a thing, oldest first: what happened, and the fields before and after.
pub async fn history(app: &TestApp, subject: Uuid) -> Vec<(String, String)> {
    let query = format!(
        "SELECT kind, coalesce((SELECT string_agg(format('%s: %s > %s', c->>'field', c->>'from', c->>'to'), '; ' ORDER BY n) FROM jsonb_array_elements(changes) WITH ORDINALITY AS e (c, n)), '')
         FROM audit_events WHERE subject_id = '{subject}' AND kind <> 'session.started' ORDER BY id"
    );
    let rows = app.rows(&query).await;
    rows.into_iter().map(|row| (row[0].clone(), row[1].clone())).collect()
}

/// The link that a page shows.
fn link(page: &Page) -> String {
    page.field_value("link").trim().to_string()
}

/// Follows a link as a browser without scripts does, up to the page that asks for the password.
async fn paste(browser: &Browser, link: &str) -> Page {
    browser.get("/set-password").await.submit(|form| form.set("link", link)).await
}
