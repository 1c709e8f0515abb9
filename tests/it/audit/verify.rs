//! `connectory audit verify`, beside the running program.

use crate::support::TestApp;

#[tokio::test(flavor = "multi_thread")]
async fn an_intact_log_is_told_with_its_end_and_a_broken_one_with_what_is_wrong() {
    let app = TestApp::start().await;
    for name in ["Payroll", "Ledger", "Maps"] {
        app.connector(name).await;
    }
    app.chain().await;
    let here = app.another_program();
    let end = app.end().await.to_string();
    let intact = here.run(&["audit", "verify"], "");
    assert_eq!(intact.code, 0, "{}", intact.err);
    let lines: Vec<&str> = intact.out.lines().collect();
    assert_eq!(lines[0], "Entries: 3");
    assert!(lines[1].starts_with("First: 20") && lines[2].starts_with("Last: 20"));
    assert_eq!(lines[3], format!("End: {end}"));
    assert!(lines[4].starts_with("OK: "), "{}", intact.out);

    // Noted, and still there when the log has grown; the lines that wait are no fault.
    app.connector("Weather").await;
    let noted = here.run(&["audit", "verify", "--expect", &end], "");
    assert_eq!(noted.code, 0, "{}", noted.err);
    assert!(noted.out.contains("1 entry is not in the chain yet"), "{}", noted.out);
    let other = format!("3:{}", "ab".repeat(32));
    let wrong = here.run(&["audit", "verify", "--expect", &other], "");
    assert_eq!(wrong.code, 3);
    assert!(wrong.err.contains("entry 3 is not what was noted"), "{}", wrong.err);
    let none = here.run(&["audit", "verify", "--expect", "yesterday"], "");
    assert_eq!(none.code, 2, "{}", none.err);

    // A command links what it has left.
    let after = here.run(&["audit", "verify"], "");
    assert!(after.out.starts_with("Entries: 4\n"), "{}", after.out);

    app.sql("BEGIN; ALTER TABLE audit_events DISABLE TRIGGER USER; UPDATE audit_events SET subject_name = 'Lodger' WHERE subject_name = 'Ledger'; ALTER TABLE audit_events ENABLE TRIGGER USER; COMMIT")
        .await;
    let broken = here.run(&["audit", "verify"], "");
    assert_eq!((broken.code, broken.out.as_str()), (3, ""), "{}", broken.err);
    assert!(broken.err.starts_with("connectory: the audit log is NOT intact: entry 2 ("), "{}", broken.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_serves_links_by_itself_and_notes_the_end_when_it_stops() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let here = app.another_program();
    let program = here.serve();
    app.connector("Ledger").await;
    for _ in 0..600 {
        if app.end().await.seq >= 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(app.fault().await, None);
    let (status, log) = program.stop();
    assert!(status.success(), "{log}");
    let end = app.end().await;
    assert_eq!(end.seq, 2);
    assert!(log.contains(&format!("end of the audit chain anchor={end}")), "{log}");
    assert_eq!(app.count("SELECT count(*) FROM instances").await, 0, "signed off");
}
