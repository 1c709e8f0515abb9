//! API keys do no more than lists allow: a person's key what the person may do, a program's key where somebody has led
//! it by name.

use connectory::access::ApiKey;
use connectory::access::Permission::{CallConnectors, EditConnectors, ManageUsers};
use connectory::connectors::Method;
use connectory::outbound::HttpUrl;
use connectory::vault::Secret;

use super::*;
use crate::support::upstream::{Reply, Upstream};

/// A connector with an API behind it.
struct World {
    app: TestApp,
    _api: Upstream,
    payroll: Uuid,
    http: reqwest::Client,
}

impl World {
    async fn new() -> World {
        let app = TestApp::start().await;
        let api = Upstream::start(|_| Reply::json(200, "{}")).await;
        let payroll = app
            .connector_with("Payroll", |new| {
                new.method = Method::Bearer;
                new.details.base_url = HttpUrl::parse(&api.url("/")).ok();
            })
            .await;
        let token = connectory::authorization::NewToken {
            access: Secret::new("t0ken-of-payroll".into()),
            refresh: connectory::authorization::RefreshToken::None,
            token_type: "Bearer".into(),
            scope: String::new(),
            expires_at: None,
            refresh_expires_at: None,
            kept: Default::default(),
        };
        let by = connectory::access::Actor::command_line();
        let now = app.clock.now();
        let mut conn = app.conn().await;
        let origins = crate::support::in_use(&mut conn, payroll).await;
        connectory::authorization::store_token(
            &mut connectory::audit::Change { conn: &mut conn, by: &by, now },
            &app.vault,
            payroll,
            &token,
            &origins,
        )
        .await
        .expect("a token");
        drop(conn);
        World { app, _api: api, payroll, http: reqwest::Client::new() }
    }

    /// The status of a call through the proxy and, if it is refused, its code.
    async fn proxied(&self, key: &ApiKey) -> String {
        self.asked(key, "GET", "payroll/proxy/x").await
    }

    async fn token(&self, key: &ApiKey) -> String {
        self.asked(key, "POST", "payroll/token").await
    }

    async fn asked(&self, key: &ApiKey, method: &str, path: &str) -> String {
        let method = method.parse().expect("a method");
        let url = format!("http://{}/api/v1/connectors/{path}", self.app.address);
        let request = self.http.request(method, url).bearer_auth(key.expose());
        let answer = request.send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body: serde_json::Value = answer.json().await.unwrap_or_default();
        match body["type"].as_str().and_then(|kind| kind.rsplit([':', '/', '#']).next()) {
            Some(code) => format!("{status} {code}"),
            None => status.to_string(),
        }
    }
}

#[tokio::test]
async fn a_persons_key_leads_where_the_person_may_call_and_nowhere_else() {
    let world = World::new().await;
    let ben = world.app.user(&[CallConnectors, EditConnectors]).await;
    let key = super::key(&world.app, Whose::User(ben.id)).await;
    assert_eq!(world.proxied(&key).await, "200");
    assert_eq!(world.token(&key).await, "200");
    let closed = async |rights: &str| {
        world.app.sql("DELETE FROM connector_rights").await;
        close(&world.app, world.payroll).await;
        if !rights.is_empty() {
            list(&world.app, world.payroll, ben.id, rights).await;
        }
        // What is kept in memory is dropped by a notice, which comes within a moment.
        world.app.advance(chrono::TimeDelta::seconds(6));
        (world.proxied(&key).await, world.token(&key).await)
    };
    let hidden = "404 connector_not_found".to_string();
    assert_eq!(closed("").await, (hidden.clone(), hidden.clone()));
    assert_eq!(closed("{view}").await, (hidden.clone(), hidden));
    let (proxied, token) = closed("{view,call}").await;
    assert_eq!((proxied.as_str(), token.as_str()), ("200", "403 token_not_allowed"));
    let (proxied, token) = closed("{view,call,authorize}").await;
    assert_eq!((proxied.as_str(), token.as_str()), ("200", "200"));
}

#[tokio::test]
async fn a_programs_key_to_everything_does_not_lead_to_what_is_kept_to_people() {
    let world = World::new().await;
    let billing = program(&world.app, "Billing").await;
    let key = super::key(&world.app, Whose::Program(billing)).await;
    assert_eq!(world.proxied(&key).await, "200");
    open_for(&world.app, world.payroll, "{view,edit}").await;
    world.app.advance(chrono::TimeDelta::seconds(6));
    assert_eq!(world.proxied(&key).await, "404 connector_not_found");
    open_for(&world.app, world.payroll, "{view,call}").await;
    world.app.advance(chrono::TimeDelta::seconds(6));
    assert_eq!(world.proxied(&key).await, "200");
    assert_eq!(world.token(&key).await, "403 token_not_allowed");
}

/// The address of the page on which a program's key is led to Payroll.
async fn way_to_payroll(world: &World) -> String {
    let billing = program(&world.app, "Billing").await;
    key(&world.app, Whose::Program(billing)).await;
    world.app.sql("DELETE FROM api_key_scopes").await;
    let id = world.app.value("SELECT id FROM api_keys").await;
    format!("/programs/{billing}/keys/{id}/connectors")
}

#[tokio::test]
async fn only_one_of_those_who_may_call_it_leads_a_program_to_what_is_kept_to_people() {
    let world = World::new().await;
    let ways = way_to_payroll(&world).await;
    let manager = world.app.person(&[ManageUsers]).await;
    let page = manager.get(&format!("{ways}/payroll")).await.expect(200);
    assert!(page.text().contains("May read the access token"));

    close(&world.app, world.payroll).await;
    manager.get(&format!("{ways}/payroll")).await.expect(404);
    page.submit(|form| form).await.expect(404);
    let found = manager.get(&format!("{ways}/new?q=payroll")).await.expect(200);
    assert!(!found.text().contains("Payroll"), "{}", found.text());

    open_for(&world.app, world.payroll, "{view}").await;
    let refused = manager.get(&format!("{ways}/payroll")).await.expect(403);
    assert!(refused.text().contains("may call this data connector"), "{}", refused.text());
    page.submit(|form| form).await.expect(403);

    let caller = world.app.person(&[ManageUsers, CallConnectors, EditConnectors]).await;
    list(&world.app, world.payroll, caller.user().id, "{view,call}").await;
    let found = caller.get(&format!("{ways}/new?q=payroll")).await.expect(200);
    assert!(found.text().contains("Payroll"));
    let page = caller.get(&format!("{ways}/payroll")).await.expect(200);
    assert!(!page.text().contains("May read the access token"));
    let answer = page.main_form().tick("proxy", "yes").forge("token", "yes").send().await.expect(422);
    assert_eq!(answer.errors()[0].0, "token");
    page.submit(|form| form.tick("proxy", "yes")).await.expect(303);

    // Who may not see the connector sees a way without its name, and cannot change it.
    close(&world.app, world.payroll).await;
    let key = ways.trim_end_matches("/connectors");
    let page = manager.get(key).await.expect(200);
    assert!(page.text().contains("A data connector that you may not see"), "{}", page.text());
    assert!(!page.text().contains("Payroll"));
    manager.get(&format!("{ways}/payroll/removal")).await.expect(404);
    assert!(caller.get(key).await.text().contains("Payroll"));
}

#[tokio::test]
async fn the_page_says_which_keys_of_programs_lead_here_and_why() {
    let world = World::new().await;
    let ana = world.app.super_admin().await;
    let users = "/connectors/payroll/access/users";
    let page = ana.get(users).await.expect(200);
    assert!(page.text().contains("No API key of an active program can call it."));
    let billing = program(&world.app, "Billing").await;
    key(&world.app, Whose::Program(billing)).await;
    let page = ana.get(users).await.expect(200);
    assert!(page.text().contains("It can call all data connectors that are open to everybody"));
    assert!(page.text().contains("All endpoints, the proxy, the access token"), "{}", page.text());
    close(&world.app, world.payroll).await;
    let page = ana.get(users).await.expect(200);
    assert!(page.text().contains("cannot call one whose Call is not open to everybody"));
    world.app.sql(&format!("UPDATE api_key_scopes SET connector_id = '{}'", world.payroll)).await;
    let page = ana.get(users).await.expect(200);
    assert!(page.text().contains("It can call this data connector by name"));
    let tab = ana.get("/connectors/payroll/access").await.expect(200);
    assert!(tab.text().contains("1 API key of a program can call this by name,"), "{}", tab.text());
    world.app.sql("UPDATE programs SET active = false").await;
    let page = ana.get(users).await.expect(200);
    assert!(page.text().contains("No API key of an active program can call it."));
}

#[tokio::test]
async fn what_a_program_has_called_is_named_only_to_those_who_see_it() {
    let world = World::new().await;
    let billing = program(&world.app, "Billing").await;
    let key = super::key(&world.app, Whose::Program(billing)).await;
    assert_eq!(world.proxied(&key).await, "200");
    world.app.call_log.finish().await;
    close(&world.app, world.payroll).await;
    let page = format!("/programs/{billing}/delete");
    let manager = world.app.person(&[ManageUsers]).await;
    let text = manager.get(&page).await.expect(200).text();
    assert!(text.contains("A data connector that you may not see") && !text.contains("Payroll"), "{text}");
    let ana = world.app.super_admin().await;
    assert!(ana.get(&page).await.text().contains("Payroll"));
}

#[tokio::test]
async fn who_may_not_call_it_gives_no_key_more_of_what_is_kept_to_people() {
    let world = World::new().await;
    let billing = program(&world.app, "Billing").await;
    super::key(&world.app, Whose::Program(billing)).await;
    world
        .app
        .sql(&format!(
            "UPDATE api_key_scopes SET connector_id = '{}'; UPDATE api_keys SET methods = '{{GET}}', expires_at = now() + interval '1 day'",
            world.payroll
        ))
        .await;
    open_for(&world.app, world.payroll, "{view}").await;
    let id = world.app.value("SELECT id FROM api_keys").await;
    let edit = format!("/programs/{billing}/keys/{id}/edit");
    let manager = world.app.person(&[ManageUsers]).await;
    let page = manager.get(&edit).await.expect(200);
    for (field, value, wrong) in [("methods", "all", "methods"), ("expires", "never", "expires")] {
        let refused = page.main_form().set(field, value).send().await.expect(422);
        assert_eq!(refused.errors()[0].0, wrong);
        assert!(refused.text().contains("you are not among those who may call it"));
    }
    let name = page.main_form().set("key_name", "Weekly");
    name.send().await.expect(303);
    let program = manager.get(&format!("/programs/{billing}/edit")).await;
    let off = program.main_form().set("status", "inactive");
    off.send().await.expect(303);
    let program = manager.get(&format!("/programs/{billing}/edit")).await;
    let on = program.main_form().set("status", "active");
    assert_eq!(on.send().await.expect(422).errors()[0].0, "status");

    let caller = world.app.person(&[ManageUsers, CallConnectors]).await;
    list(&world.app, world.payroll, caller.user().id, "{view,call}").await;
    let page = caller.get(&edit).await.expect(200);
    page.submit(|form| form.set("methods", "all")).await.expect(303);
    let program = caller.get(&format!("/programs/{billing}/edit")).await;
    program.submit(|form| form.set("status", "active")).await.expect(303);
}
