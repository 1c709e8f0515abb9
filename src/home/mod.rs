//! The home page: what needs attention, what happened lately, where to go. Each part comes from the slice that knows it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::access::{Permission, Visit};
use crate::calls::{self, LastDay};
use crate::connectors::{self, Attention};
use crate::web::{Error, Shell, page};

#[derive(Template)]
#[template(path = "home/home.html")]
struct HomePage {
    shell: Shell,
    attention: Option<Attention>,
    last_day: Option<LastDay>,
    may_create: bool,
    may_call: bool,
}

/// Shows the page, with the parts that the person may see.
pub async fn show(visit: Visit) -> Result<HttpResponse, Error> {
    let conn = visit.conn().await?;
    let attention = match visit.may(Permission::ViewConnectors) {
        true => Some(connectors::attention(&visit, &conn).await?),
        false => None,
    };
    let last_day = match visit.may(Permission::ViewActivity) {
        true => Some(calls::last_day(&conn, visit.actor.sight, visit.now()).await?),
        false => None,
    };
    drop(conn);
    let may_create = visit.may(Permission::CreateConnectors);
    let may_call = visit.may(Permission::CallConnectors);
    page(
        StatusCode::OK,
        &HomePage {
            shell: visit.shell,
            attention,
            last_day,
            may_create,
            may_call,
        },
    )
}

impl HomePage {
    /// Whether the person may open nothing but this page and their own.
    fn is_bare(&self) -> bool {
        self.shell.nav.is_empty()
    }
}
