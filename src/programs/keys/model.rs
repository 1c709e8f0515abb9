//! What a key is, as pages show it, and what it can call.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use crate::access::{Actor, Right, Rights};
use crate::connectors::{call_path, curl_get, curl_post, proxy_path};
use crate::db::schema::{api_key_scopes, api_keys};
use crate::web::{PublicAddress, date_time, date_time_utc, plural};

/// The longest name of a key, in characters.
pub(super) const LONGEST_NAME: usize = 100;

/// The HTTP methods that a key can be limited to: those that endpoints have.
pub(super) const METHODS: [&str; 7] = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];

/// Stands in an address for all data connectors; no data connector's key has this character.
pub(super) const EVERY: &str = "_all";

/// Whether a key opens anything at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyState {
    Active,
    Expired,
    Revoked,
}

/// A key as pages show it.
#[derive(QueryableByName)]
#[diesel(table_name = api_keys)]
pub struct Key {
    pub id: Uuid,
    pub name: String,
    pub prefix: String,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    pub methods: Option<Vec<String>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub created_at: DateTime<Utc>,
    pub created_by: String,
    pub last_used_at: Option<DateTime<Utc>>,
    pub last_used_address: String,
    pub revoked_at: Option<DateTime<Utc>>,
    pub revoked_by: Option<String>,
    /// Moves with every change of the key and of what it can call.
    pub version: i32,
    updated_at: Option<DateTime<Utc>>,
    updated_by: String,
    /// Data connectors that it can call by name.
    #[diesel(sql_type = BigInt)]
    connectors: i64,
    /// It can call all data connectors.
    #[diesel(sql_type = Bool)]
    pub everywhere: bool,
}

impl Key {
    pub fn state(&self, now: DateTime<Utc>) -> KeyState {
        if self.revoked_at.is_some() {
            KeyState::Revoked
        } else if self.expires_at.is_some_and(|end| end <= now) {
            KeyState::Expired
        } else {
            KeyState::Active
        }
    }

    pub fn is_revoked(&self) -> bool {
        self.revoked_at.is_some()
    }

    /// By whom and when it was changed last, or made.
    pub fn last_change(&self) -> (&str, DateTime<Utc>) {
        match self.updated_at {
            Some(at) => (&self.updated_by, at),
            None => (&self.created_by, self.created_at),
        }
    }

    /// What it can call: “All data connectors”, “3 data connectors”.
    pub fn can_call(&self) -> String {
        match (self.everywhere, self.connectors) {
            (true, _) => "All data connectors".into(),
            (false, 0) => "None".into(),
            (false, number) => plural(number, "data connector", "data connectors"),
        }
    }

    pub fn methods(&self) -> String {
        methods_words(self.methods.as_deref())
    }

    /// “Nightly export (cty_a1b2c3d4)”, for audit entries.
    pub fn full_name(&self) -> String {
        full_name(&self.name, &self.prefix)
    }

    /// The field by which `new` gives the key more than it has: other methods, or a longer life.
    pub(super) fn widened_by(&self, new: &CheckedKey) -> Option<&'static str> {
        let has = |method: &String| {
            let methods = self.methods.as_ref();
            methods.is_none_or(|methods| methods.contains(method))
        };
        let more_methods = match &new.methods {
            None => self.methods.is_some(),
            Some(methods) => !methods.iter().all(has),
        };
        let lives_longer = match (self.expires_at, new.expires_at) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(before), Some(after)) => after > before,
        };
        match (more_methods, lives_longer) {
            (true, _) => Some("methods"),
            (false, true) => Some("expires"),
            (false, false) => None,
        }
    }
}

/// What audit entries call a key.
pub(super) fn full_name(name: &str, prefix: &str) -> String {
    format!("{name} ({prefix})")
}

/// “All”, “GET, HEAD”.
pub(super) fn methods_words(methods: Option<&[String]>) -> String {
    methods.map_or("All".into(), |methods| methods.join(", "))
}

/// “22 November 2026, 23:02 UTC”, “Never”.
pub(super) fn expiry_words(expires_at: Option<DateTime<Utc>>) -> String {
    expires_at.map_or("Never".into(), |end| date_time(&end))
}

/// The same for an audit entry, which people in other zones read.
pub(super) fn expiry_recorded(expires_at: Option<DateTime<Utc>>) -> String {
    expires_at.map_or("Never".into(), |end| date_time_utc(&end))
}

/// What a form has made of a key.
pub(super) struct CheckedKey {
    pub name: String,
    pub expires_at: Option<DateTime<Utc>>,
    /// In the order of [`METHODS`]; `None` allows all.
    pub methods: Option<Vec<String>>,
}

/// What a key can be allowed to call: a data connector, or all of them.
#[derive(QueryableByName)]
pub(super) struct Target {
    #[diesel(sql_type = Nullable<SqlUuid>, column_name = connector_id)]
    pub id: Option<Uuid>,
    /// As it stands in addresses.
    #[diesel(sql_type = Text)]
    pub key: String,
    #[diesel(sql_type = Text)]
    pub label: String,
    /// It is in the trash.
    #[diesel(sql_type = Bool)]
    pub trashed: bool,
    /// What is open to everybody who has the permission for it.
    #[diesel(sql_type = Array<Text>, column_name = open_rights, deserialize_as = Vec<String>)]
    open: Rights,
    /// The rights that it gives to the reader, whatever their permissions.
    #[diesel(sql_type = Array<Text>, deserialize_as = Vec<String>)]
    admits: Rights,
}

impl Target {
    pub fn every() -> Target {
        Target {
            id: None,
            key: EVERY.into(),
            label: "All data connectors".into(),
            trashed: false,
            open: Rights::ALL,
            admits: Rights::ALL,
        }
    }

    /// The reader may not view it.
    pub fn is_hidden(&self) -> bool {
        !self.admits.contains(Right::View)
    }

    pub fn may_be_allowed(&self, by: &Actor, right: Right) -> bool {
        may_be_allowed(by, right, (self.open, self.admits))
    }

    pub fn is_every(&self) -> bool {
        self.id.is_none()
    }
}

/// Whether a person may let keys use a right on a data connector, by what is open to everybody and what it gives to the
/// person. If the right is open to certain people only, the person must be one of them.
pub(super) fn may_be_allowed(by: &Actor, right: Right, (open, admits): (Rights, Rights)) -> bool {
    open.contains(right) || Rights::of(by.super_admin, by.permissions, open, admits).contains(right)
}

/// What a key may do with a data connector, or with all of them.
#[derive(QueryableByName)]
#[diesel(table_name = api_key_scopes)]
pub(super) struct Scope {
    pub id: Uuid,
    #[diesel(embed)]
    pub target: Target,
    pub all_endpoints: bool,
    pub proxy: bool,
    pub token: bool,
    /// The names of the listed endpoints, in their order.
    #[diesel(sql_type = Array<Text>)]
    pub endpoint_names: Vec<String>,
    #[diesel(sql_type = Array<SqlUuid>)]
    pub endpoint_ids: Vec<Uuid>,
    /// The first of the endpoints that it may call.
    #[diesel(sql_type = Nullable<Text>)]
    first_endpoint: Option<String>,
    /// That of the key when this was saved, so that a scope that was removed and added again has another one.
    pub version: i32,
    updated_at: Option<DateTime<Utc>>,
    updated_by: String,
}

/// Names of endpoints that a table shows; the rest is counted.
const NAMES_SHOWN: usize = 5;

impl Scope {
    /// The version of a stored scope; 0 if there is none.
    pub fn version_of(scope: Option<&Scope>) -> i32 {
        scope.map_or(0, |scope| scope.version)
    }

    /// By whom and when it was changed last; `None` if it is as the key was made.
    pub fn last_change(&self) -> Option<(&str, DateTime<Utc>)> {
        Some((&self.updated_by, self.updated_at?))
    }

    /// A call that it allows, as a command for a shell; `None` of all data connectors, or one that the reader may not see.
    pub fn example(&self, site: &PublicAddress) -> Option<String> {
        let key = &self.target.key;
        match &self.first_endpoint {
            _ if self.target.is_hidden() || self.target.is_every() || self.target.trashed => None,
            Some(name) => Some(curl_post(format!("{site}{}", call_path(key, name)))),
            None if self.proxy => Some(curl_get(format!("{site}{}", proxy_path(key)))),
            None => None,
        }
    }

    /// “All endpoints”, “list, create and 3 more”, “None”.
    pub fn endpoints(&self) -> String {
        let names = &self.endpoint_names;
        match names.len() {
            _ if self.target.is_hidden() => "Not open to you".into(),
            _ if self.all_endpoints => "All endpoints".into(),
            0 => "None".into(),
            number if number > NAMES_SHOWN => {
                let rest = number - NAMES_SHOWN;
                let shown = names.iter().take(NAMES_SHOWN).cloned().collect::<Vec<_>>();
                format!("{} and {rest} more", shown.join(", "))
            }
            _ => names.join(", "),
        }
    }
}

/// An endpoint that a key may be limited to.
#[derive(Queryable)]
pub(super) struct EndpointChoice {
    pub id: Uuid,
    pub name: String,
    pub method: String,
}

/// What a form has made of a scope.
pub(super) struct CheckedScope {
    /// `None` allows all endpoints.
    pub endpoints: Option<Vec<Uuid>>,
    pub proxy: bool,
    pub token: bool,
}
