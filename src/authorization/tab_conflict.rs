//! The page with both versions, when somebody else has saved the tab first.

use actix_web::HttpResponse;

use super::forms::AuthorizationForm;
use super::tab::Stored;
use crate::outbound::HttpUrl;
use crate::web::{ConflictPage, Difference, Error, FormData, Layout, date_time};

pub(super) fn conflict(
    layout: Layout,
    theirs: Stored,
    mine: &AuthorizationForm,
    data: &FormData,
) -> Result<HttpResponse, Error> {
    let address = format!("/connectors/{}/authorization", theirs.connector.key);
    // Not a field of this form, but what decides where its secrets go: another one makes the form stale.
    let base_url = Difference {
        label: "Base URL, on the Details tab".into(),
        theirs: theirs.connector.base_url.as_ref().map_or("", HttpUrl::as_str).into(),
        mine: data.text("seen_base_url"),
    };
    let pairs = theirs.form.fields.words(str::to_string).into_iter().zip(mine.fields.words(str::to_string));
    let differences = pairs
        .map(|((label, theirs), (_, mine))| Difference { label: label.into(), theirs, mine })
        .chain([base_url])
        .collect();
    let secret_names = ["token", "password", "api_key", "client_secret", "oauth_password", "client_key"];
    let lost_secrets = secret_names.iter().any(|name| data.get(name).is_some_and(|typed| !typed.is_empty()));
    let is_secret =
        |name: &str| secret_names.iter().any(|secret| name == *secret || name == format!("{secret}_choice"));
    ConflictPage {
        layout,
        subject: theirs.connector.label.clone(),
        back: address.clone(),
        action: address,
        saved_by: theirs.settings.updated_by.clone(),
        saved_at: date_time(&theirs.settings.updated_at),
        version: theirs.settings.version,
        fields: ConflictPage::fields_of(data)
            .into_iter()
            .filter(|(name, _)| !is_secret(name) && name != "seen_base_url")
            .collect(),
        differences,
        lost_secrets,
    }
    .respond()
}
