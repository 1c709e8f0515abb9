//! What calls show of their connectors, written in the batches of the call log: a call itself waits for nothing.
//!
//! Rule: a connector's row is written only when there is news ([`Evidence::is_news`]); what is known of it stays in memory
//! until this or another instance has changed it, of which the row's trigger sends a notification. Danger: deciding by
//! what was read before a notification came, so a read that one overtakes is not remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::Call;
use crate::clock::Clock;
use crate::connectors::{self, ApiOutcome, ConnectorId, Evidence, Observation};
use crate::db::{ChangeEvent, ChangeListener, Conn, Db};
use crate::web::Error;

/// Connectors that are remembered at most.
const MOST: usize = 20_000;

/// Calls in a row that the API did not take are remembered up to this number, which is more than any that decides.
const LONGEST_RUN: usize = 16;

pub(super) struct EvidenceWriter {
    clock: Clock,
    memory: Arc<Mutex<Memory>>,
    /// In the order in which the calls ended.
    waiting: HashMap<ConnectorId, Vec<Observation>>,
}

#[derive(Default)]
struct Memory {
    known: HashMap<ConnectorId, Evidence>,
    /// Moves with every notification.
    generation: u64,
}

impl EvidenceWriter {
    pub fn new(clock: &Clock, changes: &ChangeListener) -> EvidenceWriter {
        let memory: Arc<Mutex<Memory>> = Arc::default();
        let heard = Arc::clone(&memory);
        changes.subscribe(move |change| lock(&heard).hear(change));
        EvidenceWriter { clock: clock.clone(), memory, waiting: HashMap::new() }
    }

    /// Takes what calls show that have been logged.
    pub fn gather(&mut self, calls: &[Call]) {
        for call in calls {
            let Some(seen) = observation(call) else { continue };
            let run = self.waiting.entry(call.connector).or_default();
            if seen.outcome == ApiOutcome::Taken {
                run.clear();
            } else if run.len() >= LONGEST_RUN {
                run.remove(1);
            }
            run.push(seen);
        }
    }

    /// Writes what is news. What could not be written waits for the next time.
    pub async fn write(&mut self, db: &Db) -> Result<(), Error> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let waiting: Vec<ConnectorId> = self.waiting.keys().copied().collect();
        self.read_unknown(db, &waiting).await?;
        for id in waiting {
            let Some(seen) = self.waiting.get(&id) else { continue };
            if !lock(&self.memory).is_known(id, seen) {
                let generation = lock(&self.memory).generation;
                let written = add(&mut *db.get().await?, id, seen, self.clock.now()).await?;
                lock(&self.memory).remember(generation, written.map(|known| (id, known)));
            }
            self.waiting.remove(&id);
        }
        Ok(())
    }

    /// One statement for all connectors that are not remembered, instead of one for each.
    async fn read_unknown(&self, db: &Db, ids: &[ConnectorId]) -> Result<(), Error> {
        let (unknown, generation) = {
            let memory = lock(&self.memory);
            let unknown = ids.iter().filter(|id| !memory.known.contains_key(id)).copied();
            (unknown.collect::<Vec<_>>(), memory.generation)
        };
        if !unknown.is_empty() {
            let read = connectors::read_all_evidence(&mut *db.get().await?, &unknown).await?;
            lock(&self.memory).remember(generation, read);
        }
        Ok(())
    }
}

/// `None` of a connector that has been deleted meanwhile.
async fn add(
    conn: &mut Conn,
    id: ConnectorId,
    seen: &[Observation],
    now: DateTime<Utc>,
) -> Result<Option<Evidence>, Error> {
    match connectors::add_observations(conn, id, seen, now).await {
        Err(Error::NotFound) => Ok(None),
        added => added.map(Some),
    }
}

impl Memory {
    fn hear(&mut self, change: ChangeEvent) {
        match change {
            ChangeEvent::Evidence(id) => _ = self.known.remove(&id),
            ChangeEvent::Everything => self.known.clear(),
            ChangeEvent::Connector(_) | ChangeEvent::Keys => return,
        }
        self.generation += 1;
    }

    fn remember(&mut self, generation: u64, read: impl IntoIterator<Item = (ConnectorId, Evidence)>) {
        if generation != self.generation {
            return;
        }
        if self.known.len() >= MOST {
            self.known.clear();
        }
        self.known.extend(read);
    }

    /// Whether calls show nothing but what is stored.
    fn is_known(&mut self, id: ConnectorId, seen: &[Observation]) -> bool {
        let Some(known) = self.known.get_mut(&id) else { return false };
        let mut next = known.clone();
        seen.iter().for_each(|seen| next.add(seen));
        let is_known = !known.is_news(&next);
        if is_known {
            known.note_target(next);
        }
        is_known
    }
}

/// What a call shows; `None` if nothing.
fn observation(call: &Call) -> Option<Observation> {
    let shown = call.shown.as_ref()?;
    let has_head = call.status.is_some() && call.problem.is_empty();
    let taken = if has_head { call.queue + call.first_byte } else { call.total };
    let message = match call.status {
        Some(status) if has_head => ApiOutcome::status_message(status),
        _ => call.detail.clone(),
    };
    Some(Observation {
        outcome: shown.outcome,
        at: call.at + TimeDelta::from_std(taken).unwrap_or_default(),
        signed_at: shown.renewed_at.unwrap_or(call.at),
        is_fresh_token: shown.renewed_at.is_some(),
        target: format!("{} {}", call.method, call.target.as_str()),
        message: if shown.outcome == ApiOutcome::Taken { String::new() } else { message },
        server_words: shown.server_words.clone(),
    })
}

/// A panic elsewhere leaves the locked value consistent: each change to it is one step.
fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {

    use uuid::Uuid;

    use super::*;
    use crate::calls::{CallKind, CallSource, Caller, CallerKind, Shown, Target};

    fn call(connector: ConnectorId, outcome: ApiOutcome) -> Call {
        let caller = Caller { kind: CallerKind::Program, id: Uuid::nil(), name: "Billing".into(), api_key: None };
        let source = CallSource {
            id: Uuid::now_v7(),
            at: DateTime::UNIX_EPOCH,
            caller,
            address: String::new(),
            request_id: String::new(),
        };
        let request = ("GET", Target::new("https://api.example.org/v1/list"));
        let call = Call::new(source, CallKind::Proxy, (connector, &"Payroll".into()), request);
        Call { shown: Some(Shown::only(outcome)), status: Some(200), ..call }
    }

    fn writer() -> EvidenceWriter {
        EvidenceWriter::new(&Clock::still(), &ChangeListener::new("postgresql://127.0.0.1/none"))
    }

    #[test]
    fn of_a_batch_only_the_last_success_and_a_few_failures_wait() {
        let (id, mut writer) = (Uuid::now_v7(), writer());
        let calls: Vec<Call> = [ApiOutcome::Failed, ApiOutcome::Taken, ApiOutcome::Taken]
            .into_iter()
            .chain([ApiOutcome::Refused; 100])
            .map(|outcome| call(id, outcome))
            .collect();
        writer.gather(&calls);
        let waiting: Vec<ApiOutcome> = writer.waiting[&id].iter().map(|seen| seen.outcome).collect();
        assert_eq!(waiting.len(), LONGEST_RUN);
        assert_eq!((waiting[0], waiting[1]), (ApiOutcome::Taken, ApiOutcome::Refused));
    }

    #[test]
    fn what_is_remembered_is_outdated_by_a_notification() {
        let (id, other, memory) = (Uuid::now_v7(), Uuid::now_v7(), &mut Memory::default());
        let seen = [observation(&call(id, ApiOutcome::Taken)).expect("an observation")];
        let mut known = Evidence::default();
        known.add(&seen[0]);
        assert!(!memory.is_known(id, &seen), "nothing is known yet");
        memory.remember(0, [(id, known.clone()), (other, known.clone())]);
        assert!(memory.is_known(id, &seen));
        memory.hear(ChangeEvent::Connector(id));
        assert!(memory.is_known(id, &seen), "its settings say nothing of it");
        memory.hear(ChangeEvent::Evidence(id));
        assert!(!memory.is_known(id, &seen) && memory.is_known(other, &seen));
        memory.remember(0, [(id, known.clone())]);
        assert!(!memory.is_known(id, &seen), "it was read before the notification");
        memory.remember(1, [(id, known)]);
        memory.hear(ChangeEvent::Everything);
        assert!(!memory.is_known(id, &seen) && !memory.is_known(other, &seen));
    }

    #[test]
    fn a_call_that_changes_nothing_costs_no_statement() {
        let (id, mut writer) = (Uuid::now_v7(), writer());
        let calls: Vec<Call> = (0..1_000).map(|_| call(id, ApiOutcome::Taken)).collect();
        let mut known = Evidence::default();
        known.add(&observation(&calls[0]).expect("an observation"));
        lock(&writer.memory).remember(0, [(id, known)]);
        for batch in calls.chunks(500) {
            writer.gather(batch);
            assert!(lock(&writer.memory).is_known(id, &writer.waiting[&id]));
        }
    }
}
