//! A connector’s own authority, and its client certificate with the key.

use super::*;

/// What is wrong with the certificates that were typed.
async fn refused(browser: &Browser, fill: impl FnOnce(FormFill) -> FormFill) -> (Page, Vec<(String, String)>) {
    let page = save(&browser.get(TAB).await, fill).await.expect(422);
    let found = page.errors();
    assert_eq!(page.all("details.more[open]").count(), 1, "the part with the certificates is open");
    (page, found)
}

#[tokio::test]
async fn of_ones_own_are_checked_and_said_what_is_wrong() {
    let app = TestApp::start().await;
    authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let (ours, other) = (Issued::self_signed("client"), Issued::self_signed("other"));
    let encrypted = ours.key_pem.replace(" PRIVATE", " ENCRYPTED PRIVATE");
    let none = "must contain a certificate, from -----BEGIN CERTIFICATE----- to the END line";
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    let long = "x".repeat(100_001);
    for (ca, certificate, key, field, message) in [
        ("nonsense", "", "", "ca_certificate", format!("CA certificate {none}")),
        (
            broken,
            "",
            "",
            "ca_certificate",
            "CA certificate has a certificate that cannot be read. It may not be whole; copy it once more".into(),
        ),
        ("", "nonsense", ours.key_pem.as_str(), "client_certificate", format!("Client certificate {none}")),
        ("", ours.certificate_pem.as_str(), "", "client_key", "Enter the key of the client certificate".into()),
        (
            "",
            "",
            ours.key_pem.as_str(),
            "client_certificate",
            "Enter the certificate of the client key, or remove the key".into(),
        ),
        (
            "",
            ours.certificate_pem.as_str(),
            other.key_pem.as_str(),
            "client_key",
            "Client key does not belong to the first client certificate".into(),
        ),
        (
            "",
            ours.certificate_pem.as_str(),
            encrypted.as_str(),
            "client_key",
            "Client key is encrypted. Choose “Use a file or a key with a pass phrase” below".into(),
        ),
        (
            "",
            ours.certificate_pem.as_str(),
            "nonsense",
            "client_key",
            "Client key must contain a private key, from -----BEGIN PRIVATE KEY----- to the END line".into(),
        ),
    ] {
        let (page, found) = refused(&ana, |form| {
            form.set("ca_certificate", ca).set("client_certificate", certificate).set("client_key", key)
        })
        .await;
        assert_eq!(found, errors(&[(field, &message)]));
        assert_eq!(page.field_error(field), Some(message));
        assert_eq!(
            (page.field_value("ca_certificate").trim(), page.field_value("client_certificate").trim()),
            (ca.trim(), certificate.trim())
        );
        assert_eq!(page.field_value("client_key"), "", "a key never comes back");
    }
    let (_, found) = refused(&ana, |form| form.set("ca_certificate", &long)).await;
    assert_eq!(
        found[0],
        ("ca_certificate".to_string(), "CA certificate must be 100,000 characters or fewer".to_string())
    );
    assert_eq!(app.value("SELECT ca_certificate || client_certificate FROM authorizations").await, "");
}

#[tokio::test]
async fn with_a_private_key_among_them_are_refused_and_the_key_does_not_come_back() {
    let app = TestApp::start().await;
    authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let ours = Issued::self_signed("client");
    let secret_line = ours.key_pem.lines().nth(1).expect("a line of the key");
    let both = format!("{}{}", ours.certificate_pem, ours.key_pem);
    let (page, found) = refused(&ana, |form| form.set("ca_certificate", &both)).await;
    assert_eq!(found, errors(&[("ca_certificate", "CA certificate must not contain a private key")]));
    assert!(!page.html.contains(secret_line));
    let (page, found) =
        refused(&ana, |form| form.set("client_certificate", &both).set("client_key", &ours.key_pem)).await;
    assert_eq!(found, errors(&[("client_certificate", "Client certificate must not contain a private key")]));
    assert!(!page.html.contains(secret_line));
    let page = save(&ana.get(TAB).await, |form| form.set("ca_certificate", &both).press("Show fields for this method"))
        .await
        .expect(200);
    assert!(!page.html.contains(secret_line));
}

/// Said of each stored secret when a new authority would vouch for whoever gets it.
const OTHER_AUTHORITY: &str =
    "Password must be entered again or removed, because another CA certificate would vouch for the server";

#[tokio::test]
async fn of_ones_own_are_saved_kept_and_removed() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let ana = app.person(&[EditConnectors]).await;
    let (authority, ours, other) =
        (Authority::new("Ours"), Issued::self_signed("client"), Issued::self_signed("other"));
    let fill = |form: FormFill| {
        form.set("ca_certificate", &authority.pem())
            .set("ca_trust", "only")
            .set("client_certificate", &ours.certificate_pem)
            .set("client_key", &ours.key_pem)
    };
    let refused = save(&ana.get(TAB).await, fill).await.expect(422);
    assert_eq!(
        refused.errors(),
        errors(&[("password", OTHER_AUTHORITY)]),
        "who has the authority's key could read what was stored before"
    );
    let page = save(&ana.get(TAB).await, |form| replace(fill(form), "password", NEW)).await.expect(303).follow().await;
    assert_eq!(page.field_value("ca_certificate").trim(), authority.pem().trim());
    assert_eq!(app.secret(id, SecretField::ClientKey).await.as_deref(), Some(ours.key_pem.as_str()));
    assert_eq!(page.all("details.more[open]").count(), 1);
    assert!(!page.html.contains(ours.key_pem.lines().nth(1).expect("a line of the key")));
    let changes = last_changes(&app, "authorization.saved").await;
    assert_eq!(
        changes.iter().map(|(field, ..)| field.as_str()).collect::<Vec<_>>(),
        ["CA certificate", "Trusted CA certificates", "Client certificate", "Password", "Client key"]
    );
    assert_eq!(changes[4], change("Client key", "", "changed"));

    let page = save(&page, |form| form).await.expect(303).follow().await;
    assert_eq!(app.secret(id, SecretField::ClientKey).await.as_deref(), Some(ours.key_pem.as_str()), "kept");

    let refused = save(&page, |form| form.set("client_certificate", &other.certificate_pem)).await.expect(422);
    assert_eq!(
        refused.errors(),
        errors(&[("client_key", "Client key does not belong to the first client certificate")])
    );
    let refused = save(&page, |form| form.set("client_certificate", "")).await.expect(422);
    assert_eq!(
        refused.errors(),
        errors(&[("client_certificate", "Enter the certificate of the client key, or remove the key")])
    );

    let page = save(&page, |form| form.set("client_certificate", "").set("client_key_choice", "remove").confirmed())
        .await
        .expect(303)
        .follow()
        .await;
    assert_eq!(app.secret(id, SecretField::ClientKey).await, None);
    let refused = save(&page, |form| form.set("ca_certificate", "")).await.expect(422);
    assert_eq!(
        refused.errors(),
        errors(&[(
            "password",
            "Password must be entered again or removed, because the machine’s CA certificates would vouch for the server again"
        )])
    );
    save(&page, |form| replace(form.set("ca_certificate", ""), "password", NEW)).await.expect(303);
}

#[tokio::test]
async fn of_ones_own_ask_for_secrets_only_where_one_is_added() {
    let app = TestApp::start().await;
    let id = authorized(&app, Method::Basic).await;
    let [first, second, third] = ["First", "Second", "Third"].map(|name| Authority::new(name).pem());
    app.sql(&format!("UPDATE authorizations SET ca_certificate = '{first}{second}' WHERE connector_id = '{id}'")).await;
    let ana = app.person(&[EditConnectors]).await;
    let stored = app.secret(id, SecretField::Password).await;
    for (bundle, what) in [
        (format!("{second}{first}"), "another order"),
        (format!("# The root\n{second}\n{first}"), "a comment"),
        (format!("{second}{first}{second}"), "one that comes twice"),
        (second.clone(), "one fewer"),
    ] {
        let page = save(&ana.get(TAB).await, |form| form.set("ca_certificate", &bundle)).await;
        assert_eq!(page.status, 303, "{what}: {:?}", page.errors());
        assert_eq!(app.secret(id, SecretField::Password).await, stored);
    }
    for bundle in [format!("{second}{first}"), third] {
        let refused = save(&ana.get(TAB).await, |form| form.set("ca_certificate", &bundle)).await.expect(422);
        assert_eq!(refused.errors(), errors(&[("password", OTHER_AUTHORITY)]));
    }
}

#[tokio::test]
async fn of_another_authority_send_no_stored_secret_in_a_test_either() {
    let authority = Authority::new("Whoever");
    let server = Hostile::start_tls(answer(200, &[], "{}"), &authority.issue("127.0.0.1"), None).await;
    let app = TestApp::start().await;
    authorized(&app, Method::Basic).await;
    app.sql(&format!("UPDATE connectors SET base_url = '{}'", server.url("/v1"))).await;
    let ana = app.person(&[EditConnectors]).await;
    let form = ana.get(TAB).await.form(TAB);
    let form = form.set("ca_certificate", &authority.pem());
    let page = form.press("Test connection").send().await;
    assert_eq!(page.field_error("password").as_deref(), Some(OTHER_AUTHORITY), "{}", page.text());
    assert!(server.requests().is_empty(), "{:?}", server.requests());
}
