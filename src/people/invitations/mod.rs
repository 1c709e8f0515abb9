//! Links by which somebody sets a password: of a new user, or in the place of a forgotten one.
//!
//! Rules: 256 random bits, of which the database keeps the hash; shown once, to whoever made the link; good for three
//! days and one use; a newer one replaces it. The secret stands behind the `#` of the address, which browsers do not
//! send: so it is in no log, not ours and not a proxy's, and in no Referer. The page takes it from there by script, or
//! asks to paste the link.

mod make;
mod queries;
mod take;
mod token;

pub use make::{confirm, create};
pub use queries::purge;
pub use take::{ask, open, take};

pub(super) use make::Shown;
pub(super) use queries::{Invitation, Pending, make, pending};
