//! People come and go: the first super admin, signing in and out, one's own profile.
//!
//! Rules: no default password; the same answer and the same time for an unknown user and a wrong password; a new
//! session id at every sign-in.

mod first_run;
mod profile;
mod provider_words;
mod queries;
mod sign_in;
mod username;

pub use first_run::{FirstRun, create as create_first, show as first_run};
pub use profile::show as profile;
pub use provider_words::{ProviderWords, SignInProvider};
pub use queries::{
    NewUser, create as insert, has_local_super_admin, has_super_admin, search_text, set_password,
    withdraw_invitations,
};
pub use sign_in::{Arrival, is_own_path, show as sign_in, sign_in as create_session, sign_out};
pub use username::{Username, UsernameProblem};
