//! The home page: what needs attention, what happened lately, where to go. Each part comes from the slice that knows
//! it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use crate::access::{Permission, Visit, sign_in_alarm};
use crate::accounts::{self, SuperAdmins};
use crate::calls::{self, LastDay};
use crate::connectors::{self, Attention};
use crate::web::{Error, Shell, page};

#[derive(Template)]
#[template(path = "home/home.html")]
struct HomePage {
    shell: Shell,
    attention: Option<Attention>,
    last_day: Option<LastDay>,
    /// Told to super admins.
    super_admins: Option<SuperAdmins>,
    /// When others tried to sign in as this person so often that strangers are slowed down.
    alarm: Option<DateTime<Utc>>,
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
    let super_admins = match visit.actor.super_admin {
        true => Some(accounts::super_admins(&conn).await?),
        false => None,
    };
    let alarm = sign_in_alarm(&conn, visit.actor.id, visit.now()).await?;
    drop(conn);
    let may_create = visit.may(Permission::CreateConnectors);
    let may_call = visit.may(Permission::CallConnectors);
    page(
        StatusCode::OK,
        &HomePage { shell: visit.shell, attention, last_day, super_admins, alarm, may_create, may_call },
    )
}

impl HomePage {
    /// Whether nobody could do everything here while the sign-in provider is down.
    fn is_locked_out(&self) -> bool {
        self.super_admins.is_some_and(|count| count.with_password == 0)
    }

    /// Whether everything hangs on one account.
    fn is_alone(&self) -> bool {
        self.super_admins.is_some_and(|count| count.all == 1)
    }

    /// Whether the person may open nothing but this page and their own.
    fn is_bare(&self) -> bool {
        self.shell.nav.is_empty()
    }
}
