//! The part of a connector's Overview on its health: what is known of it, and the one button that repairs it.
//!
//! Rule: the button is the one that the Authorization tab makes its primary one.

use std::fmt::{self, Display};
use std::ops::Deref;

use askama::Template;
use askama::filters::HtmlSafe;

use super::tab::{Stored, load};
use crate::access::{RequestContext, Right};
use crate::connectors::{Connector, Health, Method};
use crate::db::Conn;
use crate::web::Error;

/// What is known of a connector's health.
pub struct HealthPart(Card);

impl HtmlSafe for HealthPart {}

impl Display for HealthPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl HealthPart {
    pub fn connector(&self) -> &Connector {
        &self.0.stored.connector
    }
}

#[derive(Template)]
#[template(path = "authorization/health.html")]
struct Card {
    stored: Stored,
    csrf: String,
    may_authorize: bool,
    may_edit: bool,
}

impl Deref for Card {
    type Target = Stored;

    fn deref(&self) -> &Stored {
        &self.stored
    }
}

/// What repairs a connector.
enum Repair {
    Enable,
    /// A test of what is stored.
    Test,
    /// The page that asks for a token.
    RequestToken,
    /// A form that sends the person to the server; with its path.
    Authorize(&'static str),
    FetchToken,
    /// Fields are to be filled in on the Authorization tab.
    Settings,
}

/// The part of the connector of this key, for a person who may see it.
pub async fn health_part(context: &RequestContext, conn: &mut Conn, key: &str) -> Result<HealthPart, Error> {
    let stored = load(context, conn, key, Right::View).await?;
    let rights = stored.connector.rights;
    let is_own = stored.connector.is_collection;
    Ok(HealthPart(Card {
        csrf: context.layout.csrf.clone(),
        may_authorize: rights.contains(Right::Authorize) && !is_own,
        may_edit: rights.contains(Right::Edit) && !is_own,
        stored,
    }))
}

impl Card {
    /// The one button that the person has for it.
    fn repair(&self) -> Option<Repair> {
        let (connector, health) = (&self.connector, self.connector.health());
        if health == Health::Disabled {
            return self.may_edit.then_some(Repair::Enable);
        }
        let is_stuck = !matches!(health, Health::Healthy | Health::NotTested | Health::Failing);
        let repair = if self.test_helps() {
            Repair::Test
        } else if self.authorize_repairs() {
            Repair::Authorize(self.authorize_path())
        } else if self.can_fetch() && self.fetch_repairs() {
            Repair::FetchToken
        } else if connector.method() == Method::Bearer && self.request_repairs() && !self.is_switched_off() {
            Repair::RequestToken
        } else if is_stuck {
            Repair::Settings
        } else {
            return None;
        };
        self.may_authorize.then_some(repair)
    }

    /// What a person is to do, in words that name the tab where the fields are.
    fn what_to_do(&self) -> String {
        self.remedy().replace("on this page", "on the Authorization tab")
    }
}
