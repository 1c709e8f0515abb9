//! Renewing a bearer token with the sign-in that Keep it fresh has stored.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use diesel_async::AsyncConnection;

use super::model::{NewToken, SecretField, StoredToken};
use super::queries;
use super::tab::{Stored, load, tab_page};
use super::token_form::{TokenForm, TokenQuestion};
use crate::access::{Actor, Visit};
use crate::audit::{self, Changes, Event};
use crate::connectors::{self, Connector};
use crate::db::Conn;
use crate::oauth::{Token, TokenRequest, request_token};
use crate::outbound::{Identity, Outbound, Transport};
use crate::vault::{Secret, Vault};
use crate::web::{Error, Form, Segment};

/// The connector's own transport settings, which hold for token requests and calls alike.
pub(super) async fn transport_of(
    conn: &mut Conn,
    vault: &Vault,
    connector: &Connector,
) -> Result<Transport, Error> {
    let stored = queries::find(conn, connector.id).await?;
    let key = queries::open_secret(conn, vault, connector.id, SecretField::ClientKey).await?;
    let some = |text: String| Some(text).filter(|text| !text.is_empty());
    let identity = some(stored.client_certificate)
        .zip(key)
        .map(|(chain_pem, key_pem)| Identity { chain_pem, key_pem });
    Ok(Transport {
        verify: connector.verify_certificates,
        ca_pem: some(stored.ca_certificate),
        identity,
        ..Transport::default()
    })
}

/// Fetches a new token now. An answer without a token changes nothing.
pub async fn renew(
    visit: Visit,
    vault: web::Data<Vault>,
    outbound: web::Data<Outbound>,
    Segment(key): Segment,
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    let (stored, request, transport) = {
        // The connection goes back to the pool before the request: a slow server must not hold it.
        let mut conn = visit.conn().await?;
        let stored = load(&mut conn, &key).await?;
        let request = stored_request(&mut conn, &vault, &stored).await?;
        let transport = transport_of(&mut conn, &vault, &stored.connector).await?;
        (stored, request, transport)
    };
    match request_token(&outbound, &transport, &request, visit.now()).await {
        Ok(token) => {
            let mut conn = visit.conn().await?;
            let (by, now) = (&visit.actor, visit.now());
            let is_stored = store(&mut conn, &vault, by, now, &stored, token).await?;
            let back = format!("/connectors/{}/authorization", stored.connector.key);
            Ok(if is_stored {
                visit.see_other(&back, "The token was renewed")
            } else {
                let why = "The data connector was changed meanwhile. The new token was not stored.";
                visit.see_other_undone(&back, why)
            })
        }
        Err(refusal) => tab_page(visit, stored, Some(refusal), StatusCode::OK),
    }
}

/// The request that Keep it fresh has stored.
async fn stored_request(
    conn: &mut Conn,
    vault: &Vault,
    stored: &Stored,
) -> Result<TokenRequest, Error> {
    if !stored.authorization.keep_fresh {
        return Err(Error::NotFound);
    }
    let id = stored.connector.id;
    let none = || Secret::new(String::new());
    let password = queries::open_secret(conn, vault, id, SecretField::TokenPassword)
        .await?
        .unwrap_or_else(none);
    let client_secret = queries::open_secret(conn, vault, id, SecretField::TokenClientSecret)
        .await?
        .unwrap_or_else(none);
    let mut form = TokenForm::new(TokenQuestion::of(&stored.authorization));
    form.check(&password, &client_secret).ok_or_else(|| {
        Error::internal(anyhow::anyhow!(
            "the stored token request of connector {} is not in order",
            stored.connector.key
        ))
    })
}

/// Stores the new token in place of the one that `seen` had; false when that is no longer the stored one, or settings
/// were saved since: the server may have taken its time, and meanwhile the base URL may lead to another host.
async fn store(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    seen: &Stored,
    token: Token,
) -> Result<bool, Error> {
    let connector = &seen.connector;
    let obtained = |token: &Option<StoredToken>| token.as_ref().map(|token| token.obtained_at);
    let new = NewToken {
        access: token.access,
        token_type: token.token_type,
        scope: token.scope.unwrap_or_default(),
        expires_at: token.expires_at,
    };
    conn.transaction(async |conn| {
        let current = queries::find_and_hold(conn, connector.id).await?;
        let token = queries::stored_token(conn, connector.id).await?;
        if current.version != seen.authorization.version
            || obtained(&token) != obtained(&seen.token)
        {
            return Ok(false);
        }
        queries::store_token(conn, vault, by, now, connector.id, &new).await?;
        connectors::refresh_health(conn, connector.id, now).await?;
        let changes = Changes::none().secret("Token", "changed");
        audit::record(
            conn,
            by,
            now,
            Event {
                kind: "token.renewed",
                subject_id: Some(connector.id),
                subject_name: &connector.name,
                changes,
            },
        )
        .await?;
        Ok(true)
    })
    .await
}
