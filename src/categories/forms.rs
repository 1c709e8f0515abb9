//! The category form.

use serde::Deserialize;
use validator::Validate;

use super::model::{Category, CategoryStatus, CheckedCategory, parse_name};
use crate::db::StoredValueError;
use crate::web::Errors;
use crate::web::form::{NewId, Text};

#[derive(Default, Deserialize, Validate)]
#[serde(default)]
pub struct CategoryForm {
    pub(super) new_id: NewId,
    pub(super) category_name: Text,
    pub(super) status: Text,
}

impl CategoryForm {
    pub(super) fn empty() -> CategoryForm {
        CategoryForm { status: CategoryStatus::Active.code().into(), ..CategoryForm::default() }
    }

    pub(super) fn of(category: &Category) -> Result<CategoryForm, StoredValueError> {
        let (category_name, status) = (category.name.clone().into(), category.status()?.code().into());
        Ok(CategoryForm { category_name, status, ..CategoryForm::default() })
    }

    pub(super) fn checked(&self, errors: &mut Errors) -> Option<CheckedCategory> {
        let name = errors.keep("category_name", parse_name(&self.category_name));
        let status = errors.keep("status", CategoryStatus::parse(&self.status).ok_or("Choose Active or Inactive"));
        Some(CheckedCategory { name: name?, status: status? })
    }
}
