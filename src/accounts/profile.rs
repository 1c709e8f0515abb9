//! The own profile: the Details tab (name, time zone, theme, and what one may do) and the API keys tab.
//!
//! Rule: everything here is about the person who is signed in, so no address names a person.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;

use super::SignInProvider;
use super::names::parse_own_name;
use super::queries::{self, Profile};
use crate::access::{Actor, Permission, RequestContext};
use crate::programs::{KeyTable, table_of_person};
use crate::web::{
    ConflictPage, Error, Errors, Form, FormData, LastSave, Layout, Option_, Radio, Radios, SaveError, SelectField,
    TextField, Theme, Zone, page,
};

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
    let profile = queries::find_profile(&mut *context.conn().await?, user).await?;
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
    let profile = queries::find_profile(&mut conn, user).await?;
    let mut form = ProfileForm::read(&data);
    let Some(seen) = data.seen_version(profile.version) else {
        return conflict(context.layout, profile, &data, &form);
    };
    let Some(checked) = form.check() else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return profile_page(context, provider, form, profile.version, status);
    };
    let (by, now) = (&context.actor, context.now());
    match queries::update_profile(&mut conn, by, now, (user, seen), &checked).await {
        Ok(()) => Ok(context.see_other("/profile", "Your profile was saved")),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => {
            let theirs = queries::find_profile(&mut conn, user).await?;
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
    let theme = |code: &str| Theme::parse(code).unwrap_or_default().label();
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    ConflictPage::new(layout, "Your profile", "/profile", saved)
        .fields(data.carried())
        .difference("Name", &theirs.name, mine.name.trim())
        .difference("Time zone", theirs.zone().label(), zone(&mine.time_zone))
        .difference("Theme", theirs.theme.label(), theme(&mine.theme))
        .respond()
}

/// What the form holds.
pub struct ProfileForm {
    pub name: String,
    pub time_zone: String,
    pub theme: String,
    pub errors: Errors,
}

/// What it has made of it.
pub struct CheckedProfile {
    pub name: String,
    pub zone: Zone,
    pub theme: Theme,
}

impl ProfileForm {
    pub fn of(profile: &Profile) -> ProfileForm {
        ProfileForm {
            name: profile.name.clone(),
            time_zone: profile.zone().name().into(),
            theme: profile.theme.code().into(),
            errors: Errors::default(),
        }
    }

    pub fn read(data: &FormData) -> ProfileForm {
        ProfileForm {
            name: data.text("full_name"),
            time_zone: data.text("time_zone"),
            theme: data.text("theme"),
            errors: Errors::default(),
        }
    }

    /// The checked profile; `None` leaves the messages in the form.
    pub fn check(&mut self) -> Option<CheckedProfile> {
        let name = self.errors.keep("full_name", parse_own_name(&self.name));
        let zone = Zone::parse(&self.time_zone).ok_or("Choose a time zone of the list");
        let zone = self.errors.keep("time_zone", zone);
        let theme = Theme::parse(&self.theme).ok_or("Choose a theme");
        let theme = self.errors.keep("theme", theme);
        Some(CheckedProfile { name: name?, zone: zone?, theme: theme? })
    }

    pub fn name_field(&self) -> TextField {
        TextField::new("full_name", "Name", &self.name)
            .hint("Shown on pages and in the audit log.")
            .prose()
            .autocomplete("name")
            .width("w28")
            .errors(&self.errors)
    }

    pub fn time_zone_field(&self) -> SelectField {
        let mut options: Vec<Option_> = Zone::choices().map(|zone| Option_::new(zone.name(), zone.label())).collect();
        // An older name for one of them, stored before it was left out.
        let is_offered = options.iter().any(|option| option.value == self.time_zone);
        if let Some(zone) = Zone::parse(&self.time_zone).filter(|_| !is_offered) {
            options.insert(0, Option_::new(zone.name(), zone.label()));
        }
        SelectField::new("time_zone", "Time zone", options, &self.time_zone)
            .hint("Pages show times in this zone, and read the times that you type in it.")
            .errors(&self.errors)
    }

    pub fn theme_field(&self) -> Radios {
        let choices = Theme::ALL.map(|theme| Radio::new(theme.code(), theme.label(), "")).into();
        Radios::new("theme", "Theme", choices, &self.theme).errors(&self.errors)
    }
}

/// The API keys tab.
#[derive(Template)]
#[template(path = "accounts/keys.html")]
struct KeysPage {
    layout: Layout,
    keys: KeyTable,
}

pub async fn own_keys(context: RequestContext) -> Result<HttpResponse, Error> {
    let conn = context.conn().await?;
    let keys = table_of_person(&context, &conn).await?;
    let layout = context.layout;
    page(StatusCode::OK, &KeysPage { layout, keys })
}
