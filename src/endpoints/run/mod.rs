//! Run: one real call with what stands in the form, and everything that came of it on the page. Nothing is saved.
//!
//! Whoever may call may run what is saved with data of their own; whoever may also edit runs what stands in the form.
//! Danger: anything of an answer that reaches the page without going through the mask.

mod body;
mod call;
mod curl;
mod headers;
mod json;
mod kept;
mod report;
mod text;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};

use super::definition::{Part, RenderProblems, Rendered};
use super::editor::{Editor, editor_page, load};
use super::forms::EndpointForm;
use super::model::{Endpoint, Recipe};
use crate::access::{InUse, QuotaLimits, Quotas, RequestContext, Right};
use crate::calls::CallLog;
use crate::clock::Clock;
use crate::connectors;
use crate::name::Name;
use crate::outbound::http::HeaderMap;
use crate::relay::{Line, Relay, RelayProblem};
use crate::web::{Budget, Error, Form, FormData, Held, Segments};
use body::{Arrived, BodyShown};
use call::{Run, Whole};
use kept::{Download, Origin};
use report::{Answered, Failed, SentRequest, shown_headers};

pub(super) use body::Kind as BodyShownKind;
pub use kept::RunBodies;
pub(super) use report::{Outcome, Report, bytes};

/// Runs of one person at once, before one more comes back every half a minute: more than anybody tries out by hand.
const RUNS: NonZeroU32 = NonZeroU32::MIN.saturating_add(119);

/// The time in which one more comes back.
const PERIOD: Duration = Duration::from_secs(30);
/// Runs of one person under way.
const RUNS_AT_ONCE: usize = 8;

/// The quota of runs of each person.
#[derive(Clone)]
pub struct RunQuotas(Quotas);

impl RunQuotas {
    /// `bodies` is the memory for the answers of all people's runs.
    pub fn new(clock: &Clock, bodies: &Arc<Budget>) -> RunQuotas {
        let limits = QuotaLimits { burst: RUNS, period: PERIOD, at_once: RUNS_AT_ONCE };
        RunQuotas(Quotas::new(clock, limits, bodies))
    }
}

/// What a run needs besides the context.
pub struct Tools {
    relay: web::Data<Relay>,
    log: web::Data<CallLog>,
    bodies: web::Data<RunBodies>,
    in_use: InUse,
}

/// A request that is ready to be sent.
struct Ready {
    recipe: Recipe,
    rendered: Rendered,
}

pub async fn run(
    context: RequestContext,
    (relay, log): (web::Data<Relay>, web::Data<CallLog>),
    (bodies, quotas): (web::Data<RunBodies>, web::Data<RunQuotas>),
    Segments([key, id]): Segments<2>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let in_use = quotas.0.take(context.actor.id.unwrap_or_default());
    let in_use = in_use.map_err(|over| Error::TooMany(over.wait()))?;
    let mut editor = read(&context, &key, &id, &data).await?;
    let Some(ready) = ready(&mut editor.form) else {
        return editor_page(context, editor, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let tools = Tools { relay, log, bodies, in_use };
    editor.report = Some(report(&context, &tools, &editor, ready).await?);
    editor.form.mark_unsaved();
    editor_page(context, editor, StatusCode::OK)
}

/// What is to be run: the form for whoever may edit, else what is saved with the data that was sent.
async fn read(context: &RequestContext, key: &str, id: &str, data: &FormData) -> Result<Editor, Error> {
    let conn = context.conn().await?;
    if id == "new" {
        let connector = connectors::find(&conn, &context.actor, key, Right::Call).await?;
        connector.require(&context.actor, Right::Edit)?;
        return Editor::read(connector, None, data);
    }
    let (connector, endpoint) = load(context, &conn, (key, id), Right::Call).await?;
    if connector.rights.contains(Right::Edit) {
        return Editor::read(connector, Some(endpoint), data);
    }
    let mut form = EndpointForm::of(&endpoint, connector.base_url.clone())?;
    form.set_sample(data.text("sample"));
    Ok(Editor::new(connector, Some(endpoint), form))
}

/// The request, if everything that it needs is there; else the messages stand in the form.
fn ready(form: &mut EndpointForm) -> Option<Ready> {
    let checked = form.check()?;
    match checked.definition.render(&checked.variables) {
        Ok(rendered) => Some(Ready { recipe: checked.endpoint.recipe, rendered }),
        Err(problems) => {
            form.cannot_be_sent(&problems);
            None
        }
    }
}

async fn report(context: &RequestContext, tools: &Tools, editor: &Editor, ready: Ready) -> Result<Report, Error> {
    let Ready { recipe, rendered } = ready;
    let left_out = rendered.left_out.clone();
    let sent_body = rendered.body.clone();
    let called = match tools.relay.line(&editor.connector.key).await {
        Ok(line) => call(context, tools, editor, &line, &recipe, rendered).await,
        Err(problem) => Err(problem),
    };
    match called {
        Ok(whole) => answered(context, tools, editor, whole, sent_body, left_out).await,
        Err(problem) => {
            Ok(Report { outcome: Outcome::Failed(problem.into()), sent: None, left_out: Vec::new(), download: None })
        }
    }
}

async fn call(
    context: &RequestContext,
    tools: &Tools,
    editor: &Editor,
    line: &Arc<Line>,
    recipe: &Recipe,
    rendered: Rendered,
) -> Result<Whole, RelayProblem> {
    let seconds = recipe.time_out.and_then(|seconds| u64::try_from(seconds).ok());
    let stored = |endpoint: &Endpoint| (endpoint.id, Arc::from(endpoint.name.as_str()));
    let run = Run {
        by: &context.actor,
        at: context.now(),
        line,
        endpoint: editor.endpoint.as_ref().map(stored),
        target: &recipe.url,
        method: recipe.method,
        time_out: seconds.map(Duration::from_secs),
        retries: u8::try_from(recipe.retries).unwrap_or_default(),
    };
    let held = Held::of(tools.in_use.bodies());
    run.call(&tools.relay, &tools.log, rendered, held).await
}

/// What the page shows of an exchange, without secrets.
struct Masked {
    body: BodyShown,
    download: Option<Download>,
    headers: Vec<(String, String)>,
    sent_body: Option<String>,
}

async fn answered(
    context: &RequestContext,
    tools: &Tools,
    editor: &Editor,
    whole: Whole,
    sent_body: Option<Vec<u8>>,
    left_out: Vec<String>,
) -> Result<Report, Error> {
    let (carried, size) = (&whole.carried, whole.body.len());
    let (mask, headers) = (carried.mask.clone(), carried.headers.clone());
    let (bytes, is_cut, file_name) = (whole.body, whole.is_cut, file_name(editor));
    let masked = tools.bodies.lay_out(move || {
        let arrived = Arrived {
            bytes: &bytes,
            content_type: &header(&headers, "content-type"),
            content_encoding: &header(&headers, "content-encoding"),
            is_cut,
        };
        let (body, download) = body::shown(&arrived, &mask, &file_name);
        let sent_body = sent_body.as_deref().map(String::from_utf8_lossy);
        Masked {
            body,
            download,
            headers: shown_headers(pairs(&headers), &mask),
            sent_body: sent_body.map(|body| mask.text(&body).into_owned()),
        }
    });
    let Masked { mut body, download, headers, sent_body } = masked.await?;
    if let Some(problem) = &whole.broken {
        let note = format!("The answer broke off. {}", problem.detail);
        body.notes.push(note);
    }
    let person = context.actor.id;
    let download = download.zip(person).and_then(|(download, person)| {
        let origin = Origin { person, connector: editor.connector.id };
        let kept = tools.bodies.keep(origin, context.now(), download)?;
        let key = &editor.connector.key;
        Some(format!("/connectors/{key}/run-bodies/{kept}"))
    });
    let sent = carried.sent.as_ref().map(|sent| SentRequest {
        method: sent.method.to_string(),
        url: sent.url.clone(),
        headers: sent.headers.clone(),
        body: sent_body,
    });
    Ok(Report {
        outcome: Outcome::Answered(Answered {
            status: carried.status,
            reason: reason(carried.status),
            size,
            headers,
            attempts: carried.attempts,
            times: whole.times,
            body,
        }),
        sent,
        left_out,
        download,
    })
}

fn header(headers: &HeaderMap, name: &str) -> String {
    let value = headers.get(name).map(|value| value.as_bytes());
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

fn pairs(headers: &HeaderMap) -> impl Iterator<Item = (String, String)> {
    headers.iter().map(|(name, value)| {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        (name.to_string(), value)
    })
}

/// The standard words for a status; the server's own are not trusted.
fn reason(status: u16) -> &'static str {
    let known = crate::outbound::http::StatusCode::from_u16(status).ok();
    known.and_then(|status| status.canonical_reason()).unwrap_or_default()
}

/// A name for a file, without its ending.
fn file_name(editor: &Editor) -> String {
    let name = editor.form.name();
    let slug = super::model::parse_name(name).map(|name: Name| name.slug()).unwrap_or_default();
    let slug = if slug.is_empty() { "endpoint" } else { &slug };
    format!("{}-{slug}", editor.connector.key)
}

impl From<RelayProblem> for Failed {
    fn from(problem: RelayProblem) -> Failed {
        Failed { title: problem.title.to_string(), detail: problem.detail, remedy: problem.remedy, sent: problem.sent }
    }
}

impl EndpointForm {
    /// Tells what is missing or does not fit, at the field where it can be mended: a message for each field.
    fn cannot_be_sent(&mut self, problems: &RenderProblems) {
        let mut messages: Vec<(&'static str, String)> = Vec::new();
        for problem in &problems.0 {
            let field = match problem.part {
                Part::Url if problem.fault.variable.is_empty() => "endpoint_url",
                _ => "sample",
            };
            match messages.iter_mut().find(|(other, _)| *other == field) {
                Some((_, message)) => {
                    message.push(' ');
                    message.push_str(&problem.sentence());
                }
                None => messages.push((field, problem.sentence())),
            }
        }
        for (field, message) in messages {
            self.errors.add(field, message);
        }
    }
}

/// The whole body of an answer, for whoever has run the endpoint.
pub async fn download(
    context: RequestContext,
    bodies: web::Data<RunBodies>,
    Segments([key, body]): Segments<2>,
) -> Result<HttpResponse, Error> {
    let person = context.actor.id.ok_or(Error::NotFound)?;
    let connector = connectors::find(&*context.conn().await?, &context.actor, &key, Right::Call).await?;
    let origin = Origin { person, connector: connector.id };
    let Some(file) = bodies.find(origin, context.now(), &body) else {
        return Ok(context.see_other_undone(
            &format!("/connectors/{key}/endpoints"),
            "That answer is no longer kept. Run the endpoint again.",
        ));
    };
    let disposition = format!("attachment; filename=\"{}\"", file.file_name);
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, file.content_type))
        .insert_header((CONTENT_DISPOSITION, disposition))
        .insert_header((CACHE_CONTROL, "no-store"))
        .body(file.bytes.clone()))
}
