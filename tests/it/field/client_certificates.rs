//! Client certificates as people get them: PKCS#12 files, and keys with a pass phrase. The files are made by OpenSSL.

use connectory::authorization::SecretField;
use serde_json::json;

use super::connector;
use crate::api::World;
use crate::support::hostile::{Authority, Hostile, Issued, answer};
use crate::support::openssl::OpenSsl;
use crate::support::{Browser, FormFill, Page};

const TAB: &str = "/connectors/ledger/authorization";
const PAGE: &str = "/connectors/ledger/authorization/client-certificate";
const PASS: &str = "canary-p4ss-phräse";

/// A folder with the certificate `c.pem`, its key `k.pem` and the authority `ca.pem`.
fn folder(client: &Issued, authority: &Authority) -> OpenSsl {
    let openssl = OpenSsl::new();
    openssl.write("c.pem", &client.certificate_pem);
    openssl.write("k.pem", &client.key_pem);
    openssl.write("ca.pem", &authority.pem());
    openssl.write("pass", PASS);
    openssl
}

async fn form(ana: &Browser) -> FormFill {
    ana.get(PAGE).await.expect(200).form(PAGE).confirmed()
}

async fn upload(ana: &Browser, file: &[u8], pass_phrase: &str) -> Page {
    form(ana).await.set("pass_phrase", pass_phrase).send_with_file("file", "box.p12", file).await
}

async fn paste(ana: &Browser, text: &str, pass_phrase: &str) -> Page {
    form(ana).await.set("pem", text).set("pass_phrase", pass_phrase).send_once().await
}

/// Removes what was stored, so that the next file has to be what is used.
async fn forget(world: &World) {
    world.app.sql("DELETE FROM secrets; UPDATE authorizations SET client_certificate = ''").await;
}

#[tokio::test]
async fn a_pkcs12_file_is_opened_with_its_pass_phrase_and_used() {
    let (ours, clients) = (Authority::new("Ours"), Authority::new("Clients"));
    let client = clients.issue("connectory");
    let api = Hostile::start_tls(answer(200, &[], "{}"), &ours.issue("127.0.0.1"), Some(&clients)).await;
    let openssl = folder(&client, &clients);
    let chain = format!("{}{}", client.certificate_pem, clients.pem());
    let old = "-keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1";
    for (way, pass_phrase) in [
        ("-passout file:pass", PASS),
        ("-passout file:pass -legacy", PASS),
        (&format!("-passout file:pass {old}"), PASS),
        ("-passout file:pass -macalg sha512 -keypbe AES-128-CBC -certpbe NONE", PASS),
        ("-passout file:pass -nomac", PASS),
        ("-passout pass:", ""),
        ("-passout pass: -keypbe NONE -certpbe NONE -nomac", ""),
    ] {
        openssl.run(&format!("pkcs12 -export -in c.pem -inkey k.pem -certfile ca.pem -out box.p12 {way}"));
        let file = std::fs::read(openssl.path("box.p12")).expect("a file");
        let (world, ana) = connector("no_auth", &api.url("/v1")).await;
        let saved = ana.get(TAB).await.form(TAB).set("ca_certificate", &ours.pem()).send().await;
        saved.expect(303);
        let page = upload(&ana, &file, pass_phrase).await;
        assert_eq!(page.status, 303, "{way}: {:?}", page.errors());
        let page = page.follow().await;
        assert_eq!(page.flash(), "The client certificate was saved");
        let stored = world.app.value("SELECT client_certificate FROM authorizations").await;
        assert_eq!(stored, chain, "{way}");
        let key = world.app.secret(world.connector, SecretField::ClientKey).await.unwrap_or_default();
        assert!(key.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{way}");
        let answer = world.call("user", json!({})).await;
        assert_eq!(answer.status, 200, "{way}: {}", answer.body);
        let audited = world.app.value("SELECT string_agg(changes::text, '') FROM audit_events").await;
        assert!(audited.contains("Client key") && audited.contains("Client certificate"), "{audited}");
        let row = world.app.value("SELECT a::text FROM authorizations a").await;
        for place in [&audited, &row, &page.html] {
            assert!(!place.contains(PASS), "the pass phrase is stored nowhere");
        }
    }
}

#[tokio::test]
async fn a_key_in_pem_is_opened_with_its_pass_phrase() {
    let (authority, client) = (Authority::new("Clients"), Authority::new("Clients").issue("connectory"));
    let openssl = folder(&client, &authority);
    let (world, ana) = connector("no_auth", "https://api.example.org/v1").await;
    for way in ["", "-v2 des3", "-v2 aes-128-cbc -v2prf hmacWithSHA1", "-scrypt"] {
        openssl.run(format!("pkcs8 -topk8 -in k.pem -passout file:pass -out e.pem {way}").trim());
        let text = format!("{}{}", openssl.read("e.pem"), client.certificate_pem);
        for is_file in [true, false] {
            forget(&world).await;
            let page = match is_file {
                true => upload(&ana, text.as_bytes(), PASS).await,
                false => paste(&ana, &text, PASS).await,
            };
            assert_eq!(page.status, 303, "{way}: {:?}", page.errors());
            let stored = world.app.value("SELECT client_certificate FROM authorizations").await;
            assert_eq!(stored, client.certificate_pem, "{way}");
            let key = world.app.secret(world.connector, SecretField::ClientKey).await;
            assert_eq!(key.map(|key| key.replace("\r\n", "\n")), Some(client.key_pem.replace("\r\n", "\n")), "{way}");
        }
    }
    // As it was copied from a variable of the environment or a secret of a cluster; and a key that is not encrypted.
    openssl.run("pkcs12 -export -in c.pem -inkey k.pem -passout file:pass -out box.p12");
    openssl.run("base64 -in box.p12 -out box.txt");
    let one_line = format!("{}{}", client.key_pem, client.certificate_pem).replace('\n', "\\n");
    for text in [openssl.read("box.txt"), one_line] {
        forget(&world).await;
        assert_eq!(paste(&ana, &text, PASS).await.status, 303, "{text}");
    }
}

/// RSA keys, a file with the whole chain in another order, and the certificates of others.
#[tokio::test]
async fn of_all_certificates_those_of_the_key_and_its_issuers_are_taken() {
    let (clients, other) = (Authority::new("Clients"), Issued::self_signed("other"));
    let (client, openssl) = (clients.issue("connectory"), OpenSsl::new());
    let (world, ana) = connector("no_auth", "https://api.example.org/v1").await;
    let text = [clients.pem(), other.certificate_pem, client.certificate_pem.clone(), client.key_pem].concat();
    paste(&ana, &text, "").await.expect(303);
    let stored = world.app.value("SELECT client_certificate FROM authorizations").await;
    assert_eq!(stored, format!("{}{}", client.certificate_pem, clients.pem()));
    openssl.self_signed("rsa:2048", "-subj /CN=box");
    openssl.run("pkcs12 -export -in c.pem -inkey k.pem -passout pass:x -out box.p12");
    upload(&ana, &std::fs::read(openssl.path("box.p12")).expect("a file"), "x").await.expect(303);
    let stored = world.app.value("SELECT client_certificate FROM authorizations").await;
    assert_eq!(stored.trim(), openssl.read("c.pem").trim(), "the new one took the place of the old one");
}

#[tokio::test]
async fn what_is_wrong_is_said_at_its_field() {
    let (authority, other) = (Authority::new("Clients"), Issued::self_signed("other"));
    let client = authority.issue("connectory");
    let openssl = folder(&client, &authority);
    let (world, ana) = connector("no_auth", "https://api.example.org/v1").await;
    openssl.run("pkcs12 -export -in c.pem -inkey k.pem -passout file:pass -out box.p12");
    openssl.run("pkcs12 -export -in c.pem -inkey k.pem -passout file:pass -nomac -out nomac.p12");
    openssl.run("pkcs12 -export -in c.pem -nokeys -passout file:pass -out nokeys.p12");
    openssl
        .run("pkcs12 -export -in c.pem -inkey k.pem -passout file:pass -keypbe PBE-SHA1-RC4-128 -legacy -out rc4.p12");
    openssl.run("pkcs8 -topk8 -in k.pem -passout file:pass -out new.pem");
    openssl.run("pkcs8 -topk8 -in k.pem -passout file:pass -v1 PBE-SHA1-3DES -out v1.pem");
    openssl.run("ec -in k.pem -aes128 -passout file:pass -out old.pem");
    openssl.run("x509 -in c.pem -outform DER -out c.der");
    let read = |name: &str| std::fs::read(openssl.path(name)).expect("a file");
    let with = |key: &str| format!("{}{}", client.certificate_pem, openssl.read(key)).into_bytes();
    let not_opened = "The pass phrase does not open the key. Enter it once more";
    let missing = "Enter the pass phrase, because the key is encrypted";
    let old = "The file has a key that is encrypted in an old way. Convert the key with: openssl pkey -in key.pem -aes256 -out new.pem";
    for (file, pass_phrase, field, message) in [
        (read("box.p12"), "wrong", "pass_phrase", not_opened),
        (read("box.p12"), "", "pass_phrase", missing),
        (read("nomac.p12"), "wrong", "pass_phrase", not_opened),
        (with("new.pem"), "wrong", "pass_phrase", not_opened),
        (with("new.pem"), "", "pass_phrase", missing),
        (with("v1.pem"), PASS, "file", old),
        (with("old.pem"), PASS, "file", old),
        (
            read("rc4.p12"),
            PASS,
            "file",
            "The file is PKCS#12 in a form that cannot be read. Convert it with: openssl pkcs12 -legacy",
        ),
        (read("nokeys.p12"), PASS, "file", "The file has no private key. It must hold the certificate and its key"),
        (read("c.der"), "", "file", "The file has no private key. It must hold the certificate and its key"),
        (read("c.pem"), "", "file", "The file has no private key. It must hold the certificate and its key"),
        (read("k.pem"), "", "file", "The file has no certificate. It must hold the certificate and its key"),
        (
            format!("{}{}", client.certificate_pem, other.key_pem).into_bytes(),
            "",
            "file",
            "The file has a key that belongs to none of its certificates",
        ),
        (
            [&client.certificate_pem, &client.key_pem, &other.certificate_pem, &other.key_pem]
                .map(String::as_str)
                .concat()
                .into_bytes(),
            "",
            "file",
            "The file has more than one key with a certificate. Export the one that is to be used alone",
        ),
        (
            b"\xFE\xED\xFE\xED\x00\x00\x00\x02".to_vec(),
            "",
            "file",
            "The file is a keystore of Java. Convert it with: keytool",
        ),
        (b"\x30\x80\x02\x01\x03\x30\x80".to_vec(), "", "file", "The file is PKCS#12 in a form that cannot be read"),
        (b"\x00\xFF\x00".to_vec(), "", "file", "The file is neither PKCS#12 nor PEM with a certificate and its key"),
        (read("c.pem")[..200].to_vec(), "", "file", "The file has a BEGIN line without its END line"),
        (Vec::new(), "", "file", "The file is empty. Choose another one"),
        (vec![b'x'; 300_000], "", "file", "The file must be 256 KiB or less. Choose one with this certificate alone"),
    ] {
        let page = upload(&ana, &file, pass_phrase).await.expect(422);
        let error = page.field_error(field).unwrap_or_default();
        assert!(error.starts_with(message) && page.errors().len() == 1, "{message}: {:?}", page.errors());
        assert_eq!((page.field_value("pass_phrase"), page.field_value("pem")), (String::new(), String::new()));
        assert!(pass_phrase.is_empty() || !page.html.contains(PASS));
    }
    let page = paste(&ana, "", "").await.expect(422);
    assert_eq!(page.field_error("file").as_deref(), Some("Choose a file, or paste the text of one"));
    let both = form(&ana).await.set("pem", &client.certificate_pem).send_with_file("file", "c.pem", b"x").await;
    assert_eq!(both.expect(422).field_error("pem").as_deref(), Some("Choose a file or paste text, not both"));
    let key = paste(&ana, &client.key_pem, "").await.expect(422);
    assert!(key.field_error("pem").is_some_and(|error| error.starts_with("The text has no certificate")));
    assert!(!key.html.contains(client.key_pem.lines().nth(1).expect("a line of the key")));
    assert_eq!(world.app.count("SELECT count(*) FROM secrets").await, 0);
}

/// The other settings and secrets stay as they are, and the own password is asked for where a key is replaced.
#[tokio::test]
async fn only_the_certificate_is_changed() {
    let client = Issued::self_signed("connectory");
    let (world, ana) = connector("oauth_client_credentials", "https://api.example.org/v1").await;
    let tab = ana.get(TAB).await.form(TAB).set("token_url", "https://id.example.org/token");
    tab.set("client_id", "app").set("client_secret", "s3cret").set("time_out", "7").send().await.expect(303);
    world.app.store_token(world.connector, "canary-token", None).await;
    let before = world.app.value("SELECT a.time_out || c::text FROM authorizations a, oauth_clients c").await;
    assert!(ana.get(TAB).await.has_link("Use a file or a key with a pass phrase"));
    let text = format!("{}{}", client.certificate_pem, client.key_pem);
    assert!(!ana.get(PAGE).await.html.contains("own_password"));
    paste(&ana, &text, "").await.expect(303);
    assert_eq!(world.app.value("SELECT a.time_out || c::text FROM authorizations a, oauth_clients c").await, before);
    let secret = world.app.secret(world.connector, SecretField::ClientSecret).await;
    assert_eq!(secret.as_deref(), Some("s3cret"));
    assert_eq!(world.app.token(world.connector).await.as_deref(), Some("canary-token"));

    let page = ana.get(PAGE).await.expect(200);
    assert!(page.text().contains("The one that you choose here takes its place."));
    let other = Issued::self_signed("connectory");
    let text = format!("{}{}", other.certificate_pem, other.key_pem);
    let page = page.form(PAGE).set("pem", &text).without("own_password").send_once().await.expect(422);
    assert_eq!(page.field_error("own_password").as_deref(), Some("Enter your password"));
    let stored = "SELECT client_certificate FROM authorizations";
    assert_eq!(world.app.value(stored).await, client.certificate_pem);
    let stale = form(&ana).await.forge("version", "1").set("pem", &text).send_once().await.expect(409);
    assert!(stale.field_error("file").is_some_and(|error| error.contains("was changed meanwhile")));
    paste(&ana, &text, "").await.expect(303);
    assert_eq!(world.app.value(stored).await, other.certificate_pem);
}
