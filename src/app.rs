//! The server: what the handlers share, the order of the layers, background work, the graceful stop.

mod background;
mod limits;
mod slow_reader;

use std::net::TcpListener;

use actix_web::body::BoxBody;
use actix_web::cookie::Key;
use actix_web::dev::{Server, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Next, from_fn};
use actix_web::{App as ActixApp, HttpServer, web};
use anyhow::Context;
use tokio::runtime::Handle;

pub use self::background::{
    chain_audit_log, check_connectors, due_work, link_audit_log, poll_devices, refresh_keys, renew_tokens,
    run_due_work, send_notices, watch_keys,
};
use self::limits::Limits;
use self::slow_reader::disconnect_after;
use crate::access::{AccessCheck, ApiKeys, PasswordHasher, SessionLimits, SignInGuard, TrustedProxies};
use crate::accounts::{DbSessionStore, FirstRun};
use crate::api::{self, Api, Meters, Pseudonym, UnknownKeys};
use crate::authorization::{ConnectionTester, TokenKeeper};
use crate::calls::{CallLog, Retention};
use crate::checks::Checker;
use crate::clock::Clock;
use crate::collections::Importer;
use crate::collections::import_pages::upload_limits;
use crate::config::ResourceLimits;
use crate::connectors::LegacyGrants;
use crate::db::{COMMAND, ChangeListener, Db};
use crate::drafts;
use crate::endpoints::EndpointCache;
use crate::notices::{Channels, Courier};
use crate::openid::SignIns;
use crate::outbound::Outbound;
use crate::relay::{Relay, RelayState};
use crate::routes::{self, PageLayers};
use crate::status::Metrics;
use crate::system::About;
use crate::vault::Vault;
use crate::web::{Cookies, PublicAddress, serve_layers};

/// Connections on which tokens are renewed.
const RENEWAL_CONNECTIONS: usize = 4;

/// Connections on which the call log is written, one at a time.
const CALL_LOG_CONNECTIONS: usize = 1;

/// Connections on which notices are looked after, one for each channel.
const NOTICE_CONNECTIONS: usize = 2;

/// Connections on which checks are kept.
const CHECK_CONNECTIONS: usize = 2;

/// Connections of imports: one stores records, on the other the progress is written.
const IMPORT_CONNECTIONS: usize = 2;

/// Requests in flight get this many seconds at a stop.
const LAST_REQUESTS: u64 = 30;

/// Everything a running site is made of.
#[derive(Clone)]
pub struct Site {
    pub database_url: String,
    /// Invalidates caches when the database changes, once it runs.
    pub changes: ChangeListener,
    /// Connections to the database, all workers together.
    pub connections: usize,
    pub workers: usize,
    pub clock: Clock,
    pub vault: Vault,
    pub outbound: Outbound,
    pub hasher: PasswordHasher,
    pub api_keys: ApiKeys,
    pub limits: SessionLimits,
    /// Signs session cookies.
    pub cookie_key: Key,
    /// How much of the machine those who ask may take.
    pub resources: ResourceLimits,
    /// How long calls are kept.
    pub retention: Retention,
    pub metrics: Metrics,
    /// Sends notices about connectors.
    pub channels: Channels,
    pub first_run: FirstRun,
    /// The address that people open, without a trailing slash.
    pub public_url: String,
    pub legacy_grants: LegacyGrants,
    /// Signing in through the organisation's provider.
    pub sign_ins: SignIns,
    /// Whose word counts for where a request comes from.
    pub proxies: TrustedProxies,
    /// What the System page shows of this process.
    pub about: About,
}

impl Site {
    /// The keeper of tokens, which all workers share. Must be called on the program's main runtime, once.
    pub fn keeper(&self) -> anyhow::Result<TokenKeeper> {
        Ok(TokenKeeper::new(
            self.pool(RENEWAL_CONNECTIONS)?,
            self.vault.clone(),
            self.outbound.clone(),
            self.clock.clone(),
            self.legacy_grants,
            Handle::current(),
        ))
    }

    /// The log of calls, which all workers share. Must be called on the program's main runtime, once.
    pub fn call_log(&self) -> anyhow::Result<CallLog> {
        Ok(CallLog::new(self.pool(CALL_LOG_CONNECTIONS)?, &self.clock, &self.changes))
    }

    /// The sender of notices about connectors. Must be called on the program's main runtime, once.
    pub fn courier(&self) -> anyhow::Result<Courier> {
        Ok(Courier::new(
            self.pool(NOTICE_CONNECTIONS)?,
            self.outbound.clone(),
            self.clock.clone(),
            PublicAddress::new(&self.public_url),
            self.channels.clone(),
        ))
    }

    /// What checks connectors in the background. Must be called on the program's main runtime, once.
    pub fn checker(&self, keeper: &TokenKeeper) -> anyhow::Result<Checker> {
        Ok(Checker::new(ConnectionTester {
            db: self.pool(CHECK_CONNECTIONS)?,
            vault: self.vault.clone(),
            outbound: self.outbound.clone(),
            keeper: keeper.clone(),
            clock: self.clock.clone(),
            address: PublicAddress::new(&self.public_url),
            grants: self.legacy_grants,
        }))
    }

    /// The imports of records, which all workers share. Must be called on the program's main runtime, once.
    fn importer(&self) -> anyhow::Result<Importer> {
        let db = Db::with_limit(&self.database_url, IMPORT_CONNECTIONS, COMMAND)?;
        self.changes.guard(&db);
        Ok(Importer::new(db, self.clock.clone(), Handle::current()))
    }

    /// A pool that reconnects when the database server no longer responds.
    fn pool(&self, size: usize) -> anyhow::Result<Db> {
        let db = Db::new(&self.database_url, size)?;
        self.changes.guard(&db);
        Ok(db)
    }

    /// A pool of one worker's share of the connections.
    fn worker_pool(&self) -> Db {
        // proven: the URL has been read before, and a pool is only refused without a runtime, which Db::new sets
        let db = self.pool((self.connections / self.workers).max(2)).unwrap_or_else(|error| panic!("{error:#}"));
        self.about.pools.add(&db);
        db
    }
}

/// What all workers of a process have in common besides.
#[derive(Clone)]
struct Shared {
    keeper: TokenKeeper,
    call_log: CallLog,
    relay: RelayState,
    endpoints: EndpointCache,
    importer: Importer,
}

/// Serves the site on `listener` until the server is stopped by its handle.
pub fn serve(site: Site, keeper: TokenKeeper, call_log: CallLog, listener: TcpListener) -> anyhow::Result<Server> {
    let limits = Limits::new(&site.clock, &site.resources);
    let patience = site.resources.client_idle;
    let workers = site.workers;
    let shared = Shared {
        relay: RelayState::new(&site.clock, &site.changes, &site.vault, &keeper),
        endpoints: EndpointCache::new(&site.clock, &site.changes),
        importer: site.importer()?,
        keeper,
        call_log,
    };
    let server = HttpServer::new(move || worker(site.clone(), shared.clone(), limits.clone()))
        .workers(workers)
        // A client that disconnects wants no response any more, and the API need not make one.
        .h1_allow_half_closed(false)
        .on_connect(move |connection, _| disconnect_after(connection, patience))
        .disable_signals()
        .shutdown_timeout(LAST_REQUESTS)
        .server_hostname("connectory")
        .listen(listener)
        .context("cannot listen")?;
    Ok(server.run())
}

/// One worker's application: it owns its connections, which belong to its runtime.
fn worker(
    site: Site,
    shared: Shared,
    limits: Limits,
) -> ActixApp<
    impl actix_web::dev::ServiceFactory<
        actix_web::dev::ServiceRequest,
        Config = (),
        Response = actix_web::dev::ServiceResponse,
        Error = actix_web::Error,
        InitError = (),
    >,
> {
    let db = site.worker_pool();
    let address = PublicAddress::new(&site.public_url);
    let cookies = Cookies::of(&address);
    let guard = SignInGuard {
        db: db.clone(),
        clock: site.clock.clone(),
        hasher: site.hasher.clone(),
        limits: site.limits,
        cookies,
        limit: limits.sign_in,
    };
    let store = DbSessionStore { db: db.clone(), clock: site.clock.clone(), limits: site.limits };
    let page_layers = PageLayers {
        check: AccessCheck { guard: guard.clone(), origin: site.public_url.as_str().into() },
        sessions: cookies.session_layer(store, site.cookie_key.clone()),
    };
    let relay = Relay::new(&shared.relay, &db, site.outbound.for_worker());
    let api = Api {
        keys: site.api_keys.clone(),
        relay: relay.clone(),
        db: db.clone(),
        clock: site.clock.clone(),
        log: shared.call_log.clone(),
        endpoints: shared.endpoints,
        keeper: shared.keeper.clone(),
        unknown_keys: UnknownKeys::new(limits.unknown_keys, limits.spare_keys),
        quotas: limits.key_quotas,
        log_throttle: limits.refused.clone(),
        refusals: limits.refusals.clone(),
        address: address.to_string(),
        own_name: Pseudonym::of(&site.public_url),
        meters: Meters::default(),
    };
    ActixApp::new()
        .app_data(web::Data::new(db))
        .app_data(web::Data::new(site.clock.clone()))
        .app_data(web::Data::new(cookies))
        .app_data(web::Data::new(guard))
        .app_data(web::Data::new(site.sign_ins.shown()))
        .app_data(web::Data::new(site.sign_ins))
        .app_data(web::Data::new(site.proxies))
        .app_data(web::Data::new(site.about))
        .app_data(web::Data::new(limits.token_requests))
        .app_data(web::Data::new(limits.refused))
        .app_data(web::Data::new(limits.refusals))
        .app_data(web::Data::new(api))
        .app_data(web::Data::new(shared.keeper))
        .app_data(web::Data::new(shared.importer))
        .app_data(upload_limits())
        .app_data(web::Data::new(shared.call_log))
        .app_data(web::Data::new(relay))
        .app_data(web::Data::new(limits.run_bodies))
        .app_data(web::Data::from(limits.page_bodies))
        .app_data(web::Data::new(limits.runs))
        .app_data(web::Data::new(site.retention))
        .app_data(web::Data::new(site.channels.clone()))
        .app_data(web::Data::new(address))
        .app_data(web::Data::new(site.legacy_grants))
        .app_data(web::Data::new(site.vault.clone()))
        .app_data(web::Data::new(site.outbound.clone()))
        .app_data(web::Data::new(site.hasher.clone()))
        .app_data(web::Data::new(site.api_keys.clone()))
        .app_data(web::Data::new(site.metrics.clone()))
        .app_data(web::Data::new(site.first_run.clone()))
        .wrap(from_fn(drafts_of_pages))
        .wrap(from_fn(layers))
        .configure(move |config| routes::configure(config, &page_layers))
}

/// The layers of pages; programs have their own way.
async fn layers(req: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, actix_web::Error> {
    if api::is_for_programs(req.path()) {
        return next.call(req).await;
    }
    serve_layers(req, next).await
}

/// Forms that come after the end of their session; programs have none.
async fn drafts_of_pages(req: ServiceRequest, next: Next<BoxBody>) -> Result<ServiceResponse, actix_web::Error> {
    if api::is_for_programs(req.path()) {
        return next.call(req).await;
    }
    drafts::keep_forms(req, next).await
}
