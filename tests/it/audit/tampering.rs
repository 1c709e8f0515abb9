//! Whoever owns the database can switch the triggers off. What they change then shows.

use connectory::audit::chain as links;

use crate::support::TestApp;

/// Lines 1 to 6, linked.
pub(super) async fn six_lines() -> TestApp {
    let app = TestApp::start().await;
    for number in 1..=6 {
        app.connector(&format!("Meter {number}")).await;
    }
    app.chain().await;
    app
}

/// The line's id of this number, as SQL.
fn line(seq: i64) -> String {
    format!("(SELECT event_id FROM audit_links WHERE seq = {seq})")
}

/// What is found after this was done to the tables with their triggers off.
pub(super) async fn found_after(app: &TestApp, statements: &str) -> Option<String> {
    let tables = ["audit_events", "audit_links", "audit_chain", "audit_transition"];
    let switch = |how: &str| -> String {
        tables.iter().map(|table| format!("ALTER TABLE {table} {how} TRIGGER USER; ")).collect()
    };
    app.sql(&format!("BEGIN; {}{statements}; {}COMMIT", switch("DISABLE"), switch("ENABLE"))).await;
    app.fault().await
}

#[tokio::test]
async fn a_changed_field_is_found() {
    for change in [
        "actor_name = 'Nobody'",
        "actor_username = 'nobody'",
        "actor_username = NULL",
        "actor_id = gen_random_uuid()",
        "at = at - interval '1 microsecond'",
        "address = '192.0.2.7'",
        "request_id = 'r'",
        "kind = 'connector.saved'",
        "subject_id = NULL",
        "subject_name = 'Meter 5'",
        "changes = '[]'",
    ] {
        let app = six_lines().await;
        let update = format!("UPDATE audit_events SET {change} WHERE id = {}", line(4));
        let fault = found_after(&app, &update).await.unwrap_or_default();
        assert!(fault.starts_with("entry 4 ("), "{change}: {fault}");
        assert!(fault.contains("was changed"), "{change}: {fault}");
    }
}

#[tokio::test]
async fn fields_that_cannot_be_read_are_shown_as_such_and_the_other_entries_stay_readable() {
    let app = six_lines().await;
    let update = format!("UPDATE audit_events SET changes = '{{\"field\": 1}}' WHERE id = {}", line(4));
    found_after(&app, &update).await;
    let admin = app.super_admin().await;
    let list = admin.get("/audit?thing=Meter").await.expect(200);
    assert_eq!(list.text().matches("Fields that cannot be read").count(), 1, "{}", list.text());
    let id = app.value(&format!("SELECT {}::text", line(4))).await;
    let entry = admin.get(&format!("/audit/{id}")).await.expect(200);
    assert!(entry.text().contains("Fields that cannot be read"), "{}", entry.text());
}

#[tokio::test]
async fn a_line_that_was_taken_out_is_found_with_and_without_its_link() {
    let app = six_lines().await;
    let delete = format!("DELETE FROM audit_events WHERE id = {}", line(3));
    assert_eq!(found_after(&app, &delete).await.as_deref(), Some("entry 3 is missing"));
    let app = six_lines().await;
    let both = format!("{delete}; DELETE FROM audit_links WHERE seq = 3");
    assert_eq!(found_after(&app, &both).await.as_deref(), Some("entry 3 is missing"));
    let app = six_lines().await;
    let moved_up =
        format!("{both}; UPDATE audit_links SET seq = seq - 1 WHERE seq > 3; UPDATE audit_chain SET seq = 5");
    let fault = found_after(&app, &moved_up).await.unwrap_or_default();
    assert!(fault.starts_with("entry 3 does not follow"), "{fault}");
}

#[tokio::test]
async fn lines_that_changed_places_are_found() {
    let app = six_lines().await;
    let swap = "UPDATE audit_links SET seq = -seq WHERE seq IN (2, 5);
        UPDATE audit_links SET seq = CASE seq WHEN -2 THEN 5 ELSE 2 END WHERE seq < 0";
    let fault = found_after(&app, swap).await.unwrap_or_default();
    assert!(fault.starts_with("entry 2 does not follow"), "{fault}");

    let app = six_lines().await;
    let swap =
        "CREATE TEMPORARY TABLE swapped ON COMMIT DROP AS SELECT seq, event_id FROM audit_links WHERE seq IN (2, 5);
        DELETE FROM audit_links WHERE seq = 5;
        UPDATE audit_links SET event_id = (SELECT event_id FROM swapped WHERE seq = 5) WHERE seq = 2";
    let fault = found_after(&app, swap).await.unwrap_or_default();
    assert!(fault.starts_with("entry 2 ("), "{fault}");
}

#[tokio::test]
async fn a_missing_end_is_found() {
    let app = six_lines().await;
    let cut = format!(
        "DELETE FROM audit_events WHERE id IN ({}, {}); DELETE FROM audit_links WHERE seq > 4",
        line(5),
        line(6)
    );
    assert_eq!(
        found_after(&app, &cut).await.as_deref(),
        Some("the chain ends at entry 4, but 6 entries were linked: entries at its end are missing")
    );
}

#[tokio::test]
async fn only_the_noted_anchor_tells_of_an_end_that_was_taken_away_everywhere_or_made_anew() {
    let app = six_lines().await;
    let noted = app.end().await;
    let cut = format!(
        "DELETE FROM audit_events WHERE id IN ({}, {}); DELETE FROM audit_links WHERE seq > 4;
         UPDATE audit_chain SET seq = 4, hash = (SELECT hash FROM audit_links WHERE seq = 4)",
        line(5),
        line(6)
    );
    assert_eq!(found_after(&app, &cut).await, None);
    let mut conn = app.conn().await;
    let verified = links::verify(&mut conn, &app.vault, Some(&noted)).await.expect("read");
    assert_eq!(
        verified.err().map(|fault| fault.to_string()).as_deref(),
        Some("entry 6 was noted, but the chain ends at entry 4")
    );

    for name in ["Forged", "Forgery", "More"] {
        app.connector(name).await;
    }
    app.chain().await;
    assert_eq!(app.fault().await, None);
    let verified = links::verify(&mut conn, &app.vault, Some(&noted)).await.expect("read");
    let fault = verified.err().map(|fault| fault.to_string());
    assert!(fault.as_ref().is_some_and(|fault| fault.starts_with("entry 6 is not what was noted")), "{fault:?}");
    let end = app.end().await;
    let verified = links::verify(&mut conn, &app.vault, Some(&end)).await.expect("read");
    assert!(verified.is_ok());
}

#[tokio::test]
async fn a_line_that_was_put_in_is_found() {
    let insert = "INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
        VALUES (gen_random_uuid(), now() - interval '30 days', 'Ben', '', '', 'connector.deleted', 'Payroll', '[]')";
    let app = six_lines().await;
    let fault = found_after(&app, insert).await.unwrap_or_default();
    assert!(fault.starts_with("1 entry is not in the chain"), "{fault}");

    let app = six_lines().await;
    let with_link = format!(
        "{insert}; UPDATE audit_links SET seq = -(seq + 1) WHERE seq > 3; UPDATE audit_links SET seq = -seq WHERE seq < 0;
         UPDATE audit_chain SET seq = 7;
         INSERT INTO audit_links SELECT 4, e.id, 2, l.hash, l.hash, 1 FROM audit_events e, audit_links l WHERE e.kind = 'connector.deleted' AND l.seq = 3"
    );
    let fault = found_after(&app, &with_link).await.unwrap_or_default();
    assert!(fault.starts_with("entry 4 ("), "{fault}");
}

#[tokio::test]
async fn a_line_that_says_an_earlier_time_is_noted() {
    let app = six_lines().await;
    app.sql(
        "INSERT INTO audit_events (id, at, actor_name, address, request_id, kind, subject_name, changes)
        VALUES (gen_random_uuid(), now() - interval '30 days', 'Ben', '', '', 'connector.deleted', 'Payroll', '[]')",
    )
    .await;
    app.chain().await;
    let verified =
        links::verify(&mut *app.conn().await, &app.vault, None).await.expect("read").expect("a chain without a fault");
    assert_eq!(verified.backdated, [7]);
}

#[tokio::test]
async fn what_happens_to_lines_and_links_before_and_after_linking_is_found() {
    let app = six_lines().await;
    app.connector("Waiting").await;
    let lost = "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_queue)";
    assert_eq!(found_after(&app, lost).await.as_deref(), Some("1 entry disappeared before being linked"));

    let app = six_lines().await;
    let format = "UPDATE audit_links SET format = 3 WHERE seq = 2";
    let fault = found_after(&app, format).await.unwrap_or_default();
    assert!(fault.starts_with("entry 2 has the unknown format 3"), "{fault}");

    let app = six_lines().await;
    let end = "UPDATE audit_chain SET hash = (SELECT hash FROM audit_links WHERE seq = 5)";
    let fault = found_after(&app, end).await.unwrap_or_default();
    assert!(fault.starts_with("the last entry is not"), "{fault}");

    let app = six_lines().await;
    let all = "DELETE FROM audit_links; UPDATE audit_chain SET seq = 0, hash = decode(repeat('00', 32), 'hex')";
    let fault = found_after(&app, all).await.unwrap_or_default();
    assert!(fault.starts_with("6 entries are not in the chain"), "{fault}");
}
