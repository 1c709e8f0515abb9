//! Templates of one's own: the settings of a connector, with a variable for what differs.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;
use validator::Validate;

use super::template::{Template, Variable};
use crate::access::{RequestContext, Right};
use crate::audit::{Change, Changes, transaction};
use crate::authorization;
use crate::connectors::{self, Connector, Method};
use crate::db::Conn;
use crate::db::schema::connector_templates;
use crate::outbound::HttpUrl;
use crate::web::form::{Form, NewId, Text, entered};
use crate::web::{Confirmation, Error, Errors, FormData, Layout, SaveError, Segment, page};

const LIST: &str = "/connectors/templates";

#[derive(Queryable, Selectable)]
#[diesel(table_name = connector_templates)]
struct Row {
    id: Uuid,
    name: String,
    method: Method,
    base_url: String,
    variables: Value,
    settings: Value,
}

impl Row {
    fn template(self) -> Result<Template, Error> {
        let unreadable =
            |column: &'static str| move |_| Error::internal(crate::db::StoredValueError::new(column, self.id));
        Ok(Template {
            id: self.id.to_string(),
            name: self.name,
            source: String::new(),
            method: self.method.code().into(),
            base_url: self.base_url,
            help: String::new(),
            variables: serde_json::from_value(self.variables).map_err(unreadable("connector_templates.variables"))?,
            settings: serde_json::from_value(self.settings).map_err(unreadable("connector_templates.settings"))?,
        })
    }
}

/// All of them, by name.
pub(super) async fn all(conn: &mut Conn) -> Result<Vec<Template>, Error> {
    let rows: Vec<Row> =
        connector_templates::table.order(connector_templates::name_key).select(Row::as_select()).load(conn).await?;
    rows.into_iter().map(Row::template).collect()
}

pub(super) async fn find(conn: &mut Conn, id: &str) -> Result<Template, Error> {
    let id: Uuid = id.parse().map_err(|_| Error::NotFound)?;
    let row: Option<Row> = connector_templates::table.find(id).select(Row::as_select()).first(conn).await.optional()?;
    row.ok_or(Error::NotFound)?.template()
}

/// The form that makes a template of a connector.
#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct SaveFields {
    new_id: NewId,
    #[validate(
        custom(function = "entered", message = "Enter the name"),
        length(max = 255, message = "Name must be 255 characters or fewer")
    )]
    template_name: Text,
    /// The part of the addresses that differs from customer to customer; may be empty.
    #[validate(length(max = 255, message = "Text that differs must be 255 characters or fewer"))]
    differs: Text,
    variable: Text,
}

#[derive(askama::Template)]
#[template(path = "providers/save.html")]
struct SavePage {
    layout: Layout,
    connector: Connector,
    form: Form<SaveFields>,
}

pub async fn new(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let connector = connectors::find(&*context.conn().await?, &context.actor, &key, Right::Edit).await?;
    connector.require_no_collection()?;
    let fields = SaveFields { template_name: connector.name.to_string().into(), ..SaveFields::default() };
    page(StatusCode::OK, &SavePage { layout: context.layout, connector, form: Form::new(fields) })
}

pub async fn create(
    context: RequestContext,
    Segment(key): Segment,
    mut form: Form<SaveFields>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::Edit).await?;
    connector.require_no_collection()?;
    let addresses = Addresses {
        base_url: connector.base_url.as_ref().map_or("", HttpUrl::as_str).to_string(),
        settings: authorization::settings_for_template(&mut conn, &connector).await?,
    };
    let Some(variable) = form.check(|fields, errors| fields.variable(&addresses, errors)) else {
        return page(form.errors.status(), &SavePage { layout: context.layout, connector, form });
    };
    let (name, method) = (form.template_name.single_spaced(), connector.method());
    let template = addresses.template(form.new_id, name, method, variable);
    match store(&mut Change::new(&mut conn, &context), form.new_id.0, &template, method).await {
        Ok(()) | Err(SaveError::Repeated) => Ok(context.see_other(LIST, "The template was saved, without secrets")),
        Err(SaveError::NameTaken) => {
            form.errors.name_taken("template_name", "template", &template.name);
            page(form.errors.status(), &SavePage { layout: context.layout, connector, form })
        }
        Err(other) => Err(other.into()),
    }
}

impl SaveFields {
    /// The variable for what differs, `Some(None)` if nothing does.
    fn variable(&self, addresses: &Addresses, errors: &mut Errors) -> Option<Option<Variable>> {
        let (differs, name) = (self.differs.trim(), self.variable.trim());
        let is_name = !name.is_empty() && name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
        match (differs, name) {
            ("", "") => return Some(None),
            ("", _) => errors.add("differs", "Enter the text that differs, or leave both fields empty"),
            (_, _) if !is_name => {
                errors.add("variable", "Enter a name of letters and digits for the variable, such as shop");
            }
            _ if !addresses.have(differs) => {
                errors.add("differs", format!("{differs} is in no address of this data connector"));
            }
            // What may stand there is what cannot leave its place in an address.
            _ => {
                return Some(Some(Variable {
                    name: name.into(),
                    label: name.into(),
                    pattern: "[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?".into(),
                    example: differs.into(),
                }));
            }
        }
        None
    }
}

/// What a template takes over from a connector.
struct Addresses {
    base_url: String,
    settings: BTreeMap<String, String>,
}

impl Addresses {
    fn have(&self, text: &str) -> bool {
        self.base_url.contains(text) || self.settings.values().any(|setting| setting.contains(text))
    }

    fn template(self, id: NewId, name: String, method: Method, variable: Option<Variable>) -> Template {
        let with_variable = |text: &str| match &variable {
            Some(variable) => text.replace(&variable.example, &format!("{{{{{}}}}}", variable.name)),
            None => text.to_string(),
        };
        Template {
            id: id.to_string(),
            name,
            source: String::new(),
            method: method.code().into(),
            base_url: with_variable(&self.base_url),
            help: String::new(),
            settings: self.settings.iter().map(|(name, text)| (name.clone(), with_variable(text))).collect(),
            variables: variable.into_iter().collect(),
        }
    }
}

async fn store(change: &mut Change<'_>, id: Uuid, template: &Template, method: Method) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let json =
            |value: Result<Value, serde_json::Error>| value.map_err(|error| SaveError::from(Error::internal(error)));
        diesel::insert_into(connector_templates::table)
            .values((
                connector_templates::id.eq(id),
                connector_templates::name.eq(&template.name),
                connector_templates::name_key.eq(template.name.to_lowercase()),
                connector_templates::method.eq(method),
                connector_templates::base_url.eq(&template.base_url),
                connector_templates::variables.eq(json(serde_json::to_value(&template.variables))?),
                connector_templates::settings.eq(json(serde_json::to_value(&template.settings))?),
                connector_templates::created_at.eq(change.now),
                connector_templates::created_by.eq(change.by.attribution()),
            ))
            .execute(change.conn)
            .await?;
        let changes = Changes::none().field("Base URL", "", &template.base_url).field("Method", "", method.label());
        Ok(change.record("template.created", id, &template.name, changes).await?)
    })
    .await
}

/// The page that asks whether to delete a template of one's own.
pub async fn confirm_delete(context: RequestContext, Segment(id): Segment) -> Result<HttpResponse, Error> {
    let Template { id, name, .. } = find(&mut *context.conn().await?, &id).await?;
    Confirmation {
        title: format!("Delete template “{name}”"),
        question: format!("Are you sure you want to delete “{name}”?"),
        sentences: vec!["Data connectors that were made from it stay as they are. This cannot be undone.".into()],
        action: format!("{LIST}/{id}/delete"),
        button: format!("Delete “{name}”"),
        back: (LIST.into(), "Keep it"),
        ..Confirmation::about((LIST, "Templates"), (&format!("{LIST}/{id}"), &name), "Delete")
    }
    .respond(context.layout, StatusCode::OK)
}

pub async fn delete(context: RequestContext, Segment(id): Segment, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let template = find(&mut conn, &id).await?;
    let change = &mut Change::new(&mut conn, &context);
    transaction(change, async |change| {
        let row: Uuid = id.parse().map_err(|_| Error::NotFound)?;
        diesel::delete(connector_templates::table.find(row)).execute(change.conn).await?;
        change.record("template.deleted", row, &template.name, Changes::none()).await
    })
    .await?;
    Ok(context.see_other(LIST, "The template was deleted"))
}
