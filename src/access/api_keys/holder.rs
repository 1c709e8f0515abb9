//! Whose key it is, and what that key opens.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::KeyRefusal;
use crate::access::{PermissionSet, Right, Rights};

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

/// A connector that is asked for something.
#[derive(Clone, Copy)]
pub struct Subject {
    pub connector: Uuid,
    /// What is open to everybody who has the permission for it.
    pub open: Rights,
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

/// What the holder may do, whatever the key says.
pub(super) struct HolderRights {
    active: bool,
    /// `None`: a program, which has no rights of its own. Its keys say all.
    person: Option<PersonRights>,
}

/// What a person may do: their key does no more.
struct PersonRights {
    /// What they have the permission for.
    permitted: Rights,
    /// A super admin needs neither permission nor a connector's word.
    unlimited: bool,
    /// The connectors that list them, each with what for.
    listed: HashMap<Uuid, Rights>,
}

impl HolderRights {
    pub fn of_program(active: bool) -> HolderRights {
        HolderRights { active, person: None }
    }

    pub fn of_user(
        active: bool,
        super_admin: bool,
        granted: PermissionSet,
        listed: HashMap<Uuid, Rights>,
    ) -> HolderRights {
        let permitted = match super_admin {
            true => Rights::ALL,
            false => Rights::permitted(granted),
        };
        HolderRights { active, person: Some(PersonRights { permitted, unlimited: super_admin, listed }) }
    }

    /// May call data connectors at all.
    fn calls(&self) -> bool {
        let person = self.person.as_ref();
        person.is_none_or(|person| person.permitted.contains(Right::Call))
    }

    /// What a scope opens of a connector: to a person what the person may do with it. A program that is led to a
    /// connector by its name is let in whatever is open, for whoever leads it there must be let in then; one that is
    /// led to all connectors gets what is open to everybody.
    fn by(&self, scope: &Scope, subject: Subject) -> Rights {
        match &self.person {
            Some(person) => person.on(subject),
            None if scope.connector.is_some() => Rights::ALL,
            None => subject.open,
        }
    }
}

impl PersonRights {
    /// What the person may do with a connector.
    fn on(&self, subject: Subject) -> Rights {
        if self.unlimited {
            return Rights::ALL;
        }
        let listed = self.listed.get(&subject.connector).copied();
        let admits = subject.open.or(listed.unwrap_or_default());
        admits.within(self.permitted)
    }

    /// The connectors that list the person for calls.
    fn listed_for_calls(&self) -> Vec<Uuid> {
        let listed = self.listed.iter();
        let calls = listed.filter(|(_, rights)| rights.contains(Right::Call));
        calls.map(|(connector, _)| *connector).collect()
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
    pub fn check(&self, subject: Subject, wants: Wants<'_>, now: DateTime<Utc>) -> Result<(), KeyRefusal> {
        self.standing(now)?;
        if !self.may_see(subject) {
            return Err(KeyRefusal::ConnectorNotAllowed);
        }
        let mut scopes = self.scopes_to(subject);
        let (opens, refusal) = match wants {
            Wants::Endpoint { id, .. } => {
                (scopes.any(|scope| scope.endpoints.hold(id)), KeyRefusal::EndpointNotAllowed)
            }
            Wants::Proxy { .. } => (scopes.any(|scope| scope.proxy), KeyRefusal::ProxyNotAllowed),
            Wants::Token => (
                scopes.any(|scope| scope.token && self.rights.by(scope, subject).contains(Right::Authorize)),
                KeyRefusal::TokenNotAllowed,
            ),
        };
        if !opens {
            return Err(refusal);
        }
        self.check_method(wants)
    }

    /// Whether the key leads to the connector at all: what it does not lead to, its holder need not know of.
    pub fn may_see(&self, subject: Subject) -> bool {
        self.scopes_to(subject).next().is_some()
    }

    /// Which connectors the key leads to, for a list of them.
    pub fn reach(&self) -> Reach {
        let closed = match &self.rights.person {
            None => Some(self.scopes.iter().filter_map(|scope| scope.connector).collect()),
            Some(person) if person.unlimited => None,
            Some(person) => Some(person.listed_for_calls()),
        };
        Reach { named: self.scopes.iter().map(|scope| scope.connector).collect(), closed }
    }

    /// Whether the key itself is good, wherever it leads.
    pub(super) fn standing(&self, now: DateTime<Utc>) -> Result<(), KeyRefusal> {
        if self.revoked {
            Err(KeyRefusal::Revoked)
        } else if self.expires_at.is_some_and(|end| end <= now) {
            Err(KeyRefusal::Expired)
        } else if !self.rights.active {
            Err(KeyRefusal::HolderInactive)
        } else if !self.rights.calls() {
            Err(KeyRefusal::HolderNotPermitted)
        } else {
            Ok(())
        }
    }

    /// Whether only some HTTP methods are allowed, so that no header or query may name another one.
    pub fn limits_methods(&self) -> bool {
        self.methods.is_some()
    }

    fn check_method(&self, wants: Wants<'_>) -> Result<(), KeyRefusal> {
        let method = match wants {
            Wants::Endpoint { method, .. } | Wants::Proxy { method } => method,
            // No request goes to the API.
            Wants::Token => return Ok(()),
        };
        let allowed = self.methods.as_ref().is_none_or(|methods| methods.iter().any(|allowed| allowed == method));
        if allowed { Ok(()) } else { Err(KeyRefusal::MethodNotAllowed) }
    }

    /// The scopes that lead to a connector.
    fn scopes_to(&self, subject: Subject) -> impl Iterator<Item = &Scope> {
        self.scopes.iter().filter(move |scope| {
            scope.connector.is_none_or(|id| id == subject.connector)
                && self.rights.by(scope, subject).contains(Right::Call)
        })
    }
}

/// Which connectors a key leads to.
pub struct Reach {
    /// Those that it names; `None` if it leads to all there are.
    pub named: Option<Vec<Uuid>>,
    /// Of those that are not open to everybody for calls, the ones that it may lead to; `None` for all.
    pub closed: Option<Vec<Uuid>>,
}
