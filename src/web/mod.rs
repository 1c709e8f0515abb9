//! The kit of the site: requests in, pages out. Knows no connector and no permission.
//!
//! Rule: every page is a struct with a template of the same name, every form comes in through [`Form`], which checks
//! the CSRF token, and every failure is an [`Error`], which has a page. Danger: text that reaches a page other than
//! through askama's escaping.

pub mod assets;
mod body;
mod confirmation;
mod conflict;
mod cookies;
mod csrf;
pub mod csv;
mod download;
mod draft;
mod error;
mod flash;
pub mod form;
mod form_data;
mod layers;
mod layout;
mod list;
mod log_throttle;
mod multipart;
mod path;
mod prefetch;
mod public_address;
mod secret_names;
mod security_headers;
mod text;
mod zone;

pub use body::{Budget, Held, NotRead, OverBudget, read_whole};
pub use confirmation::{Confirmation, Fact, NotPossible, Sentence};
pub use conflict::{ConflictPage, LastSave};
pub use cookies::Cookies;
pub use csrf::CsrfKey;
pub use download::Download;
pub use draft::{Draft, TypedForm, UnsavedForm, hold_unsaved};
pub use error::{Error, SaveError};
pub use flash::Flash;
pub use form::{Choice, ErrorSummary, Errors, Radio, SelectOption};
pub use form_data::{ForeignForm, FormData, OWN_PASSWORD};
pub use layers::{RequestId, VisitorAddress, method_label, serve_layers};
pub use layout::{Layout, NavItem, Person, Theme, VERSION, page, see_other};
pub use list::{Column, ListQuery, Pages, Row, SortHeads, Total, search_term, searched};
pub use log_throttle::LogThrottle;
pub use multipart::{FormPart, FormWithFiles, is_multipart, read_parts};
pub use path::{Segment, Segments, segment};
pub use prefetch::refuse_prefetch;
pub use public_address::PublicAddress;
pub use secret_names::{secret_warning, secret_warning_of};
pub use security_headers::secure_api_response;
pub use text::{
    beginning, capitalized, counted, date, date_time, date_time_utc, grouped, in_sentence, iso, on_clock, plural,
    relative, short_date, size, with_zone,
};
pub use zone::Zone;
