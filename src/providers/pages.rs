//! The list of templates, and the form of a new connector from one.

use std::collections::BTreeMap;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use diesel::result::Error as DbError;
use serde::Deserialize;
use validator::Validate;

use super::own;
use super::template::Template;
use crate::access::RequestContext;
use crate::audit::{Change, transaction};
use crate::authorization;
use crate::categories::UNCATEGORIZED;
use crate::connectors::{self, Details, LegacyGrants, Method, NewConnector, Stewardship, parse_name};
use crate::outbound::HttpUrl;
use crate::vault::Vault;
use crate::web::form::{Form, NewId, Text};
use crate::web::{Error, Errors, FormData, Layout, SaveError, Segment, page};

#[derive(askama::Template)]
#[template(path = "providers/list.html")]
struct ListPage {
    layout: Layout,
    own: Vec<Template>,
    built_in: &'static [Template],
}

/// All templates.
pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let own = own::all(&mut *context.conn().await?).await?;
    page(StatusCode::OK, &ListPage { layout: context.layout, own, built_in: Template::built_in()? })
}

/// The fields that are the same for every template.
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct NewFields {
    new_id: NewId,
    connector_name: Text,
}

#[derive(askama::Template)]
#[template(path = "providers/new.html")]
struct NewPage {
    layout: Layout,
    template: Template,
    form: Form<NewFields>,
}

impl NewPage {
    /// What was typed into a field that only this template has.
    fn typed(&self, field: &str) -> &str {
        self.form.data.get(field).unwrap_or_default()
    }

    /// Whether the method has this field and the template does not fill it in.
    fn asks(&self, field: &str) -> bool {
        asked_by(&self.template).contains(&field) && !self.template.settings.contains_key(field)
    }
}

/// The fields of the Authorization tab that a template leaves open.
fn asked_by(template: &Template) -> Vec<&'static str> {
    let by_key = template.settings.get("authentication").is_some_and(|code| code == "private_key_jwt");
    let signs = by_key || template.method() == Some(Method::OAuth(connectors::Grant::JwtBearer));
    let fields = template.method().map(asked).unwrap_or_default().iter();
    let fields = fields.copied().map(|field| if signs && field == "client_secret" { "signing_key" } else { field });
    fields.chain(signs.then_some("assertion_key_id")).collect()
}

/// The fields of the Authorization tab that no template can fill in.
fn asked(method: Method) -> &'static [&'static str] {
    match method {
        Method::NoAuth => &[],
        Method::Basic | Method::Digest => &["user_name", "password"],
        Method::Bearer => &["token"],
        Method::ApiKey => &["api_key"],
        Method::Login => &["login_user", "login_password"],
        Method::AwsSignature => &["aws_key_id", "aws_secret_key", "aws_region", "aws_service"],
        Method::OAuth(connectors::Grant::Password) => &["client_id", "client_secret", "oauth_user", "oauth_password"],
        Method::OAuth(connectors::Grant::Implicit) => &["client_id"],
        Method::OAuth(connectors::Grant::JwtBearer) => {
            &["client_id", "assertion_issuer", "assertion_subject", "signing_key"]
        }
        Method::OAuth(_) => &["client_id", "client_secret"],
    }
}

async fn find(context: &RequestContext, id: &str) -> Result<Template, Error> {
    if let Some(built_in) = Template::built_in()?.iter().find(|template| template.id == id) {
        return Ok(built_in.clone());
    }
    own::find(&mut *context.conn().await?, id).await
}

/// The form for what the template leaves open.
pub async fn new(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let template = find(&context, &id).await?;
    // Names of connectors have no comma, behind which the template says how it signs in.
    let name = template.name.split(',').next().unwrap_or_default();
    let fields = NewFields { connector_name: name.into(), ..NewFields::default() };
    new_page(context, template, Form::new(fields))
}

fn new_page(context: RequestContext, template: Template, form: Form<NewFields>) -> Result<HttpResponse, Error> {
    page(form.errors.status(), &NewPage { layout: context.layout, template, form })
}

/// Creates the connector with its authorization, or nothing.
pub async fn create(
    context: RequestContext,
    (vault, grants): (web::Data<Vault>, web::Data<LegacyGrants>),
    Segment(id): Segment,
    mut form: Form<NewFields>,
) -> Result<HttpResponse, Error> {
    let template = find(&context, &id).await?;
    let checked = check(&template, &mut form).filter(|_| !form.data.is_draft());
    let Some((new, values)) = checked else { return new_page(context, template, form) };
    let filled = filled_in(&template, new.method, &values, &form.data)?;
    let mut conn = context.conn().await?;
    let change = &mut Change::new(&mut conn, &context);
    let made = transaction(change, async |change| {
        let key = connectors::insert(change, &new).await?;
        let errors = authorization::fill_in(change, &vault, **grants, (&key, filled)).await?;
        if errors.any() { Err(CreateError::Refused(errors)) } else { Ok(key) }
    })
    .await;
    let key = match made {
        Ok(key) => key,
        // The second press of the same form finds what the first has made.
        Err(CreateError::Save(SaveError::Repeated)) => {
            connectors::key_of(&mut conn, context.actor.visibility, new.id).await?
        }
        Err(CreateError::Save(SaveError::NameTaken)) => {
            form.errors.name_taken("connector_name", "data connector", new.details.name.as_str());
            return new_page(context, template, form);
        }
        Err(CreateError::Refused(errors)) => {
            form.errors = shown(&template, &errors);
            return new_page(context, template, form);
        }
        Err(CreateError::Save(other)) => return Err(other.into()),
    };
    let next = if new.method == Method::NoAuth { "endpoints" } else { "authorization" };
    Ok(context.see_other(&format!("/connectors/{key}/{next}"), "The Data Connector was created"))
}

enum CreateError {
    Save(SaveError),
    /// The Authorization tab would not take the fields.
    Refused(Errors),
}

impl From<SaveError> for CreateError {
    fn from(error: SaveError) -> CreateError {
        CreateError::Save(error)
    }
}

impl From<Error> for CreateError {
    fn from(error: Error) -> CreateError {
        CreateError::Save(error.into())
    }
}

impl From<DbError> for CreateError {
    fn from(error: DbError) -> CreateError {
        CreateError::Save(error.into())
    }
}

/// Messages of fields that the page does not show stand at its name.
fn shown(template: &Template, errors: &Errors) -> Errors {
    let mut shown = Errors::default();
    for (field, message) in errors.iter() {
        let is_asked = asked_by(template).contains(&field);
        shown.add(if is_asked { field } else { "connector_name" }, message);
    }
    shown
}

/// The new connector, and the values of the variables.
fn check(template: &Template, form: &mut Form<NewFields>) -> Option<(NewConnector, BTreeMap<String, String>)> {
    let values = variables(template, &form.data, &mut form.errors);
    let Form { fields, errors, .. } = form;
    let name = errors.keep("connector_name", parse_name(&fields.connector_name));
    let base_url = HttpUrl::parse(&template.filled(&template.base_url, &values));
    let base_url = match base_url {
        Ok(url) => Some(url),
        Err(problem) => {
            if !errors.any() {
                errors.add("connector_name", format!("The base URL of the template {problem}"));
            }
            None
        }
    };
    let method = template.method().filter(|_| !errors.any())?;
    let details = Details {
        name: name?,
        display_name: String::new(),
        description: format!("From the template {}.", template.name),
        base_url,
        enabled: true,
        stewardship: Stewardship::default(),
    };
    let new = NewConnector { id: fields.new_id.0, key: None, details, method, categories: vec![UNCATEGORIZED] };
    Some((new, values))
}

/// The values of the variables, each checked against its pattern.
fn variables(template: &Template, data: &FormData, errors: &mut Errors) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for variable in &template.variables {
        let value = data.trimmed(&variable.field());
        if value.is_empty() {
            errors.add(variable.field(), format!("Enter the {}", crate::web::in_sentence(&variable.label)));
        } else if !variable.matches(&value) {
            errors.add(variable.field(), format!("{} must be such as {}", variable.label, variable.example));
        }
        values.insert(variable.name.clone(), value);
    }
    values
}

/// The form of the Authorization tab as a person would fill it in.
fn filled_in(
    template: &Template,
    method: Method,
    values: &BTreeMap<String, String>,
    data: &FormData,
) -> Result<FormData, Error> {
    let fixed = [("auth_method", method.code()), ("verify", "yes"), ("code_shown", "yes")];
    let fixed = fixed.map(|(name, value)| (name.to_string(), value.to_string()));
    let pkce = (!template.settings.contains_key("pkce")).then(|| ("pkce".to_string(), "yes".to_string()));
    let settings = template.settings.iter().filter(|(name, _)| *name != "pkce");
    let settings = settings.map(|(name, text)| (name.clone(), template.filled(text, values)));
    let typed = asked_by(template).into_iter().filter(|field| !template.settings.contains_key(*field));
    let typed = typed.map(|field| (field.to_string(), data.text(field)));
    FormData::of(fixed.into_iter().chain(pkce).chain(settings).chain(typed))
}
