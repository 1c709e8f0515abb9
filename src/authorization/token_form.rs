//! The form of the Request token page.

use serde::{Deserialize, Serialize};

use super::model::{Authorization, SecretField};
use super::oauth_client::stored;
use super::origins::{SecretError, for_url};
use super::queries::SealedValues;
use super::secret_field::check_length;
use crate::oauth::{RequestField, RequestStyle, TokenLocation, TokenRequest};
use crate::outbound::{HttpUrl, Transport};
use crate::vault::{Secret, Vault};
use crate::web::{Error, Errors, FormData, Option_, SelectField, TextField};

/// The longest text of a line, in characters.
const LONGEST: usize = 1000;

/// What is asked of a token server, apart from the secrets.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct TokenQuestion {
    pub url: String,
    pub user: String,
    pub client_id: String,
    pub scope: String,
    pub style: String,
    pub pointer: String,
}

impl TokenQuestion {
    /// What the connector's last token request asked; at first the user who creates the connector.
    pub fn of(stored: &Authorization) -> TokenQuestion {
        let user = if stored.token_url.is_empty() { &stored.user_name } else { &stored.token_user };
        TokenQuestion {
            url: stored.token_url.clone(),
            user: user.clone(),
            client_id: stored.token_client_id.clone(),
            scope: stored.token_scope.clone(),
            style: stored.token_request_style.clone(),
            pointer: stored.token_pointer.clone(),
        }
    }
}

/// The form: the question, and what is wrong with it. Secrets are read apart and never kept here.
pub(super) struct TokenForm {
    pub question: TokenQuestion,
    pub errors: Errors,
}

impl TokenForm {
    pub fn new(question: TokenQuestion) -> TokenForm {
        TokenForm { question, errors: Errors::default() }
    }

    pub fn read(data: &FormData) -> TokenForm {
        TokenForm::new(TokenQuestion {
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
        let question = self.question.clone();
        if question.url.is_empty() {
            self.errors.add("token_url", "Enter the URL Token");
        }
        let url = HttpUrl::parse(&question.url).map_err(|problem| format!("URL Token {problem}"));
        let url = if question.url.is_empty() { None } else { self.errors.keep("token_url", url) };
        let style = self
            .errors
            .keep("token_request_style", question.style.parse::<RequestStyle>().map_err(|_| "Choose a request style"));
        let location = self.errors.keep(
            "token_pointer",
            question.pointer.parse::<TokenLocation>().map_err(|problem| format!("JSON Pointer {problem}")),
        );
        for (name, text) in
            [("token_user", &question.user), ("token_client_id", &question.client_id), ("token_scope", &question.scope)]
        {
            if text.chars().count() > LONGEST {
                self.errors.add(name, "Use 1,000 characters or fewer");
            }
        }
        for (name, label, secret) in
            [("token_password", "Password", password), ("token_client_secret", "Client Secret", client_secret)]
        {
            check_length(name, label, secret, &mut self.errors);
        }
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let request = TokenRequest {
            url: url?,
            style: style?,
            user: some(question.user),
            password: Some(password.clone()).filter(|secret| !secret.is_empty()),
            client_id: some(question.client_id),
            client_secret: Some(client_secret.clone()).filter(|secret| !secret.is_empty()),
            scope: some(question.scope),
            location: location?,
        };
        if let Err(problem) = request.check() {
            let (name, label) = field_of(problem.field());
            self.errors.add(name, format!("{label} {problem}"));
        }
        if self.errors.any() { None } else { Some(request) }
    }

    pub fn url_field(&self) -> TextField {
        TextField::url("token_url", "URL Token", &self.question.url)
            .hint("Where the server gives out access tokens.")
            .errors(&self.errors)
    }

    pub fn user_field(&self) -> TextField {
        TextField::new("token_user", "User", &self.question.user).optional().width("w28").errors(&self.errors)
    }

    pub fn password_field(&self) -> TextField {
        TextField::secret("token_password", "Password").optional().hint("Never filled in for you.").errors(&self.errors)
    }

    pub fn client_id_field(&self) -> TextField {
        TextField::new("token_client_id", "Client ID", &self.question.client_id)
            .optional()
            .width("w28")
            .errors(&self.errors)
    }

    pub fn client_secret_field(&self) -> TextField {
        TextField::secret("token_client_secret", "Client Secret").optional().errors(&self.errors)
    }

    pub fn scope_field(&self) -> TextField {
        TextField::new("token_scope", "Scope", &self.question.scope)
            .optional()
            .hint("Separate several with spaces.")
            .errors(&self.errors)
    }

    pub fn style_field(&self) -> SelectField {
        let options = RequestStyle::ALL.map(|style| Option_::new(style.code(), style.label())).into();
        SelectField::new("token_request_style", "Request style", options, &self.question.style).errors(&self.errors)
    }

    pub fn pointer_field(&self) -> TextField {
        TextField::new("token_pointer", "Where the token stands in the answer", &self.question.pointer)
            .optional()
            .hint("A JSON Pointer such as /data/token. Leave empty to have it found.")
            .width("w28")
            .errors(&self.errors)
    }

    /// Whether “More options” needs to be open: something in it is filled in or wrong.
    pub fn more_open(&self) -> bool {
        let question = &self.question;
        let filled = [&question.client_id, &question.scope, &question.pointer].iter().any(|text| !text.is_empty());
        let wrong = ["token_client_id", "token_client_secret", "token_scope", "token_request_style", "token_pointer"];
        filled
            || question.style != RequestStyle::default().code()
            || wrong.iter().any(|name| self.errors.get(name).is_some())
    }
}

/// The request that Keep it fresh has stored.
pub(super) fn stored_request(
    vault: &Vault,
    settings: &Authorization,
    sealed: &SealedValues,
    transport: &Transport,
) -> Result<TokenRequest, SecretError> {
    let url = stored(HttpUrl::parse(&settings.token_url))?;
    let open = |field| -> Result<Secret, SecretError> {
        let secret = for_url(sealed.secret(vault, field)?.as_ref(), &url, transport)?;
        Ok(secret.unwrap_or_else(|| Secret::new(String::new())))
    };
    let password = open(SecretField::TokenPassword)?;
    let client_secret = open(SecretField::TokenClientSecret)?;
    let mut form = TokenForm::new(TokenQuestion::of(settings));
    let request = form.check(&password, &client_secret);
    Ok(request.ok_or_else(|| Error::internal(anyhow::anyhow!("a stored token request is not in order")))?)
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
