//! Two who change the access at once: neither takes off whom the other has listed.

use super::tab::{TAB, adding, field, stored};
use super::*;
use crate::support::Page;

#[tokio::test]
async fn two_who_change_the_access_at_once_see_both_versions() {
    let app = TestApp::start().await;
    app.connector("Payroll").await;
    let (ana, cleo) = (app.super_admin().await, app.super_admin().await);
    let (first, second) = (ana.get(TAB).await, cleo.get(TAB).await);
    first.form(TAB).untick("everybody", "call").send().await.expect(303);
    let conflict = second.form(TAB).untick("everybody", "authorize").send().await.expect(409);
    let text = conflict.text();
    assert!(text.contains("View, Edit, Authorize") && text.contains("View, Call, Edit"), "{text}");
    assert_eq!(stored(&app).await, ["{view,edit,authorize}"]);
    conflict.form(TAB).send().await.expect(303);
    assert_eq!(stored(&app).await, ["{view,call,edit}"]);
}

#[tokio::test]
async fn whoever_was_listed_since_the_form_was_opened_stays_listed() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let (ana, cleo) = (app.super_admin().await, app.super_admin().await);
    let ben = app.user_named("ben", "Ben Okafor", &[]).await;
    let dora = app.user_named("dora", "Dora Lind", &[]).await;
    list(&app, payroll, dora.id, "{view,call}").await;
    let opened = ana.get(TAB).await.expect(200);
    let additions = cleo.get(&format!("{TAB}/additions")).await.expect(200);
    let ben = format!("user.{}", ben.id);
    let added = adding(&additions).tick("member", &ben).send().await;
    added.expect(303);
    let conflict = opened
        .form(TAB)
        .untick("everybody", "authorize")
        .untick(&field("user", dora.id), "call")
        .send()
        .await
        .expect(409);
    let text = conflict.text();
    assert!(text.contains("Dora Lind"), "{text}");
    assert!(!text.contains("Ben Okafor"), "the form says nothing of whoever was not in it: {text}");
    conflict.form(TAB).send().await.expect(303);
    let kept = ["{view,call,edit}", "Ben Okafor {view,call}", "Dora Lind {view}"];
    assert_eq!(stored(&app).await, kept);
    // With a row in the form, all unticked still takes off.
    let untick = |page: &Page| {
        let form = page.form(TAB).untick(&field("user", dora.id), "view");
        form.send()
    };
    untick(&ana.get(TAB).await).await.expect(303);
    assert_eq!(stored(&app).await, kept[..2]);
}
