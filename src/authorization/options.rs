//! Settings that only some connectors have, in one column of JSON: a new one needs no column of its own.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::login::LoginOptions;
use crate::db::{Typed, text_enum};
use crate::outbound::{AllowListEntry, AllowListProblem};

/// What is stored in `authorizations.options`. What is missing has its usual value; an unknown name is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    pub proxy: ProxyOptions,
    /// What the requests of the method AWS Signature are signed with and for.
    #[serde(skip_serializing_if = "AwsOptions::is_empty")]
    pub aws: AwsOptions,
    /// The request of the method Login Request.
    #[serde(skip_serializing_if = "LoginOptions::is_usual")]
    pub login: LoginOptions,
}

/// The access key's public half, and the names that AWS has for the region and the service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AwsOptions {
    pub key_id: String,
    pub region: String,
    pub service: String,
}

impl AwsOptions {
    fn is_empty(&self) -> bool {
        *self == AwsOptions::default()
    }
}

/// How the connector's proxy is used. Its password is a secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProxyOptions {
    /// Empty for a proxy that asks for no sign-in.
    pub user: String,
    #[serde(rename = "use")]
    pub used_for: ProxyUse,
    pub exceptions: Typed<ProxyExceptions>,
}

impl ProxyOptions {
    /// Whether requests would go through the proxy with these texts of a form that do not go through it now.
    pub fn is_widened_by(&self, used_for: &str, exceptions: &str) -> bool {
        let now = exceptions.parse::<ProxyExceptions>().unwrap_or_default().0;
        let is_used_more = self.used_for != ProxyUse::Both && used_for != self.used_for.code();
        is_used_more || self.exceptions.value.0.iter().any(|entry| !now.contains(entry))
    }
}

text_enum! {
    /// What a connector's proxy is used for.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum ProxyUse {
        #[default]
        Both = "both", "Calls and token requests";
        Calls = "calls", "Calls only";
        Tokens = "tokens", "Token requests only";
    }
}

/// Hosts and networks that are reached without the proxy, with commas or line breaks between them.
#[derive(Clone, Debug, Default)]
pub struct ProxyExceptions(pub Vec<AllowListEntry>);

/// An entry that cannot be read; the words complete the label of the field.
#[derive(Debug, Error)]
#[error("has “{0}”, which {1}")]
pub struct ProxyExceptionProblem(String, AllowListProblem);

impl FromStr for ProxyExceptions {
    type Err = ProxyExceptionProblem;

    fn from_str(text: &str) -> Result<ProxyExceptions, ProxyExceptionProblem> {
        let entries = text.split([',', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        // As in the variable NO_PROXY, a leading dot means every host below.
        let written = |entry: &str| if entry.starts_with('.') { format!("*{entry}") } else { entry.to_owned() };
        let parse =
            |entry: &str| written(entry).parse().map_err(|problem| ProxyExceptionProblem(entry.into(), problem));
        entries.map(parse).collect::<Result<_, _>>().map(ProxyExceptions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_read_back_and_an_unknown_one_is_an_error() -> Result<(), Box<dyn std::error::Error>> {
        let stored = r#"{"proxy":{"user":"ana","use":"tokens","exceptions":".corp.example, 10.0.0.0/8"}}"#;
        let options: Options = serde_json::from_str(stored)?;
        assert_eq!(options.proxy.exceptions.value.0.len(), 2);
        assert_eq!(serde_json::to_string(&options)?, stored);
        assert_eq!(serde_json::from_str::<Options>("{}")?, Options::default());
        for unknown in [r#"{"x":1}"#, r#"{"proxy":{"use":"never"}}"#, r#"{"proxy":{"exceptions":"10.0.0.0/33"}}"#] {
            assert!(serde_json::from_str::<Options>(unknown).is_err(), "{unknown}");
        }
        Ok(())
    }

    #[test]
    fn a_proxy_is_used_more_with_fewer_exceptions_or_for_more_requests() -> Result<(), ProxyExceptionProblem> {
        let exceptions = "a.example, 10.0.0.0/8".parse()?;
        let stored = ProxyOptions { used_for: ProxyUse::Calls, exceptions, ..ProxyOptions::default() };
        for (used_for, exceptions, expected) in [
            ("calls", "10.0.0.0/8\na.example, b.example", false),
            ("calls", "a.example", true),
            ("both", "a.example, 10.0.0.0/8", true),
        ] {
            assert_eq!(stored.is_widened_by(used_for, exceptions), expected, "{used_for} {exceptions}");
        }
        Ok(())
    }
}
