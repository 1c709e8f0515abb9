//! What a refusal means: the table of the codes and texts with which servers refuse, each row with its source.
//!
//! Rule: the first row that fits counts. Rows of what passes by itself are first, because servers also send them under a
//! code that is final elsewhere. What fits no row is temporary: see [`super::TokenError::is_final`], which also looks at
//! the status.

mod said;

use super::error::ErrorCode::{self, *};
use super::remedy::RequestKind;
use super::response_document::Document;
use said::Said;

/// How a refusal is known.
#[derive(Clone, Copy)]
enum Sign {
    /// A member that holds a code has this text, without regard to case.
    Code(&'static str),
    /// A member of this name, without signs, has this number.
    Number(&'static str, i64),
    /// The texts hold one of each list. They are compared in lower case with one space between words.
    Words(&'static [&'static [&'static str]]),
}

struct Row {
    sign: Sign,
    /// The requests for which the row counts; empty for all.
    only: &'static [RequestKind],
    code: ErrorCode,
}

const fn code(text: &'static str, code: ErrorCode) -> Row {
    Row { sign: Sign::Code(text), only: &[], code }
}

const fn number(name: &'static str, number: i64, code: ErrorCode) -> Row {
    Row { sign: Sign::Number(name, number), only: &[], code }
}

const fn words(only: &'static [RequestKind], words: &'static [&'static [&'static str]], code: ErrorCode) -> Row {
    Row { sign: Sign::Words(words), only, code }
}

/// What asks to come again, whatever its code.
const LATER: &[&[&str]] = &[&[
    "retry your request",
    "try again later",
    "try again in ",
    "try again after",
    "temporarily",
    "too many requests",
    "too many attempts",
    "too many times",
    "rate limit",
    "throttl",
    "service unavailable",
]];

/// What says that something is not good.
const NOT_GOOD: &[&str] = &[
    "invalid",
    "expired",
    "revoked",
    "not found",
    "unknown",
    "inactive",
    "no longer",
    "not valid",
    "already used",
    "already been used",
    "does not exist",
    "malformed",
];

const SIGN_IN: &[RequestKind] = &[RequestKind::Styled, RequestKind::Password];

const ROWS: &[Row] = &[
    // RFC 6749 4.1.2.1.
    code("temporarily_unavailable", TemporarilyUnavailable),
    code("server_error", ServerError),
    // RFC 8628 3.5.
    code("slow_down", SlowDown),
    code("authorization_pending", AuthorizationPending),
    // Salesforce: amazon-connect/amazon-connect-salesforce-lambda#43; help.salesforce.com, OAuth 2.0 errors.
    code("unknown_error", TemporarilyUnavailable),
    code("rate_limit_exceeded", SlowDown),
    // Slack: api.slack.com/methods/oauth.v2.access, Errors.
    code("ratelimited", SlowDown),
    code("fatal_error", ServerError),
    code("internal_error", ServerError),
    code("service_unavailable", TemporarilyUnavailable),
    code("request_timeout", TemporarilyUnavailable),
    code("team_added_to_org", TemporarilyUnavailable),
    // Google: developers.google.com/identity/protocols/oauth2, errors of the token endpoint.
    code("internal_failure", ServerError),
    // GitLab and Supabase: supabase.com/docs/guides/auth/debugging/error-codes.
    code("over_request_rate_limit", SlowDown),
    // Amazon Cognito and AWS SSO OIDC: CreateToken, Errors.
    code("toomanyrequestsexception", SlowDown),
    code("slowdownexception", SlowDown),
    code("internalserverexception", ServerError),
    // Microsoft Entra: learn.microsoft.com/entra/identity-platform/reference-error-codes, those that say to try again.
    number("errorcodes", 50_196, SlowDown),
    number("errorcodes", 90_006, TemporarilyUnavailable),
    number("errorcodes", 90_012, TemporarilyUnavailable),
    number("errorcodes", 90_033, TemporarilyUnavailable),
    number("errorcodes", 90_055, SlowDown),
    // Facebook: developers.facebook.com/docs/graph-api/guides/error-handling, "downtime" and `is_transient`.
    code("is_transient", TemporarilyUnavailable),
    // WeChat and WeCom: developers.weixin.qq.com, global return codes: -1 "system busy", the others limits.
    number("errcode", -1, TemporarilyUnavailable),
    number("errcode", 45_009, SlowDown),
    number("errcode", 45_011, SlowDown),
    // Salesforce ("retry your request"), Zoho ("too many requests continuously", under "Access Denied": zoho.com/accounts/
    // protocol/oauth/limits), Entra ("tried to sign in too many times": AADSTS50053).
    words(&[], LATER, TemporarilyUnavailable),
    // Microsoft Entra: AADSTS90009 under `invalid_request`, a refresh without scope (punkpeye/mcp-remote#357).
    words(&[], &[&["aadsts90009"]], InvalidScope),
    // RFC 6749 5.2.
    code("invalid_grant", InvalidGrant),
    code("invalid_client", InvalidClient),
    code("unauthorized_client", UnauthorizedClient),
    code("unsupported_grant_type", UnsupportedGrantType),
    code("invalid_scope", InvalidScope),
    // RFC 6749 4.1.2.1.
    code("access_denied", AccessDenied),
    // RFC 8707 2, and its name at Entra and AD FS.
    code("invalid_target", InvalidTarget),
    code("invalid_resource", InvalidTarget),
    // RFC 7009 2.2.1.
    code("unsupported_token_type", UnsupportedTokenType),
    // RFC 6750 3.1, which servers send of refresh tokens too.
    code("invalid_token", InvalidGrant),
    // RFC 8628 3.5.
    code("expired_token", ExpiredToken),
    // OpenID Connect Core 3.1.2.6; Entra sends them to a refresh after a change of policy.
    code("interaction_required", InteractionRequired),
    code("login_required", InteractionRequired),
    code("consent_required", InteractionRequired),
    code("account_selection_required", InteractionRequired),
    // RFC 9449 5 and 8.
    code("use_dpop_nonce", DpopRequired),
    code("invalid_dpop_proof", DpopRequired),
    // GitHub: docs.github.com, Troubleshooting OAuth app access token request errors; Refreshing user access tokens.
    code("bad_verification_code", BadVerificationCode),
    code("bad_refresh_token", InvalidGrant),
    code("incorrect_client_credentials", InvalidClient),
    code("redirect_uri_mismatch", InvalidRequest),
    // Slack: api.slack.com/methods/oauth.v2.access, Errors.
    code("invalid_refresh_token", InvalidGrant),
    code("token_expired", InvalidGrant),
    code("token_revoked", InvalidGrant),
    code("account_inactive", InvalidGrant),
    code("invalid_client_id", InvalidClient),
    code("bad_client_secret", InvalidClient),
    code("bad_redirect_uri", InvalidRequest),
    // Salesforce: help.salesforce.com, OAuth 2.0 errors; SOAP API, login().
    code("inactive_user", InvalidGrant),
    code("inactive_org", InvalidGrant),
    code("invalid_login", SignInFault),
    // WS-Trust 1.3 section 11.
    code("failedauthentication", SignInFault),
    // Google: developers.google.com/identity/protocols/oauth2, errors of authorization and token endpoints.
    code("invalid_rapt", InteractionRequired),
    code("admin_policy_enforced", AccessDenied),
    code("org_internal", AccessDenied),
    code("deleted_client", InvalidClient),
    code("disabled_client", InvalidClient),
    // HubSpot: developers.hubspot.com, OAuth errors. Its `BAD_REFRESH_TOKEN` is above (HGData/mk-node-hubspot#64).
    code("bad_client_id", InvalidClient),
    // Zoho: `invalid_code` of a refresh token (schmorrison/Zoho#18).
    code("invalid_code", InvalidGrant),
    // Supabase: supabase.com/docs/guides/auth/debugging/error-codes; Directus: directus.io, Error codes.
    code("refresh_token_not_found", InvalidGrant),
    code("refresh_token_already_used", InvalidGrant),
    code("session_expired", InvalidGrant),
    code("invalid_credentials", InvalidGrant),
    // Amazon Cognito: InitiateAuth, Errors; AWS SSO OIDC: CreateToken, Errors.
    code("notauthorizedexception", InvalidGrant),
    code("invalidgrantexception", InvalidGrant),
    code("invalidclientexception", InvalidClient),
    // Facebook: developers.facebook.com/docs/graph-api/guides/error-handling, the access token has expired.
    number("code", 190, InvalidGrant),
    // WeChat: developers.weixin.qq.com, global return codes of refresh tokens, codes, users and the app's secret.
    number("errcode", 40_029, InvalidGrant),
    number("errcode", 40_030, InvalidGrant),
    number("errcode", 40_163, InvalidGrant),
    number("errcode", 42_002, InvalidGrant),
    number("errcode", 42_007, InvalidGrant),
    number("errcode", 40_001, InvalidClient),
    number("errcode", 40_013, InvalidClient),
    number("errcode", 40_125, InvalidClient),
    // Strava: `errors` with "RefreshToken", "refresh_token", "invalid" (dreeveapp/dreeve#1449). X: "Value passed for the
    // token was invalid." HubSpot: "missing or invalid refresh token".
    words(
        &[RequestKind::Refresh],
        &[&["refresh token", "refreshtoken", "passed for the token"], NOT_GOOD],
        InvalidGrant,
    ),
    // Django REST framework ("Unable to log in with provided credentials."), Strapi ("Invalid identifier or password"),
    // Spring ("Bad credentials") and their like, without a code.
    words(
        SIGN_IN,
        &[
            &["invalid", "incorrect", "wrong", "bad", "unable to log in", "does not match", "do not match"],
            &["credential", "password", "username", "user name", "login"],
        ],
        InvalidGrant,
    ),
    // RFC 6749 5.2. Last, for servers send it with words that say more.
    code("invalid_request", InvalidRequest),
];

/// The code that a response means for this kind of request: that of the first row that fits it. [`ErrorCode::Other`] for
/// an unknown `error`, `None` without one.
pub(super) fn code_of(document: &Document, kind: RequestKind) -> Option<ErrorCode> {
    let said = Said::of(document);
    let row = ROWS.iter().find(|row| (row.only.is_empty() || row.only.contains(&kind)) && row.sign.is_in(&said));
    row.map(|row| row.code).or_else(|| said.has_error().then_some(Other))
}

impl Sign {
    fn is_in(self, said: &Said) -> bool {
        match self {
            Self::Code(code) => said.has_code(code),
            Self::Number(name, number) => said.has_number(name, number),
            Self::Words(lists) => lists.iter().all(|list| list.iter().any(|words| said.says(words))),
        }
    }
}

#[cfg(test)]
mod tests;
