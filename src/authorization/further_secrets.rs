//! Further secrets of a connector: headers and parameters that calls or token requests carry beside the credential, such
//! as the subscription key of a gateway or the second of two keys.
//!
//! Rule: they are entered, replaced and removed like the secrets of the Authorization tab, and go to approved origins only.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde::{Deserialize, Serialize};
use validator::Validate;

use super::credential::{CredentialPlace, Placement};
use super::login::{PASSWORD, USER};
use super::model::{FurtherPlace, SecretName, StoredSecret};
use super::origins::{ApprovedOrigins, NewValue, approved_for_new};
use super::queries::{self, NewSecret};
use super::save::lock_unchanged;
use super::secret_field::{SecretChange, SecretInput};
use super::tab::{Stored, load};
use crate::access::{RequestContext, Right, SignInGuard};
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{self, ConnectorHead, Method, Tab};
use crate::db::version::SeenVersion;
use crate::oauth::is_own_parameter;
use crate::vault::{Secret, Vault};
use crate::web::form::Form;
use crate::web::{Error, Errors, FormData, Layout, Segment, page};

/// The most further secrets of one connector.
const MOST: usize = 20;

/// What a new secret is sent in, and its name. The value is read apart, because it never comes back.
#[derive(Default, Clone, Serialize, Deserialize, Validate)]
#[serde(default)]
pub struct FurtherFields {
    further_place: String,
    further_name: String,
}

#[derive(Template)]
#[template(path = "authorization/further_secrets.html")]
struct FurtherPage {
    layout: Layout,
    head: ConnectorHead,
    stored: Stored,
    form: Form<FurtherFields>,
    /// The own password need not be entered again.
    confirmed: bool,
}

impl FurtherPage {
    fn inputs(&self) -> Vec<SecretInput> {
        let stored = self.stored.sealed.further().into_iter().enumerate();
        let input = |(at, secret): (usize, &StoredSecret)| {
            let set = Some((secret.set_at, secret.set_by.clone()));
            SecretInput::new(field(at), secret.name.label(), set, &self.form)
        };
        stored.map(input).collect()
    }

    /// Token requests have secrets only where there are such requests. A login request is a template.
    fn places(&self) -> Vec<FurtherPlace> {
        let method = self.stored.connector.method();
        let fits = |place: &FurtherPlace| match place {
            FurtherPlace::CallHeader | FurtherPlace::CallQuery => true,
            FurtherPlace::TokenHeader | FurtherPlace::TokenParameter => method.has_tokens() && method != Method::Login,
            FurtherPlace::LoginVariable => method == Method::Login,
        };
        FurtherPlace::ALL.into_iter().filter(fits).collect()
    }

    fn new_value(&self) -> SecretInput {
        SecretInput::new("value", "Value", None, &self.form).hint("Stored encrypted and never shown again.")
    }

    fn asks_password(&self) -> bool {
        !self.confirmed && !self.stored.sealed.further().is_empty()
    }
}

/// The name of the input for the stored secret at this place of the list; the version of the form keeps the list as it
/// was shown.
fn field(at: usize) -> String {
    format!("secret_{at}")
}

fn address(key: &str) -> String {
    format!("/connectors/{key}/authorization/further-secrets")
}

fn further_page(
    context: RequestContext,
    stored: Stored,
    form: Form<FurtherFields>,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor);
    let confirmed = context.is_confirmed();
    page(status, &FurtherPage { layout: context.layout, head, stored, form, confirmed })
}

/// The page with the further secrets and the fields of a new one.
pub async fn edit(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    further_page(context, stored, Form::new(FurtherFields::default()), StatusCode::OK)
}

/// Saves what was replaced, removed and added.
pub async fn update(
    context: RequestContext,
    vault: web::Data<Vault>,
    guard: web::Data<SignInGuard>,
    Segment(key): Segment,
    mut form: Form<FurtherFields>,
) -> Result<HttpResponse, Error> {
    let mut conn = context.conn().await?;
    let stored = load(&context, &mut conn, &key, Right::Authorize).await?;
    let Some(seen) = form.seen_version(stored.settings.version) else {
        return stale(context, stored, form);
    };
    let changes = read_changes(&stored, &mut form);
    if form.data.is_draft() {
        return further_page(context, stored, form, StatusCode::OK);
    }
    let takes = changes.iter().any(|(name, _)| stored.sealed.has_name(name));
    let confirmed = !takes || guard.confirm(&context, &form.data, &mut form.errors).await?;
    if form.errors.any() || !confirmed {
        return further_page(context, stored, form, StatusCode::UNPROCESSABLE_ENTITY);
    }
    if changes.is_empty() {
        return Ok(context.see_other(&address(&key), "Nothing was changed"));
    }
    if !save(&mut Change::new(&mut conn, &context), &vault, (&stored, seen), &changes).await? {
        let stored = load(&context, &mut conn, &key, Right::Authorize).await?;
        return stale(context, stored, form);
    }
    Ok(context.see_other(&address(&key), "The secret headers and parameters were saved"))
}

/// The page as it is now: the rows of the form may stand for other secrets.
fn stale(context: RequestContext, stored: Stored, form: Form<FurtherFields>) -> Result<HttpResponse, Error> {
    let mut form = Form::new(form.fields);
    form.errors.add("further_place", "The data connector was changed meanwhile. Look at the list again.");
    further_page(context, stored, form, StatusCode::CONFLICT)
}

/// What is to become of the secrets that do not stay as they are; the messages stand in the form.
fn read_changes(stored: &Stored, form: &mut Form<FurtherFields>) -> Vec<(SecretName, SecretChange)> {
    let mut changes = Vec::new();
    let Form { fields, data, errors } = form;
    for (at, secret) in stored.sealed.further().into_iter().enumerate() {
        let (input, label) = (field(at), secret.name.label());
        let change = SecretChange::read(data, &input, &label, true, errors).trimmed();
        if let (SecretChange::Replace(value), SecretName::Further(place, _)) = (&change, &secret.name) {
            check_value(&input, *place, value, errors);
        }
        if !change.keeps() {
            changes.push((secret.name.clone(), change));
        }
    }
    if let Some((name, value)) = read_new(stored, fields, data, errors) {
        changes.push((name, SecretChange::Replace(value)));
    }
    changes
}

/// The new secret; `None` if none was entered.
fn read_new(
    stored: &Stored,
    fields: &FurtherFields,
    data: &FormData,
    errors: &mut Errors,
) -> Option<(SecretName, Secret)> {
    let change = SecretChange::read(data, "value", "Value", false, errors).trimmed();
    let name = fields.further_name.trim();
    let value = match change {
        SecretChange::Replace(value) if !value.is_empty() => value,
        _ if name.is_empty() => return None,
        _ => {
            errors.add("value", "Enter the value");
            Secret::new(String::new())
        }
    };
    let Some(place) = FurtherPlace::parse(&fields.further_place) else {
        errors.add("further_place", "Choose what the value is sent in");
        return None;
    };
    check_value("value", place, &value, errors);
    if let Some(problem) = name_problem(stored, place, name) {
        errors.add("further_name", problem);
    }
    Some((SecretName::Further(place, name.into()), value))
}

fn name_problem(stored: &Stored, place: FurtherPlace, name: &str) -> Option<String> {
    if place == FurtherPlace::LoginVariable {
        let fits = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
        if name.is_empty() || name.len() > 100 || !name.chars().all(fits) {
            return Some("The name of a variable can have up to 100 letters, numbers, hyphens and underscores".into());
        }
        if [USER, PASSWORD].contains(&name) {
            return Some(format!("{name} is entered on the Authorization tab"));
        }
    }
    let placement = if place.is_header() { CredentialPlace::Header } else { CredentialPlace::Query };
    if let Some(problem) = Placement::name_problem(placement, name) {
        return Some(problem);
    }
    let further = stored.sealed.further();
    let is_same = |other: &str| if place.is_header() { other.eq_ignore_ascii_case(name) } else { other == name };
    let is_stored = |stored: &&StoredSecret| matches!(&stored.name, SecretName::Further(other, named) if *other == place && is_same(named));
    if further.iter().any(is_stored) {
        return Some(format!("{name} is set already. Replace it above"));
    }
    let own = stored.settings.placement_of(stored.connector.method());
    if place == FurtherPlace::TokenParameter && is_own_parameter(name) {
        return Some(format!("{name} is set by Connectory itself. Enter the name of another parameter"));
    }
    if place == FurtherPlace::CallHeader && own.is_some_and(|own| own.is_header(name)) {
        return Some(format!("{name} is where the credential of the method is sent. Enter the name of another header"));
    }
    (further.len() >= MOST).then(|| format!("A data connector can have {MOST} secret headers and parameters"))
}

fn check_value(input: &str, place: FurtherPlace, value: &Secret, errors: &mut Errors) {
    let text = value.expose();
    if place.is_header() && !text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') {
        errors.add(input, "A header can have letters, numbers and signs only. Copy the value once more.");
    } else if text.chars().any(char::is_control) {
        errors.add(input, "The value must not contain line breaks or other control characters");
    }
}

/// Saves the changes; false if another person has saved since the form was shown.
async fn save(
    change: &mut Change<'_>,
    vault: &Vault,
    (old, seen): (&Stored, SeenVersion),
    changes: &[(SecretName, SecretChange)],
) -> Result<bool, Error> {
    let id = old.connector.id;
    transaction(change, async |change| {
        if !lock_unchanged(change.conn, old, seen).await? {
            return Ok(false);
        }
        let codes: Vec<_> = changes.iter().map(|(name, _)| name.code()).collect();
        let replaced: Vec<&str> = codes.iter().map(AsRef::as_ref).collect();
        let value = NewValue { replaced: &replaced, ticked: None };
        let origins = approved_for_new(change.conn, id, &value).await?;
        let mut recorded = Changes::none();
        for (name, wanted) in changes {
            recorded = recorded.secret(&name.label(), save_one(change, vault, (old, name), (wanted, &origins)).await?);
        }
        connectors::outdate_authorization(change, id).await?;
        queries::forget_failures(change.conn, id).await?;
        connectors::refresh_health(change.conn, id, change.now).await?;
        change.record("authorization.saved", id, &old.connector.name, recorded).await?;
        Ok(true)
    })
    .await
}

/// Stores or removes one secret; says which, for the audit log.
async fn save_one(
    change: &mut Change<'_>,
    vault: &Vault,
    (old, name): (&Stored, &SecretName),
    (wanted, origins): (&SecretChange, &ApprovedOrigins),
) -> Result<&'static str, Error> {
    let id = old.connector.id;
    let SecretChange::Replace(secret) = wanted else {
        queries::remove_secret(change.conn, id, name).await?;
        return Ok("removed");
    };
    queries::store_secret(change, vault, &NewSecret { connector: id, name: name.clone(), secret, origins }).await?;
    Ok(if old.sealed.has_name(name) { "changed" } else { "added" })
}
