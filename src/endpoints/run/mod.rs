//! Run: one real call with what stands in the form, and everything that came of it on the page. Nothing is saved.

mod body;
mod curl;
mod headers;
mod json;
mod kept;
mod report;
mod text;

pub(super) use body::Kind as BodyShownKind;
pub use kept::RunBodies;
pub(super) use report::{Outcome, Report, bytes};
