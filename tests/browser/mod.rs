//! The site in a real browser: what only a browser can tell.
//!
//! Rule: a page is reached as a person reaches it. Everything that a page looks like or does by itself is tested here;
//! what the server answers is tested over HTTP.

mod access;
mod api_keys;
mod consent;
mod driver;
mod endpoints;
mod keyboard;
mod no_script;
mod oauth_form;
mod openid;
mod pages;
mod people;
mod samples;
mod script;
mod tools;
mod window;

use crate::support::oauth_server::OAuthServer;
use window::Window;

/// What people call the data connector of the main job.
const PAYROLL: &str = "Bureau's payroll API";

/// What a base URL must begin with if the server's tokens are to be kept fresh: secrets stay with their host.
fn origin(server: &OAuthServer) -> &str {
    server.token_url.trim_end_matches("/token")
}
