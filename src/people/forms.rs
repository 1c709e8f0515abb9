//! The forms of users and groups, and the boxes of their permissions.

use askama::Template;
use askama::filters::HtmlSafe;
use serde::Deserialize;
use validator::{Validate, ValidationError};

use super::groups::{CheckedGroup, Group, parse_name};
use super::users::{CheckedUser, User};
use crate::access::Permission::{
    CallConnectors, CreateCategories, CreateConnectors, DeleteCategories, DeleteConnectors, EditCategories,
    EditConnectors, ManageUsers, ViewActivity, ViewAuditLog, ViewCategories, ViewConnectors,
};
use crate::access::{Coupled, Permission, PermissionSet};
use crate::accounts::{Username, UsernameProblem, parse_person_name};
use crate::web::Errors;
use crate::web::form::{NewId, Text};

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct UserForm {
    pub new_id: NewId,
    pub username: Text,
    pub full_name: Text,
    permission: Vec<String>,
}

impl UserForm {
    pub(super) fn of(user: &User) -> UserForm {
        UserForm {
            username: user.username.clone().into(),
            full_name: user.name.clone().into(),
            permission: codes(user.permissions),
            ..UserForm::default()
        }
    }

    pub(super) fn checked(&self, errors: &mut Errors) -> Option<CheckedUser> {
        let username = errors.keep::<_, UsernameProblem>("username", Username::parse(&self.username));
        let name = errors.keep("full_name", parse_person_name(&self.full_name));
        Some(CheckedUser { username: username?, name: name?, chosen: self.ticked() })
    }

    pub(super) fn ticked(&self) -> PermissionSet {
        PermissionSet::granted_by_codes(&self.permission)
    }

    pub(super) fn boxes(&self) -> PermissionBoxes {
        PermissionBoxes { ticked: self.ticked() }
    }
}

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct GroupForm {
    pub new_id: NewId,
    pub group_name: Text,
    #[validate(length(max = 1000, message = "Description must be 1,000 characters or fewer"))]
    pub description: Text,
    #[validate(length(max = 255, message = "Claim value must be 255 characters or fewer"))]
    #[validate(custom(function = "one_line", message = "Claim value must be on one line"))]
    pub claim_value: Text,
    permission: Vec<String>,
}

fn one_line(text: &Text) -> Result<(), ValidationError> {
    if text.trim().chars().any(char::is_control) { Err(ValidationError::new("one_line")) } else { Ok(()) }
}

impl GroupForm {
    pub(super) fn of(group: &Group) -> GroupForm {
        GroupForm {
            group_name: group.name.clone().into(),
            description: group.description.clone().into(),
            claim_value: group.claim_value.clone().into(),
            permission: codes(group.permissions),
            ..GroupForm::default()
        }
    }

    /// The checked group. Where the sign-in provider names no groups, the claim value is not asked for and stays.
    pub(super) fn checked(&self, has_claim: bool, errors: &mut Errors) -> Option<CheckedGroup> {
        let name = errors.keep("group_name", parse_name(&self.group_name));
        Some(CheckedGroup {
            name: name?,
            description: self.description.trim().into(),
            claim_value: has_claim.then(|| self.claim_value.trim().into()),
            chosen: self.ticked(),
        })
    }

    pub(super) fn ticked(&self) -> PermissionSet {
        PermissionSet::granted_by_codes(&self.permission)
    }

    pub(super) fn boxes(&self) -> PermissionBoxes {
        PermissionBoxes { ticked: self.ticked() }
    }
}

fn codes(set: PermissionSet) -> Vec<String> {
    set.iter().map(|permission| permission.code().to_string()).collect()
}

/// The groups of boxes with their legends, as the specification groups them.
const GROUPS: [(&str, &[Permission]); 2] = [
    (
        "Data Connectors",
        &[
            CreateConnectors,
            DeleteConnectors,
            EditConnectors,
            ViewConnectors,
            CreateCategories,
            DeleteCategories,
            EditCategories,
            ViewCategories,
        ],
    ),
    ("Other permissions", &[CallConnectors, ViewActivity, ManageUsers, ViewAuditLog]),
];

/// The boxes of the permissions.
#[derive(Template)]
#[template(path = "people/permission_boxes.html")]
pub(super) struct PermissionBoxes {
    ticked: PermissionSet,
}

impl HtmlSafe for PermissionBoxes {}

impl PermissionBoxes {
    fn groups(&self) -> &'static [(&'static str, &'static [Permission])] {
        &GROUPS
    }

    fn is_ticked(&self, permission: &Permission) -> bool {
        self.ticked.contains(*permission)
    }

    /// The codes of what a permission requires, for the script.
    fn needs(&self, permission: &Permission) -> String {
        let codes: Vec<&str> = permission.requires().iter().map(|one| one.code()).collect();
        codes.join(" ")
    }
}

/// What the server did with the boxes besides what was ticked; empty if nothing.
pub(super) fn coupling_words(coupled: &Coupled) -> String {
    let mut words = String::new();
    if !coupled.added.is_empty() {
        words += &format!(". Also granted, because what you ticked needs it: {}", coupled.added.labels());
    }
    if !coupled.dropped.is_empty() {
        words += &format!(". Also taken away, because it needs what you unticked: {}", coupled.dropped.labels());
    }
    words
}
