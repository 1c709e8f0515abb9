//! The form of a connector: the create page has all of it but `enabled`, the Details tab all but the method.

use serde::Deserialize;
use validator::Validate;

use super::model::{Connector, DOCUMENTATION, Details, NewConnector, parse_name};
use super::owner::{Owner, OwnerProblem, Stewardship};
use super::queries::SavedDetails;
use super::{ConnectorKey, LegacyGrants, Method};
use crate::categories::{self, CategoryChoice, CategoryId, UNCATEGORIZED};
use crate::name::Name;
use crate::outbound::HttpUrl;
use crate::web::form::{NewId, Text, ticked};
use crate::web::{Choice, Errors};

/// The longest fragment of a documentation link, in characters.
const LONGEST_FRAGMENT: usize = 500;

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct ConnectorForm {
    pub(super) new_id: NewId,
    pub(super) connector_name: Text,
    #[validate(length(max = 255, message = "Display name must be 255 characters or fewer"))]
    pub(super) display_name: Text,
    /// Empty for one that is made from the name, and where it stays as it is.
    pub(super) connector_key: Text,
    #[validate(length(max = 4000, message = "Description must be 4,000 characters or fewer"))]
    pub(super) description: Text,
    pub(super) base_url: Text,
    pub(super) auth_method: Text,
    category: Vec<String>,
    /// The name of a category that is created with the connector.
    pub(super) new_category: Text,
    #[serde(deserialize_with = "ticked")]
    pub(super) enabled: bool,
    /// The name of a user or a group.
    pub(super) owner: Text,
    #[validate(length(max = 255, message = "Contact must be 255 characters or fewer"))]
    pub(super) contact: Text,
    pub(super) documentation_url: Text,
    #[validate(length(max = 10_000, message = "Notes must be 10,000 characters or fewer"))]
    pub(super) notes: Text,
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
        let (details, stewardship) = (&connector.details, &connector.stewardship);
        ConnectorForm {
            connector_name: details.name.to_string().into(),
            display_name: details.display_name.clone().into(),
            connector_key: connector.key.clone().into(),
            description: details.description.clone().into(),
            base_url: details.base_url.as_ref().map_or("", HttpUrl::as_str).into(),
            category: categories.iter().map(CategoryId::to_string).collect(),
            enabled: details.enabled,
            owner: connector.owner_name.clone().into(),
            contact: stewardship.contact.clone().into(),
            documentation_url: stewardship.documentation_url.clone().into(),
            notes: stewardship.notes.clone().into(),
            ..ConnectorForm::default()
        }
    }

    /// The typed values in the order of [`Details::labelled`].
    pub(super) fn values(&self, categories: &str) -> [String; 10] {
        // As it is stored, if it is one.
        let base_url = HttpUrl::parse(&self.base_url).map(|url| url.as_str().to_string());
        [
            self.connector_name.trim().into(),
            self.display_name.trim().into(),
            self.description.trim().into(),
            base_url.unwrap_or_else(|_| self.base_url.trim().into()),
            categories.into(),
            if self.enabled { "Enabled" } else { "Disabled" }.into(),
            self.owner.single_spaced(),
            self.contact.single_spaced(),
            documentation_url(&self.documentation_url).unwrap_or_else(|_| self.documentation_url.trim().into()),
            self.notes.trim().into(),
        ]
    }

    /// The new connector, which is enabled, and the name of the category that is created with it. A description is asked
    /// for here.
    pub(super) fn checked_new(
        &self,
        choices: &[CategoryChoice],
        grants: LegacyGrants,
        errors: &mut Errors,
    ) -> Option<(NewConnector, Option<Name>)> {
        if self.description.trim().is_empty() {
            errors.add("description", "Enter a description");
        }
        let method = self.checked_method(grants, errors);
        let new_category = self.checked_new_category(choices, errors);
        let mut categories = self.checked_categories(choices, new_category.is_some(), errors);
        if new_category.is_some() {
            categories.retain(|id| *id != UNCATEGORIZED);
        }
        let key = self.checked_key(errors);
        let details = Details { enabled: true, ..self.checked_details(Ok(None), errors)? };
        let new = NewConnector { id: self.new_id.0, key: key?, details, method: method?, categories };
        Some((new, new_category))
    }

    fn checked_new_category(&self, choices: &[CategoryChoice], errors: &mut Errors) -> Option<Name> {
        if self.new_category.trim().is_empty() {
            return None;
        }
        let name = errors.keep("new_category", categories::parse_name(&self.new_category))?;
        if choices.iter().any(|choice| crate::name::key(&choice.name) == name.key()) {
            errors.name_taken("new_category", "category", name.as_str());
        }
        Some(name)
    }

    /// What is saved of the connector that has the `key` now, with the owner whom the typed name means.
    pub(super) fn checked(
        &self,
        key: &str,
        choices: &[CategoryChoice],
        owner: Result<Option<Owner>, OwnerProblem>,
        errors: &mut Errors,
    ) -> Option<SavedDetails> {
        let categories = self.checked_categories(choices, false, errors);
        let new_key = if self.connector_key.trim() == key { Some(None) } else { self.checked_key(errors) };
        let details = self.checked_details(owner, errors)?;
        Some(SavedDetails { details, categories, key: new_key? })
    }

    /// The typed key, if there is one.
    fn checked_key(&self, errors: &mut Errors) -> Option<Option<ConnectorKey>> {
        match self.connector_key.trim() {
            "" => Some(None),
            typed => errors.keep("connector_key", ConnectorKey::parse(typed)).map(Some),
        }
    }

    /// The ticked categories, of which there is one unless another is created.
    fn checked_categories(&self, choices: &[CategoryChoice], creates: bool, errors: &mut Errors) -> Vec<CategoryId> {
        let categories: Vec<CategoryId> = self.chosen(choices).map(|choice| choice.id).collect();
        if categories.is_empty() && !creates {
            errors.add("category", "Choose at least one category");
        }
        categories
    }

    fn checked_details(&self, owner: Result<Option<Owner>, OwnerProblem>, errors: &mut Errors) -> Option<Details> {
        let name = errors.keep("connector_name", parse_name(&self.connector_name));
        let base_url = self.checked_base_url(errors);
        let owner = errors.keep("owner", owner);
        let documentation_url = errors.keep("documentation_url", documentation_url(&self.documentation_url));
        let stewardship = Stewardship {
            contact: self.contact.single_spaced(),
            documentation_url: documentation_url?,
            notes: self.notes.trim().into(),
            ..Stewardship::default()
        };
        Some(Details {
            name: name?,
            display_name: self.display_name.single_spaced(),
            description: self.description.trim().into(),
            base_url: base_url?,
            enabled: self.enabled,
            stewardship: stewardship.owned_by(owner?),
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
}

/// The URL of a documentation as it is stored; empty for none. Other than the URLs of requests it can have a fragment.
fn documentation_url(typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(String::new());
    }
    let (page, fragment) = typed.split_once('#').map_or((typed, None), |(page, fragment)| (page, Some(fragment)));
    let url = HttpUrl::parse(page).map_err(|problem| format!("{DOCUMENTATION} {problem}"))?;
    match fragment {
        None => Ok(url.as_str().into()),
        Some(fragment) if fragment.contains(|letter: char| letter.is_whitespace() || letter.is_control()) => {
            Err(format!("{DOCUMENTATION} must not contain spaces or line breaks"))
        }
        Some(fragment) if fragment.chars().count() > LONGEST_FRAGMENT => {
            Err(format!("{DOCUMENTATION} must have {LONGEST_FRAGMENT} characters or fewer after #"))
        }
        Some(fragment) => Ok(format!("{}#{fragment}", url.as_str())),
    }
}
