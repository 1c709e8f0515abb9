//! The boxes of a row: one for each right, each with a name of its own.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::access::{Right, Rights};
use crate::web::FormData;

/// The four boxes of somebody, as cells of a table.
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
