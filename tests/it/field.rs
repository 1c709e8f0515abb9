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
mod jwt_bearer;
mod proxies;
mod renewals;
mod rotation;
mod sessions;
mod signing;
mod templates;
mod tls;
mod token_answers;
mod token_requests;
