//! Authorization: the tab, its secrets, the OAuth grants, and keeping tokens fresh.
//!
//! Rules: a stored secret is never shown; it is kept, replaced or removed. A secret goes to the host it was entered
//! for. Danger: a secret in a page. Only two pages show a token, both `no-store`: the result of a token request, once,
//! and a revealed token, to a person who has just entered their own password.

mod api_outcome;
mod approvals;
mod attempt;
mod call_settings;
mod callback;
mod client_certificate;
mod connection_test;
mod credential;
mod device;
mod discovery;
mod forms;
mod further_secrets;
mod health_part;
mod keeper;
mod login;
mod model;
mod next_secret;
mod oauth_client;
mod options;
mod origins;
mod queries;
mod refusal_links;
mod requirements;
mod save;
mod secret_field;
mod settings;
mod signing;
mod tab;
mod templates;
mod token_form;
mod token_request;
mod tokens;

pub use crate::connectors::SecretField;
pub use crate::oauth::KeptValues;
pub use api_outcome::{outcome_of_failure, outcome_of_response, said};
pub use approvals::{approve_origins_in_use, create as approve_origins, new as new_approval};
pub use attempt::create as create_attempt;
pub use call_settings::{CALL_COLUMNS, CallSettings, CredentialSource, SealedSettings, call_tables};
pub use callback::{
    pass_on as pass_answer_on, take as take_answer, take_posted as take_posted_answer,
    take_posted_shared as take_posted_shared_answer, take_shared as take_shared_answer,
};
pub use client_certificate::{edit as edit_client_certificate, update as update_client_certificate};
pub use connection_test::{ConnectionTester, TestOutcome, TestResult};
pub use credential::{Credential, CredentialPlace, Placed, Placement};
pub use device::{
    cancel as cancel_device, create as create_device_request, purge_device_requests, show as show_device_request,
};
pub use further_secrets::{edit as edit_further_secrets, update as update_further_secrets};
pub use health_part::{HealthPart, health_part};
pub use keeper::{LiveToken, Need, Renewal, RenewalState, TokenKeeper, TokenProblem};
pub use model::{FurtherPlace, NewToken, RefreshToken, SecretName};
pub use next_secret::promote_api_key;
pub use origins::{APPROVE, ApprovedOrigins, OriginNotApproved, origins_in_use};
pub use queries::{
    NewSecret, copy_settings, note_certificate_ends, purge_token_requests, save_api_key_place, save_user_name,
    store_secret, store_token, token_values,
};
pub use signing::{AwsSigner, BodyNeed, RequestSigner, SignerMemory};
pub use tab::{edit, update};
pub use templates::{fill_in, settings_for_template};
pub use token_request::{create as create_token_request, new as new_token_request, take as take_token};
pub use tokens::{ask_reveal, confirm_disconnection, disconnect, renew_token, reveal_token};
