//! The values of a call of an endpoint: variables as JSON, or variables and files as a form.

use std::time::Duration;

use actix_web::dev::Payload;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::calls::read_body;
use super::problem::{BODY_TOO_LARGE, FieldError, MALFORMED, Problem, VARIABLES_DO_NOT_FIT};
use super::request::ApiRequest;
use crate::endpoints::{FileValue, Files, MAX_BODY as MAX_FILES, RenderProblems};
use crate::outbound::Bytes;
use crate::relay::RelayError;
use crate::relay::error::BODY_NOT_READ;
use crate::web::{FormPart, Held, NotRead, is_multipart, read_parts};

/// The largest body of variables.
const MAX_BODY: usize = 10 * 1024 * 1024;

/// The part of a form that has the variables as JSON.
const VARIABLES: &str = "variables";

/// The body of a call: the values of the endpoint's variables.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(examples(json!({ "variables": { "order": { "id": 4711 }, "page": 2 } })))]
pub(super) struct CallRequest {
    /// Values by the names of the variables; `{{order.id}}` is found as `{"order": {"id": …}}`.
    #[schema(value_type = Option<Object>, nullable = false)]
    pub variables: Option<Map<String, Value>>,
}

/// A call as a form. Each other part is the value of the variable that it is called after: a text, or a file if it has a
/// file name.
#[derive(Serialize, ToSchema)]
pub(super) struct CallForm {
    /// Values by the names of the variables.
    #[schema(value_type = Option<Object>, nullable = false)]
    variables: Option<Map<String, Value>>,
}

/// Variables and files, and what counts them as held in memory.
pub(super) async fn read(request: &mut ApiRequest, time: Duration) -> Result<(Value, Files, Held), Problem> {
    let payload = Payload::take(&mut request.payload);
    if !is_multipart(&request.req) {
        let (body, held) = read_body(payload, MAX_BODY, time, request.in_use.bodies()).await?;
        return Ok((Value::Object(variables(&body)?), Files::new(), held));
    }
    let mut held = Held::of(request.in_use.bodies());
    let parts = read_parts(&request.req, payload, (MAX_FILES, time), &mut held).await.map_err(not_read)?;
    let (mut values, mut files) = (Map::new(), Files::new());
    for part in parts {
        let FormPart { name, file_name, content_type, bytes } = part;
        match file_name {
            Some(file_name) => {
                files.insert(name, FileValue { bytes, name: file_name, content_type });
            }
            None if name == VARIABLES => values.extend(json_variables(&bytes)?),
            None => {
                values.insert(name, String::from_utf8_lossy(&bytes).into());
            }
        }
    }
    Ok((Value::Object(values), files, held))
}

/// Why a body was not read, of at most [`MAX_FILES`] bytes.
fn not_read(why: NotRead) -> RelayError {
    match why {
        NotRead::BrokeOff => BODY_NOT_READ.because("The form broke off, or is none."),
        NotRead::TooSlow => BODY_NOT_READ.because("The form did not come in time."),
        NotRead::TooLarge => BODY_TOO_LARGE.because(format!("It has more than {MAX_FILES} bytes.")),
        NotRead::NoRoom => RelayError::no_room(),
    }
}

fn json_variables(json: &[u8]) -> Result<Map<String, Value>, Problem> {
    serde_json::from_slice(json)
        .map_err(|_| MALFORMED.because("The part “variables” of the form is not a JSON object.").into())
}

/// The variables of a body; an empty one has none.
fn variables(body: &Bytes) -> Result<Map<String, Value>, Problem> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    let request: CallRequest = serde_json::from_slice(body).map_err(|error| {
        // Only the position, because the parser's message may quote the body.
        let (line, column) = (error.line(), error.column());
        MALFORMED.because(format!(
            "The body is not a JSON object with the member “variables” (line {line}, column {column})."
        ))
    })?;
    Ok(request.variables.unwrap_or_default())
}

pub(super) fn problem(problems: RenderProblems) -> Problem {
    let errors = problems.0.iter().map(|problem| FieldError {
        variable: None,
        pointer: None,
        detail: problem.sentence().to_string(),
    });
    let errors = Some(errors.collect());
    Problem { errors, ..VARIABLES_DO_NOT_FIT.because(problems.to_string()).into() }
}
