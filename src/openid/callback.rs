//! Coming back from the provider: the state is checked and spent, and its answer becomes a session or a connection.
//!
//! Danger: the address holds a code. It is never logged, never shown, and never put into another address.

use actix_web::{HttpRequest, HttpResponse, web};

use super::SignIns;
use super::admission::{self, Admitted};
use super::claims::Claims;
use super::connection;
use super::id_token::IdTokenProblem;
use super::problem::{Problem, problem_page};
use super::provider::{Arrived, NoPerson, Provider};
use super::queries::{self, Attempt};
use crate::access::{Actor, SignInGuard};
use crate::audit::{Refusal, Refusals};
use crate::oauth::{ATTEMPT_LIFE, AnswerOutcome, AuthorizationAnswer};
use crate::vault::Secret;
use crate::web::{CsrfKey, Error, Layout, see_other};

/// What handlers of an answer need beside the request.
struct Tools<'a> {
    guard: &'a SignInGuard,
    sign_ins: &'a SignIns,
    provider: &'a Provider,
}

/// Takes the answer in the query.
pub async fn take(
    req: HttpRequest,
    layout: Layout,
    guard: web::Data<SignInGuard>,
    sign_ins: web::Data<SignIns>,
    refusals: web::Data<Refusals>,
) -> Result<HttpResponse, Error> {
    let provider = sign_ins.provider()?;
    let tools = Tools { guard: &guard, sign_ins: &sign_ins, provider };
    let answer = AuthorizationAnswer::from_query(req.query_string());
    let problem = match come_back(&req, &tools, answer).await? {
        Ok(response) => return Ok(response),
        Err(problem) => problem,
    };
    // Only of sign-ins that began here: looking at an address changes nothing.
    if !matches!(problem, Problem::Nothing | Problem::Unknown) {
        let refusal = Refusal {
            kind: "sign_in.refused",
            reason: &format!("{}: {}", provider.settings.name, problem.title()),
            subject: None,
        };
        let somebody = Actor::arriving(&req, None, "", "");
        let now = guard.clock.now();
        refusals.record(&guard.db, &somebody, now, refusal).await;
    }
    problem_page(&req, layout, provider, problem)
}

async fn come_back(
    req: &HttpRequest,
    tools: &Tools<'_>,
    answer: AuthorizationAnswer,
) -> Result<Result<HttpResponse, Problem>, Error> {
    let Some(state) = &answer.state else {
        let is_nothing = matches!(answer.outcome, AnswerOutcome::Nothing);
        return Ok(Err(if is_nothing { Problem::Nothing } else { Problem::Unknown }));
    };
    let attempt = match claim(req, tools, state).await? {
        Ok(attempt) => attempt,
        Err(problem) => return Ok(Err(problem)),
    };
    let claims = match person(tools, &attempt, answer).await? {
        Ok(claims) => claims,
        Err(problem) => return Ok(Err(problem)),
    };
    match attempt.user_id {
        Some(user) => connection::take(req, tools.guard, tools.provider, (user, &attempt), &claims).await,
        None => admit(req, tools, &attempt, &claims).await,
    }
}

/// Finds the attempt of this state and spends it.
async fn claim(req: &HttpRequest, tools: &Tools<'_>, state: &Secret) -> Result<Result<Attempt, Problem>, Error> {
    let mut conn = tools.guard.db.get().await?;
    let now = tools.guard.clock.now();
    let Some(attempt) = queries::find_attempt(&mut conn, state).await? else {
        return Ok(Err(Problem::Unknown));
    };
    if attempt.spent_at.is_some() {
        return Ok(Err(Problem::Repeated));
    }
    let visitor = CsrfKey::hash_of(req);
    if visitor.is_none_or(|visitor| visitor[..] != attempt.visitor_hash[..]) {
        return Ok(Err(Problem::Foreign));
    }
    if now - attempt.created_at > ATTEMPT_LIFE {
        return Ok(Err(Problem::Expired));
    }
    if !queries::spend_attempt(&mut conn, now, attempt.id).await? {
        return Ok(Err(Problem::Repeated));
    }
    Ok(Ok(attempt))
}

/// Who has come, by the provider's word. No connection is held while it is asked.
async fn person(
    tools: &Tools<'_>,
    attempt: &Attempt,
    answer: AuthorizationAnswer,
) -> Result<Result<Claims, Problem>, Error> {
    match tools.provider.is_from_here(answer.iss.as_deref()).await {
        Ok(true) => {}
        Ok(false) => return Ok(Err(Problem::Issuer)),
        Err(trouble) => return Ok(Err(Problem::Unavailable(trouble))),
    }
    let code = match answer.outcome {
        AnswerOutcome::Code(code) => code,
        AnswerOutcome::Refused { code, description } => {
            return Ok(Err(Problem::Denied { code, description }));
        }
        AnswerOutcome::Token(_) | AnswerOutcome::Nothing => return Ok(Err(Problem::Nothing)),
    };
    let (verifier, nonce) = attempt.secrets(&tools.sign_ins.vault)?;
    let arrived = Arrived { code, redirect_url: tools.sign_ins.redirect_url.clone(), verifier, nonce };
    Ok(match tools.provider.person(arrived).await {
        Ok(claims) if !claims.may_come_in(&tools.provider.settings) => Err(Problem::NotAllowed),
        Ok(claims) => Ok(claims),
        Err(NoPerson::Trouble(trouble)) => Err(Problem::Unavailable(trouble)),
        Err(NoPerson::Refused(refusal)) => Err(Problem::Refused(refusal)),
        Err(NoPerson::IdToken(IdTokenProblem::Clock)) => Err(Problem::Clock),
        Err(NoPerson::IdToken(problem)) => Err(Problem::Unbelievable(problem)),
    })
}

/// Begins the session.
async fn admit(
    req: &HttpRequest,
    tools: &Tools<'_>,
    attempt: &Attempt,
    claims: &Claims,
) -> Result<Result<HttpResponse, Problem>, Error> {
    let settings = &tools.provider.settings;
    Ok(match admission::admit(req, tools.guard, settings, claims).await? {
        Admitted::In => Ok(see_other(req, &attempt.next, None)),
        Admitted::Out(problem) => Err(problem),
    })
}
