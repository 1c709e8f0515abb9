//! The ways in which servers want to be asked for a token.

use crate::db::text_enum;

text_enum! {
    /// How a token request carries the sign-in.
    ///
    /// | style | user and password | client id and secret | both |
    /// |---|---|---|---|
    /// | form, JSON | in the body, `grant_type=password` (RFC 6749 4.3.2) | in the body (2.3.1), `grant_type=client_credentials` (4.4.2) | all in the body, `grant_type=password` |
    /// | Basic | the user in the header (RFC 7617), no `grant_type`: no OAuth server works so, and others ignore the body | the client in the header, form-encoded first (RFC 6749 2.3.1), `grant_type=client_credentials` | the client in the header, the user in the body, `grant_type=password` |
    /// | GET | the user in the header | the client in the header, as typed | refused: a URL is no place for secrets |
    ///
    /// With neither, form and JSON ask with `grant_type=client_credentials`: the server may know the
    /// client by its certificate (RFC 8705) or its address. Basic and GET refuse that.
    #[derive(Default)]
    pub enum RequestStyle {
        /// POST with `application/x-www-form-urlencoded`, as OAuth 2.0 asks.
        #[default]
        FormBody = "form", "POST with a form body";
        /// POST with a JSON object.
        JsonBody = "json", "POST with a JSON body";
        /// POST with an `Authorization: Basic` header.
        HttpBasic = "basic", "POST with HTTP Basic";
        /// GET with an `Authorization: Basic` header; only scope and client id stand in the query.
        GetWithBasic = "get", "GET with HTTP Basic";
    }
}
