//! Sends what is due: compares, leases, sends, marks; round after round, on the program's main runtime.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::join;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};
use uuid::Uuid;

use super::channels::{Channels, Set, Tested, Undelivered};
use super::message::Message;
use super::model::{Channel, Due, Target};
use super::queries::{self, Settled};
use super::schedule::next_attempt;
use crate::clock::Clock;
use crate::db::Db;
use crate::outbound::Outbound;
use crate::web::{Error, PublicAddress};

/// How often what ends is looked at.
const ENDS: TimeDelta = TimeDelta::minutes(10);

/// Messages of a channel in one round, so that the round ends.
const BATCH: usize = 100;

/// Sends notices; clones share their parts.
#[derive(Clone)]
pub struct Courier(Arc<Parts>);

struct Parts {
    db: Db,
    outbound: Outbound,
    clock: Clock,
    address: PublicAddress,
    channels: Arc<Set>,
    /// When what ends was last looked at.
    looked_at_ends: Mutex<Option<DateTime<Utc>>>,
    /// Held for reading while a message is sent, and for writing when the program stops.
    sending: Arc<RwLock<()>>,
}

impl Courier {
    /// A courier whose links begin with `address`. `db` and `outbound` belong to the runtime that it will run on.
    pub fn new(db: Db, outbound: Outbound, clock: Clock, address: PublicAddress, channels: Channels) -> Courier {
        Courier(Arc::new(Parts {
            db,
            outbound,
            clock,
            address,
            channels: channels.0,
            looked_at_ends: Mutex::default(),
            sending: Arc::default(),
        }))
    }

    /// Waits until messages that are being sent are marked. No other is sent while the returned lock is held.
    pub async fn finish(&self) -> OwnedRwLockWriteGuard<()> {
        Arc::clone(&self.0.sending).write_owned().await
    }

    /// Records what has begun and ended, and sends what is due.
    pub async fn round(&self) -> Result<(), Error> {
        let parts = &*self.0;
        {
            let mut conn = parts.db.get().await?;
            let now = parts.clock.now();
            queries::record(&mut conn, &parts.channels, self.looks_at_ends(now), now).await?;
        }
        let targets = parts.channels.targets();
        let (email, webhook) =
            join!(self.send_due(Channel::Email, &targets), self.send_due(Channel::Webhook, &targets));
        email.and(webhook)
    }

    /// Whether it is time to look at what ends; it is not again for a while.
    fn looks_at_ends(&self, now: DateTime<Utc>) -> bool {
        let mut last = self.0.looked_at_ends.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = last.is_none_or(|last| now >= last + ENDS);
        if is_time {
            *last = Some(now);
        }
        is_time
    }

    /// One message after another; where the channel is down, the rest waits for the next round.
    async fn send_due(&self, channel: Channel, targets: &[Target]) -> Result<(), Error> {
        if !targets.iter().any(|target| target.channel == channel) {
            return Ok(());
        }
        for _ in 0..BATCH {
            let _sending = self.0.sending.read().await;
            let lease = Uuid::now_v7();
            let due = {
                let mut conn = self.0.db.get().await?;
                queries::lease(&mut conn, channel, targets, lease, self.0.clock.now()).await?
            };
            let Some(due) = due else { break };
            if !self.deliver(channel, &due, lease).await? {
                break;
            }
        }
        Ok(())
    }

    /// Sends a message. False if the channel cannot be used at the moment. No database connection is held meanwhile.
    async fn deliver(&self, channel: Channel, due: &Due, lease: Uuid) -> Result<bool, Error> {
        let parts = &*self.0;
        let message = match Message::of(due, &parts.address) {
            Ok(message) => message,
            Err(unreadable) => {
                unreadable.log();
                let settled = Settled::GivenUp("What is stored of it cannot be read.".into());
                self.settle(due, lease, &settled).await?;
                return Ok(true);
            }
        };
        let target = Target { channel, recipient: due.recipient.clone() };
        let outcome = parts.channels.send(&parts.outbound, &message, &target, parts.clock.now()).await;
        let label = channel.code();
        match outcome {
            Ok(()) => {
                metrics::counter!("connectory_notices_sent_total", "channel" => label).increment(1);
                self.settle(due, lease, &Settled::Sent).await?;
                Ok(true)
            }
            Err(undelivered) => {
                metrics::counter!("connectory_notices_failed_total", "channel" => label).increment(1);
                let (connector, to) = (&due.key, parts.channels.name(&target));
                let (reason, attempts) = (&undelivered.reason, due.attempts);
                tracing::warn!(connector, to, attempts, reason, "a notice was not delivered");
                self.retry_later(channel, due, lease, undelivered).await
            }
        }
    }

    /// Marks a message that was not delivered, to be retried or given up. False if the channel cannot be used.
    async fn retry_later(
        &self,
        channel: Channel,
        due: &Due,
        lease: Uuid,
        undelivered: Undelivered,
    ) -> Result<bool, Error> {
        let parts = &*self.0;
        let now = parts.clock.now();
        let given_up = |count| {
            metrics::counter!("connectory_notices_given_up_total", "channel" => channel.code()).increment(count);
        };
        if let (true, Some(webhook)) = (undelivered.is_gone, &parts.channels.webhook) {
            let reason = format!("{} It wants no more notices.", undelivered.reason);
            let mut conn = parts.db.get().await?;
            let count = queries::stop(&mut conn, webhook.receiver(), &reason, now).await?;
            given_up(count as u64);
            tracing::warn!("the receiver of webhooks wants no more notices: none are sent to it");
            return Ok(false);
        }
        let is_down = undelivered.is_down;
        let settled = match next_attempt(due.attempts, undelivered.retry_after, now) {
            Some(next) => Settled::Failed(undelivered.reason, next),
            None => {
                given_up(1);
                Settled::GivenUp(undelivered.reason)
            }
        };
        self.settle(due, lease, &settled).await?;
        Ok(!is_down)
    }

    async fn settle(&self, due: &Due, lease: Uuid, settled: &Settled) -> Result<(), Error> {
        let mut conn = self.0.db.get().await?;
        let now = self.0.clock.now();
        if !queries::settle(&mut conn, (due.id, lease), settled, now).await? {
            tracing::debug!(message = %due.id, "another instance has taken a notice over");
        }
        Ok(())
    }

    /// Sends a test notice to all recipients, and returns the result of each. A webhook that arrives is no
    /// longer stopped.
    pub async fn test(&self) -> Result<Vec<Tested>, Error> {
        let parts = &*self.0;
        let now = parts.clock.now();
        let message = Message::test(Uuid::now_v7(), now, &parts.address);
        let mut all = Vec::new();
        for target in parts.channels.targets() {
            let sending = parts.channels.send(&parts.outbound, &message, &target, now);
            let outcome = sending.await.map_err(|undelivered| undelivered.reason);
            if target.channel == Channel::Webhook && outcome.is_ok() {
                queries::resume(&mut *parts.db.get().await?).await?;
            }
            all.push(Tested { target: parts.channels.name(&target), outcome });
        }
        Ok(all)
    }
}
