//! The sealed values of one connector, read and sealed again together: secrets that people typed, and tokens that
//! servers issued.
//!
//! Rule: what is opened here comes with the origins to which it may be sent. Only three values come without: the key of a
//! client certificate, which TLS uses and never sends, a key that a form is checked with, and a token that is shown to a person. Where nothing but a client
//! certificate signs in (No Auth), its key counts as what is sent.

use std::borrow::Cow;

use diesel::prelude::*;
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::seal;
use crate::audit::Change;
use crate::authorization::model::{SecretName, StoredSecret};
use crate::authorization::oauth_client::ClientSecrets;
use crate::authorization::origins::{ApprovedOrigins, ApprovedSecret};
use crate::authorization::settings::ConnectionSecrets;
use crate::connectors::{Method, SecretField};
use crate::db::schema::{connectors, secrets, tokens};
use crate::db::{Conn, in_row};
use crate::vault::{AssociatedData, Secret, Vault};
use crate::web::Error;

/// A sealed value and the origins that it is bound to.
#[derive(Clone)]
pub(in crate::authorization) struct Sealed {
    table: &'static str,
    row: Uuid,
    column: Cow<'static, str>,
    value: Vec<u8>,
    origins: Option<Vec<String>>,
}

impl Sealed {
    pub fn secret(connector: Uuid, name: &SecretName, value: Vec<u8>, origins: Option<Vec<String>>) -> Sealed {
        Sealed { table: "secrets", row: connector, column: name.code(), value, origins }
    }

    /// A token of this column.
    pub fn token(connector: Uuid, column: &'static str, value: Vec<u8>, origins: Option<Vec<String>>) -> Sealed {
        Sealed { table: "tokens", row: connector, column: column.into(), value, origins }
    }

    /// What the value is bound to, but for the origins.
    fn place(&self) -> AssociatedData<'_> {
        AssociatedData { table: self.table, row: self.row, column: &self.column, bound_to: None }
    }

    pub fn open(&self, vault: &Vault) -> Result<Secret, Error> {
        let data = AssociatedData { bound_to: self.origins.as_deref(), ..self.place() };
        vault.open(data, &self.value).map_err(Error::internal)
    }

    pub fn origins(&self) -> Result<ApprovedOrigins, Error> {
        let column = match self.table {
            "tokens" => "tokens.origins",
            _ => "secrets.origins",
        };
        ApprovedOrigins::read(column, self.row, self.origins.as_deref())
    }

    pub fn approved(&self, vault: &Vault) -> Result<ApprovedSecret, Error> {
        Ok(ApprovedSecret::stored(self.open(vault)?, self.origins()?))
    }

    /// The value sealed for other origins, with these origins; `None` if it does not open.
    fn resealed(
        &self,
        vault: &Vault,
        approved: impl Fn(Option<ApprovedOrigins>) -> ApprovedOrigins,
    ) -> Result<Option<Resealed>, Error> {
        let Ok(secret) = self.open(vault) else { return Ok(None) };
        let before = self.origins.as_ref().map(|_| self.origins()).transpose()?;
        let origins = approved(before).stored();
        Ok(Some((seal(vault, self.place(), &origins, &secret)?, origins)))
    }
}

/// A value that was sealed again, and the origins that it is bound to now.
type Resealed = (Vec<u8>, Vec<String>);

/// A row of `secrets`: its secret and the origins of it.
type SecretRow = (StoredSecret, Vec<u8>, Option<Vec<String>>);

/// A row of `tokens`: access token, refresh token, and the origins of both.
type TokensRow = (Vec<u8>, Option<Vec<u8>>, Option<Vec<String>>);

/// A further secret with its name and place.
pub(in crate::authorization) type FurtherSecret = (SecretName, ApprovedSecret);

/// All sealed values of a connector, as they were at one time if they are read in a transaction that shows one state.
pub(in crate::authorization) struct SealedValues {
    connector: Uuid,
    /// Whether nothing but a client certificate can sign the connector in.
    key_signs_in: bool,
    secrets: Vec<(StoredSecret, Sealed)>,
    access: Option<Sealed>,
    refresh: Option<Sealed>,
}

impl SealedValues {
    pub async fn read(conn: &mut Conn, connector: Uuid) -> Result<SealedValues, Error> {
        let rows = secrets::table
            .filter(secrets::connector_id.eq(connector))
            .select((StoredSecret::as_select(), secrets::sealed, secrets::origins))
            .load(conn)
            .await;
        let rows: Vec<SecretRow> = in_row(&["secrets"], connector, rows)?;
        let secret = |(stored, value, origins): (StoredSecret, _, _)| {
            let sealed = Sealed::secret(connector, &stored.name, value, origins);
            (stored, sealed)
        };
        let tokens: Option<TokensRow> = tokens::table
            .find(connector)
            .select((tokens::access_token, tokens::refresh_token, tokens::origins))
            .first(conn)
            .await
            .optional()?;
        let (access, refresh, origins) =
            tokens.map_or((None, None, None), |(access, refresh, origins)| (Some(access), refresh, origins));
        let token =
            |column, value: Option<_>| value.map(|value| Sealed::token(connector, column, value, origins.clone()));
        let method = connectors::table.find(connector).select(connectors::method).first::<Method>(conn).await;
        Ok(SealedValues {
            connector,
            key_signs_in: in_row(&["connectors"], connector, method).optional()? == Some(Method::NoAuth),
            secrets: rows.into_iter().map(secret).collect(),
            access: token("access_token", access),
            refresh: token("refresh_token", refresh),
        })
    }

    /// The sets of the secrets and the token, but for those that `replaced` names: codes of secrets, or `token`. The
    /// key of a client certificate, which is never sent, is among them only where it alone signs in, and the password of
    /// the proxy is not, because only the proxy gets it.
    pub fn approved_sets(&self, replaced: &[&str]) -> Result<Vec<ApprovedOrigins>, Error> {
        let counts = |name: &SecretName| match name {
            SecretName::Field(SecretField::ClientKey) => self.key_signs_in,
            SecretName::Field(SecretField::ProxyPassword) => false,
            SecretName::Field(_) | SecretName::Further(..) => true,
        };
        let secrets = self.secrets.iter().filter(|(stored, _)| counts(&stored.name));
        let secrets = secrets.map(|(stored, sealed)| (stored.name.code(), sealed));
        let token = self.access.iter().map(|sealed| ("token".into(), sealed));
        let kept = secrets.chain(token).filter(|(name, _)| !replaced.contains(&name.as_ref()));
        kept.map(|(_, sealed)| sealed.origins()).collect()
    }

    pub fn has_token(&self) -> bool {
        self.access.is_some()
    }

    /// Whether a value is of a version that knew no approved origins.
    pub fn has_unapproved(&self) -> bool {
        let mut values = self.secrets.iter().map(|(_, sealed)| sealed).chain(&self.access);
        values.any(|sealed| sealed.origins.is_none())
    }

    /// Seals everything again for other origins, as `approved` makes them of those until now: `None` for a value of a
    /// version that knew none. Gives the names of the values that do not open; they stay as they are. A token sealed
    /// again is no new token.
    pub async fn reseal(
        &self,
        conn: &mut Conn,
        vault: &Vault,
        approved: impl Fn(Option<ApprovedOrigins>) -> ApprovedOrigins,
    ) -> Result<Vec<Cow<'static, str>>, Error> {
        let mut damaged = Vec::new();
        let password = SecretName::Field(SecretField::ProxyPassword);
        for (stored, sealed) in self.secrets.iter().filter(|(stored, _)| stored.name != password) {
            let Some((value, origins)) = sealed.resealed(vault, &approved)? else {
                damaged.push(stored.name.code());
                continue;
            };
            diesel::update(secrets::table.find((self.connector, stored.name.code())))
                .set((secrets::sealed.eq(value), secrets::origins.eq(origins)))
                .execute(conn)
                .await?;
        }
        let Some(access) = &self.access else { return Ok(damaged) };
        let access = access.resealed(vault, &approved)?;
        let refresh = self.refresh.as_ref().map(|token| token.resealed(vault, &approved)).transpose()?;
        let (Some((access, origins)), None | Some(Some(_))) = (access, &refresh) else {
            damaged.push("token".into());
            return Ok(damaged);
        };
        let refresh = refresh.flatten().map(|(value, _)| value);
        conn.batch_execute("SET LOCAL connectory.resealing = 'yes'").await?;
        diesel::update(tokens::table.find(self.connector))
            .set((tokens::access_token.eq(access), tokens::refresh_token.eq(refresh), tokens::origins.eq(origins)))
            .execute(conn)
            .await?;
        Ok(damaged)
    }

    /// Whether the same secrets are stored as in these values.
    pub fn has_same_secrets(&self, other: &SealedValues) -> bool {
        let set = |values: &SealedValues| -> Vec<_> {
            let mut set: Vec<_> =
                values.secrets.iter().map(|(stored, _)| (stored.name.code(), stored.set_at)).collect();
            set.sort_unstable();
            set
        };
        set(self) == set(other)
    }

    /// Whether a secret of a field is stored.
    pub fn has_secrets(&self) -> bool {
        self.secrets.iter().any(|(stored, _)| !stored.name.is_further())
    }

    pub fn has(&self, field: SecretField) -> bool {
        self.has_name(&field.into())
    }

    /// Since when a secret is stored, and by whom.
    pub fn stored_secret(&self, field: SecretField) -> Option<&StoredSecret> {
        self.find(field).map(|(stored, _)| stored)
    }

    /// Whether the secret of this name is stored.
    pub fn has_name(&self, name: &SecretName) -> bool {
        self.secrets.iter().any(|(stored, _)| stored.name == *name)
    }

    fn find(&self, field: SecretField) -> Option<&(StoredSecret, Sealed)> {
        self.secrets.iter().find(|(stored, _)| stored.name == SecretName::Field(field))
    }

    fn sealed(&self, field: SecretField) -> Option<&Sealed> {
        self.find(field).map(|(_, sealed)| sealed)
    }

    /// The further secrets, in the order of their names.
    pub fn further(&self) -> Vec<&StoredSecret> {
        let stored = self.secrets.iter().map(|(stored, _)| stored);
        let mut further: Vec<_> = stored.filter(|stored| stored.name.is_further()).collect();
        further.sort_by_key(|stored| stored.name.code());
        further
    }

    /// The further secrets of calls, or of token requests, for sending them.
    pub fn further_secrets(&self, vault: &Vault, of_calls: bool) -> Result<Vec<FurtherSecret>, Error> {
        let further = self.secrets.iter().filter_map(|(stored, sealed)| match &stored.name {
            SecretName::Further(place, _) if place.is_of_calls() == of_calls => Some((stored.name.clone(), sealed)),
            _ => None,
        });
        further.map(|(name, sealed)| Ok((name, sealed.approved(vault)?))).collect()
    }

    /// What requests to the token server carry of secrets.
    pub fn client_secrets(&self, vault: &Vault) -> Result<ClientSecrets, Error> {
        Ok(ClientSecrets {
            secret: self.secret(vault, SecretField::ClientSecret)?,
            key: self.secret(vault, SecretField::SigningKey)?,
            further: self.further_secrets(vault, false)?,
            next: self.secret(vault, SecretField::NextClientSecret)?,
        })
    }

    /// The stored secret of a field, if there is one.
    pub fn secret(&self, vault: &Vault, field: SecretField) -> Result<Option<ApprovedSecret>, Error> {
        self.sealed(field).map(|sealed| sealed.approved(vault)).transpose()
    }

    /// The origins to which the secret of a field may be sent, if there is one.
    pub fn origins_of(&self, field: SecretField) -> Result<Option<ApprovedOrigins>, Error> {
        self.sealed(field).map(Sealed::origins).transpose()
    }

    /// The key of the client certificate, for TLS.
    pub fn client_key(&self, vault: &Vault) -> Result<Option<Secret>, Error> {
        self.sealed(SecretField::ClientKey).map(|sealed| sealed.open(vault)).transpose()
    }

    /// What connections use: the key for TLS, and the password of the proxy.
    pub fn connection_secrets(&self, vault: &Vault) -> Result<ConnectionSecrets, Error> {
        let proxy_password = self.secret(vault, SecretField::ProxyPassword)?;
        Ok(ConnectionSecrets { client_key: self.client_key(vault)?, proxy_password })
    }

    /// The key that signs assertions, for checking whether it fits the settings of a form. It does not sign.
    pub fn checked_key(&self, vault: &Vault) -> Result<Option<Secret>, Error> {
        self.sealed(SecretField::SigningKey).map(|sealed| sealed.open(vault)).transpose()
    }

    /// The access token, for giving it back to the server.
    pub fn access_token(&self, vault: &Vault) -> Result<Option<ApprovedSecret>, Error> {
        self.access.as_ref().map(|sealed| sealed.approved(vault)).transpose()
    }

    pub fn refresh_token(&self, vault: &Vault) -> Result<Option<ApprovedSecret>, Error> {
        self.refresh.as_ref().map(|sealed| sealed.approved(vault)).transpose()
    }

    /// The access token, to be shown to a person.
    pub fn shown_token(&self, vault: &Vault) -> Result<Option<Secret>, Error> {
        self.access.as_ref().map(|sealed| sealed.open(vault)).transpose()
    }

    /// The refresh token sealed for other origins.
    pub(super) fn resealed_refresh_token(
        &self,
        vault: &Vault,
        approved: &ApprovedOrigins,
    ) -> Result<Option<Vec<u8>>, Error> {
        let origins = approved.stored();
        let seal = |sealed: &Sealed| seal(vault, sealed.place(), &origins, &sealed.open(vault)?);
        self.refresh.as_ref().map(seal).transpose()
    }
}

pub(super) fn token_data(connector: Uuid, column: &'static str) -> AssociatedData<'static> {
    AssociatedData { table: "tokens", row: connector, column, bound_to: None }
}

/// A secret that was entered.
pub struct NewSecret<'a> {
    pub connector: Uuid,
    pub name: SecretName,
    pub secret: &'a Secret,
    /// Where it may be sent.
    pub origins: &'a ApprovedOrigins,
}

/// Seals and stores a secret over whatever was there.
pub async fn store_secret(change: &mut Change<'_>, vault: &Vault, new: &NewSecret<'_>) -> Result<(), Error> {
    let (origins, name) = (new.origins.stored(), new.name.code());
    let data = AssociatedData { table: "secrets", row: new.connector, column: &name, bound_to: None };
    let values = (
        secrets::sealed.eq(seal(vault, data, &origins, new.secret)?),
        secrets::origins.eq(origins),
        secrets::set_at.eq(change.now),
        secrets::set_by.eq(change.by.attribution()),
    );
    diesel::insert_into(secrets::table)
        .values((secrets::connector_id.eq(new.connector), secrets::field.eq(name), values.clone()))
        .on_conflict((secrets::connector_id, secrets::field))
        .do_update()
        .set(values)
        .execute(change.conn)
        .await?;
    Ok(())
}

/// Puts the next secret in the place of a present one; false if there is none.
pub(in crate::authorization) async fn promote_secret(
    change: &mut Change<'_>,
    vault: &Vault,
    connector: Uuid,
    field: SecretField,
) -> Result<bool, Error> {
    let values = SealedValues::read(change.conn, connector).await?;
    let Some((next, sealed)) = field.next().and_then(|next| Some((next, values.sealed(next)?))) else {
        return Ok(false);
    };
    let (secret, origins) = (sealed.open(vault)?, sealed.origins()?);
    let new = NewSecret { connector, name: field.into(), secret: &secret, origins: &origins };
    store_secret(change, vault, &new).await?;
    remove_secret(change.conn, connector, &next.into()).await?;
    Ok(true)
}

pub(in crate::authorization) async fn remove_secret(
    conn: &mut Conn,
    connector: Uuid,
    name: &SecretName,
) -> Result<(), Error> {
    diesel::delete(secrets::table.find((connector, name.code()))).execute(conn).await?;
    Ok(())
}
