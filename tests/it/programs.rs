//! Programs and API keys: the list, the forms, making a key once, where it leads, revoking; and a person's own keys.

mod allowing;
mod at_once;
mod deleting;
mod key_forms;
mod keys;
mod list;
mod own_keys;
mod replacing;
mod saving;

use connectory::access::{KeyHolder, Wants};
use connectory::db::ChangeEvent;
use std::sync::Arc;
use uuid::Uuid;

use crate::support::{Browser, FormFill, Page, TestApp, open_to_all};

fn error(field: &str, message: &str) -> Vec<(String, String)> {
    vec![(field.to_string(), message.to_string())]
}

/// Creates a program by its form, and gives the address of its page.
async fn program(browser: &Browser, name: &str) -> String {
    let page = browser.get("/programs/new").await.expect(200);
    let page = page.submit(|form| form.set("program_name", name)).await;
    let page = page.expect(303);
    page.location().expect("an address").to_string()
}

/// Fills in the form of a new key with a name and the own password, and whatever differs.
async fn make_key(browser: &Browser, holder: &str, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    let page = browser.get(&format!("{holder}/keys/new")).await.expect(200);
    let form = page.main_form().set("key_name", "Nightly export");
    fill(form.confirmed()).send().await
}

/// A key that leads nowhere yet: its text, and the address of its page.
async fn key(browser: &Browser, holder: &str) -> (String, String) {
    made(make_key(browser, holder, |form| form).await, holder)
}

/// A key that leads everywhere.
async fn key_to_all(browser: &Browser, holder: &str) -> (String, String) {
    let page = make_key(browser, holder, |form| form.set("leads", "all")).await;
    made(page, holder)
}

fn made(page: Page, holder: &str) -> (String, String) {
    let page = page.expect(200);
    let address = page
        .links()
        .into_iter()
        .map(|(_, href)| href)
        .find(|href| href.starts_with(&format!("{holder}/keys/")) && !href.ends_with("/new"))
        .expect("a link to the key's page");
    (page.field_value("api_key"), address)
}

/// Who presents a key, or the code of the refusal, read anew.
async fn presented(app: &TestApp, text: &str) -> Result<Arc<KeyHolder>, &'static str> {
    let keys = connectory::access::ApiKeys::new(&app.clock, &app.changes);
    let found = keys.find(&app.db, text, app.clock.now()).await;
    found.map_err(|refusal| refusal.code())
}

/// What a key is told that wants something of a connector.
async fn told(app: &TestApp, text: &str, connector: Uuid, wants: Wants<'_>) -> &'static str {
    match presented(app, text).await {
        Ok(holder) => {
            holder.check(open_to_all(connector), wants, app.clock.now()).map_or_else(|refusal| refusal.code(), |()| "")
        }
        Err(code) => code,
    }
}

/// Adds an endpoint behind the site's back.
async fn endpoint(app: &TestApp, connector: Uuid, name: &str, method: &str) -> Uuid {
    let id = Uuid::now_v7();
    app.sql(&format!(
        "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
         VALUES ('{id}', '{connector}', '{name}', '{name}', '{method}', '/', now(), '', now(), '')"
    ))
    .await;
    id
}

/// The kinds and changes of the audit lines whose kind begins so, the oldest first.
async fn recorded(app: &TestApp, kind: &str) -> Vec<Vec<String>> {
    app.rows(&format!(
        "SELECT kind, actor_name, subject_name, changes FROM audit_events WHERE kind LIKE '{kind}%' ORDER BY id"
    ))
    .await
}

/// Hears when keys have changed.
fn hearing(app: &TestApp) -> tokio::sync::mpsc::UnboundedReceiver<ChangeEvent> {
    let (tell, told) = tokio::sync::mpsc::unbounded_channel();
    app.changes.subscribe(move |change| _ = tell.send(change));
    told
}
