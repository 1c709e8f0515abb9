//! The home page: what needs attention, what happened lately, where to go. Each part comes from the slice that knows
//! it.

mod begin;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;
use chrono::{DateTime, Utc};

use crate::access::{Actor, Permission, RequestContext, sign_in_alarm};
use crate::accounts::{self, SuperAdmins};
use crate::calls::{self, LastDay};
use crate::connectors::{self, Attention};
use crate::web::{Error, Layout, page};

use begin::Begin;

#[derive(Template)]
#[template(path = "home/home.html")]
struct HomePage {
    layout: Layout,
    attention: Option<Attention>,
    last_day: Option<LastDay>,
    /// Shown to super admins.
    super_admins: Option<SuperAdmins>,
    /// When others tried to sign in as this person so often that strangers are slowed down.
    alarm: Option<DateTime<Utc>>,
    /// As long as there is something left to do of it.
    begin: Option<Begin>,
    may_create: bool,
    may_call: bool,
}

/// Shows the page, with the parts that the person may see.
pub async fn show(context: RequestContext) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let begin = Begin::of(&context, &mut conn).await?;
    let attention = match context.may(Permission::ViewConnectors) {
        true => Some(connectors::attention(&context, &conn).await?),
        false => None,
    };
    let last_day = match context.may(Permission::ViewActivity) {
        true => Some(calls::last_day(&conn, context.actor.visibility, context.now()).await?),
        false => None,
    };
    let super_admins = match context.actor.super_admin {
        true => Some(accounts::super_admins(&conn).await?),
        false => None,
    };
    let alarm = sign_in_alarm(&conn, context.actor.id, context.now()).await?;
    drop(conn);
    let may_create = context.may(Permission::CreateConnectors);
    let may_call = context.may(Permission::CallConnectors);
    page(
        StatusCode::OK,
        &HomePage { layout: context.layout, attention, last_day, super_admins, alarm, begin, may_create, may_call },
    )
}

/// What the program is for, how to begin, and where to find what.
#[derive(Template)]
#[template(path = "home/help.html")]
struct HelpPage {
    layout: Layout,
    actor: Actor,
}

pub async fn help(context: RequestContext) -> Result<HttpResponse, Error> {
    page(StatusCode::OK, &HelpPage { layout: context.layout, actor: context.actor })
}

impl HomePage {
    /// Whether no super admin could sign in while the sign-in provider is down.
    fn is_locked_out(&self) -> bool {
        self.super_admins.is_some_and(|count| count.with_password == 0)
    }

    /// Whether everything hangs on one account.
    fn is_alone(&self) -> bool {
        self.super_admins.is_some_and(|count| count.all == 1)
    }

    /// Whether the person may open nothing but this page and their own.
    fn is_bare(&self) -> bool {
        self.layout.nav.is_empty()
    }
}
