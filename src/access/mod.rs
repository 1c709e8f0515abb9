//! Who is asking, and may they: actors, permissions, sessions, passwords, API keys and the gate in front of every
//! route.
//!
//! Rule: a route without a [`Needs`] and an [`Asks`] does not exist, and what is not granted is refused. Danger: a
//! handler that changes something takes `by: &Actor`, so that nothing changes without somebody having done it.

mod actor;
mod api_keys;
mod client_address;
mod confirmation;
mod gate;
mod needs;
mod new_password;
mod password;
mod permission;
mod rate_limit;
mod reauthentication;
mod request_context;
mod rights;
mod sessions;
mod sign_in_alarms;
mod sign_in_guard;
mod sign_in_limit;
mod sign_in_places;
mod visibility;

pub use actor::{Actor, PROGRAMS, RESERVED_NAMES, attribution};
pub use api_keys::{ApiKey, ApiKeys, HolderKind, KeyHolder, KeyRefusal, Reach, Subject, Wants};
pub use client_address::{TrustedProxies, client_address, untrusted_forwarder};
pub use confirmation::password_again;
pub use gate::{Gate, gate};
pub use needs::Needs;
pub use new_password::{PasswordProblem, check_new_password};
pub use password::PasswordHasher;
pub use permission::{Coupled, Permission, PermissionSet};
pub use rate_limit::{InUse, OverQuota, QuotaLimits, Quotas, RateLimit};
pub use reauthentication::Asks;
pub use request_context::RequestContext;
pub use rights::{Right, Rights};
pub use sessions::{
    CONFIRMED_AT, CSRF_KEY, RefusedSignIn, SESSION, SessionLimits, load_session, purge_sessions, session_errors,
    session_hash, set_session_error,
};
pub use sign_in_alarms::sign_in_alarm;
pub use sign_in_guard::SignInGuard;
pub use sign_in_limit::SignInLimit;
pub use sign_in_places::{network, note_place};
pub use visibility::{Visibility, admission_sql};

pub use crate::web::OWN_PASSWORD;
