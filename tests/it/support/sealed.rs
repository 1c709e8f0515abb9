//! Secrets and tokens behind the pages' back: put in, and opened with the site's own vault.

use chrono::{DateTime, TimeDelta, Utc};
use connectory::access::Actor;
use connectory::audit::Change;
use connectory::authorization::{self, ApprovedOrigins, NewSecret, NewToken, SecretField};
use connectory::connectors;
use connectory::vault::{AssociatedData, Secret};
use uuid::Uuid;

use super::TestApp;

impl TestApp {
    pub async fn store_secret(&self, connector: Uuid, field: SecretField, text: &str) {
        let (mut conn, now, secret) = (self.conn().await, self.clock.now(), Secret::new(text.into()));
        let origins = in_use(&mut conn, connector).await;
        let new = NewSecret { connector, name: field.into(), secret: &secret, origins: &origins };
        let by = Actor::command_line();
        authorization::store_secret(&mut Change { conn: &mut conn, by: &by, now }, &self.vault, &new)
            .await
            .expect("a stored secret");
        connectors::refresh_health(&mut conn, connector, now).await.expect("the health");
    }

    /// Stores an access token that ends after `life`, if it does, as one that a server has issued.
    pub async fn store_token(&self, connector: Uuid, text: &str, life: Option<TimeDelta>) {
        let (mut conn, now) = (self.conn().await, self.clock.now());
        let token = NewToken {
            refresh: connectory::authorization::RefreshToken::None,
            access: Secret::new(text.into()),
            token_type: "Bearer".into(),
            scope: String::new(),
            expires_at: life.map(|life| now + life),
            refresh_expires_at: None,
            kept: Default::default(),
        };
        let origins = in_use(&mut conn, connector).await;
        authorization::store_token(
            &mut Change { conn: &mut conn, by: &Actor::command_line(), now },
            &self.vault,
            connector,
            &token,
            &origins,
        )
        .await
        .expect("a stored token");
        issued(&mut conn, connector, now).await;
        connectors::refresh_health(&mut conn, connector, now).await.expect("the health");
    }

    /// The stored secret of a field as it was typed.
    pub async fn secret(&self, connector: Uuid, field: SecretField) -> Option<String> {
        let row = format!("FROM secrets WHERE connector_id = '{connector}' AND field = '{}'", field.code());
        self.opened("secrets", connector, ("sealed", field.code()), &row).await
    }

    /// The stored access token.
    pub async fn token(&self, connector: Uuid) -> Option<String> {
        let row = format!("FROM tokens WHERE connector_id = '{connector}'");
        let column = ("access_token", "access_token");
        self.opened("tokens", connector, column, &row).await
    }

    async fn opened(&self, table: &'static str, row: Uuid, (column, name): (&str, &str), from: &str) -> Option<String> {
        let sealed = self.value(&format!("SELECT encode({column}, 'hex') {from}")).await;
        let origins = self.value(&format!("SELECT array_to_string(origins, ' ') {from}")).await;
        let origins: Vec<String> = origins.split_whitespace().map(String::from).collect();
        let place = AssociatedData { table, row, column: name, bound_to: Some(&origins) };
        self.open(place, &sealed)
    }

    /// What a form that came too late held, as JSON.
    pub async fn draft(&self, id: Uuid) -> String {
        let row = self.rows(&format!("SELECT user_id, encode(sealed, 'hex') FROM drafts WHERE id = '{id}'")).await;
        let user = [row[0][0].clone()];
        let place = AssociatedData { table: "drafts", row: id, column: "sealed", bound_to: Some(&user) };
        self.open(place, &row[0][1]).expect("a draft")
    }

    fn open(&self, place: AssociatedData<'_>, sealed: &str) -> Option<String> {
        let digits = sealed.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("ASCII"));
        let bytes: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits")).collect();
        (!bytes.is_empty())
            .then(|| self.vault.open(place, &bytes).expect("a sealed value of this place").expose().to_string())
    }
}

/// Lets the stored token count as one that a server has issued.
pub async fn issued(conn: &mut connectory::db::Conn, connector: Uuid, now: DateTime<Utc>) {
    let issued = connectors::CredentialChange::Issued;
    connectors::outdate_evidence(conn, connector, issued, now).await.expect("the evidence");
}

/// The origins that a connector uses, all of them, as if somebody had approved them.
pub async fn in_use(conn: &mut connectory::db::Conn, connector: Uuid) -> ApprovedOrigins {
    authorization::origins_in_use(conn, connector).await.expect("the origins in use")
}

impl TestApp {
    /// Approves all origins in use for everything that a connector has stored, as the page does, but without a person.
    pub async fn approve_origins(&self, connector: Uuid) {
        let origins = in_use(&mut *self.conn().await, connector).await.stored();
        let array = format!("'{{{}}}'::text[]", origins.join(","));
        let columns = [
            ("secrets", "sealed", "field"),
            ("tokens", "access_token", "'access_token'"),
            ("tokens", "refresh_token", "'refresh_token'"),
        ];
        let mut updates = vec!["SET connectory.resealing = 'yes'".to_string()];
        for (table, column, name) in columns {
            let rows = self
                .rows(&format!(
                    "SELECT {name}, encode({column}, 'hex'), array_to_string(origins, ' ') FROM {table}
                     WHERE connector_id = '{connector}' AND {column} IS NOT NULL"
                ))
                .await;
            for row in rows {
                let before: Vec<String> = row[2].split_whitespace().map(String::from).collect();
                let place =
                    |bound_to| AssociatedData { table, row: connector, column: &row[0], bound_to: Some(bound_to) };
                let text = self.open(place(&before), &row[1]).expect("a value");
                let sealed = self.vault.seal(place(&origins), &Secret::new(text));
                let sealed = sealed.expect("a sealed value");
                let digits: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
                let which = if table == "secrets" { format!(" AND field = '{}'", row[0]) } else { String::new() };
                updates.push(format!(
                    "UPDATE {table} SET {column} = '\\x{digits}' WHERE connector_id = '{connector}'{which}"
                ));
            }
            updates.push(format!("UPDATE {table} SET origins = {array} WHERE connector_id = '{connector}' AND '{column}' <> 'access_token'"));
        }
        self.sql(&updates.join(";")).await;
    }
}
