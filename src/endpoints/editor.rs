//! The editor: one endpoint as a form, or as text for people who may not edit it.

use actix_web::HttpResponse;
use askama::Template;

use super::forms::{Checked, EndpointForm};
use super::model::{BodyKind, Endpoint, EndpointId, HttpMethod, RowKind};
use super::paging::PagingKind;
use super::queries::{self, MAX_ENDPOINTS};
use super::run::{BodyFormat, Outcome, Report};
use super::token_values::is_of_token;
use crate::access::{RequestContext, Right};
use crate::audit::Change;
use crate::authorization::KeptValues;
use crate::connectors::{self, Connector, ConnectorHead, Tab, call_path};
use crate::db::Conn;
use crate::name::Name;
use crate::outbound::Origin;
use crate::web::form::Form;
use crate::web::{
    ConflictPage, Error, LastSave, Layout, SaveError, Segment, Segments, SelectOption, page, plural, secret_warning,
};

/// An endpoint that is being edited.
pub(super) struct Editor {
    pub connector: Connector,
    /// As it is stored; `None` for a new one.
    pub endpoint: Option<Endpoint>,
    /// The version that the form was made from.
    version: i32,
    pub form: Form<EndpointForm>,
    /// The page shows changes that are not saved.
    pub is_unsaved: bool,
    /// The result of Run.
    pub report: Option<Report>,
    /// Kept with the connector's token, for Run.
    pub token_values: KeptValues,
}

#[derive(Template)]
#[template(path = "endpoints/editor.html")]
struct EditorPage {
    layout: Layout,
    head: ConnectorHead,
    editor: Editor,
    action: String,
    may_edit: bool,
    may_call: bool,
    /// The person has the permission to call, but not the right to call this connector.
    calls_are_kept: bool,
}

impl EditorPage {
    /// Whether leaving the page would lose changes.
    fn is_unsaved(&self) -> bool {
        self.editor.is_unsaved || self.editor.form.errors.any()
    }

    fn url_hint(&self) -> String {
        match &self.editor.connector.base_url {
            Some(base) if self.editor.connector.is_collection => format!(
                "A path below the base URL {}, which is that of the collection’s records. Write variables as {{{{name}}}}, such as /{{{{id}}}}.",
                base.as_str()
            ),
            Some(base) => format!(
                "A path below the base URL {}, or a whole address that starts with https://. Write variables as {{{{name}}}}, such as /orders/{{{{order.id}}}}.",
                base.as_str()
            ),
            None => "A whole address that starts with https://, because the data connector has no base URL. Write variables as {{name}}, such as /orders/{{order.id}}.".into(),
        }
    }

    fn retries(&self) -> Vec<SelectOption> {
        let label = |retries| if retries == 0 { "None".into() } else { plural(retries, "retry", "retries") };
        (0..=5).map(|retries| SelectOption::new(retries.to_string(), label(retries))).collect()
    }

    /// A warning if a text holds what looks like a secret; may be empty.
    fn warning(&self, text: &str) -> String {
        secret_warning(text).unwrap_or_default()
    }

    /// The path of the stored endpoint, or of a new one.
    fn own_address(&self) -> String {
        let id = self.editor.endpoint.as_ref().map(|one| one.id.to_string());
        let id = id.unwrap_or_else(|| "new".into());
        format!("/connectors/{}/endpoints/{id}", self.editor.connector.key)
    }

    fn api_path(&self, endpoint: &Endpoint) -> String {
        call_path(&self.editor.connector.key, &endpoint.name)
    }

    /// Why there is no Run.
    fn why_no_run(&self) -> &'static str {
        if self.calls_are_kept {
            "This data connector is kept to certain people, and you are not among those who may call it, so you cannot run its endpoints."
        } else {
            "To run an endpoint you need the permission “Call Data Connectors”."
        }
    }

    /// Whether a field is shown as code.
    fn is_code(&self, label: &str) -> bool {
        ["Method", "URL", "Parameters", "Request headers", "Body", "Next page", "Parameter of the page", "Items"]
            .contains(&label)
    }

    /// “order.id, page (1 if there is no value)”.
    fn variable_list(&self) -> String {
        let words = |(name, default): (String, Option<String>)| match default {
            None if is_of_token(&name) => format!("{name} (kept with the token)"),
            Some(default) if default.is_empty() => format!("{name} (empty if there is no value)"),
            Some(default) => format!("{name} ({default} if there is no value)"),
            None => name,
        };
        let variables = self.editor.form.variables(self.editor.connector.base_url.as_ref()).into_iter().map(words);
        variables.collect::<Vec<_>>().join(", ")
    }
}

impl Editor {
    pub fn new(connector: Connector, endpoint: Option<Endpoint>, form: EndpointForm) -> Editor {
        let version = endpoint.as_ref().map_or(0, |endpoint| endpoint.version);
        Editor {
            connector,
            endpoint,
            version,
            form: Form::new(form),
            is_unsaved: false,
            report: None,
            token_values: KeptValues::new(),
        }
    }

    /// The submitted form.
    pub fn submitted(connector: Connector, endpoint: Option<Endpoint>, mut form: Form<EndpointForm>) -> Editor {
        form.fields.read_rows(&form.data);
        Editor {
            connector,
            endpoint,
            version: form.data.version(),
            form,
            is_unsaved: false,
            report: None,
            token_values: KeptValues::new(),
        }
    }

    /// Does what a button asks for, short of saving; false for Save and Run.
    fn apply_button(&mut self) -> bool {
        self.is_unsaved = self.form.fields.apply_button(&self.form.data);
        self.is_unsaved
    }

    /// The checked endpoint; else the form has the errors.
    pub fn check(&mut self) -> Option<Checked> {
        let connector = &self.connector;
        self.form.check(|form, errors| {
            let checked = form.checked(connector.base_url.as_ref(), errors);
            if connector.is_collection && checked.as_ref().is_some_and(|checked| !checked.definition.is_relative()) {
                errors.add(
                    "endpoint_url",
                    "URL must be a path below the base URL, because this data connector calls its collection only",
                );
            }
            if connector.base_url.is_none() && checked.as_ref().is_some_and(|checked| checked.definition.is_relative()) {
                errors.add(
                    "endpoint_url",
                    "URL must start with https:// or http://, because the data connector has no base URL. You can set one on the Details tab",
                );
            }
            checked
        })
    }

    pub fn respond(self, context: RequestContext) -> Result<HttpResponse, Error> {
        let key = &self.connector.key;
        let (action, about) = match &self.endpoint {
            Some(endpoint) => {
                (format!("/connectors/{key}/endpoints/{}", endpoint.id), format!("Endpoint “{}”", endpoint.name))
            }
            None => (format!("/connectors/{key}/endpoints"), "New endpoint".to_string()),
        };
        let head = ConnectorHead::new(&self.connector, Tab::Endpoints, &context.actor).about(about);
        let (may_edit, may_call) =
            (self.connector.rights.contains(Right::Edit), self.connector.rights.contains(Right::Call));
        let calls_are_kept = self.connector.is_kept_from(&context.actor, Right::Call);
        let (layout, status) = (context.layout, self.form.errors.status());
        page(status, &EditorPage { layout, head, editor: self, action, may_edit, may_call, calls_are_kept })
    }
}

pub async fn new(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::Edit).await?;
    let taken = queries::name_keys(&conn, connector.id).await?;
    drop(conn);
    Editor::new(connector, None, EndpointForm::empty(&taken)).respond(context)
}

pub async fn edit(context: RequestContext, Segments([key, id]): Segments<2>) -> Result<HttpResponse, Error> {
    let (connector, endpoint) = load(&context, &*context.conn().await?, (&key, &id), Right::View).await?;
    let form = EndpointForm::of(&endpoint).map_err(Error::internal)?;
    Editor::new(connector, Some(endpoint), form).respond(context)
}

/// The connector of a key and its endpoint, if the person has this right.
pub(super) async fn load(
    context: &RequestContext,
    conn: &Conn,
    (key, id): (&str, &str),
    right: Right,
) -> Result<(Connector, Endpoint), Error> {
    let id: EndpointId = id.parse().map_err(|_| Error::NotFound)?;
    let connector = connectors::find(conn, &context.actor, key, right).await?;
    let endpoint = queries::find(conn, connector.id, id).await?;
    Ok((connector, endpoint))
}

pub async fn create(
    context: RequestContext,
    Segment(key): Segment,
    form: Form<EndpointForm>,
) -> Result<HttpResponse, Error> {
    let connector = connectors::find(&*context.conn().await?, &context.actor, &key, Right::Edit).await?;
    let mut editor = Editor::submitted(connector, None, form);
    if editor.apply_button() {
        return editor.respond(context);
    }
    if let Some(Checked { endpoint, .. }) = editor.check() {
        let mut conn = context.conn().await?;
        let (connector, id) = (editor.connector.id, editor.form.new_id.0);
        if queries::is_full(&conn, connector).await? {
            let message = format!("A data connector can have {MAX_ENDPOINTS} endpoints. Delete one first");
            editor.form.errors.add("endpoint_name", message);
            return editor.respond(context);
        }
        match queries::create(&mut Change::new(&mut conn, &context), connector, id, &endpoint).await {
            Ok(()) => return see_saved(context, &mut conn, &editor, id, "The endpoint was created").await,
            // The form was submitted twice: the endpoint exists.
            Err(SaveError::Repeated) => {
                queries::find(&conn, connector, id).await?;
                return see_saved(context, &mut conn, &editor, id, "The endpoint was created").await;
            }
            Err(error) => editor.add_save_error(error, &endpoint.name)?,
        }
    }
    editor.respond(context)
}

pub async fn update(
    context: RequestContext,
    Segments([key, id]): Segments<2>,
    form: Form<EndpointForm>,
) -> Result<HttpResponse, Error> {
    let (connector, stored) = load(&context, &*context.conn().await?, (&key, &id), Right::Edit).await?;
    let mut editor = Editor::submitted(connector, Some(stored.clone()), form);
    if editor.apply_button() {
        return editor.respond(context);
    }
    let Some(seen) = editor.form.seen_version(stored.version) else {
        return conflict(context.layout, &editor, &stored);
    };
    if let Some(Checked { endpoint, .. }) = editor.check() {
        let mut conn = context.conn().await?;
        let change = &mut Change::new(&mut conn, &context);
        match queries::update(change, editor.connector.id, (&stored, seen), &endpoint).await {
            Ok(()) => return see_saved(context, &mut conn, &editor, stored.id, "The endpoint was saved").await,
            Err(SaveError::Stale) => {
                let (_, theirs) = load(&context, &conn, (&key, &id), Right::Edit).await?;
                return conflict(context.layout, &editor, &theirs);
            }
            Err(error) => editor.add_save_error(error, &endpoint.name)?,
        }
    }
    editor.respond(context)
}

impl Editor {
    /// Adds to the form that the name is taken; other errors are returned.
    fn add_save_error(&mut self, error: SaveError, name: &Name) -> Result<(), Error> {
        match error {
            SaveError::NameTaken => {
                let message = format!("An endpoint named “{}” already exists in this data connector", name.as_str());
                self.form.errors.add("endpoint_name", message);
                Ok(())
            }
            // The connector was deleted permanently.
            SaveError::InUse => Err(Error::NotFound),
            other => Err(other.into()),
        }
    }
}

/// Redirects to the saved endpoint. The message names the origin if calls are refused until it is approved.
async fn see_saved(
    context: RequestContext,
    conn: &mut Conn,
    editor: &Editor,
    id: EndpointId,
    message: &'static str,
) -> Result<HttpResponse, Error> {
    let connector = &editor.connector;
    let address = format!("/connectors/{}/endpoints/{id}", connector.key);
    if let Some(origin) = Origin::of_template(editor.form.endpoint_url.trim()).map(|origin| origin.to_string())
        && connectors::waits_for_approval(conn, connector.id, &origin).await?
    {
        return Ok(context.see_other(&address, connectors::waiting_words(message, &origin)));
    }
    Ok(context.see_other(&address, message))
}

fn conflict(layout: Layout, mine: &Editor, theirs: &Endpoint) -> Result<HttpResponse, Error> {
    let address = format!("/connectors/{}/endpoints/{}", mine.connector.key, theirs.id);
    let stored = EndpointForm::of(theirs).map_err(Error::internal)?;
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    let page = ConflictPage::new(layout, &theirs.name, &address, saved).fields(mine.form.data.carried());
    let pairs = stored.describe().into_iter().zip(mine.form.describe());
    pairs.fold(page, |page, ((label, theirs), (_, mine))| page.difference(label, theirs, mine)).respond()
}
