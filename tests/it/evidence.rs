//! Health by evidence: what tests, calls and changes make of it.

mod calls;
mod migration;
mod tests_of_settings;

use chrono::TimeDelta;
use connectory::access::Permission::{EditConnectors, ViewConnectors};
use connectory::authorization::SecretField;
use connectory::connectors::Method;
use connectory::outbound::HttpUrl;
use uuid::Uuid;

use crate::support::upstream::{Reply, Seen, Upstream};
use crate::support::{Browser, FormFill, Page, TestApp};

const DETAILS: &str = "/connectors/payroll/details";
const TAB: &str = "/connectors/payroll/authorization";

/// A connector with Basic Auth and a stored password, and the API that it calls.
pub struct Basic {
    app: TestApp,
    api: Upstream,
    id: Uuid,
    pub ana: Browser,
}

impl Basic {
    pub async fn new(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Basic {
        let (app, api) = (TestApp::start().await, Upstream::start(script).await);
        let id = app
            .connector_with("Payroll", |new| {
                new.method = Method::Basic;
                new.details.base_url = HttpUrl::parse(&api.url("/v1")).ok();
            })
            .await;
        app.sql("UPDATE authorizations SET user_name = 'svc'").await;
        app.store_secret(id, SecretField::Password, "canary-5f1c77").await;
        let ana = app.person(&[EditConnectors]).await;
        Basic { app, api, id, ana }
    }

    async fn status(&self) -> String {
        self.app.value("SELECT status FROM connectors").await
    }

    /// Presses Test connection on the form filled in so.
    async fn test(&self, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
        let form = fill(self.ana.get(TAB).await.form(TAB));
        form.press("Test connection").send().await.expect(200)
    }

    /// Saves the Authorization tab filled in so.
    async fn save(&self, fill: impl FnOnce(FormFill) -> FormFill) {
        fill(self.ana.get(TAB).await.form(TAB)).confirmed().send().await.expect(303);
    }

    /// Saves the Details tab filled in so.
    async fn save_details(&self, fill: impl FnOnce(FormFill) -> FormFill) {
        self.ana.get(DETAILS).await.submit(fill).await.expect(303);
    }
}

fn fact(page: &Page, term: &str) -> String {
    let terms = page.texts("dl.kv dt");
    let place = terms.iter().position(|text| text == term).unwrap_or_else(|| panic!("no {term} among {terms:?}"));
    page.texts("dl.kv dd").swap_remove(place)
}
