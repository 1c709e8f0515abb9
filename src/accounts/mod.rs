//! Accounts: the first super admin, signing in and out, sessions, invitations, one's own profile; and storing all of it.
//!
//! Rules: nothing else writes the tables of users, their permissions, identities, sessions and invitations; no default
//! password; the same answer and the same time for an unknown user and a wrong password; a new session key at every
//! sign-in.

mod first_run;
mod invitations;
mod names;
mod password;
mod profile;
mod sessions;
mod sign_in;
mod users;

pub use first_run::{FirstRun, create as create_first, show as first_run};
pub use invitations::{
    Invitation, Pending, ask as set_password_page, make as make_invitation, open as open_invitation,
    pending as pending_invitation, purge as purge_invitations, take as take_invitation,
    withdraw as withdraw_invitations,
};
pub use names::{Username, UsernameProblem, parse_person_name};
pub use password::{ask as ask_password, change as change_password};
pub use profile::{own_keys, show as profile, update as update_profile};
pub use sessions::{
    DbSessionStore, SessionReason, SessionTable, ask_sign_outs, begin_session, end_all_sessions, end_own_session,
    end_own_sessions, end_session, own_sessions, purge_sessions, user_of_form,
};
pub use sign_in::{ProviderText, SignInProvider, is_own_path, show as sign_in, sign_in as create_session, sign_out};
pub use users::{
    Identity, NewUser, SuperAdmins, UserColumns, delete, delete_identities, grant, has_local_super_admin,
    has_super_admin, insert, insert_identity, note_identity_use, replace_password, set_password, super_admins, update,
};
