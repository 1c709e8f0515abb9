//! Every form that changes something stored names the version that it was made from, and with another one it saves
//! nothing.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::every_form::{forms_of, route_of};
use super::*;
use crate::support::FormFill;
use crate::support::hostile::Issued;

/// A form that changes something stored.
pub(super) struct Versioned {
    /// The route that takes it.
    pub route: &'static str,
    page: String,
    action: String,
    /// The row whose version it names.
    pub table: &'static str,
    pub row: String,
    /// Makes a change of its own.
    change: fn(FormFill) -> FormFill,
}

impl Versioned {
    /// The column of the version.
    pub fn column(&self) -> &'static str {
        match self.route {
            "/connectors/{key}/access" => "access_version",
            _ => "version",
        }
    }

    pub async fn open(&self, ana: &Browser) -> FormFill {
        let page = ana.get(&self.page).await.expect(200);
        (self.change)(page.form(&self.action))
    }

    pub async fn version(&self, app: &TestApp) -> String {
        let Versioned { table, row, .. } = self;
        let version = format!("SELECT {} FROM {table} WHERE {row}", self.column());
        app.value(&version).await
    }
}

pub(super) const AUTHORIZATION: &str = "/connectors/{key}/authorization";

/// All of them; those that delete come last, because they are sent in this order.
pub(super) async fn versioned(world: &World) -> Vec<Versioned> {
    let World { app, examples, ana } = world;
    let at = |id: &str| format!("id = '{id}'");
    let id_in = |path: &str| path.rsplit('/').next().expect("an id").to_string();
    let posts = routes::all().into_iter();
    let posts: Vec<Route> = posts.filter(|route| route.method == Method::POST).collect();
    let path = async |wanted: &str| {
        let route = posts.iter().find(|route| route.path == wanted);
        examples.path(app, route.expect("a route")).await
    };
    let connector = app.value("SELECT id FROM connectors WHERE key = 'payroll'").await;
    let (category, program) = (path("/categories/{id}").await, path("/programs/{program}").await);
    let (user, group) = (path("/users/{id}").await, path("/groups/{id}").await);
    let endpoint = path("/connectors/{key}/endpoints/{id}").await;
    let key = path("/programs/{program}/keys/{key}").await;
    let record = path("/collections/{key}/records/{id}").await;
    let own = format!("/profile/keys/{}", own_key(app, ana).await);
    let mut all = Vec::new();
    let mut add = |route, page: String, action: &str, (table, row), change| {
        let action = action.to_string();
        all.push(Versioned { route, page, action, table, row, change });
    };
    add("/profile", "/profile".into(), "/profile", ("users", at(&ana.user().id.to_string())), |form| {
        form.set("full_name", "Mine")
    });
    add("/users/{id}", user.clone(), &user, ("users", at(&id_in(&user))), |form| form.set("full_name", "Mine"));
    add("/groups/{id}", group.clone(), &group, ("groups", at(&id_in(&group))), |form| form.set("description", "Mine"));
    add("/categories/{id}", format!("{category}/edit"), &category, ("categories", at(&id_in(&category))), |form| {
        form.set("category_name", "Mine")
    });
    let books = "/collections/books/edit";
    add("/collections/{key}/edit", books.into(), books, ("connectors", "key = 'books'".into()), |form| {
        form.set("description", "Mine")
    });
    let record_row = ("records", at(&id_in(&record)));
    add("/collections/{key}/records/{id}", record.clone(), &record, record_row, |form| form.set("json", "{}"));
    add("/programs/{program}", format!("{program}/edit"), &program, ("programs", at(&id_in(&program))), |form| {
        form.set("description", "Mine")
    });
    for (route, key, scope) in [
        ("/programs/{program}/keys/{key}", key, "/programs/{program}/keys/{key}/connectors/{connector}"),
        ("/profile/keys/{key}", own, "/profile/keys/{key}/connectors/{connector}"),
    ] {
        let (id, way) = (id_in(&key), format!("{key}/connectors/payroll"));
        let row = format!("api_key_id = '{id}' AND connector_id = '{connector}'");
        add(scope, way.clone(), &way, ("api_key_scopes", row), |form| form.forge("proxy", "yes"));
        add(route, format!("{key}/edit"), &key, ("api_keys", at(&id)), |form| form.set("key_name", "Mine"));
    }
    add(
        "/connectors/{key}/access",
        "/connectors/payroll/access".into(),
        "/connectors/payroll/access",
        ("connectors", at(&connector)),
        |form| form.untick("everybody", "authorize"),
    );
    add(
        AUTHORIZATION,
        "/connectors/payroll/authorization".into(),
        "/connectors/payroll/authorization",
        ("authorizations", format!("connector_id = '{connector}'")),
        |form| form.set("time_out", "17"),
    );
    add(
        "/connectors/{key}/authorization/further-secrets",
        "/connectors/payroll/authorization/further-secrets".into(),
        "/connectors/payroll/authorization/further-secrets",
        ("authorizations", format!("connector_id = '{connector}'")),
        |form| form.set("further_name", "X-Mine").set("value", "mine"),
    );
    add(
        "/connectors/{key}/authorization/client-certificate",
        "/connectors/payroll/authorization/client-certificate".into(),
        "/connectors/payroll/authorization/client-certificate",
        ("authorizations", format!("connector_id = '{connector}'")),
        |form| {
            let client = Issued::self_signed("mine");
            form.set("pem", &format!("{}{}", client.certificate_pem, client.key_pem))
        },
    );
    add(
        "/connectors/{key}/endpoints/{id}",
        endpoint.clone(),
        &endpoint,
        ("endpoints", at(&id_in(&endpoint))),
        |form| form.set("description", "Mine"),
    );
    add(
        "/connectors/{key}/details",
        "/connectors/payroll/details".into(),
        "/connectors/payroll/details",
        ("connectors", at(&connector)),
        |form| form.set("display_name", "Mine"),
    );
    for (route, address, table, row) in [
        ("/connectors/{key}/endpoints/{id}/delete", format!("{endpoint}/delete"), "endpoints", at(&id_in(&endpoint))),
        ("/collections/{key}/records/{id}/delete", format!("{record}/delete"), "records", at(&id_in(&record))),
        ("/programs/{program}/delete", format!("{program}/delete"), "programs", at(&id_in(&program))),
        ("/connectors/{key}/delete", "/connectors/payroll/delete".into(), "connectors", at(&connector)),
    ] {
        add(route, address.clone(), &address, (table, row), |form| form);
    }
    all
}

/// A key of her own that leads to Payroll.
async fn own_key(app: &TestApp, ana: &Browser) -> Uuid {
    let (id, user) = (Uuid::now_v7(), ana.user().id);
    app.sql(&format!(
        "INSERT INTO api_keys (id, hash, prefix, name, user_id, created_at, created_by) VALUES ('{id}', '{id}', 'cty_y', 'Own', '{user}', now(), '');
         INSERT INTO api_key_scopes (id, api_key_id, connector_id) SELECT gen_random_uuid(), '{id}', id FROM connectors WHERE key = 'payroll'"
    ))
    .await;
    id
}

/// A world in which nobody is asked for the own password once more.
pub(super) async fn confirmed() -> World {
    let world = World::new().await;
    let confirm = "UPDATE sessions SET confirmed_at = now()";
    world.app.sql(confirm).await;
    world
}

/// Every row of the database but sessions, which tell when they were last used.
async fn everything(app: &TestApp) -> Vec<Vec<String>> {
    let tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'sessions'";
    let tables = app.rows(tables).await.into_iter().flatten();
    let rows = tables.map(|table| format!("SELECT '{table}', t::text FROM {table} t"));
    let rows: Vec<String> = rows.collect();
    let rows = format!("{} ORDER BY 1, 2", rows.join(" UNION ALL "));
    app.rows(&rows).await
}

/// Routes whose forms need not say what they were made from, by why that is.
const WITHOUT: [(&str, &[&str]); 6] = [
    (
        "has a test of its own, because what was approved is no longer on the page: api::origins",
        &["/connectors/{key}/authorization/approvals"],
    ),
    (
        "makes something new",
        &[
            "/audit/exports",
            "/categories",
            "/checks",
            "/collections",
            "/collections/{key}/exports",
            "/collections/{key}/imports",
            "/collections/{key}/records",
            "/connectors",
            "/connectors/templates/{id}",
            "/connectors/{key}/checks",
            "/connectors/{key}/duplicates",
            "/connectors/{key}/template",
            "/connectors/{key}/endpoints",
            "/first-run",
            "/groups",
            "/profile/keys",
            "/profile/keys/{key}/replacement",
            "/programs",
            "/programs/{program}/keys",
            "/programs/{program}/keys/{key}/replacement",
            "/users",
            "/users/{id}/invitations",
        ],
    ),
    (
        "adds, ends or takes away just what it names, whatever there is besides",
        &[
            "/connectors/{key}/access/additions",
            "/groups/{id}/members",
            "/groups/{id}/removals",
            "/profile/keys/{key}/connectors",
            "/profile/keys/{key}/connectors/{connector}/removal",
            "/profile/sessions/{session}/sign-outs",
            "/programs/{program}/keys/{key}/connectors",
            "/programs/{program}/keys/{key}/connectors/{connector}/removal",
            "/users/{id}/group-removals",
            "/users/{id}/groups",
            "/users/{id}/sessions/{session}/sign-outs",
        ],
    ),
    (
        "brings the whole thing to a state that it names, whatever it was like",
        &[
            "/categories/{id}/delete",
            "/checks/{run}/cancellation",
            "/collections/{key}/imports/{id}/cancellation",
            "/connectors/{key}/authorization/device/cancellation",
            "/connectors/{key}/checks/schedule",
            "/connectors/templates/{id}/delete",
            "/connectors/{key}/restorations",
            "/groups/{id}/delete",
            "/profile/keys/{key}/revocation",
            "/profile/provider/removals",
            "/profile/sign-outs",
            "/programs/{program}/keys/{key}/revocation",
            "/sign-out",
            "/users/{id}/deactivations",
            "/users/{id}/delete",
            "/users/{id}/disconnections",
            "/users/{id}/reactivations",
            "/users/{id}/sign-outs",
            "/users/{id}/super-admin",
        ],
    ),
    (
        "is for whoever knows a secret, and compares that",
        &[
            "/profile/password",
            "/profile/provider/attempts",
            "/set-password",
            "/set-password/password",
            "/sign-in",
            "/sign-in/attempts",
        ],
    ),
    (
        "asks another server, with settings that are compared again where its answer is stored",
        &[
            "/connectors/{key}/authorization/answers",
            "/connectors/{key}/authorization/attempts",
            "/connectors/{key}/authorization/callback",
            "/connectors/{key}/authorization/device",
            "/connectors/{key}/authorization/disconnections",
            "/connectors/{key}/authorization/token",
            "/connectors/{key}/authorization/token-renewals",
            "/connectors/{key}/authorization/token-requests",
            "/connectors/{key}/authorization/token-reveals",
            "/connectors/{key}/endpoints/{id}/runs",
            "/notices/tests",
            "/oauth/answers",
            "/oauth/callback",
        ],
    ),
];

#[tokio::test]
async fn every_form_that_changes_something_stored_names_its_version() {
    let world = &confirmed().await;
    let table = versioned(world).await;
    let versioned: BTreeSet<&str> = table.iter().map(|form| form.route).collect();
    let World { app, examples, ana } = world;
    let own = own_key(app, ana).await.to_string();
    let mut found = BTreeSet::new();
    for route in pages() {
        let path = match route.path.strip_prefix("/profile/keys/{key}") {
            Some(rest) => format!("/profile/keys/{own}{rest}").replace("{connector}", "payroll"),
            None => examples.path(app, &route).await,
        };
        for form in forms_of(&ana.get(&path).await) {
            if form.fields.iter().any(|(name, _)| name == "version") {
                found.insert(route_of(&form.actions[0]));
            }
        }
    }
    assert_eq!(found, versioned, "add what is new to the table");
    let without = WITHOUT.iter().flat_map(|(_, routes)| routes.iter().copied());
    let without: BTreeSet<&str> = without.collect();
    let posts = routes::all().into_iter();
    let posts = posts.filter(|route| route.method == Method::POST && route.needs != Needs::ApiKey);
    let posts: BTreeSet<&str> = posts.map(|route| route.path).collect();
    let known: BTreeSet<&str> = versioned.union(&without).copied().collect();
    assert_eq!(known, posts, "does the form name a version, and why not?");
    assert!(versioned.is_disjoint(&without));
}

#[tokio::test]
async fn a_forged_version_saves_nothing() {
    let world = &confirmed().await;
    let World { app, ana, .. } = world;
    for form in versioned(world).await {
        // No version of the table is the first one.
        app.sql(&format!("UPDATE {} SET {} = 7 WHERE {}", form.table, form.column(), form.row)).await;
        let before = everything(app).await;
        let forged = [
            "",
            "0",
            "-1",
            "-7",
            "6",
            "8",
            "1007",
            "2147483647",
            "2147483655",
            "99999999999999999999",
            "x",
            "7.0",
            " 7",
        ];
        for version in forged {
            let sent = form.open(ana).await.forge("version", version).send().await;
            assert_eq!(sent.status, 409, "{} “{version}”: {}", form.route, sent.text());
        }
        let sent = form.open(ana).await.without("version").send().await;
        assert_eq!(sent.status, 409, "{}: {}", form.route, sent.text());
        assert_eq!(everything(app).await, before, "{}", form.route);
        let sent = form.open(ana).await.send().await;
        assert_eq!(sent.status, 303, "{}: {}", form.route, sent.text());
        assert_ne!(form.version(app).await, "7", "{}", form.route);
    }
}
