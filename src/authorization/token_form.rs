//! The form of the Request token page.

use serde::{Deserialize, Serialize};

use super::secret_field::check_length;
use super::settings::{StoredSettings, TokenRequestSettings, url_text};
use crate::db::{OrEmpty, Typed};
use crate::oauth::{RequestField, RequestStyle, TokenLocation, TokenRequest};
use crate::outbound::HttpUrl;
use crate::vault::Secret;
use crate::web::{Errors, FormData};

/// The longest text of a line, in characters.
const LONGEST: usize = 1000;

/// The fields of the form but the secrets.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct TokenFields {
    pub url: String,
    pub user: String,
    pub client_id: String,
    pub scope: String,
    pub style: String,
    pub pointer: String,
}

impl TokenFields {
    /// Those of the connector's last token request; at first with the user of the connector.
    pub fn of(stored: &StoredSettings) -> TokenFields {
        let request = &stored.token_request;
        let is_first = request.token_url.as_ref().is_none();
        TokenFields {
            url: url_text(&request.token_url).into(),
            user: if is_first { stored.user_name.clone() } else { request.token_user.clone() },
            client_id: request.token_client_id.clone(),
            scope: request.token_scope.clone(),
            style: request.token_request_style.code().into(),
            pointer: request.token_pointer.text().into(),
        }
    }

    /// The settings that they make; `None` leaves the messages in `errors`.
    pub fn check(&self, errors: &mut Errors) -> Option<TokenRequestSettings> {
        let url = match self.url.as_str() {
            "" => Err("Enter the URL Token".to_string()),
            url => HttpUrl::parse(url).map_err(|problem| format!("URL Token {problem}")),
        };
        let url = errors.keep("token_url", url);
        let style = self.style.parse::<RequestStyle>().map_err(|_| "Choose a request style");
        let style = errors.keep("token_request_style", style);
        let pointer = self.pointer.parse::<Typed<TokenLocation>>().map_err(|problem| format!("JSON Pointer {problem}"));
        let pointer = errors.keep("token_pointer", pointer);
        let lines = [("token_user", &self.user), ("token_client_id", &self.client_id), ("token_scope", &self.scope)];
        for (name, _) in lines.iter().filter(|(_, text)| text.chars().count() > LONGEST) {
            errors.add(*name, "Use 1,000 characters or fewer");
        }
        Some(TokenRequestSettings {
            token_url: OrEmpty(Some(url?)),
            token_user: self.user.clone(),
            token_client_id: self.client_id.clone(),
            token_scope: self.scope.clone(),
            token_request_style: style?,
            token_pointer: pointer?,
        })
    }
}

/// The form. Secrets are read apart and never stay here.
pub(super) struct TokenForm {
    pub fields: TokenFields,
    pub errors: Errors,
}

impl TokenForm {
    pub fn new(fields: TokenFields) -> TokenForm {
        TokenForm { fields, errors: Errors::default() }
    }

    pub fn read(data: &FormData) -> TokenForm {
        TokenForm::new(TokenFields {
            url: data.trimmed("token_url"),
            user: data.trimmed("token_user"),
            client_id: data.trimmed("token_client_id"),
            scope: data.trimmed("token_scope"),
            style: data.trimmed("token_request_style"),
            pointer: data.trimmed("token_pointer"),
        })
    }

    /// The request that the form asks for; `None` leaves the messages in the form.
    pub fn check(&mut self, password: &Secret, client_secret: &Secret) -> Option<TokenRequest> {
        let settings = self.fields.check(&mut self.errors);
        for (name, label, secret) in
            [("token_password", "Password", password), ("token_client_secret", "Client Secret", client_secret)]
        {
            check_length(name, label, secret, &mut self.errors);
        }
        let request = settings?.request(Some(password.clone()), Some(client_secret.clone()))?;
        if let Err(problem) = request.check() {
            let (name, label) = field_of(problem.field());
            self.errors.add(name, format!("{label} {problem}"));
        }
        if self.errors.any() { None } else { Some(request) }
    }

    /// Whether “More options” needs to be open: something in it is filled in or wrong.
    pub fn more_open(&self) -> bool {
        let fields = &self.fields;
        let filled = [&fields.client_id, &fields.scope, &fields.pointer].iter().any(|text| !text.is_empty());
        let wrong = ["token_client_id", "token_client_secret", "token_scope", "token_request_style", "token_pointer"];
        filled
            || fields.style != RequestStyle::default().code()
            || wrong.iter().any(|name| self.errors.get(name).is_some())
    }
}

fn field_of(field: RequestField) -> (&'static str, &'static str) {
    match field {
        RequestField::Style => ("token_request_style", "Request style"),
        RequestField::User => ("token_user", "User"),
        RequestField::Password => ("token_password", "Password"),
        RequestField::ClientId => ("token_client_id", "Client ID"),
        RequestField::ClientSecret => ("token_client_secret", "Client Secret"),
    }
}
