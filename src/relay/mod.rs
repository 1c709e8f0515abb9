//! Carrying calls to a connector's API: definition and credential in memory, and all manners on the way.
//!
//! Rules: a credential goes to the connector's own hosts and nowhere else ([`Line`], [`target`]); only what is safe to
//! do twice is done twice ([`manners`]); so many calls at once and no more ([`gate`]); a server that fails is left
//! alone ([`breaker`]); every failure is a [`RelayProblem`] with a remedy. A call in its usual course asks the database
//! nothing.
//!
//! Danger: whatever is added to the way of every call is paid for by every call.

mod body;
mod breaker;
mod carry;
mod credential;
mod gate;
mod health;
mod journey;
mod line;
mod manners;
mod order;
pub mod problem;
mod queries;
mod redirect;
mod switchboard;
mod target;

pub use body::Body;
pub use carry::{Relay, Turn};
pub use health::forget_old_breakers;
pub use line::Line;
pub use order::{CallTiming, Carried, Order, SentRequest};
pub use problem::{ProblemKind, RelayProblem, TIME_OUT};
pub use switchboard::Switchboard;
pub use target::below;
