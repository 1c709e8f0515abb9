//! Checks of several connectors: the list of runs, the question before all are checked, and the progress of a run.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use super::model::{CheckRow, Run, Schedule};
use super::queries;
use crate::access::{Permission, RateLimit, RequestContext};
use crate::audit::Change;
use crate::authorization::TestOutcome;
use crate::web::{Confirmation, Error, FormData, Layout, Segment, page, plural};

#[derive(Template)]
#[template(path = "checks/list.html")]
struct ListPage {
    layout: Layout,
    runs: Vec<Run>,
    /// “3 data connectors are checked every hour”
    schedules: Vec<String>,
    may_check: bool,
}

pub async fn list(context: RequestContext) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let runs = queries::runs(&mut conn).await?;
    let scheduled = queries::scheduled(&mut conn, &context.actor).await?;
    let words = |(schedule, number): &(Schedule, i64)| {
        let are = if *number == 1 { "is" } else { "are" };
        let often = schedule.label().to_lowercase();
        format!("{} {are} checked {often}.", plural(*number, "data connector", "data connectors"))
    };
    let schedules = scheduled.iter().map(words).collect();
    let may_check = context.may(Permission::EditConnectors);
    page(StatusCode::OK, &ListPage { layout: context.layout, runs, schedules, may_check })
}

/// Asks before all connectors are checked, because each of their servers gets requests.
pub async fn confirm(context: RequestContext) -> Result<HttpResponse, Error> {
    let number = queries::count(&mut *context.conn().await?, &context.actor).await?;
    let them = plural(number, "data connector", "data connectors");
    let confirmation = Confirmation {
        title: "Check all data connectors".into(),
        crumbs: vec![("/checks".into(), "Checks".into())],
        step: "Check all",
        question: format!("Do you want to check {them}?"),
        sentences: vec![
            "Each base URL is called once as calls do, and token servers are asked where a token is needed. A few are checked at a time."
                .into(),
            "It goes on in the background, and you can cancel it.".into(),
        ],
        action: "/checks".into(),
        button: format!("Check {them}"),
        back: ("/checks".into(), "Cancel"),
        harmless: true,
        ..Confirmation::default()
    };
    confirmation.respond(context.layout, StatusCode::OK)
}

pub async fn create(
    context: RequestContext,
    rate_limit: web::Data<RateLimit>,
    _: FormData,
) -> Result<HttpResponse, Error> {
    rate_limit.take(&context.actor.username).map_err(Error::TooMany)?;
    let mut conn = context.conn().await?;
    match queries::start(&mut Change::new(&mut conn, &context), None).await? {
        Some(run) => Ok(context.see_other(&format!("/checks/{run}"), "The checks were started")),
        None => Ok(context.see_other_undone("/checks", "There is no Data Connector that you can check.")),
    }
}

#[derive(Template)]
#[template(path = "checks/run.html")]
struct RunPage {
    layout: Layout,
    run: Run,
    checks: Vec<CheckRow>,
    may_check: bool,
}

pub async fn show(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let run = queries::run(&mut conn, id).await?;
    let checks = queries::of_run(&mut conn, &context.actor, id).await?;
    let may_check = context.may(Permission::EditConnectors);
    page(StatusCode::OK, &RunPage { layout: context.layout, run, checks, may_check })
}

pub async fn cancel(context: RequestContext, Segment(id): Segment<Uuid>, _: FormData) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let run = queries::run(&mut conn, id).await?;
    queries::cancel(&mut Change::new(&mut conn, &context), &run).await?;
    Ok(context.see_other(&format!("/checks/{id}"), "Checks that had not begun were cancelled"))
}
