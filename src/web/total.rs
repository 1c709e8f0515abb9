//! How many rows a list has, as far as they were counted.

use super::text::grouped;

/// How many rows there are in all; counting stops where it would take longer than the page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Total {
    Exactly(i64),
    MoreThan(i64),
}

impl Total {
    /// From a count that stopped one above `limit`.
    pub fn bounded(count: i64, limit: i64) -> Total {
        if count > limit { Total::MoreThan(limit) } else { Total::Exactly(count) }
    }

    /// `1,204`, `more than 1,000`.
    pub fn words(self) -> String {
        match self {
            Total::Exactly(number) => grouped(number),
            Total::MoreThan(number) => format!("more than {}", grouped(number)),
        }
    }

    /// The number, if it is known.
    pub fn exact(self) -> Option<i64> {
        match self {
            Total::Exactly(number) => Some(number),
            Total::MoreThan(_) => None,
        }
    }
}
