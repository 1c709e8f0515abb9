//! Endpoints as calls need them: read from the database at most every few seconds, and dropped at every change.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::definition::Definition;
use super::model::{Endpoint, EndpointId};
use super::queries;
use crate::clock::Clock;
use crate::connectors::ConnectorId;
use crate::db::{Change, Db, Memory, Notices};
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

/// The endpoints of one connector, by the key of the name.
type OfConnector = HashMap<String, Arc<DefinedEndpoint>>;

/// All endpoints, process-wide. Clones share what they keep.
#[derive(Clone)]
pub struct Definitions {
    memory: Memory<ConnectorId, Arc<OfConnector>>,
}

impl Definitions {
    /// Keeps endpoints until `notices` tell of a change.
    pub fn new(clock: &Clock, notices: &Notices) -> Definitions {
        let memory = Memory::new(clock, MOST);
        let kept = memory.clone();
        notices.subscribe(move |change| match change {
            Change::Connector(id) => kept.forget(&id),
            Change::Everything => kept.clear(),
            Change::Keys => {}
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
        Ok(of_connector.and_then(|known| known.get(&name::key(name)).cloned()))
    }

    /// All endpoints of a connector by name.
    pub async fn all(
        &self,
        db: &Db,
        connector: ConnectorId,
    ) -> Result<Vec<Arc<DefinedEndpoint>>, Error> {
        let of_connector = self.of(db, connector).await?.unwrap_or_default();
        let mut all: Vec<_> = of_connector.values().cloned().collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(all)
    }

    async fn of(&self, db: &Db, connector: ConnectorId) -> Result<Option<Arc<OfConnector>>, Error> {
        self.memory
            .get(&connector, async || read(db, connector).await)
            .await
    }
}

async fn read(db: &Db, connector: ConnectorId) -> Result<Option<Arc<OfConnector>>, Error> {
    let mut conn = db.get().await?;
    let Some((base, endpoints)) = queries::all_with_base(&mut conn, connector).await? else {
        return Ok(None);
    };
    let base = base.and_then(|url| HttpUrl::parse(&url).ok());
    let defined = endpoints
        .into_iter()
        .filter_map(|(key, endpoint)| Some((key, Arc::new(define(&endpoint, base.as_ref())?))));
    Ok(Some(Arc::new(defined.collect())))
}

/// Whatever is stored was checked; a row that somebody has written by hand is no endpoint, and said to be none.
fn define(endpoint: &Endpoint, base: Option<&HttpUrl>) -> Option<DefinedEndpoint> {
    let recipe = endpoint.recipe();
    let definition = match Definition::new(&recipe, base) {
        Ok(definition) => definition,
        Err(problems) => {
            tracing::warn!(endpoint = %endpoint.id, ?problems, "a stored endpoint cannot be read");
            return None;
        }
    };
    let seconds = recipe
        .time_out
        .and_then(|seconds| u64::try_from(seconds).ok());
    Some(DefinedEndpoint {
        id: endpoint.id,
        name: endpoint.name.as_str().into(),
        description: endpoint.description.as_str().into(),
        target: endpoint.url.as_str().into(),
        time_out: seconds.map(Duration::from_secs),
        retries: u8::try_from(recipe.retries).unwrap_or(0),
        definition,
    })
}
