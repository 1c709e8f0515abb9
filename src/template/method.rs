//! The methods of requests.

use serde::{Deserialize, Serialize};

use crate::db::text_enum;
use crate::outbound::http::Method;

text_enum! {
    /// The HTTP method of a request (RFC 9110 9.3, RFC 5789).
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "UPPERCASE")]
    pub enum HttpMethod {
        Get = "GET", "GET";
        Post = "POST", "POST";
        Put = "PUT", "PUT";
        Patch = "PATCH", "PATCH";
        Delete = "DELETE", "DELETE";
        Head = "HEAD", "HEAD";
        Options = "OPTIONS", "OPTIONS";
    }
}

impl HttpMethod {
    /// The same for requests.
    pub fn http(self) -> Method {
        match self {
            HttpMethod::Get => Method::GET,
            HttpMethod::Post => Method::POST,
            HttpMethod::Put => Method::PUT,
            HttpMethod::Patch => Method::PATCH,
            HttpMethod::Delete => Method::DELETE,
            HttpMethod::Head => Method::HEAD,
            HttpMethod::Options => Method::OPTIONS,
        }
    }
}
