//! What programs send and get.

use serde_json::{Map, Value, json};

use super::schema::object;

object! {
    /// The body of a call: what the endpoint's variables become.
    CallRequest {
        /// Values by the names of the variables; `{{order.id}}` is found as `{"order": {"id": …}}`.
        variables: Option<Map<String, Value>>,
    }
}

object! {
    /// What is asked of an access token.
    TokenRequest {
        /// How many seconds the token must still live, at most a day. Where tokens live shorter than twice this, half
        /// their life is enough.
        min_ttl: Option<u64>,
    }
}

object! {
    /// The access token of a data connector.
    Token {
        /// The token itself. Treat it like a password.
        access_token: String,
        /// How to present it, usually Bearer (RFC 6750).
        token_type: String,
        /// Seconds until it ends; left out if it does not say when.
        expires_in: Option<u64>,
        /// When it ends (RFC 3339, UTC); left out if it does not say when.
        expires_at: Option<String>,
    }
}

object! {
    /// Data connectors that the API key leads to.
    ConnectorList {
        /// In the order of their keys.
        connectors: Vec<ConnectorEntry>,
        /// Where the next ones are; left out on the last page.
        next: Option<String>,
    }
}

object! {
    /// A data connector in a list.
    ConnectorEntry {
        /// What stands for it in addresses; it never changes.
        key: String,
        /// Its name.
        name: String,
        /// Its state: disabled, expiring, failing, healthy, needs_reauthorization or not_authorized.
        status: String,
        /// Where it is described.
        href: String,
    }
}

object! {
    /// A data connector with what the API key may do with it.
    ConnectorDetails {
        /// What stands for it in addresses; it never changes.
        key: String,
        /// Its name.
        name: String,
        /// What it is for.
        description: String,
        /// Its state: disabled, expiring, failing, healthy, needs_reauthorization or not_authorized.
        status: String,
        /// Whether the key may use the proxy, with at least one method.
        proxy: bool,
        /// Whether the key may read the access token.
        token: bool,
        /// The endpoints that the key may call.
        endpoints: Vec<EndpointEntry>,
    }
}

object! {
    /// An endpoint of a data connector.
    EndpointEntry {
        /// Its name, which stands in addresses, percent-encoded.
        name: String,
        /// What it is for.
        description: String,
        /// The HTTP method of the request that it makes.
        method: String,
        /// What its variables are.
        variables: Vec<VariableEntry>,
        /// Where it is called.
        href: String,
    }
}

object! {
    /// A variable of an endpoint.
    VariableEntry {
        /// Its name, with dots for members of objects.
        name: String,
        /// Its value if none is sent; left out for one without.
        default: Option<String>,
    }
}

object! {
    /// What went wrong, if the answer is Connectory's and not the API's (RFC 9457).
    ProblemDocument {
        /// The address at which the kind of problem is described.
        r#type: String,
        /// The kind in words.
        title: String,
        /// The status of the answer.
        status: u64,
        /// What happened.
        detail: String,
        /// This very occurrence.
        instance: String,
        /// The kind as a word that never changes.
        code: String,
        /// What to try.
        remedy: String,
        /// The name of the request in Connectory’s logs.
        request_id: String,
        /// Seconds after which it may be tried again; left out where waiting does not help.
        retry_after: Option<u64>,
        /// What does not fit, one by one; left out where there is nothing more to tell.
        errors: Option<Vec<FieldError>>,
    }
}

object! {
    /// A value that does not fit.
    FieldError {
        /// The variable’s name, where it is about one.
        variable: Option<String>,
        /// What is wrong with it.
        detail: String,
    }
}

/// Examples of each, which the description shows; a test holds them to the schemas.
pub(super) fn example(name: &str) -> Value {
    match name {
        "CallRequest" => json!({ "variables": { "order": { "id": 4711 }, "page": 2 } }),
        "TokenRequest" => json!({ "min_ttl": 300 }),
        "Token" => json!({
            "access_token": "2YotnFZFEjr1zCsicMWpAA", "token_type": "Bearer",
            "expires_in": 3540, "expires_at": "2026-05-03T14:31:07Z",
        }),
        "ConnectorList" => json!({ "connectors": [{
            "key": "payroll-ledger", "name": "Payroll ledger", "status": "healthy",
            "href": "/api/v1/connectors/payroll-ledger",
        }] }),
        "ConnectorDetails" => json!({
            "key": "payroll-ledger", "name": "Payroll ledger", "description": "Salaries and their bookings",
            "status": "healthy", "proxy": true, "token": false,
            "endpoints": [{
                "name": "list", "description": "All bookings of a month", "method": "GET",
                "variables": [{ "name": "month" }, { "name": "page", "default": "1" }],
                "href": "/api/v1/connectors/payroll-ledger/endpoints/list/call",
            }],
        }),
        "ProblemDocument" => json!({
            "type": "https://connectory.example.org/api/v1#key_expired",
            "title": "The API key has expired", "status": 401,
            "detail": "This API key has expired.",
            "instance": "urn:connectory:request:019a2b3c4d5e7f8090a1b2c3d4e5f607",
            "code": "key_expired", "remedy": "Ask its owner for a new one.",
            "request_id": "019a2b3c4d5e7f8090a1b2c3d4e5f607",
        }),
        _ => Value::Null,
    }
}
