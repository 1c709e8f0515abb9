//! Find settings, as servers describe themselves.

use super::authorizing::{Site, TAB};
use crate::support::hostile::Authority;
use crate::support::upstream::{Reply, Upstream};
use crate::support::{FormFill, Page};

/// Microsoft Entra's `common` has a placeholder in its issuer, and Azure AD B2C the id of the tenant.
#[tokio::test]
async fn the_addresses_of_another_issuer_are_taken_over_after_a_look() {
    for issuer in ["https://login.example/{tenantid}/v2.0", "https://t.b2clogin.example/6f9a/v2.0/"] {
        let document = serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": "https://login.example/common/authorize",
            "token_endpoint": "https://login.example/common/token",
            "authorization_response_iss_parameter_supported": true,
        });
        let site = Site::with(move |_| Reply::json(200, &document.to_string())).await;
        let typed = site.server.url("/common/v2.0");
        let form = site.ana.get(TAB).await.form(TAB).set("issuer", &typed).set("client_id", "typed");
        let page = form.press("Find settings").send().await.expect(200);
        let said = page.texts(".note.bad[role=group]").concat();
        assert!(said.contains(&format!("The document names another issuer: “{issuer}”")), "{said}");
        assert!(said.contains("AccessToken URL: https://login.example/common/token"), "{said}");
        assert_eq!(page.field_value("issuer"), typed);
        assert_eq!(page.field_value("token_url"), site.server.url("/token"), "nothing is taken over silently");

        let page = page.form(TAB).press("Take the addresses of the other issuer").send().await.expect(200);
        let said = page.texts(".note.ok").concat();
        assert!(said.contains("Authorize URL, AccessToken URL"), "{said}");
        assert!(said.contains("Issuer is empty") && said.contains("Nothing is saved yet."), "{said}");
        for (field, value) in [
            ("issuer", ""),
            ("authorize_url", "https://login.example/common/authorize"),
            ("token_url", "https://login.example/common/token"),
            ("client_id", "typed"),
        ] {
            assert_eq!(page.field_value(field), value, "{field}");
        }
        assert!(page.ticked("iss_required").is_empty());
        let stored = "SELECT token_url FROM oauth_clients";
        assert_eq!(site.app.value(stored).await, site.server.url("/token"));
        page.form(TAB).press("Save").send().await.expect(303);
        assert_eq!(site.app.value(stored).await, "https://login.example/common/token");
        let audited = site.app.value("SELECT changes FROM audit_events ORDER BY id DESC LIMIT 1").await;
        assert!(audited.contains("https://login.example/common/token"), "{audited}");
    }
}

/// There is nothing to take over.
#[tokio::test]
async fn metadata_without_an_address_are_not_offered() {
    let site =
        Site::with(|_| Reply::json(200, r#"{"issuer":"https://other.example","token_endpoint":"ftp://x"}"#)).await;
    let form = site.ana.get(TAB).await.form(TAB).set("issuer", &site.server.url(""));
    let page = form.press("Find settings").send().await.expect(200);
    assert!(page.text().contains("The metadata there are those of another issuer."));
    assert!(!page.buttons().contains(&"Take the addresses of the other issuer".to_string()));
}

/// Find settings at a server that requires what Connectory does not have: it is said, and the rest is filled in.
#[tokio::test]
async fn what_the_server_requires_and_is_missing_here_is_said() {
    let site = Site::new().await;
    for (members, words) in [
        (r#""require_pushed_authorization_requests":true"#, "pushed authorization requests only (PAR, RFC 9126)"),
        (r#""require_signed_request_object":true"#, "signed authorization requests only (RFC 9101)"),
        (r#""token_endpoint_auth_methods_supported":["spiffe_jwt"]"#, "must authenticate there by spiffe_jwt"),
        (r#""token_endpoint_auth_methods_supported":["tls_client_auth"]"#, "by a certificate (mutual TLS, RFC 8705)"),
        (r#""grant_types_supported":["client_credentials"]"#, "not offer this grant (authorization_code)"),
        (r#""response_types_supported":["id_token"]"#, "not offer the response type “code”"),
        (r#""code_challenge_methods_supported":["plain"]"#, "does not know PKCE by S256"),
        (r#""dpop_bound_access_tokens_required":true"#, "DPoP, RFC 9449"),
    ] {
        let page = found(&site, members, |form| form).await;
        let said = page.texts(".note.warn li");
        assert!(said.len() == 1 && said[0].contains(words), "{members}: {said:?}");
        assert!(page.text().contains("has described itself"), "{members}");
    }
    let all = r#""require_pushed_authorization_requests":false,"token_endpoint_auth_methods_supported":["client_secret_post"],
        "grant_types_supported":["authorization_code"],"response_types_supported":["code"],"code_challenge_methods_supported":["S256"]"#;
    assert!(found(&site, all, |form| form).await.texts(".note.warn li").is_empty());
}

/// Presses Find settings at a server whose metadata have these members as well.
async fn found(site: &Site, members: &str, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    let members = members.to_string();
    let server = Upstream::start(move |seen| {
        let issuer = format!("http://{}", seen.header("host").expect("a host"));
        Reply::json(200, &format!(r#"{{"issuer":"{issuer}","token_endpoint":"{issuer}/token",{members}}}"#))
    })
    .await;
    let form = site.ana.get(TAB).await.form(TAB).set("issuer", &server.url(""));
    fill(form).press("Find settings").send().await.expect(200)
}

/// A client that shows a certificate asks for tokens at another address (RFC 8705 section 5).
#[tokio::test]
async fn with_a_client_certificate_the_addresses_for_it_are_filled_in() {
    let site = Site::new().await;
    let aliases = r#""token_endpoint_auth_methods_supported":["tls_client_auth"],"mtls_endpoint_aliases":
        {"token_endpoint":"https://mtls.example.org/token","revocation_endpoint":"https://mtls.example.org/revoke"}"#;
    let page = found(&site, aliases, |form| form).await;
    assert!(page.field_value("token_url").ends_with("/token") && !page.field_value("token_url").contains("mtls"));
    let identity = Authority::new("clients").issue("client.example.org");
    let page = found(&site, aliases, |form| {
        form.set("client_certificate", &identity.certificate_pem).set("client_key", &identity.key_pem)
    })
    .await;
    assert_eq!(page.field_value("token_url"), "https://mtls.example.org/token");
    assert_eq!(page.field_value("revocation_url"), "https://mtls.example.org/revoke");
    assert_eq!(page.field_value("authentication"), "none");
    assert!(page.texts(".note.warn li").is_empty());
}
