//! Every form of every page, sent after its session has ended: what was typed comes back, secrets and changes do not.

use std::collections::{BTreeMap, BTreeSet};

use chrono::TimeDelta;
use connectory::drafts::is_secret;
use scraper::{ElementRef, Selector};
use uuid::Uuid;

use super::every_form::route_of;
use super::*;
use crate::support::PASSWORD;

/// What is typed into fields of secrets.
const SECRET: &str = "hush-hush";

/// A form as a person fills it in.
struct Filled {
    action: String,
    /// What was typed into fields of text, by name.
    typed: BTreeMap<String, String>,
    fields: Vec<(String, String)>,
}

fn filled(page: &Page) -> Vec<Filled> {
    page.all("form[method=post]").flat_map(|form| fill(page, form)).collect()
}

fn fill(page: &Page, form: ElementRef<'_>) -> Vec<Filled> {
    let select = |css: &str| Selector::parse(css).expect("a selector");
    let (mut typed, mut fields) = (BTreeMap::new(), Vec::new());
    for control in form.select(&select("input[name], textarea[name], select[name]")) {
        let attribute = |name| control.attr(name).unwrap_or_default().to_string();
        let name = attribute("name");
        match (control.value().name(), attribute("type").as_str()) {
            ("input", "file") => {}
            ("input", "radio") if control.attr("checked").is_none() => {}
            ("input", "password") => fields.push((name, SECRET.into())),
            // A private key of several lines.
            ("textarea", _) if is_secret(&name) => fields.push((name, SECRET.into())),
            ("input", "text") if control.attr("readonly").is_some() => fields.push((name, attribute("value"))),
            ("input", "text" | "date" | "search") => {
                let text = format!("Typed into {name}");
                typed.insert(name.clone(), text.clone());
                fields.push((name, text));
            }
            ("textarea", _) => {
                let text = format!("Typed into {name},\nin two lines");
                typed.insert(name.clone(), text.clone());
                fields.push((name, text));
            }
            ("select", _) => {
                let chosen = control.select(&select("option[selected]")).next();
                let chosen = chosen.or_else(|| control.select(&select("option")).next());
                let value = chosen.and_then(|option| option.attr("value")).unwrap_or_default();
                fields.push((name, value.into()));
            }
            _ => fields.push((name, attribute("value"))),
        }
    }
    let own = form.attr("action").unwrap_or(page.path.as_str()).to_string();
    let buttons = select("[formaction]");
    let others = form.select(&buttons).filter_map(|button| Some(button.attr("formaction")?.to_string()));
    let actions: BTreeSet<String> = std::iter::once(own).chain(others).collect();
    let actions = actions.into_iter().filter(|action| action != "/sign-out");
    actions.map(|action| Filled { action, typed: typed.clone(), fields: fields.clone() }).collect()
}

/// Routes whose form holds text and does not come back with it: keys and certificates, which are secrets, and the address
/// that an authorization server has sent somebody back to.
const WITHOUT_TEXT: [&str; 2] = ["/connectors/{key}/authorization/client-certificate", "/oauth/answers"];

#[tokio::test]
async fn sent_late_come_back_with_what_was_typed() {
    let World { app, examples, ana } = &World::new().await;
    let changes = "SELECT count(*) FROM audit_events WHERE kind NOT LIKE 'session.%'";
    let (mut seen, mut found) = (BTreeSet::new(), Vec::new());
    // Forms of people who have no session need none.
    for route in pages().filter(|route| route.needs != Needs::Nothing) {
        let path = examples.path(app, &route).await;
        for number in 0.. {
            let page = ana.get(&path).await;
            let Some(form) = filled(&page).into_iter().nth(number) else { break };
            let names: Vec<&String> = form.fields.iter().map(|(name, _)| name).collect();
            if !seen.insert(format!("{} {names:?}", route_of(&form.action))) {
                continue;
            }
            // Signing in so often is slowed down.
            app.advance(TimeDelta::minutes(5));
            app.sql("DELETE FROM sessions").await;
            let before = app.count(changes).await;
            let fields: Vec<(&str, &str)> = form.fields.iter().map(|(name, value)| (&**name, &**value)).collect();
            let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
            let request = ana.request(reqwest::Method::POST, &form.action);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let request = request.header("referer", format!("{}{path}", app.public_url)).body(body);
            let answer = ana.send(request).await.expect(303);
            let sign_in = answer.follow().await.expect(200);
            let next = sign_in.attribute("input[name=next]", "value").unwrap_or_default();
            if let Some(id) = next.strip_prefix("/drafts/") {
                let id: Uuid = id.parse().expect("an id");
                let kept = app.draft(id).await;
                if kept.contains(SECRET) {
                    found.push(format!("{}: a secret is kept: {kept}", form.action));
                }
            }
            let send = sign_in.form("/sign-in").set("username", &ana.user().username).set("password", PASSWORD);
            send.send().await.expect(303);
            let back = ana.open(&next).await;
            if app.count(changes).await != before {
                found.push(format!("{}: something was changed", form.action));
            }
            if back.status >= 400 && !matches!(back.status, 409 | 422) {
                found.push(format!("{}: {} {}", form.action, back.status, back.text()));
            }
            if !back.flash().contains("Your session had ended") && next.starts_with("/drafts/") && back.status != 409 {
                found.push(format!("{}: it does not say that it was not saved: {}", form.action, back.flash()));
            }
            if WITHOUT_TEXT.contains(&route_of(&form.action)) {
                continue;
            }
            let returned: Vec<String> = back
                .all("input, textarea")
                .map(|field| match field.value().name() {
                    "textarea" => field.text().collect(),
                    _ => field.attr("value").unwrap_or_default().to_string(),
                })
                .collect();
            for (name, text) in &form.typed {
                if !returned.iter().any(|value| value.trim() == text) {
                    found.push(format!("{}: {name} does not come back", form.action));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}
