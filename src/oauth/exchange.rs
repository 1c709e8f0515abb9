//! One question to a server and its answer: what all requests have in common.

use super::refusal::Refusal;
use crate::outbound::{Limits, Outbound, Reply, RequestBuilder, Transport};

/// Sends a request and brings its answer, whatever its status.
pub(super) async fn exchange(
    outbound: &Outbound,
    transport: &Transport,
    limits: Limits,
    request: RequestBuilder,
) -> Result<Reply, Refusal> {
    // Some servers answer 406 to a demand for JSON alone and then send it all the same.
    let request = request.header("Accept", "application/json, */*;q=0.5");
    Ok(outbound.send(transport, request, limits).await?)
}
