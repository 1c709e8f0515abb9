//! The page with both versions, when somebody else has saved the tab first.

use actix_web::HttpResponse;

use super::forms::AuthorizationForm;
use super::tab::Stored;
use crate::outbound::HttpUrl;
use crate::web::{ConflictPage, Error, FormData, LastSave, Layout};

pub(super) fn conflict(
    layout: Layout,
    theirs: Stored,
    mine: &AuthorizationForm,
    data: &FormData,
) -> Result<HttpResponse, Error> {
    let address = format!("/connectors/{}/authorization", theirs.connector.key);
    let secret_names = ["token", "password", "api_key", "client_secret", "oauth_password", "client_key"];
    let lost_secrets = secret_names.iter().any(|name| data.get(name).is_some_and(|typed| !typed.is_empty()));
    let is_secret =
        |name: &str| secret_names.iter().any(|secret| name == *secret || name == format!("{secret}_choice"));
    let its = &theirs.settings;
    let saved = LastSave { by: &its.updated_by, at: Some(its.updated_at), version: its.version };
    let page = ConflictPage::new(layout, &theirs.connector.label, &address, saved)
        .fields(data.carried().filter(|(name, _)| !is_secret(name) && *name != "seen_base_url"))
        .lost_secrets(lost_secrets);
    let pairs = theirs.form.fields.words(str::to_string).into_iter().zip(mine.fields.words(str::to_string));
    let page = pairs.fold(page, |page, ((label, theirs), (_, mine))| page.difference(label, theirs, mine));
    // Not a field of this form, but what decides where its secrets go: another one makes the form stale.
    let base_url = theirs.connector.base_url.as_ref().map_or("", HttpUrl::as_str);
    page.difference("Base URL, on the Details tab", base_url, data.text("seen_base_url")).respond()
}
