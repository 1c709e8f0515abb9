//! What “Who can use it, and why” says is what everybody can do: for every pair of person and connector, and every
//! right.

use connectory::connectors::Method;
use serde_json::Value;
use uuid::Uuid;

use super::*;
use crate::support::{Browser, Page};

/// Four digits of nothing in particular, the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }

    fn happens(&mut self, one_in: u64) -> bool {
        self.roll(one_in) == 0
    }
}

const PERMISSIONS: [&str; 3] = ["view-data-connectors", "call-data-connectors", "edit-data-connectors"];

const RIGHTS: [&str; 4] = ["View", "Call", "Edit", "Authorize"];

/// Sets of rights as the database takes them.
const SETS: [&str; 6] =
    ["{view}", "{view,call}", "{view,edit}", "{view,authorize}", "{view,call,edit}", "{view,call,edit,authorize}"];

/// People, groups in groups and connectors, all connected at random.
struct World {
    app: TestApp,
    people: Vec<Browser>,
    connectors: Vec<(Uuid, String)>,
}

impl World {
    async fn new(seed: u64) -> World {
        let app = TestApp::start().await;
        let mut dice = Dice(seed);
        let mut groups = Vec::new();
        for number in 0..6 {
            let id = group(&app, &format!("Group {number}")).await;
            for permission in PERMISSIONS {
                if dice.happens(4) {
                    grant(&app, "group", id, permission).await;
                }
            }
            for outer in &groups {
                if dice.happens(4) {
                    app.sql(&format!(
                        "INSERT INTO group_groups (group_id, member_group_id) VALUES ('{outer}', '{id}')"
                    ))
                    .await;
                }
            }
            groups.push(id);
        }
        let mut people = vec![app.super_admin().await];
        for _ in 0..7 {
            let person = app.person(&[]).await;
            for permission in PERMISSIONS {
                if dice.happens(2) {
                    grant(&app, "user", person.user().id, permission).await;
                }
            }
            for group in &groups {
                if dice.happens(5) {
                    put_into(&app, person.user().id, *group).await;
                }
            }
            people.push(person);
        }
        let mut connectors = Vec::new();
        for number in 0..7 {
            let bearer = |new: &mut connectory::connectors::NewConnector| new.method = Method::Bearer;
            let id = app.connector_with(&format!("Connector {number}"), bearer).await;
            if number > 0 {
                let open = match dice.roll(8) {
                    set @ 0..6 => SETS[set as usize],
                    _ => "{}",
                };
                open_for(&app, id, open).await;
            }
            for person in &people {
                if dice.happens(4) {
                    list(&app, id, person.user().id, SETS[dice.roll(6) as usize]).await;
                }
            }
            for group in &groups {
                if dice.happens(6) {
                    list_group(&app, id, *group, SETS[dice.roll(6) as usize]).await;
                }
            }
            connectors.push((id, format!("connector-{number}")));
        }
        World { app, people, connectors }
    }
}

async fn grant(app: &TestApp, kind: &str, id: Uuid, permission: &str) {
    app.sql(&format!("INSERT INTO {kind}_permissions ({kind}_id, permission) VALUES ('{id}', '{permission}')")).await;
}

/// Whether the page for which a right is needed opens.
async fn opens(person: &Browser, connector: &str, right: &str) -> bool {
    let address = match right {
        "View" => "",
        "Call" => "/run-bodies/none",
        "Edit" => "/endpoints/new",
        _ => "/authorization/token-requests",
    };
    let page = person.get(&format!("/connectors/{connector}{address}")).await;
    match page.status {
        200 | 303 => true,
        403 | 404 => false,
        other => panic!("{other} at {}", page.path),
    }
}

/// What the page says of somebody: a right, and Yes or No.
fn said(page: &Page, username: &str) -> Vec<bool> {
    let rows = page.rows();
    let row = rows.iter().find(|row| row[0].ends_with(&format!(" {username}")));
    let row = row.unwrap_or_else(|| panic!("nothing of {username}: {}", page.text()));
    row[1..5].iter().map(|cell| cell == "Yes").collect()
}

#[tokio::test]
async fn what_the_page_says_of_everybody_is_what_they_can_do() {
    for seed in [7, 2026] {
        let world = World::new(seed).await;
        let admin = &world.people[0];
        let mut allowed = 0;
        for (_, connector) in &world.connectors {
            let users = format!("/connectors/{connector}/access/users?size=100");
            let page = admin.get(&users).await.expect(200);
            let mut may = vec![Vec::new(); RIGHTS.len()];
            for person in &world.people {
                let username = &person.user().username;
                let said = said(&page, username);
                for (index, right) in RIGHTS.iter().enumerate() {
                    let can = opens(person, connector, right).await;
                    assert_eq!(can, said[index], "seed {seed}: {username}, {connector}, {right}: {}", page.text());
                    if can {
                        may[index].push(username.clone());
                        allowed += 1;
                    }
                }
            }
            // The filter comes down from the groups, so it is asked apart.
            for (right, expected) in RIGHTS.iter().zip(&may) {
                let filter = right.to_lowercase();
                let page = admin.get(&format!("{users}&right={filter}")).await.expect(200);
                let listed: Vec<String> = page.row_heads();
                for person in &world.people {
                    let username = &person.user().username;
                    let is_listed = listed.iter().any(|head| head.ends_with(&format!(" {username}")));
                    assert_eq!(
                        is_listed,
                        expected.contains(username),
                        "seed {seed}: {username}, {connector}, {filter}"
                    );
                }
            }
            let page = admin.get(&format!("{users}&right=nothing")).await.expect(200);
            for person in &world.people {
                let username = &person.user().username;
                let is_listed = page.row_heads().iter().any(|head| head.ends_with(&format!(" {username}")));
                assert_ne!(is_listed, may[0].contains(username), "seed {seed}: {username}, {connector}");
            }
        }
        let pairs = world.people.len() * world.connectors.len() * RIGHTS.len();
        assert!(
            (pairs / 4..pairs * 3 / 4).contains(&allowed),
            "a world in which nothing is decided: {allowed} of {pairs}"
        );
    }
}

#[tokio::test]
async fn lists_and_keys_show_everybody_just_what_they_can_open() {
    let world = World::new(11).await;
    let http = reqwest::Client::new();
    for person in &world.people {
        let (mut seen, mut called) = (Vec::new(), Vec::new());
        for (_, connector) in &world.connectors {
            if opens(person, connector, "View").await {
                seen.push(connector.replace("connector-", "Connector "));
            }
            if opens(person, connector, "Call").await {
                called.push(connector.clone());
            }
        }
        let page = person.get("/connectors?size=100").await;
        if page.status == 403 {
            assert!(seen.is_empty());
        } else {
            assert_eq!(page.row_heads(), seen, "{}", person.user().username);
        }
        let key = super::key(&world.app, Whose::User(person.user().id)).await;
        let answer = http
            .get(format!("http://{}/api/v1/connectors", world.app.address))
            .bearer_auth(key.expose())
            .send()
            .await
            .expect("an answer");
        let body: Value = answer.json().await.expect("JSON");
        let keys: Vec<String> = body["connectors"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry["key"].as_str().map(str::to_string))
            .collect();
        assert_eq!(keys, called, "{}", person.user().username);
    }
}
