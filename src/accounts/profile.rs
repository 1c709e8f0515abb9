//! The own profile: the Details tab (name, time zone, theme, and what one may do) and the API keys tab.
//!
//! Rule: everything here is about the person who is signed in, so no address names a person.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use askama::Template;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Deserialize;
use uuid::Uuid;
use validator::Validate;

use super::SignInProvider;
use super::names::parse_own_name;
use super::users::{self as store, UserColumns};
use crate::access::{Actor, Permission, RequestContext};
use crate::audit::{Change, Changes, transaction};
use crate::db::schema::users;
use crate::db::version::SeenVersion;
use crate::db::{Conn, in_row};
use crate::programs::keys::{KeyTable, table_of_person};
use crate::web::form::{Form, Text};
use crate::web::{ConflictPage, Error, Errors, LastSave, Layout, Radio, SaveError, SelectOption, Theme, Zone, page};

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct ProfileForm {
    full_name: Text,
    time_zone: Text,
    theme: Text,
}

/// A checked form.
struct CheckedProfile {
    name: String,
    zone: Zone,
    theme: Theme,
}

impl ProfileForm {
    fn of(profile: &Profile) -> ProfileForm {
        ProfileForm {
            full_name: profile.name.clone().into(),
            time_zone: profile.zone().name().into(),
            theme: profile.theme.code().into(),
        }
    }

    fn checked(&self, errors: &mut Errors) -> Option<CheckedProfile> {
        let name = errors.keep("full_name", parse_own_name(&self.full_name));
        let zone = errors.keep("time_zone", Zone::parse(&self.time_zone).ok_or("Choose a time zone of the list"));
        let theme = errors.keep("theme", Theme::parse(&self.theme).ok_or("Choose a theme"));
        Some(CheckedProfile { name: name?, zone: zone?, theme: theme? })
    }

    /// The zones to choose from, and the chosen one: it may be stored under an older name, which is not offered.
    fn zones(&self) -> Vec<SelectOption> {
        let mut zones: Vec<Zone> = Zone::choices().collect();
        if let Some(chosen) = Zone::parse(&self.time_zone).filter(|chosen| !zones.contains(chosen)) {
            zones.insert(0, chosen);
        }
        zones.into_iter().map(|zone| SelectOption::new(zone.name(), zone.label())).collect()
    }

    fn themes() -> [Radio; 3] {
        Theme::ALL.map(|theme| Radio::new(theme.code(), theme.label(), ""))
    }
}

#[derive(Template)]
#[template(path = "accounts/profile.html")]
struct ProfilePage {
    layout: Layout,
    person: Actor,
    form: Form<ProfileForm>,
    version: i32,
    provider: Data<SignInProvider>,
}

impl ProfilePage {
    /// The labels of the person's permissions.
    fn permissions(&self) -> Vec<&'static str> {
        let granted = Permission::all().filter(|permission| self.person.may(*permission));
        granted.map(Permission::label).collect()
    }
}

fn profile_page(
    context: RequestContext,
    provider: Data<SignInProvider>,
    form: Form<ProfileForm>,
    version: i32,
) -> Result<HttpResponse, Error> {
    let (status, layout, person) = (form.errors.status(), context.layout, context.actor);
    page(status, &ProfilePage { layout, person, form, version, provider })
}

pub async fn show(context: RequestContext, provider: Data<SignInProvider>) -> Result<HttpResponse, Error> {
    let user = context.user()?;
    let profile = find(&mut *context.conn().await?, user).await?;
    profile_page(context, provider, Form::new(ProfileForm::of(&profile)), profile.version)
}

pub async fn update(
    context: RequestContext,
    provider: Data<SignInProvider>,
    mut form: Form<ProfileForm>,
) -> Result<HttpResponse, Error> {
    let user = context.user()?;
    let mut conn = context.conn().await?;
    let profile = find(&mut conn, user).await?;
    let Some(seen) = form.seen_version(profile.version) else {
        return conflict(context.layout, &profile, &form);
    };
    let Some(checked) = form.check(ProfileForm::checked) else {
        return profile_page(context, provider, form, profile.version);
    };
    match save(&mut Change::new(&mut conn, &context), (user, seen), &checked).await {
        Ok(()) => Ok(context.see_other("/profile", "Your profile was saved")),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => conflict(context.layout, &find(&mut conn, user).await?, &form),
    }
}

fn conflict(layout: Layout, theirs: &Profile, mine: &Form<ProfileForm>) -> Result<HttpResponse, Error> {
    let zone = |name: &str| Zone::parse(name).unwrap_or_default().label();
    let theme = |code: &str| Theme::parse(code).unwrap_or_default().label();
    let saved = LastSave { by: &theirs.updated_by, at: Some(theirs.updated_at), version: theirs.version };
    ConflictPage::new(layout, "Your profile", "/profile", saved)
        .fields(mine.data.carried())
        .difference("Name", &theirs.name, mine.full_name.trim())
        .difference("Time zone", theirs.zone().label(), zone(&mine.time_zone))
        .difference("Theme", theirs.theme.label(), theme(&mine.theme))
        .respond()
}

/// The account of the person who is signed in.
#[derive(Queryable, Selectable)]
#[diesel(table_name = users)]
struct Profile {
    name: String,
    version: i32,
    updated_at: DateTime<Utc>,
    updated_by: String,
    theme: Theme,
    time_zone: String,
}

impl Profile {
    fn zone(&self) -> Zone {
        Zone::parse(&self.time_zone).unwrap_or_default()
    }
}

async fn find(conn: &mut Conn, user: Uuid) -> Result<Profile, Error> {
    let row = users::table.find(user).select(Profile::as_select()).first(conn).await;
    Ok(in_row(&["users"], user, row)?)
}

/// Saves the own profile, unless the user was saved since it was read.
async fn save(
    change: &mut Change<'_>,
    (user, seen): (Uuid, SeenVersion),
    new: &CheckedProfile,
) -> Result<(), SaveError> {
    transaction(change, async |change| {
        let row = users::table.find(user).select(users::version);
        seen.lock(change.conn, row.for_no_key_update()).await?;
        let old = find(change.conn, user).await?;
        let columns = UserColumns {
            time_zone: Some(new.zone.name()),
            theme: Some(new.theme),
            ..UserColumns::name(&change.by.username, &new.name)
        };
        store::update(change, user, columns).await?;
        let changes = Changes::none()
            .field("Name", &old.name, &new.name)
            .field("Time zone", old.zone().name(), new.zone.name())
            .field("Theme", old.theme.label(), new.theme.label());
        Ok(change.record("profile.saved", user, &change.by.username, changes).await?)
    })
    .await
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
