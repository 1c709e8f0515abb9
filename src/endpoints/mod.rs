//! Endpoints: what a connector can be asked. The tab, the editor, Run, and requests made from templates and values.
//!
//! Rules: a value is written for the place where it stands and cannot leave it; what a request needs is known to be
//! there before anything is sent; a stored secret goes to no host that it was not entered for. Danger: an address whose
//! host comes from anything but the saved text.

mod address;
mod definition;
mod definitions;
mod delete;
mod editor;
mod forms;
mod list;
mod model;
mod queries;
mod run;
mod template;

pub use address::{call_path, connector_path};
pub use definition::{Definition, RenderProblems, Rendered};
pub use definitions::{DefinedEndpoint, Definitions};
pub use delete::{confirm_delete, delete};
pub use editor::{create, edit, new, update};
pub use list::show as list;
pub use model::{EndpointId, HttpMethod};
pub use run::{RunBodies, RunQuotas, download, run};
