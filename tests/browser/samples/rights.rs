//! The samples of the Access tab. The data connectors are those of `rights_world.rs`.

use super::Place::{Full, Staff};
use super::Step::{Choose, Fill, Meanwhile, Press, Tick};
use super::Who::{Admin, Confirmed, Manager, Viewer};
use super::{Sample, sample};

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    sample("access-open", Full, Admin, "/connectors/rosters", &[Press("Access")], "Everybody with the permission"),
    sample("access-kept", Full, Admin, "/connectors/wages/access", &[], "Kept to certain people"),
    sample("access-shut", Full, Admin, "/connectors/vault/access", &[], "Only super admins can use this data connector."),
    sample("access-saved", Full, Confirmed, "/connectors/wages-of-the-many/access", &[Tick("Call for everybody with the permission"), Press("Save")], "was saved"),
    sample("access-shuts-out", Full, Manager, "/connectors/rosters/access", &[Tick("View for everybody with the permission"), Press("Save")], "There is a problem"),
    sample("access-conflict", Full, Confirmed, "/connectors/rosters/access",
        &[Tick("Edit for everybody with the permission"), Meanwhile("/connectors/rosters/access", &[]), Press("Save")], "Someone else saved this first"),
    sample("access-not-permitted", Full, Viewer, "/connectors/wages/access", &[], "This needs the permission “Manage Users”."),
    sample("access-hidden", Full, Viewer, "/connectors/vault", &[], "Page not found"),
    sample("access-kept-to-others", Full, Manager, "/connectors/vault/access", &[], "Page not found"),
    sample("access-none-open", Staff, Viewer, "/connectors", &[], "No data connector is open to you"),
    sample("access-none-open-home", Staff, Viewer, "/", &[], "No data connector is open to you"),
    sample("access-add", Full, Admin, "/connectors/wages/access", &[Press("Add users and groups")], "Add people"),
    sample("access-add-errors", Full, Confirmed, "/connectors/wages/access/additions", &[Tick("Call"), Press("Add selected")], "There is a problem"),
    sample("access-add-none", Full, Admin, "/connectors/wages/access/additions?q=zeppelin", &[], "No results"),
    sample("access-added", Full, Confirmed, "/connectors/rosters/access/additions?q=empty", &[Tick("Empty (group)"), Press("Add selected")], "1 entry was added"),
    sample("access-who", Full, Admin, "/connectors/wages/access", &[Press("Who can use it, and why")], "passes every check"),
    sample("access-who-filtered", Full, Admin, "/connectors/wages/access/users", &[Fill("q", "hohenlohe"), Choose("right", "May authorize"), Press("Apply filters")], "Listed here: View, Call, Edit, Authorize."),
    sample("access-who-none", Full, Admin, "/connectors/wages/access/users?q=zeppelin&right=nothing", &[], "No active user fits"),
    sample("access-who-all", Full, Admin, "/connectors/rosters/access/users?size=100", &[], "Everything is open to everybody with the permission."),
];
