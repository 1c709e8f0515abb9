//! Whose key it is, what that key opens, and the SQL that reads both.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Bool, Bytea, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use futures_util::try_join;
use uuid::Uuid;

use super::KeyRefusal;
use super::collection::find_collection;
use crate::access::{PermissionSet, Right, Rights};
use crate::db::{Conn, Prepared};
use crate::web::Error;

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
    /// Whether the key is the token of a collection's own connector, which opens the records of that collection. Its
    /// holder is the connector.
    pub is_collection: bool,
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

    /// What a scope allows with a connector: to a person what the person may do with it; to a program everything if the
    /// scope names the connector, because the person who added it had to have access; else what is open to everybody.
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

    /// Whether the key has access to the connector at all: of others its holder need not know.
    pub fn may_see(&self, subject: Subject) -> bool {
        self.scopes_to(subject).next().is_some()
    }

    /// Which connectors the key has access to, for a list of them.
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

    /// The scopes that give access to a connector.
    fn scopes_to(&self, subject: Subject) -> impl Iterator<Item = &Scope> {
        self.scopes.iter().filter(move |scope| {
            scope.connector.is_none_or(|id| id == subject.connector)
                && self.rights.by(scope, subject).contains(Right::Call)
        })
    }
}

/// Which connectors a key has access to.
pub struct Reach {
    /// Those that it names; `None` for all there are.
    pub named: Option<Vec<Uuid>>,
    /// Of those that are not open to everybody for calls, the ones that it has access to; `None` for all.
    pub closed: Option<Vec<Uuid>>,
}

/// A key with its holder. Nothing is looked up for a super admin, who passes every check.
const KEY: &str = "SELECT k.id, k.prefix, k.methods, k.expires_at, k.revoked_at IS NOT NULL AS revoked, k.program_id,
    coalesce(k.program_id, k.user_id) AS holder, coalesce(p.name, u.name) AS name, coalesce(p.active, u.active) AS active,
    coalesce(u.super_admin, false) AS super_admin,
    CASE WHEN u.id IS NULL OR u.super_admin THEN '{}' ELSE effective_permissions(u.id) END AS permissions
    FROM api_keys k LEFT JOIN programs p ON p.id = k.program_id LEFT JOIN users u ON u.id = k.user_id WHERE k.hash = $1";

const SCOPES: &str = "SELECT s.connector_id, s.all_endpoints, s.proxy, s.token,
    ARRAY(SELECT endpoint_id FROM api_key_endpoints WHERE scope_id = s.id) AS endpoints
    FROM api_key_scopes s JOIN api_keys k ON k.id = s.api_key_id WHERE k.hash = $1";

/// The connectors that list the person whose key it is.
const LISTED: &str = "SELECT r.connector_id, r.rights
    FROM api_keys k JOIN connector_rights r ON r.user_id = k.user_id OR r.group_id = ANY (groups_of(k.user_id)) WHERE k.hash = $1";

#[derive(QueryableByName)]
struct ListedRow {
    #[diesel(sql_type = SqlUuid)]
    connector_id: Uuid,
    #[diesel(sql_type = Array<Text>)]
    rights: Vec<String>,
}

#[derive(QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    prefix: String,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    methods: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    expires_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Bool)]
    revoked: bool,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    program_id: Option<Uuid>,
    #[diesel(sql_type = SqlUuid)]
    holder: Uuid,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    active: bool,
    #[diesel(sql_type = Bool)]
    super_admin: bool,
    #[diesel(sql_type = Array<Text>)]
    permissions: Vec<String>,
}

#[derive(QueryableByName)]
struct ScopeRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    connector_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    all_endpoints: bool,
    #[diesel(sql_type = Bool)]
    proxy: bool,
    #[diesel(sql_type = Bool)]
    token: bool,
    #[diesel(sql_type = Array<SqlUuid>)]
    endpoints: Vec<Uuid>,
}

/// The key of this hash with all that decides about it, whatever its state.
pub async fn find_holder(conn: &Conn, hash: &[u8]) -> Result<Option<KeyHolder>, Error> {
    let (mut conn_for_key, mut conn_for_scopes, mut conn_for_listed) = (conn, conn, conn);
    let key = Prepared(diesel::sql_query(KEY).bind::<Bytea, _>(hash));
    let scopes = Prepared(diesel::sql_query(SCOPES).bind::<Bytea, _>(hash));
    let listed = Prepared(diesel::sql_query(LISTED).bind::<Bytea, _>(hash));
    let (keys, scopes, listed): (Vec<KeyRow>, Vec<ScopeRow>, Vec<ListedRow>) =
        try_join!(key.load(&mut conn_for_key), scopes.load(&mut conn_for_scopes), listed.load(&mut conn_for_listed))?;
    match keys.into_iter().next() {
        Some(key) => Ok(Some(holder(key, scopes, listed))),
        None => find_collection(conn, hash).await,
    }
}

fn holder(row: KeyRow, scopes: Vec<ScopeRow>, listed: Vec<ListedRow>) -> KeyHolder {
    let (kind, rights) = match row.program_id {
        Some(_) => (HolderKind::Program, HolderRights::of_program(row.active)),
        None => {
            let granted = PermissionSet::effective_by_codes(row.permissions.iter().map(String::as_str));
            let listed = add_up(listed);
            let rights = HolderRights::of_user(row.active, row.super_admin, granted, listed);
            (HolderKind::User, rights)
        }
    };
    KeyHolder {
        key_id: row.id,
        prefix: row.prefix,
        kind,
        id: row.holder,
        name: row.name.into(),
        is_collection: false,
        rights,
        revoked: row.revoked,
        expires_at: row.expires_at,
        methods: row.methods,
        scopes: scopes.into_iter().map(scope).collect(),
    }
}

/// A connector may list a person more than once, by groups.
fn add_up(rows: Vec<ListedRow>) -> HashMap<Uuid, Rights> {
    let mut listed: HashMap<Uuid, Rights> = HashMap::new();
    for row in rows {
        let rights = listed.entry(row.connector_id).or_default();
        *rights = rights.or(row.rights.into());
    }
    listed
}

fn scope(row: ScopeRow) -> Scope {
    Scope {
        connector: row.connector_id,
        endpoints: if row.all_endpoints {
            Endpoints::All
        } else {
            Endpoints::Only(row.endpoints.into_iter().collect())
        },
        proxy: row.proxy,
        token: row.token,
    }
}
