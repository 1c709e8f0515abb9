//! A request whose API key has been checked.

use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::dev::Payload;
use actix_web::{HttpRequest, web};
use chrono::{DateTime, Utc};
use percent_encoding::percent_decode_str;
use uuid::Uuid;

use super::forwarded_headers;
use super::problem::{Problem, connector_not_found};
use super::serve::Api;
use crate::access::{Actor, HolderKind, InUse, KeyHolder, KeyRefusal, Visibility, Wants, client_address};
use crate::calls::{Call, CallKind, CallRecord, CallSource, Caller, CallerKind, Target};
use crate::clock::Clock;
use crate::outbound::http::HeaderMap;
use crate::relay::{CallPermit, ConnectorSnapshot};

/// A request with a good key; [`ApiRequest::check`] says whether the key may do what is asked.
pub(super) struct ApiRequest {
    pub api: web::Data<Api>,
    pub req: HttpRequest,
    pub payload: Payload,
    pub captures: Captures,
    pub holder: Arc<KeyHolder>,
    /// Counts the request as one of the key's. The response's body holds it too.
    pub in_use: Rc<InUse>,
    pub meta: RequestMeta,
}

/// When and where from a request came, and its id.
pub(super) struct RequestMeta {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub started: Instant,
    /// The client's address.
    pub address: String,
}

impl RequestMeta {
    pub fn new(clock: &Clock, req: &HttpRequest) -> RequestMeta {
        RequestMeta { id: Uuid::now_v7(), at: clock.now(), started: Instant::now(), address: client_address(req) }
    }

    pub fn request_id(&self) -> String {
        self.id.simple().to_string()
    }
}

/// The variable parts of an address, read from the address as it was sent: actix decodes paths before it matches them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Captures {
    /// The connector's key.
    pub key: String,
    /// The endpoint's name.
    pub name: String,
    /// The record's id.
    pub id: String,
    /// Where the rest begins that is passed on byte by byte, in bytes of the path.
    pub rest_at: usize,
}

impl Captures {
    /// Of a path that fits the pattern, where `{key}`, `{name}` and `{id}` are one segment and `{path}` for all that
    /// follows. None if a segment is no UTF-8 or has NUL, which no text column can hold.
    pub fn read(pattern: &str, path: &str) -> Option<Captures> {
        let mut captures = Captures::default();
        let mut at = 0;
        for (part, segment) in pattern.split('/').zip(path.split('/')) {
            match part {
                "{key}" => captures.key = decoded(segment)?,
                "{name}" => captures.name = decoded(segment)?,
                "{id}" => captures.id = decoded(segment)?,
                "{path}" => break,
                _ => {}
            }
            at += segment.len() + 1;
        }
        captures.rest_at = path.len().min(at - 1);
        Some(captures)
    }
}

fn decoded(segment: &str) -> Option<String> {
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    (!text.contains('\0')).then(|| text.into_owned())
}

impl ApiRequest {
    /// The connector that the address names, if the key may see it. Others are not told apart from one that does not exist.
    pub async fn connector(&self) -> Result<Arc<ConnectorSnapshot>, Problem> {
        self.find_connector().await?.ok_or_else(connector_not_found)
    }

    /// [`Self::connector`]; `None` if there is none that the key may see.
    pub async fn find_connector(&self) -> Result<Option<Arc<ConnectorSnapshot>>, Problem> {
        let connector = self.api.relay.find_connector(&self.captures.key).await?;
        let is_hidden = |connector: &Arc<ConnectorSnapshot>| !self.holder.may_see(connector.subject());
        if let Some(hidden) = connector.as_ref().filter(|connector| is_hidden(connector)) {
            self.log_refusal(hidden, &KeyRefusal::ConnectorNotAllowed);
            return Ok(None);
        }
        Ok(connector)
    }

    /// The key's holder as the actor of audit entries.
    pub fn actor(&self) -> Actor {
        let id = (self.holder.kind == HolderKind::User).then_some(self.holder.id);
        Actor {
            id,
            name: self.holder.name.to_string(),
            visibility: Visibility::Of(id.unwrap_or_default()),
            ..Actor::unknown(self.meta.address.clone(), self.meta.request_id())
        }
    }

    /// The permit of a call, which may take `total`. It is taken before the request's body is read.
    pub async fn permit(&self, connector: &ConnectorSnapshot, total: Duration) -> Result<CallPermit, Problem> {
        Ok(self.api.relay.permit(connector, self.holder.key_id, total).await?)
    }

    /// Whether the key may do what is asked of a connector.
    pub fn check(&self, connector: &ConnectorSnapshot, wants: Wants<'_>) -> Result<(), Problem> {
        let checked = self.holder.check(connector.subject(), wants, self.meta.at);
        Ok(checked.inspect_err(|refusal| self.log_refusal(connector, refusal))?)
    }

    /// The part of the path that the proxy passes on.
    pub fn proxied_path(&self) -> &str {
        self.req.uri().path().get(self.captures.rest_at..).unwrap_or_default()
    }

    /// The headers of the request that go to the API.
    pub fn outgoing_headers(&self) -> HeaderMap {
        let limits_methods = self.holder.limits_methods();
        forwarded_headers::outgoing(self.req.headers(), limits_methods, &self.api.own_name)
    }

    /// Logs what was refused to a known key.
    fn log_refusal(&self, connector: &ConnectorSnapshot, refusal: &KeyRefusal) {
        let (id, address) = (self.meta.request_id(), &self.meta.address);
        let (key, holder, name) = (&self.holder.prefix, &*self.holder.name, &*connector.label);
        let same = format!("{} {} {}", self.holder.key_id, connector.id, refusal.code());
        if let Some(left_out) = self.api.log_throttle.note(&same) {
            tracing::info!(id, address, key, holder, connector = name, %refusal, left_out, "call refused");
        }
    }

    /// Begins the call's entry in the log.
    pub fn record(&self, kind: CallKind, connector: &ConnectorSnapshot, request: (&'static str, Target)) -> CallRecord {
        let source = CallSource {
            id: self.meta.id,
            at: self.meta.at,
            caller: self.caller(),
            address: self.meta.address.clone(),
            request_id: self.meta.request_id(),
        };
        let call = Call::new(source, kind, (connector.id, &connector.label), request);
        CallRecord::new(&self.api.log, call, self.meta.started, &self.in_use)
    }

    fn caller(&self) -> Caller {
        Caller {
            kind: match self.holder.kind {
                HolderKind::Program => CallerKind::Program,
                HolderKind::User => CallerKind::User,
            },
            id: self.holder.id,
            name: Arc::clone(&self.holder.name),
            api_key: Some(self.holder.key_id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_decoded_and_the_rest_is_left_as_it_is() {
        let call = "/v1/{key}/endpoints/{name}/call";
        let captures = Captures::read(call, "/v1/ledger/endpoints/list%20all%2Fx/call").expect("a call");
        assert_eq!((captures.key.as_str(), captures.name.as_str()), ("ledger", "list all/x"));
        for (path, rest) in [
            ("/v1/a/proxy", Some("")),
            ("/v1/a/proxy/", Some("/")),
            ("/v1/a/proxy/x/%2e%2E//y", Some("/x/%2e%2E//y")),
            ("/%761/a/proxy/x", Some("/x")),
            ("/v1/%61/proxy/x", Some("/x")),
            ("/v1/%ff/proxy", None),
            ("/v1/a%00/proxy", None),
        ] {
            let captures = Captures::read("/v1/{key}/proxy/{path}", path);
            assert_eq!(captures.map(|captures| &path[captures.rest_at..]), rest, "{path}");
        }
    }
}
