//! Test connection: every step of the way to the token server and to the API, with what to do where it ends.
//!
//! It tries the form as typed, with the stored secrets where they are kept. The form's own rules have been checked
//! before, so a kept secret goes nowhere that it was not entered for; a stored one goes to its approved origins only.
//! Nothing is saved.

mod report;
mod secrets;
mod sign_in;

use super::credential::Credential;
use super::forms::CheckedAuthorization;
use super::keeper::{Need, TokenKeeper, TokenProblem};
use super::oauth_client::{OAuthClient, TokenUse, stored as parsed};
use super::secret_field::SecretChange;
use super::tab::{Stored, redirect_url};
use super::transport::{transport_of_form, waiting_limits_of};
use crate::access::RequestContext;
use crate::connectors::{Grant, Method};
use crate::oauth::{self, ClientCheck, ExpiredSignals};
use crate::outbound::{HttpUrl, Limits, Outbound, Transport};
use crate::vault::Vault;
use crate::web::Error;

pub(super) use report::{Mark, TestReport};
use secrets::Secrets;
use sign_in::{SignIn, bearer};

/// What a test works with.
pub(super) struct Tools<'a> {
    pub vault: &'a Vault,
    pub outbound: &'a Outbound,
    pub keeper: &'a TokenKeeper,
}

/// A test of one form.
struct Test<'a> {
    context: &'a RequestContext,
    tools: &'a Tools<'a>,
    stored: &'a Stored,
    checked: &'a CheckedAuthorization,
    secrets: Secrets,
    transport: Transport,
    limits: Limits,
}

/// Tests the checked form.
pub(super) async fn test(
    context: &RequestContext,
    tools: &Tools<'_>,
    stored: &Stored,
    checked: &CheckedAuthorization,
) -> Result<TestReport, Error> {
    let mut secrets = Secrets::read(tools.vault, stored, checked)?;
    let transport = transport_of_form(checked, secrets.client_key.take())?;
    let test =
        Test { context, tools, stored, checked, secrets, transport, limits: waiting_limits_of(checked.time_out) };
    test.run().await
}

impl Test<'_> {
    async fn run(&self) -> Result<TestReport, Error> {
        let mut report = TestReport::default();
        let mut reached = true;
        if let Some(url) = self.token_url() {
            reached = self.probe(&mut report, "Token server", &url).await;
        }
        let sign_in = if reached {
            self.sign_in(&mut report).await?
        } else {
            report.skip("Token", "The token server was not reached.");
            None
        };
        let Some(url) = self.stored.connector.base_url.as_ref() else {
            report.skip("API", "There is no base URL on the Details tab, so there is nothing to call.");
            return Ok(report);
        };
        if self.probe(&mut report, "API", url).await {
            self.call(&mut report, url, sign_in).await?;
        }
        Ok(report)
    }

    /// Where tokens are asked for, if the method asks for any.
    fn token_url(&self) -> Option<HttpUrl> {
        let url = match (&self.checked.oauth, self.checked.method) {
            (Some(client), _) => &client.token_url,
            (None, Method::Bearer) if self.keeps_fresh() => &self.stored.authorization.token_url,
            _ => return None,
        };
        HttpUrl::parse(url).ok()
    }

    fn keeps_fresh(&self) -> bool {
        self.stored.authorization.keep_fresh && self.keeps_token()
    }

    /// Whether the stored token would still be there if the form were saved.
    fn keeps_token(&self) -> bool {
        matches!(self.checked.token, SecretChange::Keep) && self.stored.token.is_some()
    }

    /// The steps to a server; false if it was not reached.
    async fn probe(&self, report: &mut TestReport, who: &'static str, url: &HttpUrl) -> bool {
        let (outbound, now) = (self.tools.outbound, self.context.now());
        let probe = outbound.probe(&self.transport, url, self.limits, now).await;
        report.probe(who, url, &probe)
    }

    /// What calls are signed in with; `None` where there is nothing yet.
    async fn sign_in(&self, report: &mut TestReport) -> Result<Option<SignIn>, Error> {
        let checked = self.checked;
        let secret = match checked.method {
            Method::NoAuth => return Ok(Some(SignIn::typed(Credential::None))),
            Method::Bearer | Method::OAuth(_) => return self.token(report).await,
            Method::Basic => &self.secrets.password,
            Method::ApiKey => &self.secrets.api_key,
        };
        let Some(secret) = secret else {
            report.fail("Sign-in", "The secret is not set.", "Enter it on this page.");
            return Ok(None);
        };
        // Without a base URL nothing is called.
        let Some(url) = self.stored.connector.base_url.as_ref() else {
            return Ok(None);
        };
        let secret = match secret.for_url(url, &self.transport) {
            Ok(secret) => secret,
            Err(refused) => {
                report.fail_with_words("Sign-in", &refused.into());
                return Ok(None);
            }
        };
        Ok(Some(SignIn::fixed(checked, secret)))
    }

    /// The access token: the pasted one, the stored one kept fresh, or one that the grant gives just for this test.
    async fn token(&self, report: &mut TestReport) -> Result<Option<SignIn>, Error> {
        if let SecretChange::Replace(_) = self.checked.token {
            report.good("Token", "The access token typed in the form is used.");
            return Ok(self.secrets.token.clone().map(|access| bearer(access, None)));
        }
        let kept = self.keeps_token();
        match (&self.checked.oauth, self.checked.method) {
            (Some(client), Method::OAuth(grant)) if !kept || self.asks_otherwise(client, grant) => {
                let tried = self.try_grant(report, client, grant).await?;
                if kept && grant == Grant::AuthorizationCode {
                    return self.live_token(report, Need::default()).await;
                }
                Ok(tried)
            }
            _ if kept => self.live_token(report, Need::default()).await,
            _ => {
                report.fail("Token", "There is no access token yet.", "Paste one, or press Get Access Token.");
                Ok(None)
            }
        }
    }

    /// Whether the form would ask the token server in another way than the one in which the stored token came: then
    /// that token proves nothing about the form.
    fn asks_otherwise(&self, client: &OAuthClient, grant: Grant) -> bool {
        let method = self.checked.method;
        let other_secret = self.checked.secrets.iter().any(|(field, change)| {
            field.goes_to_token_server() && field.belongs_to(method) && !matches!(change, SecretChange::Keep)
        });
        let stored = self.stored.oauth.clone().only_of(grant);
        grant != Grant::Implicit && (other_secret || *client != stored)
    }

    /// Whether a stored secret is used: what is issued for it goes no further than it may go itself.
    fn keeps_secrets(&self) -> bool {
        self.checked.secrets.iter().any(|(field, change)| {
            field.goes_to_token_server() && matches!(change, SecretChange::Keep) && self.stored.form.has(*field)
        })
    }

    async fn live_token(&self, report: &mut TestReport, need: Need) -> Result<Option<SignIn>, Error> {
        let connector = self.stored.connector.id;
        match self.tools.keeper.token(connector, need).await {
            Ok(token) => {
                let is_second = need.refused.is_some();
                report.live(&token, is_second, self.context.now());
                let version = Some(token.version);
                Ok(Some(SignIn {
                    credential: Credential::Token { token_type: token.token_type, access: token.access },
                    approved: Some(token.origins),
                    version,
                }))
            }
            Err(TokenProblem::Fault(fault)) => Err(Error::internal(anyhow::anyhow!("{fault}"))),
            Err(problem) => {
                report.no_token(problem, self.context.now());
                Ok(None)
            }
        }
    }

    /// Asks the server as the grant does; without a person's consent, whether it knows the client.
    async fn try_grant(
        &self,
        report: &mut TestReport,
        client: &OAuthClient,
        grant: Grant,
    ) -> Result<Option<SignIn>, Error> {
        let asked = match grant {
            Grant::Implicit => {
                report.skip(
                    "Token",
                    "Nobody has agreed yet. The implicit grant asks nothing of a token server: save, and press Authorize.",
                );
                return Ok(None);
            }
            Grant::AuthorizationCode => {
                self.check_client(report, client).await?;
                return Ok(None);
            }
            Grant::ClientCredentials => oauth::Grant::ClientCredentials,
            Grant::Password => {
                let password = self.secrets.oauth_password.as_ref().ok_or(Error::NotFound)?;
                let url = parsed(HttpUrl::parse(&client.token_url))?;
                match password.for_url(&url, &self.transport) {
                    Ok(password) => oauth::Grant::Password { user: client.user_name.clone(), password },
                    Err(refused) => {
                        report.fail_with_words("Token", &refused.into());
                        return Ok(None);
                    }
                }
            }
        };
        let secret = self.secrets.client_secret.as_ref();
        let endpoint = match client.endpoint(secret, TokenUse::Obtain, &self.transport) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                report.fail_with_words("Token", &error.refusal()?);
                return Ok(None);
            }
        };
        let (outbound, now) = (self.tools.outbound, self.context.now());
        let answer = endpoint.request(outbound, &self.transport, self.limits, &asked, now).await;
        match answer {
            Ok(token) => {
                report.good("Token", "The server gave an access token. It was not stored.");
                Ok(Some(SignIn {
                    approved: self.keeps_secrets().then(|| self.stored.origins.approved.clone()),
                    ..bearer(token.access, Some(token.token_type))
                }))
            }
            Err(refusal) => {
                report.fail_with_words("Token", &refusal);
                Ok(None)
            }
        }
    }

    /// A made-up code tells a wrong client from a right one (RFC 6749 section 5.2).
    async fn check_client(&self, report: &mut TestReport, client: &OAuthClient) -> Result<(), Error> {
        let secret = self.secrets.client_secret.as_ref();
        let is_public = secret.is_none() || client.has_no_proof();
        let endpoint = match client.endpoint(secret, TokenUse::Obtain, &self.transport) {
            Ok(endpoint) => endpoint,
            Err(error) => {
                report.fail_with_words("Client", &error.refusal()?);
                return Ok(());
            }
        };
        let redirect = redirect_url(&self.context.address, &self.stored.connector.key);
        let (outbound, now) = (self.tools.outbound, self.context.now());
        let check = endpoint.check_client(outbound, &self.transport, self.limits, &redirect, now).await;
        match check {
            // It need not have looked at the id of a client that proves nothing.
            ClientCheck::Accepted if is_public => report.good(
                "Client",
                "The server refused a made-up code and nothing else, so it has no objection to the Client ID. Save, and press Authorize.",
            ),
            ClientCheck::Accepted => report.good(
                "Client",
                "The server knows Client ID and Client Secret: it refused a made-up code and nothing else. Save, and press Authorize.",
            ),
            ClientCheck::Refused(refusal) => report.fail_with_words("Client", &refusal),
            ClientCheck::Unclear(refusal) | ClientCheck::Unreachable(refusal) => {
                report.unclear("Client", &refusal);
            }
        }
        Ok(())
    }

    /// Calls the base URL as an endpoint would; a stored token that it refuses is replaced once.
    async fn call(&self, report: &mut TestReport, url: &HttpUrl, sign_in: Option<SignIn>) -> Result<(), Error> {
        let Some(sign_in) = sign_in else {
            report.skip("Base URL", "Not called, because there is nothing to sign in with.");
            return Ok(());
        };
        let checked = self.checked;
        let signals = ExpiredSignals::parse(&checked.expired_statuses, &checked.expired_body);
        let signals = parsed(signals)?;
        let limits = self.limits;
        let request = match sign_in.get(url, &self.transport) {
            Ok(request) => request,
            Err(refused) => {
                report.fail_with_words("Base URL", &refused.into());
                return Ok(());
            }
        };
        let mut reply = self.tools.outbound.send(&self.transport, request, limits).await;
        let ended = matches!(&reply, Ok(reply) if signals.matches(reply.status, &reply.body));
        if let Some(refused) = sign_in.version.filter(|_| ended) {
            let need = Need { refused: Some(refused), ..Need::default() };
            // A newer token may belong to settings that were saved meanwhile: it goes to its own origins only.
            if let Some(fresh) = self.live_token(report, need).await?
                && let Ok(request) = fresh.get(url, &self.transport)
            {
                reply = self.tools.outbound.send(&self.transport, request, limits).await;
            }
        }
        report.answer(&reply, &signals);
        Ok(())
    }
}
