//! The description of the interface for people, made of the same operations and kinds of problems as the OpenAPI
//! document.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::Value;

use super::openapi::codes;
use super::operations::{Handler, OPERATIONS, Operation};
use super::problem::all_kinds;
use super::types::example;
use crate::relay::ProblemKind;
use crate::web::{Error, Layout, PublicAddress, page};

/// The page.
#[derive(Template)]
#[template(path = "api/description.html")]
struct DescriptionPage {
    layout: Layout,
    address: String,
}

/// Shows the page.
pub async fn show(layout: Layout, address: web::Data<PublicAddress>) -> Result<HttpResponse, Error> {
    let address = address.to_string();
    page(StatusCode::OK, &DescriptionPage { layout, address })
}

impl DescriptionPage {
    fn operations(&self) -> &'static [Operation] {
        OPERATIONS
    }

    fn kinds(&self) -> Vec<&'static ProblemKind> {
        all_kinds().collect()
    }
}

impl Operation {
    fn method_word(&self) -> &'static str {
        match self.method {
            "ANY" => "Any method",
            method => method,
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.handler, Handler::Open(_))
    }

    fn kinds(&self) -> Vec<&'static ProblemKind> {
        codes(self)
    }

    /// The address with an example in the place of each part.
    fn example_path(&self) -> String {
        let parts = self.parameters.iter();
        parts.fold(self.path.to_string(), |path, part| path.replace(&format!("{{{}}}", part.name), part.example))
    }

    /// A call as it is typed into a layout.
    fn command(&self, address: &str) -> String {
        let mut command = String::from("curl");
        if self.method == "POST" {
            command.push_str(" --request POST");
        }
        if !self.is_open() {
            command.push_str(" --header \"Authorization: Bearer $CONNECTORY_KEY\"");
        }
        if let Some(name) = self.takes {
            command.push_str(&format!(" --json '{}'", example(name)));
        }
        format!("{command} {address}{}", self.example_path())
    }

    /// What a good answer looks like.
    fn answer(&self) -> String {
        let example = self.gives.map(example).unwrap_or(Value::Null);
        if example.is_null() {
            return String::new();
        }
        serde_json::to_string_pretty(&example).unwrap_or_default()
    }
}
