//! Signing in with the organisation's provider, by the settings of the document.

use connectory::clock::Clock;

use super::document::recipe;
use super::machine::Machine;
use super::settings::config;
use crate::openid::leads_to;
use crate::support::identity_provider::{CLIENT_SECRET, IdentityProvider};

#[tokio::test(flavor = "multi_thread")]
async fn people_come_in_by_the_settings_of_the_document() {
    let provider = IdentityProvider::start(&Clock::system()).await;
    let mut machine = Machine::installed();
    machine.name("https://login.example.org/realms/staff", &provider.issuer);
    machine.add_settings("oidc");
    machine.add_lines("CONNECTORY_OUTBOUND_LOOPBACK=yes\n");
    machine.secret_file("/etc/connectory/oidc.secret", &format!("{CLIENT_SECRET}\n"));
    machine.run("enable");
    machine.run("lost-super-admin");
    let browser = machine.browser();
    let page = browser.get("/sign-in").await.expect(200);
    assert!(page.text().contains("Sign in with Staff login"));
    let request = leads_to(&page.form("/sign-in/attempts").send().await);
    let answer = provider.answer(&request);
    // The one redirect URL that the document gives the provider.
    let site = format!("http://{}", machine.address);
    let path = answer.strip_prefix(&site).expect("the public address");
    assert!(path.starts_with("/sign-in/callback?"), "{path}");
    assert_eq!(browser.get(path).await.location(), Some("/"));
    browser.get("/profile").await.expect(200);
}

#[test]
fn what_stands_there_for_each_provider_is_a_whole_set_of_settings() {
    for (settings, issuer, groups) in [
        (recipe("oidc-keycloak"), "https://login.example.org/realms/staff", Some("groups")),
        (
            recipe("oidc-entra"),
            "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
            Some("groups"),
        ),
        (recipe("oidc-authentik"), "https://login.example.org/application/o/connectory/", Some("groups")),
        (recipe("oidc-google"), "https://accounts.google.com", None),
    ] {
        let machine = Machine::installed();
        let secret = machine.secret_file("/etc/connectory/oidc.secret", "secret\n");
        machine.add_lines(&format!(
            "CONNECTORY_OIDC_CLIENT_ID=connectory\nCONNECTORY_OIDC_CLIENT_SECRET_FILE={}\n",
            secret.display()
        ));
        machine.add_lines(&settings);
        let config = config(&machine);
        let oidc = config.oidc.expect("a provider");
        assert_eq!((oidc.issuer.as_str(), oidc.groups_claim.as_deref()), (issuer, groups));
    }
}
