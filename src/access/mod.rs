//! Who is asking, and may they: actors, permissions, sessions, passwords, API keys and the access check of every page.
//!
//! Rule: a route without a [`Needs`] and an [`Asks`] does not exist, and what is not granted is refused. Danger: a
//! handler that changes something takes `by: &Actor`, so that every change has an actor in the audit log.

mod access_check;
mod actor;
mod api_keys;
mod client_address;
mod password;
mod permission;
mod rate_limit;
mod reauthentication;
mod rights;
mod rows_per_page;
mod sessions;
mod sign_in_guard;
mod sign_in_limit;

pub use access_check::{AccessCheck, Needs, check_access};
pub use actor::{Actor, PROGRAMS, RESERVED_NAMES, RequestContext, attribution};
pub use api_keys::{ApiKey, ApiKeys, HolderKind, KeyHolder, KeyRefusal, Reach, Subject, Use, Wants};
pub use client_address::{TrustedProxies, client_address, untrusted_forwarder};
pub use password::{PasswordHasher, PasswordProblem, check_new_password};
pub use permission::{Coupled, Permission, PermissionSet};
pub use rate_limit::{InUse, OverQuota, QuotaLimits, Quotas, RateLimit};
pub use reauthentication::Asks;
pub use rights::{Right, Rights, Visibility, admission_sql};
pub use rows_per_page::remember_rows;
pub use sessions::{
    CONFIRMED_AT, CSRF_KEY, ENDED, RefusedSignIn, SESSION, SessionLimits, SessionRow, session_errors, set_session_error,
};
pub use sign_in_guard::{SignInGuard, network, note_place, purge as purge_sign_ins, sign_in_alarm};
pub use sign_in_limit::SignInLimit;

pub use crate::web::OWN_PASSWORD;
