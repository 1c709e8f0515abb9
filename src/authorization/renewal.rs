//! Get Access Token, Renew and Try again: a new token now, for a person who waits for it.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};

use super::keeper::{TokenKeeper, TokenProblem};
use super::tab::{Notice, Stored, load, tab_page};
use crate::access::{RateLimit, RequestContext, Right};
use crate::web::{Error, Form, Segment};

/// Fetches a new token with what is stored. An answer without a token changes nothing and is shown.
pub async fn renew(
    context: RequestContext,
    keeper: web::Data<TokenKeeper>,
    rate_limit: web::Data<RateLimit>,
    Segment(key): Segment,
    Form(_): Form,
) -> Result<HttpResponse, Error> {
    // The connection goes back to the pool before the request: a slow server must not hold it.
    let stored = load(&context, &mut *context.conn().await?, &key, Right::Authorize).await?;
    if !stored.can_fetch() {
        return Err(Error::NotFound);
    }
    rate_limit.take(&context.actor.username).map_err(Error::TooMany)?;
    let back = format!("/connectors/{}/authorization", stored.connector.key);
    match keeper.renew_now(stored.connector.id, &context.actor).await {
        Ok(()) => {
            let first = stored.token.is_none();
            Ok(context.see_other(&back, if first { "The access token was stored" } else { "The token was renewed" }))
        }
        Err(TokenProblem::Changed) => {
            let why = "The data connector was changed meanwhile. The new token was not stored.";
            Ok(context.see_other_undone(&back, why))
        }
        Err(problem) => refused(context, &key, problem).await,
    }
}

/// The tab, as it is by now, with why there is no token.
async fn refused(context: RequestContext, key: &str, problem: TokenProblem) -> Result<HttpResponse, Error> {
    let stored: Stored = load(&context, &mut *context.conn().await?, key, Right::Authorize).await?;
    match problem {
        TokenProblem::Refused(refusal) => tab_page(context, stored, Notice::Refused(*refusal), StatusCode::OK),
        TokenProblem::Fault(fault) => Err(Error::internal(anyhow::anyhow!("{fault}"))),
        // A person's request runs into none of these unless the connector goes meanwhile.
        TokenProblem::Disabled
        | TokenProblem::NotAuthorized
        | TokenProblem::Ended
        | TokenProblem::RefusedYoung
        | TokenProblem::Changed
        | TokenProblem::Elsewhere
        | TokenProblem::Resting { .. } => Err(Error::NotFound),
    }
}
