//! The samples of the page that asks for the own password before a form goes on.

use super::Place::{Full, Staff};
use super::Step::{Behind, Fill, Press, Tick};
use super::Who::{Admin, Caller};
use super::{Sample, sample};

const LONG: &str = "Donaudampfschifffahrtselektrizitaetenhauptbetriebswerkbauunterbeamtengesellschaft<script>\"&'";

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    sample("own-password", Full, Admin, "/groups/new", &[Fill("group_name", "Harbour"), Press("Create group")], "Nothing has been changed yet."),
    sample("own-password-missing", Full, Admin, "/groups/new",
        &[Fill("group_name", "Harbour"), Press("Create group"), Press("Continue")], "There is a problem"),
    sample("own-password-wrong", Full, Admin, "/groups/new",
        &[Fill("group_name", "Harbour"), Press("Create group"), Fill("own_password", "wrong"), Press("Continue")], "This is not your password"),
    sample("own-password-long", Full, Admin, "/groups/new",
        &[Fill("group_name", LONG), Fill("description", LONG), Tick("View Activity"), Tick("View Audit Log"), Press("Create group")], "Nothing has been changed yet."),
    sample("own-password-none", Staff, Caller, "/profile/keys/new",
        &[Fill("key_name", "Nightly"), Behind("UPDATE users SET password_hash = NULL WHERE id IN (SELECT user_id FROM identities WHERE subject = '0')"),
            Press("Create key")], "You have no password here."),
];
