//! The Details tab: who one is here, what one may do, and how pages look.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::forms::ProfileForm;
use super::queries::{self, Profile};
use crate::access::{Actor, Permission, RequestContext};
use crate::accounts::SignInProvider;
use crate::web::{ConflictPage, Difference, Error, Form, FormData, Layout, SaveError, Theme, Zone, date_time, page};

#[derive(Template)]
#[template(path = "accounts/profile.html")]
struct ProfilePage {
    layout: Layout,
    person: Actor,
    form: ProfileForm,
    version: i32,
    provider: Data<SignInProvider>,
}

impl ProfilePage {
    /// What the person may do, in words.
    fn permissions(&self) -> Vec<&'static str> {
        let may = Permission::all().filter(|permission| self.person.may(*permission));
        may.map(Permission::label).collect()
    }
}

pub async fn show(context: RequestContext, provider: Data<SignInProvider>) -> Result<HttpResponse, Error> {
    let user = context.actor.id.ok_or(Error::SignIn)?;
    let profile = queries::find(&mut *context.conn().await?, user).await?;
    let form = ProfileForm::of(&profile);
    profile_page(context, provider, form, profile.version, StatusCode::OK)
}

pub async fn update(
    context: RequestContext,
    provider: Data<SignInProvider>,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let user = context.actor.id.ok_or(Error::SignIn)?;
    let mut conn = context.conn().await?;
    let profile = queries::find(&mut conn, user).await?;
    let mut form = ProfileForm::read(&data);
    let Some(seen) = data.seen_version(profile.version) else {
        return conflict(context.layout, profile, &data, &form);
    };
    let Some(checked) = form.check() else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return profile_page(context, provider, form, profile.version, status);
    };
    let (by, now) = (&context.actor, context.now());
    match queries::update(&mut conn, by, now, (user, seen), &checked).await {
        Ok(()) => Ok(context.see_other("/profile", "Your profile was saved")),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => {
            let theirs = queries::find(&mut conn, user).await?;
            conflict(context.layout, theirs, &data, &form)
        }
    }
}

fn profile_page(
    context: RequestContext,
    provider: Data<SignInProvider>,
    form: ProfileForm,
    version: i32,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    page(status, &ProfilePage { layout: context.layout, person: context.actor, form, version, provider })
}

fn conflict(layout: Layout, theirs: Profile, data: &FormData, mine: &ProfileForm) -> Result<HttpResponse, Error> {
    let zone = |name: &str| Zone::parse(name).unwrap_or_default().label();
    let theme = |code: &str| Theme::parse(code).unwrap_or_default().label().to_string();
    ConflictPage {
        layout,
        subject: "Your profile".into(),
        back: "/profile".into(),
        action: "/profile".into(),
        saved_by: theirs.updated_by.clone(),
        saved_at: date_time(&theirs.updated_at),
        version: theirs.version,
        fields: ConflictPage::fields_of(data),
        differences: vec![
            Difference { label: "Name".into(), theirs: theirs.name.clone(), mine: mine.name.trim().into() },
            Difference { label: "Time zone".into(), theirs: theirs.zone().label(), mine: zone(&mine.time_zone) },
            Difference { label: "Theme".into(), theirs: theirs.theme().label().into(), mine: theme(&mine.theme) },
        ],
        lost_secrets: false,
    }
    .respond()
}
