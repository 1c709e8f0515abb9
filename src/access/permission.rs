//! The permissions, with the words that people read and the dependencies between them.

use std::fmt;

use crate::db::text_enum;

text_enum! {
    /// One thing a person may do. The labels are those of the product's specification, word for word, and so is the
    /// order.
    #[repr(u8)]
    pub enum Permission {
        CreateConnectors = "create-data-connectors", "Create Data Connectors";
        DeleteConnectors = "delete-data-connectors", "Delete Data Connectors";
        EditConnectors = "edit-data-connectors", "Edit Data Connectors";
        ViewConnectors = "view-data-connectors", "View Data Connectors";
        CreateCategories = "create-data-connector-categories", "Create Data Connector Categories";
        DeleteCategories = "delete-data-connector-categories", "Delete Data Connector Categories";
        EditCategories = "edit-data-connector-categories", "Edit Data Connector Categories";
        ViewCategories = "view-data-connector-categories", "View Data Connector Categories";
        CallConnectors = "call-data-connectors", "Call Data Connectors";
        ViewActivity = "view-activity", "View Activity";
        ManageUsers = "manage-users", "Manage Users";
        ViewAuditLog = "view-audit-log", "View Audit Log";
    }
}

use Permission::*;

impl Permission {
    /// All permissions in the order of the specification.
    pub fn all() -> impl Iterator<Item = Permission> {
        Permission::ALL.into_iter()
    }

    /// What must be granted too for this one to count: Create brings Edit, everything in the group needs View.
    pub fn requires(self) -> &'static [Permission] {
        match self {
            CreateConnectors => &[EditConnectors, ViewConnectors],
            DeleteConnectors | EditConnectors | CallConnectors | ViewCategories => &[ViewConnectors],
            CreateCategories => &[EditCategories, ViewCategories, ViewConnectors],
            DeleteCategories | EditCategories => &[ViewCategories, ViewConnectors],
            ViewConnectors | ViewActivity | ManageUsers | ViewAuditLog => &[],
        }
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A set of permissions.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct PermissionSet(u16);

/// The result of a form's boxes, and how it differs from what was ticked.
#[derive(Clone, Copy)]
pub struct Coupled {
    pub set: PermissionSet,
    /// Not ticked, but required by what was.
    pub added: PermissionSet,
    /// Ticked, but in need of what was unticked.
    pub dropped: PermissionSet,
}

impl PermissionSet {
    /// The set of `granted`, and of what they require: what a person who ticks boxes gets.
    pub fn with_required(granted: impl IntoIterator<Item = Permission>) -> PermissionSet {
        granted.into_iter().fold(PermissionSet::default(), |set, permission| {
            permission.requires().iter().fold(set.with(permission), |set, required| set.with(*required))
        })
    }

    /// The set of `granted` and nothing else.
    pub fn exactly(granted: impl IntoIterator<Item = Permission>) -> PermissionSet {
        granted.into_iter().fold(PermissionSet::default(), PermissionSet::with)
    }

    /// The permissions of these codes as they are granted, whether they count or not. What is no permission counts as not
    /// there.
    pub fn granted_by_codes<'a>(codes: impl IntoIterator<Item = &'a String>) -> PermissionSet {
        PermissionSet::exactly(codes.into_iter().filter_map(|code| Permission::parse(code)))
    }

    pub fn codes(self) -> Vec<&'static str> {
        self.iter().map(Permission::code).collect()
    }

    /// The result of a form in which `chosen` is ticked now and `before` was ticked first. Ticking brings what the
    /// ticked one requires; unticking takes along what requires the unticked one. If both were done, unticking wins:
    /// the result is never more than was left ticked.
    pub fn couple(before: PermissionSet, chosen: PermissionSet) -> Coupled {
        let unticked = before.without(chosen);
        let stays = |permission: &Permission| {
            let mut required = permission.requires().iter();
            !required.any(|required| unticked.contains(*required))
        };
        let kept = PermissionSet::exactly(chosen.iter().filter(stays));
        let set = PermissionSet::with_required(kept.iter());
        Coupled { set, added: set.without(chosen), dropped: chosen.without(kept) }
    }

    /// What is in this set and not in `others`.
    pub fn without(self, others: PermissionSet) -> PermissionSet {
        PermissionSet(self.0 & !others.0)
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn len(self) -> i64 {
        self.0.count_ones().into()
    }

    /// The labels in the order of the specification, for a line of text.
    pub fn labels(self) -> String {
        let labels: Vec<&str> = self.iter().map(Permission::label).collect();
        labels.join(", ")
    }

    /// The set of what the database says is granted. Unknown codes are ignored, and a permission whose
    /// requirement was not granted does not count: rows written by hand fail closed.
    pub fn effective_by_codes<'a>(codes: impl IntoIterator<Item = &'a str>) -> PermissionSet {
        PermissionSet::counting(codes.into_iter().filter_map(Permission::parse))
    }

    /// Those of `granted` whose requirements are granted, too.
    pub fn counting(granted: impl IntoIterator<Item = Permission>) -> PermissionSet {
        let granted = PermissionSet::exactly(granted);
        let counts = granted
            .iter()
            .filter(|permission| permission.requires().iter().all(|required| granted.contains(*required)));
        counts.fold(PermissionSet::default(), PermissionSet::with)
    }

    pub fn contains(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u8) != 0
    }

    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::all().filter(move |permission| self.contains(*permission))
    }

    fn with(self, permission: Permission) -> PermissionSet {
        PermissionSet(self.0 | 1 << permission as u8)
    }
}

/// As they are granted, for pages that show and change what is granted.
impl From<Vec<String>> for PermissionSet {
    fn from(codes: Vec<String>) -> PermissionSet {
        PermissionSet::granted_by_codes(&codes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_variants() {
        for (index, permission) in Permission::all().enumerate() {
            assert_eq!(permission as usize, index);
            assert_eq!(Permission::parse(permission.code()), Some(permission));
        }
    }

    #[test]
    fn ticking_create_also_ticks_edit_and_view() {
        let set = PermissionSet::with_required([CreateConnectors]);
        assert!(set.contains(EditConnectors) && set.contains(ViewConnectors));
        assert!(!set.contains(DeleteConnectors));
    }

    #[test]
    fn a_permission_without_view_does_not_count() {
        let set = PermissionSet::effective_by_codes(["edit-data-connectors", "manage-users", "no-such-thing"]);
        assert!(!set.contains(EditConnectors));
        assert!(set.contains(ManageUsers));
    }

    #[test]
    fn unticking_edit_unticks_create_and_unticking_view_unticks_all_of_its_kind() {
        let before = PermissionSet::with_required([CreateConnectors, ViewActivity]);
        let chosen = before.without(PermissionSet::exactly([EditConnectors]));
        let coupled = PermissionSet::couple(before, chosen);
        assert!(coupled.set == PermissionSet::exactly([ViewConnectors, ViewActivity]));
        assert!(coupled.dropped == PermissionSet::exactly([CreateConnectors]));
        assert!(coupled.added.is_empty());

        let chosen = before.without(PermissionSet::exactly([ViewConnectors]));
        let coupled = PermissionSet::couple(before, chosen);
        assert!(coupled.set == PermissionSet::exactly([ViewActivity]));
    }

    #[test]
    fn ticking_create_for_the_first_time_brings_edit_and_says_so() {
        let chosen = PermissionSet::exactly([CreateCategories]);
        let coupled = PermissionSet::couple(PermissionSet::default(), chosen);
        assert!(coupled.added == PermissionSet::exactly([EditCategories, ViewCategories, ViewConnectors]));
        assert!(coupled.set.contains(CreateCategories) && coupled.dropped.is_empty());
    }

    #[test]
    fn whoever_ticks_create_and_unticks_edit_at_once_gets_neither() {
        let before = PermissionSet::with_required([EditConnectors]);
        let chosen = PermissionSet::exactly([CreateConnectors, ViewConnectors]);
        let coupled = PermissionSet::couple(before, chosen);
        assert!(coupled.set == PermissionSet::exactly([ViewConnectors]));
    }
}
