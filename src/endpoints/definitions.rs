//! Endpoints as calls need them: read from the database at most every few seconds, and dropped at every change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::definition::{Definition, Part, PartProblem};
use super::model::{Endpoint, EndpointId};
use super::queries;
use crate::clock::Clock;
use crate::connectors::ConnectorId;
use crate::db::{Cache, ChangeEvent, ChangeListener, Db, StoredValueError, known};
use crate::name;
use crate::outbound::HttpUrl;
use crate::web::Error;

/// How many connectors' endpoints are kept at most.
const MOST: usize = 2_000;

/// A stored endpoint, ready to be called.
pub struct DefinedEndpoint {
    pub id: EndpointId,
    pub name: Arc<str>,
    pub description: Arc<str>,
    /// The URL as it was typed, before values are put in.
    pub target: Arc<str>,
    /// As long as a call may take; `None`: as long as the connector says.
    pub time_out: Option<Duration>,
    pub retries: u8,
    pub definition: Definition,
}

/// The endpoints of one connector, by the key of the name; one that cannot be read is an error to whoever calls it.
type OfConnector = HashMap<String, Result<Arc<DefinedEndpoint>, StoredValueError>>;

/// All endpoints, process-wide. Clones share what they keep.
#[derive(Clone)]
pub struct Definitions {
    memory: Cache<ConnectorId, Arc<OfConnector>>,
}

impl Definitions {
    /// Keeps endpoints until `notices` tell of a change.
    pub fn new(clock: &Clock, notices: &ChangeListener) -> Definitions {
        let memory = Cache::new(clock, MOST);
        let kept = memory.clone();
        notices.subscribe(move |change| match change {
            ChangeEvent::Connector(id) => kept.forget(&id),
            ChangeEvent::Everything => kept.clear(),
            ChangeEvent::Keys => {}
        });
        Definitions { memory }
    }

    /// The endpoint of this name; case and Unicode form make no difference.
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

    /// All endpoints of a connector by name, but for those that cannot be read.
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
        self.memory.get(&connector, async || read(db, connector).await).await
    }
}

async fn read(db: &Db, connector: ConnectorId) -> Result<Option<Arc<OfConnector>>, Error> {
    let mut conn = db.get().await?;
    let Some((base, endpoints)) = queries::all_with_base(&mut conn, connector).await? else {
        return Ok(None);
    };
    let read = |url: String| known("connectors.base_url", connector, HttpUrl::parse(&url).ok());
    let base = base.map(read).transpose().map_err(Error::internal)?;
    let defined = endpoints.into_iter().map(|(key, endpoint)| (key, define(&endpoint, base.as_ref()).map(Arc::new)));
    Ok(Some(Arc::new(defined.collect())))
}

/// Whatever is stored was checked; a row that somebody has written by hand is an error.
fn define(endpoint: &Endpoint, base: Option<&HttpUrl>) -> Result<DefinedEndpoint, StoredValueError> {
    let recipe = endpoint.recipe()?;
    let definition =
        Definition::new(&recipe, base).map_err(|problems| StoredValueError::new(column(&problems), endpoint.id))?;
    let seconds = recipe.time_out.map(i32::unsigned_abs);
    Ok(DefinedEndpoint {
        id: endpoint.id,
        name: endpoint.name.as_str().into(),
        description: endpoint.description.as_str().into(),
        target: endpoint.url.as_str().into(),
        time_out: seconds.map(|seconds| Duration::from_secs(seconds.into())),
        retries: u8::try_from(recipe.retries).unwrap_or(0),
        definition,
    })
}

/// Where the first problem stands.
fn column(problems: &[PartProblem]) -> &'static str {
    match problems.first().map(|problem| problem.part) {
        Some(Part::Parameter(_)) => "endpoints.parameters",
        Some(Part::Header(_)) => "endpoints.headers",
        Some(Part::Body) => "endpoints.body",
        Some(Part::FormField(_)) => "endpoints.form",
        Some(Part::Url) | None => "endpoints.url",
    }
}
