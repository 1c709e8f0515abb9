//! The boxes of the permissions, grouped as the specification groups them, and what is said of the ones that moved by
//! themselves.

use askama::Template;
use askama::filters::HtmlSafe;

use super::lineage::{Ancestor, Inherited};
use crate::access::Permission::{
    CallConnectors, CreateCategories, CreateConnectors, DeleteCategories, DeleteConnectors, EditCategories,
    EditConnectors, ManageUsers, ViewActivity, ViewAuditLog, ViewCategories, ViewConnectors,
};
use crate::access::{Coupled, Permission, PermissionSet};
use crate::web::FormData;

/// The groups of boxes with their legends.
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

/// The boxes of a form.
#[derive(Template)]
#[template(path = "people/permission_boxes.html")]
pub(super) struct PermissionBoxes {
    ticked: PermissionSet,
}

impl HtmlSafe for PermissionBoxes {}

impl PermissionBoxes {
    pub fn new(ticked: PermissionSet) -> PermissionBoxes {
        PermissionBoxes { ticked }
    }

    /// The ticked boxes of a submitted form. What is no permission counts as not there.
    pub fn read(data: &FormData) -> PermissionSet {
        let codes = data.all("permission");
        PermissionSet::exactly(codes.iter().filter_map(|code| Permission::parse(code)))
    }

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

/// What somebody has through groups, as text.
#[derive(Template)]
#[template(path = "people/inherited.html")]
pub(super) struct InheritedRights {
    rights: Vec<Inherited>,
}

impl HtmlSafe for InheritedRights {}

impl InheritedRights {
    pub fn of(above: &[Ancestor]) -> InheritedRights {
        InheritedRights { rights: Inherited::of(above) }
    }

    pub fn is_empty(&self) -> bool {
        self.rights.is_empty()
    }
}
