//! Every route for every kind of person, compared with the table that was reviewed.

use actix_web::http::Method;
use chrono::TimeDelta;
use connectory::access::{Asks, Needs, Permission, PermissionSet};
use connectory::routes::{self, Route};

use Permission::{
    CreateCategories, CreateConnectors, DeleteCategories, DeleteConnectors, EditConnectors, ViewCategories,
    ViewConnectors,
};

use super::examples::Examples;
use super::member_of_nested_group;
use crate::openid::site_of_nobody;
use crate::support::{Browser, Page, TestApp};

/// The matrix as it was reviewed last.
const REVIEWED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/access.txt");

/// Set to anything, it writes the matrix anew.
const RENEW: &str = "CONNECTORY_RENEW";

/// Stands in the matrix for an answer that asks to sign in.
const SIGN_IN: &str = "in";

#[tokio::test]
async fn every_route_answers_everybody_as_reviewed() {
    let app = site_of_nobody().await;
    let examples = Examples::create(&app).await;
    let mut routes = routes::all();
    // Last, because whoever is signed out has no answers after it.
    routes.sort_by_key(|route| route.path == "/sign-out");
    let people = everybody();
    let mut columns = Vec::new();
    for person in &people {
        // Nobody's tries are counted together with those of the person before.
        app.advance(TimeDelta::minutes(10));
        columns.push(answers(&app, person, &routes, &examples).await);
    }
    let wrong = wrong_cells(&people, &routes, &columns);
    assert!(wrong.is_empty(), "answers that do not follow from what the routes need:\n{}", wrong.join("\n"));
    compare_with_reviewed(&matrix(&people, &routes, &columns));
}

/// A column of the matrix.
struct Person {
    who: String,
    /// `None`: not signed in. Else what the person may do, whatever grants it.
    may: Option<Vec<Permission>>,
    kind: Kind,
}

enum Kind {
    Nobody,
    Granted,
    ByGroup,
    SuperAdmin,
    Deactivated,
}

fn everybody() -> Vec<Person> {
    let granted =
        |who: &str, may: &[Permission]| Person { who: who.to_string(), may: Some(may.to_vec()), kind: Kind::Granted };
    let mut people = vec![
        Person { who: "nobody, not signed in".into(), may: None, kind: Kind::Nobody },
        granted("without any permission", &[]),
    ];
    people.extend(
        Permission::all().map(|permission| granted(&format!("{permission}, with what it requires"), &[permission])),
    );
    people.push(granted("viewer: both View permissions", &[ViewConnectors, ViewCategories]));
    people.push(granted(
        "editor: Create and Delete of both kinds",
        &[CreateConnectors, DeleteConnectors, CreateCategories, DeleteCategories],
    ));
    people.push(Person {
        who: "member of a group in a group with Edit Data Connectors".into(),
        may: Some(vec![EditConnectors]),
        kind: Kind::ByGroup,
    });
    people.push(Person { who: "super admin".into(), may: Some(Permission::all().collect()), kind: Kind::SuperAdmin });
    people.push(Person { who: "super admin, deactivated while signed in".into(), may: None, kind: Kind::Deactivated });
    people
}

impl Person {
    async fn arrive(&self, app: &TestApp) -> Browser {
        let Some(may) = self.may.as_deref() else {
            return self.arrive_in_vain(app).await;
        };
        let browser = match self.kind {
            Kind::ByGroup => member_of_nested_group(app, may).await,
            Kind::SuperAdmin => app.super_admin().await,
            _ => app.person(may).await,
        };
        app.confirm(&browser).await;
        browser
    }

    async fn arrive_in_vain(&self, app: &TestApp) -> Browser {
        match self.kind {
            Kind::Deactivated => {
                let browser = app.super_admin().await;
                app.sql(&format!("UPDATE users SET active = false WHERE id = '{}'", browser.user().id)).await;
                browser
            }
            _ => app.browser(),
        }
    }

    fn may(&self, permission: Permission) -> bool {
        let granted = self.may.iter().flatten().copied();
        PermissionSet::with_required(granted).contains(permission)
    }
}

/// A person's column: the answer of every route, forms being sent empty but for their CSRF token.
async fn answers(app: &TestApp, person: &Person, routes: &[Route], examples: &Examples) -> Vec<String> {
    let browser = person.arrive(app).await;
    let csrf = browser.csrf().await;
    let mut answers = Vec::new();
    for route in routes {
        let path = examples.path(app, route).await;
        let page = match route.method {
            Method::GET => browser.get(&path).await,
            Method::POST => browser.post_exactly(&path, &[("csrf", &csrf)]).await,
            ref method => {
                let method = method.as_str().parse().expect("a method");
                browser.send(browser.request(method, &path)).await
            }
        };
        answers.push(cell(&page));
    }
    answers
}

fn cell(page: &Page) -> String {
    let asks_to_sign_in = page.location().is_some_and(|location| location.starts_with("/sign-in?next="));
    if asks_to_sign_in { SIGN_IN.into() } else { page.status.to_string() }
}

/// Answers that do not follow from what the route needs and what the person may.
fn wrong_cells(people: &[Person], routes: &[Route], columns: &[Vec<String>]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (person, column) in people.iter().zip(columns) {
        for (route, answer) in routes.iter().zip(column) {
            let signed_in = person.may.is_some();
            let fits = match route.needs {
                Needs::Open | Needs::Nothing => !["in", "403"].contains(&answer.as_str()),
                // A session counts for nothing there.
                Needs::ApiKey => answer == "401",
                _ if !signed_in => answer == SIGN_IN,
                Needs::Permission(permission) if !person.may(permission) => answer == "403",
                Needs::SuperAdmin if !matches!(person.kind, Kind::SuperAdmin) => answer == "403",
                Needs::SignIn | Needs::SuperAdmin | Needs::Permission(_) => !["in", "403"].contains(&answer.as_str()),
            };
            if !fits || answer.starts_with('5') {
                wrong.push(format!("{} {} for {}: {answer}", route.method, route.path, person.who));
            }
        }
    }
    wrong
}

fn matrix(people: &[Person], routes: &[Route], columns: &[Vec<String>]) -> String {
    let mut lines =
        vec!["Every route for every kind of person: the status of the answer; “in” asks to sign in.".to_string()];
    lines.push("Forms are sent empty but for their CSRF token, so 422 means that the form was read.".into());
    lines.push("Everybody who is signed in has entered their own password a moment ago.".into());
    lines.push("The first column says of each form whether it asks for the own password again:".into());
    lines.push("“asks” always, “may” for some of what it can hold, “no” never, as routes.rs says why.".into());
    lines.push(String::new());
    lines.extend(people.iter().zip(1..).map(|(person, number)| format!("{number:>3} {}", person.who)));
    lines.push(String::new());
    let numbers: String = (1..=people.len()).map(|number| format!("{number:>4}")).collect();
    lines.push(format!("{:<61}{numbers}", ""));
    let mut rows: Vec<(usize, String)> = Vec::new();
    let shown = routes::all();
    for (index, route) in routes.iter().enumerate() {
        let place = shown.iter().position(|other| other.path == route.path && other.method == route.method);
        let cells: String = columns.iter().map(|column| format!("{:>4}", column[index])).collect();
        rows.push((
            place.expect("a route of the site"),
            format!("{:<56}{:>5}{cells}", format!("{:<4} {}", route.method.as_str(), route.path), asks(route)),
        ));
    }
    rows.sort();
    lines.extend(rows.into_iter().map(|(_, row)| row));
    lines.join("\n") + "\n"
}

fn asks(route: &Route) -> &'static str {
    match route.asks {
        _ if route.method == Method::GET => "",
        Asks::Always => "asks",
        Asks::ByHandler(_) => "may",
        Asks::Never(_) => "no",
    }
}

fn compare_with_reviewed(matrix: &str) {
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(REVIEWED, matrix).expect("the matrix is written");
        return;
    }
    let reviewed = std::fs::read_to_string(REVIEWED).unwrap_or_default();
    let gone =
        reviewed.lines().filter(|line| !matrix.lines().any(|other| other == *line)).map(|line| format!("- {line}"));
    let come =
        matrix.lines().filter(|line| !reviewed.lines().any(|other| other == *line)).map(|line| format!("+ {line}"));
    let differences: Vec<String> = gone.chain(come).collect();
    assert!(
        reviewed == matrix,
        "who may do what has changed:\n{}\nIf that is meant, write it anew with\n    {RENEW}=1 cargo test --test it access\nand let the difference be reviewed.",
        differences.join("\n")
    );
}
