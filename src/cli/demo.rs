//! `connectory demo`: creates sample data, once: what a town administration would keep in Connectory (`demo.json`).
//!
//! Rule: every host is one of the names reserved for examples, so no demo ever reaches a real system. The names also
//! show what a name may be: any script, apostrophes, accents, and more than 200 characters.

use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use uuid::Uuid;

use super::setup::Tools;
use crate::access::Actor;
use crate::audit::Change;
use crate::authorization::{self, CredentialPlace, NewSecret, NewToken};
use crate::categories::{self, CategoryStatus};
use crate::connectors::{self, Details, Method, NewConnector, Stewardship};
use crate::db::Conn;
use crate::name::Name;
use crate::outbound::HttpUrl;
use crate::vault::{Secret, Vault};
use crate::web::SaveError;

/// The sample data.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Demo {
    categories: Vec<DemoCategory>,
    connectors: Vec<DemoConnector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoCategory {
    name: String,
    active: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DemoConnector {
    name: String,
    /// Empty: the name is shown.
    #[serde(default)]
    display_name: String,
    description: String,
    base_url: String,
    /// Names of [`Demo::categories`].
    categories: Vec<String>,
    #[serde(deserialize_with = "code")]
    method: Method,
    #[serde(default)]
    user: String,
    #[serde(default = "header", deserialize_with = "code")]
    api_key_place: CredentialPlace,
    #[serde(default)]
    api_key_name: String,
    #[serde(default = "yes")]
    enabled: bool,
    /// Whether a made-up password, token or key is stored.
    #[serde(default)]
    with_secret: bool,
    /// When a stored token expires, counted from now; negative: it has expired.
    expires_in_hours: Option<i64>,
}

fn yes() -> bool {
    true
}

fn header() -> CredentialPlace {
    CredentialPlace::Header
}

/// The value of a stored code.
fn code<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<T, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}

impl Demo {
    fn read() -> anyhow::Result<Demo> {
        serde_json::from_str(include_str!("demo.json")).context("demo.json")
    }
}

/// Creates the sample categories and connectors; what is there already stays as it is.
pub(super) async fn fill(tools: Tools) -> anyhow::Result<()> {
    let by = Actor::demo();
    let now = tools.clock.now();
    let mut conn = tools.db.get().await?;
    let Demo { categories, connectors } = Demo::read()?;
    for category in &categories {
        add_category(&mut conn, &by, now, category).await?;
    }
    let mut created = 0;
    for (index, demo) in connectors.iter().enumerate() {
        // Spread over the past months, so that sorting by date shows something.
        let at = now - TimeDelta::hours(31 * i64::try_from(index)?);
        created += usize::from(add_connector(&mut conn, &tools.vault, &by, at, now, demo).await?);
    }
    println!("Created {created} data connectors; {} were there already.", connectors.len() - created);
    Ok(())
}

async fn add_category(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, demo: &DemoCategory) -> anyhow::Result<()> {
    let name = Name::parse(&demo.name, 100)?;
    let status = if demo.active { CategoryStatus::Active } else { CategoryStatus::Inactive };
    match categories::insert(&mut Change { conn, by, now }, Uuid::now_v7(), &name, status).await {
        Ok(()) | Err(SaveError::NameTaken) => Ok(()),
        Err(SaveError::Fault(fault)) => Err(fault.into()),
        Err(_) => bail!("cannot create the category {}", name.as_str()),
    }
}

async fn add_connector(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    at: DateTime<Utc>,
    now: DateTime<Utc>,
    demo: &DemoConnector,
) -> anyhow::Result<bool> {
    let new = new_connector(conn, demo).await?;
    match connectors::insert(&mut Change { conn, by, now: at }, &new).await {
        Ok(_) => authorize(conn, vault, by, now, &new, demo).await.map(|()| true),
        Err(SaveError::NameTaken) => Ok(false),
        Err(SaveError::Fault(fault)) => Err(fault.into()),
        Err(_) => bail!("cannot create the data connector {}", demo.name),
    }
}

async fn new_connector(conn: &mut Conn, demo: &DemoConnector) -> anyhow::Result<NewConnector> {
    let mut categories = Vec::new();
    for name in &demo.categories {
        categories
            .push(categories::find_by_name(conn, name).await?.with_context(|| format!("there is no category {name}"))?);
    }
    Ok(NewConnector {
        id: Uuid::now_v7(),
        key: None,
        details: Details {
            name: connectors::parse_name(&demo.name)?,
            display_name: demo.display_name.clone(),
            description: demo.description.clone(),
            base_url: Some(HttpUrl::parse(&demo.base_url)?),
            enabled: demo.enabled,
            stewardship: Stewardship::default(),
        },
        method: demo.method,
        categories,
    })
}

async fn authorize(
    conn: &mut Conn,
    vault: &Vault,
    by: &Actor,
    now: DateTime<Utc>,
    new: &NewConnector,
    demo: &DemoConnector,
) -> anyhow::Result<()> {
    match demo.method {
        Method::Basic => authorization::save_user_name(conn, new.id, &demo.user).await?,
        Method::ApiKey => {
            authorization::save_api_key_place(conn, new.id, demo.api_key_place, &demo.api_key_name).await?
        }
        Method::Bearer => {}
        Method::NoAuth | Method::Login | Method::Digest | Method::AwsSignature | Method::OAuth(_) => return Ok(()),
    };
    // Random, and the hosts are examples.
    let secret = Secret::new(format!("{:032x}", rand::random::<u128>()));
    let origins = authorization::origins_in_use(conn, new.id).await?;
    match demo.method.call_secret() {
        _ if !demo.with_secret => {}
        Some(field) => {
            let secret = NewSecret { connector: new.id, name: field.into(), secret: &secret, origins: &origins };
            authorization::store_secret(&mut Change { conn, by, now }, vault, &secret).await?
        }
        None => {
            let expires_at = demo.expires_in_hours.map(|hours| now + TimeDelta::hours(hours));
            let obtained = expires_at.map_or(now, |expires| now.min(expires - TimeDelta::hours(1)));
            let token = NewToken::bearer(secret, expires_at);
            let change = &mut Change { conn, by, now: obtained };
            authorization::store_token(change, vault, new.id, &token, &origins).await?;
        }
    }
    connectors::refresh_health(conn, new.id, now).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn demo() -> Demo {
        Demo::read().expect("sample data")
    }

    #[test]
    fn every_name_is_one_that_the_form_accepts_and_its_own() {
        let mut seen = HashSet::new();
        for connector in demo().connectors {
            let name = &connector.name;
            assert!(name.chars().count() <= 255 && name.trim() == name, "{name}");
            assert!(name.chars().all(|c| c.is_alphanumeric() || " '’-_.".contains(c)), "{name}");
            assert!(seen.insert(name.to_lowercase()), "{name} stands there twice");
        }
        assert_eq!(seen.len(), 60);
    }

    #[test]
    fn every_category_of_a_connector_is_made() {
        for connector in demo().connectors {
            assert!(!connector.categories.is_empty(), "{}", connector.name);
            for category in connector.categories {
                assert!(demo().categories.iter().any(|row| row.name == category), "{category}");
            }
        }
    }

    #[test]
    fn every_host_is_reserved_for_examples() {
        for connector in demo().connectors {
            let rest = connector.base_url.split_once("://").map_or("", |parts| parts.1);
            let host = rest.split(['/', ':']).next().unwrap_or("");
            let reserved = [".example", ".internal", ".example.org", ".example.com", ".example.net"];
            assert!(reserved.iter().any(|end| host.ends_with(end)), "{host}");
        }
    }

    #[test]
    fn only_what_needs_a_secret_has_one_and_only_a_stored_token_expires() {
        for connector in demo().connectors {
            let bearer = connector.method == Method::Bearer;
            assert!(!connector.with_secret || connector.method != Method::NoAuth, "{}", connector.name);
            let expires = connector.expires_in_hours.is_some();
            assert!(!expires || (bearer && connector.with_secret), "{}", connector.name);
        }
    }
}
