//! Approved origins: where a stored secret or token may be sent.
//!
//! Rule: who enters a secret, or authorizes, approves base URL, token server and proxy, which the page lists, and the
//! origins of endpoints that they tick. Every other origin waits until a person with Authorize approves it with the own
//! password. The check stands where the secret leaves ([`ApprovedSecret::for_url`]), not where an address is saved, so
//! it holds for what changes during a call.
//!
//! Danger: the set is stored beside the sealed value, as part of its associated data. Sealing must use the set that is
//! stored in the same statement.

use std::collections::BTreeSet;
use std::sync::Arc;

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use thiserror::Error as ThisError;

use super::queries::SealedValues;
use crate::connectors::ConnectorId;
use crate::db::{Conn, known};
use crate::oauth::TokenError;
use crate::outbound::{HttpUrl, Origin, Transport};
use crate::vault::Secret;
use crate::web::Error;

/// A set of origins to which a secret may be sent. Clones share it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ApprovedOrigins(Arc<BTreeSet<Origin>>);

impl ApprovedOrigins {
    /// Reads what [`Self::stored`] gave and this column of a row holds.
    ///
    /// # Errors
    /// When a text is no origin, or the value was sealed by a version that knew no approved origins and has not been
    /// brought up to date.
    pub fn read(column: &'static str, row: ConnectorId, stored: Option<&[String]>) -> Result<ApprovedOrigins, Error> {
        let origins = stored.and_then(|texts| texts.iter().map(|text| Origin::parse(text)).collect());
        known(column, row, origins).map_err(Error::internal)
    }

    /// The texts as they are stored and as values are bound to them: sorted, each once.
    pub fn stored(&self) -> Vec<String> {
        self.0.iter().map(Origin::to_string).collect()
    }

    /// Whether requests to this address may carry the secret.
    pub fn allow(&self, url: &HttpUrl) -> bool {
        self.0.iter().any(|origin| url.is_on(origin))
    }

    /// Refuses an address on another origin, and a proxy on another one: a proxy reads what is not encrypted. What goes
    /// to this program itself needs no approval: its address is a setting.
    pub fn check(&self, url: &HttpUrl, transport: &Transport) -> Result<(), OriginNotApproved> {
        if transport.is_own {
            return Ok(());
        }
        let proxy = transport.proxy_for(url).map(|proxy| proxy.url.origin());
        match proxy.into_iter().find(|origin| !self.0.contains(origin)) {
            _ if !self.allow(url) => Err(OriginNotApproved(url.origin())),
            Some(origin) => Err(OriginNotApproved(origin)),
            None => Ok(()),
        }
    }

    /// The origins that are in both sets.
    #[must_use]
    pub fn and(&self, other: &ApprovedOrigins) -> ApprovedOrigins {
        self.0.intersection(&other.0).cloned().collect()
    }

    /// The origins of this set that are not in the other.
    #[must_use]
    pub fn without(&self, other: &ApprovedOrigins) -> ApprovedOrigins {
        self.0.difference(&other.0).cloned().collect()
    }

    /// The origins that are in one of the sets.
    #[must_use]
    pub fn or(&self, other: &ApprovedOrigins) -> ApprovedOrigins {
        self.0.union(&other.0).cloned().collect()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Origin> {
        self.0.iter()
    }
}

impl FromIterator<Origin> for ApprovedOrigins {
    fn from_iter<I: IntoIterator<Item = Origin>>(origins: I) -> ApprovedOrigins {
        ApprovedOrigins(Arc::new(origins.into_iter().collect()))
    }
}

/// A secret would have gone to an origin for which it is not approved.
#[derive(Clone, Debug, PartialEq, Eq, ThisError)]
#[error("The stored secret or token may not be sent to {0}, because that origin is not approved.")]
pub struct OriginNotApproved(pub Origin);

/// What to do about it.
pub const APPROVE: &str = "Approve it on the data connector’s Authorization tab, or enter the secret again there.";

impl From<OriginNotApproved> for TokenError {
    fn from(refused: OriginNotApproved) -> TokenError {
        TokenError::not_sent(refused.to_string(), APPROVE)
    }
}

/// Why a stored secret was not given out.
pub(super) enum SecretError {
    NotApproved(OriginNotApproved),
    /// A request cannot be made with the secrets that there are.
    NotSent(TokenError),
    Fault(Error),
}

impl SecretError {
    /// The refusal, in place of the request with the secret; a fault is passed on.
    pub fn refusal(self) -> Result<TokenError, Error> {
        match self {
            SecretError::NotApproved(refused) => Ok(refused.into()),
            SecretError::NotSent(refusal) => Ok(refusal),
            SecretError::Fault(fault) => Err(fault),
        }
    }
}

impl From<OriginNotApproved> for SecretError {
    fn from(refused: OriginNotApproved) -> SecretError {
        SecretError::NotApproved(refused)
    }
}

impl From<TokenError> for SecretError {
    fn from(refusal: TokenError) -> SecretError {
        SecretError::NotSent(refusal)
    }
}

impl From<Error> for SecretError {
    fn from(fault: Error) -> SecretError {
        SecretError::Fault(fault)
    }
}

/// A secret with the origins to which it may be sent. It gives the secret only for an address.
#[derive(Clone)]
pub struct ApprovedSecret {
    secret: Secret,
    /// `None` for one that was typed just now by the person whose request it serves.
    origins: Option<ApprovedOrigins>,
}

impl ApprovedSecret {
    /// A stored secret.
    pub(super) fn stored(secret: Secret, origins: ApprovedOrigins) -> ApprovedSecret {
        ApprovedSecret { secret, origins: Some(origins) }
    }

    /// A secret from the form whose request it serves.
    pub(super) fn typed(secret: Secret) -> ApprovedSecret {
        ApprovedSecret { secret, origins: None }
    }

    /// The secret, to be sent to this address in this way.
    pub fn for_url(&self, url: &HttpUrl, transport: &Transport) -> Result<Secret, OriginNotApproved> {
        if let Some(origins) = &self.origins {
            origins.check(url, transport)?;
        }
        Ok(self.secret.clone())
    }

    /// The secret, for the proxy at this origin, if it was entered for that one.
    pub fn for_proxy(&self, proxy: &Origin) -> Option<Secret> {
        let is_its_own = self.origins.as_ref().is_none_or(|origins| origins.0.contains(proxy));
        is_its_own.then(|| self.secret.clone())
    }
}

/// [`ApprovedSecret::for_url`] of a secret that may be missing.
pub(super) fn for_url(
    secret: Option<&ApprovedSecret>,
    url: &HttpUrl,
    transport: &Transport,
) -> Result<Option<Secret>, OriginNotApproved> {
    secret.map(|secret| secret.for_url(url, transport)).transpose()
}

/// The addresses to which a connector's requests with secrets go by its settings, and which of them endpoints bring.
const ADDRESSES: &str = "
    SELECT base_url AS url, false AS of_endpoint FROM connectors WHERE id = $1 AND base_url IS NOT NULL
    UNION SELECT unnest(ARRAY[token_url, refresh_url, revocation_url, device_url]), false FROM oauth_clients WHERE connector_id = $1
    UNION SELECT unnest(ARRAY[proxy_url, CASE WHEN keep_fresh THEN token_url ELSE '' END]), false FROM authorizations WHERE connector_id = $1
    UNION SELECT a.options->'login'->>'url', false FROM authorizations a JOIN connectors c ON c.id = a.connector_id
        WHERE c.id = $1 AND c.method = 'login_request' AND a.options->'login'->>'url' IS NOT NULL
    UNION SELECT url, true FROM endpoints WHERE connector_id = $1 AND url LIKE '%://%'";

#[derive(QueryableByName)]
struct Address {
    #[diesel(sql_type = Text)]
    url: String,
    #[diesel(sql_type = Bool)]
    of_endpoint: bool,
}

/// The origins to which a connector's secrets would go by its settings as they are now. An endpoint with a variable in
/// its host has none: such endpoints are refused.
pub async fn origins_in_use(conn: &mut Conn, connector: ConnectorId) -> Result<ApprovedOrigins, Error> {
    Ok(in_use(conn, connector).await?.0)
}

/// All origins in use, and those among them that are the connector's own: of base URL, token server and proxy.
async fn in_use(conn: &mut Conn, connector: ConnectorId) -> Result<(ApprovedOrigins, ApprovedOrigins), Error> {
    let addresses: Vec<Address> = diesel::sql_query(ADDRESSES).bind::<SqlUuid, _>(connector).load(conn).await?;
    let origin = |address: &Address| Origin::of_template(&address.url);
    let own = addresses.iter().filter(|address| !address.of_endpoint);
    Ok((addresses.iter().filter_map(origin).collect(), own.filter_map(origin).collect()))
}

/// How a connector's origins stand.
pub struct OriginReview {
    /// In use, and approved for everything that is stored. Where nothing is stored: what a secret that is entered now
    /// is approved for.
    pub approved: ApprovedOrigins,
    /// In use, and not approved.
    pub waiting: ApprovedOrigins,
    /// Whether a secret or token is stored that is sent.
    pub has_secrets: bool,
}

/// How the connector's origins stand.
pub(super) async fn review(
    conn: &mut Conn,
    connector: ConnectorId,
    sealed: &SealedValues,
) -> Result<OriginReview, Error> {
    let (in_use, own) = in_use(conn, connector).await?;
    let sets = sealed.approved_sets(&[])?;
    let has_secrets = !sets.is_empty();
    let approved = if has_secrets { in_all(&in_use, &sets) } else { own };
    Ok(OriginReview { waiting: in_use.without(&approved), approved, has_secrets })
}

fn in_all(origins: &ApprovedOrigins, sets: &[ApprovedOrigins]) -> ApprovedOrigins {
    sets.iter().fold(origins.clone(), |origins, set| origins.and(set))
}

/// A secret or token that is entered or authorized now.
#[derive(Default)]
pub(super) struct NewValue<'a> {
    /// What does not stay stored: fields of secrets, or `token`.
    pub replaced: &'a [&'a str],
    /// Origins of endpoints that were ticked with it.
    pub ticked: Option<ApprovedOrigins>,
}

/// The origins for which it is approved: the connector's own, the ticked ones, and those that were approved for all
/// that it replaces. Where other values stay, only those for which these are approved: a new password approves no
/// origin for the secrets of others.
pub(super) async fn approved_for_new(
    conn: &mut Conn,
    connector: ConnectorId,
    new: &NewValue<'_>,
) -> Result<ApprovedOrigins, Error> {
    let (in_use, own) = in_use(conn, connector).await?;
    let sealed = SealedValues::read(conn, connector).await?;
    let kept = sealed.approved_sets(new.replaced)?;
    if !kept.is_empty() {
        return Ok(in_all(&in_use, &kept));
    }
    let before = match sealed.approved_sets(&[])? {
        none if none.is_empty() => ApprovedOrigins::default(),
        replaced => in_all(&in_use, &replaced),
    };
    let ticked = new.ticked.clone().unwrap_or_default();
    Ok(own.or(&before).or(&in_use.and(&ticked)))
}
