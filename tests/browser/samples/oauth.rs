//! The samples of the OAuth 2.0 methods.

use super::Place::{Full, Strict};
use super::Step::{Behind, Choose, Expand, Fill, Press, Return};
use super::Who::{Admin, Viewer};
use super::oauth_world::CLIENT_SECRET;
use super::{ISSUER, NO_ADDRESS, Sample, sample};

#[rustfmt::skip] // a table, as the other samples are
pub const SAMPLES: &[Sample] = &[
    // The forms
    sample("oauth-code", Full, Admin, "/connectors/building-permits/authorization", &[Expand("More options")], "Use PKCE (S256)"),
    sample("oauth-code-errors", Full, Admin, "/connectors/building-permits/authorization", &[Press("Save")], "There are 3 problems"),
    sample("oauth-client-credentials", Full, Admin, "/connectors/swim-times/authorization", &[], "Client Secret"),
    sample("oauth-client-credentials-errors", Full, Admin, "/connectors/swim-times/authorization", &[Press("Save")], "There are 3 problems"),
    sample("oauth-password", Full, Admin, "/connectors/health-cards/authorization", &[], "A legacy method."),
    sample("oauth-password-errors", Full, Admin, "/connectors/health-cards/authorization", &[Press("Save")], "There are 3 problems"),
    sample("oauth-implicit", Full, Admin, "/connectors/sports-halls/authorization", &[], "A legacy method."),
    sample("oauth-implicit-errors", Full, Admin, "/connectors/sports-halls/authorization", &[Press("Save")], "There are 2 problems"),
    sample("oauth-device", Full, Admin, "/connectors/door-displays/authorization", &[], "Device authorization URL"),
    sample("oauth-device-errors", Full, Admin, "/connectors/door-displays/authorization", &[Press("Save")], "There are 3 problems"),
    sample("aws-errors", Full, Admin, "/connectors/dog-licences/authorization",
        &[Choose("auth_method", "AWS Signature"), Press("Save")], "Enter the access key ID"),
    sample("oauth-switched", Full, Admin, "/connectors/dog-licences/authorization",
        &[Choose("auth_method", "OAuth 2.0 Authorization Code"), Press("Save")], "There are 3 problems"),
    sample("oauth-more-errors", Full, Admin, "/connectors/building-permits/authorization",
        &[Expand("More options"), Fill("issuer", NO_ADDRESS), Fill("authorize_url", NO_ADDRESS), Fill("token_url", NO_ADDRESS),
            Fill("refresh_url", NO_ADDRESS), Fill("revocation_url", NO_ADDRESS), Fill("resources", NO_ADDRESS), Fill("audience", ""),
            Fill("authorize_parameters", "no parameter"), Fill("token_parameters", "=x"), Fill("lifetime", "an hour"), Press("Save")],
        "problems"),
    sample("oauth-found", Full, Admin, "/connectors/building-permits/authorization", &[Fill("issuer", ISSUER), Press("Find settings")], "has described itself"),
    sample("oauth-found-nothing", Full, Admin, "/connectors/building-permits/authorization",
        &[Fill("issuer", "http://127.0.0.1:1"), Press("Find settings")], "No settings found"),

    // The state
    sample("oauth-not-authorized", Full, Admin, "/connectors/court-calendar/authorization", &[], "Press Authorize to get a token."),
    sample("oauth-not-fetched", Full, Admin, "/connectors/meter-readings/authorization", &[], "Press Get Access Token to get one."),
    sample("oauth-healthy", Full, Admin, "/connectors/tax-returns/authorization", &[], "Disconnect"),
    sample("oauth-healthy-viewer", Full, Viewer, "/connectors/tax-returns/authorization", &[], "AccessToken URL"),
    sample("oauth-healthy-implicit", Full, Admin, "/connectors/land-register/authorization", &[], "No: when it ends"),
    sample("oauth-expiring", Full, Admin, "/connectors/fishing-permits/authorization", &[], "The token ends soon."),
    sample("oauth-ended", Full, Admin, "/connectors/hunting-permits/authorization", &[], "The token has ended."),
    sample("oauth-failing", Full, Admin, "/connectors/traffic-counts/authorization", &[], "Database is being upgraded until noon."),
    sample("oauth-failing-viewer", Full, Viewer, "/connectors/traffic-counts/authorization", &[], "after 3 failures"),
    sample("oauth-refused", Full, Admin, "/connectors/school-meals/authorization", &[], "The server refuses to renew the token."),
    sample("oauth-disabled", Full, Admin, "/connectors/waste-collection/authorization", &[], "Enable the data connector on the Details tab."),
    sample("oauth-disabled-viewer", Full, Viewer, "/connectors/waste-collection/authorization", &[], "Auth 2.0 Password"),
    sample("further-secrets", Full, Admin, "/connectors/swim-times/authorization/further-secrets", &[], "beside what the method sends"),
    sample("further-secrets-errors", Full, Admin, "/connectors/swim-times/authorization/further-secrets",
        &[Fill("further_name", "X Key"), Fill("value", "k3y"), Press("Save")], "A header name can have"),
    sample("further-secrets-set", Full, Admin, "/connectors/meter-readings/authorization/further-secrets",
        &[Fill("further_name", "Ocp-Apim-Subscription-Key-Of-The-Gateway-Of-The-Department"), Fill("value", "k3y"), Press("Save")], "Keep it"),
    sample("client-certificate", Full, Admin, "/connectors/swim-times/authorization/client-certificate", &[], "For servers that ask for one"),
    sample("client-certificate-errors", Full, Admin, "/connectors/swim-times/authorization/client-certificate",
        &[Fill("pem", "-----BEGIN CERTIFICATE-----"), Fill("pass_phrase", "x"), Press("Save")], "has a BEGIN line without its END line"),
    sample("oauth-long", Full, Admin, "/connectors/everything-long/authorization", &[], "after 12 failures"),
    sample("oauth-long-viewer", Full, Viewer, "/connectors/everything-long/authorization", &[], "after 12 failures"),
    sample("oauth-renewing", Full, Admin, "/connectors/renewed-now/authorization", &[], "The server is being asked for a new token."),
    sample("oauth-switched-off", Strict, Admin, "/connectors/health-cards/authorization", &[Press("Save")], "the one that is stored serves until it ends"),
    sample("oauth-switched-off-viewer", Strict, Viewer, "/connectors/sports-halls/authorization", &[], "is switched off here"),
    sample("oauth-switched-off-answer", Strict, Admin, "/connectors/sports-halls/authorization/callback?error=access_denied", &[], "This method is switched off"),
    sample("oauth-switched-off-create", Strict, Admin, "/connectors/new", &[], "OAuth 2.0 Client Credentials"),

    // Elsewhere
    sample("oauth-list", Full, Admin, "/connectors?sort=status&size=100", &[], "Database is being upgraded until noon."),
    sample("oauth-list-viewer", Full, Viewer, "/connectors?status=failing", &[], "Next try in"),
    sample("oauth-failing-details", Full, Admin, "/connectors/traffic-counts", &[], "Why, and how to repair it"),

    // Testing
    sample("oauth-tested", Full, Admin, "/connectors/meter-readings/authorization",
        &[Fill("client_secret", CLIENT_SECRET), Press("Test connection")], "The connection works, with a warning."),
    sample("oauth-tested-badly", Full, Admin, "/connectors/refused-readings/authorization",
        &[Fill("client_secret", "wrong"), Press("Test connection")], "The test found a problem."),

    // To the server and back
    sample("oauth-leave", Full, Admin, "/connectors/court-calendar/authorization", &[Press("Authorize")], "You are about to leave Connectory"),
    sample("oauth-leave-implicit", Full, Admin, "/connectors/film-archive/authorization", &[Press("Authorize")], "A legacy method."),
    sample("oauth-leave-long", Full, Admin, "/connectors/everything-long/authorization", &[Press("Authorize again")], "scope1.readonly"),
    sample("oauth-answer-denied", Full, Admin, "/connectors/court-calendar/authorization",
        &[Press("Authorize"), Return("error=access_denied&error_description=The resource owner said no")], "Access was denied"),
    sample("oauth-answer-error", Full, Admin, "/connectors/court-calendar/authorization",
        &[Press("Authorize"), Return("error=invalid_scope&error_description=Unknown scope: write")], "The server refused"),
    sample("oauth-answer-nothing", Full, Admin, "/connectors/court-calendar/authorization", &[Press("Authorize"), Return("")], "There is no response in this address"),
    sample("oauth-answer-unknown", Full, Admin, "/connectors/court-calendar/authorization/callback?code=made-up&state=made-up", &[], "could not be completed"),
    sample("oauth-answer-foreign", Full, Admin, "/connectors/consent-foreign/authorization",
        &[Press("Authorize"), Behind("UPDATE authorization_requests SET session_hash = 'another' FROM connectors c WHERE c.id = connector_id AND key = 'consent-foreign'"),
            Return("code=made-up")],
        "began in another session"),
    sample("oauth-answer-repeated", Full, Admin, "/connectors/consent-refused/authorization",
        &[Press("Authorize"), Behind("UPDATE authorization_requests SET spent_at = now(), brought_token = false FROM connectors c WHERE c.id = connector_id AND key = 'consent-refused'"),
            Return("code=made-up")],
        "was used already"),
    sample("oauth-answer-late", Full, Admin, "/connectors/consent-late/authorization",
        &[Press("Authorize"), Behind("UPDATE authorization_requests a SET created_at = a.created_at - interval '11 minutes' FROM connectors c WHERE c.id = connector_id AND key = 'consent-late'"),
            Return("code=made-up")],
        "came too late"),
    sample("oauth-answer-changed", Full, Admin, "/connectors/consent-changed/authorization",
        &[Press("Authorize"), Behind("UPDATE authorizations a SET version = a.version + 1 FROM connectors c WHERE c.id = connector_id AND key = 'consent-changed'"),
            Return("code=made-up")],
        "The settings were changed meanwhile"),
    sample("oauth-answer-elsewhere", Full, Admin, "/connectors/consent-elsewhere/authorization",
        &[Press("Authorize"), Return("code=made-up&iss=https://evil.example.org")], "comes from another server"),
    sample("oauth-answer-worthless", Full, Admin, "/connectors/consent-refused/authorization",
        &[Press("Authorize"), Return("code=made-up")], "No access token"),
    sample("oauth-paste", Full, Admin, "/connectors/film-archive/authorization/callback", &[], "Finish authorizing"),
    sample("oauth-paste-shared", Full, Admin, "/oauth/callback", &[], "Finish authorizing"),
    sample("oauth-answer-unknown-shared", Full, Admin, "/oauth/callback?code=made-up&state=made-up", &[], "could not be completed"),
    sample("oauth-paste-errors", Full, Admin, "/connectors/film-archive/authorization/callback", &[Press("Finish")], "Paste the whole address"),

    // On another device
    sample("oauth-device-code", Full, Admin, "/connectors/bus-stops/authorization", &[Press("Authorize")], "Waiting for you to enter the code and agree."),
    sample("oauth-device-authorized", Full, Admin, "/connectors/device-authorized/authorization/device", &[], "The data connector is authorized."),
    sample("oauth-device-denied", Full, Admin, "/connectors/device-denied/authorization/device", &[], "End-User denied it"),
    sample("oauth-device-expired", Full, Admin, "/connectors/device-expired/authorization/device", &[], "the code has ended"),
    sample("oauth-device-failed", Full, Admin, "/connectors/device-failed/authorization/device", &[], "client authentication failed"),

    // Ending it
    sample("oauth-disconnect", Full, Admin, "/connectors/tax-returns/authorization", &[Press("Disconnect")], "revoked at"),
    sample("oauth-disconnect-unrevoked", Full, Admin, "/connectors/land-register/authorization", &[Press("Disconnect")], "no Revocation URL is set"),
];
