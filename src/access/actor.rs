//! Who asks: the actor, who is the subject of every check and of every audit line, and the context of a signed-in
//! person's request, with what nearly every handler needs.

use std::future::{Ready, ready};
use std::rc::Rc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::sessions::SessionRow;
use super::{Permission, PermissionSet, Visibility, client_address, reauthentication};
use crate::clock::Clock;
use crate::db::{Connection, Db};
use crate::web::{Draft, Error, Flash, Layout, PublicAddress, RequestId, see_other};

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
    /// The rows per page that the person has chosen for the list of data connectors.
    pub rows_per_page: Option<usize>,
    /// The session in which this person asks.
    pub session: Option<Uuid>,
    /// When this person last entered their own password in this session, beyond signing in.
    pub confirmed_at: Option<DateTime<Utc>>,
    /// Where the request came from; empty for the command line.
    pub address: String,
    pub request_id: String,
    /// The request shows a form that came too late; it changes nothing.
    pub shows_draft: bool,
}

impl Actor {
    /// The administrator at the server's console: may do everything, and is recorded as such.
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
            rows_per_page: None,
            session: None,
            confirmed_at: None,
            address: String::new(),
            request_id: String::new(),
            shows_draft: false,
        }
    }

    /// The sender of a request, as long as nothing else is known.
    pub fn unknown(address: String, request_id: String) -> Actor {
        Actor { address, request_id, super_admin: false, visibility: Visibility::Of(Uuid::nil()), ..Actor::program("") }
    }

    /// A user who has just proved who they are, before there is a session.
    pub fn arriving(req: &HttpRequest, id: Option<Uuid>, username: &str, name: &str) -> Actor {
        Actor {
            id,
            username: username.to_string(),
            name: name.to_string(),
            visibility: Visibility::Of(id.unwrap_or(Uuid::nil())),
            ..Actor::unknown(client_address(req), RequestId::of(req))
        }
    }

    /// The person of a session.
    pub fn of_session(row: SessionRow, req: &HttpRequest) -> Actor {
        Actor {
            id: Some(row.user_id),
            session: Some(row.id),
            super_admin: row.super_admin,
            permissions: row.permissions(),
            visibility: row.visibility(),
            rows_per_page: row.rows_per_page(),
            confirmed_at: row.confirmed_at,
            username: row.username,
            name: row.name,
            address: client_address(req),
            request_id: RequestId::of(req),
            shows_draft: req.extensions().contains::<Draft>(),
        }
    }

    /// Who did something, with the user name, which people do not choose for themselves: `Ana Ruiz (ana)`. A program
    /// has no user name.
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

/// Who asks, what stands around the page, the time and the database.
pub struct RequestContext {
    pub actor: Actor,
    pub layout: Layout,
    pub req: HttpRequest,
    /// The address that people open, for what is handed to other servers.
    pub address: web::Data<PublicAddress>,
    db: web::Data<Db>,
    clock: web::Data<Clock>,
}

impl RequestContext {
    pub async fn conn(&self) -> Result<Connection, Error> {
        Ok(self.db.get().await?)
    }

    /// The connections themselves, for an answer that is still being written when the handler has ended.
    pub fn db(&self) -> Db {
        Db::clone(&self.db)
    }

    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The id of the user who asks.
    pub fn user(&self) -> Result<Uuid, Error> {
        self.actor.id.ok_or(Error::SignIn)
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.actor.may(permission)
    }

    /// Whether the person has entered their own password within the last minutes, for what asks for it again.
    pub fn is_confirmed(&self) -> bool {
        reauthentication::counts(self.actor.confirmed_at, self.now())
    }

    /// Refuses actors without the permission, for what a page offers besides what its route needs.
    pub fn require(&self, permission: Permission) -> Result<(), Error> {
        if self.may(permission) { Ok(()) } else { Err(Error::Forbidden(permission.label())) }
    }

    /// Sends the browser on, with the outcome for the next page.
    pub fn see_other(&self, location: &str, outcome: impl Into<String>) -> HttpResponse {
        see_other(&self.req, location, Some(Flash::done(outcome)))
    }

    /// Sends the browser on, with why it was not done.
    pub fn see_other_undone(&self, location: &str, why: impl Into<String>) -> HttpResponse {
        see_other(&self.req, location, Some(Flash::not_done(why)))
    }

    /// Sends the browser on, with nothing to say.
    pub fn go(&self, location: &str) -> HttpResponse {
        see_other(&self.req, location, None)
    }
}

impl FromRequest for RequestContext {
    type Error = Error;
    type Future = Ready<Result<RequestContext, Error>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(context(req, payload))
    }
}

fn context(req: &HttpRequest, payload: &mut Payload) -> Result<RequestContext, Error> {
    let missing = |what: &str| Error::internal(anyhow::anyhow!("{what} is not part of the application's data"));
    Ok(RequestContext {
        actor: Actor::from_request(req, payload).into_inner()?,
        layout: Layout::from_request(req, payload).into_inner()?,
        req: req.clone(),
        address: req.app_data::<web::Data<PublicAddress>>().ok_or_else(|| missing("the public address"))?.clone(),
        db: req.app_data::<web::Data<Db>>().ok_or_else(|| missing("the database"))?.clone(),
        clock: req.app_data::<web::Data<Clock>>().ok_or_else(|| missing("the clock"))?.clone(),
    })
}
