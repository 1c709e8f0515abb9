//! The samples of signing in through the provider, and of what it leaves on other pages.

use serde_json::json;

use super::Place::{Staff, Strict};
use super::Step::{Press, Return};
use super::Who::{Admin, Caller, Newcomer, Nobody};
use super::world::Peopled;
use super::{Sample, sample};
use crate::openid::{BUTTON, let_in, settings};
use crate::support::TestApp;
use crate::support::identity_provider::IdentityProvider;

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    sample("provider-sign-in", Staff, Nobody, "/sign-in", &[], "With a password of Connectory"),
    sample("provider-sign-in-errors", Staff, Nobody, "/sign-in", &[Press("Sign in")], "There are 2 problems"),
    sample("provider-leaving", Staff, Nobody, "/sign-in", &[Press(BUTTON)], "You are being sent there."),
    sample("provider-denied", Staff, Nobody, "/sign-in",
        &[Press(BUTTON), Return("error=access_denied&error_description=Ben+does+not+want+it")], "Ben does not want it"),
    sample("provider-no-answer", Staff, Nobody, "/sign-in/callback", &[], "You are not signed in."),
    sample("provider-no-answer-signed-in", Staff, Admin, "/sign-in/callback", &[], "You are signed in to Connectory."),
    sample("provider-down", Strict, Nobody, "/sign-in", &[Press(BUTTON)], "This usually passes."),
    sample("provider-account", Staff, Admin, "/profile/provider", &[], "is not connected"),
    sample("provider-account-errors", Staff, Admin, "/profile/provider", &[Press("Connect with Staff login")], "Enter your password"),
    sample("provider-account-connected", Staff, Caller, "/profile/provider", &[], "Connected on"),
    sample("provider-account-alone", Staff, Newcomer, "/profile/provider", &[], "this is your only way to sign in"),
    sample("provider-profile", Staff, Newcomer, "/profile", &[], "Sign in with Staff login"),
    sample("provider-group", Staff, Admin, "/groups/00000000-0000-0000-0000-000000000001", &[], "Claim value"),
    sample("provider-group-new", Staff, Admin, "/groups/new", &[], "Claim value"),
    sample("provider-members", Staff, Admin, "/groups/00000000-0000-0000-0000-000000000001/members", &[], "User, by claim"),
    sample("provider-user", Staff, Admin, "/users/00000000-0000-0000-0000-000000000001", &[], "by claim, renewed at every sign-in"),
    sample("provider-user-disconnect", Staff, Admin, "/users/00000000-0000-0000-0000-000000000001", &[Press("Disconnect from the sign-in provider")], "All sessions end."),
    sample("provider-users", Staff, Admin, "/users?q=berta", &[], "Accounting"),
];

/// A site whose people come through a provider.
pub async fn site(provider: &IdentityProvider) -> TestApp {
    // Everybody may answer, so that an answer needs nothing but the state.
    provider.describe(json!({"authorization_response_iss_parameter_supported": false}));
    let issuer = provider.issuer.clone();
    TestApp::start_with(|site| let_in(site, settings(&issuer))).await
}

/// Somebody with a password, somebody without, and a group that a claim has filled.
pub async fn fill(staff: &Peopled, provider: &IdentityProvider) {
    let issuer = &provider.issuer;
    for (number, person) in [&staff.caller, &staff.newcomer].into_iter().enumerate() {
        let user = person.user().id;
        staff.app.sql(&format!("INSERT INTO identities (id, user_id, issuer, subject, created_at, last_sign_in_at) VALUES (gen_random_uuid(), '{user}', '{issuer}', '{number}', now(), now())")).await;
    }
    let alone = staff.newcomer.user().id;
    let id = "00000000-0000-0000-0000-000000000001";
    staff
        .app
        .sql(&format!(
            "UPDATE users SET password_hash = NULL WHERE id = '{alone}';
             INSERT INTO users (id, username, username_key, name, search_text, created_at, updated_at) VALUES ('{id}', 'berta', 'berta', 'Berta Buch', ' berta buch', now(), now());
             INSERT INTO identities (id, user_id, issuer, subject, created_at) VALUES (gen_random_uuid(), '{id}', '{issuer}', 'berta', now());
             INSERT INTO groups (id, name, name_key, claim_value, created_at, updated_at) VALUES ('{id}', 'Accounting', 'accounting', 'cn=books,ou=groups,dc=example,dc=org', now(), now());
             INSERT INTO group_users (group_id, user_id, by_claim) VALUES ('{id}', '{id}', true)"
        ))
        .await;
}
