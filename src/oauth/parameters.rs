//! What is sent beside the standard parameters: scopes, resources and extra parameters, as a person types them.

use std::str::FromStr;

use thiserror::Error;

use crate::db::text_enum;

text_enum! {
    /// What separates scopes when they are sent.
    #[derive(Default)]
    pub enum ScopeSeparator {
        /// A space, as RFC 6749 3.3 says.
        #[default]
        Space = "space", "Space";
        /// A comma, as some servers want it.
        Comma = "comma", "Comma";
    }
}

impl ScopeSeparator {
    /// The scopes as they are sent. Typed or received, they may be separated by white space or commas.
    pub(super) fn join(self, scopes: &str) -> String {
        let separator = match self {
            Self::Space => " ",
            Self::Comma => ",",
        };
        split_scopes(scopes).collect::<Vec<_>>().join(separator)
    }
}

text_enum! {
    /// Which scope is sent with a refresh token. RFC 6749 6 allows what was granted or less, and none means all of it; Entra
    /// wants one, Salesforce refuses any.
    #[derive(Default)]
    pub enum RefreshScope {
        /// None, and what was asked for if the server then finds something missing.
        #[default]
        IfWanted = "if_wanted", "If the server wants it";
        /// None.
        Never = "never", "Not sent";
        /// What the server has granted.
        Granted = "granted", "As granted";
        /// What was asked for.
        Asked = "asked", "As asked for";
    }
}

/// The single scopes of a text.
pub(super) fn split_scopes(scopes: &str) -> impl Iterator<Item = &str> {
    let pieces = scopes.split(|c: char| c == ',' || c.is_whitespace());
    pieces.filter(|scope| !scope.is_empty())
}

/// The most resources, and the longest one in characters.
const MOST_RESOURCES: usize = 10;
const LONGEST_RESOURCE: usize = 1_000;

/// Why a text holds no list of resources; the text completes the label of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResourceProblem {
    /// A tab or another control character.
    #[error("must not contain control characters (line {0})")]
    ControlCharacter(usize),
    /// More than 1,000 characters.
    #[error("must not have more than 1,000 characters in a line (line {0})")]
    TooLong(usize),
    /// More than 10 resources.
    #[error("must not have more than 10 lines")]
    TooMany,
}

/// Reads resources, one a line, as they were typed but for outer white space; empty lines say nothing. RFC 8707 2 wants
/// absolute URIs; AD FS and Entra also take GUIDs and names, and all compare letter by letter, so nothing is refused.
pub fn parse_resources(text: &str) -> Result<Vec<String>, ResourceProblem> {
    let lines = (1..).zip(text.lines().map(str::trim));
    let filled = lines.filter(|(_, line)| !line.is_empty());
    let all = filled.map(|(at, line)| resource(at, line)).collect::<Result<Vec<_>, _>>()?;
    if all.len() > MOST_RESOURCES {
        return Err(ResourceProblem::TooMany);
    }
    Ok(all)
}

fn resource(at: usize, text: &str) -> Result<String, ResourceProblem> {
    match text.chars().count() {
        ..=LONGEST_RESOURCE if text.chars().any(char::is_control) => Err(ResourceProblem::ControlCharacter(at)),
        ..=LONGEST_RESOURCE => Ok(text.to_owned()),
        _ => Err(ResourceProblem::TooLong(at)),
    }
}

/// The most parameters.
const MOST: usize = 20;

/// The longest line, in characters.
const LONGEST: usize = 1_000;

/// Parameters that bind an answer to its request; another value would break the exchange or its safety.
const OWN: [&str; 5] = ["state", "code", "code_challenge", "code_challenge_method", "code_verifier"];

/// Whether Connectory sets the parameter of this name itself, so that no other value can be set. Without case, for a
/// lenient server reads names so.
pub fn is_own_parameter(name: &str) -> bool {
    OWN.iter().any(|own| own.eq_ignore_ascii_case(name))
}

/// Parameters that hold secrets, and so are not for a field that is shown. Without a value they are left out.
const SECRET: [&str; 4] = ["client_secret", "password", "refresh_token", "client_assertion"];

/// Extra parameters, typed as `name=value`, one a line.
///
/// One that Connectory would send as well (`scope`, `grant_type`, `client_id`) takes its place; with
/// an empty value it is not sent at all, as RFC 6749 3.1 has it. A name may occur more than once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, String)>);

/// Why a text is no [`Parameters`]; the text completes the label of its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParameterProblem {
    /// A line without an equals sign.
    #[error("must have = in line {0}, as in name=value")]
    NoEquals(usize),
    /// Nothing is in front of it.
    #[error("must have a name before = in line {0}")]
    NoName(usize),
    /// A name that Connectory sets itself.
    #[error("must not set {name} (line {line}): Connectory sets it")]
    Own {
        /// The line, counted from 1.
        line: usize,
        /// The name.
        name: &'static str,
    },
    /// A name whose value is a secret.
    #[error("must not set {name} (line {line}): it would be stored and shown as it is")]
    Secret {
        /// The line, counted from 1.
        line: usize,
        /// The name.
        name: &'static str,
    },
    /// A tab or another control character.
    #[error("must not contain control characters (line {0})")]
    ControlCharacter(usize),
    /// More than 1,000 characters.
    #[error("must not have more than 1,000 characters in a line (line {0})")]
    TooLong(usize),
    /// More than 20 parameters.
    #[error("must not have more than 20 parameters")]
    TooMany,
}

impl Parameters {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in the order in which they were typed.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Parameters that the program sets itself.
    pub fn of(pairs: &[(&str, &str)]) -> Self {
        Self(pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    /// Whether one of them has this name.
    pub(super) fn sets(&self, name: &str) -> bool {
        self.iter().any(|(own, _)| own == name)
    }

    /// The parameters that are sent: `own` ones, but for those that are here too, then these.
    pub(super) fn added_to<'a>(&'a self, mut own: Vec<(&'a str, &'a str)>) -> Vec<(&'a str, &'a str)> {
        own.retain(|(name, _)| !self.sets(name));
        own.extend(self.iter());
        own.retain(|(_, value)| !value.is_empty());
        own
    }
}

/// Empty lines say nothing; outer white space of names and values is dropped.
impl FromStr for Parameters {
    type Err = ParameterProblem;

    fn from_str(text: &str) -> Result<Self, ParameterProblem> {
        let lines = (1..).zip(text.lines());
        let filled = lines.filter(|(_, line)| !line.trim().is_empty());
        let all = filled.map(|(at, line)| parameter(at, line.trim())).collect::<Result<Vec<_>, _>>()?;
        if all.len() > MOST {
            return Err(ParameterProblem::TooMany);
        }
        Ok(Self(all))
    }
}

fn parameter(at: usize, line: &str) -> Result<(String, String), ParameterProblem> {
    if line.chars().count() > LONGEST {
        return Err(ParameterProblem::TooLong(at));
    }
    if line.chars().any(char::is_control) {
        return Err(ParameterProblem::ControlCharacter(at));
    }
    let (name, value) = line.split_once('=').ok_or(ParameterProblem::NoEquals(at))?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() {
        return Err(ParameterProblem::NoName(at));
    }
    // Without case, for a lenient server reads them so.
    let among = |names: &[&'static str]| names.iter().find(|own| own.eq_ignore_ascii_case(name)).copied();
    match (among(&OWN), among(&SECRET).filter(|_| !value.is_empty())) {
        (Some(name), _) => Err(ParameterProblem::Own { line: at, name }),
        (_, Some(name)) => Err(ParameterProblem::Secret { line: at, name }),
        (None, None) => Ok((name.to_owned(), value.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn scopes_are_sent_with_the_separator_that_is_set() {
        for (typed, space, comma) in [
            ("", "", ""),
            (" , ", "", ""),
            ("read", "read", "read"),
            ("read write,\n admin", "read write admin", "read,write,admin"),
            ("https://a.example/x y:z", "https://a.example/x y:z", "https://a.example/x,y:z"),
        ] {
            assert_eq!(ScopeSeparator::Space.join(typed), space);
            assert_eq!(ScopeSeparator::Comma.join(typed), comma);
        }
    }

    #[test]
    fn resources_read_back_as_typed() {
        let typed = "https://api.example.org\n\n  urn:example:api \r\napi://1b2c/.default\n\
                     https://a.example/x?y=%20z\n00000002-0000-0ff1-ce00-000000000000\nmy web api";
        let read = [
            "https://api.example.org",
            "urn:example:api",
            "api://1b2c/.default",
            "https://a.example/x?y=%20z",
            "00000002-0000-0ff1-ce00-000000000000",
            "my web api",
        ];
        assert_eq!(parse_resources(typed), Ok(read.map(str::to_owned).to_vec()));
        assert_eq!(parse_resources(" \n"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_resource_is_refused_with_its_line() {
        use ResourceProblem::*;
        let long = format!("https://a.example/{}", "x".repeat(1_000));
        let many = "urn:a\n".repeat(11);
        for (typed, problem) in [("urn:a\n\na\tb", ControlCharacter(3)), (&long, TooLong(1)), (&many, TooMany)] {
            assert_eq!(parse_resources(typed), Err(problem), "{typed}");
        }
    }

    fn parsed(text: &str) -> Result<Vec<(String, String)>, ParameterProblem> {
        text.parse::<Parameters>().map(|parameters| parameters.0)
    }

    #[test]
    fn parameters_are_read_line_by_line() {
        for (text, pairs) in [
            ("", vec![]),
            ("\n \r\n", vec![]),
            ("access_type=offline", vec![("access_type", "offline")]),
            (
                "\n prompt = consent \r\nclaims={\"a\":\"b=c\"}\nempty=",
                vec![("prompt", "consent"), ("claims", "{\"a\":\"b=c\"}"), ("empty", "")],
            ),
            ("resource=a\nresource=b", vec![("resource", "a"), ("resource", "b")]),
        ] {
            let pairs = pairs.iter().map(|&(n, v)| (n.to_owned(), v.to_owned()));
            assert_eq!(parsed(text), Ok(pairs.collect()), "{text:?}");
        }
    }

    #[test]
    fn a_problem_names_its_line() {
        use ParameterProblem::*;
        let long = format!("a=1\nb={}", "x".repeat(999));
        let many = "a=1\n".repeat(21);
        for (text, problem) in [
            ("a=1\n\nprompt", NoEquals(3)),
            ("=value", NoName(1)),
            (" = ", NoName(1)),
            ("a=b\tc", ControlCharacter(1)),
            ("a=b\rc=d", ControlCharacter(1)),
            ("a=b\0", ControlCharacter(1)),
            (&long, TooLong(2)),
            (&many, TooMany),
        ] {
            assert_eq!(parsed(text), Err(problem), "{text:?}");
        }
        for name in OWN {
            let typed = format!("a=1\n{}=x", name.to_uppercase());
            assert_eq!(parsed(&typed), Err(Own { line: 2, name }));
        }
        for name in SECRET {
            assert_eq!(parsed(&format!("{name}=x")), Err(Secret { line: 1, name }));
            assert_eq!(parsed(&format!("{name}=")), Ok(vec![(name.to_owned(), String::new())]));
        }
    }

    #[test]
    fn an_extra_parameter_takes_the_place_of_one_of_the_same_name() -> Result<(), ParameterProblem> {
        let own = vec![("scope", "read"), ("resource", "a"), ("resource", "b"), ("audience", "c")];
        let extra: Parameters = "resource=x\nscope=\nprompt=none".parse()?;
        assert_eq!(extra.added_to(own.clone()), [("audience", "c"), ("resource", "x"), ("prompt", "none")]);
        assert_eq!(Parameters::default().added_to(own.clone()), own);
        Ok(())
    }

    proptest! {
        #[test]
        fn accepted_parameters_are_few_and_clean(text in "([a-z_]{0,4}[= ]?\\PC{0,5}(\n|\r|\t)?){0,25}") {
            if let Ok(pairs) = parsed(&text) {
                prop_assert!(pairs.len() <= MOST);
                let is_clean = |(name, value): &(String, String)| {
                    !name.is_empty() && !value.chars().any(char::is_control)
                };
                prop_assert!(pairs.iter().all(is_clean));
            }
        }
    }
}
