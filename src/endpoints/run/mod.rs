//! Run: one real call with the fields of the form, and its response on the page. Nothing is saved.
//!
//! People who may call run the saved endpoint with their own sample data; people who may also edit run the fields of
//! the form. Danger: a part of a response that reaches the page without being masked.

mod body;
mod call;
mod curl;
mod gather;
mod json;
mod report;
mod response_cache;
mod upload;

use std::num::NonZeroU32;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};

use super::definition::{Files, RenderProblems, Rendered};
use super::editor::{Editor, load};
use super::forms::EndpointForm;
use super::model::RequestSettings;
use super::paging::PagingKind;
use super::token_values::add;
use crate::access::{InUse, QuotaLimits, Quotas, RequestContext, Right};
use crate::authorization::token_values;
use crate::calls::CallLog;
use crate::clock::Clock;
use crate::connectors;
use crate::name::Name;
use crate::relay::Relay;
use crate::web::form::Form;
use crate::web::{Budget, Error, Errors, Segments};
use body::ReceivedBody;
use call::ReceivedResponse;
use report::{Response, SentBody};
use response_cache::Owner;
use upload::Submitted;

pub(super) use body::BodyFormat;
pub use json::indented;
pub(super) use report::{Outcome, Report};
pub use response_cache::RunBodies;

/// Runs of one person before the quota is used up, after which one more is allowed per [`PERIOD`].
const BURST: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);
const PERIOD: Duration = Duration::from_secs(30);
/// Concurrent runs of one person.
const CONCURRENT_RUNS: usize = 8;

/// The quota of runs of each person.
#[derive(Clone)]
pub struct RunQuotas(Quotas);

impl RunQuotas {
    /// `bodies` is the memory for the responses of all runs.
    pub fn new(clock: &Clock, bodies: &Arc<Budget>) -> RunQuotas {
        let limits = QuotaLimits { burst: BURST, period: PERIOD, at_once: CONCURRENT_RUNS };
        RunQuotas(Quotas::new(clock, limits, bodies))
    }
}

/// A run that has passed the quota.
struct Run<'a> {
    context: &'a RequestContext,
    relay: &'a Relay,
    log: &'a CallLog,
    bodies: &'a RunBodies,
    in_use: Rc<InUse>,
}

pub async fn run(
    context: RequestContext,
    relay: web::Data<Relay>,
    log: web::Data<CallLog>,
    bodies: web::Data<RunBodies>,
    quotas: web::Data<RunQuotas>,
    Segments([key, id]): Segments<2>,
    payload: web::Payload,
) -> Result<HttpResponse, Error> {
    let in_use = quotas.0.take(context.actor.id.unwrap_or_default());
    let in_use = in_use.map_err(|over| Error::TooMany(over.wait()))?;
    let Submitted { form, uploads, held: _held } = upload::submitted(&context.req, payload, in_use.bodies()).await?;
    let mut editor = read(&context, &key, &id, form).await?;
    let files = upload::files(&mut editor, uploads);
    let Some((request, rendered)) = prepare(&mut editor, &files) else {
        return editor.respond(context);
    };
    let run = Run { context: &context, relay: &relay, log: &log, bodies: &bodies, in_use: Rc::new(in_use) };
    editor.report = Some(run.report(&editor, &request, rendered).await?);
    editor.is_unsaved = true;
    editor.respond(context)
}

/// What is run, with the values that are kept with the token.
async fn read(context: &RequestContext, key: &str, id: &str, form: Form<EndpointForm>) -> Result<Editor, Error> {
    let mut editor = read_form(context, key, id, form).await?;
    editor.token_values = token_values(&mut *context.conn().await?, editor.connector.id).await?;
    Ok(editor)
}

/// What is run: the form, or the saved endpoint with the sample data of people who may not edit.
async fn read_form(context: &RequestContext, key: &str, id: &str, form: Form<EndpointForm>) -> Result<Editor, Error> {
    let conn = context.conn().await?;
    if id == "new" {
        let connector = connectors::find(&conn, &context.actor, key, Right::Call).await?;
        connector.require(&context.actor, Right::Edit)?;
        return Ok(Editor::submitted(connector, None, form));
    }
    let (connector, endpoint) = load(context, &conn, (key, id), Right::Call).await?;
    if connector.rights.contains(Right::Edit) {
        return Ok(Editor::submitted(connector, Some(endpoint), form));
    }
    let stored = EndpointForm::of(&endpoint).map_err(Error::internal)?;
    let mut editor = Editor::new(connector, Some(endpoint), EndpointForm { sample: form.fields.sample, ..stored });
    editor.form.data = form.data;
    Ok(editor)
}

/// The request; else the form has the errors.
fn prepare(editor: &mut Editor, files: &Files) -> Option<(RequestSettings, Rendered)> {
    let checked = editor.check()?;
    let variables = add(checked.variables, &editor.token_values);
    match checked.definition.render(&variables, files) {
        Ok(rendered) => Some((checked.endpoint.request, rendered)),
        Err(problems) => {
            add_render_problems(&mut editor.form.errors, &problems);
            None
        }
    }
}

impl Run<'_> {
    async fn report(&self, editor: &Editor, request: &RequestSettings, rendered: Rendered) -> Result<Report, Error> {
        let left_out = rendered.left_out.clone();
        let sent_body = match rendered.parts.is_empty() {
            true => rendered.body.clone().map(SentBody::Bytes),
            false => Some(SentBody::Parts(report::shown_parts(&rendered.parts))),
        };
        let gathers = editor.form.data.get("do") == Some("gather") && request.paging.kind != PagingKind::None;
        let calling = async {
            match gathers {
                true => self.gather(editor, request, rendered).await,
                false => self.call(editor, request, rendered).await,
            }
        };
        match calling.await {
            Ok(received) => self.shown(editor, received, sent_body, left_out).await,
            Err(error) => Ok(Report::of_error(error)),
        }
    }

    /// The response as the page shows it, without secrets.
    async fn shown(
        &self,
        editor: &Editor,
        received: ReceivedResponse,
        sent_body: Option<SentBody>,
        left_out: Vec<String>,
    ) -> Result<Report, Error> {
        let response = received.response;
        let (size, file_name) = (received.body.len(), file_name(editor));
        let (mask, headers) = (response.mask, response.headers);
        let broke_off = received.error.is_some();
        let formatting = self.bodies.format(move || {
            let received =
                ReceivedBody { bytes: &received.body, headers: &headers, is_cut: received.is_cut, broke_off };
            let (body, download) = received.shown(&mask, &file_name);
            let sent_body = sent_body.map(|body| body.masked(&mask));
            (body, download, report::shown_headers(&headers, &mask), sent_body)
        });
        let (mut body, download, headers, sent_body) = formatting.await?;
        body.notes.extend(received.note);
        body.notes.extend(received.error.map(|error| format!("The response broke off. {}", error.detail)));
        let owner = self.context.actor.id.map(|person| Owner { person, connector: editor.connector.id });
        let download = download.zip(owner).and_then(|(download, owner)| {
            let id = self.bodies.insert(owner, self.context.now(), download)?;
            Some(format!("/connectors/{}/run-bodies/{id}", editor.connector.key))
        });
        Ok(Report {
            outcome: Outcome::Response(Response {
                status: response.status,
                size,
                headers,
                attempts: response.attempts,
                timing: response.timing,
                total: received.total,
                body,
            }),
            sent: response.sent,
            sent_body,
            left_out,
            download,
        })
    }
}

/// A name for a file, without its extension.
fn file_name(editor: &Editor) -> String {
    let slug = super::model::parse_name(&editor.form.endpoint_name).map(|name: Name| name.slug()).unwrap_or_default();
    let slug = if slug.is_empty() { "endpoint" } else { &slug };
    format!("{}-{slug}", editor.connector.key)
}

/// Adds the problems at the field where they can be solved, in one message for each field.
fn add_render_problems(errors: &mut Errors, problems: &RenderProblems) {
    for (field, is_in_url) in [("endpoint_url", true), ("sample", false)] {
        let of_field = problems.0.iter().filter(|problem| problem.is_in_url == is_in_url);
        let sentences: Vec<&str> = of_field.map(|problem| problem.sentence()).collect();
        if !sentences.is_empty() {
            errors.add(field, sentences.join(" "));
        }
    }
}

/// The whole body of a response, for the person who has run the endpoint.
pub async fn download(
    context: RequestContext,
    bodies: web::Data<RunBodies>,
    Segments([key, body]): Segments<2>,
) -> Result<HttpResponse, Error> {
    let person = context.actor.id.ok_or(Error::NotFound)?;
    let connector = connectors::find(&*context.conn().await?, &context.actor, &key, Right::Call).await?;
    let owner = Owner { person, connector: connector.id };
    let Some(file) = bodies.get(owner, context.now(), &body) else {
        return Ok(context.see_other_undone(
            &format!("/connectors/{key}/endpoints"),
            "That response is no longer available. Run the endpoint again.",
        ));
    };
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, file.content_type))
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", file.name)))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(file.bytes.clone()))
}
