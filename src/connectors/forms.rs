//! The form of a connector: the create page has all of it but `enabled`, the Details tab all but the method.

use serde::Deserialize;
use validator::Validate;

use super::model::{CheckedDetails, Connector, NewConnector, parse_name};
use super::{LegacyGrants, Method};
use crate::categories::{CategoryChoice, CategoryId, UNCATEGORIZED};
use crate::name::Name;
use crate::outbound::HttpUrl;
use crate::web::form::{NewId, Text, ticked};
use crate::web::{Choice, Errors};

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct ConnectorForm {
    pub(super) new_id: NewId,
    pub(super) connector_name: String,
    #[validate(length(max = 255, message = "Display name must be 255 characters or fewer"))]
    pub(super) display_name: Text,
    #[validate(length(max = 4000, message = "Description must be 4,000 characters or fewer"))]
    pub(super) description: Text,
    pub(super) base_url: String,
    pub(super) auth_method: String,
    category: Vec<String>,
    #[serde(deserialize_with = "ticked")]
    pub(super) enabled: bool,
}

impl ConnectorForm {
    pub(super) fn empty() -> ConnectorForm {
        ConnectorForm {
            auth_method: Method::NoAuth.code().into(),
            category: vec![UNCATEGORIZED.to_string()],
            ..ConnectorForm::default()
        }
    }

    pub(super) fn of(connector: &Connector, categories: &[CategoryId]) -> ConnectorForm {
        ConnectorForm {
            connector_name: connector.name.clone(),
            display_name: connector.display_name.clone().into(),
            description: connector.description.clone().into(),
            base_url: connector.base_url.as_ref().map_or("", HttpUrl::as_str).into(),
            category: categories.iter().map(CategoryId::to_string).collect(),
            enabled: connector.enabled,
            ..ConnectorForm::default()
        }
    }

    /// The new connector. A description is asked for here.
    pub(super) fn checked_new(
        &self,
        choices: &[CategoryChoice],
        grants: LegacyGrants,
        errors: &mut Errors,
    ) -> Option<NewConnector> {
        if self.description.trim().is_empty() {
            errors.add("description", "Enter a description");
        }
        let name = self.checked_name(errors);
        let base_url = self.checked_base_url(errors);
        let method = self.checked_method(grants, errors);
        let categories = self.checked_categories(choices, errors);
        Some(NewConnector {
            id: self.new_id.0,
            name: name?,
            display_name: self.display_name.single_spaced(),
            description: self.description.trim().into(),
            base_url: base_url?,
            method: method?,
            categories: categories?,
            enabled: true,
        })
    }

    /// The new Details of this connector. Removing the base URL sends secrets nowhere.
    pub(super) fn checked_details(
        &self,
        old: &Connector,
        choices: &[CategoryChoice],
        errors: &mut Errors,
    ) -> Option<CheckedDetails> {
        let name = self.checked_name(errors);
        let base_url = self.checked_base_url(errors);
        let categories = self.checked_categories(choices, errors);
        let base_url = base_url?;
        let origin = |url: &Option<HttpUrl>| url.as_ref().map(|url| url.origin().to_string());
        Some(CheckedDetails {
            name: name?,
            display_name: self.display_name.single_spaced(),
            description: self.description.trim().into(),
            categories: categories?,
            enabled: self.enabled,
            has_new_origin: base_url.is_some() && origin(&base_url) != origin(&old.base_url),
            base_url,
        })
    }

    fn checked_method(&self, grants: LegacyGrants, errors: &mut Errors) -> Option<Method> {
        let method = match Method::parse(&self.auth_method) {
            None => Err("Choose an authentication type".to_string()),
            Some(method) if !grants.allow(method) => {
                Err(format!("{} is switched off here. Choose another authentication type.", method.label()))
            }
            Some(method) => Ok(method),
        };
        errors.keep("auth_method", method)
    }

    fn checked_name(&self, errors: &mut Errors) -> Option<Name> {
        errors.keep("connector_name", parse_name(&self.connector_name))
    }

    fn checked_base_url(&self, errors: &mut Errors) -> Option<Option<HttpUrl>> {
        if self.base_url.trim().is_empty() {
            return Some(None);
        }
        let checked = HttpUrl::parse(&self.base_url).map_err(|problem| format!("Base URL {problem}")).and_then(|url| {
            match url.has_step() {
                true => Err("Base URL has an encoded “.” or “..” in its path".to_string()),
                false => Ok(Some(url)),
            }
        });
        errors.keep("base_url", checked)
    }

    fn checked_categories(&self, choices: &[CategoryChoice], errors: &mut Errors) -> Option<Vec<CategoryId>> {
        let chosen: Vec<CategoryId> = self.chosen(choices).map(|choice| choice.id).collect();
        let checked = if chosen.is_empty() { Err("Choose at least one category") } else { Ok(chosen) };
        errors.keep("category", checked)
    }

    fn chosen<'a>(&self, choices: &'a [CategoryChoice]) -> impl Iterator<Item = &'a CategoryChoice> {
        choices.iter().filter(|choice| self.has_category(choice))
    }

    fn has_category(&self, choice: &CategoryChoice) -> bool {
        self.category.contains(&choice.id.to_string())
    }

    /// The boxes of the categories.
    pub(super) fn categories(&self, choices: &[CategoryChoice]) -> Vec<Choice> {
        let choice = |choice: &CategoryChoice| Choice {
            value: choice.id.to_string(),
            label: choice.name.clone(),
            ticked: self.has_category(choice),
            note: if choice.is_active() { "" } else { "inactive" },
        };
        choices.iter().map(choice).collect()
    }

    /// The names of the chosen categories.
    pub(super) fn category_names(&self, choices: &[CategoryChoice]) -> String {
        let mut names: Vec<&str> = self.chosen(choices).map(|choice| choice.name.as_str()).collect();
        names.sort_unstable();
        names.join(", ")
    }

    /// The base URL as it would be stored; as typed if it is none.
    pub(super) fn normal_base_url(&self) -> String {
        HttpUrl::parse(&self.base_url).map_or(self.base_url.clone(), |url| url.as_str().to_string())
    }
}
