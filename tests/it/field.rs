//! What people meet with real APIs, from public bug reports of programs of this kind: each case is played by a small
//! server.

mod addresses;
mod assertions;
mod authorizing;
mod calls;
mod client_certificates;
mod credentials;
mod devices;
mod digest;
mod forms;
mod found_settings;
mod id_tokens;
mod jwt_bearer;
mod logins;
mod proxies;
mod renewals;
mod rotation;
mod sessions;
mod signing;
mod templates;
mod tls;
mod token_answers;
mod token_requests;

use crate::api::World;
use crate::support::Browser;
use crate::support::upstream::Reply;

/// A connector of this method with nothing stored, an endpoint below this base URL, and a person who may do everything.
async fn connector(method: &str, url: &str) -> (World, Browser) {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    world.app.sql(&format!("DELETE FROM tokens; UPDATE connectors SET method = '{method}', base_url = '{url}'")).await;
    world.endpoint("user", "GET", "/user").await;
    let ana = world.app.super_admin().await;
    (world, ana)
}
