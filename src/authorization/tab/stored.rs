//! Everything stored of a connector's authorization, read as it is at one time.
//!
//! Rule: settings and the secrets that are used with them come from one state of the database, so a secret never goes
//! by settings that were saved before or after it.

use actix_web::web;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use crate::access::{RequestContext, Right};
use crate::authorization::forms::{CheckedAuthorization, Fields};
use crate::authorization::keeper::{self, RenewalState};
use crate::authorization::model::{StoredBreaker, StoredToken};
use crate::authorization::origins::{self, OriginReview};
use crate::authorization::queries::{self, SealedValues};
use crate::authorization::secret_field::SecretChange;
use crate::authorization::settings::{Authorization, OAuthClient, StoredSettings};
use crate::connectors::{self, Connector, Evidence, LegacyGrants, Method};
use crate::db::Conn;
use crate::outbound::Transport;
use crate::vault::Vault;
use crate::web::form::Form;
use crate::web::{Error, PublicAddress};

/// Everything stored that the tab needs.
pub(in crate::authorization) struct Stored {
    pub connector: Connector,
    pub settings: StoredSettings,
    pub oauth: OAuthClient,
    pub token: Option<StoredToken>,
    pub renewal: RenewalState,
    pub breaker: Option<StoredBreaker>,
    /// What calls, tests and tokens have shown.
    pub evidence: Evidence,
    /// The secrets and tokens, of the same state as the settings.
    pub sealed: SealedValues,
    pub origins: OriginReview,
    /// The methods that are left on here.
    pub grants: LegacyGrants,
    pub form: Form<Fields>,
    /// When it was read.
    pub now: DateTime<Utc>,
}

impl Stored {
    /// How the connector is authorized by what is stored.
    pub fn authorization(&self) -> Authorization<'_> {
        Authorization::of(self.connector.method(), &self.settings, &self.oauth)
    }

    /// The stored settings as the form shows them.
    pub fn stored_fields(&self) -> Fields {
        let connector = &self.connector;
        Fields::of(connector.method(), connector.verify_certificates, &self.settings, &self.oauth)
    }

    /// Whether a checked form makes the same requests with the same secrets as what is stored. How long a call may take, and
    /// how many run at a time, is no part of that.
    pub fn is_same_as(&self, checked: &CheckedAuthorization) -> bool {
        let usual = OAuthClient::default();
        let client = checked.oauth.as_ref().unwrap_or(&usual);
        let of_form = Fields::of(checked.method, checked.verify, &checked.settings, client);
        let none = String::new;
        let requests = |fields| Fields { time_out: none(), concurrency: none(), secrets_end_on: none(), ..fields };
        let stays =
            |change: &SecretChange, is_set: bool| change.keeps() || !is_set && matches!(change, SecretChange::Remove);
        requests(of_form) == requests(self.stored_fields())
            && checked.secrets.iter().all(|(field, change)| stays(change, self.sealed.has(*field)))
            && stays(&checked.token, self.token.is_some())
    }

    /// How requests of the stored settings travel.
    pub fn transport(&self, vault: &Vault) -> Result<Transport, Error> {
        self.settings.stored_transport(vault, self.connector.verify_certificates, &self.sealed)
    }

    /// Where the authorization server sends people back to.
    pub fn redirect_url(&self, address: &PublicAddress) -> String {
        self.oauth.redirect.url(address, &self.connector.key)
    }

    /// Whether the method is left on here; nothing is asked with one that is not.
    pub fn is_allowed(&self) -> bool {
        self.grants.allow(self.connector.method())
    }

    /// Whether a token can be fetched with what is stored, without a person's consent.
    pub fn can_fetch(&self) -> bool {
        let has_refresh_token = self.token.as_ref().is_some_and(|token| token.has_refresh_token);
        self.is_allowed() && self.authorization().can_fetch(has_refresh_token)
    }

    /// Whether the method is one where a person goes to the server.
    pub fn asks_for_consent(&self) -> bool {
        matches!(self.connector.method(), Method::OAuth(grant) if grant.asks_for_consent())
    }

    /// Whether the method is one where the server sends the person back here.
    pub fn sends_back(&self) -> bool {
        matches!(self.connector.method(), Method::OAuth(grant) if grant.sends_back())
    }

    /// Whether a person can be sent to the server.
    pub fn can_authorize(&self) -> bool {
        self.is_allowed() && self.authorization().asks_for_consent()
    }
}

/// What the tab needs, if the person has this right.
pub(in crate::authorization) async fn load(
    context: &RequestContext,
    conn: &mut Conn,
    key: &str,
    right: Right,
) -> Result<Stored, Error> {
    let (by, now, grants) = (&context.actor, context.now(), grants(context)?);
    conn.transaction(async |conn| {
        queries::see_one_state(conn).await?;
        let connector = connectors::find(conn, by, key, right).await?;
        read(conn, connector, grants, now).await
    })
    .await
}

/// Everything stored of a connector, by queries that must see one state of the database.
pub(in crate::authorization) async fn read(
    conn: &mut Conn,
    connector: Connector,
    grants: LegacyGrants,
    now: DateTime<Utc>,
) -> Result<Stored, Error> {
    let id = connector.id;
    let settings = queries::find(conn, id).await?;
    let oauth = queries::oauth_client(conn, id).await?;
    let sealed = SealedValues::read(conn, id).await?;
    let fields = Fields::of(connector.method(), connector.verify_certificates, &settings, &oauth);
    Ok(Stored {
        token: queries::stored_token(conn, id).await?,
        renewal: keeper::renewal(conn, id).await?,
        breaker: queries::breaker(conn, id).await?,
        evidence: connectors::read_evidence(conn, id).await?,
        origins: origins::review(conn, id, &sealed).await?,
        form: Form::new(fields),
        connector,
        settings,
        oauth,
        sealed,
        grants,
        now,
    })
}

/// Which legacy grants are left on here.
fn grants(context: &RequestContext) -> Result<LegacyGrants, Error> {
    let grants = context.req.app_data::<web::Data<LegacyGrants>>();
    let missing = "the legacy grants are not part of the application's data";
    grants.map(|grants| ***grants).ok_or_else(|| Error::internal(anyhow::anyhow!(missing)))
}
