//! Hostile input in the fields of every form that a page shows.

use chrono::TimeDelta;

use super::nothing_is_a_fault::VALUES;
use super::*;

/// What a form of a page sends to which addresses.
pub(super) struct Sent {
    pub actions: Vec<String>,
    pub fields: Vec<(String, String)>,
}

pub(super) fn forms_of(page: &Page) -> Vec<Sent> {
    let action = |form: scraper::ElementRef<'_>| form.attr("action").unwrap_or(page.path.as_str()).to_string();
    let controls = scraper::Selector::parse("[name]").expect("a selector");
    let buttons = scraper::Selector::parse("[formaction]").expect("a selector");
    let read = |form: scraper::ElementRef<'_>| Sent {
        actions: std::iter::once(action(form))
            .chain(form.select(&buttons).filter_map(|button| Some(button.attr("formaction")?.to_string())))
            .collect(),
        fields: form
            .select(&controls)
            .map(|control| {
                let attribute = |name| control.attr(name).unwrap_or_default().to_string();
                (attribute("name"), attribute("value"))
            })
            .collect(),
    };
    page.all("form[method=post]").map(read).collect()
}

/// The ways in which the fields of a form are made wrong: every value everywhere, and each field alone gone or twice.
fn wrong_fields(fields: &[(String, String)]) -> Vec<Vec<(String, String)>> {
    let is_own = |name: &str| name != "csrf";
    // Of a form with a wrong version nothing else is looked at; one that has nothing else would do what it is for.
    let has_more = fields.iter().any(|(name, _)| is_own(name) && name != "version");
    let mut all = Vec::new();
    for hostile in VALUES {
        let change = |(name, value): &(String, String)| {
            let stays = !is_own(name) || has_more && name == "version";
            let value = if stays { value } else { hostile };
            (name.clone(), value.to_string())
        };
        all.push(fields.iter().map(change).collect());
    }
    for (at, (name, value)) in fields.iter().enumerate().filter(|(_, field)| is_own(&field.0)) {
        let mut without = fields.to_vec();
        without.remove(at);
        all.push(without);
        let mut hostile = fields.to_vec();
        hostile[at].1 = format!("{value}<xss>\u{202e}");
        all.push(hostile);
        let mut twice = fields.to_vec();
        twice.insert(at, (name.clone(), "<xss>".into()));
        all.push(twice);
    }
    all
}

/// The path of the route that takes a form sent to `action`: of those that fit the one with the fewest variables.
pub(super) fn route_of(action: &str) -> &'static str {
    let path = action.split(['?', '#']).next().unwrap_or_default();
    let fits = |pattern: &str| {
        let (mut wanted, mut there) = (pattern.split('/'), path.split('/'));
        loop {
            match (wanted.next(), there.next()) {
                (None, None) => return true,
                (Some(want), Some(is)) if want.starts_with('{') || want == is => {}
                _ => return false,
            }
        }
    };
    let posts = routes::all().into_iter();
    let posts = posts.filter(|route| route.method == Method::POST && fits(route.path));
    let found = posts.min_by_key(|route| route.path.matches('{').count());
    found.map_or_else(|| panic!("no route takes {action}"), |route| route.path)
}

/// Routes whose forms no page shows here: to somebody who is signed in, without the state that they end (a token, a
/// waiting answer, another session), or once the forms before have done what they are for. `pages::hostile` sends wrong
/// fields to each of them.
const NOT_SHOWN: [&str; 32] = [
    "/first-run",
    "/sign-in",
    "/sign-in/attempts",
    "/connectors/{key}/restorations",
    "/connectors/{key}/authorization/token",
    "/connectors/{key}/authorization/token-renewals",
    "/connectors/{key}/authorization/attempts",
    "/connectors/{key}/authorization/callback",
    "/connectors/{key}/authorization/answers",
    "/connectors/{key}/authorization/device",
    "/connectors/{key}/authorization/device/cancellation",
    "/oauth/callback",
    "/connectors/{key}/authorization/disconnections",
    "/connectors/{key}/authorization/approvals",
    "/connectors/{key}/authorization/token-reveals",
    "/categories/{id}/delete",
    "/notices/tests",
    "/profile/sessions/{session}/sign-outs",
    "/profile/sign-outs",
    "/profile/provider/removals",
    "/users/{id}/reactivations",
    "/users/{id}/sessions/{session}/sign-outs",
    "/users/{id}/groups",
    "/users/{id}/group-removals",
    "/groups/{id}/removals",
    "/set-password/password",
    "/profile/keys/{key}",
    "/profile/keys/{key}/revocation",
    "/profile/keys/{key}/replacement",
    "/profile/keys/{key}/connectors",
    "/profile/keys/{key}/connectors/{connector}",
    "/profile/keys/{key}/connectors/{connector}/removal",
];

#[tokio::test]
async fn in_the_fields_of_every_form() {
    let World { app, examples, ana } = &World::new().await;
    let mut found = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut reached = std::collections::BTreeSet::from(["/sign-out"]);
    for route in pages() {
        let path = examples.path(app, &route).await;
        for (number, form) in forms_of(&ana.get(&path).await).into_iter().enumerate() {
            for action in form.actions.iter().filter(|action| *action != "/sign-out") {
                reached.insert(route_of(action));
                // The same form at another example is sent once.
                let pattern = action.replace(|letter: char| letter.is_ascii_digit(), "");
                let names: Vec<&String> = form.fields.iter().map(|(name, _)| name).collect();
                if !seen.insert(format!("{pattern} {names:?}")) {
                    continue;
                }
                let mut fresh = form.fields.clone();
                for variant in 0..wrong_fields(&fresh).len() {
                    app.advance(TimeDelta::seconds(31));
                    // Nothing is left to be sent of a form that has fewer fields now.
                    let Some(fields) = wrong_fields(&fresh).into_iter().nth(variant) else {
                        break;
                    };
                    let sent: Vec<(&str, &str)> =
                        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                    let page = ana.post_exactly(action, &sent).await;
                    found.extend(wrong(&page, &format!("{sent:?}")));
                    // What was saved has another version: without it all that follows would be a conflict and no bad
                    // input.
                    if page.status != 422 {
                        let again = forms_of(&ana.get(&path).await).into_iter().nth(number);
                        let same = again.filter(|again| again.actions.contains(action));
                        fresh = same.map_or(fresh, |same| same.fields);
                    }
                }
            }
        }
    }
    let posts = routes::all().into_iter();
    let posts =
        posts.filter(|route| route.method == Method::POST && route.needs != Needs::ApiKey).map(|route| route.path);
    let missed: Vec<&str> = posts.filter(|path| !reached.contains(path)).collect();
    assert_eq!(missed, NOT_SHOWN);
    assert_eq!(ana.get("/connectors").await.status, 200, "still signed in");
    assert!(found.is_empty(), "{}", found.join("\n"));
}
