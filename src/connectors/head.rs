//! What stands above every tab of a connector: its name, its health, its warnings and the tabs.

use askama::Template;
use askama::filters::HtmlSafe;
use chrono::{DateTime, Utc};

use super::{Connector, Health};
use crate::access::{Actor, Permission, Rights};

/// The tabs of a connector.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    Overview,
    Details,
    Authorization,
    Endpoints,
    Activity,
    Access,
}

impl Tab {
    pub fn label(self) -> &'static str {
        match self {
            Tab::Overview => "Overview",
            Tab::Details => "Details",
            Tab::Authorization => "Authorization",
            Tab::Endpoints => "Endpoints",
            Tab::Activity => "Activity",
            Tab::Access => "Access",
        }
    }

    /// What its route needs.
    fn needs(self) -> Permission {
        match self {
            Tab::Overview | Tab::Details | Tab::Authorization | Tab::Endpoints => Permission::ViewConnectors,
            Tab::Activity => Permission::ViewActivity,
            Tab::Access => Permission::ManageUsers,
        }
    }

    fn path(self) -> &'static str {
        match self {
            Tab::Overview => "",
            Tab::Details => "/details",
            Tab::Authorization => "/authorization",
            Tab::Endpoints => "/endpoints",
            Tab::Activity => "/activity",
            Tab::Access => "/access",
        }
    }
}

/// The head of a connector's page.
#[derive(Template)]
#[template(path = "connectors/head.html")]
pub struct ConnectorHead {
    pub key: String,
    pub label: String,
    health: Health,
    since: DateTime<Utc>,
    verify_certificates: bool,
    /// Something of it is kept to certain people.
    is_limited: bool,
    tab: Tab,
    tabs: Vec<Tab>,
    /// What the page shows of the tab, if it is one thing of several.
    about: Option<String>,
}

impl HtmlSafe for ConnectorHead {}

impl ConnectorHead {
    /// The head of `connector` with `tab` as the current one; the tabs are those that `actor` may open.
    pub fn new(connector: &Connector, tab: Tab, actor: &Actor) -> ConnectorHead {
        let may_open = |tab: &Tab| actor.may(tab.needs());
        let tabs = [Tab::Overview, Tab::Details, Tab::Authorization, Tab::Endpoints, Tab::Activity, Tab::Access];
        ConnectorHead {
            key: connector.key.clone(),
            label: connector.label.clone(),
            health: connector.health(),
            since: connector.status_since,
            verify_certificates: connector.verify_certificates,
            is_limited: connector.open != Rights::ALL,
            tab,
            tabs: tabs.into_iter().filter(may_open).collect(),
            about: None,
        }
    }

    /// The head of a page within the tab that is about one thing, such as “Endpoint “list””.
    pub fn about(mut self, thing: impl Into<String>) -> ConnectorHead {
        self.about = Some(thing.into());
        self
    }

    /// What the page is about: the tab, or the one thing of it.
    fn subject(&self) -> &str {
        self.about.as_deref().unwrap_or(self.tab.label())
    }

    /// Whether to link to the Authorization tab, which says what is wrong or missing. So does the Overview.
    fn links_to_authorization(&self) -> bool {
        !matches!(self.tab, Tab::Overview | Tab::Authorization)
            && !matches!(self.health, Health::Healthy | Health::Disabled)
    }

    /// What that link says.
    fn way_on(&self) -> &'static str {
        if self.health == Health::NotTested { "How to test it" } else { "Why, and how to repair it" }
    }

    /// The address of a tab.
    pub fn href(&self, tab: &Tab) -> String {
        format!("/connectors/{}{}", self.key, tab.path())
    }

    /// “Payroll ledger: Authorization”.
    pub fn heading(&self) -> String {
        format!("{}: {}", self.label, self.subject())
    }

    /// “Authorization, Payroll ledger”: what changes first.
    pub fn title(&self) -> String {
        format!("{}, {}", self.subject(), self.label)
    }
}
