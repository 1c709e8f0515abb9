//! Everything stored of a connector's authorization, read as it is at one time.
//!
//! Rule: settings and the secrets that are used with them come from one state of the database, so a secret never goes
//! by settings that were saved before or after it.

use actix_web::web;
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use crate::access::{RequestContext, Right};
use crate::authorization::forms::AuthorizationForm;
use crate::authorization::keeper::is_renewing;
use crate::authorization::model::{Authorization, RenewalRecord, StoredBreaker, StoredToken};
use crate::authorization::oauth_client::OAuthClient;
use crate::authorization::origins::{self, OriginReview};
use crate::authorization::queries::{self, SealedValues};
use crate::authorization::transport::transport_of;
use crate::connectors::{self, Connector, Grant, LegacyGrants, Method};
use crate::db::Conn;
use crate::outbound::Transport;
use crate::vault::Vault;
use crate::web::Error;

/// Everything stored that the tab needs.
pub(in crate::authorization) struct Stored {
    pub connector: Connector,
    pub authorization: Authorization,
    pub oauth: OAuthClient,
    pub token: Option<StoredToken>,
    pub renewal: Option<RenewalRecord>,
    pub breaker: Option<StoredBreaker>,
    /// Somebody is fetching a token at this moment.
    pub is_renewing: bool,
    /// The secrets and tokens, of the same state as the settings.
    pub sealed: SealedValues,
    pub origins: OriginReview,
    pub form: AuthorizationForm,
}

impl Stored {
    /// How requests of the stored settings travel.
    pub fn transport(&self, vault: &Vault) -> Result<Transport, Error> {
        let verify = self.connector.verify_certificates;
        transport_of(vault, verify, &self.authorization, &self.sealed)
    }

    /// Whether the method is left on here; nothing is asked with one that is not.
    pub fn is_allowed(&self) -> bool {
        self.form.allows(self.connector.method())
    }

    /// Whether a token can be fetched with what is stored, without a person's consent.
    pub fn can_fetch(&self) -> bool {
        if !self.is_allowed() {
            return false;
        }
        let refreshable = self.token.as_ref().is_some_and(|token| token.has_refresh_token);
        match self.connector.method() {
            Method::Bearer => self.authorization.keep_fresh,
            Method::OAuth(_) if self.connector.method().signs_in_by_itself() => !self.oauth.token_url.is_empty(),
            Method::OAuth(_) => refreshable,
            Method::NoAuth | Method::Basic | Method::ApiKey => false,
        }
    }

    /// Whether a person can be sent to the server.
    pub fn can_authorize(&self) -> bool {
        let asks = matches!(self.connector.method(), Method::OAuth(Grant::AuthorizationCode | Grant::Implicit));
        asks && self.is_allowed() && !self.oauth.authorize_url.is_empty()
    }
}

/// What the tab needs, for somebody who wants to do this with the connector.
pub(in crate::authorization) async fn load(
    context: &RequestContext,
    conn: &mut Conn,
    key: &str,
    right: Right,
) -> Result<Stored, Error> {
    let (by, now) = (&context.actor, context.now());
    let stored = conn.transaction(async |conn| {
        queries::see_one_state(conn).await?;
        let connector = connectors::find(conn, by, key, right).await?;
        read(conn, connector, now).await
    });
    let stored = stored.await?;
    let form = stored.form.offering(grants(context)?);
    Ok(Stored { form, ..stored })
}

/// Everything stored of a connector, by queries that must see one state of the database.
async fn read(conn: &mut Conn, connector: Connector, now: DateTime<Utc>) -> Result<Stored, Error> {
    let id = connector.id;
    let authorization = queries::find(conn, id).await?;
    let oauth = queries::oauth_client(conn, id).await?;
    let secrets = queries::stored_secrets(conn, id).await?;
    let token = queries::stored_token(conn, id).await?;
    let sealed = SealedValues::read(conn, id).await?;
    let origins = origins::review(conn, id, &sealed).await?;
    let form = AuthorizationForm::of(&connector, &authorization, &oauth, secrets, token.clone());
    let form = form.listing(&origins);
    Ok(Stored {
        renewal: queries::failed_renewal(conn, id).await?,
        breaker: queries::breaker(conn, id).await?,
        is_renewing: is_renewing(conn, id, now).await?,
        sealed,
        origins,
        connector,
        authorization,
        oauth,
        token,
        form,
    })
}

/// Which legacy grants are left on here.
fn grants(context: &RequestContext) -> Result<LegacyGrants, Error> {
    let grants = context.req.app_data::<web::Data<LegacyGrants>>();
    let missing = "the legacy grants are not part of the application's data";
    grants.map(|grants| ***grants).ok_or_else(|| Error::internal(anyhow::anyhow!(missing)))
}
