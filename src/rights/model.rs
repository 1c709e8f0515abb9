//! Who is listed on a connector, and for what; the boxes of a row.

use askama::Template;
use askama::filters::HtmlSafe;
use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use crate::access::{Right, Rights};
use crate::connectors::Connector;
use crate::people::{Member, MemberRow};
use crate::web::FormData;

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
    /// The rights of a user or group that stays listed.
    pub fn rights_of(&self, who: Member) -> Rights {
        self.listed.iter().find(|(member, _)| *member == who).map_or(Rights::NONE, |(_, rights)| *rights)
    }

    /// The rights of a person who is one of these members.
    pub fn admits(&self, members: &[Member]) -> Rights {
        let listed = self.listed.iter();
        listed.filter(|(who, _)| members.contains(who)).fold(self.open, |admits, (_, rights)| admits.or(*rights))
    }
}

/// Where the Access tab of a connector is.
pub(super) fn address(connector: &Connector) -> String {
    format!("/connectors/{}/access", connector.key)
}

/// The four boxes of a row, one for each right, as cells of a table.
#[derive(Template)]
#[template(path = "rights/boxes.html")]
pub(super) struct Boxes {
    /// The field that all four are values of, and the beginning of their ids.
    name: String,
    /// Whose they are, as it is read with each.
    whose: String,
    ticked: Rights,
}

impl HtmlSafe for Boxes {}

impl Boxes {
    pub fn new(name: impl Into<String>, whose: impl Into<String>, ticked: Rights) -> Boxes {
        Boxes { name: name.into(), whose: whose.into(), ticked }
    }

    /// The ticked boxes of a submitted form. What is no right counts as not there.
    pub fn read(data: &FormData, name: &str) -> Rights {
        data.all(name).into()
    }

    fn rights(&self) -> &'static [Right; 4] {
        &Right::ALL
    }

    fn is_ticked(&self, right: &Right) -> bool {
        self.ticked.contains(*right)
    }
}
