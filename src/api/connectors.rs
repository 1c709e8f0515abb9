//! Finding out what there is: the connectors that a key leads to, and their endpoints.

use std::sync::Arc;

use actix_web::HttpResponse;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::ask::Ask;
use super::operations::PROXY_METHODS;
use super::problem::{Problem, connector_not_found};
use super::serve::json_answer;
use super::types::{ConnectorDetails, ConnectorEntry, ConnectorList, EndpointEntry, VariableEntry};
use crate::access::{Right, Wants};
use crate::db::schema::connectors;
use crate::endpoints::{DefinedEndpoint, call_path, connector_path};
use crate::relay::Line;
use crate::web::Error;

/// Connectors on one page of the list.
const PAGE: usize = 100;

/// The connectors that the key leads to.
pub(super) async fn list(ask: Ask) -> Result<HttpResponse, Problem> {
    let after = after(ask.req.uri().query());
    let mut rows = page(&ask, &after).await?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let last = rows.last().map(|row| row.key.clone()).filter(|_| more);
    json_answer(&ConnectorList {
        connectors: rows.into_iter().map(Row::entry).collect(),
        next: last.map(|key| {
            let key: String = form_urlencoded::byte_serialize(key.as_bytes()).collect();
            format!("/api/v1/connectors?after={key}")
        }),
    })
}

fn after(query: Option<&str>) -> String {
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut values = pairs.filter(|(name, _)| name == "after");
    // No text column can hold NUL.
    values.next().map(|(_, value)| value.replace('\0', "")).unwrap_or_default()
}

#[derive(Queryable)]
struct Row {
    key: String,
    label: String,
    status: String,
}

impl Row {
    fn entry(self) -> ConnectorEntry {
        ConnectorEntry { href: connector_path(&self.key), key: self.key, name: self.label, status: self.status }
    }
}

async fn page(ask: &Ask, after: &str) -> Result<Vec<Row>, Error> {
    let mut live = connectors::table
        .filter(connectors::deleted_at.is_null())
        .filter(connectors::key.gt(after.to_string()))
        .order(connectors::key)
        .limit(PAGE as i64 + 1)
        .select((connectors::key, connectors::label, connectors::status))
        .into_boxed();
    let reach = ask.holder.reach();
    if let Some(ids) = reach.named {
        live = live.filter(connectors::id.eq_any(ids));
    }
    if let Some(ids) = reach.closed {
        let is_open = connectors::open_rights.contains(vec![Right::Call.code()]);
        live = live.filter(is_open.or(connectors::id.eq_any(ids)));
    }
    Ok(live.load(&mut *ask.api.db.get().await?).await?)
}

/// One connector, and what the key may do with it.
pub(super) async fn show(ask: Ask) -> Result<HttpResponse, Problem> {
    let line = ask.line().await?;
    let (description, status) = words(&ask, line.id).await?.ok_or_else(connector_not_found)?;
    let may = |wants| ask.check(&line, wants).is_ok();
    let endpoints = ask.api.endpoints.all(&ask.api.db, line.id).await?;
    let open = endpoints.iter().filter(|endpoint| may_call(&ask, &line, endpoint));
    json_answer(&ConnectorDetails {
        key: line.key.clone(),
        name: line.label.to_string(),
        description,
        status,
        proxy: PROXY_METHODS.iter().any(|method| may(Wants::Proxy { method })),
        token: line.has_token() && may(Wants::Token),
        endpoints: open.map(|endpoint| entry(&line.key, endpoint)).collect(),
    })
}

fn may_call(ask: &Ask, line: &Line, endpoint: &DefinedEndpoint) -> bool {
    let wants = Wants::Endpoint { id: endpoint.id, method: endpoint.definition.method.code() };
    ask.check(line, wants).is_ok()
}

async fn words(ask: &Ask, id: Uuid) -> Result<Option<(String, String)>, Error> {
    let row = connectors::table
        .find(id)
        .filter(connectors::deleted_at.is_null())
        .select((connectors::description, connectors::status))
        .first(&mut *ask.api.db.get().await?)
        .await
        .optional()?;
    Ok(row)
}

fn entry(key: &str, endpoint: &Arc<DefinedEndpoint>) -> EndpointEntry {
    let variables = endpoint.definition.variables();
    let variables = variables.iter().filter(|variable| !variable.name().is_empty());
    EndpointEntry {
        name: endpoint.name.to_string(),
        description: endpoint.description.to_string(),
        method: endpoint.definition.method.code().to_string(),
        variables: variables
            .map(|variable| VariableEntry {
                name: variable.name().to_string(),
                default: variable.default().map(str::to_string),
            })
            .collect(),
        href: call_path(key, &endpoint.name),
    }
}
