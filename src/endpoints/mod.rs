//! Endpoints: named requests to a connector's API, made from templates and values. The tab, the editor, and
//! Run; and duplicating a connector with its endpoints.
//!
//! Rules: a value is encoded for its position and cannot change the structure around it; nothing is sent unless every
//! required value is there. Danger: a URL whose host depends on anything but the saved text.

mod cache;
mod definition;
mod duplicate;
mod editor;
mod forms;
mod model;
mod pages;
mod paging;
mod part;
mod queries;
mod rows;
mod run;
mod token_values;

pub use cache::{DefinedEndpoint, EndpointCache};
pub use definition::{Definition, FileValue, Files, MAX_BODY, RenderProblems, Rendered};
pub use duplicate::duplicate;
pub use editor::{create, edit, new, update};
pub use model::{BodyKind, CheckedEndpoint, EndpointId, HttpMethod, RequestSettings, Row, parse_name};
pub use pages::{confirm_delete, delete, list};
pub use paging::{Pager, Paging, PagingKind};
pub use part::{EndpointsPart, endpoints_part};
pub use queries::create as insert;
pub use run::{RunBodies, RunQuotas, download, indented, run};
