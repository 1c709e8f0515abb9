//! Whose key it is, and what that key opens.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::KeyRefusal;
use crate::access::{Permission, PermissionSet};

/// What kind of holder a key has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HolderKind {
    Program,
    User,
}

impl HolderKind {
    /// The word that the call log keeps.
    pub fn code(self) -> &'static str {
        match self {
            HolderKind::Program => "program",
            HolderKind::User => "user",
        }
    }
}

/// What a caller asks a connector for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wants<'a> {
    /// A call of this endpoint, whose method is this.
    Endpoint { id: Uuid, method: &'a str },
    /// Any request to the API.
    Proxy { method: &'a str },
    /// The access token itself.
    Token,
}

/// A key with its holder and all that decides about it, as the database has it.
pub struct KeyHolder {
    pub key_id: Uuid,
    /// The visible part of the key.
    pub prefix: String,
    pub kind: HolderKind,
    /// The program or the user.
    pub id: Uuid,
    pub name: Arc<str>,
    pub(super) rights: HolderRights,
    pub(super) revoked: bool,
    pub(super) expires_at: Option<DateTime<Utc>>,
    /// HTTP methods in capitals; `None` allows all.
    pub(super) methods: Option<Vec<String>>,
    pub(super) scopes: Vec<Scope>,
}

/// What the holder may do at all, whatever the key says.
#[derive(Clone, Copy)]
pub(super) struct HolderRights {
    active: bool,
    /// May call data connectors.
    calls: bool,
    /// May see an access token.
    tokens: bool,
}

impl HolderRights {
    /// A program has no rights of its own: its keys say all.
    pub fn of_program(active: bool) -> HolderRights {
        HolderRights {
            active,
            calls: true,
            tokens: true,
        }
    }

    /// A person's key does no more than the person: who may not edit a connector is not shown its token either.
    pub fn of_user(active: bool, super_admin: bool, granted: PermissionSet) -> HolderRights {
        let may = |permission| super_admin || granted.contains(permission);
        HolderRights {
            active,
            calls: may(Permission::CallConnectors),
            tokens: may(Permission::CallConnectors) && may(Permission::EditConnectors),
        }
    }
}

/// A connector, or all of them, and what of it is open. What stands in several scopes adds up.
pub(super) struct Scope {
    /// `None`: all there are and will be.
    pub connector: Option<Uuid>,
    pub endpoints: Endpoints,
    pub proxy: bool,
    pub token: bool,
}

pub(super) enum Endpoints {
    All,
    Only(HashSet<Uuid>),
}

impl Endpoints {
    fn hold(&self, endpoint: Uuid) -> bool {
        match self {
            Endpoints::All => true,
            Endpoints::Only(ids) => ids.contains(&endpoint),
        }
    }
}

impl KeyHolder {
    /// Whether the key opens what is asked of this connector at this time.
    pub fn check(
        &self,
        connector: Uuid,
        wants: Wants<'_>,
        now: DateTime<Utc>,
    ) -> Result<(), KeyRefusal> {
        self.standing(now)?;
        if !self.may_see(connector) {
            return Err(KeyRefusal::ConnectorNotAllowed);
        }
        let mut scopes = self.scopes_of(connector);
        let (opens, refusal) = match wants {
            Wants::Endpoint { id, .. } => (
                scopes.any(|scope| scope.endpoints.hold(id)),
                KeyRefusal::EndpointNotAllowed,
            ),
            Wants::Proxy { .. } => (scopes.any(|scope| scope.proxy), KeyRefusal::ProxyNotAllowed),
            Wants::Token => (
                self.rights.tokens && scopes.any(|scope| scope.token),
                KeyRefusal::TokenNotAllowed,
            ),
        };
        if !opens {
            return Err(refusal);
        }
        self.check_method(wants)
    }

    /// Whether the key leads to the connector at all: what it does not lead to, its holder need not know of.
    pub fn may_see(&self, connector: Uuid) -> bool {
        self.scopes_of(connector).next().is_some()
    }

    /// The connectors that the key names; `None` if it leads to all there are.
    pub fn connectors(&self) -> Option<Vec<Uuid>> {
        self.scopes.iter().map(|scope| scope.connector).collect()
    }

    /// Whether the key itself is good, wherever it leads.
    pub(super) fn standing(&self, now: DateTime<Utc>) -> Result<(), KeyRefusal> {
        if self.revoked {
            Err(KeyRefusal::Revoked)
        } else if self.expires_at.is_some_and(|end| end <= now) {
            Err(KeyRefusal::Expired)
        } else if !self.rights.active {
            Err(KeyRefusal::HolderInactive)
        } else if !self.rights.calls {
            Err(KeyRefusal::HolderNotPermitted)
        } else {
            Ok(())
        }
    }

    fn check_method(&self, wants: Wants<'_>) -> Result<(), KeyRefusal> {
        let method = match wants {
            Wants::Endpoint { method, .. } | Wants::Proxy { method } => method,
            // No request goes to the API.
            Wants::Token => return Ok(()),
        };
        let allowed = self
            .methods
            .as_ref()
            .is_none_or(|methods| methods.iter().any(|allowed| allowed == method));
        if allowed {
            Ok(())
        } else {
            Err(KeyRefusal::MethodNotAllowed)
        }
    }

    fn scopes_of(&self, connector: Uuid) -> impl Iterator<Item = &Scope> {
        self.scopes
            .iter()
            .filter(move |scope| scope.connector.is_none_or(|id| id == connector))
    }
}
