//! The integration tests: one program, a file per slice. They speak HTTP to a running site with a PostgreSQL
//! database of its own, and see what a browser would see.
#![expect(
    clippy::disallowed_methods,
    reason = "the tests' browser is a plain HTTP client without the product's address guard"
)]

mod access;
mod accounts;
mod api;
mod api_keys;
mod audit;
mod authorization;
mod authorization_servers;
#[path = "../browser/mod.rs"]
mod browser;
mod calls;
mod categories;
mod checks;
mod cli;
mod client_address;
mod collections;
mod connectors;
mod drafts;
mod endpoints;
mod evidence;
mod expirations;
mod failover;
mod field;
mod hanging;
mod health;
mod home;
mod key_rotation;
mod notices;
mod oauth;
mod openid;
mod outbound;
mod overview;
mod pages;
mod people;
mod private_postgres;
mod programs;
mod recipes;
mod rights;
mod secrets;
mod security;
mod sent_notices;
mod support;
mod system;
mod token_requests;
mod tokens;
