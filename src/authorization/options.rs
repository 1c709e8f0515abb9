//! Settings that only some connectors have, in one column of JSON: a new one needs no column of its own.

use serde::{Deserialize, Serialize};

/// What is stored in `authorizations.options`. What is missing has its usual value; an unknown name is an error.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Options {}
