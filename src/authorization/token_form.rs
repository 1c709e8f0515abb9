//! The form of the Request token page.

use serde::{Deserialize, Serialize};
use validator::Validate;

use super::secret_field::check_length;
use super::settings::{StoredSettings, TokenRequestSettings, url_text};
use crate::db::{OrEmpty, Typed};
use crate::oauth::{ExtraSecrets, RequestField, RequestStyle, TokenLocation, TokenRequest};
use crate::outbound::HttpUrl;
use crate::vault::Secret;
use crate::web::Errors;
use crate::web::form::{Form, Text};

#[derive(Clone, Default, Serialize, Deserialize, Validate)]
#[serde(default)]
pub struct TokenForm {
    pub(super) token_url: Text,
    #[validate(length(max = 1000, message = "Use 1,000 characters or fewer"))]
    pub(super) token_user: Text,
    #[serde(skip_serializing)]
    pub(super) token_password: Secret,
    #[validate(length(max = 1000, message = "Use 1,000 characters or fewer"))]
    pub(super) token_client_id: Text,
    #[serde(skip_serializing)]
    pub(super) token_client_secret: Secret,
    #[validate(length(max = 1000, message = "Use 1,000 characters or fewer"))]
    pub(super) token_scope: Text,
    pub(super) token_request_style: Text,
    pub(super) token_pointer: Text,
    #[validate(length(max = 255, message = "Use 255 characters or fewer"))]
    pub(super) token_user_field: Text,
    #[validate(length(max = 255, message = "Use 255 characters or fewer"))]
    pub(super) token_password_field: Text,
}

impl TokenForm {
    /// The form of the connector's last token request; at first with the user of the connector.
    pub(super) fn of(stored: &StoredSettings) -> TokenForm {
        let request = &stored.token_request;
        let is_first = request.token_url.as_ref().is_none();
        TokenForm {
            token_url: url_text(&request.token_url).into(),
            token_user: if is_first { &stored.user_name } else { &request.token_user }.into(),
            token_client_id: (&request.token_client_id).into(),
            token_scope: (&request.token_scope).into(),
            token_request_style: request.token_request_style.code().into(),
            token_pointer: request.token_pointer.text().into(),
            token_user_field: (&request.token_user_field).into(),
            token_password_field: (&request.token_password_field).into(),
            ..TokenForm::default()
        }
    }

    /// What is stored of the request, which has no secrets.
    pub(super) fn settings(&self, errors: &mut Errors) -> Option<TokenRequestSettings> {
        let url = match self.token_url.trim() {
            "" => Err("Enter the URL Token".to_string()),
            url => HttpUrl::parse(url).map_err(|problem| format!("URL Token {problem}")),
        };
        let url = errors.keep("token_url", url);
        let style = self.token_request_style.parse::<RequestStyle>().map_err(|_| "Choose a request style");
        let style = errors.keep("token_request_style", style);
        let pointer = self.token_pointer.trim().parse::<Typed<TokenLocation>>();
        let pointer = errors.keep("token_pointer", pointer.map_err(|problem| format!("JSON Pointer {problem}")));
        Some(TokenRequestSettings {
            token_url: OrEmpty(Some(url?)),
            token_user: self.token_user.trim().into(),
            token_client_id: self.token_client_id.trim().into(),
            token_scope: self.token_scope.trim().into(),
            token_request_style: style?,
            token_pointer: pointer?,
            token_user_field: self.token_user_field.trim().into(),
            token_password_field: self.token_password_field.trim().into(),
        })
    }

    /// The request that the form asks for.
    pub(super) fn checked(&self, errors: &mut Errors) -> Option<TokenRequest> {
        let settings = self.settings(errors);
        check_length("token_password", "Password", &self.token_password, errors);
        check_length("token_client_secret", "Client Secret", &self.token_client_secret, errors);
        let (password, secret) = (self.token_password.clone(), self.token_client_secret.clone());
        let request = settings?.request(Some(password), Some(secret), ExtraSecrets::default())?;
        if let Err(problem) = request.check() {
            let (name, label) = match problem.field() {
                RequestField::Style => ("token_request_style", "Request style"),
                RequestField::User => ("token_user", "User"),
                RequestField::Password => ("token_password", "Password"),
                RequestField::ClientId => ("token_client_id", "Client ID"),
                RequestField::ClientSecret => ("token_client_secret", "Client Secret"),
            };
            errors.add(name, format!("{label} {problem}"));
        }
        Some(request)
    }
}

/// The fields in “More options”.
pub(super) const MORE: [&str; 7] = [
    "token_client_id",
    "token_client_secret",
    "token_scope",
    "token_request_style",
    "token_pointer",
    "token_user_field",
    "token_password_field",
];

/// Whether “More options” needs to be open: something in it is filled in or wrong.
pub(super) fn more_open(form: &Form<TokenForm>) -> bool {
    let texts = [
        &form.token_client_id,
        &form.token_scope,
        &form.token_pointer,
        &form.token_user_field,
        &form.token_password_field,
    ];
    let filled = texts.iter().any(|text| !text.is_empty());
    filled
        || *form.token_request_style != *RequestStyle::default().code()
        || MORE.iter().any(|name| form.errors.has(name))
}
