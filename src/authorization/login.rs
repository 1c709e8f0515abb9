//! Login requests: a request that a person has written as a template, whose response has a token or opens a session.
//!
//! Rules: the template is parsed when it is saved or loaded, before any secret is known, so none can change its structure,
//! and scheme, host and port have no variables. Secrets go into it only for the origin of its URL.

use std::num::NonZeroU32;
use std::str::FromStr;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use thiserror::Error as ThisError;

use super::credential::{CredentialPlace, Placement};
use super::model::{FurtherPlace, SecretName};
use super::origins::{ApprovedSecret, SecretError};
use super::queries::FurtherSecret;
use crate::db::{Typed, text_enum};
use crate::oauth::{LoginRequest, TokenError, TokenLocation};
use crate::outbound::{HttpUrl, Origin, Transport};
use crate::template::{HttpMethod, JsonTemplate, PairTemplate, Template, UrlTemplate, ValueErrors, Variable};
use crate::vault::Secret;

/// The variables of the tab's own fields.
pub(super) const USER: &str = "user";
pub(super) const PASSWORD: &str = "password";

/// What to do about values that are missing or cannot be sent.
const ADD_VALUES: &str = "Enter user and password on the Authorization tab, and other values under Secret headers and \
                          parameters, as variables of the login request.";

text_enum! {
    /// The body of a login request.
    #[derive(Default, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    pub enum LoginBodyKind {
        #[default]
        Json = "json", "JSON";
        Form = "form", "Form";
        None = "none", "None";
    }
}

/// The request, without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LoginOptions {
    pub method: HttpMethod,
    pub url: Typed<LoginUrl>,
    /// The value of the variable `user`.
    pub user: String,
    pub headers: Typed<LoginHeaders>,
    pub body: LoginBody,
    pub location: Typed<TokenLocation>,
    /// How long a token or session lives where the response does not say.
    pub minutes: Option<NonZeroU32>,
}

impl Default for LoginOptions {
    fn default() -> LoginOptions {
        LoginOptions {
            method: HttpMethod::Post,
            url: Typed::default(),
            user: String::new(),
            headers: Typed::default(),
            body: LoginBody::default(),
            location: Typed::default(),
            minutes: None,
        }
    }
}

/// What is wrong with a template: a sentence.
#[derive(Debug, PartialEq, Eq, ThisError)]
#[error("{0}")]
pub struct LoginProblem(String);

/// The address; `None` while none is set.
#[derive(Clone, Debug, Default)]
pub struct LoginUrl(Option<UrlTemplate>);

impl FromStr for LoginUrl {
    type Err = LoginProblem;

    fn from_str(text: &str) -> Result<LoginUrl, LoginProblem> {
        if text.is_empty() {
            return Ok(LoginUrl(None));
        }
        let url = UrlTemplate::parse(text).map_err(|problem| LoginProblem(format!("URL {problem}")))?;
        if url.is_relative() || Origin::of_template(text).is_none() {
            return Err(LoginProblem("URL must begin with https:// or http:// and the host".into()));
        }
        Ok(LoginUrl(Some(url)))
    }
}

/// Headers, one on each line.
#[derive(Clone, Debug, Default)]
pub struct LoginHeaders(Vec<PairTemplate>);

impl FromStr for LoginHeaders {
    type Err = LoginProblem;

    fn from_str(text: &str) -> Result<LoginHeaders, LoginProblem> {
        let mut headers: Vec<PairTemplate> = Vec::new();
        for (line, name, value) in pairs(text, ':', "X-Tenant: acme")? {
            let problem = |problem: String| LoginProblem(format!("Line {line}: {problem}"));
            if let Some(message) = Placement::name_problem(CredentialPlace::Header, name) {
                return Err(problem(message));
            }
            if headers.iter().any(|other| other.name.eq_ignore_ascii_case(name)) {
                return Err(problem(format!("{name} is there twice")));
            }
            let header = PairTemplate::parse(name, value, true);
            let header = header.map_err(|error| problem(format!("The value of {name} {error}")))?;
            if header.invalid_in_header().is_some() {
                return Err(problem("A header can have letters, numbers and signs only".into()));
            }
            headers.push(header);
        }
        Ok(LoginHeaders(headers))
    }
}

/// The lines that are not empty, with their numbers, in two parts.
fn pairs<'a>(text: &'a str, between: char, example: &str) -> Result<Vec<(usize, &'a str, &'a str)>, LoginProblem> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let pair = |(at, line): (usize, &'a str)| {
        let parts = line.split_once(between).map(|(name, value)| (at + 1, name.trim(), value.trim()));
        let message = || LoginProblem(format!("Line {} must be a name and a value, such as {example}", at + 1));
        parts.filter(|(_, name, _)| !name.is_empty() && !name.contains("{{")).ok_or_else(message)
    };
    lines.map(pair).collect()
}

/// The body with its template.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(try_from = "StoredBody", into = "StoredBody")]
pub struct LoginBody {
    stored: StoredBody,
    template: BodyTemplate,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBody {
    kind: LoginBodyKind,
    text: String,
}

#[derive(Clone, Debug)]
enum BodyTemplate {
    None,
    Json(JsonTemplate),
    Form(Vec<(String, Template)>),
}

impl LoginBody {
    /// Reads the text of a body of this kind.
    pub fn parse(kind: LoginBodyKind, text: &str) -> Result<LoginBody, LoginProblem> {
        let template = match kind {
            LoginBodyKind::None => BodyTemplate::None,
            LoginBodyKind::Json => {
                let json = JsonTemplate::parse(text);
                BodyTemplate::Json(json.map_err(|problem| LoginProblem(format!("Body {problem}")))?)
            }
            LoginBodyKind::Form => {
                let field = |(line, name, value): (usize, &str, &str)| {
                    let value = Template::parse(value);
                    let value = value.map_err(|problem| LoginProblem(format!("Line {line}: The value {problem}")))?;
                    Ok((name.to_owned(), value))
                };
                let fields = pairs(text, '=', "username={{user}}")?.into_iter().map(field);
                BodyTemplate::Form(fields.collect::<Result<_, LoginProblem>>()?)
            }
        };
        Ok(LoginBody { stored: StoredBody { kind, text: text.into() }, template })
    }

    pub fn kind(&self) -> LoginBodyKind {
        self.stored.kind
    }

    pub fn text(&self) -> &str {
        &self.stored.text
    }

    fn templates(&self) -> Vec<&Template> {
        match &self.template {
            BodyTemplate::None => Vec::new(),
            BodyTemplate::Json(json) => vec![json.template()],
            BodyTemplate::Form(fields) => fields.iter().map(|(_, value)| value).collect(),
        }
    }

    /// The media type and the text; `None` without a body.
    fn render(&self, variables: &Value) -> Result<Option<(&'static str, Secret)>, ValueErrors> {
        Ok(match &self.template {
            BodyTemplate::None => None,
            BodyTemplate::Json(json) => Some(("application/json", Secret::new(json.render(variables)?))),
            BodyTemplate::Form(fields) => {
                let mut form = form_urlencoded::Serializer::new(String::new());
                for (name, value) in fields {
                    form.append_pair(name, &value.render_plain(variables)?);
                }
                Some(("application/x-www-form-urlencoded", Secret::new(form.finish())))
            }
        })
    }
}

impl PartialEq for LoginBody {
    fn eq(&self, other: &LoginBody) -> bool {
        self.stored == other.stored
    }
}

/// What most servers call user and password.
impl Default for LoginBody {
    fn default() -> LoginBody {
        let text = r#"{"username": "{{user}}", "password": "{{password}}"}"#;
        let none = StoredBody { kind: LoginBodyKind::None, text: String::new() };
        LoginBody::parse(LoginBodyKind::Json, text).unwrap_or(LoginBody { stored: none, template: BodyTemplate::None })
    }
}

impl TryFrom<StoredBody> for LoginBody {
    type Error = LoginProblem;

    fn try_from(stored: StoredBody) -> Result<LoginBody, LoginProblem> {
        LoginBody::parse(stored.kind, &stored.text)
    }
}

impl From<LoginBody> for StoredBody {
    fn from(body: LoginBody) -> StoredBody {
        body.stored
    }
}

impl LoginOptions {
    pub fn is_usual(&self) -> bool {
        *self == LoginOptions::default()
    }

    /// Whether there is an address to ask.
    pub fn is_set(&self) -> bool {
        self.url.value.0.is_some()
    }

    /// The address without path and query, to which the secrets go.
    pub fn host(&self) -> Option<HttpUrl> {
        HttpUrl::parse(&Origin::of_template(self.url.text())?.to_string()).ok()
    }

    /// The names of the variables that stand in the request, each once.
    pub fn variables(&self) -> Vec<&str> {
        let url = self.url.value.0.iter().map(UrlTemplate::template);
        let headers = self.headers.value.0.iter().map(PairTemplate::template);
        let all = url.chain(headers).chain(self.body.templates());
        let wanted = all.flat_map(Template::variables).filter(|variable| variable.default().is_none());
        let mut names: Vec<&str> = wanted.map(Variable::name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The request with these secrets, if they may be sent to its host; `None` without an address.
    pub(super) fn request(
        &self,
        password: Option<ApprovedSecret>,
        further: &[FurtherSecret],
        transport: &Transport,
    ) -> Result<Option<LoginRequest>, SecretError> {
        let Some(host) = self.host() else { return Ok(None) };
        let further = further.iter().filter_map(|(name, secret)| match name {
            SecretName::Further(FurtherPlace::LoginVariable, name) => Some((name.clone(), secret)),
            _ => None,
        });
        let password = password.as_ref().map(|secret| (PASSWORD.to_owned(), secret));
        let named = password.into_iter().chain(further);
        let secrets: Vec<(String, Secret)> = named
            .map(|(name, secret)| Ok((name, secret.for_url(&host, transport)?)))
            .collect::<Result<_, SecretError>>()?;
        Ok(Some(self.rendered(secrets)?))
    }

    /// The request with these values.
    fn rendered(&self, secrets: Vec<(String, Secret)>) -> Result<LoginRequest, TokenError> {
        let user = Some((USER, self.user.as_str())).filter(|(_, user)| !user.is_empty());
        let values = secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose())).chain(user);
        let variables: Value = values.map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
        let mut problems = Vec::new();
        let mut note = |part: &str, errors: ValueErrors| {
            problems.extend(errors.iter().map(|error| error.sentence(part)));
        };
        let url = self.url.value.0.as_ref().map(|url| url.render(None, &variables, &[]));
        let url = url.and_then(|url| url.map_err(|errors| note("the URL", errors)).ok());
        let mut headers = Vec::new();
        for header in &self.headers.value.0 {
            match header.render_header(&variables) {
                Ok(value) => headers.push((header.name.clone(), Secret::new(value.unwrap_or_default()))),
                Err(errors) => note(&format!("the header “{}”", header.name), errors),
            }
        }
        let body = self.body.render(&variables).map_err(|errors| note("the body", errors)).ok();
        match (url, body) {
            (Some(url), Some(body)) if problems.is_empty() => Ok(LoginRequest {
                method: self.method.http(),
                url,
                headers,
                body,
                secrets: secrets.into_iter().map(|(_, secret)| secret).collect(),
                location: self.location.value.clone(),
                lifetime: self.minutes.map(|minutes| TimeDelta::minutes(minutes.get().into())),
            }),
            _ => Err(TokenError::not_sent(problems.join(" "), ADD_VALUES)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stored_options_read_back_and_what_cannot_be_read_is_an_error() -> Result<(), Box<dyn std::error::Error>> {
        let usual = serde_json::to_string(&LoginOptions::default())?;
        assert!(serde_json::from_str::<LoginOptions>(&usual)?.is_usual());
        assert!(LoginOptions::default().body.text().contains("{{password}}"));
        for unreadable in [
            r#"{"x":1}"#,
            r#"{"method":"TRACE"}"#,
            r#"{"url":"https://{{host}}/"}"#,
            r#"{"body":{"kind":"json","text":"{"}}"#,
            r#"{"headers":"Host: x"}"#,
            r#"{"minutes":0}"#,
        ] {
            assert!(serde_json::from_str::<LoginOptions>(unreadable).is_err(), "{unreadable}");
        }
        Ok(())
    }

    #[test]
    fn no_address_has_a_variable_before_its_path() {
        for url in [
            "https://{{host}}/login",
            "{{scheme}}://a.example/login",
            "https://a.example:{{port}}/",
            "https://{{user}}@a.example/",
            "https://a.example{{x}}/",
            "//a.example/login",
            "/login",
            "ftp://a.example/",
        ] {
            assert!(url.parse::<LoginUrl>().is_err(), "{url}");
        }
        assert!("https://a.example/{{tenant}}/login?u={{user}}".parse::<LoginUrl>().is_ok());
    }

    #[test]
    fn a_line_that_is_no_header_or_field_says_which() {
        for (headers, problem) in [
            ("X-Tenant acme", "Line 1 must be a name and a value, such as X-Tenant: acme"),
            ("\nHost: a", "Line 2: Host is set by Connectory itself. Enter the name of another header"),
            ("X-A: 1\nx-a: 2", "Line 2: x-a is there twice"),
            ("X-A: ä", "Line 1: A header can have letters, numbers and signs only"),
        ] {
            assert_eq!(headers.parse::<LoginHeaders>().err(), Some(LoginProblem(problem.into())), "{headers}");
        }
        let form = LoginBody::parse(LoginBodyKind::Form, "a=1\n{{x}}=2").err();
        assert_eq!(form, Some(LoginProblem("Line 2 must be a name and a value, such as username={{user}}".into())));
    }
}
