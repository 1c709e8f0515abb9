//! The editor: one endpoint as a form, or as text for people who may not edit it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::forms::{Button, EndpointForm};
use super::model::{Endpoint, EndpointId, call_path};
use super::queries::{self, EndpointChange, EndpointSaveError};
use super::run::{BodyFormat, Outcome, Report};
use crate::access::{RequestContext, Right};
use crate::connectors::{self, Connector, ConnectorHead, Tab};
use crate::db::Conn;
use crate::outbound::Origin;
use crate::web::{ConflictPage, Error, Form, FormData, LastSave, Layout, SaveError, Segment, Segments, page};

/// An endpoint that is being edited.
pub(super) struct Editor {
    pub connector: Connector,
    /// As it is stored; `None` for a new one.
    pub endpoint: Option<Endpoint>,
    /// The version that the form was made from.
    pub version: i32,
    pub form: EndpointForm,
    /// The result of Run.
    pub report: Option<Report>,
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
    fn form(&self) -> &EndpointForm {
        &self.editor.form
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
        ["Method", "URL", "Parameters", "Request headers", "Body"].contains(&label)
    }

    /// `data-case` and, where the group is not in use, `hidden`.
    fn case(&self, kinds: &'static str) -> Case {
        Case { kinds, hidden: !self.form().shows(kinds) }
    }

    /// “order.id, page (1 if there is no value)”.
    fn variable_list(&self) -> String {
        let words = |(name, default): (String, Option<String>)| match default {
            Some(default) if default.is_empty() => format!("{name} (empty if there is no value)"),
            Some(default) => format!("{name} ({default} if there is no value)"),
            None => name,
        };
        let variables = self.form().variables().into_iter().map(words);
        variables.collect::<Vec<_>>().join(", ")
    }
}

/// The attributes of a group of fields of some body types. Unlike other groups it is sent while it is hidden, so that
/// nothing typed is lost.
struct Case {
    kinds: &'static str,
    hidden: bool,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hidden = if self.hidden { " hidden" } else { "" };
        write!(f, "data-case=\"{}\" data-kept{hidden}", self.kinds)
    }
}

impl askama::filters::HtmlSafe for Case {}

pub(super) fn editor_page(
    context: RequestContext,
    mut editor: Editor,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let key = &editor.connector.key;
    let action = match &editor.endpoint {
        Some(endpoint) => format!("/connectors/{key}/endpoints/{}", endpoint.id),
        None => format!("/connectors/{key}/endpoints"),
    };
    let about = match &editor.endpoint {
        Some(endpoint) => format!("Endpoint “{}”", endpoint.name),
        None => "New endpoint".to_string(),
    };
    let head = ConnectorHead::new(&editor.connector, Tab::Endpoints, &context.actor).about(about);
    editor.form.send_rows_to(&action);
    let may_edit = editor.connector.rights.contains(Right::Edit);
    let may_call = editor.connector.rights.contains(Right::Call);
    let calls_are_kept = editor.connector.is_kept_from(&context.actor, Right::Call);
    page(status, &EditorPage { layout: context.layout, head, editor, action, may_edit, may_call, calls_are_kept })
}

pub async fn new(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let connector = connectors::find(&conn, &context.actor, &key, Right::Edit).await?;
    let taken = queries::name_keys(&conn, connector.id).await?;
    drop(conn);
    let form = EndpointForm::empty(connector.base_url.clone(), &taken);
    editor_page(context, Editor::new(connector, None, form), StatusCode::OK)
}

pub async fn edit(context: RequestContext, Segments([key, id]): Segments<2>) -> Result<HttpResponse, Error> {
    let (connector, endpoint) = load(&context, &*context.conn().await?, (&key, &id), Right::View).await?;
    let form = EndpointForm::of(&endpoint, connector.base_url.clone())?;
    let editor = Editor::new(connector, Some(endpoint), form);
    editor_page(context, editor, StatusCode::OK)
}

impl Editor {
    pub fn new(connector: Connector, endpoint: Option<Endpoint>, form: EndpointForm) -> Editor {
        Editor {
            version: endpoint.as_ref().map_or(0, |endpoint| endpoint.version),
            connector,
            endpoint,
            form,
            report: None,
        }
    }

    /// The submitted form.
    pub fn read(connector: Connector, endpoint: Option<Endpoint>, data: &FormData) -> Result<Editor, Error> {
        let form = EndpointForm::read(data, connector.base_url.clone());
        Ok(Editor { version: data.version(), ..Editor::new(connector, endpoint, form) })
    }
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

pub async fn create(context: RequestContext, Segment(key): Segment, Form(data): Form) -> Result<HttpResponse, Error> {
    let connector = connectors::find(&*context.conn().await?, &context.actor, &key, Right::Edit).await?;
    let mut editor = Editor::read(connector, None, &data)?;
    if editor.form.apply(Button::of(&data)) {
        return editor_page(context, editor, StatusCode::OK);
    }
    if let Some(checked) = editor.form.check() {
        let mut conn = context.conn().await?;
        let id = editor.form.new_id;
        let change = change(&context, &editor.connector);
        let result = match queries::create(&mut conn, change, id, &checked.endpoint).await {
            // The form was submitted twice: the endpoint exists.
            Err(EndpointSaveError::Save(SaveError::Repeated)) => {
                queries::find(&conn, editor.connector.id, id).await.map(drop).map_err(EndpointSaveError::from)
            }
            result => result,
        };
        match result {
            Ok(()) => {
                let saved = (id, checked.endpoint.request.url.as_str(), "The endpoint was created");
                return see_saved(context, &mut conn, &editor.connector, saved).await;
            }
            Err(error) => editor.form.add_save_error(error)?,
        }
    }
    editor_page(context, editor, StatusCode::UNPROCESSABLE_ENTITY)
}

pub(super) fn change<'a>(context: &'a RequestContext, connector: &Connector) -> EndpointChange<'a> {
    EndpointChange { by: &context.actor, now: context.now(), connector: connector.id }
}

/// Redirects to the saved endpoint. The message names the origin if calls are refused until it is approved.
async fn see_saved(
    context: RequestContext,
    conn: &mut Conn,
    connector: &Connector,
    (id, url, message): (EndpointId, &str, &'static str),
) -> Result<HttpResponse, Error> {
    let address = format!("/connectors/{}/endpoints/{id}", connector.key);
    if let Some(origin) = Origin::of_template(url).map(|origin| origin.to_string())
        && connectors::waits_for_approval(conn, connector.id, &origin).await?
    {
        return Ok(context.see_other(&address, connectors::waiting_words(message, &origin)));
    }
    Ok(context.see_other(&address, message))
}

pub async fn update(
    context: RequestContext,
    Segments([key, id]): Segments<2>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let (connector, endpoint) = load(&context, &*context.conn().await?, (&key, &id), Right::Edit).await?;
    let mut editor = Editor::read(connector, Some(endpoint.clone()), &data)?;
    if editor.form.apply(Button::of(&data)) {
        return editor_page(context, editor, StatusCode::OK);
    }
    let Some(seen) = data.seen_version(endpoint.version) else {
        let connector = &editor.connector;
        return conflict(context.layout, connector, &endpoint, &editor.form, &data);
    };
    if let Some(checked) = editor.form.check() {
        let mut conn = context.conn().await?;
        let change = change(&context, &editor.connector);
        match queries::update(&mut conn, change, (&endpoint, seen), &checked.endpoint).await {
            Ok(()) => {
                let saved = (endpoint.id, checked.endpoint.request.url.as_str(), "The endpoint was saved");
                return see_saved(context, &mut conn, &editor.connector, saved).await;
            }
            Err(EndpointSaveError::Save(SaveError::Stale)) => {
                let (connector, theirs) = load(&context, &conn, (&key, &id), Right::Edit).await?;
                return conflict(context.layout, &connector, &theirs, &editor.form, &data);
            }
            Err(error) => editor.form.add_save_error(error)?,
        }
    }
    editor_page(context, editor, StatusCode::UNPROCESSABLE_ENTITY)
}

impl EndpointForm {
    /// Adds the reason to the form; a fault is returned.
    fn add_save_error(&mut self, error: EndpointSaveError) -> Result<(), Error> {
        match error {
            EndpointSaveError::TooMany(max) => self.too_many(max),
            EndpointSaveError::Save(SaveError::Fault(fault)) => return Err(fault),
            // The connector was deleted permanently.
            EndpointSaveError::Save(SaveError::InUse) => return Err(Error::NotFound),
            EndpointSaveError::Save(SaveError::NameTaken | SaveError::Repeated | SaveError::Stale) => self.name_taken(),
        }
        Ok(())
    }
}

fn conflict(
    layout: Layout,
    connector: &Connector,
    theirs: &Endpoint,
    mine: &EndpointForm,
    data: &FormData,
) -> Result<HttpResponse, Error> {
    let address = format!("/connectors/{}/endpoints/{}", connector.key, theirs.id);
    let stored = EndpointForm::of(theirs, connector.base_url.clone())?;
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    let page = ConflictPage::new(layout, &theirs.name, &address, saved).fields(data.carried());
    let pairs = stored.describe().into_iter().zip(mine.describe());
    pairs.fold(page, |page, ((label, theirs), (_, mine))| page.difference(label, theirs, mine)).respond()
}
