//! The sealed values of one connector, read and sealed anew together: secrets that people typed, and tokens that
//! servers issued.
//!
//! Rule: what is opened here comes with the origins to which it may be sent. Only two values come without: the key of a
//! client certificate, which TLS uses and never sends, and a token that is shown to a person.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::seal;
use super::tokens::token_data;
use crate::access::Actor;
use crate::authorization::model::{SecretField, StoredSecret};
use crate::authorization::origins::{ApprovedOrigins, ApprovedSecret};
use crate::db::Conn;
use crate::db::schema::{secrets, tokens};
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

/// A sealed value and the origins that it is bound to.
#[derive(Clone)]
pub(in crate::authorization) struct Sealed {
    pub value: Vec<u8>,
    pub origins: Option<Vec<String>>,
}

impl Sealed {
    fn open(&self, vault: &Vault, data: AssociatedData<'_>) -> Result<Secret, Error> {
        let data = AssociatedData { bound_to: self.origins.as_deref(), ..data };
        vault.open(data, &self.value).map_err(Error::internal)
    }

    fn opened(&self, vault: &Vault, data: AssociatedData<'_>) -> Result<(Secret, ApprovedOrigins), Error> {
        let column = match data.table {
            "tokens" => "tokens.origins",
            _ => "secrets.origins",
        };
        let origins = ApprovedOrigins::read(column, data.row, self.origins.as_deref())?;
        Ok((self.open(vault, data)?, origins))
    }

    fn approved(&self, vault: &Vault, data: AssociatedData<'_>) -> Result<ApprovedSecret, Error> {
        let (secret, origins) = self.opened(vault, data)?;
        Ok(ApprovedSecret::stored(secret, origins))
    }

    /// A secret of this field, with its origins.
    pub fn secret(
        &self,
        vault: &Vault,
        connector: Uuid,
        field: SecretField,
    ) -> Result<(Secret, ApprovedOrigins), Error> {
        self.opened(vault, secret_data(connector, field))
    }

    /// The key of a client certificate, for TLS.
    pub fn client_key(&self, vault: &Vault, connector: Uuid) -> Result<Secret, Error> {
        self.open(vault, secret_data(connector, SecretField::ClientKey))
    }

    /// An access token, with its origins.
    pub fn access_token(&self, vault: &Vault, connector: Uuid) -> Result<(Secret, ApprovedOrigins), Error> {
        self.opened(vault, token_data(connector, "access_token"))
    }
}

#[derive(Queryable)]
struct SealedSecret {
    field: String,
    set_at: DateTime<Utc>,
    set_by: String,
    value: Vec<u8>,
    origins: Option<Vec<String>>,
}

impl SealedSecret {
    fn sealed(&self) -> Sealed {
        Sealed { value: self.value.clone(), origins: self.origins.clone() }
    }
}

#[derive(Queryable)]
struct SealedTokens {
    access: Vec<u8>,
    refresh: Option<Vec<u8>>,
    origins: Option<Vec<String>>,
}

/// All sealed values of a connector, as they were at one time if they are read in a transaction that shows one state.
pub(in crate::authorization) struct SealedValues {
    connector: Uuid,
    secrets: Vec<SealedSecret>,
    tokens: Option<SealedTokens>,
}

impl SealedValues {
    pub async fn read(conn: &mut Conn, connector: Uuid) -> Result<SealedValues, Error> {
        let secrets = secrets::table
            .filter(secrets::connector_id.eq(connector))
            .select((secrets::field, secrets::set_at, secrets::set_by, secrets::sealed, secrets::origins))
            .load(conn)
            .await?;
        let tokens = tokens::table
            .find(connector)
            .select((tokens::access_token, tokens::refresh_token, tokens::origins))
            .first(conn)
            .await
            .optional()?;
        Ok(SealedValues { connector, secrets, tokens })
    }

    /// The sets of the secrets and the token, but for those that `replaced` names: fields of secrets, or `token`. The
    /// key of a client certificate is not among them, because it is never sent.
    pub fn approved_sets(&self, replaced: &[&str]) -> Result<Vec<ApprovedOrigins>, Error> {
        let secrets = self.secrets.iter().filter(|secret| secret.field != SecretField::ClientKey.code());
        let secrets = secrets.map(|secret| (secret.field.as_str(), "secrets.origins", &secret.origins));
        let token = self.tokens.iter().map(|tokens| ("token", "tokens.origins", &tokens.origins));
        let kept = secrets.chain(token).filter(|(name, ..)| !replaced.contains(name));
        kept.map(|(_, column, origins)| ApprovedOrigins::read(column, self.connector, origins.as_deref())).collect()
    }

    pub fn has_token(&self) -> bool {
        self.tokens.is_some()
    }

    /// Whether a value is of a version that knew no approved origins.
    pub fn has_unapproved(&self) -> bool {
        let token = self.tokens.as_ref().is_some_and(|tokens| tokens.origins.is_none());
        token || self.secrets.iter().any(|secret| secret.origins.is_none())
    }

    /// Seals everything anew for other origins, as `approved` makes them of those until now: `None` for a value of a
    /// version that knew none. Gives the names of the values that do not open; they stay as they are. A token sealed
    /// anew is no new token.
    pub async fn reseal(
        &self,
        conn: &mut Conn,
        vault: &Vault,
        approved: impl Fn(Option<ApprovedOrigins>) -> ApprovedOrigins,
    ) -> Result<Vec<String>, Error> {
        let set = |origins: &Option<Vec<String>>| {
            let before = origins
                .as_deref()
                .map(|texts| ApprovedOrigins::read("secrets.origins or tokens.origins", self.connector, Some(texts)));
            Ok::<_, Error>(approved(before.transpose()?).stored())
        };
        let mut damaged = Vec::new();
        for secret in &self.secrets {
            let opened = SecretField::parse(&secret.field).and_then(|field| {
                let data = secret_data(self.connector, field);
                Some((data, secret.sealed().open(vault, data).ok()?))
            });
            let Some((data, value)) = opened else {
                damaged.push(secret.field.clone());
                continue;
            };
            let origins = set(&secret.origins)?;
            let value = seal(vault, data, &origins, &value)?;
            diesel::update(secrets::table.find((self.connector, &secret.field)))
                .set((secrets::sealed.eq(value), secrets::origins.eq(origins)))
                .execute(conn)
                .await?;
        }
        if let Some(tokens) = &self.tokens {
            let origins = set(&tokens.origins)?;
            let opened = self.shown_token(vault).and_then(|access| Ok((access, self.stored_refresh_token(vault)?)));
            let Ok((Some(access), refresh)) = opened else {
                damaged.push("token".into());
                return Ok(damaged);
            };
            let sealed = |column, token: &Secret| seal(vault, token_data(self.connector, column), &origins, token);
            let access = sealed("access_token", &access)?;
            let refresh = refresh.map(|token| sealed("refresh_token", &token)).transpose()?;
            conn.batch_execute("SET LOCAL connectory.resealing = 'yes'").await?;
            diesel::update(tokens::table.find(self.connector))
                .set((tokens::access_token.eq(access), tokens::refresh_token.eq(refresh), tokens::origins.eq(&origins)))
                .execute(conn)
                .await?;
        }
        Ok(damaged)
    }

    fn sealed(&self, field: SecretField) -> Option<Sealed> {
        let found = self.secrets.iter().find(|secret| secret.field == field.code());
        found.map(SealedSecret::sealed)
    }

    /// Which secrets are stored, without the secrets.
    pub fn stored_secrets(&self) -> Vec<StoredSecret> {
        let stored = |secret: &SealedSecret| StoredSecret {
            field: secret.field.clone(),
            set_at: secret.set_at,
            set_by: secret.set_by.clone(),
        };
        self.secrets.iter().map(stored).collect()
    }

    /// The stored secret of a field, if there is one.
    pub fn secret(&self, vault: &Vault, field: SecretField) -> Result<Option<ApprovedSecret>, Error> {
        let sealed = self.sealed(field);
        sealed.map(|sealed| sealed.approved(vault, secret_data(self.connector, field))).transpose()
    }

    /// The key of the client certificate, for TLS.
    pub fn client_key(&self, vault: &Vault) -> Result<Option<Secret>, Error> {
        let sealed = self.sealed(SecretField::ClientKey);
        sealed.map(|sealed| sealed.client_key(vault, self.connector)).transpose()
    }

    fn token(&self, column: &'static str) -> Option<Sealed> {
        let tokens = self.tokens.as_ref()?;
        let value = match column {
            "access_token" => Some(tokens.access.clone()),
            _ => tokens.refresh.clone(),
        };
        let origins = tokens.origins.clone();
        value.map(|value| Sealed { value, origins })
    }

    /// The access token, for giving it back to the server.
    pub fn access_token(&self, vault: &Vault) -> Result<Option<ApprovedSecret>, Error> {
        self.approved_token(vault, "access_token")
    }

    /// The refresh token.
    pub fn refresh_token(&self, vault: &Vault) -> Result<Option<ApprovedSecret>, Error> {
        self.approved_token(vault, "refresh_token")
    }

    /// The refresh token, to be stored anew.
    pub fn stored_refresh_token(&self, vault: &Vault) -> Result<Option<Secret>, Error> {
        self.opened_token(vault, "refresh_token")
    }

    fn approved_token(&self, vault: &Vault, column: &'static str) -> Result<Option<ApprovedSecret>, Error> {
        let data = token_data(self.connector, column);
        self.token(column).map(|sealed| sealed.approved(vault, data)).transpose()
    }

    /// The access token, to be shown to a person.
    pub fn shown_token(&self, vault: &Vault) -> Result<Option<Secret>, Error> {
        self.opened_token(vault, "access_token")
    }

    fn opened_token(&self, vault: &Vault, column: &'static str) -> Result<Option<Secret>, Error> {
        let data = token_data(self.connector, column);
        self.token(column).map(|sealed| sealed.open(vault, data)).transpose()
    }
}

fn secret_data(connector: Uuid, field: SecretField) -> AssociatedData<'static> {
    AssociatedData { table: "secrets", row: connector, column: field.code(), bound_to: None }
}

/// A secret that was entered.
pub struct NewSecret<'a> {
    pub connector: Uuid,
    pub field: SecretField,
    pub secret: &'a Secret,
    /// Where it may be sent.
    pub origins: &'a ApprovedOrigins,
}

/// Seals and stores a secret over whatever was there.
pub async fn store_secret(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    new: &NewSecret<'_>,
) -> Result<(), Error> {
    let origins = new.origins.stored();
    let data = secret_data(new.connector, new.field);
    let sealed = seal(vault, data, &origins, new.secret)?;
    let values = (
        secrets::sealed.eq(sealed),
        secrets::origins.eq(origins),
        secrets::set_at.eq(now),
        secrets::set_by.eq(by.attribution()),
    );
    diesel::insert_into(secrets::table)
        .values((secrets::connector_id.eq(new.connector), secrets::field.eq(new.field.code()), values.clone()))
        .on_conflict((secrets::connector_id, secrets::field))
        .do_update()
        .set(values)
        .execute(conn)
        .await?;
    Ok(())
}

pub(in crate::authorization) async fn remove_secret(
    conn: &mut Conn,
    connector: Uuid,
    field: SecretField,
) -> Result<(), Error> {
    diesel::delete(secrets::table.find((connector, field.code()))).execute(conn).await?;
    Ok(())
}
