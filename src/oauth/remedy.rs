//! What to try after a refusal. Real servers mix up the codes of RFC 6749 5.2, so a code and a
//! status only choose a text here; nothing is decided by them.

use super::error::ErrorCode;

/// What a request is for, on which the fields to check depend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// A token, in one of the styles of Request token.
    Styled,
    /// A token, by a request of a person's own making.
    Login,
    /// A token for an authorization code.
    Code,
    /// A token for the client itself.
    Client,
    /// A token for an assertion.
    Assertion,
    /// A token for user and password.
    Password,
    /// Codes for another device, or a token for such a code.
    Device,
    /// A token for a refresh token.
    Refresh,
    /// Its metadata.
    Metadata,
    /// To end a token.
    Revocation,
}

const CHECK_LOGIN: &str = "Check URL, method, headers and body of the login request, and the values of its variables: something \
     that the server needs is missing or wrong.";
const CHECK_LOGIN_VALUES: &str = "Check user and password, and the other secret variables of the login request.";
const CHECK_URL: &str = "Check the address that tokens are requested from.";
const CHECK_DEVICE_URLS: &str = "Check Device authorization URL and AccessToken URL.";
const CHECK_SIGN_IN: &str = "Check user and password, and Client ID and Client Secret if the server wants them.";
const CHECK_CLIENT: &str = "Check Client ID and Client Secret, and whether the server wants them as HTTP Basic header, as \
     HTTP Basic header as typed (for a secret with special characters) or in the request body (Client authentication).";
const CHECK_ASSERTION: &str = "Check Issuer, Subject, audience, claims and private key of the assertion, whether the server knows the key, and \
     whether this machine’s clock is right.";
const CHECK_STYLE: &str = "Check user, password and Client ID, and try another request style: something that the server \
     needs is missing or wrong.";
const CHECK_SETTINGS: &str = "Something that the server needs is missing or wrong: compare its documentation with what is \
     entered, extra parameters too.";
const CHECK_METADATA: &str = "Check the issuer, or enter the addresses by hand from the server's documentation.";
const CHECK_REVOCATION: &str = "Check the address that tokens are revoked at.";
const WAIT: &str = "Wait some minutes, then try again.";
const FAULT: &str = "The server has a fault of its own: try again later, or tell its administrators.";
const WEB_PAGE: &str = "Check the address: it has a page for people, perhaps the sign-in page. The address for \
     programs often ends in /token.";
const POINTER: &str = "Enter where the token is in the response as JSON Pointer, for example /data/token.";
const NO_TOKEN: &str = "Check the address that tokens are requested from: a response of OAuth 2.0 has its token as \
     access_token. If this server has it elsewhere, enter where, under Tokens.";

pub(super) const REDIRECT: &str = "If you trust that address, enter it. Redirects are not followed, because the sign-in would go \
     along.";
pub(super) const XML: &str = "Tokens are read from JSON and from forms. Look in the server's documentation for how it is \
     asked for JSON, often by a parameter, and check the address.";
pub(super) const TOO_LONG: &str = "Ask the administrators of the server to issue shorter tokens.";
pub(super) const COOKIES: &str = "If these cookies are the session, enter cookies under Where the token is in the \
     response. Else enter there where the token is.";
pub(super) const NO_COOKIES: &str = "Check the address, and user and password: a login that has failed may open no \
     session.";
pub(super) const NO_ID_TOKEN: &str = "Most servers send one for the scope openid: add it to Scope. Else choose the access token \
     under Token to send.";
pub(super) const NO_JSON: &str = "Let the token be found by itself, or check the address.";

impl RequestKind {
    /// By the error code where it says more than the status, else by the status.
    pub(super) fn after_status(self, status: u16, code: Option<ErrorCode>) -> &'static str {
        if let (400 | 401 | 403 | 422, Some(remedy)) = (status, self.after_code(code)) {
            return remedy;
        }
        match (status, self) {
            (500, _) if code == Some(ErrorCode::SignInFault) => self.invalid_grant(),
            (407, _) => "A proxy is in the way: have this machine allowed through to the server.",
            (408 | 429, _) => WAIT,
            (500.., _) => FAULT,
            (_, Self::Metadata) => CHECK_METADATA,
            (400 | 422, _) => self.invalid_request(),
            (401 | 403, _) => self.sign_in(),
            (404 | 410, _) => "Check the path of the address: the server knows nothing there.",
            (405 | 406 | 415, Self::Login) => CHECK_LOGIN,
            (405, Self::Styled) => "Try another request style: the server wants another HTTP method at this address.",
            (406 | 415, Self::Styled) => {
                "Try another request style: the server wants the sign-in in another form (JSON in \
                 place of a form, or the other way round)."
            }
            (406 | 415, _) => {
                "Try another request body: the server may want JSON in place of a form, or the \
                 other way round."
            }
            _ => self.address(),
        }
    }

    /// By the error code alone.
    pub(super) fn after_error(self, code: Option<ErrorCode>) -> &'static str {
        self.after_code(code).unwrap_or_else(|| self.sign_in())
    }

    fn after_code(self, code: Option<ErrorCode>) -> Option<&'static str> {
        use ErrorCode::*;
        Some(match code? {
            InvalidClient if self == Self::Styled => {
                "Check Client ID and Client Secret, and whether the server wants them in the body \
                 or as HTTP Basic (request style)."
            }
            InvalidClient if self == Self::Login => CHECK_LOGIN_VALUES,
            InvalidClient => CHECK_CLIENT,
            InvalidGrant | BadVerificationCode | SignInFault => self.invalid_grant(),
            InteractionRequired => "Authorize again: the server wants a person to sign in or to agree once more.",
            DpopRequired => {
                "The server issues tokens only with proofs of possession (DPoP), which Connectory does not have: have \
                 it allow bearer tokens to this client."
            }
            UnsupportedGrantType | UnauthorizedClient => {
                "The server does not let this client sign in in this way: have it allow the \
                 grant, or choose another method."
            }
            InvalidScope if self == Self::Refresh => {
                "Check Scope, and whether the server wants it with a refresh (Scope on refresh): leave it empty, or enter \
                 what the server offers."
            }
            InvalidScope => "Check Scope: leave it empty, or enter what the server offers.",
            InvalidTarget => "Check Resource and Audience: the server has none of this name.",
            InvalidRequest => self.invalid_request(),
            AccessDenied => {
                "The server does not allow it to this account or client: ask the \
                 administrators of the server."
            }
            UnsupportedTokenType => "The server does not end tokens of this kind: end it on the server's own pages.",
            ExpiredToken => "Authorize again: the code has ended.",
            AuthorizationPending | TemporarilyUnavailable | SlowDown => WAIT,
            ServerError => FAULT,
            Other => return None,
        })
    }

    fn invalid_grant(self) -> &'static str {
        match self {
            Self::Styled | Self::Password => {
                "Check user and password. The account may also be locked, or need another way of \
                 signing in."
            }
            Self::Code => {
                "Authorize again: the code was used already, is too old or belongs to another \
                 Redirect URL."
            }
            Self::Device => "Authorize again: the code has ended or was used already.",
            Self::Refresh => "Authorize again: the refresh token has expired, was revoked or was used already.",
            Self::Login => CHECK_LOGIN_VALUES,
            Self::Client | Self::Revocation => CHECK_CLIENT,
            Self::Assertion => CHECK_ASSERTION,
            Self::Metadata => CHECK_METADATA,
        }
    }

    fn invalid_request(self) -> &'static str {
        match self {
            Self::Styled => CHECK_STYLE,
            Self::Login => CHECK_LOGIN,
            Self::Metadata => CHECK_METADATA,
            // Servers say so of codes, refresh tokens and passwords that are no longer good.
            Self::Code | Self::Refresh => {
                "Authorize again. If that does not help, something that the server needs is \
                 missing or wrong: compare its documentation with what is entered."
            }
            Self::Password => {
                "Check user and password. If they are right, something that the server needs is \
                 missing or wrong: compare its documentation with what is entered."
            }
            Self::Client | Self::Assertion | Self::Device | Self::Revocation => CHECK_SETTINGS,
        }
    }

    fn sign_in(self) -> &'static str {
        match self {
            Self::Styled | Self::Password => CHECK_SIGN_IN,
            Self::Login => CHECK_LOGIN_VALUES,
            Self::Metadata => CHECK_METADATA,
            Self::Assertion => CHECK_ASSERTION,
            Self::Code | Self::Client | Self::Device | Self::Refresh | Self::Revocation => CHECK_CLIENT,
        }
    }

    /// After a response that shows nothing but that the address may be wrong.
    pub(super) fn address(self) -> &'static str {
        match self {
            Self::Metadata => CHECK_METADATA,
            Self::Revocation => CHECK_REVOCATION,
            Self::Device => CHECK_DEVICE_URLS,
            Self::Login => CHECK_LOGIN,
            Self::Styled | Self::Code | Self::Client | Self::Assertion | Self::Password | Self::Refresh => CHECK_URL,
        }
    }

    /// After a page for people.
    pub(super) fn web_page(self) -> &'static str {
        match self {
            Self::Metadata => CHECK_METADATA,
            Self::Revocation => CHECK_REVOCATION,
            Self::Styled
            | Self::Login
            | Self::Code
            | Self::Client
            | Self::Assertion
            | Self::Device
            | Self::Password
            | Self::Refresh => WEB_PAGE,
        }
    }

    /// After a response without a token.
    pub(super) fn no_token(self) -> &'static str {
        match self {
            Self::Styled | Self::Login => POINTER,
            _ => NO_TOKEN,
        }
    }
}
