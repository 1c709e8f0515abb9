//! The Authorization tab filled in by a template, and the template of a tab.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::forms::Fields;
use super::queries;
use super::save::save;
use super::tab::read;
use crate::access::Right;
use crate::audit::Change;
use crate::connectors::{self, Connector, LegacyGrants, Method};
use crate::db::Conn;
use crate::vault::Vault;
use crate::web::{Error, Errors, FormData};

/// Saves the tab of a connector that was just created as if a person had sent its form. What the form does not take is
/// in the errors, and nothing was saved.
pub async fn fill_in(
    change: &mut Change<'_>,
    vault: &Vault,
    grants: LegacyGrants,
    (key, data): (&str, FormData),
) -> Result<Errors, Error> {
    let connector = connectors::find(change.conn, change.by, key, Right::Authorize).await?;
    let mut stored = read(change.conn, connector, grants, change.now).await?;
    let version = stored.settings.version;
    stored.form = stored.form.submitted(data.with("version", version.to_string()))?;
    let Some(checked) = stored.check(vault)? else { return Ok(stored.form.errors) };
    let seen = stored.form.seen_version(version);
    let seen = seen.ok_or_else(|| Error::internal(anyhow::anyhow!("a new connector has no version")))?;
    if !save(change, vault, (&stored, seen), &checked).await? {
        return Err(Error::internal(anyhow::anyhow!("a new connector was changed by another person")));
    }
    Ok(Errors::default())
}

/// What is known by the person alone, or of one machine only.
const LEFT_OUT: [&str; 14] = [
    "auth_method",
    "user_name",
    "aws_key_id",
    "login_user",
    "client_id",
    "oauth_user",
    "client_certificate",
    "secrets_end_on",
    "assertion_key_id",
    "assertion_certificate",
    "assertion_issuer",
    "assertion_subject",
    "verify",
    "verify_off",
];

/// The settings of the tab that are not the usual ones, by the names of their fields. No secret is among them.
pub async fn settings_for_template(conn: &mut Conn, connector: &Connector) -> Result<BTreeMap<String, String>, Error> {
    let settings = queries::find(conn, connector.id).await?;
    let client = queries::oauth_client(conn, connector.id).await?;
    let method = connector.method();
    let (fields, usual) = (json!(Fields::of(method, true, &settings, &client)), json!(Fields::usual()));
    let is_of_method = |name: &str| {
        (method == Method::ApiKey || !name.starts_with("api_key"))
            && (method == Method::AwsSignature || !name.starts_with("aws_"))
            && (method == Method::Login || !name.starts_with("login_"))
    };
    let fields = fields.as_object().into_iter().flatten().filter(|(name, value)| {
        !LEFT_OUT.contains(&name.as_str()) && is_of_method(name) && usual.get(name.as_str()) != Some(*value)
    });
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Bool(false) => "no".into(),
        other => other.to_string(),
    };
    Ok(fields.map(|(name, value)| (name.clone(), text(value))).collect())
}
