//! Whether a server knows the client, found out without anybody signing in: by a code that cannot
//! be right. A server that works in the order of RFC 6749 4.1.3 looks at the client first, and at
//! the code only if nothing is wrong with the client.

use chrono::{DateTime, Utc};

use super::error_code::ErrorCode;
use super::grant::{Grant, TokenEndpoint};
use super::refusal::{Refusal, RefusalLayer};
use super::round_trip::{random_text, random_verifier};
use crate::outbound::{Limits, Outbound, Transport};

/// What a server made of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientCheck {
    /// It objects to the code alone, so it knows the client. Of a client without a secret it may
    /// not have looked even at the id.
    Accepted,
    /// It does not know the client, or not with this secret or in this way.
    Refused(Refusal),
    /// It answers, but not so that it tells: an `invalid_request`, a fault of its own, a web page.
    Unclear(Refusal),
    /// There was no answer.
    Unreachable(Refusal),
}

impl TokenEndpoint {
    /// Asks for a token with a made-up code and reads from the refusal what the server thinks of
    /// the client. It fits clients that may use codes; another one is asked for a token itself.
    /// `redirect_url` is the one that codes are sent to.
    pub async fn check_client(
        &self,
        outbound: &Outbound,
        transport: &Transport,
        limits: Limits,
        redirect_url: &str,
        now: DateTime<Utc>,
    ) -> ClientCheck {
        let grant = Grant::AuthorizationCode {
            code: random_text(),
            redirect_url: redirect_url.to_owned(),
            verifier: Some(random_verifier()),
        };
        match self.request(outbound, transport, limits, &grant, now).await {
            Ok(_) => ClientCheck::Unclear(Refusal::new(
                RefusalLayer::Answer,
                "The server issues tokens for any code.",
                "Check the address that tokens are asked from: what stands there protects nothing.",
            )),
            Err(refusal) => judge(refusal),
        }
    }
}

/// What to do about an answer to the made-up code that would be to the point after a real one.
const AUTHORIZE: &str = "Authorize to find out: the server's answer to a made-up code does not \
                         tell whether it knows the client.";

/// The code goes before the status: some servers send 401 with `invalid_grant`.
fn judge(refusal: Refusal) -> ClientCheck {
    use ErrorCode::*;
    match (refusal.error_code, refusal.layer) {
        (Some(InvalidGrant | BadVerificationCode), _) if refusal.is_final() => ClientCheck::Accepted,
        (Some(InvalidClient | UnauthorizedClient | IncorrectClientCredentials), _)
        | (_, RefusalLayer::HttpStatus(401)) => ClientCheck::Refused(refusal),
        (Some(_), _) if refusal.is_final() => ClientCheck::Unclear(refusal.with_remedy(AUTHORIZE)),
        (_, RefusalLayer::HttpStatus(_) | RefusalLayer::Answer) => ClientCheck::Unclear(refusal),
        _ => ClientCheck::Unreachable(refusal),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_to_a_made_up_code_tells_of_the_client() {
        use RefusalLayer::{Answer, Connection, HttpStatus, NameLookup, TimeOut, Tls};
        for (layer, code, verdict) in [
            (HttpStatus(400), "invalid_grant", "accepted"),
            (HttpStatus(401), "invalid_grant", "accepted"),
            (Answer, "bad_verification_code", "accepted"),
            (HttpStatus(400), "invalid_client", "refused"),
            (HttpStatus(401), "invalid_client", "refused"),
            (HttpStatus(400), "unauthorized_client", "refused"),
            (HttpStatus(401), "", "refused"),
            (HttpStatus(401), "invalid_request", "refused"),
            (Answer, "incorrect_client_credentials", "refused"),
            (HttpStatus(400), "invalid_request", "unclear"),
            (HttpStatus(400), "access_denied", "unclear"),
            (HttpStatus(403), "", "unclear"),
            (HttpStatus(404), "", "unclear"),
            (HttpStatus(500), "server_error", "unclear"),
            (HttpStatus(500), "invalid_grant", "unclear"),
            (HttpStatus(429), "invalid_grant", "unclear"),
            (Answer, "", "unclear"),
            (Connection, "", "unreachable"),
            (TimeOut, "", "unreachable"),
            (Tls, "", "unreachable"),
            (NameLookup, "", "unreachable"),
        ] {
            let refusal = Refusal::new(layer, "", "").with_code(ErrorCode::of(code));
            let found = match judge(refusal) {
                ClientCheck::Accepted => "accepted",
                ClientCheck::Refused(_) => "refused",
                ClientCheck::Unclear(_) => "unclear",
                ClientCheck::Unreachable(_) => "unreachable",
            };
            assert_eq!(found, verdict, "{layer:?} {code}");
        }
    }

    #[test]
    fn an_unclear_answer_says_how_to_find_out() {
        for (layer, code, remedy) in [
            (RefusalLayer::HttpStatus(400), "invalid_request", AUTHORIZE),
            (RefusalLayer::Answer, "E7", AUTHORIZE),
            (RefusalLayer::HttpStatus(400), "server_error", "wait"),
            (RefusalLayer::HttpStatus(500), "invalid_request", "wait"),
            (RefusalLayer::Answer, "", "wait"),
        ] {
            let refusal = Refusal::new(layer, "", "wait").with_code(ErrorCode::of(code));
            let expected = ClientCheck::Unclear(refusal.clone().with_remedy(remedy));
            assert_eq!(judge(refusal), expected, "{layer:?} {code}");
        }
    }
}
