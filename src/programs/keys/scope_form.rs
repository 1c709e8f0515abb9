//! The form for the way into a data connector: which endpoints, the proxy, the token.

use uuid::Uuid;

use super::holder::Holder;
use super::model::{CheckedScope, EndpointChoice, Scope, Target};
use crate::web::{Check, CheckList, Choice, Errors, FormData, Radio, Radios};

/// What the form holds.
pub(super) struct ScopeForm {
    /// `all` or `chosen`.
    endpoints: String,
    chosen: Vec<String>,
    proxy: bool,
    token: bool,
    pub errors: Errors,
}

impl ScopeForm {
    /// All endpoints and nothing else.
    pub fn empty() -> ScopeForm {
        ScopeForm { endpoints: "all".into(), chosen: Vec::new(), proxy: false, token: false, errors: Errors::default() }
    }

    pub fn of(scope: &Scope) -> ScopeForm {
        ScopeForm {
            endpoints: if scope.all_endpoints { "all" } else { "chosen" }.into(),
            chosen: scope.endpoint_ids.iter().map(Uuid::to_string).collect(),
            proxy: scope.proxy,
            token: scope.token,
            errors: Errors::default(),
        }
    }

    pub fn read(data: &FormData) -> ScopeForm {
        ScopeForm {
            endpoints: data.text("endpoints"),
            chosen: data.all("endpoint"),
            proxy: data.ticked("proxy"),
            token: data.ticked("token"),
            errors: Errors::default(),
        }
    }

    /// The checked way; `None` leaves the messages in the form. Of the ticked endpoints only those that are there
    /// count.
    pub fn check(&mut self, holder: &Holder, known: &[EndpointChoice]) -> Option<CheckedScope> {
        let chosen: Vec<Uuid> = known.iter().map(|endpoint| endpoint.id).filter(|id| self.is_chosen(*id)).collect();
        let endpoints = match self.endpoints.as_str() {
            "all" => None,
            "chosen" => Some(chosen),
            _ => {
                let message = "Choose which endpoints the key may call";
                self.errors.add("endpoints", message);
                return None;
            }
        };
        let opens_none = endpoints.as_ref().is_some_and(Vec::is_empty);
        if opens_none && !self.proxy && !self.token {
            let message = "Allow something: at least one endpoint, the proxy or the access token";
            self.errors.add("endpoints", message);
        }
        if self.token && !holder.may_read_tokens {
            let message = if holder.is_program() {
                "Untick this: only somebody who may authorize this data connector can let a program read its access token"
            } else {
                "Untick this: your keys can read the access token only where you may authorize the data connector, which takes the permission “Edit Data Connectors”"
            };
            self.errors.add("token", message);
        }
        (!self.errors.any()).then_some(CheckedScope { endpoints, proxy: self.proxy, token: self.token })
    }

    /// The box is ticked, which must be seen even by whoever may not tick it.
    pub fn asks_for_token(&self) -> bool {
        self.token
    }

    /// What the form allows, with labels; `known` are the endpoints of the data connector.
    pub fn words(&self, known: &[EndpointChoice]) -> [(&'static str, String); 3] {
        let allowed = |ticked| if ticked { "Allowed" } else { "Not allowed" };
        let chosen = known.iter().filter(|endpoint| self.is_chosen(endpoint.id));
        let chosen: Vec<&str> = chosen.map(|endpoint| endpoint.name.as_str()).collect();
        let endpoints = match self.endpoints.as_str() {
            "all" => "All".into(),
            _ => chosen.join(", "),
        };
        [("Endpoints", endpoints), ("Proxy", allowed(self.proxy).into()), ("Access token", allowed(self.token).into())]
    }

    fn is_chosen(&self, endpoint: Uuid) -> bool {
        let id = endpoint.to_string();
        self.chosen.contains(&id)
    }

    /// An endpoint was deleted while the form was open.
    pub fn endpoint_gone(&mut self) {
        let message = "An endpoint that you ticked has just been deleted. Look at the list once more.";
        self.errors.add("endpoints", message);
    }

    pub fn endpoints_field(&self, target: &Target) -> Radios {
        let choices = if target.is_every() {
            vec![
                Radio::new("all", "All endpoints", "Also those that are made later."),
                Radio::new("chosen", "No endpoint", "Only what is ticked further down."),
            ]
        } else {
            vec![
                Radio::new("all", "All endpoints", "Also those that are made later."),
                Radio::new("chosen", "Only the ticked ones", ""),
            ]
        };
        Radios::new("endpoints", "Endpoints", choices, &self.endpoints).errors(&self.errors)
    }

    pub fn chosen_field(&self, known: &[EndpointChoice]) -> CheckList {
        let choices = known
            .iter()
            .map(|endpoint| Choice {
                value: endpoint.id.to_string(),
                label: format!("{} ({})", endpoint.name, endpoint.method),
                ticked: self.is_chosen(endpoint.id),
                note: "",
            })
            .collect();
        CheckList::new("endpoint", "Ticked endpoints", choices)
    }

    pub fn proxy_field(&self) -> Check {
        Check::new("proxy", "May use the proxy", self.proxy)
            .hint("Any request that the API takes, with the credential added: more than the endpoints allow.")
            .errors(&self.errors)
    }

    pub fn token_field(&self) -> Check {
        Check::new("token", "May read the access token", self.token)
            .hint("For programs that must talk to the API themselves. Each reading is recorded.")
            .errors(&self.errors)
    }
}
