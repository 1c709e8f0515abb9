//! A template of a provider: what its documentation says of its API, and what only the person knows.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::connectors::Method;

/// Written from the providers' public documentation, which each one names.
const PROVIDERS: &str = include_str!("providers.json");

/// The templates that come with the program, in the order of their names.
static BUILT_IN: LazyLock<Result<Vec<Template>, String>> =
    LazyLock::new(|| serde_json::from_str(PROVIDERS).map_err(|error| error.to_string()));

/// What a connector to a provider has in common with every other one to it. No secret is in it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Template {
    pub id: String,
    pub name: String,
    /// The address of the documentation that says so; empty for a template of one's own.
    #[serde(default)]
    pub source: String,
    /// The code of the authorization method.
    pub method: String,
    pub base_url: String,
    /// Where to get what has to be entered.
    #[serde(default)]
    pub help: String,
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// Fields of the Authorization tab by their names.
    #[serde(default)]
    pub settings: BTreeMap<String, String>,
}

/// A part of addresses that differs from customer to customer, written `{{name}}`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variable {
    pub name: String,
    pub label: String,
    /// A regular expression that the whole value matches.
    pub pattern: String,
    pub example: String,
}

impl Variable {
    /// The name of the variable's input.
    pub fn field(&self) -> String {
        format!("variable_{}", self.name)
    }

    /// Whether the value is one of this variable. A pattern that cannot be read matches nothing.
    pub fn matches(&self, value: &str) -> bool {
        regex::Regex::new(&format!("^(?:{})$", self.pattern)).is_ok_and(|pattern| pattern.is_match(value))
    }
}

impl Template {
    pub fn built_in() -> Result<&'static [Template], crate::web::Error> {
        match &*BUILT_IN {
            Ok(templates) => Ok(templates),
            Err(error) => Err(crate::web::Error::internal(anyhow::anyhow!("the templates cannot be read: {error}"))),
        }
    }

    pub fn method(&self) -> Option<Method> {
        Method::parse(&self.method)
    }

    pub fn method_label(&self) -> &'static str {
        self.method().map_or("", Method::label)
    }

    /// Where the documentation is, for people: its host.
    pub fn source_host(&self) -> String {
        let host = Url::parse(&self.source).ok().and_then(|url| url.host_str().map(str::to_string));
        host.unwrap_or_default()
    }

    /// A text of the template with the values of the variables.
    pub fn filled(&self, text: &str, values: &BTreeMap<String, String>) -> String {
        let fill = |text: String, variable: &Variable| {
            let value = values.get(&variable.name).map_or("", String::as_str);
            text.replace(&format!("{{{{{}}}}}", variable.name), value)
        };
        self.variables.iter().fold(text.to_string(), fill)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbound::HttpUrl;

    fn templates() -> &'static [Template] {
        Template::built_in().unwrap_or_else(|_| panic!("the templates can be read"))
    }

    #[test]
    fn there_are_forty_providers_and_more_each_with_the_source_of_what_it_says() {
        let templates = templates();
        assert!(templates.len() >= 40, "{}", templates.len());
        let mut ids: Vec<&str> = templates.iter().map(|template| template.id.as_str()).collect();
        ids.dedup();
        assert_eq!(ids.len(), templates.len());
        for template in templates {
            assert!(template.source.starts_with("https://") && !template.source_host().is_empty(), "{}", template.id);
            assert!(template.method().is_some(), "{}: {}", template.id, template.method);
            assert!(template.help.ends_with('.'), "{}: {}", template.id, template.help);
        }
        let mut names: Vec<String> = templates.iter().map(|template| template.name.to_lowercase()).collect();
        let listed = names.clone();
        names.sort();
        assert_eq!(listed, names, "they are listed by name");
    }

    #[test]
    fn each_example_matches_its_pattern_and_makes_addresses() {
        for template in templates() {
            let values = template.variables.iter().map(|variable| (variable.name.clone(), variable.example.clone()));
            let values: BTreeMap<String, String> = values.collect();
            for variable in &template.variables {
                assert!(variable.matches(&variable.example), "{}: {}", template.id, variable.example);
                for wrong in ["", "a b", "a/b", "a?b", "a#b", "a@b", "{{x}}"] {
                    assert!(!variable.matches(wrong), "{}: {} takes {wrong}", template.id, variable.name);
                }
            }
            let base = template.filled(&template.base_url, &values);
            assert!(
                HttpUrl::parse(&base).is_ok_and(|url| url.as_str().starts_with("https://")),
                "{}: {base}",
                template.id
            );
            for (name, text) in &template.settings {
                // The variables of a login request are its own.
                let text = template.filled(text, &values).replace("{{user}}", "").replace("{{password}}", "");
                assert!(!text.contains("{{"), "{}: {name} has a variable that is not declared", template.id);
                if name.ends_with("_url") {
                    assert!(HttpUrl::parse(&text).is_ok_and(|url| url.as_str().starts_with("https://")), "{text}");
                }
            }
        }
    }
}
