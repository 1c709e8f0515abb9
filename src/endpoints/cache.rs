//! Endpoints ready to be called, cached until they change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::definition::{Definition, Files, Part, PartProblem, RenderProblems, Rendered};
use super::model::{Endpoint, EndpointId};
use super::paging::Paging;
use super::{queries, token_values};
use crate::authorization::{self, KeptValues};
use crate::clock::Clock;
use crate::connectors::ConnectorId;
use crate::db::{Cache, ChangeEvent, ChangeListener, Db, StoredValueError, known};
use crate::name;
use crate::outbound::HttpUrl;
use crate::template::Variable;
use crate::web::Error;

/// Connectors in the cache at most.
const MAX_CONNECTORS: usize = 2_000;

/// A stored endpoint, ready to be called.
pub struct DefinedEndpoint {
    pub id: EndpointId,
    pub name: Arc<str>,
    pub description: Arc<str>,
    /// The template of the URL.
    pub target: Arc<str>,
    /// `None` for the connector's own.
    pub time_out: Option<Duration>,
    pub retries: u8,
    pub paging: Paging,
    pub definition: Definition,
    /// Kept with the connector's token.
    token_values: Arc<KeptValues>,
}

impl DefinedEndpoint {
    /// The request of these variables; what they lack of the token's values is added.
    pub fn render(&self, variables: Value, files: &Files) -> Result<Rendered, RenderProblems> {
        self.definition.render(&token_values::add(variables, &self.token_values), files)
    }

    /// What stands in the place of a variable for which the caller gives no value.
    pub fn default_of(&self, variable: &Variable) -> Option<String> {
        token_values::default_of(variable, &self.token_values)
    }
}

/// The endpoints of one connector, by the key of their names. One that cannot be read is an error when it is called.
type OfConnector = HashMap<String, Result<Arc<DefinedEndpoint>, StoredValueError>>;

/// The endpoints of all connectors. Clones share the cache.
#[derive(Clone)]
pub struct EndpointCache {
    cache: Cache<ConnectorId, Arc<OfConnector>>,
}

impl EndpointCache {
    /// `changes` drops endpoints from the cache.
    pub fn new(clock: &Clock, changes: &ChangeListener) -> EndpointCache {
        let cache: Cache<ConnectorId, Arc<OfConnector>> = Cache::new(clock, MAX_CONNECTORS);
        let changed = cache.clone();
        changes.subscribe(move |change| match change {
            ChangeEvent::Connector(id) => changed.forget(&id),
            ChangeEvent::Everything => changed.clear(),
            ChangeEvent::Keys | ChangeEvent::Evidence(_) => {}
        });
        EndpointCache { cache }
    }

    /// The endpoint of this name, compared without case and in Unicode normal form.
    pub async fn find(
        &self,
        db: &Db,
        connector: ConnectorId,
        name: &str,
    ) -> Result<Option<Arc<DefinedEndpoint>>, Error> {
        let of_connector = self.of(db, connector).await?;
        let found = of_connector.and_then(|all| all.get(&name::key(name)).cloned());
        found.transpose().map_err(Error::internal)
    }

    /// All endpoints of a connector by name, except those that cannot be read.
    pub async fn all(&self, db: &Db, connector: ConnectorId) -> Result<Vec<Arc<DefinedEndpoint>>, Error> {
        let of_connector = self.of(db, connector).await?.unwrap_or_default();
        let readable = |found: &Result<Arc<DefinedEndpoint>, StoredValueError>| {
            let found = found.clone().inspect_err(StoredValueError::log);
            found.ok()
        };
        let mut all: Vec<_> = of_connector.values().filter_map(readable).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    async fn of(&self, db: &Db, connector: ConnectorId) -> Result<Option<Arc<OfConnector>>, Error> {
        self.cache.get(&connector, async || read(db, connector).await).await
    }
}

async fn read(db: &Db, connector: ConnectorId) -> Result<Option<Arc<OfConnector>>, Error> {
    let mut conn = db.get().await?;
    let Some((base, endpoints)) = queries::all_with_base(&mut conn, connector).await? else {
        return Ok(None);
    };
    let read = |url: String| known("connectors.base_url", connector, HttpUrl::parse(&url).ok());
    let base = base.map(read).transpose().map_err(Error::internal)?;
    let kept = Arc::new(authorization::token_values(&mut conn, connector).await?);
    let define = |endpoint: &Endpoint| define(endpoint, base.as_ref(), &kept).map(Arc::new);
    let defined = endpoints.into_iter().map(|(key, endpoint)| (key, define(&endpoint)));
    Ok(Some(Arc::new(defined.collect())))
}

/// Stored endpoints were checked; one that was changed by hand can be an error.
fn define(
    endpoint: &Endpoint,
    base: Option<&HttpUrl>,
    token_values: &Arc<KeptValues>,
) -> Result<DefinedEndpoint, StoredValueError> {
    let request = endpoint.request()?;
    let definition =
        Definition::new(&request, base).map_err(|problems| StoredValueError::new(column(&problems), endpoint.id))?;
    let seconds = request.time_out.map(i32::unsigned_abs);
    Ok(DefinedEndpoint {
        id: endpoint.id,
        name: endpoint.name.as_str().into(),
        description: endpoint.description.as_str().into(),
        target: endpoint.url.as_str().into(),
        time_out: seconds.map(|seconds| Duration::from_secs(seconds.into())),
        retries: u8::try_from(request.retries).unwrap_or(0),
        paging: request.paging,
        definition,
        token_values: Arc::clone(token_values),
    })
}

/// The column of the first problem.
fn column(problems: &[PartProblem]) -> &'static str {
    match problems.first().map(|problem| problem.part) {
        Some(Part::Row(kind, _)) => kind.column(),
        Some(Part::Body) => "endpoints.body",
        Some(Part::Url) | None => "endpoints.url",
    }
}
