//! The forms of a key and of what it may do with a data connector.

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use uuid::Uuid;
use validator::Validate;

use super::expiry::Expiry;
use super::holder::Holder;
use super::model::{
    CheckedKey, CheckedScope, EndpointChoice, Key, LONGEST_NAME, METHODS, Scope, expiry_words, methods_words,
};
use crate::db::text_enum;
use crate::name::Name;
use crate::web::form::{NewId, Text, ticked};
use crate::web::{Choice, Errors, Radio};

/// Name, expiry, methods, and whether a new key can call all data connectors.
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct KeyForm {
    pub new_id: NewId,
    pub key_name: Text,
    pub expires: Text,
    pub expires_on: Text,
    /// `chosen` or `all`, of a new key.
    pub leads: Text,
    /// `all` or `chosen`.
    pub methods: Text,
    http_method: Vec<String>,
}

impl KeyForm {
    pub fn empty() -> KeyForm {
        KeyForm {
            expires: Expiry::Days90.code().into(),
            leads: "chosen".into(),
            methods: "all".into(),
            ..KeyForm::default()
        }
    }

    pub(super) fn of(key: &Key) -> KeyForm {
        KeyForm {
            key_name: key.name.clone().into(),
            expires: Expiry::Keep.code().into(),
            methods: if key.methods.is_some() { "chosen" } else { "all" }.into(),
            http_method: key.methods.clone().unwrap_or_default(),
            ..KeyForm::default()
        }
    }

    /// The checked new key, and whether it can call all data connectors.
    pub(super) fn checked_new(&self, now: DateTime<Utc>, errors: &mut Errors) -> Option<(CheckedKey, bool)> {
        let everywhere = match &*self.leads {
            "all" => Ok(true),
            "chosen" => Ok(false),
            _ => Err("Choose what the key can call"),
        };
        let everywhere = errors.keep("leads", everywhere);
        Some((self.checked(None, now, errors)?, everywhere?))
    }

    /// The checked key. `stored` is the key that is changed, whose expiry may stay.
    pub(super) fn checked(&self, stored: Option<&Key>, now: DateTime<Utc>, errors: &mut Errors) -> Option<CheckedKey> {
        let name = errors.keep("key_name", Name::parse(&self.key_name, LONGEST_NAME));
        let expires_at = checked_expiry((&self.expires, &self.expires_on), stored, now, errors);
        let methods = self.checked_methods(errors);
        Some(CheckedKey { name: name?.as_str().to_string(), expires_at: expires_at?, methods: methods? })
    }

    /// The outer `None` is a mistake, the inner one stands for all methods.
    fn checked_methods(&self, errors: &mut Errors) -> Option<Option<Vec<String>>> {
        let chosen = self.chosen();
        match &*self.methods {
            "all" => Some(None),
            "chosen" if !chosen.is_empty() => Some(Some(chosen)),
            "chosen" => {
                errors.add("http_method", "Tick at least one method, or choose All methods");
                None
            }
            _ => {
                errors.add("methods", "Choose which HTTP methods the key may use");
                None
            }
        }
    }

    /// The ticked methods in the order of [`METHODS`].
    fn chosen(&self) -> Vec<String> {
        METHODS.iter().filter(|method| self.has_method(method)).map(ToString::to_string).collect()
    }

    fn has_method(&self, method: &str) -> bool {
        self.http_method.iter().any(|chosen| chosen == method)
    }

    /// The fields of a stored key beside what was typed: label, stored, typed.
    pub(super) fn differences(&self, theirs: &Key, now: DateTime<Utc>) -> [(&'static str, String, String); 3] {
        let moment = Expiry::parse(&self.expires)
            .and_then(|expiry| expiry.moment(theirs.expires_at, &self.expires_on, now).ok())
            .map_or_else(|| self.expires_on.trim().into(), expiry_words);
        let chosen = self.chosen();
        let methods = (&*self.methods != "all").then_some(chosen.as_slice());
        [
            ("Name", theirs.name.clone(), self.key_name.trim().into()),
            ("Expires", expiry_words(theirs.expires_at), moment),
            ("HTTP methods", theirs.methods(), methods_words(methods)),
        ]
    }

    /// The boxes of the methods.
    pub(super) fn method_choices(&self) -> Vec<Choice> {
        let choice = |method: &str| Choice {
            value: method.to_string(),
            label: method.to_string(),
            ticked: self.has_method(method),
            note: "",
        };
        METHODS.map(choice).into()
    }

    /// Whether a new key can call all data connectors.
    pub fn leads_choices() -> [Radio; 2] {
        [
            Radio::new(
                "chosen",
                "Only chosen data connectors",
                "You choose them in the next step, each with its endpoints.",
            ),
            Radio::new(
                "all",
                "All data connectors",
                "Careful: all endpoints of every data connector, also of those that are made later.",
            ),
        ]
    }

    pub fn methods_choices() -> [Radio; 2] {
        [
            Radio::new("all", "All methods", ""),
            Radio::new(
                "chosen",
                "Only the ticked ones",
                "With GET and HEAD alone, a key can read and change nothing, unless an API changes things on GET. Headers that name another method (X-HTTP-Method-Override and the like), and _method in the query, are left out of its calls.",
            ),
        ]
    }
}

/// When a key ends, as the fields `expires` and `expires_on` say. `stored` is the key that is changed, whose expiry may
/// stay.
fn checked_expiry(
    (expires, expires_on): (&str, &str),
    stored: Option<&Key>,
    now: DateTime<Utc>,
    errors: &mut Errors,
) -> Option<Option<DateTime<Utc>>> {
    let known = Expiry::parse(expires)
        .filter(|expiry| *expiry != Expiry::Keep || stored.is_some())
        .ok_or("Choose when the key expires");
    let expiry = errors.keep("expires", known)?;
    let kept = stored.and_then(|key| key.expires_at);
    errors.keep("expires_on", expiry.moment(kept, expires_on, now))
}

text_enum! {
    /// When a key ends that another one replaces.
    enum Ends {
        Day = "24", "In 24 hours";
        Hour = "1", "In 1 hour";
        Now = "0", "At once";
    }
}

/// When the new key expires, and when the one that it replaces ends.
#[derive(Deserialize, Validate)]
#[serde(default)]
pub struct ReplaceForm {
    pub new_id: NewId,
    pub expires: Text,
    pub expires_on: Text,
    pub ends: Text,
}

impl Default for ReplaceForm {
    fn default() -> ReplaceForm {
        let (expires, ends) = (Expiry::Days90.code().into(), Ends::Day.code().into());
        ReplaceForm { new_id: NewId::default(), expires, expires_on: Text::default(), ends }
    }
}

/// When the new key expires, and when the one that it replaces ends.
pub(super) struct Ending {
    /// `None` is never.
    pub expires_at: Option<DateTime<Utc>>,
    /// `None` is at once.
    pub end: Option<DateTime<Utc>>,
}

impl ReplaceForm {
    pub(super) fn checked(&self, now: DateTime<Utc>, errors: &mut Errors) -> Option<Ending> {
        let expires_at = checked_expiry((&self.expires, &self.expires_on), None, now, errors);
        let end = match errors.keep("ends", Ends::parse(&self.ends).ok_or("Choose when the present key ends"))? {
            Ends::Day => Some(now + TimeDelta::hours(24)),
            Ends::Hour => Some(now + TimeDelta::hours(1)),
            Ends::Now => None,
        };
        Some(Ending { expires_at: expires_at?, end })
    }

    pub(super) fn ends_choices() -> [Radio; 3] {
        let says = |ends| match ends {
            Ends::Day | Ends::Hour => "Until then both keys can be used.",
            Ends::Now => "Calls with it are refused at once: for a key that someone else may know.",
        };
        Ends::ALL.map(|ends| Radio::new(ends.code(), ends.label(), says(ends)))
    }
}

/// What a key may do with several data connectors that are added at once.
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct SeveralForm {
    /// The keys of the data connectors.
    pub connector: Vec<String>,
    /// `all` or `chosen`, which here is none.
    pub endpoints: Text,
    #[serde(deserialize_with = "ticked")]
    pub proxy: bool,
}

impl SeveralForm {
    pub(super) fn checked(&self, errors: &mut Errors) -> Option<CheckedScope> {
        let endpoints = match &*self.endpoints {
            "all" => Ok(None),
            "chosen" if self.proxy => Ok(Some(Vec::new())),
            "chosen" => Err("Allow something: the endpoints or the proxy"),
            _ => Err(CHOOSE_ENDPOINTS),
        };
        Some(CheckedScope { endpoints: errors.keep("endpoints", endpoints)?, proxy: self.proxy, token: false })
    }
}

const CHOOSE_ENDPOINTS: &str = "Choose which endpoints the key may call";

/// What a key may do with a data connector: which endpoints, the proxy, the token.
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct ScopeForm {
    /// `all` or `chosen`.
    pub endpoints: Text,
    endpoint: Vec<String>,
    #[serde(deserialize_with = "ticked")]
    pub proxy: bool,
    #[serde(deserialize_with = "ticked")]
    pub token: bool,
}

impl ScopeForm {
    /// All endpoints and nothing else.
    pub fn empty() -> ScopeForm {
        ScopeForm { endpoints: "all".into(), ..ScopeForm::default() }
    }

    pub(super) fn of(scope: &Scope) -> ScopeForm {
        ScopeForm {
            endpoints: if scope.all_endpoints { "all" } else { "chosen" }.into(),
            endpoint: scope.endpoint_ids.iter().map(Uuid::to_string).collect(),
            proxy: scope.proxy,
            token: scope.token,
        }
    }

    /// The checked scope. Of the ticked endpoints only those that are there count.
    pub(super) fn checked(
        &self,
        holder: &Holder,
        known: &[EndpointChoice],
        errors: &mut Errors,
    ) -> Option<CheckedScope> {
        let endpoints = match &*self.endpoints {
            "all" => Ok(None),
            "chosen" => Ok(Some(self.chosen(known).map(|endpoint| endpoint.id).collect::<Vec<Uuid>>())),
            _ => Err(CHOOSE_ENDPOINTS),
        };
        let endpoints = errors.keep("endpoints", endpoints)?;
        let allows_none = endpoints.as_ref().is_some_and(Vec::is_empty);
        if allows_none && !self.proxy && !self.token {
            errors.add("endpoints", "Allow something: at least one endpoint, the proxy or the access token");
        }
        if self.token && !holder.may_read_tokens {
            errors.add("token", if holder.is_program() { PROGRAM_TOKEN } else { OWN_TOKEN });
        }
        Some(CheckedScope { endpoints, proxy: self.proxy, token: self.token })
    }

    /// What the form allows, with labels; `known` are the endpoints of the data connector.
    pub(super) fn words(&self, known: &[EndpointChoice]) -> [(&'static str, String); 3] {
        let allowed = |ticked| if ticked { "Allowed" } else { "Not allowed" };
        let endpoints = match &*self.endpoints {
            "all" => "All".into(),
            _ => self.chosen(known).map(|endpoint| endpoint.name.as_str()).collect::<Vec<_>>().join(", "),
        };
        [("Endpoints", endpoints), ("Proxy", allowed(self.proxy).into()), ("Access token", allowed(self.token).into())]
    }

    fn chosen<'a>(&self, known: &'a [EndpointChoice]) -> impl Iterator<Item = &'a EndpointChoice> {
        known.iter().filter(|endpoint| self.has_endpoint(endpoint))
    }

    fn has_endpoint(&self, endpoint: &EndpointChoice) -> bool {
        self.endpoint.contains(&endpoint.id.to_string())
    }

    /// The boxes of the endpoints.
    pub(super) fn endpoint_choices(&self, known: &[EndpointChoice]) -> Vec<Choice> {
        let choice = |endpoint: &EndpointChoice| Choice {
            value: endpoint.id.to_string(),
            label: format!("{} ({})", endpoint.name, endpoint.method),
            ticked: self.has_endpoint(endpoint),
            note: "",
        };
        known.iter().map(choice).collect()
    }

    /// `listed` says whether there are endpoints to tick.
    pub(super) fn endpoints_choices(listed: bool) -> [Radio; 2] {
        let chosen = match listed {
            true => Radio::new("chosen", "Only the ticked ones", ""),
            false => Radio::new("chosen", "No endpoint", "Only what is ticked further down."),
        };
        [Radio::new("all", "All endpoints", "Also those that are made later."), chosen]
    }
}

const PROGRAM_TOKEN: &str = "Untick this: only a person with the right to authorize this data connector can let a program read its access token";

const OWN_TOKEN: &str = "Untick this: your keys can read the access token only where you may authorize the data connector, which takes the permission “Edit Data Connectors”";
