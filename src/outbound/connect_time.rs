//! The time for a connection, how long one took, and how far its TLS handshake came: the clients have none of this for a
//! single request.

use std::cell::Cell;
use std::error::Error;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;
use tokio::time::{Instant, timeout_at};

use super::error::SendError;
use super::request::Limits;

tokio::task_local! {
    /// The connection that the current request may have to make. One that goes on in the background, because another
    /// was free before, has none.
    static CURRENT: Arc<Connecting>;
    /// Whether the server of the connection that is being made has shown its certificate.
    static SERVER_SEEN: Cell<bool>;
}

/// A TLS handshake that failed after the server had shown its certificate.
#[derive(Debug, Error)]
#[error("the handshake failed after the server's certificate")]
pub(super) struct AfterCertificate(#[source] Box<dyn Error + Send + Sync>);

/// Makes a connection and watches how far its handshake comes.
pub(super) async fn watched<T>(connect: impl Future<Output = T>) -> T {
    SERVER_SEEN.scope(Cell::new(false), connect).await
}

/// Notes that a handshake begins.
pub(super) fn handshake_begins() {
    _ = SERVER_SEEN.try_with(|seen| seen.set(false));
}

/// Notes that the server has shown its certificate.
pub(super) fn server_seen() {
    _ = SERVER_SEEN.try_with(|seen| seen.set(true));
}

/// Whether the server has not shown its certificate yet.
pub(super) fn is_early() -> bool {
    !SERVER_SEEN.try_with(Cell::get).unwrap_or(true)
}

/// What becomes of the connection of one request.
pub(super) struct Connecting {
    started: Instant,
    limits: Limits,
    state: Mutex<State>,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// A connection was there.
    NotNeeded,
    LookingUp,
    Connecting,
    /// It took so long.
    Done(Duration),
}

/// The time for the connection was over.
#[derive(Debug, Error)]
#[error("the time for the connection is over")]
pub(super) struct ConnectTimeOut;

impl Connecting {
    pub(super) fn new(started: Instant, limits: Limits) -> Arc<Self> {
        Arc::new(Self { started, limits, state: Mutex::new(State::NotNeeded) })
    }

    /// Runs a request that may make a connection.
    pub(super) async fn scope<T>(self: &Arc<Self>, request: impl Future<Output = T>) -> T {
        CURRENT.scope(Arc::clone(self), request).await
    }

    pub(super) fn state(&self) -> State {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

fn set(state: State) {
    // No request waits for a connection in the background.
    _ = CURRENT.try_with(|current| current.set(state));
}

/// Notes that a name is being looked up.
pub(super) async fn looking_up<T>(work: impl Future<Output = Result<T, SendError>>) -> Result<T, SendError> {
    set(State::LookingUp);
    let outcome = work.await;
    set(State::Connecting);
    outcome
}

/// Limits a connection of reqwest to the time that the current request has for it.
pub(super) async fn bounded<T>(
    connecting: impl Future<Output = Result<T, Box<dyn Error + Send + Sync>>>,
) -> Result<T, Box<dyn Error + Send + Sync>> {
    timed(async move |started: Instant, limits: Limits| {
        let made = timeout_at(started + limits.connecting(), connecting).await.map_err(|_| ConnectTimeOut)?;
        made.map_err(|error| if is_early() { error } else { AfterCertificate(error).into() })
    })
    .await
}

/// Makes a connection, told when the current request began and its limits, and notes how long it took.
pub(super) async fn timed<T, E>(connect: impl AsyncFnOnce(Instant, Limits) -> Result<T, E>) -> Result<T, E> {
    let begun = Instant::now();
    let current = CURRENT.try_with(|current| (current.started, current.limits));
    let (started, limits) = current.unwrap_or((begun, Limits::default()));
    set(State::Connecting);
    let made = watched(connect(started, limits)).await?;
    set(State::Done(begun.elapsed()));
    Ok(made)
}
