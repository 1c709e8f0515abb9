//! The fields that a refusal of a token server speaks of, as links to them.

use crate::oauth::{ErrorCode, TokenError};

/// A field of the page with the refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct FieldLink {
    pub id: &'static str,
    pub label: &'static str,
}

/// What to check, by what the server says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Blamed {
    Client,
    SignIn,
    Scope,
    Nothing,
}

fn blamed(refusal: &TokenError) -> Blamed {
    match refusal.error_code {
        Some(ErrorCode::InvalidClient | ErrorCode::UnauthorizedClient) => Blamed::Client,
        Some(ErrorCode::InvalidGrant | ErrorCode::SignInFault) => Blamed::SignIn,
        Some(ErrorCode::InvalidScope) => Blamed::Scope,
        _ => Blamed::Nothing,
    }
}

const fn link(id: &'static str, label: &'static str) -> FieldLink {
    FieldLink { id, label }
}

/// On the page Request token.
pub(super) fn on_request_page(refusal: &TokenError) -> &'static [FieldLink] {
    const CLIENT: [FieldLink; 3] = [
        link("token_client_id", "Client ID"),
        link("token_client_secret", "Client Secret"),
        link("token_request_style", "Request style"),
    ];
    const SIGN_IN: [FieldLink; 2] = [link("token_user", "User"), link("token_password", "Password")];
    const SCOPE: [FieldLink; 1] = [link("token_scope", "Scope")];
    match blamed(refusal) {
        Blamed::Client => &CLIENT,
        Blamed::SignIn => &SIGN_IN,
        Blamed::Scope => &SCOPE,
        Blamed::Nothing => &[],
    }
}

/// On the Authorization tab of an OAuth 2.0 method.
pub(super) fn on_tab(refusal: &TokenError) -> &'static [FieldLink] {
    const CLIENT: [FieldLink; 2] = [link("client_id", "Client ID"), link("authentication", "Client authentication")];
    const SCOPE: [FieldLink; 1] = [link("scope", "Scope")];
    match blamed(refusal) {
        Blamed::Client => &CLIENT,
        Blamed::Scope => &SCOPE,
        Blamed::SignIn | Blamed::Nothing => &[],
    }
}

/// On the Authorization tab of a login request.
pub(super) fn on_login(refusal: &TokenError) -> &'static [FieldLink] {
    const SIGN_IN: [FieldLink; 2] = [link("login_user", "User"), link("login_password", "Password")];
    match blamed(refusal) {
        Blamed::Client | Blamed::SignIn => &SIGN_IN,
        Blamed::Scope | Blamed::Nothing => &[],
    }
}

/// Whether one of these fields is among the links, so that the group with it is to be open.
pub(super) fn has(links: &[FieldLink], ids: &[&str]) -> bool {
    links.iter().any(|link| ids.contains(&link.id))
}
