//! Whoever saves between the check of a form and its write: neither the form of before nor one that names the version
//! that is coming is written over what they have saved.

use std::future::Future;
use std::pin::pin;

use tokio_postgres::{Client, NoTls};

use super::versions::{AUTHORIZATION, Versioned, confirmed, versioned};
use super::*;

impl Versioned {
    /// The table whose row is locked before anything is written.
    fn locked(&self) -> &'static str {
        match self.table {
            "api_key_scopes" => "api_keys",
            table => table,
        }
    }

    /// The row without its version.
    async fn content(&self, app: &TestApp) -> String {
        let Versioned { table, row, .. } = self;
        let content = format!("SELECT to_jsonb(t) - '{}' FROM {table} t WHERE {row}", self.column());
        app.value(&content).await
    }
    /// The row is saved by somebody else.
    async fn save_behind(&self, client: &Client) {
        let (table, column, row) = (self.table, self.column(), &self.row);
        let save = format!("UPDATE {table} SET {column} = {column} + 1 WHERE {row}");
        client.batch_execute(&save).await.expect("the row is there");
    }
}

/// A connection besides those of the site and the test.
async fn third(app: &TestApp) -> Client {
    let (client, connection) = tokio_postgres::connect(app.database_url(), NoTls).await.expect("a connection");
    tokio::spawn(connection);
    client
}

/// Ends when so many wait to lock or change rows of a table.
async fn waiting(app: &TestApp, table: &str, number: i64) {
    let waiting = format!(
        "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
         WHERE NOT granted AND relation = '{table}'::regclass AND a.datname = current_database() AND backend_type = 'client backend'"
    );
    while app.count(&waiting).await < number {}
}

/// Sends a form while `third` keeps everybody from locking or changing rows of its table, which can still be read. When
/// the form has been checked and waits, or was refused, does `meanwhile` and lets go. Gives the answer, and whether it
/// waited.
async fn held_between(
    app: &TestApp,
    (third, table): (&Client, &str),
    sending: impl Future<Output = Page>,
    meanwhile: impl AsyncFnOnce(),
) -> (Page, bool) {
    let hold = format!("BEGIN; LOCK TABLE {table} IN EXCLUSIVE MODE");
    third.batch_execute(&hold).await.expect("the table");
    let mut sending = pin!(sending);
    let early = tokio::select! {
        answer = &mut sending => Some(answer),
        () = waiting(app, table, 1) => None,
    };
    meanwhile().await;
    third.batch_execute("COMMIT").await.expect("a commit");
    match early {
        Some(answer) => (answer, false),
        None => (sending.await, true),
    }
}

/// Somebody else saves between the check of a form and its write. Neither the form of before nor one that names the
/// version that is coming is written.
async fn nothing_is_written_over_what_was_saved_meanwhile(form: &Versioned, app: &TestApp, ana: &Browser) {
    let third = third(app).await;
    for forged in [false, true] {
        let mut sent = form.open(ana).await;
        let (version, content) = (form.version(app).await, form.content(app).await);
        let next = (version.parse::<i32>().expect("a version") + 1).to_string();
        if forged {
            sent = sent.forge("version", &next);
        }
        let lines = app.count("SELECT count(*) FROM audit_events").await;
        let save = async || form.save_behind(&third).await;
        let (answer, waited) = held_between(app, (&third, form.locked()), sent.send(), save).await;
        let what = format!("{}, forged: {forged}", form.route);
        assert!(waited || forged, "{what}: it was not held between check and write");
        assert_eq!(answer.status, 409, "{what}: {}", answer.text());
        assert_eq!(form.version(app).await, next, "{what}");
        assert_eq!(form.content(app).await, content, "{what}");
        assert_eq!(app.count("SELECT count(*) FROM audit_events").await, lines, "{what}");
    }
    // Of two at once the honest one is written. The one that names what comes of it is refused before it waits for
    // anything.
    let (honest, forged) = (form.open(ana).await, form.open(ana).await);
    let next = form.version(app).await.parse::<i32>().expect("a version") + 1;
    let forged = forged.forge("version", &next.to_string());
    let forge = async || {
        let status = tokio::select! {
            answer = forged.send() => answer.status,
            () = waiting(app, form.locked(), 2) => 0,
        };
        assert_eq!(status, 409, "{}", form.route);
    };
    let (honest, _) = held_between(app, (&third, form.locked()), honest.send(), forge).await;
    assert_eq!(honest.status, 303, "{}: {}", form.route, honest.text());
}

#[tokio::test]
async fn what_was_saved_between_check_and_write_stays() {
    let world = &confirmed().await;
    for form in versioned(world).await {
        if form.route != AUTHORIZATION {
            nothing_is_written_over_what_was_saved_meanwhile(&form, &world.app, &world.ana).await;
        }
    }
}

#[tokio::test]
async fn what_was_saved_between_check_and_write_of_an_authorization_stays() {
    let world = &confirmed().await;
    let forms = versioned(world).await;
    let form = forms.iter().find(|form| form.route == AUTHORIZATION);
    let form = form.expect("a form");
    nothing_is_written_over_what_was_saved_meanwhile(form, &world.app, &world.ana).await;
}
