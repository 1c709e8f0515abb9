//! People come and go: the first super admin, signing in and out, their sessions, one's own profile.
//!
//! Rules: no default password; the same answer and the same time for an unknown user and a wrong password; a new
//! session id at every sign-in.

mod first_run;
mod person_name;
mod profile;
mod provider_words;
mod queries;
mod sessions;
mod sign_in;
mod username;

pub use first_run::{FirstRun, create as create_first, show as first_run};
pub use person_name::parse_person_name;
pub use profile::{
    ask_password, ask_sign_outs, change_password, end_own_session, end_own_sessions, own_keys, own_sessions,
    show as profile, update as update_profile,
};
pub use provider_words::{ProviderWords, SignInProvider};
pub use queries::{
    NewUser, SuperAdmins, create as insert, has_local_super_admin, has_super_admin, search_text, set_password,
    super_admins, withdraw_invitations,
};
pub use sessions::{DbSessionStore, SessionReason, SessionTable, begin_session, end_session};
pub use sign_in::{is_own_path, show as sign_in, sign_in as create_session, sign_out};
pub use username::{Username, UsernameProblem};
