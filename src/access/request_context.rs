//! A signed-in person's request, with what nearly every handler needs.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use chrono::{DateTime, Utc};

use super::{Actor, Permission, confirmation};
use crate::clock::Clock;
use crate::db::{Connection, Db};
use crate::web::{Error, Flash, Layout, PublicAddress, see_other};

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

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn may(&self, permission: Permission) -> bool {
        self.actor.may(permission)
    }

    /// Whether the person has entered their own password within the last minutes, for what asks for it again.
    pub fn is_confirmed(&self) -> bool {
        confirmation::counts(self.actor.confirmed_at, self.now())
    }

    /// Refuses whoever lacks the permission, for what a page offers besides what its route needs.
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
