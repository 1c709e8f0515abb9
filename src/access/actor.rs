//! Somebody who does something: the subject of every check and of every audit line.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use chrono::{DateTime, Utc};
use std::future::{Ready, ready};
use std::rc::Rc;
use uuid::Uuid;

use super::{Permission, PermissionSet, Visibility, client_address};
use crate::web::{Error, RequestId};

const COMMAND_LINE: &str = "command line";
const CONNECTORY: &str = "Connectory";
const DEMO: &str = "Demo";

/// What programs are called that act without a person.
pub const PROGRAMS: [&str; 3] = [COMMAND_LINE, CONNECTORY, DEMO];

/// Those that work beside people. No person has a name that reads like one of them.
pub const RESERVED_NAMES: [&str; 2] = [COMMAND_LINE, CONNECTORY];

/// A display name with the user name, if there is one: `Ana Ruiz (ana)`. Two people may have one display name, and
/// change it.
pub fn attribution(name: &str, username: &str) -> String {
    if username.is_empty() { name.to_string() } else { format!("{name} ({username})") }
}

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
    pub visibility: Visibility,
    /// The session in which this person asks.
    pub session: Option<Uuid>,
    /// When this person last entered their own password in this session, beyond signing in.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Where the request came from; empty for the command line.
    pub address: String,
    pub request_id: String,
}

impl Actor {
    /// Whoever sits at the server's console: may do all, and is recorded as such.
    pub fn command_line() -> Actor {
        Actor::program(COMMAND_LINE)
    }

    /// The program itself, for background work.
    pub fn connectory() -> Actor {
        Actor::program(CONNECTORY)
    }

    /// `connectory demo`.
    pub fn demo() -> Actor {
        Actor::program(DEMO)
    }

    fn program(name: &str) -> Actor {
        Actor {
            id: None,
            username: String::new(),
            name: name.to_string(),
            super_admin: true,
            permissions: PermissionSet::default(),
            visibility: Visibility::All,
            session: None,
            confirmed_at: None,
            address: String::new(),
            request_id: String::new(),
        }
    }

    /// Somebody of whom only the request is known.
    pub fn unknown(address: String, request_id: String) -> Actor {
        Actor { address, request_id, super_admin: false, visibility: Visibility::Of(Uuid::nil()), ..Actor::program("") }
    }

    /// Somebody who has just proved who they are, before there is a session.
    pub fn arriving(req: &HttpRequest, id: Option<Uuid>, username: &str, name: &str) -> Actor {
        let request_id = req.extensions().get::<RequestId>().map(|id| id.0.clone());
        Actor {
            id,
            username: username.to_string(),
            name: name.to_string(),
            visibility: Visibility::Of(id.unwrap_or(Uuid::nil())),
            ..Actor::unknown(client_address(req), request_id.unwrap_or_default())
        }
    }

    /// Who did something, by what nobody chooses for themselves: `Ana Ruiz (ana)`. A program has no user name.
    pub fn attribution(&self) -> String {
        attribution(&self.name, &self.username)
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
        ready(req.extensions().get::<Rc<Actor>>().map(|actor| Actor::clone(actor)).ok_or(Error::SignIn))
    }
}
