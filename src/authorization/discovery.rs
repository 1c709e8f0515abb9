//! Find settings: the server's own description fills in the form, for review; nothing is saved.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::settings::Settings;
use super::tab::{Notice, Stored, tab_page};
use crate::access::RequestContext;
use crate::oauth::{self, ClientAuthentication, Metadata};
use crate::outbound::{HttpUrl, Limits, Outbound, Transport};
use crate::vault::Vault;
use crate::web::Error;

/// What the server's metadata hold, apart from what stands in the fields now.
pub(super) struct Found {
    pub issuer: String,
    /// The labels of the fields that were filled in.
    pub filled: Vec<&'static str>,
    /// The scopes that it knows, for choosing from.
    pub scopes: Vec<String>,
}

/// Asks the issuer for its metadata and shows the form filled in with them.
pub(super) async fn discover(
    context: RequestContext,
    vault: &Vault,
    outbound: &Outbound,
    mut stored: Stored,
) -> Result<HttpResponse, Error> {
    let Some((issuer, transport, limits)) = check(vault, &mut stored)? else {
        return tab_page(context, stored, Notice::None, StatusCode::UNPROCESSABLE_ENTITY);
    };
    let found = oauth::discover(outbound, &transport, limits, &issuer).await;
    let found = found.map(|metadata| fill_in(&mut stored, &metadata));
    tab_page(context, stored, Notice::Found(found), StatusCode::OK)
}

/// Issuer, transport settings and time-out as typed; `None` leaves the messages in the form.
fn check(vault: &Vault, stored: &mut Stored) -> Result<Option<(HttpUrl, Transport, Limits)>, Error> {
    let key = stored.sealed.client_key(vault)?;
    let (typed, settings) = (stored.form.issuer.clone(), stored.settings.settings.clone());
    Ok(stored.check_by(|check| {
        let issuer = check.url("issuer", "Issuer", &typed, true).0;
        let limits = Settings { time_out: check.time_out(), ..settings }.interactive_limits();
        let transport = check.typed_transport(key);
        issuer.zip(transport).map(|(issuer, transport)| (issuer, transport, limits))
    }))
}

/// Puts what the server says into the fields. What it leaves out stays as it was.
fn fill_in(stored: &mut Stored, metadata: &Metadata) -> Found {
    let typed = &mut stored.form.fields;
    let mut filled = vec!["Issuer"];
    typed.issuer = metadata.issuer.clone();
    for (label, field, found) in [
        ("Authorize URL", &mut typed.authorize_url, &metadata.authorization_endpoint),
        ("AccessToken URL", &mut typed.token_url, &metadata.token_endpoint),
        ("Revocation URL", &mut typed.revocation_url, &metadata.revocation_endpoint),
    ] {
        if let Some(url) = found {
            *field = url.as_str().to_string();
            filled.push(label);
        }
    }
    let supported = &metadata.token_endpoint_auth_methods_supported;
    if let Some(choice) = ClientAuthentication::supported(supported, ClientAuthentication::parse(&typed.authentication))
    {
        typed.authentication = choice.code().into();
        filled.push("Client authentication");
    }
    if metadata.iss_parameter_supported {
        typed.iss_required = true;
        filled.push("Refuse answers that do not name the issuer");
    }
    Found { issuer: metadata.issuer.clone(), filled, scopes: metadata.scopes_supported.clone() }
}
