//! The security headers of every response: Content-Security-Policy (CSP), HSTS and those that stand beside them, for pages
//! and for the API.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CROSS_ORIGIN_OPENER_POLICY, CROSS_ORIGIN_RESOURCE_POLICY, HeaderMap,
    HeaderName, HeaderValue, PERMISSIONS_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY, VARY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

type Header = (HeaderName, &'static str);

static OF_PAGES: [Header; 7] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With no-referrer, browsers would send our own forms with the origin "null".
    (REFERRER_POLICY, "same-origin"),
    (X_FRAME_OPTIONS, "DENY"),
    (CROSS_ORIGIN_OPENER_POLICY, "same-origin"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    (PERMISSIONS_POLICY, "camera=(), geolocation=(), microphone=(), payment=()"),
];

/// Whatever an API responds, no browser runs it in the name of this site.
static OF_API: [Header; 5] = [
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    (CROSS_ORIGIN_RESOURCE_POLICY, "same-origin"),
    (X_FRAME_OPTIONS, "DENY"),
];

/// Sets the headers of a page. `is_secure`: people come over https.
pub(super) fn secure_page(headers: &mut HeaderMap, is_secure: bool) {
    set(headers, &OF_PAGES, is_secure);
}

/// Sets the headers of a response to a program.
pub fn secure_api_response(headers: &mut HeaderMap, is_secure: bool) {
    if headers.contains_key(CACHE_CONTROL) {
        // What an API lets be cached is cached for this key alone.
        headers.append(VARY, HeaderValue::from_static("Authorization, X-Connectory-Key"));
    }
    set(headers, &OF_API, is_secure);
}

fn set(headers: &mut HeaderMap, policies: &'static [Header], is_secure: bool) {
    for (name, value) in policies {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    if is_secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
