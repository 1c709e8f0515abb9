//! The Authorization tab.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};

use super::forms::AuthorizationForm;
use super::model::{Authorization, SecretField, StoredToken};
use super::queries;
use super::save::save;
use crate::access::{Permission, Visit};
use crate::connectors::{self, Connector, ConnectorHead, Health, Tab};
use crate::db::Conn;
use crate::oauth::Refusal;
use crate::vault::Vault;
use crate::web::{
    ConflictPage, Difference, Error, Form, FormData, SaveError, Segment, Shell, date_time, page,
    relative,
};

/// The tab's page.
#[derive(Template)]
#[template(path = "authorization/tab.html")]
pub(super) struct TabPage {
    shell: Shell,
    head: ConnectorHead,
    connector: Connector,
    authorization: Authorization,
    form: AuthorizationForm,
    token: Option<StoredToken>,
    /// A renewal that was just refused.
    refusal: Option<Refusal>,
    may_edit: bool,
    now: DateTime<Utc>,
}

impl TabPage {
    /// “in 52 minutes”, “3 days ago”.
    fn how_far(&self, time: &DateTime<Utc>) -> String {
        relative(time, &self.now)
    }

    /// What the health means and what repairs it.
    fn health_words(&self) -> &'static str {
        match self.connector.health() {
            Health::Healthy => "Calls can be signed in.",
            Health::Expiring => "The token ends soon. Get a new access token before it does.",
            Health::Failing => "The last renewal failed. It is tried again.",
            Health::NeedsReauthorization => "The token has ended. Get a new access token.",
            Health::NotAuthorized => {
                "Something is missing that calls need to be signed in. Fill in the fields on this page."
            }
            Health::Disabled => {
                "Calls are refused until the data connector is enabled on the Details tab."
            }
        }
    }

    /// Whether the chosen method is not the stored one: the server shows its fields, nothing is saved yet.
    fn is_switching(&self) -> bool {
        self.form.method() != self.connector.method()
    }

    /// Whether a group of fields belongs to the chosen method.
    fn shows(&self, methods: &str) -> bool {
        methods
            .split(' ')
            .any(|code| code == self.form.method().code())
    }
}

/// Everything stored that the tab needs.
pub(super) struct Stored {
    pub connector: Connector,
    pub authorization: Authorization,
    pub token: Option<StoredToken>,
    pub form: AuthorizationForm,
}

pub(super) async fn load(conn: &mut Conn, key: &str) -> Result<Stored, Error> {
    let connector = connectors::find(conn, key).await?;
    let authorization = queries::find(conn, connector.id).await?;
    let secrets = queries::stored_secrets(conn, connector.id).await?;
    let token = queries::stored_token(conn, connector.id).await?;
    let form = AuthorizationForm::of(&connector, &authorization, secrets, token.clone());
    Ok(Stored {
        connector,
        authorization,
        token,
        form,
    })
}

pub(super) fn tab_page(
    visit: Visit,
    stored: Stored,
    refusal: Option<Refusal>,
    status: StatusCode,
) -> Result<HttpResponse, Error> {
    let head = ConnectorHead::new(&stored.connector, Tab::Authorization, &visit.actor);
    let (now, may_edit) = (visit.now(), visit.may(Permission::EditConnectors));
    let Stored {
        connector,
        authorization,
        token,
        form,
    } = stored;
    page(
        status,
        &TabPage {
            shell: visit.shell,
            head,
            connector,
            authorization,
            form,
            token,
            refusal,
            may_edit,
            now,
        },
    )
}

pub async fn edit(visit: Visit, Segment(key): Segment) -> Result<HttpResponse, Error> {
    let stored = load(&mut *visit.conn().await?, &key).await?;
    tab_page(visit, stored, None, StatusCode::OK)
}

pub async fn update(
    visit: Visit,
    vault: web::Data<Vault>,
    Segment(key): Segment,
    Form(data): Form,
) -> Result<HttpResponse, Error> {
    let mut conn = visit.conn().await?;
    let mut stored = load(&mut conn, &key).await?;
    stored.form.read(&data);
    if data.get("do") == Some("show") {
        return tab_page(visit, stored, None, StatusCode::OK);
    }
    let client_key = queries::open_secret(
        &mut conn,
        &vault,
        stored.connector.id,
        SecretField::ClientKey,
    )
    .await?;
    let Some(checked) = stored
        .form
        .check(&data, stored.connector.verify_certificates, client_key)
    else {
        return tab_page(visit, stored, None, StatusCode::UNPROCESSABLE_ENTITY);
    };
    match save(
        &mut conn,
        &vault,
        &visit.actor,
        visit.now(),
        &stored,
        data.version(),
        &checked,
    )
    .await
    {
        Ok(()) => Ok(visit.see_other(
            &format!("/connectors/{}/authorization", stored.connector.key),
            "The Data Connector was saved",
        )),
        Err(SaveError::Fault(fault)) => Err(fault),
        Err(_) => conflict(
            visit.shell,
            load(&mut conn, &key).await?,
            &stored.form,
            &data,
        ),
    }
}

fn conflict(
    shell: Shell,
    theirs: Stored,
    mine: &AuthorizationForm,
    data: &FormData,
) -> Result<HttpResponse, Error> {
    let address = format!("/connectors/{}/authorization", theirs.connector.key);
    // Not a field of this form, but what decides where its secrets go: another one makes the form stale.
    let base_url = Difference {
        label: "Base URL, on the Details tab",
        theirs: theirs.connector.base_url.clone().unwrap_or_default(),
        mine: data.text("seen_base_url"),
    };
    let pairs = theirs.form.words().into_iter().zip(mine.words());
    let differences = pairs
        .map(|((label, theirs), (_, mine))| Difference {
            label,
            theirs,
            mine,
        })
        .chain([base_url])
        .collect();
    let secret_names = ["token", "password", "api_key", "client_key"];
    let lost_secrets = secret_names
        .iter()
        .any(|name| data.get(name).is_some_and(|typed| !typed.is_empty()));
    let is_secret = |name: &str| {
        secret_names
            .iter()
            .any(|secret| name == *secret || name == format!("{secret}_choice"))
    };
    ConflictPage {
        shell,
        subject: theirs.connector.label.clone(),
        back: address.clone(),
        action: address,
        saved_by: theirs.authorization.updated_by.clone(),
        saved_at: date_time(&theirs.authorization.updated_at),
        version: theirs.authorization.version,
        fields: ConflictPage::fields_of(data)
            .into_iter()
            .filter(|(name, _)| !is_secret(name) && name != "seen_base_url")
            .collect(),
        differences,
        lost_secrets,
    }
    .respond()
}
