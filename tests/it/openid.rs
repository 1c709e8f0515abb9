//! Signing in through the organisation's OpenID Connect provider.

mod break_glass;
mod coming_in;
mod confirming;
mod connecting;
mod groups;
mod hostile;
mod program;
mod provider;
mod real_provider;

pub use real_provider::site_of;

use connectory::app::Site;
use connectory::config::OidcConfig;
use connectory::openid::SignIns;
use connectory::vault::Secret;
use connectory::web::PublicAddress;
use serde_json::Value;
use uuid::Uuid;

use crate::support::identity_provider::{CLIENT_ID, CLIENT_SECRET, IdentityProvider};
use crate::support::{Browser, Page, TestApp};

/// What the button says.
pub const BUTTON: &str = "Sign in with Staff login";

/// The usual settings for the provider at this address.
pub fn settings(issuer: &str) -> OidcConfig {
    OidcConfig {
        issuer: issuer.into(),
        client_id: CLIENT_ID.into(),
        client_secret: Some(Secret::new(CLIENT_SECRET.into())),
        name: "Staff login".into(),
        scopes: "openid profile".into(),
        username_claim: "preferred_username".into(),
        groups_claim: Some("groups".into()),
        allowed_groups: None,
        create_people: true,
    }
}

/// Lets the people of a provider sign in.
pub fn let_in(site: &mut Site, settings: OidcConfig) {
    let address = PublicAddress::new(&site.public_url);
    site.sign_ins = SignIns::new(Some(settings), &site.outbound, &site.vault, &site.clock, &address);
}

/// A site for whose provider nobody answers.
pub async fn site_of_nobody() -> TestApp {
    TestApp::start_with(|site| let_in(site, settings("http://127.0.0.1:1"))).await
}

/// A provider, and a site that lets its people in.
struct Staff {
    provider: IdentityProvider,
    app: TestApp,
}

impl Staff {
    async fn start() -> Staff {
        Staff::with(|_| ()).await
    }

    /// The same with other settings.
    async fn with(change: impl FnOnce(&mut OidcConfig)) -> Staff {
        let clock = connectory::clock::Clock::system();
        let provider = IdentityProvider::start(&clock).await;
        let mut settings = settings(&provider.issuer);
        change(&mut settings);
        let app = TestApp::start_with(|site| {
            site.clock = clock;
            let_in(site, settings);
        })
        .await;
        app.founded().await;
        Staff { provider, app }
    }

    /// Presses the button of the sign-in page, and gives the address that the next page leads to.
    async fn leave(&self, browser: &Browser) -> String {
        let page = browser.get("/sign-in").await.expect(200);
        leads_to(&page.form("/sign-in/attempts").send().await)
    }

    /// Follows an address of the provider's answer.
    async fn follow(&self, browser: &Browser, answer: &str) -> Page {
        let path = answer.strip_prefix(&self.app.public_url);
        browser.get(path.expect("an address of the site")).await
    }

    /// Signs in as whoever the provider says.
    async fn come(&self, browser: &Browser) -> Page {
        let answer = self.provider.answer(&self.leave(browser).await);
        self.follow(browser, &answer).await
    }

    /// The same with these claims, in a new browser.
    async fn arrive(&self, claims: Value) -> (Browser, Page) {
        self.provider.person(claims);
        let browser = self.app.browser();
        let page = self.come(&browser).await;
        (browser, page)
    }

    /// The user of this user name.
    async fn user(&self, username: &str) -> Uuid {
        let query = format!("SELECT id FROM users WHERE username = '{username}'");
        self.app.value(&query).await.parse().expect("a user")
    }

    async fn sessions(&self) -> i64 {
        self.app.count("SELECT count(*) FROM sessions").await
    }
}

/// Where a page that sends to the provider leads, by its link and by itself.
pub fn leads_to(page: &Page) -> String {
    assert_eq!(page.status, 200, "{}", page.text());
    let link = page.attribute("main a.btn", "href").expect("a link");
    assert_eq!(page.header("refresh"), format!("0; url={link}"));
    assert_eq!(page.header("cache-control"), "no-store");
    link
}
