//! The list of users: order, search, filters, what each row says.

use chrono::TimeDelta;
use connectory::access::Permission;

use super::{group, manager, put_group, put_user};
use crate::support::{PASSWORD, TestApp, strs};

#[tokio::test]
async fn every_column_sorts_both_ways_and_the_pages_hold_together() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    for (username, name) in [("zoe", "ángela"), ("yan", "Bob"), ("xi", "Ada"), ("will", "Émile")] {
        app.advance(TimeDelta::minutes(1));
        app.user_named(username, name, &[]).await;
    }
    app.sql("UPDATE users SET active = false WHERE username = 'yan'").await;
    app.browser().sign_in("xi", PASSWORD).await.expect(303);
    let all = 6;
    for column in ["Name", "User name", "Status", "Last sign-in", "Created"] {
        let page = boss.get("/users").await.expect(200);
        let page = if column == "Name" { page } else { page.click(&format!("{column} ♢")).await };
        let up = page.row_heads();
        assert_eq!(up.len(), all, "{column}");
        let down = page.click(&format!("{column} ▲")).await.row_heads();
        assert_eq!(up, down.into_iter().rev().collect::<Vec<_>>(), "{column}");
    }
    let names = boss.get("/users").await.row_heads();
    assert_eq!(strs(&names[..4]), ["Ada", "ángela", "Bob", "Émile"]);
    let last = boss.get("/users?sort=-last-sign-in").await.row_heads();
    assert_eq!(last[0], "Ada");
    let created = boss.get("/users?sort=-created").await.row_heads();
    assert_eq!(strs(&created[..2]), ["Émile", "Ada"]);
}

#[tokio::test]
async fn pages_follow_each_other_in_every_order() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    for number in 0..23 {
        app.user_named(&format!("u{number:02}"), "Namesake", &[]).await;
    }
    for sort in ["name", "-status", "last-sign-in", "-created", "username"] {
        let mut page = boss.get(&format!("/users?sort={sort}")).await.expect(200);
        let mut seen = Vec::new();
        loop {
            seen.extend(page.attributes("main tbody th a", "href"));
            if !page.has_link("Next page") {
                break;
            }
            page = page.click("Next page").await.expect(200);
        }
        assert_eq!(page.table_foot(), "21 – 25 of 25 users", "{sort}");
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 25, "{sort}");
    }
}

#[tokio::test]
async fn the_search_finds_words_of_both_names_in_any_order_without_accents() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    app.user_named("rene.obrien", "Renée O’Brien", &[]).await;
    app.user_named("strasse", "Weiß_100%", &[]).await;
    for (search, found) in [
        ("renee", vec!["Renée O’Brien"]),
        ("O’BRIEN René", vec!["Renée O’Brien"]),
        ("rene.ob", vec!["Renée O’Brien"]),
        ("weiss", vec!["Weiß_100%"]),
        ("100%", vec!["Weiß_100%"]),
        ("1__%", vec![]),
        ("renee weiss", vec![]),
    ] {
        let page = boss.get("/users").await.submit(|form| form.set("q", search)).await.expect(200);
        assert_eq!(strs(&page.row_heads()), found, "{search}");
    }
    let page = boss.get("/users?q=nobody+at+all").await.expect(200);
    assert!(page.text().contains("No user fits “nobody at all”."));
    assert_eq!(page.click("Clear search and filters").await.row_heads().len(), 4);
}

#[tokio::test]
async fn the_status_and_who_is_a_super_admin_filter() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    app.user_named("gone", "Gone", &[]).await;
    app.sql("UPDATE users SET active = false WHERE username = 'gone'").await;
    let page = ana.get("/users").await.submit(|form| form.set("status", "deactivated")).await;
    assert_eq!(strs(&page.row_heads()), ["Gone"]);
    let page = page.click("Remove filter: Status is Deactivated ✕").await;
    assert_eq!(page.row_heads().len(), 3);
    let page = page.submit(|form| form.set("rights", "super-admin")).await;
    assert!(page.row_heads().iter().all(|head| head.ends_with("Super admin")), "{:?}", page.row_heads());
    assert_eq!(page.row_heads().len(), 2);
}

#[tokio::test]
async fn a_row_says_groups_last_sign_in_and_a_missing_password_and_escapes_all() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let evil = "<script>alert(1)</script> & \"Co\"";
    let user = app.user_named("evil", evil, &[]).await;
    let long = "x".repeat(255);
    app.user_named(&"y".repeat(100), &long, &[]).await;
    app.sql("UPDATE users SET password_hash = NULL WHERE username = 'evil'").await;
    for name in ["Accounting", "Board"] {
        let group = group(&app, name, &[Permission::ViewActivity]).await;
        put_user(&app, group, user.id).await;
    }
    let page = boss.get("/users?sort=-created").await.expect(200);
    let rows = page.rows();
    let row = rows.iter().find(|row| row[1] == "evil").expect("the row");
    assert_eq!(row[0], evil);
    assert_eq!(strs(&row[2..4]), ["Active No password", "Never"]);
    assert_eq!(row[5], "Accounting, Board");
    assert!(!page.html.contains("<script>alert"));
    assert!(rows.iter().any(|row| row[0] == long));
    let page = boss.get(&format!("/users/{}", user.id)).await.expect(200);
    assert!(!page.html.contains("<script>alert"));
    assert_eq!(page.field_value("full_name"), evil);
}

#[tokio::test]
async fn it_is_narrowed_to_who_may_do_something_whatever_gives_it() {
    let app = TestApp::start().await;
    let boss = manager(&app).await;
    let outer = group(&app, "Outer", &[Permission::ViewActivity]).await;
    let inner = group(&app, "Inner", &[]).await;
    put_group(&app, outer, inner).await;
    let direct = app.user_named("direct", "Direct", &[Permission::ViewActivity]).await;
    let nested = app.user_named("nested", "Nested", &[]).await;
    put_user(&app, inner, nested.id).await;
    app.user_named("other", "Other", &[Permission::ViewAuditLog]).await;
    app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", direct.id)).await;
    let found = async |query: &str| {
        let page = boss.get(&format!("/users?{query}")).await.expect(200);
        let mut names = page.row_heads();
        // The founder, who makes the first users possible, is a super admin and may do everything.
        names.retain(|name| !name.contains("Super admin"));
        names
    };
    let rights = "rights=view-activity";
    assert_eq!(strs(&found(rights).await), ["Direct", "Nested"]);
    let active = format!("{rights}&status=active");
    assert_eq!(strs(&found(&active).await), ["Nested"]);
    let in_outer = format!("group={outer}");
    assert_eq!(strs(&found(&in_outer).await), ["Nested"]);
    let both = format!("rights=view-audit-log&{in_outer}");
    assert!(found(&both).await.is_empty());
    assert!(found(&format!("group={}", uuid::Uuid::now_v7())).await.is_empty());
    // What is not understood does not narrow.
    assert_eq!(found("rights=everything&group=rubbish").await.len(), 4);

    let page = boss.get("/users").await;
    let page =
        page.submit(|form| form.set("rights", "view-activity").set("group", &inner.to_string())).await.expect(200);
    assert_eq!(strs(&page.row_heads()), ["Nested"]);
    let text = page.text();
    for chip in ["May: View Activity", "In Inner, also through groups"] {
        assert!(text.contains(chip), "{chip}: {text}");
    }
    let page = boss.get(&format!("/groups/{outer}")).await;
    let page = page.click("Users in it, also through groups").await;
    assert_eq!(strs(&page.row_heads()), ["Nested"]);
}
