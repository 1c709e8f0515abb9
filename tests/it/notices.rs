//! Hearing of changes, whoever makes them, also after the connection was lost.

use std::time::Duration;

use connectory::db::ChangeEvent;
use connectory::outbound::HttpUrl;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::timeout;
use uuid::Uuid;

use crate::support::TestApp;

/// Far more than a notice takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Everything that the site hears of from now on.
fn heard(app: &TestApp) -> UnboundedReceiver<ChangeEvent> {
    let (tell, heard) = unbounded_channel();
    app.changes.subscribe(move |change| _ = tell.send(change));
    heard
}

async fn wait_for(heard: &mut UnboundedReceiver<ChangeEvent>, wanted: ChangeEvent) {
    let found = async {
        while let Some(change) = heard.recv().await {
            if change == wanted {
                return;
            }
        }
        panic!("the site hears no more");
    };
    timeout(PATIENCE, found).await.unwrap_or_else(|_| panic!("no notice of {wanted:?}"));
}

/// A site that listens: what is told from now on is heard.
async fn listening() -> (TestApp, UnboundedReceiver<ChangeEvent>) {
    let app = TestApp::start().await;
    let mut heard = heard(&app);
    wait_until_listening(&app, &mut heard).await;
    (app, heard)
}

/// Sends a notice that nobody needs until it is heard. That everything counts as changed is told at the beginning and
/// may have been told before anybody asked.
async fn wait_until_listening(app: &TestApp, heard: &mut UnboundedReceiver<ChangeEvent>) {
    let probe = Uuid::now_v7();
    let notice = format!("NOTIFY connectory_changed, 'connector {probe}'");
    let sending = async {
        loop {
            app.sql(&notice).await;
        }
    };
    tokio::select! {
        () = wait_for(heard, ChangeEvent::Connector(probe)) => {}
        () = sending => {}
    }
}

#[tokio::test]
async fn a_change_is_heard_with_the_connector_that_it_is_of() {
    let (app, mut heard) = listening().await;
    let (ledger, orders) = (app.connector("Ledger").await, app.connector("Orders").await);
    for id in [ledger, orders] {
        wait_for(&mut heard, ChangeEvent::Connector(id)).await;
    }
    for change in [
        "UPDATE connectors SET enabled = false WHERE id = $",
        "UPDATE authorizations SET concurrency = 3 WHERE connector_id = $",
        "UPDATE connectors SET deleted_at = now(), deleted_by = 'x' WHERE id = $",
        "DELETE FROM connectors WHERE id = $",
    ] {
        app.sql(&change.replace('$', &format!("'{orders}'"))).await;
        wait_for(&mut heard, ChangeEvent::Connector(orders)).await;
    }
}

#[tokio::test]
async fn a_change_of_keys_or_of_peoples_rights_is_heard() {
    let (app, mut heard) = listening().await;
    let person = app.person(&[]).await.user().id;
    for change in [
        format!("INSERT INTO user_permissions VALUES ('{person}', 'call-data-connectors')"),
        format!("UPDATE users SET active = false WHERE id = '{person}'"),
        format!(
            "INSERT INTO api_keys (id, hash, prefix, name, user_id, created_at, created_by) VALUES ('{}', 'x', 'p', 'n', '{person}', now(), '')",
            Uuid::now_v7()
        ),
        "UPDATE api_keys SET revoked_at = now()".into(),
    ] {
        app.sql(&change).await;
        wait_for(&mut heard, ChangeEvent::Keys).await;
    }
}

#[tokio::test]
async fn after_the_connection_was_lost_everything_counts_as_changed() {
    let (app, mut heard) = listening().await;
    for _ in 0..3 {
        app.cut_connections().await;
        wait_for(&mut heard, ChangeEvent::Everything).await;
    }
    app.take_database_away().await;
    app.give_database_back().await;
    wait_for(&mut heard, ChangeEvent::Everything).await;
    wait_until_listening(&app, &mut heard).await;
    let id = app.connector_with("Ledger", |new| {
        new.details.base_url = HttpUrl::parse("http://ledger.example").ok();
    });
    wait_for(&mut heard, ChangeEvent::Connector(id.await)).await;
}
