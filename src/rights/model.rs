//! Who is listed on a connector, and for what.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use crate::access::Rights;
use crate::people::{Member, MemberRow};

/// The most users and groups that a connector lists.
pub(super) const MOST: usize = 200;

/// A user or group with the rights that a connector lists it for.
#[derive(QueryableByName)]
pub(super) struct Entry {
    #[diesel(embed)]
    pub who: MemberRow,
    #[diesel(sql_type = Array<Text>, deserialize_as = Vec<String>)]
    pub rights: Rights,
}

/// What the form has made of the access to a connector.
pub(super) struct CheckedAccess {
    /// What is open to everybody who has the permission for it.
    pub open: Rights,
    /// Those who stay listed.
    pub listed: Vec<(Member, Rights)>,
}

impl CheckedAccess {
    /// That to which this admits somebody who is one of these members.
    pub fn admits(&self, members: &[Member]) -> Rights {
        let listed = self.listed.iter();
        listed.filter(|(who, _)| members.contains(who)).fold(self.open, |admits, (_, rights)| admits.or(*rights))
    }
}
