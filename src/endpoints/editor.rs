//! The editor: one endpoint, as a form for whoever may edit, and in words for whoever may not.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::address::call_path;
use super::forms::{EndpointForm, Purpose};
use super::model::{Endpoint, EndpointId};
use super::queries::{self, NotSaved, Saving};
use super::run::{BodyShownKind, Outcome, Report};
use crate::access::{RequestContext, Right};
use crate::connectors::{self, Connector, ConnectorHead, ConnectorId, Tab};
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
    /// What has just come of Run.
    pub report: Option<Report>,
}

#[derive(Template)]
#[template(path = "endpoints/editor.html")]
struct EditorPage {
    layout: Layout,
    head: ConnectorHead,
    editor: Editor,
    /// Where the form is sent.
    action: String,
    may_edit: bool,
    may_call: bool,
    /// Calls are kept to others, in spite of the permission.
    calls_are_kept: bool,
}

impl EditorPage {
    fn form(&self) -> &EndpointForm {
        &self.editor.form
    }

    /// The path of this page without its query: of the stored endpoint, or of a new one.
    fn own_address(&self) -> String {
        let id = self.editor.endpoint.as_ref().map(|one| one.id.to_string());
        let id = id.unwrap_or_else(|| "new".into());
        format!("/connectors/{}/endpoints/{id}", self.editor.connector.key)
    }

    /// The path by which programs call the stored endpoint.
    fn programs_address(&self, endpoint: &Endpoint) -> String {
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

    /// Whether a field is for machines to read.
    fn is_code(&self, label: &str) -> bool {
        ["Method", "URL", "Parameters", "Request headers", "Body"].contains(&label)
    }

    /// `data-case` and, where the group is not in use, `hidden`.
    fn case(&self, kinds: &'static str) -> Case {
        let hidden = !self.form().shows(kinds);
        Case { kinds, hidden }
    }

    /// “order.id, page (1 if there is no value)”.
    fn variable_words(&self) -> String {
        let words = |(name, default): (String, Option<String>)| match default {
            Some(default) if default.is_empty() => format!("{name} (empty if there is no value)"),
            Some(default) => format!("{name} ({default} if there is no value)"),
            None => name,
        };
        let variables = self.form().variables().into_iter().map(words);
        variables.collect::<Vec<_>>().join(", ")
    }
}

/// The attributes of a group of fields that belongs to some kinds of body. Unlike others it is sent while it is hidden,
/// so that nothing typed is lost when the page is made anew.
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

    /// What was sent for this endpoint, with the version that its form was made from.
    pub fn read(connector: Connector, endpoint: Option<Endpoint>, data: &FormData) -> Result<Editor, Error> {
        let form = EndpointForm::read(data, connector.base_url.clone());
        Ok(Editor { version: data.version(), ..Editor::new(connector, endpoint, form) })
    }
}

/// The connector of a key and its endpoint, for somebody who wants to do this with the connector.
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
    if editor.form.rearrange(Purpose::of(&data)) {
        return editor_page(context, editor, StatusCode::OK);
    }
    if let Some(checked) = editor.form.check() {
        let mut conn = context.conn().await?;
        let id = editor.form.new_id;
        let saving = saving(&context, &editor);
        let saved = queries::create(&mut conn, &saving, id, &checked.endpoint).await;
        let saved = match saved {
            // The second press of the same form finds what the first has made.
            Err(NotSaved::Save(SaveError::Repeated)) => {
                queries::find(&conn, editor.connector.id, id).await?;
                Ok(())
            }
            saved => saved,
        };
        if saved.is_ok() {
            let address = format!("/connectors/{}/endpoints/{id}", editor.connector.key);
            let to = (editor.connector.id, checked.endpoint.recipe.url.as_str());
            let words = saved_words(&mut conn, to, "The endpoint was created").await?;
            return Ok(context.see_other(&address, words));
        }
        editor.form.not_saved(saved)?;
    }
    editor_page(context, editor, StatusCode::UNPROCESSABLE_ENTITY)
}

fn saving<'a>(context: &'a RequestContext, editor: &'a Editor) -> Saving<'a> {
    Saving { by: &context.actor, now: context.now(), connector: &editor.connector }
}

/// The outcome of a save, and what to do where calls of the endpoint are refused before its origin is approved.
async fn saved_words(
    conn: &mut Conn,
    (connector, url): (ConnectorId, &str),
    saved: &'static str,
) -> Result<String, Error> {
    let Some(origin) = Origin::of_template(url).map(|origin| origin.to_string()) else {
        return Ok(saved.into());
    };
    let waits = connectors::waits_for_approval(conn, connector, &origin).await?;
    Ok(if waits { connectors::waiting_words(saved, &origin) } else { saved.into() })
}

pub async fn update(
    context: RequestContext,
    Segments([key, id]): Segments<2>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let (connector, endpoint) = load(&context, &*context.conn().await?, (&key, &id), Right::Edit).await?;
    let mut editor = Editor::read(connector, Some(endpoint.clone()), &data)?;
    if editor.form.rearrange(Purpose::of(&data)) {
        return editor_page(context, editor, StatusCode::OK);
    }
    let Some(seen) = data.seen_version(endpoint.version) else {
        let connector = &editor.connector;
        return conflict(context.layout, connector, &endpoint, &editor.form, &data);
    };
    if let Some(checked) = editor.form.check() {
        let mut conn = context.conn().await?;
        let saving = saving(&context, &editor);
        let (seen, new) = ((&endpoint, seen), &checked.endpoint);
        match queries::update(&mut conn, &saving, seen, new).await {
            Ok(()) => {
                let address = format!("/connectors/{key}/endpoints/{}", endpoint.id);
                let to = (editor.connector.id, new.recipe.url.as_str());
                let words = saved_words(&mut conn, to, "The endpoint was saved").await?;
                return Ok(context.see_other(&address, words));
            }
            Err(NotSaved::Save(SaveError::Stale)) => {
                let (connector, theirs) = load(&context, &conn, (&key, &id), Right::Edit).await?;
                return conflict(context.layout, &connector, &theirs, &editor.form, &data);
            }
            not_saved => editor.form.not_saved(not_saved)?,
        }
    }
    editor_page(context, editor, StatusCode::UNPROCESSABLE_ENTITY)
}

impl EndpointForm {
    /// Tells in the form why it was not saved; a fault is passed on.
    fn not_saved(&mut self, saved: Result<(), NotSaved>) -> Result<(), Error> {
        match saved {
            Ok(()) => {}
            Err(NotSaved::TooMany(most)) => self.too_many(most),
            Err(NotSaved::Save(SaveError::Fault(fault))) => return Err(fault),
            // The connector was deleted for good meanwhile.
            Err(NotSaved::Save(SaveError::InUse)) => return Err(Error::NotFound),
            Err(NotSaved::Save(SaveError::NameTaken | SaveError::Repeated | SaveError::Stale)) => self.name_taken(),
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
    let pairs = stored.words().into_iter().zip(mine.words());
    pairs.fold(page, |page, ((label, theirs), (_, mine))| page.difference(label, theirs, mine)).respond()
}
