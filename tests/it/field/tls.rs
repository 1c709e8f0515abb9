//! Certificates and keys as they are met: private authorities, client certificates, and what servers do not support.

use connectory::access::Permission::ViewConnectors;
use connectory::authorization::SecretField;
use connectory::outbound::http::Method;
use connectory::outbound::{Body, HttpUrl, Limits, Outbound, Policy, Stage, Transport};
use rcgen::{BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair};
use serde_json::json;

use crate::api::{World, until};
use crate::support::hostile::{Authority, Hostile, Issued, answer};
use crate::support::openssl::OpenSsl;
use crate::support::upstream::Reply;
use crate::support::{Browser, FormFill, Page};

const TAB: &str = "/connectors/ledger/authorization";

/// A connector of this method with nothing stored, whose base URL is `url`, and an endpoint below it.
async fn connector(method: &str, url: &str) -> World {
    let world = World::new(|_| Reply::json(200, "{}")).await;
    HttpUrl::parse(url).expect("an address");
    world.app.sql(&format!("DELETE FROM tokens; UPDATE connectors SET method = '{method}', base_url = '{url}'")).await;
    world.endpoint("user", "GET", "/user").await;
    world
}

async fn save(browser: &Browser, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    fill(browser.get(TAB).await.expect(200).form(TAB)).send().await
}

/// What “Test connection” says of the form as it is stored.
async fn test(browser: &Browser) -> String {
    browser.get(TAB).await.form(TAB).press("Test connection").send().await.expect(200).text()
}

/// A server that lets clients of an authority in, and what a client needs for it.
struct MutualTls {
    server: Hostile,
    ours: Authority,
    clients: Authority,
    client: Issued,
}

impl MutualTls {
    async fn start() -> MutualTls {
        let (ours, clients) = (Authority::new("Ours"), Authority::new("Clients"));
        let client = clients.issue("connectory");
        let server = Hostile::start_tls(answer(200, &[], "{}"), &ours.issue("127.0.0.1"), Some(&clients)).await;
        MutualTls { server, ours, clients, client }
    }

    /// Another server that trusts the same clients.
    async fn another(&self) -> Hostile {
        Hostile::start_tls(answer(200, &[], "{}"), &self.ours.issue("127.0.0.1"), Some(&self.clients)).await
    }

    fn fill(&self, form: FormFill) -> FormFill {
        let form = form.set("ca_certificate", &self.ours.pem());
        form.set("client_certificate", &self.client.certificate_pem).set("client_key", &self.client.key_pem)
    }
}

/// Many internal APIs have no other sign-in than the client certificate.
#[tokio::test]
async fn without_a_sign_in_a_client_certificate_and_an_authority_of_ones_own_are_used() {
    let api = MutualTls::start().await;
    let world = connector("no_auth", &api.server.url("/v1")).await;
    let ana = world.app.super_admin().await;
    assert_eq!(world.call("user", json!({})).await.status, 502);
    save(&ana, |form| api.fill(form)).await.expect(303);
    let stored = world.app.secret(world.connector, SecretField::ClientKey).await;
    assert_eq!(stored.as_deref(), Some(api.client.key_pem.as_str()));
    let answer = world.call("user", json!({})).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(test(&ana).await.contains("The API answered 200"), "{}", test(&ana).await);
    let page = ana.get(TAB).await;
    assert!(!page.html.contains(api.client.key_pem.lines().nth(1).expect("a line of the key")));
    assert_eq!(page.field_value("ca_certificate").trim(), api.ours.pem().trim());
    // Another method keeps the certificate, and none keeps the other's secrets.
    save(&ana, |form| form.set("auth_method", "bearer").set("token", "t0ken")).await.expect(303);
    save(&ana, |form| form.set("auth_method", "no_auth").confirmed()).await.expect(303);
    assert_eq!(world.call("user", json!({})).await.status, 200);
}

/// Otherwise a person who may edit endpoints could sign in to any server that trusts the certificate.
#[tokio::test]
async fn a_client_certificate_that_alone_signs_in_goes_to_approved_origins_only() {
    let api = MutualTls::start().await;
    let elsewhere = api.another().await;
    let world = connector("no_auth", &api.server.url("/v1")).await;
    let ana = world.app.super_admin().await;
    save(&ana, |form| api.fill(form)).await.expect(303);
    let form = ana.get("/connectors/ledger/endpoints/new").await.form("/connectors/ledger/endpoints");
    let url = elsewhere.url("/collect");
    form.set("endpoint_name", "collect").set("endpoint_url", &url).send().await.expect(303);
    let refused = world.call("collect", json!({})).await;
    assert!(refused.status == 403 && refused.body.contains("origin_not_approved"), "{}", refused.body);
    let page = ana.get(TAB).await;
    assert!(page.text().contains("Waiting for approval"), "{}", page.text());
    // The same holds for another base URL, in calls and in tests.
    let moved = ana.get("/connectors/ledger/details").await.submit(|form| form.set("base_url", &url)).await;
    assert!(moved.expect(303).follow().await.flash().contains("are refused until it is approved"));
    until("the new base URL is known", async || world.call("user", json!({})).await.status == 403).await;
    assert!(test(&ana).await.contains("may not be sent to"), "{}", test(&ana).await);
    assert!(elsewhere.requests().is_empty());
    world.app.approve_origins(world.connector).await;
    until("the approval is known", async || world.call("collect", json!({})).await.status == 200).await;
}

#[tokio::test]
async fn without_a_sign_in_the_connection_is_checked_as_with_one() {
    let world = connector("no_auth", "https://api.example.org/v1").await;
    let ana = world.app.super_admin().await;
    for (name, value, message) in [
        ("proxy_url", "no address", "Proxy must start with http://, https:// or socks5://"),
        ("time_out", "soon", "Time-out must be a whole number of seconds, from 1 to 3600"),
        ("concurrency", "0", "Concurrent calls must be a whole number, from 1 to 1000"),
    ] {
        let page = save(&ana, |form| form.set(name, value)).await.expect(422);
        assert_eq!(page.field_error(name).as_deref(), Some(message));
        assert_eq!(page.field_value(name), value);
    }
    let page = save(&ana, |form| form.untick("verify", "yes")).await.expect(422);
    assert!(page.field_error("verify_off").is_some());
    let stored = "SELECT proxy_url || coalesce(time_out, 0) || coalesce(concurrency, 0) FROM authorizations";
    assert_eq!(world.app.value(stored).await, "00");
    let page = save(&ana, |form| form.set("time_out", "7").set("proxy_url", "http://proxy.example.org:3128")).await;
    let page = page.expect(303).follow().await;
    assert_eq!((page.field_value("time_out").as_str(), page.all("details.more[open]").count()), ("7", 2));
}

/// What another method's fields hold does not stop a save and is not stored: it was not checked.
#[tokio::test]
async fn hidden_fields_are_neither_checked_nor_stored() {
    let world = connector("bearer", "https://api.example.org/v1").await;
    let ana = world.app.super_admin().await;
    let wrong = |form: FormFill| {
        let form = form.set("auth_method", "no_auth").set("user_name", "a:b").set("api_key_name", "no header");
        form.set("expired_statuses", "never").set("authorize_url", "no address").confirmed()
    };
    save(&ana, wrong).await.expect(303);
    let stored = "SELECT user_name || api_key_name || expired_statuses FROM authorizations";
    assert_eq!(world.app.value(stored).await, "401");
}

#[tokio::test]
async fn a_viewer_sees_how_the_connector_connects() {
    let api = MutualTls::start().await;
    let world = connector("no_auth", &api.server.url("/v1")).await;
    let ana = world.app.super_admin().await;
    save(&ana, |form| api.fill(form).set("time_out", "7")).await.expect(303);
    let ben = world.app.person(&[ViewConnectors]).await;
    let page = ben.get(TAB).await.expect(200);
    let facts = page.texts("dl.kv dt").into_iter().zip(page.texts("dl.kv dd"));
    let facts: Vec<String> = facts.map(|(term, words)| format!("{term}: {words}")).collect();
    for expected in ["CA certificate: Set", "Client certificate: Set", "Time-out in seconds: 7"] {
        assert!(facts.iter().any(|fact| fact == expected), "{facts:?}");
    }
    assert!(facts.iter().any(|fact| fact.starts_with("Client key: Set on")), "{facts:?}");
}

/// As from a variable of the environment, from JSON, from YAML, from Windows.
#[tokio::test]
async fn certificates_and_keys_are_read_however_they_were_copied() {
    let api = MutualTls::start().await;
    let ana_of = async |shape: fn(&str) -> String| {
        let world = connector("no_auth", &api.server.url("/v1")).await;
        let ana = world.app.super_admin().await;
        let page = save(&ana, |form| {
            let form = form.set("ca_certificate", &shape(&api.ours.pem()));
            form.set("client_certificate", &shape(&api.client.certificate_pem))
                .set("client_key", &shape(&api.client.key_pem))
        })
        .await;
        assert_eq!(page.status, 303, "{:?}", page.errors());
        assert_eq!(world.call("user", json!({})).await.status, 200);
        let stored = world.app.rows("SELECT ca_certificate, client_certificate FROM authorizations").await;
        assert_eq!(stored, [[api.ours.pem(), api.client.certificate_pem.clone()]], "in one form");
        let key = world.app.secret(world.connector, SecretField::ClientKey).await;
        assert_eq!(key.as_deref(), Some(api.client.key_pem.as_str()));
    };
    for shape in [
        (|pem: &str| pem.replace('\n', " ")) as fn(&str) -> String,
        |pem| pem.replace('\n', "\\n"),
        |pem| pem.lines().map(|line| format!("    {line}\r\n")).collect(),
        |pem| format!("\u{feff}Bag Attributes\n    friendlyName: box\n\"{pem}\"\nmore text"),
    ] {
        ana_of(shape).await;
    }
}

#[tokio::test]
async fn what_is_pasted_in_place_of_a_certificate_is_named() {
    let world = connector("no_auth", "https://api.example.org/v1").await;
    let ana = world.app.super_admin().await;
    let (openssl, ours) = (OpenSsl::new(), Issued::self_signed("client"));
    openssl.self_signed("rsa:2048", "-subj /CN=box");
    openssl.run("req -new -key k.pem -subj /CN=box -out request.pem");
    openssl.run("crl2pkcs7 -nocrl -certfile c.pem -out bundle.pem");
    openssl.run("pkcs12 -export -in c.pem -inkey k.pem -passout pass:x -out box.p12");
    openssl.run("base64 -in box.p12 -out box.txt");
    for (field, text, words) in [
        ("ca_certificate", openssl.read("request.pem"), "is a certificate request"),
        ("ca_certificate", openssl.read("bundle.pem"), "is a PKCS#7 file"),
        ("ca_certificate", openssl.read("box.txt"), "is a PKCS#12 file"),
        ("ca_certificate", ours.certificate_pem.replace("-----END", ""), "has a BEGIN line without its END line"),
        ("client_key", ours.certificate_pem.clone(), "is a certificate. Enter the private key"),
    ] {
        let page = save(&ana, |form| {
            let form = form.set("client_certificate", &ours.certificate_pem).set("client_key", &ours.key_pem);
            form.set(field, &text)
        });
        let page = page.await.expect(422);
        let error = page.field_error(field).unwrap_or_default();
        assert!(error.contains(words), "{error}");
    }
    // A key without its markers is a secret too.
    let bare: String = ours.key_pem.lines().filter(|line| !line.contains("-----")).collect();
    let page = save(&ana, |form| form.set("ca_certificate", &bare)).await.expect(422);
    assert_eq!(page.field_error("ca_certificate").as_deref(), Some("CA certificate must not contain a private key"));
    assert!(!page.html.contains(&bare[..40]));
}

/// What `openssl req -x509` and many appliances make calls itself an authority.
#[tokio::test]
async fn a_servers_own_certificate_that_is_pasted_is_accepted_as_it_is() {
    let openssl = OpenSsl::new();
    openssl.self_signed("rsa:2048", "-subj /CN=box -addext subjectAltName=IP:127.0.0.1");
    let server = openssl.serve("").await;
    let world = connector("bearer", &server.url()).await;
    let ana = world.app.super_admin().await;
    save(&ana, |form| form.set("token", "t0ken")).await.expect(303);
    let before = test(&ana).await;
    assert!(
        before.contains("calls itself the certificate of an authority") || before.contains("self-signed"),
        "{before}"
    );
    save(&ana, |form| {
        form.set("ca_certificate", &openssl.read("c.pem"))
            .set("token_choice", "replace")
            .set("token", "t0ken")
            .confirmed()
    })
    .await
    .expect(303);
    assert!(test(&ana).await.contains("The API answered 200"), "{}", test(&ana).await);
    assert_eq!(world.call("user", json!({})).await.status, 200);
}

/// Fetches an address with these certificates; gives the status, or message and remedy.
async fn fetch(ca: &str, url: &str) -> String {
    let outbound = Outbound::new(Policy { allow_loopback: true, ..Policy::default() }).expect("a runtime");
    let ca_pem = Some(ca.to_owned()).filter(|ca| !ca.is_empty());
    let transport = Transport { ca_pem, ..Transport::default() };
    let request = HttpUrl::parse(url).expect("an address").request(Method::GET, Body::Empty).expect("a request");
    match outbound.fetch(&transport, request, Limits::default()).await {
        Ok(response) => response.status().as_u16().to_string(),
        Err(error) => {
            assert_eq!(error.stage, Stage::Tls, "{error:?}");
            format!("{} {}", error.message, error.remedy)
        }
    }
}

#[tokio::test]
async fn a_pasted_certificate_counts_for_itself_its_name_and_its_time_only() {
    let authority = Authority::new("Ours");
    let (issued, expired) = (authority.issue("127.0.0.1"), authority.issue_expired("127.0.0.1"));
    let (own, other_name) = (Issued::self_signed("127.0.0.1"), Issued::self_signed("other.example"));
    let ok = "200";
    for (shown, pasted, expected) in [
        (&issued, &issued, ok),
        (&own, &own, ok),
        (&expired, &expired, "has expired"),
        (&other_name, &other_name, "another host name"),
        (&own, &issued, "self-signed, or its issuer is not known"),
        (&issued, &own, "self-signed, or its issuer is not known"),
        (&Issued::self_signed("127.0.0.1"), &own, "self-signed, or its issuer is not known"),
    ] {
        let server = Hostile::start_tls(answer(200, &[], "ok"), shown, None).await;
        let said = fetch(&pasted.certificate_pem, &server.url("/")).await;
        assert!(said.contains(expected), "{said}, expected {expected}");
    }
    // Before there were alternative names the common name was the host.
    let openssl = OpenSsl::new();
    openssl.self_signed("rsa:2048", "-subj /O=Box/CN=localhost");
    let (server, pem) = (openssl.serve("").await, openssl.read("c.pem"));
    assert_eq!(fetch(&pem, &format!("https://localhost:{}/", server.port)).await, ok);
    let said = fetch(&pem, &server.url()).await;
    assert!(said.contains("names no host"), "{said}");
}

/// A private authority for the API, and a public one for the token server.
#[tokio::test]
async fn ones_own_authorities_are_trusted_besides_the_machines_or_alone() {
    let world = connector("basic", "https://api.example.org/v1").await;
    let ana = world.app.super_admin().await;
    let ca = Authority::new("Ours").pem();
    let first = |form: FormFill| form.set("user_name", "svc").set("password", "pw").set("ca_certificate", &ca);
    let page = save(&ana, first).await.expect(303).follow().await;
    assert_eq!(page.field_value("ca_trust"), "besides");
    save(&ana, |form| form.set("ca_trust", "only")).await.expect(303);
    assert_eq!(world.app.value("SELECT ca_trust FROM authorizations").await, "only");
    let refused = save(&ana, |form| form.set("ca_trust", "besides")).await.expect(422);
    let again = "Password must be entered again or removed, because the machine’s CA certificates would vouch for the server again";
    assert_eq!(refused.field_error("password").as_deref(), Some(again));
    let refused = save(&ana, |form| form.set("ca_certificate", "")).await.expect(422);
    assert_eq!(refused.field_error("password").as_deref(), Some(again));
    save(&ana, |form| {
        form.set("ca_trust", "besides").set("password_choice", "replace").set("password", "pw").confirmed()
    })
    .await
    .expect(303);
    // The machine's are trusted already.
    save(&ana, |form| form.set("ca_certificate", "")).await.expect(303);
    let refused = save(&ana, |form| form.forge("ca_trust", "none")).await.expect(422);
    assert_eq!(refused.field_error("ca_trust").as_deref(), Some("Choose which certificates are trusted"));
}

/// Inspection of TLS in companies, and qualified certificates.
#[tokio::test]
async fn a_critical_extension_of_an_issuer_is_named_and_the_issuer_can_be_pasted() {
    let key = || KeyPair::generate().expect("a key");
    let authority = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params
    };
    let (root, root_key, own_key, leaf_key) = (authority("Root"), key(), key(), key());
    let mut inspection = authority("Inspection");
    // anyPolicy (RFC 5280 4.2.1.4)
    let any_policy = vec![0x30, 0x08, 0x30, 0x06, 0x06, 0x04, 0x55, 0x1d, 0x20, 0x00];
    let mut policies = CustomExtension::from_oid_content(&[2, 5, 29, 32], any_policy);
    policies.set_criticality(true);
    inspection.custom_extensions.push(policies);
    let root_pem = root.self_signed(&root_key).expect("a certificate").pem();
    let issuer_pem = inspection.signed_by(&own_key, &Issuer::new(root, root_key)).expect("a certificate").pem();
    let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).expect("a name");
    let leaf_pem = leaf.signed_by(&leaf_key, &Issuer::new(inspection, own_key)).expect("a certificate").pem();
    let openssl = OpenSsl::new();
    openssl.write("c.pem", &leaf_pem);
    openssl.write("k.pem", &leaf_key.serialize_pem());
    openssl.write("chain.pem", &issuer_pem);
    let server = openssl.serve("-cert_chain chain.pem").await;
    let said = fetch(&root_pem, &server.url()).await;
    let words = "“CN=Inspection”, an issuer of 127.0.0.1:";
    assert!(said.contains(words) && said.contains("“certificate policies” marked as critical"), "{said}");
    assert!(said.contains("add its certificate to this connector as CA certificate"), "{said}");
    assert_eq!(fetch(&issuer_pem, &server.url()).await, "200");
}

/// Old appliances: what this side lacks is named, and not taken for something else.
#[tokio::test]
async fn what_the_tls_library_does_not_support_is_named() {
    let openssl = OpenSsl::new();
    openssl.self_signed("rsa:2048", "-subj /CN=box -addext subjectAltName=IP:127.0.0.1");
    let pem = openssl.read("c.pem");
    for (options, expected) in [
        ("-tls1_2", "200"),
        ("-tls1_2 -cipher AES256-SHA", "no cipher suite in common. Have cipher suites with ECDHE turned on"),
        ("-tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384", "no cipher suite in common"),
        ("-tls1_2 -cipher ECDHE-RSA-AES256-SHA", "no cipher suite in common"),
        ("-tls1_1 -cipher DEFAULT@SECLEVEL=0", "offers no TLS 1.2 or 1.3"),
        (
            "-tls1_2 -Verify 1",
            "broke off the TLS handshake after it had shown its certificate. It may ask for a client",
        ),
        ("-tls1_3 -Verify 1", "asks for a client certificate"),
    ] {
        let server = openssl.serve(options).await;
        let said = fetch(&pem, &server.url()).await;
        assert!(said.contains(expected), "{options}: {said}");
    }
    openssl.self_signed("rsa:1024", "-subj /CN=box -addext subjectAltName=IP:127.0.0.1");
    let server = openssl.serve("-cipher DEFAULT@SECLEVEL=0").await;
    let said = fetch(&openssl.read("c.pem"), &server.url()).await;
    assert!(said.contains("has an RSA key of 1024 bits"), "{said}");
}

#[tokio::test]
async fn a_certificate_with_an_old_signature_is_named_and_can_be_pasted() {
    let openssl = OpenSsl::new();
    openssl.self_signed("rsa:2048", "-subj /CN=Ours");
    openssl.run("req -new -newkey rsa:2048 -nodes -keyout s.pem -subj /CN=box -out request.pem");
    openssl.write("names", "subjectAltName=IP:127.0.0.1\n");
    openssl.run(
        "x509 -req -in request.pem -CA c.pem -CAkey k.pem -CAcreateserial -sha1 -days 30 -extfile names -out s.crt",
    );
    let ca = openssl.read("c.pem");
    let (own, key) = (openssl.read("s.crt"), openssl.read("s.pem"));
    openssl.write("c.pem", &own);
    openssl.write("k.pem", &key);
    let server = openssl.serve("-cipher DEFAULT@SECLEVEL=0").await;
    let said = fetch(&ca, &server.url()).await;
    assert!(said.contains("is signed with SHA-1"), "{said}");
    assert_eq!(fetch(&own, &server.url()).await, "200");
}
