//! The samples of the own profile.

use super::Place::{Empty, Full};
use super::Step::{Behind, Choose, Fill, Press, Tick};
use super::Who::{Admin, Confirmed, Manager, Newcomer, Nobody, Viewer};
use super::{Sample, sample};
use crate::support::PASSWORD;

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    // Details
    sample("profile", Full, Admin, "/profile", &[], "Super Admin: everything"),
    sample("profile-viewer", Full, Viewer, "/profile", &[], "View Data Connectors"),
    sample("profile-newcomer", Full, Newcomer, "/profile", &[], "None"),
    sample("profile-errors", Full, Viewer, "/profile", &[Fill("full_name", ""), Press("Save profile")], "Enter your name"),
    sample("profile-dark", Empty, Newcomer, "/profile",
        &[Choose("time_zone", "Asia/Tokyo"), Tick("Dark"), Press("Save profile")], "Your profile was saved"),
    sample("profile-conflict", Full, Nobody, "/sign-in?next=/profile",
        &[Fill("username", "cora"), Fill("password", PASSWORD), Press("Sign in"), Tick("Light"),
          Behind("UPDATE users SET version = version + 1, theme = 'dark' WHERE username = 'cora'"), Press("Save profile")], "Someone else saved this first"),

    // Password
    sample("own-password", Full, Newcomer, "/profile/password", &[], "A new password ends all your other sessions."),
    sample("own-password-errors", Full, Newcomer, "/profile/password",
        &[Fill("old_password", "wrong"), Fill("password", "ManchesterUnited"), Press("Change password")], "not easy to guess"),
    sample("own-password-changed", Full, Nobody, "/sign-in?next=/profile/password",
        &[Fill("username", "petra"), Fill("password", PASSWORD), Press("Sign in"),
          Fill("old_password", PASSWORD), Fill("password", "four quite other words"), Press("Change password")], "Your password was changed."),

    // Sessions
    sample("own-sessions", Full, Admin, "/profile/sessions", &[], "Most recently used first."),
    sample("own-sessions-many", Full, Nobody, "/sign-in?next=/profile/sessions",
        &[Fill("username", "selma"), Fill("password", PASSWORD), Press("Sign in")], "End all other sessions"),
    sample("own-sessions-end-others", Full, Nobody, "/sign-in?next=/profile/sign-outs",
        &[Fill("username", "selma"), Fill("password", PASSWORD), Press("Sign in")], "End all your other sessions?"),
    sample("own-sessions-ended", Full, Nobody, "/sign-in?next=/profile/sign-outs",
        &[Fill("username", "simon"), Fill("password", PASSWORD), Press("Sign in"), Press("End all other sessions")], "1 other session was ended"),
    sample("own-sessions-no-others", Full, Confirmed, "/profile/sign-outs", &[], "You have no other session"),
    sample("user-sessions", Full, Manager, "/users/00000000-0000-0000-0000-000000000031", &[Press("See sessions")], "Where this user is signed in."),
    sample("user-sessions-none", Full, Admin, "/users/00000000-0000-0000-0000-000000000004/sessions", &[], "This user is not signed in."),
];
