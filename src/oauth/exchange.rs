//! One question to a token server and its answer: what all grants have in common.

use super::answer::Reading;
use super::refusal::Refusal;
use super::token::Token;
use crate::outbound::{Limits, Outbound, Request, Transport};

/// Sends a request that a grant has made and reads the token in its answer, within the limits for
/// token requests.
pub(super) async fn exchange(
    outbound: &Outbound,
    transport: &Transport,
    request: Request,
    reading: &Reading<'_>,
) -> Result<Token, Refusal> {
    // Some servers answer 406 to a demand for JSON alone and then send it all the same.
    let request = request.header("Accept", "application/json, */*;q=0.5");
    let reply = outbound.send(transport, request, Limits::default()).await?;
    reading.read(&reply)
}
