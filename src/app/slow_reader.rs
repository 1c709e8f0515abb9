//! Clients that take nothing of their answer.

use std::any::Any;
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;

/// Has the kernel end a connection whose other end takes nothing of what is sent for this long (TCP_USER_TIMEOUT). That
/// ends the answer and gives back all that it holds: calls through a connector, a key's requests, connections to the
/// database. A client that reads, however slowly, or waits for events that do not come, stays connected.
pub(super) fn disconnect_after(connection: &dyn Any, patience: Duration) {
    if let Some(stream) = connection.downcast_ref::<TcpStream>() {
        let set = SockRef::from(stream).set_tcp_user_timeout(Some(patience));
        if let Err(error) = set {
            tracing::warn!(%error, "a slow reader cannot be ended");
        }
    }
}
