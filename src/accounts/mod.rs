//! Accounts: the first super admin, signing in and out, sessions, one's own profile.
//!
//! Rules: no default password; the same answer and the same time for an unknown user and a wrong password; a new
//! session key at every sign-in.

mod first_run;
mod names;
mod password;
mod profile;
mod queries;
mod sessions;
mod sign_in;

pub use first_run::{FirstRun, create as create_first, show as first_run};
pub use names::{Username, UsernameProblem, parse_person_name};
pub use password::{ask as ask_password, change as change_password};
pub use profile::{own_keys, show as profile, update as update_profile};
pub use queries::{
    NewUser, SuperAdmins, create as insert, has_local_super_admin, has_super_admin, search_text, set_password,
    super_admins, withdraw_invitations,
};
pub use sessions::{
    DbSessionStore, SessionReason, SessionTable, ask_sign_outs, begin_session, end_own_session, end_own_sessions,
    end_session, own_sessions,
};
pub use sign_in::{ProviderText, SignInProvider, is_own_path, show as sign_in, sign_in as create_session, sign_out};
