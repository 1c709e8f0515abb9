//! The SQL of signing in through the provider.

mod attempts;
mod groups;
mod identities;

pub use attempts::purge_attempts;
pub(super) use attempts::{Attempt, NewAttempt, find_attempt, keep_attempt, spend_attempt};
pub(super) use groups::renew_memberships;
pub(super) use identities::{Account, Identity, account_of, connect, connected, disconnect, has_password, note_use};
