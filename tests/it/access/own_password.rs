//! Every route that gives power asks for the own password again, and nothing typed is lost on the way.

use chrono::TimeDelta;
use connectory::access::{Asks, OWN_PASSWORD, Permission};
use connectory::routes::{self, Route};
use uuid::Uuid;

use super::examples::Examples;
use super::group;
use crate::openid::site_of_nobody;
use crate::support::{Browser, FormFill, PASSWORD, Page, TestApp};

const WRONG: &str = "\"><script>alert(2)</script> of nobody";

/// The form of a route, filled in so that sending it has an effect.
async fn filled(world: &World, route: &Route) -> FormFill {
    let World { app, ana, .. } = world;
    let path = world.examples.path(app, route).await;
    let (own, parent) = (ana.user().id, path.rsplit_once('/').expect("a path").0);
    let name = format!("Meters {}", Uuid::now_v7().simple());
    let form = async |page: &str| ana.get(page).await.expect(200).form(&path);
    let box_of = |page: &Page, css: &str| {
        let attribute = |name| page.attribute(css, name).expect("a box");
        (attribute("name"), attribute("value"))
    };
    match route.path {
        "/users" => {
            let form = form("/users/new").await.set("username", &name[7..27]);
            form.set("full_name", &name)
        }
        "/users/{id}" | "/groups/{id}" => form(&path).await.tick("permission", "view-data-connectors"),
        "/users/{id}/super-admin" | "/users/{id}/invitations" | "/connectors/{key}/authorization/token-reveals" => {
            form(&path).await
        }
        "/connectors/{key}/authorization/approvals" => {
            // An endpoint on another server, which came after the token.
            let host = format!("https://{}.example.net", Uuid::now_v7().simple());
            let key = path.split('/').nth(2).expect("the key");
            app.sql(&format!(
                "INSERT INTO endpoints (id, connector_id, name, name_key, method, url, created_at, created_by, updated_at, updated_by)
                 SELECT gen_random_uuid(), id, '{name}', '{name}', 'GET', '{host}/x', now(), 'Ana', now(), 'Ana' FROM connectors WHERE key = '{key}'"
            ))
            .await;
            form(&path).await.tick("origin", &host)
        }
        "/users/{id}/reactivations" => {
            app.sql(&format!("UPDATE users SET active = false WHERE '{path}' LIKE '%' || id || '%'")).await;
            form(parent).await
        }
        "/users/{id}/groups" => {
            let group = group(app, &name).await;
            let form = form(&format!("{path}/new")).await;
            form.tick("group", &group.to_string())
        }
        "/groups" => form("/groups/new").await.set("group_name", &name),
        "/groups/{id}/members" | "/connectors/{key}/access/additions" => {
            // Somebody who is not listed yet.
            app.user(&[]).await;
            let shown = if route.path.starts_with("/groups") { format!("{path}/new") } else { path.clone() };
            let page = ana.get(&shown).await.expect(200);
            let (name, value) = box_of(&page, "input[name=member]");
            let mut forms = page.all_forms(&path).into_iter();
            // Not the search above it.
            let form = forms.find(|form| form.value("csrf").is_some());
            form.expect("a form").tick(&name, &value)
        }
        "/connectors/{key}/access" => {
            let page = ana.get(&path).await.expect(200);
            let (name, _) = box_of(&page, "main form input[type=checkbox]");
            let form = page.form(&path);
            if page.ticked(&name).contains(&"authorize".to_string()) {
                form.untick(&name, "authorize")
            } else {
                form.tick(&name, "authorize")
            }
        }
        "/connectors/{key}/restorations" => form("/connectors/trash?size=100").await,
        "/audit/exports" => form("/audit").await.press("Export as CSV"),
        "/programs" => form("/programs/new").await.set("program_name", &name),
        "/programs/{program}" => {
            let form = form(&format!("{path}/edit")).await;
            form.set("description", &name)
        }
        "/programs/{program}/keys" | "/profile/keys" => {
            let form = form(&format!("{path}/new")).await;
            form.set("key_name", &name)
        }
        "/programs/{program}/keys/{key}" => {
            let form = form(&format!("{path}/edit")).await;
            form.set("key_name", &name)
        }
        "/programs/{program}/keys/{key}/connectors/{connector}" => form(&path).await.tick("proxy", "yes"),
        "/programs/{program}/keys/{key}/replacement" => form(&path).await,
        "/programs/{program}/keys/{key}/connectors" => {
            app.sql("DELETE FROM api_key_scopes").await;
            form(&format!("{path}?connector=payroll")).await
        }
        "/profile/keys/{key}/replacement" => {
            make_own(app, own, &path).await;
            form(&path).await
        }
        "/profile/keys/{key}/connectors" => {
            make_own(app, own, &path).await;
            app.sql("DELETE FROM api_key_scopes").await;
            form(&format!("{path}?connector=payroll")).await
        }
        "/profile/keys/{key}" => {
            make_own(app, own, &path).await;
            let form = form(&format!("{path}/edit")).await;
            form.set("key_name", &name)
        }
        "/profile/keys/{key}/connectors/{connector}" => {
            make_own(app, own, &path).await;
            form(&path).await.tick("proxy", "yes")
        }
        "/profile/provider/removals" => {
            app.sql(&format!("INSERT INTO identities (id, user_id, issuer, subject, created_at) VALUES (gen_random_uuid(), '{own}', 'http://127.0.0.1:1', 'ana', now()) ON CONFLICT DO NOTHING")).await;
            form("/profile/provider").await
        }
        path => panic!("{path} asks for the own password: say here how its form is filled in"),
    }
}

/// Gives the key in this path to a person.
async fn make_own(app: &TestApp, person: Uuid, path: &str) {
    app.sql(&format!(
        "UPDATE api_keys SET program_id = NULL, user_id = '{person}' WHERE '{path}' LIKE '%' || id || '%'"
    ))
    .await;
}

struct World {
    app: TestApp,
    examples: Examples,
    ana: Browser,
}

impl World {
    async fn new() -> World {
        let app = site_of_nobody().await;
        let examples = Examples::create(&app).await;
        let connector = app.value("SELECT id FROM connectors").await;
        let connector = connector.parse().expect("an id");
        app.store_token(connector, "a token", None).await;
        let ana = app.super_admin().await;
        World { app, examples, ana }
    }

    /// Lets the own password have been entered so long ago, or never.
    async fn confirmed(&self, ago: Option<TimeDelta>) {
        let at = ago.map(|ago| format!("'{}'", (self.app.clock.now() - ago).to_rfc3339()));
        let at = at.unwrap_or("NULL".into());
        let sql = format!("UPDATE sessions SET confirmed_at = {at}");
        self.app.sql(&sql).await;
    }

    /// A digest of all that is stored, but for sessions.
    async fn stored(&self) -> String {
        let tables =
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'sessions' ORDER BY 1";
        let tables = self.app.rows(tables).await;
        let digests: Vec<String> = tables
            .concat()
            .iter()
            .map(|table| format!("(SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t)"))
            .collect();
        let digests = digests.join(", ");
        self.app.value(&format!("SELECT concat_ws(' ', {digests})")).await
    }
}

#[tokio::test]
async fn every_route_that_gives_power_asks_for_the_own_password_again() {
    let world = World::new().await;
    let mut wrong = Vec::new();
    let mut note = |route: &Route, words: &str, page: &Page| {
        let heading = format!("{} {}", page.status, page.h1());
        wrong.push(format!("{} {words}: {heading}", route.path));
    };
    let all = routes::all();
    let asking: Vec<&Route> = all.iter().filter(|route| route.asks == Asks::Always).collect();
    assert!(asking.len() >= 23, "{}", asking.len());
    for route in asking {
        // No try waits for another.
        world.app.advance(TimeDelta::minutes(1));
        for ago in [None, Some(TimeDelta::minutes(16))] {
            world.confirmed(ago).await;
            let form = filled(&world, route).await;
            let before = world.stored().await;
            let page = form.send_once().await;
            if !page.asks_for_own_password() || world.stored().await != before {
                note(route, &format!("does not ask, entered {ago:?} ago"), &page);
            }
            // The page that asks does what was wanted.
            let page = page.with_own_password().await;
            if page.status >= 400 || world.stored().await == before {
                note(route, "does nothing after the password", &page);
            }
        }
        world.confirmed(Some(TimeDelta::minutes(14))).await;
        let form = filled(&world, route).await;
        let before = world.stored().await;
        let page = form.send_once().await;
        if page.status >= 400 || world.stored().await == before {
            note(route, "does nothing, the password just entered", &page);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The fields that the page carries, but for the CSRF token.
fn carried(page: &Page) -> Vec<(String, String)> {
    let hidden = page.all("main form input[type=hidden]");
    let attribute = |input: &scraper::ElementRef<'_>, name| input.attr(name).unwrap_or_default().to_string();
    let fields = hidden.map(|input| (attribute(&input, "name"), attribute(&input, "value")));
    fields.filter(|(name, _)| name != "csrf").collect()
}

#[tokio::test]
async fn the_page_that_asks_carries_everything_that_was_typed() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let csrf = ana.csrf().await;
    let long = "Wherever a ship can come alongside. ".repeat(3_000);
    let description = "One \"line\" & <b>another</b>\nand 'a third'";
    let typed = [
        ("group_name", " Street works "),
        ("description", description),
        ("permission", "view-activity"),
        ("permission", "view-audit-log"),
        ("empty", ""),
        ("long", &long),
        ("\"><script>alert(1)</script>", "' autofocus onfocus=alert(1) \""),
        ("name", "\u{202e}𝒶 + % &amp;"),
    ];
    let sent: Vec<(&str, &str)> = [("csrf", csrf.as_str())].into_iter().chain(typed).collect();
    let typed = typed.map(|(name, value)| (name.to_string(), value.to_string()));
    let page = ana.post_exactly("/groups", &sent).await.expect(422);
    assert!(page.asks_for_own_password() && page.errors().is_empty());
    assert_eq!(carried(&page), typed);
    assert_eq!(page.header("cache-control"), "no-store");

    let form = page.form("/groups").set(OWN_PASSWORD, WRONG);
    let page = form.send_once().await.expect(422);
    let message = "This is not your password".to_string();
    assert_eq!(page.errors(), [(OWN_PASSWORD.to_string(), message)]);
    assert_eq!(carried(&page), typed);
    assert_eq!(page.field_value(OWN_PASSWORD), "");
    assert!(!page.html.contains(WRONG) && !page.html.contains("<script>alert"));
    assert_eq!(page.all("main form input[name=csrf]").count(), 1);
    assert_eq!(app.count("SELECT count(*) FROM groups").await, 0);

    page.with_own_password().await.expect(303);
    let stored = "SELECT name, description FROM groups";
    assert_eq!(app.rows(stored).await, [["Street works", description]]);
    let permissions = "SELECT string_agg(permission, ' ' ORDER BY permission) FROM group_permissions";
    let permissions = app.value(permissions).await;
    assert!(permissions.contains("view-activity") && permissions.contains("view-audit-log"), "{permissions}");
}

#[tokio::test]
async fn what_is_wrong_in_the_form_is_said_after_the_password() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let page = ana.get("/groups/new").await;
    let page = page.submit(|form| form.set("description", "Kept")).await.expect(422);
    assert_eq!(page.field_error("group_name").as_deref(), Some("Enter a name"));
    assert_eq!(page.field_value("description"), "Kept");
    let form = page.form("/groups").set("group_name", "Finance");
    form.send_once().await.expect(303);
}

#[tokio::test]
async fn the_own_password_counts_with_the_right_csrf_token_only() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    for csrf in ["", "wrong"] {
        let fields = [("csrf", csrf), ("group_name", "Finance"), (OWN_PASSWORD, PASSWORD)];
        let page = ana.post_exactly("/groups", &fields).await.expect(403);
        assert_eq!(page.h1(), "This form is out of date");
    }
    let confirmed = "SELECT count(*) FROM sessions WHERE confirmed_at IS NOT NULL";
    assert_eq!(app.count(confirmed).await, 0);
    assert_eq!(app.count("SELECT count(*) FROM groups").await, 0);
    // Nor does anybody hold memory with more than a form may have.
    let long = "x".repeat(1100 * 1024);
    ana.post("/groups", &[("group_name", &long)]).await.expect(413);
}

#[tokio::test]
async fn who_may_not_is_refused_and_not_asked() {
    let app = TestApp::start().await;
    let ben = app.person(&[Permission::ViewConnectors]).await;
    let fields = [("group_name", "Finance"), (OWN_PASSWORD, PASSWORD)];
    ben.post("/groups", &fields).await.expect(403);
    let page = app.browser().post("/groups", &fields).await.expect(303);
    assert!(page.location().is_some_and(|at| at.starts_with("/sign-in")));
    let confirmed = "SELECT count(*) FROM sessions WHERE confirmed_at IS NOT NULL";
    assert_eq!(app.count(confirmed).await, 0);
}

#[tokio::test]
async fn guessing_the_own_password_is_slowed_down_over_all_routes() {
    let app = TestApp::start().await;
    let (ana, ben) = (app.super_admin().await, app.super_admin().await);
    let send = async |who: &Browser, path: &str, password: &str| {
        let name = &who.user().name;
        let fields = [("group_name", name.as_str()), (OWN_PASSWORD, password)];
        who.post(path, &fields).await.status
    };
    let mut statuses = Vec::new();
    for _ in 0..5 {
        for path in ["/groups", "/programs"] {
            statuses.push(send(&ana, path, WRONG).await);
        }
    }
    assert_eq!(statuses.first(), Some(&422));
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
    assert_eq!(send(&ana, "/groups", PASSWORD).await, 429);
    assert_eq!(send(&ben, "/groups", PASSWORD).await, 303);
    app.advance(TimeDelta::seconds(31));
    assert_eq!(send(&ana, "/groups", PASSWORD).await, 303);
}

#[tokio::test]
async fn no_page_shows_or_carries_the_own_password() {
    let app = TestApp::start().await;
    let ana = app.super_admin().await;
    let group = group(&app, "Finance").await;
    let path = format!("/groups/{group}");
    for is_confirmed in [false, true] {
        let page = ana.get(&path).await.expect(200);
        app.sql("UPDATE groups SET version = version + 1, description = description || '!'").await;
        // The second time the session is confirmed already, as after a double click.
        let form = page.form(&path).set("description", "Mine");
        let page = form.forge(OWN_PASSWORD, PASSWORD).send_once().await;
        let page = page.expect(409);
        assert!(!page.html.contains(PASSWORD) && !page.html.contains(OWN_PASSWORD), "confirmed before: {is_confirmed}");
        assert!(page.html.contains("Mine"));
    }
}
