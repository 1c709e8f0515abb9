//! Why a person may do something with a connector: where their permissions come from, and the entries about them.

use crate::access::{Permission, PermissionSet, Right, Rights};
use crate::people::{Ancestor, Member};

use super::model::Entry;
use crate::web::capitalized;

/// The permissions that the rights to a connector rest on.
const PERMISSIONS: [Permission; 3] =
    [Permission::ViewConnectors, Permission::CallConnectors, Permission::EditConnectors];

/// All that decides about a person and a connector.
pub(super) struct Case<'a> {
    pub user: Member,
    pub super_admin: bool,
    /// Granted to the person directly.
    pub own: PermissionSet,
    /// The groups that the person is in, with what each grants.
    pub groups: &'a [Ancestor],
    /// What is open to everybody.
    pub open: Rights,
    pub entries: &'a [Entry],
}

impl Case<'_> {
    /// What the person may do.
    pub fn rights(&self) -> Rights {
        Rights::of(self.super_admin, PermissionSet::counting(self.granted()), self.open, self.listed())
    }

    fn granted(&self) -> impl Iterator<Item = Permission> {
        let inherited = self.groups.iter().flat_map(|group| group.permissions.iter());
        self.own.iter().chain(inherited)
    }

    /// The entries that are about the person, each with the group through which.
    fn entries(&self) -> impl Iterator<Item = (&Entry, Option<&Ancestor>)> {
        self.entries.iter().filter_map(|entry| match entry.who.member() {
            user if user == self.user => Some((entry, None)),
            Member::Group(id) => {
                let group = self.groups.iter().find(|group| group.id == id)?;
                Some((entry, Some(group)))
            }
            Member::User(_) => None,
        })
    }

    fn listed(&self) -> Rights {
        self.entries().fold(Rights::NONE, |all, (entry, _)| all.or(entry.rights))
    }

    /// The reasons, a line each.
    pub fn lines(&self) -> Vec<String> {
        if self.super_admin {
            return vec!["Super admin: passes every check.".into()];
        }
        let permissions = PERMISSIONS.iter().filter_map(|permission| self.source(*permission));
        let missing = self.missing();
        let entries = self.entries().map(|(entry, group)| {
            let rights = entry.rights.labels();
            match group {
                None => format!("Listed here: {rights}."),
                Some(group) => format!("{} is listed here: {rights}.", capitalized(&from(group))),
            }
        });
        let admits = match self.open {
            Rights::ALL => vec!["Everything is open to everybody with the permission.".to_string()],
            Rights::NONE => Vec::new(),
            open => vec![format!("Open to everybody with the permission: {}.", open.labels())],
        };
        let admits: Vec<String> = admits.into_iter().chain(entries).collect();
        let nothing = admits.is_empty().then(|| "Not listed here, and nothing is open to everybody.".to_string());
        permissions.chain(missing).chain(admits).chain(nothing).collect()
    }

    /// The permissions that nothing grants.
    fn missing(&self) -> Option<String> {
        let granted = PermissionSet::exactly(self.granted());
        let missing = PermissionSet::exactly(PERMISSIONS).without(granted);
        (!missing.is_empty()).then(|| format!("Not granted: {}.", missing.labels()))
    }

    /// Where a permission comes from, if it is granted.
    fn source(&self, permission: Permission) -> Option<String> {
        let counts = PermissionSet::counting(self.granted()).contains(permission);
        let own = self.own.contains(permission).then(|| "own".to_string());
        let groups = self.groups.iter();
        let inherited = groups.filter(|group| group.permissions.contains(permission)).map(from);
        let sources: Vec<String> = own.into_iter().chain(inherited).collect();
        if sources.is_empty() {
            return None;
        }
        let (label, sources) = (permission.label(), sources.join(", "));
        let view = Right::View.permission().label();
        Some(match counts {
            true => format!("{label}: {sources}."),
            false => format!("{label}: {sources}, but it counts only with {view}."),
        })
    }
}

/// “group Finance”, “group Everybody through Finance”.
fn from(group: &Ancestor) -> String {
    if group.through.is_empty() {
        format!("group {}", group.name)
    } else {
        format!("group {} through {}", group.name, group.through.join(", "))
    }
}
