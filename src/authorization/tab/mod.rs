//! The Authorization tab.

use std::ops::Deref;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

mod state;
mod stored;

pub(super) use stored::{Stored, load, read};

use super::connection_test::{self, Mark, TestReport, Tools};
use super::credential::{BasicCharset, CredentialPlace};
use super::discovery::{self, Found, NotFound};
use super::forms::{CheckedAuthorization, LOGIN_METHODS};
use super::keeper::TokenKeeper;
use super::login::LoginBodyKind;
use super::model::{CaTrust, RedirectUrl};
use super::options::ProxyUse;
use super::save::{conflict, save};
use super::secret_field::SecretChange;
use crate::access::{RateLimit, RequestContext, Right, SignInGuard};
use crate::audit::Change;
use crate::connectors::{self, ConnectorHead, Health, Method, Observation, SecretField, Tab};
use crate::oauth::{
    AssertionAudience, BodyFormat, ClientAuthentication, RefreshScope, ScopeSeparator, SigningAlgorithm, TokenError,
    TokenToSend,
};
use crate::outbound::Outbound;
use crate::vault::Vault;
use crate::web::{Error, FormData, Layout, Segment, TypedForm, page};

/// What has just come of a button of the tab, shown above it.
pub(super) enum Notice {
    None,
    /// A token was asked for, and refused.
    Refused(TokenError),
    /// The server has described itself, or has not.
    Found(Result<Found, NotFound>),
    Tested(TestReport),
}

/// The tab's page.
#[derive(Template)]
#[template(path = "authorization/tab.html")]
pub(super) struct TabPage {
    layout: Layout,
    head: ConnectorHead,
    stored: Stored,
    /// As chosen in the form.
    redirect_url: String,
    shared_redirect_url: String,
    notice: Notice,
    may_authorize: bool,
    /// The own password need not be entered again.
    confirmed: bool,
}

/// What the page shows is mostly what is stored.
impl Deref for TabPage {
    type Target = Stored;

    fn deref(&self) -> &Stored {
        &self.stored
    }
}

impl TabPage {
    /// Asked for where there is a secret to be replaced or removed.
    fn asks_password(&self) -> bool {
        !self.confirmed && self.has_secrets()
    }

    /// Whether the chosen method is not the stored one: the server shows its fields, nothing is saved yet.
    fn is_switching(&self) -> bool {
        self.form.method() != self.connector.method()
    }

    /// Whether a group of fields belongs to the chosen method, or by `authentication=…` to the client authentication.
    fn shows(&self, cases: &str) -> bool {
        let (method, authentication) = (self.form.method().code(), self.form.authentication.as_str());
        cases.split(' ').any(|case| case == method || case.strip_prefix("authentication=") == Some(authentication))
    }

    /// Whether the server has described itself under the name of another issuer.
    fn found_other_issuer(&self) -> bool {
        matches!(&self.notice, Notice::Found(Err(missing)) if !missing.of_other_issuer.is_empty())
    }

    fn redirect_hint(&self) -> String {
        format!(
            "For servers that take one address only, the shared one is {}. Then enter the Issuer, too: it tells servers that name themselves apart.",
            self.shared_redirect_url
        )
    }

    /// `data-case` and, where the group is not in use, `hidden`.
    fn case(&self, cases: &'static str) -> Case {
        Case { cases, hidden: !self.shows(cases) }
    }
}

/// The attributes of a group of fields that belongs to some choices.
struct Case {
    cases: &'static str,
    hidden: bool,
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let hidden = if self.hidden { " hidden" } else { "" };
        write!(f, "data-case=\"{}\"{hidden}", self.cases)
    }
}

impl askama::filters::HtmlSafe for Case {}

pub(super) fn tab_page(
    context: RequestContext,
    stored: Stored,
    notice: Notice,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let page_of_tab = TabPage {
        head: ConnectorHead::new(&stored.connector, Tab::Authorization, &context.actor),
        redirect_url: stored.form.redirect().url(&context.address, &stored.connector.key),
        shared_redirect_url: RedirectUrl::Shared.url(&context.address, ""),
        may_authorize: stored.connector.rights.contains(Right::Authorize),
        confirmed: context.is_confirmed(),
        layout: context.layout,
        stored,
        notice,
    };
    page(status, &page_of_tab)
}

pub async fn edit(context: RequestContext, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let stored = load(&context, &mut *context.conn().await?, &key, Right::View).await?;
    tab_page(context, stored, Notice::None, StatusCode::OK)
}

/// What the tab's form is sent for, besides saving.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Show,
    Discover,
    /// The same, also where the description names another issuer.
    DiscoverOther,
    Test,
    Save,
}

impl Purpose {
    fn of(data: &FormData) -> Purpose {
        match data.get("do") {
            _ if data.is_draft() => Purpose::Show,
            Some("show") => Purpose::Show,
            Some("discover") => Purpose::Discover,
            Some("discover_other") => Purpose::DiscoverOther,
            Some("test") => Purpose::Test,
            _ => Purpose::Save,
        }
    }
}

pub async fn update(
    context: RequestContext,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    keeper: web::Data<TokenKeeper>,
    (rate_limit, guard): (web::Data<RateLimit>, web::Data<SignInGuard>),
    Segment(key): Segment,
    TypedForm(data): TypedForm,
) -> Result<HttpResponse, Error> {
    let purpose = Purpose::of(&data);
    let mut stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    stored.form = stored.form.submitted(data)?;
    // Before anything is shown or checked: a page made from this form would carry the version of today.
    let Some(seen) = stored.form.seen_version(stored.settings.version) else {
        let theirs = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
        return conflict(context.layout, theirs, &stored.form);
    };
    if purpose == Purpose::Show {
        return tab_page(context, stored, Notice::None, StatusCode::OK);
    }
    if purpose != Purpose::Save {
        rate_limit.take(&context.actor.username).map_err(Error::TooMany)?;
    }
    if matches!(purpose, Purpose::Discover | Purpose::DiscoverOther) {
        let accepts_other = purpose == Purpose::DiscoverOther;
        return discovery::discover(context, &vault, &outbound, stored, accepts_other).await;
    }
    let Some(checked) = stored.check(&vault)? else {
        return tab_page(context, stored, Notice::None, StatusCode::UNPROCESSABLE_ENTITY);
    };
    if purpose == Purpose::Test {
        let (clock, address) = (context.clock(), &context.address);
        let tools = Tools { vault: &vault, outbound: &outbound, keeper: &keeper, clock, address };
        let report = connection_test::test(&tools, &stored, &checked).await?;
        if let Some(seen) = report.observation.as_ref().filter(|_| stored.is_same_as(&checked)) {
            stored = add_observation(&context, stored, seen).await?;
        }
        return tab_page(context, stored, Notice::Tested(report), StatusCode::OK);
    }
    // Asked for in the same form, because a page that asks for the password could not hold the new secret meanwhile.
    let takes = stored.takes_secrets(&checked);
    if takes && !guard.confirm(&context, &stored.form.data, &mut stored.form.errors).await? {
        return tab_page(context, stored, Notice::None, StatusCode::UNPROCESSABLE_ENTITY);
    }
    let mut conn = context.conn().await?;
    if !save(&mut Change::new(&mut conn, &context), &vault, (&stored, seen), &checked).await? {
        let theirs = load(&context, &mut conn, &key, Right::Authorize).await?;
        return conflict(context.layout, theirs, &stored.form);
    }
    let address = format!("/connectors/{}/authorization", stored.connector.key);
    Ok(context.see_other(&address, saved_message(&stored, &checked)))
}

/// Adds what a test of the stored settings has shown, and gives the tab as it is by now.
async fn add_observation(context: &RequestContext, tested: Stored, seen: &Observation) -> Result<Stored, Error> {
    let (id, key) = (tested.connector.id, &tested.connector.key);
    let mut conn = context.conn().await?;
    connectors::add_observations(&mut conn, id, std::slice::from_ref(seen), context.now()).await?;
    let now = load(context, &mut conn, key, Right::Authorize).await?;
    Ok(Stored { form: tested.form, ..now })
}

/// What was saved, and that tokens went with it: they belonged to what was changed.
fn saved_message(stored: &Stored, checked: &CheckedAuthorization) -> &'static str {
    let issued = (checked.oauth.is_some() || checked.method == Method::Login) && stored.token.is_some();
    let forgotten = matches!(checked.token, SecretChange::Remove);
    if issued && forgotten {
        "The Data Connector was saved. Its tokens were removed, because they belonged to the settings before."
    } else {
        "The Data Connector was saved"
    }
}
