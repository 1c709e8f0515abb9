//! Discovery: the connectors that a key can call, and their endpoints.

use std::collections::BTreeMap;
use std::sync::Arc;

use actix_web::HttpResponse;
use chrono::{DateTime, SecondsFormat, Utc};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::calls::PROXY_METHODS;
use super::problem::{Problem, connector_not_found};
use super::request::ApiRequest;
use super::serve::json_response;
use crate::access::{Right, Wants};
use crate::authorization::token_values;
use crate::connectors::{call_path, connector_path};
use crate::db::schema::{connectors, evidence};
use crate::endpoints::DefinedEndpoint;
use crate::relay::ConnectorSnapshot;
use crate::web::Error;

/// Connectors on one page of the list.
const PAGE: usize = 100;

/// Data connectors that the API key can call.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[schema(examples(json!({ "connectors": [{
    "key": "payroll-ledger", "name": "Payroll ledger", "status": "healthy", "owner": "Accounting",
    "contact": "accounting@example.org", "documentation_url": "https://docs.example.org/ledger",
    "href": "/api/v1/connectors/payroll-ledger",
}] })))]
pub(super) struct ConnectorList {
    /// Sorted by key.
    pub connectors: Vec<ConnectorEntry>,
    /// The address of the next page; left out on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub next: Option<String>,
}

/// A data connector in a list.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) struct ConnectorEntry {
    /// Its name in addresses; it never changes.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Its state: disabled, expiring, failing, healthy, needs_reauthorization, not_authorized, not_tested or refused.
    pub status: String,
    /// The name of the user or group that looks after it; empty if none does.
    pub owner: String,
    /// How to reach the people behind it; empty if that is not known.
    pub contact: String,
    /// Where to read about the API; empty if that is not known.
    pub documentation_url: String,
    /// The address of its description.
    pub href: String,
}

/// A data connector with what the API key may do with it.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
#[schema(examples(json!({
    "key": "payroll-ledger", "name": "Payroll ledger", "description": "Salaries and their bookings",
    "owner": "Accounting", "contact": "accounting@example.org", "documentation_url": "https://docs.example.org/ledger", "notes": "",
    "status": "healthy", "status_since": "2026-05-03T14:31:07Z", "last_success_at": "2026-05-04T08:00:12Z",
    "proxy": true, "token": false, "token_values": { "instance_url": "https://eu7.example.org" },
    "endpoints": [{
        "name": "list", "description": "All bookings of a month", "method": "GET",
        "variables": [{ "name": "month" }, { "name": "page", "default": "1" }],
        "href": "/api/v1/connectors/payroll-ledger/endpoints/list/call",
    }],
})))]
pub(super) struct ConnectorDetails {
    /// Its name in addresses; it never changes.
    pub key: String,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The name of the user or group that looks after it; empty if none does.
    pub owner: String,
    /// How to reach the people behind it; empty if that is not known.
    pub contact: String,
    /// Where to read about the API; empty if that is not known.
    pub documentation_url: String,
    /// What else there is to know.
    pub notes: String,
    /// Its state: disabled, expiring, failing, healthy, needs_reauthorization, not_authorized, not_tested or refused.
    pub status: String,
    /// Since when (RFC 3339, UTC).
    pub status_since: String,
    /// When the API last took a call or a test, within a minute (RFC 3339, UTC); left out if it never has since the
    /// credential was changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub last_success_at: Option<String>,
    /// Whether the key may use the proxy, with at least one method.
    pub proxy: bool,
    /// Whether the key may read the access token.
    pub token: bool,
    /// What was kept with the token, such as the address of the server’s instance for this account.
    pub token_values: BTreeMap<String, String>,
    /// The endpoints that the key may call.
    pub endpoints: Vec<EndpointEntry>,
}

/// An endpoint of a data connector.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) struct EndpointEntry {
    /// Its name, percent-encoded in addresses.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// The HTTP method of the request that it makes.
    pub method: String,
    /// What its variables are.
    pub variables: Vec<VariableEntry>,
    /// The address to call it.
    pub href: String,
}

/// A variable of an endpoint.
#[derive(Serialize, ToSchema)]
#[cfg_attr(test, derive(serde::Deserialize))]
pub(super) struct VariableEntry {
    /// Its name, with dots for members of objects.
    pub name: String,
    /// Its value if none is sent; left out for one without.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub default: Option<String>,
}

/// List data connectors
///
/// Those that the API key can call, a hundred at a time.
#[utoipa::path(
    get, path = "/api/v1/connectors", operation_id = "list_connectors",
    params(("after" = Option<String>, Query, nullable = false, description = "The key after which the list goes on; comes in “next”.", example = "payroll-ledger")),
    responses((status = 200, description = "As asked.", body = ConnectorList)),
)]
pub(super) async fn list(request: ApiRequest) -> Result<HttpResponse, Problem> {
    let (rows, next) = page(&request, "/api/v1/connectors", false).await?;
    let entry = |row: ListedConnector| {
        let ListedConnector { key, name, status, owner, contact, documentation_url } = row;
        let href = connector_path(&key);
        ConnectorEntry { key, name, status, owner, contact, documentation_url, href }
    };
    json_response(&ConnectorList { connectors: rows.into_iter().map(entry).collect(), next })
}

fn after(query: Option<&str>) -> String {
    let mut pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let after = pairs.find(|(name, _)| name == "after");
    // No text column can hold NUL.
    after.map(|(_, value)| value.replace('\0', "")).unwrap_or_default()
}

/// A connector as lists show it.
#[derive(Queryable, Selectable)]
#[diesel(table_name = connectors)]
pub(super) struct ListedConnector {
    pub key: String,
    #[diesel(column_name = label)]
    pub name: String,
    pub status: String,
    #[diesel(select_expression = owner_name(), select_expression_type = SqlLiteral<Text>)]
    owner: String,
    contact: String,
    documentation_url: String,
}

/// The name of a connector's owner; empty without one.
fn owner_name() -> SqlLiteral<Text> {
    sql("coalesce((SELECT u.name FROM users u WHERE u.id = connectors.owner_user_id),
        (SELECT g.name FROM groups g WHERE g.id = connectors.owner_group_id), '')")
}

/// The connectors on the page that the request asks for, and the address of the next page.
pub(super) async fn page(
    request: &ApiRequest,
    path: &str,
    only_collections: bool,
) -> Result<(Vec<ListedConnector>, Option<String>), Error> {
    let mut live = connectors::table
        .filter(connectors::deleted_at.is_null())
        .filter(connectors::key.gt(after(request.req.uri().query())))
        .order(connectors::key)
        .limit(PAGE as i64 + 1)
        .select(ListedConnector::as_select())
        .into_boxed();
    let reach = request.holder.reach();
    if let Some(ids) = reach.named {
        live = live.filter(connectors::id.eq_any(ids));
    }
    if let Some(ids) = reach.closed {
        let is_open = connectors::open_rights.contains(vec![Right::Call.code()]);
        live = live.filter(is_open.or(connectors::id.eq_any(ids)));
    }
    if only_collections {
        live = live.filter(connectors::is_collection);
    }
    let mut rows: Vec<ListedConnector> = live.load(&mut *request.api.db.get().await?).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|row| {
        let key: String = form_urlencoded::byte_serialize(row.key.as_bytes()).collect();
        format!("{path}?after={key}")
    });
    Ok((rows, next))
}

/// Describe a data connector
///
/// What the API key may do with it, its endpoints, and what their variables are.
#[utoipa::path(
    get, path = "/api/v1/connectors/{key}", operation_id = "get_connector",
    params(("key" = String, Path, description = "The data connector’s key, which is shown on its page.", example = "payroll-ledger")),
    responses((status = 200, description = "As asked.", body = ConnectorDetails)),
)]
pub(super) async fn show(request: ApiRequest) -> Result<HttpResponse, Problem> {
    let connector = request.connector().await?;
    let found = description(&request, connector.id).await?.ok_or_else(connector_not_found)?;
    let (description, (status, since, last_success), (owner, contact, documentation_url, notes)) = found;
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let may = |wants| request.check(&connector, wants).is_ok();
    let endpoints = request.api.endpoints.all(&request.api.db, connector.id).await?;
    let callable = endpoints
        .iter()
        .filter(|endpoint| may(Wants::Endpoint { id: endpoint.id, method: endpoint.definition.method.code() }));
    json_response(&ConnectorDetails {
        key: connector.key.clone(),
        name: connector.label.to_string(),
        description,
        owner,
        contact,
        documentation_url,
        notes,
        status,
        status_since: time(since),
        last_success_at: last_success.map(time),
        proxy: PROXY_METHODS.iter().any(|method| may(Wants::Proxy { method })),
        token: connector.has_token() && may(Wants::Token),
        token_values: token_values(&mut *request.api.db.get().await.map_err(Error::from)?, connector.id).await?,
        endpoints: callable.map(|endpoint| entry(&connector, endpoint)).collect(),
    })
}

/// The description; status, since when, and the last success; owner, contact, documentation and notes.
type Description = (String, (String, DateTime<Utc>, Option<DateTime<Utc>>), (String, String, String, String));

async fn description(request: &ApiRequest, id: Uuid) -> Result<Option<Description>, Error> {
    let row = connectors::table
        .find(id)
        .left_join(evidence::table)
        .filter(connectors::deleted_at.is_null())
        .select((
            connectors::description,
            (connectors::status, connectors::status_since, evidence::taken_at.nullable()),
            (owner_name(), connectors::contact, connectors::documentation_url, connectors::notes),
        ))
        .first(&mut *request.api.db.get().await?)
        .await
        .optional()?;
    Ok(row)
}

fn entry(connector: &ConnectorSnapshot, endpoint: &Arc<DefinedEndpoint>) -> EndpointEntry {
    let variables = endpoint.definition.variables();
    let variables = variables.iter().filter(|variable| !variable.name().is_empty());
    EndpointEntry {
        name: endpoint.name.to_string(),
        description: endpoint.description.to_string(),
        method: endpoint.definition.method.code().to_string(),
        variables: variables
            .map(|variable| VariableEntry { name: variable.name().to_string(), default: endpoint.default_of(variable) })
            .collect(),
        href: call_path(&connector.key, &endpoint.name),
    }
}
