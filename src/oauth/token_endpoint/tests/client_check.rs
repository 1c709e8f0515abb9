//! What a response to a made-up code tells of the client.

use crate::oauth::token_endpoint::*;

#[test]
fn the_answer_to_a_made_up_code_tells_of_the_client() {
    use crate::outbound::Stage::{Connection, NameLookup, TimeOut, Tls};
    use TokenErrorStage::{Response, Send, Status};
    for (stage, code, verdict) in [
        (Status(400), "invalid_grant", "accepted"),
        (Status(401), "invalid_grant", "accepted"),
        (Response, "bad_verification_code", "accepted"),
        (Status(400), "invalid_client", "refused"),
        (Status(401), "invalid_client", "refused"),
        (Status(400), "unauthorized_client", "refused"),
        (Status(401), "", "refused"),
        (Status(401), "invalid_request", "refused"),
        (Response, "incorrect_client_credentials", "refused"),
        (Status(400), "invalid_request", "unclear"),
        (Status(400), "access_denied", "unclear"),
        (Status(403), "", "unclear"),
        (Status(404), "", "unclear"),
        (Status(500), "server_error", "unclear"),
        (Status(500), "invalid_grant", "unclear"),
        (Status(429), "invalid_grant", "unclear"),
        (Response, "", "unclear"),
        (Send(Connection), "", "unreachable"),
        (Send(TimeOut), "", "unreachable"),
        (Send(Tls), "", "unreachable"),
        (Send(NameLookup), "", "unreachable"),
    ] {
        let refusal = TokenError::new(stage, "", "").with_code(ErrorCode::of(code));
        let found = match judge(refusal) {
            ClientCheck::Accepted => "accepted",
            ClientCheck::Refused(_) => "refused",
            ClientCheck::Unclear(_) => "unclear",
            ClientCheck::Unreachable(_) => "unreachable",
        };
        assert_eq!(found, verdict, "{stage:?} {code}");
    }
}

#[test]
fn an_unclear_answer_says_how_to_find_out() {
    for (stage, code, remedy) in [
        (TokenErrorStage::Status(400), "invalid_request", AUTHORIZE),
        (TokenErrorStage::Response, "E7", AUTHORIZE),
        (TokenErrorStage::Status(400), "server_error", "wait"),
        (TokenErrorStage::Status(500), "invalid_request", "wait"),
        (TokenErrorStage::Response, "", "wait"),
    ] {
        let refusal = TokenError::new(stage, "", "wait").with_code(ErrorCode::of(code));
        let expected = ClientCheck::Unclear(refusal.clone().with_remedy(remedy));
        assert_eq!(judge(refusal), expected, "{stage:?} {code}");
    }
}
