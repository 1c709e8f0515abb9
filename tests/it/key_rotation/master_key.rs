//! The master key of a database that several instances serve.

use connectory::access::Permission::EditConnectors;
use connectory::connectors::Method;

use super::{complaint, key, rotate};
use crate::support::{Browser, PASSWORD, TestApp};

const NEW: &str = "CONNECTORY_NEW_MASTER_KEY";
const OLD: &str = "CONNECTORY_OLD_MASTER_KEY";
const CURRENT: &str = "CONNECTORY_MASTER_KEY";

async fn with_token() -> (TestApp, Browser) {
    let app = TestApp::start().await;
    let id = app.connector_with("Payroll", |new| new.method = Method::Bearer).await;
    app.store_token(id, "canary-token", None).await;
    let ana = app.person(&[EditConnectors]).await;
    (app, ana)
}

/// Whether the stored token can be read by whoever serves this browser.
async fn reveals(browser: &Browser) -> bool {
    let page = browser.post("/connectors/payroll/authorization/token-reveals", &[("own_password", PASSWORD)]).await;
    page.status == 200 && page.html.contains("canary-token")
}

async fn master_ids(app: &TestApp) -> Vec<String> {
    app.rows("SELECT DISTINCT master_key_id FROM data_keys").await.concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_tells_what_would_be_done_and_does_nothing() {
    let (app, _) = with_token().await;
    let before = master_ids(&app).await;
    let here = app.another_program();
    let plan = rotate(&here, &[(NEW, &key('a'))], &["--master-key", "--dry-run"]);
    assert_eq!(plan.code, 0, "{}", plan.err);
    assert!(plan.out.starts_with("Nothing was changed. 1 data key would be wrapped under master key "), "{}", plan.out);
    assert!(plan.out.contains(&format!("data key 1 is wrapped under master key {}", before[0])));
    assert_eq!(master_ids(&app).await, before);
    assert_eq!(app.count("SELECT count(*) FROM audit_events WHERE kind LIKE '%key%'").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn instances_that_run_go_on_and_the_next_start_needs_the_new_key() {
    let (app, ana) = with_token().await;
    let (here, new) = (app.another_program(), key('a'));
    let before = master_ids(&app).await.concat();
    let done = rotate(&here, &[(NEW, &new)], &["--master-key"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.starts_with("1 data key is now wrapped under master key "), "{}", done.out);
    assert!(!done.out.contains(&new) && !done.err.contains(&new));

    assert!(reveals(&ana).await, "the instance that runs has its data keys");
    let id = app.connector_with("Ledger", |new| new.method = Method::Bearer).await;
    app.store_token(id, "later", None).await;

    let old_key = here.run(&["migrate"], "");
    assert!(complaint(&old_key).starts_with("the master key does not fit this database"), "{}", old_key.err);
    let new_key = here.run_with(&[(CURRENT, &new)], &["migrate"], "");
    assert_eq!(new_key.code, 0, "{}", new_key.err);
    let again = rotate(&here, &[(CURRENT, &new), (NEW, &new)], &["--master-key"]);
    assert!(again.out.starts_with("All data keys were already"), "{}{}", again.out, again.err);

    let event = app
        .rows("SELECT actor_name, subject_name, changes->0->>'from', changes->0->>'to' FROM audit_events WHERE kind = 'master_key.rotated'")
        .await;
    let after = master_ids(&app).await.concat();
    assert_eq!(event, [["command line", "Master key", &before, &after]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_with_both_keys_starts_before_and_after_the_rotation() {
    let (app, ana) = with_token().await;
    let old = app.master_key().to_string();
    let new = key('a');
    let (was_new, is_old) = ([(NEW, new.as_str())], [(CURRENT, new.as_str()), (OLD, &old)]);
    let here = app.another_program();
    for settings in [&was_new[..], &is_old] {
        let before = here.run_with(settings, &["migrate"], "");
        assert_eq!(before.code, 0, "{}", before.err);
    }
    // The settings name the new key already: nothing else needs to be said.
    let done = rotate(&here, &is_old, &["--master-key"]);
    assert!(done.out.starts_with("1 data key is now"), "{}{}", done.out, done.err);
    for settings in [&was_new[..], &is_old, &[(CURRENT, &new)]] {
        let after = here.run_with(settings, &["migrate"], "");
        assert_eq!(after.code, 0, "{}", after.err);
    }
    assert!(reveals(&ana).await);

    // And a program that is started with the new key reads what was sealed before.
    let here = app.another_program().set(CURRENT, &new);
    let program = here.serve();
    let visitor = program.browser();
    visitor.sign_in(&ana.user().username, PASSWORD).await.expect(303);
    assert!(reveals(&visitor).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_without_the_right_keys_is_refused_and_changes_nothing() {
    let (app, _) = with_token().await;
    let before = master_ids(&app).await;
    let here = app.another_program();
    assert!(
        complaint(&rotate(&here, &[], &["--master-key"])).starts_with("set CONNECTORY_NEW_MASTER_KEY_FILE"),
        "there is none to rotate to"
    );
    let wrong = rotate(&here, &[(CURRENT, &key('b')), (NEW, &key('a'))], &["--master-key"]);
    assert!(complaint(&wrong).starts_with("the master key does not fit this database"));
    let none = rotate(&here, &[(NEW, "hunter2")], &["--master-key"]);
    assert!(complaint(&none).starts_with("CONNECTORY_NEW_MASTER_KEY: a master key is 64"));
    assert!(!none.err.contains("hunter2"));
    let two = rotate(&here, &[(NEW, &key('a')), ("CONNECTORY_NEW_MASTER_KEY_FILE", "/nowhere")], &[]);
    assert!(two.err.contains("set CONNECTORY_NEW_MASTER_KEY or CONNECTORY_NEW_MASTER_KEY_FILE, not both"));
    assert_eq!(master_ids(&app).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn data_keys_under_different_master_keys_are_brought_together() {
    // As another program's hand might leave them: this one's rotation does all or none.
    let (app, ana) = with_token().await;
    let here = app.another_program();
    let new = key('a');
    assert_eq!(rotate(&here, &[], &["--data-key"]).code, 0);
    app.sql("CREATE TABLE before AS SELECT * FROM data_keys").await;
    assert_eq!(rotate(&here, &[(NEW, &new)], &["--master-key"]).code, 0);
    app.sql("UPDATE data_keys d SET wrapped = b.wrapped, master_key_id = b.master_key_id FROM before b WHERE b.id = d.id AND d.id = 1")
        .await;
    for settings in [&[][..], &[(CURRENT, new.as_str())]] {
        assert_eq!(here.run_with(settings, &["migrate"], "").code, 1, "one key is not enough");
    }
    let done = rotate(&here, &[(NEW, &new)], &["--master-key"]);
    assert!(done.out.starts_with("1 data key is now"), "{}{}", done.out, done.err);
    assert_eq!(here.run_with(&[(CURRENT, &new)], &["migrate"], "").code, 0);
    drop(ana);
}
