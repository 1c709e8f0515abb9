//! Saving the tab: settings, secrets, health and the audit line in one transaction.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{AsyncConnection, RunQueryDsl};

use super::forms::CheckedAuthorization;
use super::model::{NewToken, RefreshToken};
use super::oauth_client::OAuthClient;
use super::origins::{NewValue, approved_for_new};
use super::queries::{self, NewSecret};
use super::secret_field::SecretChange;
use super::tab::Stored;
use crate::access::Actor;
use crate::audit::{self, Changes, Event};
use crate::connectors;
use crate::db::Conn;
use crate::db::schema::{authorizations, connectors as connectors_table};
use crate::db::version::SeenVersion;
use crate::vault::Vault;
use crate::web::SaveError;

/// Saves settings and secrets together, unless somebody else has saved since the form was checked.
pub(super) async fn save(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    (old, seen): (&Stored, SeenVersion),
    new: &CheckedAuthorization,
) -> Result<(), SaveError> {
    let id = old.connector.id;
    conn.transaction(async |conn| {
        hold_unchanged(conn, old, seen).await?;
        diesel::update(authorizations::table.find(id))
            .set((
                authorizations::user_name.eq(&new.user_name),
                authorizations::api_key_place.eq(new.api_key_place.code()),
                authorizations::api_key_name.eq(&new.api_key_name),
                authorizations::api_key_prefix.eq(&new.api_key_prefix),
                authorizations::ca_certificate.eq(&new.ca_certificate),
                authorizations::client_certificate.eq(&new.client_certificate),
                authorizations::proxy_url.eq(&new.proxy_url),
                authorizations::time_out.eq(new.time_out),
                authorizations::concurrency.eq(new.concurrency),
                authorizations::expired_statuses.eq(&new.expired_statuses),
                authorizations::expired_body.eq(&new.expired_body),
                authorizations::version.eq(authorizations::version + 1),
                authorizations::updated_at.eq(now),
                authorizations::updated_by.eq(by.attribution()),
            ))
            .execute(conn)
            .await?;
        diesel::update(connectors_table::table.find(id))
            .set((
                connectors_table::method.eq(new.method.code()),
                connectors_table::verify_certificates.eq(new.verify),
                connectors_table::updated_at.eq(now),
                connectors_table::updated_by.eq(by.attribution()),
            ))
            .execute(conn)
            .await?;
        queries::save_oauth_client(conn, id, new.oauth.as_ref()).await?;
        queries::forget_failures(conn, id).await?;
        let changes = oauth_changes(old, new, settings_changes(old, new));
        let changes = save_secrets(conn, vault, by, now, old, new, changes).await?;
        connectors::refresh_health(conn, id, now).await?;
        audit::record(
            conn,
            by,
            now,
            Event { kind: "authorization.saved", subject_id: Some(id), subject_name: &old.connector.name, changes },
        )
        .await?;
        Ok(())
    })
    .await
}

/// Locks the row that stands for all of a connector's authorization, and refuses unless everything is still as it was
/// when the form was checked. A token that was taken over or disconnected moves no version.
async fn hold_unchanged(conn: &mut Conn, checked: &Stored, seen: SeenVersion) -> Result<(), SaveError> {
    let id = checked.connector.id;
    seen.check(queries::find_and_hold(conn, id).await?.version)?;
    let secrets = queries::stored_secrets(conn, id).await?;
    let has_token = queries::stored_token(conn, id).await?.is_some();
    if checked.form.knows(&secrets) && has_token == checked.token.is_some() { Ok(()) } else { Err(SaveError::Stale) }
}

fn settings_changes(old: &Stored, new: &CheckedAuthorization) -> Changes {
    let on = |verify: bool| if verify { "On" } else { "Off" };
    let before = &old.authorization;
    let certificate = |text: &str| {
        if text.is_empty() { "None".to_string() } else { format!("{} characters", text.chars().count()) }
    };
    Changes::none()
        .field("Method", old.connector.method().label(), new.method.label())
        .field("User", &before.user_name, &new.user_name)
        .field("API key sent as", &before.api_key_place, new.api_key_place.code())
        .field("API key name", &before.api_key_name, &new.api_key_name)
        .field("API key prefix", &before.api_key_prefix, &new.api_key_prefix)
        .field("SSL certificate verification", on(old.connector.verify_certificates), on(new.verify))
        .field("CA certificate", certificate(&before.ca_certificate), certificate(&new.ca_certificate))
        .field("Client certificate", certificate(&before.client_certificate), certificate(&new.client_certificate))
        .field("Proxy", &before.proxy_url, &new.proxy_url)
        .field("Time-out in seconds", number(before.time_out), number(new.time_out))
        .field("Calls at once", number(before.concurrency), number(new.concurrency))
        .field("Statuses that mean the token has ended", &before.expired_statuses, &new.expired_statuses)
        .field("Field of the answer that means it too", &before.expired_body, &new.expired_body)
}

fn number(number: Option<i32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}

/// The settings of the grant, field by field; nothing in them is secret.
fn oauth_changes(old: &Stored, new: &CheckedAuthorization, mut changes: Changes) -> Changes {
    let none = OAuthClient::default();
    let (before, after) = (&old.oauth, new.oauth.as_ref().unwrap_or(&none));
    for ((label, from), (_, to)) in before.words().into_iter().zip(after.words()) {
        changes = changes.field(label, from, to);
    }
    changes
}

async fn save_secrets(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    old: &Stored,
    new: &CheckedAuthorization,
    mut changes: Changes,
) -> Result<Changes, SaveError> {
    let id = old.connector.id;
    let value = NewValue { replaced: &new.replaced(), ticked: Some(new.ticked_origins.clone()) };
    let approved = approved_for_new(conn, id, &value).await?;
    for (field, change) in &new.secrets {
        match change {
            SecretChange::Keep => {}
            SecretChange::Replace(secret) => {
                let new = NewSecret { connector: id, field: *field, secret, origins: &approved };
                queries::store_secret(conn, vault, by, now, &new).await?;
                changes = changes.secret(field.label(), "changed");
            }
            SecretChange::Remove if old.form.has(*field) => {
                queries::remove_secret(conn, id, *field).await?;
                changes = changes.secret(field.label(), "removed");
            }
            SecretChange::Remove => {}
        }
    }
    match &new.token {
        SecretChange::Keep => {}
        SecretChange::Replace(access) => {
            let token = NewToken {
                access: access.clone(),
                refresh: RefreshToken::None,
                token_type: "Bearer".into(),
                scope: String::new(),
                expires_at: crate::oauth::jwt_expiry(access.expose()),
            };
            // A pasted token has no request that could renew it.
            queries::remove_token(conn, id).await?;
            queries::store_token(conn, vault, by, now, id, &token, &approved).await?;
            changes = changes.secret("Token", "changed");
        }
        SecretChange::Remove => {
            // Also where there was none a moment ago: one may have come, or be on its way, for the settings before.
            queries::remove_token(conn, id).await?;
            if old.token.is_some() {
                changes = changes.secret("Token", "removed");
            }
        }
    }
    Ok(changes)
}
