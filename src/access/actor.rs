//! Somebody who does something: the subject of every check and of every audit line.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use std::future::{Ready, ready};
use std::rc::Rc;
use uuid::Uuid;

use super::{Permission, PermissionSet, Sight, client_address};
use crate::web::{Error, RequestId};

/// A signed-in person, or the command line.
#[derive(Clone)]
pub struct Actor {
    /// The user; `None` for the command line and the program itself.
    pub id: Option<Uuid>,
    pub username: String,
    /// The name that pages and audit lines show.
    pub name: String,
    pub super_admin: bool,
    /// What is granted; nothing is looked up for a super admin.
    pub permissions: PermissionSet,
    /// Which connectors lists show.
    pub sight: Sight,
    /// When this person last entered their own password in this session, beyond signing in.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Where the request came from; empty for the command line.
    pub address: String,
    pub request_id: String,
}

impl Actor {
    /// Whoever sits at the server's console: may do all, and is recorded as such.
    pub fn command_line() -> Actor {
        Actor::program("command line")
    }

    /// The program itself, for background work.
    pub fn program(name: &str) -> Actor {
        Actor {
            id: None,
            username: String::new(),
            name: name.to_string(),
            super_admin: true,
            permissions: PermissionSet::default(),
            sight: Sight::All,
            confirmed_at: None,
            address: String::new(),
            request_id: String::new(),
        }
    }

    /// Somebody who has just proved who they are, before there is a session.
    pub fn arriving(req: &HttpRequest, id: Option<Uuid>, username: &str, name: &str) -> Actor {
        let request_id = req.extensions().get::<RequestId>().map(|id| id.0.clone());
        Actor {
            id,
            username: username.to_string(),
            name: name.to_string(),
            super_admin: false,
            permissions: PermissionSet::default(),
            sight: Sight::Of(id.unwrap_or(Uuid::nil())),
            confirmed_at: None,
            address: client_address(req),
            request_id: request_id.unwrap_or_default(),
        }
    }

    /// Whether this person may do what `permission` names. A super admin passes every check.
    pub fn may(&self, permission: Permission) -> bool {
        self.super_admin || self.permissions.contains(permission)
    }
}

impl FromRequest for Actor {
    type Error = Error;
    type Future = Ready<Result<Actor, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            req.extensions()
                .get::<Rc<Actor>>()
                .map(|actor| Actor::clone(actor))
                .ok_or(Error::SignIn),
        )
    }
}
