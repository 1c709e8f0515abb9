//! Saving the tab: settings, secrets, health and the audit line in one transaction.

use actix_web::HttpResponse;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::forms::{CheckedAuthorization, Fields};
use super::model::NewToken;
use super::next_secret::BY_NEXT;
use super::origins::{NewValue, approved_for_new};
use super::queries::{self, NewSecret, SealedValues};
use super::secret_field::SecretChange;
use super::settings::OAuthClient;
use super::tab::Stored;
use crate::audit::{Change, Changes, transaction};
use crate::connectors::{self, CredentialChange, SecretField};
use crate::db::Conn;
use crate::db::schema::authorizations;
use crate::db::version::SeenVersion;
use crate::outbound::HttpUrl;
use crate::vault::Vault;
use crate::web::form::Form;
use crate::web::{ConflictPage, Error, LastSave, Layout};

/// Saves settings and secrets together; false if another person has saved since the form was checked.
pub(super) async fn save(
    change: &mut Change<'_>,
    vault: &Vault,
    (old, seen): (&Stored, SeenVersion),
    new: &CheckedAuthorization,
) -> Result<bool, Error> {
    let id = old.connector.id;
    transaction(change, async |change| {
        if !lock_unchanged(change.conn, old, seen).await? {
            return Ok(false);
        }
        diesel::update(authorizations::table.find(id)).set(&new.settings).execute(change.conn).await?;
        queries::save_certificate_end(change.conn, id, &new.settings.client_certificate).await?;
        connectors::outdate_authorization(change, id).await?;
        connectors::save_method(change, id, new.method, new.verify).await?;
        queries::save_oauth_client(change.conn, id, new.oauth.as_ref()).await?;
        queries::forget_failures(change.conn, id).await?;
        let changes = save_secrets(change, vault, (old, new), settings_changes(old, new)).await?;
        if !old.is_same_as(new) {
            connectors::outdate_evidence(change.conn, id, CredentialChange::Replaced, change.now).await?;
        }
        connectors::refresh_health(change.conn, id, change.now).await?;
        change.record("authorization.saved", id, &old.connector.name, changes).await?;
        Ok(true)
    })
    .await
}

/// Locks the row that stands for all of a connector's authorization. True if everything is still as it was when the
/// form was checked. A token that was taken over or disconnected moves no version.
pub(super) async fn lock_unchanged(conn: &mut Conn, checked: &Stored, seen: SeenVersion) -> Result<bool, Error> {
    let id = checked.connector.id;
    let version = queries::find_and_lock(conn, id).await?.version;
    let sealed = SealedValues::read(conn, id).await?;
    let is_same_token = sealed.has_token() == checked.token.is_some();
    Ok(seen.check(version).is_ok() && is_same_token && sealed.has_same_secrets(&checked.sealed))
}

/// The settings field by field; nothing in them is secret.
fn settings_changes(old: &Stored, new: &CheckedAuthorization) -> Changes {
    let none = OAuthClient::default();
    let before = old.stored_fields();
    let after = Fields::of(new.method, new.verify, &new.settings, new.oauth.as_ref().unwrap_or(&none));
    let length = |text: &str| match text {
        "" => "None".to_string(),
        text => format!("{} characters", text.chars().count()),
    };
    let pairs = before.labelled(length).into_iter().zip(after.labelled(length));
    pairs.fold(Changes::none(), |changes, ((label, from), (_, to))| changes.field(label, from, to))
}

async fn save_secrets(
    change: &mut Change<'_>,
    vault: &Vault,
    (old, new): (&Stored, &CheckedAuthorization),
    mut changes: Changes,
) -> Result<Changes, Error> {
    let id = old.connector.id;
    let value = NewValue { replaced: &new.replaced(), ticked: Some(new.ticked_origins.clone()) };
    let approved = approved_for_new(change.conn, id, &value).await?;
    for (field, wanted) in &new.secrets {
        match wanted {
            SecretChange::Keep => {}
            SecretChange::Replace(secret) => {
                // Only the proxy gets its password.
                let proxy = new.settings.proxy_url.as_ref().map(|proxy| proxy.origin()).into_iter().collect();
                let origins = if *field == SecretField::ProxyPassword { &proxy } else { &approved };
                let new = NewSecret { connector: id, name: (*field).into(), secret, origins };
                queries::store_secret(change, vault, &new).await?;
                changes = changes.secret(field.label(), "changed");
            }
            SecretChange::Remove if old.sealed.has(*field) => {
                queries::remove_secret(change.conn, id, &(*field).into()).await?;
                changes = changes.secret(field.label(), "removed");
            }
            SecretChange::Remove => {}
        }
    }
    for (field, wanted) in &new.secrets {
        let is_removed = matches!(wanted, SecretChange::Remove) && field.belongs_to(new.method);
        if is_removed && queries::promote_secret(change, vault, id, *field).await? {
            changes = changes.secret(field.label(), BY_NEXT);
        }
    }
    match &new.token {
        SecretChange::Keep => {}
        SecretChange::Replace(access) => {
            let expires_at = crate::oauth::jwt_expiry(access.expose());
            let token = NewToken::bearer(access.clone(), expires_at);
            // A pasted token has no request that could renew it.
            queries::remove_token(change.conn, id).await?;
            queries::store_token(change, vault, id, &token, &approved).await?;
            changes = changes.secret("Token", "changed");
        }
        SecretChange::Remove => {
            // Also where there was none a moment ago: one may have come, or be on its way, for the settings before.
            queries::remove_token(change.conn, id).await?;
            if old.token.is_some() {
                changes = changes.secret("Token", "removed");
            }
        }
    }
    Ok(changes)
}

/// The page with both versions, when another person has saved the tab first.
pub(super) fn conflict(layout: Layout, theirs: Stored, mine: &Form<Fields>) -> Result<HttpResponse, Error> {
    let address = format!("/connectors/{}/authorization", theirs.connector.key);
    let fields = SecretField::ALL.into_iter().filter(|field| !field.renews_token());
    let secret_names: Vec<&str> = fields.map(SecretField::code).chain(["token"]).collect();
    let lost_secrets = secret_names.iter().any(|name| !mine.data.text(name).is_empty());
    let is_secret = |name: &str| secret_names.contains(&name.strip_suffix("_choice").unwrap_or(name));
    let settings = &theirs.settings;
    let saved = LastSave { by: &settings.updated_by, at: Some(settings.updated_at), version: settings.version };
    let page = ConflictPage::new(layout, &theirs.connector.label, &address, saved)
        .fields(mine.data.carried().filter(|(name, _)| !is_secret(name) && *name != "seen_base_url"))
        .lost_secrets(lost_secrets);
    let pairs = theirs.form.labelled(str::to_string).into_iter().zip(mine.labelled(str::to_string));
    let page = pairs.fold(page, |page, ((label, theirs), (_, mine))| page.difference(label, theirs, mine));
    // Not a field of this form, but what decides where its secrets go: another one makes the form stale.
    let base_url = theirs.connector.base_url.as_ref().map_or("", HttpUrl::as_str);
    page.difference("Base URL, on the Details tab", base_url, mine.data.text("seen_base_url")).respond()
}
