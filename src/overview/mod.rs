//! The Overview of a connector, which is what opens from lists and links: its health and what repairs it, its calls and
//! callers, its endpoints, how programs call it, and who changed it. Each part comes from the slice that knows it.
//!
//! Rule: a part is shown to those who may open the page that it is taken from. Danger: a part whose query grows with the
//! number of calls or endpoints.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::access::{Permission, RequestContext};
use crate::audit::{self, AuditEntry};
use crate::authorization::{self, HealthPart};
use crate::calls::{self, Week};
use crate::connectors::{self, Connector, ConnectorHead, Tab, UsageTable, curl_get, curl_post, proxy_path};
use crate::endpoints::{self, EndpointsPart};
use crate::web::{Error, Layout, Segment, page};

/// The most callers that the page names.
const CALLERS: i64 = 5;

/// How many of the newest changes it shows.
const CHANGES: i64 = 5;

#[derive(Template)]
#[template(path = "overview/show.html")]
struct OverviewPage {
    layout: Layout,
    head: ConnectorHead,
    health: HealthPart,
    endpoints: EndpointsPart,
    /// For people with View Activity.
    activity: Option<Activity>,
    copies: Vec<Copied>,
}

/// What the Activity tab has more of.
struct Activity {
    week: Week,
    usage: UsageTable,
    changes: Vec<AuditEntry>,
}

/// A text that is shown with a button to copy it.
struct Copied {
    id: &'static str,
    label: &'static str,
    text: String,
    hint: &'static str,
}

pub async fn show(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let health = authorization::health_part(&context, &mut conn, &key).await?;
    let connector = health.connector();
    let endpoints = endpoints::endpoints_part(&context, &conn, connector).await?;
    let activity = if context.may(Permission::ViewActivity) {
        let now = context.now();
        Some(Activity {
            week: calls::week(&conn, (connector.id, &connector.key), now).await?,
            usage: connectors::usage_table(&conn, connector.id, CALLERS, now).await?,
            changes: audit::entries_of(&mut conn, connector.id, CHANGES).await?,
        })
    } else {
        None
    };
    drop(conn);
    let head = ConnectorHead::new(connector, Tab::Overview, &context.actor);
    let copies = copies(&context.address.to_string(), connector, endpoints.first_path());
    page(StatusCode::OK, &OverviewPage { layout: context.layout, head, health, endpoints, activity, copies })
}

/// The key, the paths by which programs call, and a command that does.
fn copies(address: &str, connector: &Connector, endpoint: Option<String>) -> Vec<Copied> {
    let proxy = proxy_path(&connector.key);
    let command = match &endpoint {
        Some(path) => curl_post(format!("{address}{path}")),
        None => curl_get(format!("{address}{proxy}")),
    };
    let copied = |id, label, text, hint| Copied { id, label, text, hint };
    let key = copied("key", "Key", connector.key.clone(), "The name of this data connector in addresses.");
    let endpoint = endpoint.map(|path| copied("endpoint_path", "Path of an endpoint", format!("POST {path}"), ""));
    let others = [
        copied("proxy_path", "Path of the proxy", proxy, "What follows it is the path below the base URL."),
        copied(
            "curl",
            "cURL command",
            command,
            "CONNECTORY_KEY stands for an API key that can call this data connector.",
        ),
    ];
    [key].into_iter().chain(endpoint).chain(others).collect()
}

impl OverviewPage {
    fn connector(&self) -> &Connector {
        self.health.connector()
    }
}
