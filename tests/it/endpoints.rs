//! Endpoints: the tab, the editor, where secrets may go, and Run.

mod calling;
mod deleting;
mod editor;
mod hosts;
mod limits;
mod masking;
mod memory;
mod rows;
mod running;
mod tab;

use connectory::outbound::HttpUrl;
use uuid::Uuid;

use crate::support::hostile::Hostile;
use crate::support::{Browser, FormFill, Page, TestApp};

/// The tab of the connector of these tests, and the page of a new endpoint.
const TAB: &str = "/connectors/payroll/endpoints";
const NEW: &str = "/connectors/payroll/endpoints/new";

/// A connector whose base URL is this server's, below `/v1`.
async fn connected(app: &TestApp, api: &Hostile) -> Uuid {
    let base = api.url("/v1");
    app.connector_with("Payroll", |new| {
        new.details.base_url = Some(HttpUrl::parse(&base).expect("an address"));
    })
    .await
}

/// Creates an endpoint through the page, and gives its own page's address.
async fn created(browser: &Browser, fill: impl FnOnce(FormFill) -> FormFill) -> String {
    let page = browser.get(NEW).await.expect(200);
    let answer = fill(page.form(TAB)).send().await.expect(303);
    answer.location().expect("its page").to_string()
}

/// Presses a button of the editor on this page.
async fn press(page: &Page, action: &str, button: &str, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    fill(page.form(action)).press(button).send().await
}

/// Runs what stands in the editor at this address.
async fn run(browser: &Browser, address: &str, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
    let page = browser.get(address).await.expect(200);
    let action = if address == NEW { TAB } else { address };
    press(&page, action, "Run", fill).await
}

/// The heading of what has come of a run.
fn outcome(page: &Page) -> String {
    page.texts("main .note[data-focus] h2").join(" ")
}

/// The body of the answer as the page shows it.
fn shown_body(page: &Page) -> String {
    let shown = page.all("pre[aria-label='Response body']").next();
    shown.map_or(String::new(), |shown| shown.text().collect())
}
