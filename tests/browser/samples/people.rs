//! The samples of the pages for people. The ids are those of `people_world.rs`: a user's ends in its number, a group's
//! too.

use super::Place::{Empty, Full};
use super::Step::{Choose, Fill, Meanwhile, Press, Tick};
use super::Who::{Admin, Confirmed, Manager, Nobody, Viewer};
use super::people_world::{LINK, LINK_TO_USE};
use super::{Sample, sample};

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    // Users
    sample("users", Full, Admin, "/users", &[], "Who can sign in"),
    sample("users-second-page", Full, Admin, "/users?sort=-last-sign-in", &[Press("Next page")], "Page 2 of"),
    sample("users-long", Full, Manager, "/users?q=hohenlohe", &[], "Accounting"),
    sample("users-filtered", Full, Admin, "/users", &[Choose("status", "Deactivated"), Press("Apply filters")], "Olga Off"),
    sample("users-no-results", Full, Admin, "/users?q=nobody+is+called+that&rights=super-admin", &[], "No results"),
    sample("users-not-permitted", Full, Viewer, "/users", &[], "This needs the permission “Manage Users”."),
    sample("user-new", Full, Admin, "/users", &[Press("Add User")], "You get a link by which the person sets a password, which only they know."),
    sample("user-new-errors", Full, Confirmed, "/users/new",
        &[Fill("username", "two words"), Tick("Create Data Connectors"), Press("Create user")], "There are 2 problems"),
    sample("user-created", Full, Confirmed, "/users/new",
        &[Fill("username", "nora"), Fill("full_name", "Nora New"), Tick("Create Data Connector Categories"), Press("Create user")],
        "The link below is shown this once."),
    sample("user", Full, Admin, "/users/00000000-0000-0000-0000-000000000001", &[], "from the group Finance (through Accounting)"),
    sample("user-for-manager", Full, Manager, "/users/00000000-0000-0000-0000-000000000001", &[], "Deactivate this user"),
    sample("user-bare", Full, Admin, "/users/00000000-0000-0000-0000-000000000004", &[], "This user is in no group."),
    sample("user-long", Full, Admin, "/users/00000000-0000-0000-0000-000000000002", &[], "Wolfeschlegelsteinhausenbergerdorff"),
    sample("user-deactivated", Full, Admin, "/users/00000000-0000-0000-0000-000000000003", &[], "Reactivate this user"),
    sample("user-super-admin", Full, Admin, "/users/00000000-0000-0000-0000-000000000007", &[], "A super admin passes every check, whatever is ticked here."),
    sample("user-super-admin-for-manager", Full, Manager, "/users/00000000-0000-0000-0000-000000000007", &[], "Only a super admin can change"),
    sample("user-errors", Full, Confirmed, "/users/00000000-0000-0000-0000-000000000001", &[Fill("username", ""), Fill("full_name", ""), Press("Save user")], "There are 2 problems"),
    sample("user-saved", Full, Confirmed, "/users/00000000-0000-0000-0000-000000000009", &[Tick("Create Data Connectors"), Press("Save user")], "The user was saved"),
    sample("user-conflict", Full, Confirmed, "/users/00000000-0000-0000-0000-000000000005",
        &[Fill("full_name", "Two editors, mine"), Tick("View Audit Log"), Meanwhile("/users/00000000-0000-0000-0000-000000000005", &[("full_name", "Two editors, theirs")]), Press("Save user")],
        "Someone else saved this first"),
    sample("user-deactivate", Full, Admin, "/users/00000000-0000-0000-0000-000000000001", &[Press("Deactivate this user")], "cannot sign in any more"),
    sample("user-deactivated-now", Full, Admin, "/users/00000000-0000-0000-0000-000000000006", &[Press("Deactivate this user"), Press("Deactivate “Gustav Going”")], "The user was deactivated"),
    sample("user-reactivated", Full, Confirmed, "/users/00000000-0000-0000-0000-000000000008", &[Press("Reactivate this user")], "The user was reactivated"),
    sample("user-end-sessions", Full, Admin, "/users/00000000-0000-0000-0000-000000000001", &[Press("End all sessions")], "End all sessions of “Ben Okafor”?"),
    sample("user-new-link", Full, Admin, "/users/00000000-0000-0000-0000-000000000001", &[Press("Make a new set-password link")], "stops working now"),
    sample("user-link", Full, Confirmed, "/users/00000000-0000-0000-0000-000000000009", &[Press("Make a new set-password link"), Press("Make a set-password link")], "The link was made."),
    sample("user-no-link", Full, Admin, "/users/00000000-0000-0000-0000-000000000003/invitations", &[], "reactivate the user first"),
    sample("user-promote", Full, Admin, "/users/00000000-0000-0000-0000-000000000001", &[Press("Make this user a Super Admin")], "passes every check"),
    sample("user-demote", Full, Admin, "/users/00000000-0000-0000-0000-000000000007", &[Press("Take the rights of a super admin away")], "It counts on the user’s next request."),
    sample("user-promote-not-permitted", Full, Manager, "/users/00000000-0000-0000-0000-000000000001/super-admin", &[], "Only a super admin can do this"),
    sample("user-delete", Full, Admin, "/users/00000000-0000-0000-0000-000000000002", &[Press("Delete this user")], "This cannot be undone."),
    sample("users-by-right", Full, Admin, "/users?rights=view-data-connectors&group=00000000-0000-0000-0000-00000000000c", &[], "also through groups"),
    sample("user-add-groups", Full, Admin, "/users/00000000-0000-0000-0000-000000000002", &[Press("Add to groups")], "Groups that the user joins"),
    sample("user-add-groups-none-selected", Full, Confirmed, "/users/00000000-0000-0000-0000-000000000004/groups/new", &[Press("Add to selected groups")], "Select the groups that the user joins"),
    sample("user-add-groups-no-results", Full, Admin, "/users/00000000-0000-0000-0000-000000000004/groups/new?q=nobody", &[], "No group fits"),
    sample("user-leave-groups", Full, Admin, "/users/00000000-0000-0000-0000-000000000001", &[Press("Take out of groups")], "Groups that the user leaves"),
    sample("user-leave-groups-none", Full, Admin, "/users/00000000-0000-0000-0000-000000000004/group-removals", &[], "This user is in no group."),

    // Groups
    sample("groups-empty", Empty, Admin, "/groups", &[], "No groups yet"),
    sample("groups", Full, Manager, "/users", &[Press("Groups")], "Everybody who works with money"),
    sample("groups-no-results", Full, Admin, "/groups?q=nothing", &[], "No results"),
    sample("group-new", Full, Admin, "/groups/new", &[], "All members have them"),
    sample("group-new-errors", Full, Confirmed, "/groups/new", &[Fill("group_name", "<"), Press("Create group")], "There is a problem"),
    sample("group-created", Full, Confirmed, "/groups/new", &[Fill("group_name", "Street works"), Press("Create group")], "Now say who is in it"),
    sample("group", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000c", &[], "Through groups"),
    sample("group-long", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000e", &[], "This group is in no other group."),
    sample("group-conflict", Full, Confirmed, "/groups/00000000-0000-0000-0000-00000000000f",
        &[Fill("description", "What I think"), Meanwhile("/groups/00000000-0000-0000-0000-00000000000f", &[("description", "What a colleague thinks")]), Press("Save group")],
        "Someone else saved this first"),
    sample("group-delete", Full, Admin, "/groups/00000000-0000-0000-0000-000000000010", &[Press("Delete this group")], "They lose what only this group gives them"),
    sample("group-members", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000c/members", &[], "Remove selected members"),
    sample("group-members-long", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000e/members", &[], "Finance"),
    sample("group-members-empty", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000d/members", &[], "No members yet"),
    sample("group-members-no-results", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000c/members?q=nobody", &[], "No results"),
    sample("group-members-none-selected", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000c/members", &[Press("Remove selected members")], "Select the members that you want to remove"),
    sample("group-members-remove", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000c/members", &[Tick("Select Ben Okafor"), Press("Remove selected members")], "To be removed: Ben Okafor (ben)."),
    sample("group-add", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000d/members/new", &[], "The first 50 by name."),
    sample("group-add-none-selected", Full, Confirmed, "/groups/00000000-0000-0000-0000-00000000000d/members/new", &[Press("Add selected members")], "Select who is to become a member"),
    sample("group-add-circle", Full, Confirmed, "/groups/00000000-0000-0000-0000-00000000000c/members/new?q=finance", &[Tick("Finance"), Press("Add selected members")], "“Accounting” is in “Finance”"),
    sample("group-add-no-results", Full, Admin, "/groups/00000000-0000-0000-0000-00000000000d/members/new?q=nobody", &[], "No results"),
    sample("group-added", Full, Confirmed, "/groups/00000000-0000-0000-0000-000000000010/members/new?q=ben", &[Tick("Ben Okafor"), Press("Add selected members")], "1 member was added"),

    // Setting a password
    sample("set-password", Full, Nobody, "/set-password", &[], "Paste the whole link"),
    sample("set-password-errors", Full, Nobody, "/set-password", &[Fill("link", "https://example.org/#none"), Press("Continue")], "This link does not work."),
    sample("new-password", Full, Nobody, "/set-password", &[Fill("link", LINK), Press("Continue")], "Welcome, Ida Invited"),
    sample("new-password-errors", Full, Nobody, "/set-password",
        &[Fill("link", LINK), Press("Continue"), Fill("password", "short"), Press("Set password")], "at least 12 characters"),
    sample("password-set", Full, Nobody, "/set-password",
        &[Fill("link", LINK_TO_USE), Press("Continue"), Fill("password", "quite another good password"), Press("Set password")], "Your password is set"),
];
