//! The editor's form.
//!
//! The buttons that add and remove rows submit the whole form without saving it, so that nothing typed is lost.

mod check;
mod fields;
mod rows;

use uuid::Uuid;

use super::definition::Definition;
use super::model::{BodyKind, Endpoint, EndpointId, HttpMethod, RowKind, describe, suggestion};
use crate::outbound::HttpUrl;
use crate::web::{Error, Errors, FormData};

pub(super) use rows::Rows;

/// The button with which the form was submitted.
pub(super) enum Button {
    /// Show the fields of another body type.
    Show,
    AddRow(RowKind),
    /// With the index of the row.
    RemoveRow(RowKind, usize),
    Save,
}

impl Button {
    pub fn of(data: &FormData) -> Button {
        let pressed = data.get("do").unwrap_or_default();
        if pressed == "show" {
            return Button::Show;
        }
        for kind in RowKind::ALL {
            if pressed == format!("add-{}", kind.code()) {
                return Button::AddRow(kind);
            }
            let removed = pressed.strip_prefix(&format!("remove-{}-", kind.code()));
            let number = removed.and_then(|number| number.parse::<usize>().ok());
            if let Some(index) = number.and_then(|number| number.checked_sub(1)) {
                return Button::RemoveRow(kind, index);
            }
        }
        Button::Save
    }
}

/// The fields as typed.
pub(super) struct EndpointForm {
    /// The id of a new endpoint, made with the empty form, so that pressing twice creates one.
    pub new_id: EndpointId,
    name: String,
    description: String,
    method: String,
    url: String,
    pub parameters: Rows,
    pub headers: Rows,
    body_kind: String,
    body: String,
    pub form_fields: Rows,
    sample: String,
    time_out: String,
    retries: String,
    pub errors: Errors,
    /// The connector's base URL, which the hint of the URL names.
    base_url: Option<HttpUrl>,
    /// The page shows changes that are not saved.
    is_unsaved: bool,
}

impl EndpointForm {
    /// The form of a new endpoint, with the first suggested name that is not `taken`.
    pub fn empty(base_url: Option<HttpUrl>, taken: &[String]) -> EndpointForm {
        let suggested = suggestion(taken);
        EndpointForm {
            new_id: Uuid::now_v7(),
            name: suggested.map_or(String::new(), |(name, _)| name.to_string()),
            description: String::new(),
            method: suggested.map_or(HttpMethod::Get, |(_, method)| method).code().into(),
            url: String::new(),
            parameters: Rows::empty(RowKind::Parameter),
            headers: Rows::empty(RowKind::Header),
            body_kind: BodyKind::None.code().into(),
            body: String::new(),
            form_fields: Rows::empty(RowKind::FormField),
            sample: String::new(),
            time_out: String::new(),
            retries: "0".into(),
            errors: Errors::default(),
            base_url,
            is_unsaved: false,
        }
    }

    pub fn of(endpoint: &Endpoint, base_url: Option<HttpUrl>) -> Result<EndpointForm, Error> {
        let request = endpoint.request().map_err(Error::internal)?;
        Ok(EndpointForm {
            new_id: endpoint.id,
            name: endpoint.name.clone(),
            description: endpoint.description.clone(),
            method: request.method.code().into(),
            url: request.url,
            parameters: Rows::of(RowKind::Parameter, request.parameters),
            headers: Rows::of(RowKind::Header, request.headers),
            body_kind: request.body_kind.code().into(),
            body: request.body,
            form_fields: Rows::of(RowKind::FormField, request.form),
            sample: endpoint.sample.clone(),
            time_out: request.time_out.map_or(String::new(), |seconds| seconds.to_string()),
            retries: request.retries.to_string(),
            errors: Errors::default(),
            base_url,
            is_unsaved: false,
        })
    }

    pub fn read(data: &FormData, base_url: Option<HttpUrl>) -> EndpointForm {
        EndpointForm {
            new_id: data.get("new_id").and_then(|id| id.parse().ok()).unwrap_or_else(Uuid::now_v7),
            name: data.text("endpoint_name"),
            description: data.text("description"),
            method: data.text("http_method"),
            url: data.trimmed("endpoint_url"),
            parameters: Rows::read(RowKind::Parameter, data),
            headers: Rows::read(RowKind::Header, data),
            body_kind: data.text("body_kind"),
            body: data.text("body"),
            form_fields: Rows::read(RowKind::FormField, data),
            sample: data.text("sample"),
            time_out: data.trimmed("time_out"),
            retries: data.trimmed("retries"),
            errors: Errors::default(),
            base_url,
            is_unsaved: false,
        }
    }

    /// Changes the rows; false for Save and Run.
    pub fn apply(&mut self, button: Button) -> bool {
        match button {
            Button::Save => return false,
            Button::Show => {}
            Button::AddRow(kind) => self.rows_mut(kind).add(),
            Button::RemoveRow(kind, index) => self.rows_mut(kind).remove(index),
        }
        self.is_unsaved = true;
        true
    }

    pub fn send_rows_to(&mut self, action: &str) {
        for kind in RowKind::ALL {
            self.rows_mut(kind).send_to(action);
        }
    }

    /// Whether leaving the page would lose changes.
    pub fn is_unsaved(&self) -> bool {
        self.is_unsaved || self.errors.any()
    }

    pub fn mark_unsaved(&mut self) {
        self.is_unsaved = true;
    }

    fn rows_mut(&mut self, kind: RowKind) -> &mut Rows {
        match kind {
            RowKind::Parameter => &mut self.parameters,
            RowKind::Header => &mut self.headers,
            RowKind::FormField => &mut self.form_fields,
        }
    }

    /// The name, for headings.
    pub fn name(&self) -> &str {
        self.name.trim()
    }

    pub fn set_sample(&mut self, sample: String) {
        self.sample = sample;
    }

    fn body_kind(&self) -> BodyKind {
        BodyKind::parse(&self.body_kind).unwrap_or(BodyKind::None)
    }

    /// Labels and values of its fields.
    pub fn describe(&self) -> Vec<(&'static str, String)> {
        describe(self.name(), self.description.trim(), &self.request_as_typed(), &self.sample)
    }

    /// The variables of the typed templates with their defaults; empty while the templates have errors.
    pub fn variables(&self) -> Vec<(String, Option<String>)> {
        let definition = Definition::new(&self.request_as_typed(), self.base_url.as_ref());
        let definition = definition.ok();
        let variables = definition.iter().flat_map(|one| one.variables());
        let words = |variable: &super::template::Variable| {
            let default = variable.default().map(str::to_string);
            (variable.name().to_string(), default)
        };
        variables.map(words).collect()
    }
}
