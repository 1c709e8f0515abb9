//! A group is never in itself, on whatever way.

use futures_util::future::join_all;

use super::{group, manager, put_group};
use crate::support::TestApp;

#[tokio::test]
async fn a_cycle_is_refused_with_the_groups_through_which_it_would_close_and_nobody_is_added() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let finance = group(&app, "Finance", &[]).await;
    let treasury = group(&app, "Treasury", &[]).await;
    let accounting = group(&app, "Accounting", &[]).await;
    put_group(&app, treasury, finance).await;
    put_group(&app, accounting, treasury).await;
    let ben = app.user(&[]).await;
    let way = format!("/groups/{finance}/members");
    let page = boss
        .get(&format!("{way}/new"))
        .await
        .form(&way)
        .tick("member", &format!("user.{}", ben.id))
        .tick("member", &format!("group.{accounting}"))
        .send()
        .await
        .expect(422);
    let message = "The group “Accounting” cannot be a member of “Finance”: “Finance” is in “Treasury”, which is in “Accounting”. No member was added";
    assert_eq!(page.errors(), [("member-0".to_string(), message.to_string())]);
    assert_eq!(page.field_error("member-0").as_deref(), Some(message));
    assert_eq!(page.ticked("member").len(), 2, "the ticks are still there");
    assert_eq!(app.count("SELECT count(*) FROM group_users").await, 0);
    let page = boss.post(&way, &[("member", &format!("group.{treasury}"))]).await.expect(422);
    assert!(page.errors()[0].1.contains("“Finance” is in “Treasury”. No member"), "{:?}", page.errors());
}

#[tokio::test]
async fn a_group_is_not_offered_to_itself_and_the_database_refuses_it() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let finance = group(&app, "Finance", &[]).await;
    let way = format!("/groups/{finance}/members");
    let page = boss.get(&format!("{way}/new?q=finance")).await.expect(200);
    assert!(page.choices("member").is_empty());
    boss.post(&way, &[("member", &format!("group.{finance}"))]).await.expect(303);
    assert_eq!(app.count("SELECT count(*) FROM group_groups").await, 0);
    let refusal = app.try_sql(&format!("INSERT INTO group_groups VALUES ('{finance}', '{finance}')")).await;
    assert_eq!(refusal, Err("a group cannot be in itself".into()));
}

#[tokio::test]
async fn two_who_close_a_cycle_from_both_ends_at_once_do_not() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    app.confirm(&boss).await;
    let csrf = boss.csrf().await;
    for round in 0..5 {
        let names: Vec<String> = (0..4).map(|number| format!("Ring {round} {number}")).collect();
        let mut ring = Vec::new();
        for name in &names {
            ring.push(group(&app, name, &[]).await);
        }
        let sends = (0..ring.len()).map(async |at| {
            let member = format!("group.{}", ring[(at + 1) % ring.len()]);
            let way = format!("/groups/{}/members", ring[at]);
            boss.post_exactly(&way, &[("csrf", &csrf), ("member", &member)]).await.status
        });
        let statuses = join_all(sends).await;
        assert_eq!(statuses.iter().filter(|status| **status == 422).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 303).count(), 3, "{statuses:?}");
    }
}
