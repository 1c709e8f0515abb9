//! What a route asks of whoever opens it.

use super::{Actor, Permission};
use crate::web::Error;

/// What stands before a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Needs {
    /// Anybody, signed in or not.
    Nothing,
    /// Anybody who is signed in.
    SignIn,
    /// A signed-in person with this permission.
    Permission(Permission),
    /// Another program, or whoever shows an API key; a session does not count.
    ApiKey,
}

impl Needs {
    /// Lets the actor through, or says why not.
    pub(super) fn check(self, actor: Option<&Actor>) -> Result<(), Error> {
        match (self, actor) {
            (Needs::Nothing, _) | (Needs::SignIn, Some(_)) => Ok(()),
            (_, None) | (Needs::ApiKey, _) => Err(Error::SignIn),
            (Needs::Permission(permission), Some(actor)) if actor.may(permission) => Ok(()),
            (Needs::Permission(permission), Some(_)) => Err(Error::Forbidden(permission.label())),
        }
    }
}
