//! Secrets and tokens behind the pages' back: put in, and opened with the site's own vault.

use chrono::TimeDelta;
use connectory::access::Actor;
use connectory::authorization::{self, NewToken, SecretField};
use connectory::connectors;
use connectory::vault::{Place, Secret};
use uuid::Uuid;

use super::TestApp;

impl TestApp {
    pub async fn store_secret(&self, connector: Uuid, field: SecretField, text: &str) {
        let (mut conn, now, secret) = (
            self.conn().await,
            self.clock.now(),
            Secret::new(text.into()),
        );
        authorization::store_secret(
            &mut conn,
            &self.vault,
            &Actor::command_line(),
            now,
            connector,
            field,
            &secret,
        )
        .await
        .expect("a stored secret");
        connectors::refresh_health(&mut conn, connector, now)
            .await
            .expect("the health");
    }

    /// Stores an access token that ends after `life`, if it does.
    pub async fn store_token(&self, connector: Uuid, text: &str, life: Option<TimeDelta>) {
        let (mut conn, now) = (self.conn().await, self.clock.now());
        let token = NewToken {
            refresh: connectory::authorization::RefreshToken::None,
            access: Secret::new(text.into()),
            token_type: "Bearer".into(),
            scope: String::new(),
            expires_at: life.map(|life| now + life),
        };
        authorization::store_token(
            &mut conn,
            &self.vault,
            &Actor::command_line(),
            now,
            connector,
            &token,
        )
        .await
        .expect("a stored token");
        connectors::refresh_health(&mut conn, connector, now)
            .await
            .expect("the health");
    }

    /// The stored secret of a field as it was typed.
    pub async fn secret(&self, connector: Uuid, field: SecretField) -> Option<String> {
        let query = format!(
            "SELECT encode(sealed, 'hex') FROM secrets WHERE connector_id = '{connector}' AND field = '{}'",
            field.code()
        );
        self.open(
            Place {
                table: "secrets",
                row: connector,
                column: field.code(),
            },
            &self.value(&query).await,
        )
    }

    /// The stored access token.
    pub async fn token(&self, connector: Uuid) -> Option<String> {
        let sealed = self
            .value(&format!(
                "SELECT encode(access_token, 'hex') FROM tokens WHERE connector_id = '{connector}'"
            ))
            .await;
        self.open(
            Place {
                table: "tokens",
                row: connector,
                column: "access_token",
            },
            &sealed,
        )
    }

    fn open(&self, place: Place<'_>, sealed: &str) -> Option<String> {
        let digits = sealed
            .as_bytes()
            .chunks(2)
            .map(|pair| std::str::from_utf8(pair).expect("ASCII"));
        let bytes: Vec<u8> = digits
            .map(|pair| u8::from_str_radix(pair, 16).expect("hexadecimal digits"))
            .collect();
        (!bytes.is_empty()).then(|| {
            self.vault
                .open(place, &bytes)
                .expect("a sealed value of this place")
                .expose()
                .to_string()
        })
    }
}
