//! The key form: name, expiry, methods, and for a new key where it leads.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::expiry::Expiry;
use super::model::{CheckedKey, Key, LONGEST_NAME, METHODS, expiry_words, methods_words};
use crate::name::Name;
use crate::web::{CheckList, Choice, Errors, FormData, Radio, Radios, TextField};

/// What the form holds.
pub(super) struct KeyForm {
    /// The id that a new key will have; made with the empty form so that pressing twice creates one.
    pub new_id: Uuid,
    name: String,
    expires: String,
    expires_on: String,
    /// `all` or `chosen`.
    methods: String,
    chosen: Vec<String>,
    /// `chosen` or `all`, of a new key.
    leads: String,
    /// The present expiry of a stored key.
    kept: Option<Option<DateTime<Utc>>>,
    pub errors: Errors,
}

impl KeyForm {
    pub fn empty() -> KeyForm {
        KeyForm {
            new_id: Uuid::now_v7(),
            name: String::new(),
            expires: "90".into(),
            expires_on: String::new(),
            methods: "all".into(),
            chosen: Vec::new(),
            leads: "chosen".into(),
            kept: None,
            errors: Errors::default(),
        }
    }

    pub fn of(key: &Key) -> KeyForm {
        KeyForm {
            name: key.name.clone(),
            expires: "keep".into(),
            methods: if key.methods.is_some() { "chosen" } else { "all" }.into(),
            chosen: key.methods.clone().unwrap_or_default(),
            kept: Some(key.expires_at),
            ..KeyForm::empty()
        }
    }

    pub fn read(data: &FormData) -> KeyForm {
        KeyForm {
            new_id: data.get("new_id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            name: data.text("key_name"),
            expires: data.text("expires"),
            expires_on: data.text("expires_on"),
            methods: data.text("methods"),
            chosen: data.all("http_method"),
            leads: data.text("leads"),
            kept: None,
            errors: Errors::default(),
        }
    }

    /// The same for a stored key, whose expiry may stay.
    pub fn read_for(data: &FormData, key: &Key) -> KeyForm {
        KeyForm { kept: Some(key.expires_at), ..KeyForm::read(data) }
    }

    /// The checked key; `None` leaves the messages in the form.
    pub fn check(&mut self, now: DateTime<Utc>) -> Option<CheckedKey> {
        let name = Name::parse(&self.name, LONGEST_NAME);
        let name = self.errors.keep("key_name", name);
        let expires_at = self.check_expiry(now);
        let methods = self.check_methods();
        (!self.errors.any()).then_some(CheckedKey {
            name: name?.as_str().to_string(),
            expires_at: expires_at?,
            methods: methods?,
        })
    }

    fn check_expiry(&mut self, now: DateTime<Utc>) -> Option<Option<DateTime<Utc>>> {
        let known = Expiry::parse(&self.expires)
            .filter(|expiry| *expiry != Expiry::Keep || self.kept.is_some())
            .ok_or("Choose when the key expires");
        let expiry = self.errors.keep("expires", known)?;
        let moment = expiry.moment(self.kept.flatten(), &self.expires_on, now);
        self.errors.keep("expires_on", moment)
    }

    /// The outer `None` is a mistake, the inner one stands for all methods.
    fn check_methods(&mut self) -> Option<Option<Vec<String>>> {
        let chosen = self.chosen();
        match self.methods.as_str() {
            "all" => Some(None),
            "chosen" if chosen.is_empty() => {
                self.errors.add("http_method", "Tick at least one method, or choose All methods");
                None
            }
            "chosen" => Some(Some(chosen)),
            _ => {
                self.errors.add("methods", "Choose which HTTP methods the key may use");
                None
            }
        }
    }

    /// The ticked methods in their order.
    fn chosen(&self) -> Vec<String> {
        let is_chosen = |method: &&str| self.chosen.iter().any(|chosen| chosen == method);
        let chosen = METHODS.iter().copied().filter(is_chosen);
        chosen.map(str::to_string).collect()
    }

    /// What a stored key is like beside what was typed, whether or not that is in order.
    pub fn differences(&self, theirs: &Key, now: DateTime<Utc>) -> [(&'static str, String, String); 3] {
        let moment = |expiry: Expiry| {
            let moment = expiry.moment(theirs.expires_at, &self.expires_on, now);
            moment.ok().map(expiry_words)
        };
        let typed = Expiry::parse(&self.expires).and_then(moment);
        let chosen = self.chosen();
        let methods = (self.methods != "all").then_some(chosen.as_slice());
        let typed = typed.unwrap_or_else(|| self.expires_on.trim().into());
        [
            ("Name", theirs.name.clone(), self.name.trim().into()),
            ("Expires", expiry_words(theirs.expires_at), typed),
            ("HTTP methods", theirs.methods(), methods_words(methods)),
        ]
    }

    /// Whether a new key leads to all data connectors; `None` leaves a message in the form.
    pub fn check_leads(&mut self) -> Option<bool> {
        match self.leads.as_str() {
            "all" => Some(true),
            "chosen" => Some(false),
            _ => {
                self.errors.add("leads", "Choose where the key leads");
                None
            }
        }
    }

    pub fn name_field(&self) -> TextField {
        TextField::new("key_name", "Name", &self.name)
            .hint("What the key is used for, such as “Nightly export”.")
            .prose()
            .width("w28")
            .errors(&self.errors)
    }

    pub fn expires_field(&self) -> Radios {
        let kept = self.kept.map(expiry_words);
        Radios::new("expires", "Expires", Expiry::choices(kept), &self.expires).errors(&self.errors)
    }

    pub fn expires_on_field(&self) -> TextField {
        TextField::new("expires_on", "Date", &self.expires_on)
            .hint("If you chose “On a date”: such as 2027-03-31. The key is good until the end of that day.")
            .width("w20")
            .errors(&self.errors)
    }

    pub fn methods_field(&self) -> Radios {
        let choices = vec![
            Radio::new("all", "All methods", ""),
            Radio::new(
                "chosen",
                "Only the ticked ones",
                "With GET and HEAD alone, a key can read and change nothing, unless an API changes things on GET. Headers that name another method (X-HTTP-Method-Override and the like), and _method in the query, are left out of its calls.",
            ),
        ];
        Radios::new("methods", "HTTP methods", choices, &self.methods).errors(&self.errors)
    }

    pub fn chosen_field(&self) -> CheckList {
        let choice = |method: &str| Choice {
            value: method.to_string(),
            label: method.to_string(),
            ticked: self.chosen.iter().any(|chosen| chosen == method),
            note: "",
        };
        let choices = METHODS.map(choice).into();
        CheckList::new("http_method", "Ticked methods", choices).errors(&self.errors)
    }

    pub fn leads_field(&self) -> Radios {
        let choices = vec![
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
        ];
        Radios::new("leads", "Where it leads", choices, &self.leads).errors(&self.errors)
    }
}
