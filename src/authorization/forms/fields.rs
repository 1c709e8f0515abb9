//! The fields that the tab shows.

use super::AuthorizationForm;
use crate::authorization::model::{ApiKeyPlace, SecretField, StoredSecret};
use crate::authorization::secret_field::SecretInput;
use crate::outbound::Origin;
use crate::web::{CheckList, Choice, Option_, SelectField, TextField, date};

impl AuthorizationForm {
    pub fn method_field(&self) -> SelectField {
        let options = self
            .grants
            .choices(Some(self.before.method))
            .into_iter()
            .map(|method| Option_::new(method.code(), method.label()))
            .collect();
        SelectField::new("auth_method", "Method", options, &self.fields.auth_method)
            .hint("The fields after it change with the method. Saving another method removes the stored secrets of the one before.")
            .switches("Showing fields for {}")
            .errors(&self.errors)
    }

    /// The origins of endpoints to which a secret that is entered now may be sent, too; `None` without any.
    pub fn origins_field(&self) -> Option<CheckList> {
        let choice = |origin: &Origin| {
            let origin = origin.to_string();
            Choice { ticked: self.ticked_origins.contains(&origin), value: origin.clone(), label: origin, note: "" }
        };
        let choices: Vec<Choice> = self.waiting_origins.iter().map(choice).collect();
        let field = CheckList::new("approve_origin", "May be sent to endpoints on", choices);
        let hint = "Endpoints of this data connector lie on these servers too. Calls to a server that you do not tick are refused until somebody approves it.";
        (!self.waiting_origins.is_empty()).then(|| field.hint(hint).errors(&self.errors))
    }

    pub fn user_field(&self) -> TextField {
        TextField::new("user_name", "User", &self.fields.user_name).width("w28").errors(&self.errors)
    }

    pub fn password_input(&self) -> SecretInput {
        self.secret_input(SecretField::Password).hint("Stored encrypted and never shown again.")
    }

    pub fn token_input(&self) -> SecretInput {
        let stored = self.pasted_token().map(|token| StoredSecret {
            field: "token".into(),
            set_at: token.obtained_at,
            set_by: token.set_by.clone(),
        });
        SecretInput::new("token", "Token", stored, self.chosen("token"), &self.errors)
            .hint("Stored encrypted. Paste one, or use Get Access Token to request one.")
    }

    pub fn api_key_place_field(&self) -> SelectField {
        let options = ApiKeyPlace::ALL.map(|place| Option_::new(place.code(), place.label())).into();
        SelectField::new("api_key_place", "Sent as", options, &self.fields.api_key_place).errors(&self.errors)
    }

    pub fn api_key_name_field(&self) -> TextField {
        TextField::new("api_key_name", "Name of the header or parameter", &self.fields.api_key_name)
            .hint("Such as X-API-Key.")
            .width("w28")
            .errors(&self.errors)
    }

    pub fn api_key_prefix_field(&self) -> TextField {
        TextField::new("api_key_prefix", "Prefix", &self.fields.api_key_prefix)
            .optional()
            .hint("Put before the key with a space, such as Token.")
            .width("w20")
            .errors(&self.errors)
    }

    pub fn api_key_input(&self) -> SecretInput {
        self.secret_input(SecretField::ApiKey).hint("Stored encrypted and never shown again.")
    }

    pub(super) fn secret_input(&self, field: SecretField) -> SecretInput {
        SecretInput::new(field.code(), field.label(), self.stored(field), self.chosen(field.code()), &self.errors)
    }

    /// “Set on 3 May 2026 by Ana Ruiz” for a viewer who may not change it.
    pub fn secret_words(&self, field: SecretField) -> String {
        self.stored(field)
            .map_or("Not set".into(), |secret| format!("Set on {} by {}", date(&secret.set_at), secret.set_by))
    }
}
