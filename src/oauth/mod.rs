//! Asking other servers for tokens (OAuth 2.0, and the many servers that only resemble it).
//!
//! Values in, a [`Token`] or a [`Refusal`] out: nothing here knows the database or the pages, and
//! the current time is passed in.
//!
//! Rule: what a person typed is checked before it is sent, and every byte that comes back is taken
//! for hostile: an unreadable answer is a refusal in words, never a guess and never a panic.
//!
//! Danger: servers echo what they were sent. A refusal's words go to pages and logs, so passwords
//! and client secrets are masked in them; a token is refused unless it can stand in a header
//! without ending it.

mod answer;
mod basic;
mod document;
mod exchange;
mod expiry;
mod location;
mod markup;
mod mask;
mod question;
mod refusal;
mod remedy;
mod request;
mod search;
mod style;
mod token;
mod words;

pub use expiry::jwt_expiry;
pub use location::{JsonPointer, PointerProblem, TokenLocation};
pub use refusal::{Refusal, RefusalLayer};
pub use request::{RequestField, RequestProblem, TokenRequest, request_token};
pub use style::{RequestStyle, UnknownStyle};
pub use token::{ExpirySource, Token};
