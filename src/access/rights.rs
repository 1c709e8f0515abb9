//! What may be done with one connector: permissions say what somebody may do at all, the connector's own lists with
//! whom.
//!
//! Rule: a right needs both, the permission for it and the connector's word, and whoever may not view a connector may
//! do nothing with it. A super admin needs neither. [`Rights::of`] is the only place that decides.

use super::{Permission, PermissionSet};

/// One thing that may be done with a connector.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Right {
    /// See that it is there, its settings, its endpoints and its calls.
    View,
    /// Run its endpoints, and call through it with an API key of one's own.
    Call,
    /// Change its details and endpoints, duplicate it and, with the permission for that, delete it.
    Edit,
    /// Change how it signs in: its authorization, secrets and tokens, Reveal included.
    Authorize,
}

impl Right {
    /// In the order of the specification.
    pub const ALL: [Right; 4] = [Right::View, Right::Call, Right::Edit, Right::Authorize];

    pub fn parse(code: &str) -> Option<Right> {
        Right::ALL.into_iter().find(|right| right.code() == code)
    }

    /// As the database keeps it; also the verb of “may … it”.
    pub fn code(self) -> &'static str {
        match self {
            Right::View => "view",
            Right::Call => "call",
            Right::Edit => "edit",
            Right::Authorize => "authorize",
        }
    }

    pub fn label(self) -> &'static str {
        match self {
            Right::View => "View",
            Right::Call => "Call",
            Right::Edit => "Edit",
            Right::Authorize => "Authorize",
        }
    }

    /// Without which permission the right counts for nothing. There is none of its own for authorizing.
    pub fn permission(self) -> Permission {
        match self {
            Right::View => Permission::ViewConnectors,
            Right::Call => Permission::CallConnectors,
            Right::Edit | Right::Authorize => Permission::EditConnectors,
        }
    }
}

/// A set of rights.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Rights(u8);

impl Rights {
    pub const NONE: Rights = Rights(0);
    pub const ALL: Rights = Rights(0b1111);

    /// What somebody may do with a connector: all as a super admin, else that for which they have the permission and
    /// which is `open` to everybody or for which the connector has `listed` them.
    pub fn of(super_admin: bool, granted: PermissionSet, open: Rights, listed: Rights) -> Rights {
        if super_admin {
            return Rights::ALL;
        }
        open.or(listed).within(Rights::permitted(granted))
    }

    /// That for which there is the permission.
    pub fn permitted(granted: PermissionSet) -> Rights {
        let has = |right: &Right| granted.contains(right.permission());
        Rights::exactly(Right::ALL.into_iter().filter(has))
    }

    /// What is in both; nothing without View.
    pub fn within(self, others: Rights) -> Rights {
        let both = Rights(self.0 & others.0);
        if both.contains(Right::View) { both } else { Rights::NONE }
    }

    /// What is in either.
    pub fn or(self, others: Rights) -> Rights {
        Rights(self.0 | others.0)
    }

    /// The set of what the database says; unknown codes are ignored.
    pub fn from_codes<'a>(codes: impl IntoIterator<Item = &'a str>) -> Rights {
        Rights::exactly(codes.into_iter().filter_map(Right::parse))
    }

    pub fn exactly(rights: impl IntoIterator<Item = Right>) -> Rights {
        rights.into_iter().fold(Rights::NONE, |set, right| Rights(set.0 | 1 << right as u8))
    }

    /// What comes of boxes in which `chosen` is ticked now and `before` was ticked first. Ticking another right brings
    /// View; unticking View takes along all others, so that nobody gets more than was left ticked.
    pub fn couple(before: Rights, chosen: Rights) -> Rights {
        let view_unticked = before.contains(Right::View) && !chosen.contains(Right::View);
        if view_unticked || chosen.is_empty() { Rights::NONE } else { chosen.or(Rights::exactly([Right::View])) }
    }

    pub fn contains(self, right: Right) -> bool {
        self.0 & (1 << right as u8) != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = Right> {
        Right::ALL.into_iter().filter(move |right| self.contains(*right))
    }

    /// As the database keeps them.
    pub fn codes(self) -> Vec<&'static str> {
        self.iter().map(Right::code).collect()
    }

    /// “View, Call”; nothing for none.
    pub fn labels(self) -> String {
        let labels: Vec<&str> = self.iter().map(Right::label).collect();
        labels.join(", ")
    }
}

impl From<Vec<String>> for Rights {
    fn from(codes: Vec<String>) -> Rights {
        Rights::from_codes(codes.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Permission::{CallConnectors, EditConnectors, ViewConnectors};
    use Right::{Authorize, Call, Edit, View};

    fn set(rights: &[Right]) -> Rights {
        Rights::exactly(rights.iter().copied())
    }

    #[test]
    fn a_right_needs_its_permission_and_the_connectors_word() {
        let granted = PermissionSet::exactly([ViewConnectors, CallConnectors]);
        let of = |open: &[Right], listed: &[Right]| Rights::of(false, granted, set(open), set(listed));
        assert_eq!(of(&Right::ALL, &[]), set(&[View, Call]));
        assert_eq!(of(&[View], &[]), set(&[View]));
        assert_eq!(of(&[View], &[View, Call, Edit]), set(&[View, Call]));
        assert_eq!(of(&[], &[View]), set(&[View]));
        assert_eq!(of(&[], &[]), Rights::NONE);
    }

    #[test]
    fn without_view_there_is_nothing() {
        let granted = PermissionSet::exactly([CallConnectors, EditConnectors]);
        let rights = Rights::of(false, granted, Rights::ALL, Rights::ALL);
        assert_eq!(rights, Rights::NONE);
        let granted = PermissionSet::with_required([EditConnectors]);
        let rights = Rights::of(false, granted, set(&[Edit, Authorize]), Rights::NONE);
        assert_eq!(rights, Rights::NONE);
    }

    #[test]
    fn a_super_admin_needs_neither() {
        let rights = Rights::of(true, PermissionSet::default(), Rights::NONE, Rights::NONE);
        assert_eq!(rights, Rights::ALL);
    }

    #[test]
    fn ticking_another_right_brings_view_and_unticking_view_takes_all() {
        assert_eq!(Rights::couple(Rights::NONE, set(&[Call])), set(&[View, Call]));
        assert_eq!(Rights::couple(Rights::ALL, set(&[Call, Edit])), Rights::NONE);
        assert_eq!(Rights::couple(Rights::ALL, set(&[View])), set(&[View]));
        assert_eq!(Rights::couple(set(&[View]), Rights::NONE), Rights::NONE);
    }

    #[test]
    fn codes_read_back() {
        for rights in (0..16).map(Rights) {
            assert_eq!(Rights::from_codes(rights.codes()), rights);
        }
        assert_eq!(Rights::from_codes(["view", "own"]), set(&[View]));
    }
}
