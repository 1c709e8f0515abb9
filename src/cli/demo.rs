//! `connectory demo`: fills in sample data, once.

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use super::demo_data::{CATEGORIES, CONNECTORS, DemoConnector, DemoMethod, DemoPlace};
use super::setup::Tools;
use crate::access::Actor;
use crate::authorization::{self, ApiKeyPlace, NewSecret, NewToken, RefreshToken, SecretField};
use crate::categories::{self, CategoryStatus};
use crate::connectors::{self, Method, NewConnector};
use crate::db::Conn;
use crate::db::schema::{authorizations, categories as categories_table};
use crate::name::Name;
use crate::outbound::HttpUrl;
use crate::vault::{Secret, Vault};
use crate::web::SaveError;

/// Creates the sample categories and connectors; what is there already stays as it is.
pub(super) async fn fill(tools: Tools) -> anyhow::Result<()> {
    let by = Actor::demo();
    let now = tools.clock.now();
    let mut conn = tools.db.get().await?;
    for (name, _) in CATEGORIES {
        add_category(&mut conn, &by, now, name).await?;
    }
    let mut created = 0;
    for (index, demo) in CONNECTORS.iter().enumerate() {
        // Spread over the past months, so that sorting by date shows something.
        let at = now - TimeDelta::hours(31 * i64::try_from(index)?);
        created += usize::from(add_connector(&mut conn, &tools.vault, &by, at, now, demo).await?);
    }
    for (name, _) in CATEGORIES.iter().filter(|(_, active)| !active) {
        let category = categories_table::table.filter(categories_table::name_key.eq(crate::name::key(name)));
        diesel::update(category).set(categories_table::status.eq("inactive")).execute(&mut conn).await?;
    }
    println!("Created {created} data connectors; {} were there already.", CONNECTORS.len() - created);
    Ok(())
}

async fn add_category(conn: &mut Conn, by: &Actor, now: DateTime<Utc>, name: &str) -> anyhow::Result<()> {
    let name = Name::parse(name, 100)?;
    match categories::insert(conn, by, now, Uuid::now_v7(), &name, CategoryStatus::Active).await {
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
    match connectors::insert(conn, by, at, &new).await {
        Ok(_) => authorize(conn, vault, by, now, &new, demo).await.map(|()| true),
        Err(SaveError::NameTaken) => Ok(false),
        Err(SaveError::Fault(fault)) => Err(fault.into()),
        Err(_) => bail!("cannot create the data connector {}", demo.name),
    }
}

async fn new_connector(conn: &mut Conn, demo: &DemoConnector) -> anyhow::Result<NewConnector> {
    let mut categories = Vec::new();
    for name in demo.categories {
        categories
            .push(categories::find_by_name(conn, name).await?.with_context(|| format!("there is no category {name}"))?);
    }
    Ok(NewConnector {
        id: Uuid::now_v7(),
        name: connectors::parse_name(demo.name)?,
        display_name: demo.display_name.into(),
        description: demo.description.into(),
        base_url: Some(HttpUrl::parse(demo.base_url)?),
        method: match demo.method {
            DemoMethod::NoAuth => Method::NoAuth,
            DemoMethod::Basic { .. } => Method::Basic,
            DemoMethod::Bearer => Method::Bearer,
            DemoMethod::ApiKey { .. } => Method::ApiKey,
        },
        categories,
        enabled: demo.enabled,
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
    let row = authorizations::table.find(new.id);
    // Nobody knows these secrets, and the hosts are examples.
    let secret = Secret::new(format!("{:032x}", rand::random::<u128>()));
    let field = match &demo.method {
        DemoMethod::NoAuth => return Ok(()),
        DemoMethod::Basic { user } => {
            diesel::update(row).set(authorizations::user_name.eq(*user)).execute(conn).await?;
            Some(SecretField::Password)
        }
        DemoMethod::ApiKey { place, name } => {
            let place = match place {
                DemoPlace::Header => ApiKeyPlace::Header,
                DemoPlace::Query => ApiKeyPlace::Query,
            };
            diesel::update(row)
                .set((authorizations::api_key_place.eq(place.code()), authorizations::api_key_name.eq(*name)))
                .execute(conn)
                .await?;
            Some(SecretField::ApiKey)
        }
        DemoMethod::Bearer => None,
    };
    let origins = authorization::origins_in_use(conn, new.id).await?;
    match field {
        _ if !demo.with_secret => {}
        Some(field) => {
            let secret = NewSecret { connector: new.id, field, secret: &secret, origins: &origins };
            authorization::store_secret(conn, vault, by, now, &secret).await?
        }
        None => {
            let expires_at = demo.expires_in_hours.map(|hours| now + TimeDelta::hours(hours));
            let obtained = expires_at.map_or(now, |expires| now.min(expires - TimeDelta::hours(1)));
            let token = NewToken {
                access: secret,
                refresh: RefreshToken::None,
                token_type: "Bearer".into(),
                scope: String::new(),
                expires_at,
            };
            authorization::store_token(conn, vault, by, obtained, new.id, &token, &origins).await?;
        }
    }
    connectors::refresh_health(conn, new.id, now).await?;
    Ok(())
}
