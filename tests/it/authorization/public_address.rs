//! Behind a reverse proxy: the redirect URL is made from the configured public address, whatever the request calls the
//! host.

use connectory::access::Permission::EditConnectors;
use connectory::connectors::{Grant, Method};
use url::Url;

use super::{TAB, connector};
use crate::support::TestApp;

const REDIRECT_URL: &str = "https://connect.example.org/connectors/payroll/authorization/callback";

#[tokio::test]
async fn the_redirect_url_is_at_the_public_address() {
    for grant in [Grant::AuthorizationCode, Grant::Implicit] {
        let app = TestApp::start_with(|site| site.public_url = "https://connect.example.org".into()).await;
        connector(&app, Method::OAuth(grant)).await;
        let ana = app.person(&[EditConnectors]).await;
        let request = ana.request(reqwest::Method::GET, TAB);
        let page = ana.send(request.header("x-forwarded-host", "evil.example.org")).await.expect(200);
        assert_eq!(page.field_value("redirect_url"), REDIRECT_URL);

        let saved = page
            .submit(|form| {
                let form =
                    form.set("authorize_url", "https://login.example.org/authorize").set("client_id", "connectory");
                match grant {
                    Grant::Implicit => form,
                    _ => form.set("token_url", "https://login.example.org/token"),
                }
            })
            .await;
        let page = saved.follow().await;
        let leave = page.form(&format!("{TAB}/attempts")).send().await.expect(200);
        let link = leave.attribute("main a[rel=noreferrer]", "href");
        let link = Url::parse(&link.expect("a link")).expect("an address");
        let sent: Vec<String> = link
            .query_pairs()
            .filter(|(name, _)| name == "redirect_uri")
            .map(|(_, value)| value.into_owned())
            .collect();
        assert_eq!(sent, [REDIRECT_URL]);
    }
}
