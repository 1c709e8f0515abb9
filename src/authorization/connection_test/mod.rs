//! Test connection: every step to the token server and to the API, with what to do where it ends.
//!
//! It tries the form as typed, with the stored secrets where they are kept. The form's own rules have been checked
//! before, so a kept secret goes nowhere that it was not entered for; a stored one goes to its approved origins only.
//! Nothing of the form is saved. If it is as stored, what the API answers counts for the connector's health like a call.

mod call;
mod observation;
mod report;
mod tester;

use chrono::{DateTime, Utc};

use super::credential::Credential;
use super::forms::{CheckedAuthorization, Fields};
use super::keeper::{Need, TokenKeeper, TokenProblem};
use super::oauth_client::ClientSecrets;
use super::origins::{ApprovedOrigins, ApprovedSecret, OriginNotApproved, SecretError};
use super::secret_field::SecretChange;
use super::settings::{OAuthClient, TokenUse};
use super::tab::Stored;
use crate::clock::Clock;
use crate::connectors::{ApiOutcome, Grant, Method, SecretField};
use crate::oauth::{self, ClientCheck, Token, TokenEndpoint, TokenError};
use crate::outbound::{HttpUrl, Limits, Mask, Outbound, Transport};
use crate::vault::{Secret, Vault};
use crate::web::{Error, PublicAddress};

pub(super) use report::{Mark, TestReport};
pub use tester::{ConnectionTester, TestOutcome, TestResult};

/// What a test works with.
pub(super) struct Tools<'a> {
    pub vault: &'a Vault,
    pub outbound: &'a Outbound,
    pub keeper: &'a TokenKeeper,
    pub clock: &'a Clock,
    /// Where people open Connectory, for the redirect URL.
    pub address: &'a PublicAddress,
}

/// A test of one form.
struct Test<'a> {
    tools: &'a Tools<'a>,
    stored: &'a Stored,
    checked: &'a CheckedAuthorization,
    /// How calls travel.
    transport: Transport,
    token_transport: Transport,
    limits: Limits,
    began: DateTime<Utc>,
}

/// The credential of the test's call.
struct TestCredential {
    credential: Credential,
    /// Where it may be sent; `None` for what was typed or issued just now, for this test.
    approved: Option<ApprovedOrigins>,
    /// The version of the stored token, if it is that.
    version: Option<i64>,
}

impl TestCredential {
    /// One that was typed or issued just now.
    fn new(credential: Credential) -> TestCredential {
        TestCredential { credential, approved: None, version: None }
    }

    /// Whether the credential may be sent to this address.
    fn check(&self, url: &HttpUrl, transport: &Transport) -> Result<(), OriginNotApproved> {
        self.approved.as_ref().map_or(Ok(()), |approved| approved.check(url, transport))
    }
}

/// Tests the checked form.
pub(super) async fn test(
    tools: &Tools<'_>,
    stored: &Stored,
    checked: &CheckedAuthorization,
) -> Result<TestReport, Error> {
    let secrets = stored.sealed.connection_secrets(tools.vault)?.changed(|field| checked.change(field));
    let all = checked.settings.transport(checked.verify, secrets);
    let transport = checked.settings.for_calls(all.clone());
    let token_transport = checked.settings.for_tokens(all);
    let limits = checked.settings.limits();
    let test = Test { tools, stored, checked, transport, token_transport, limits, began: tools.clock.now() };
    test.run().await
}

impl Test<'_> {
    async fn run(&self) -> Result<TestReport, Error> {
        let mut report = TestReport::default();
        let mut reached = true;
        if let Some(url) = self.token_url() {
            reached = self.test_connection(&mut report, ("Token server", &self.token_transport), &url).await;
        }
        let credential = if reached {
            self.credential(&mut report).await?
        } else {
            report.skip("Token", "The token server was not reached.");
            None
        };
        let Some(url) = self.stored.connector.base_url.as_ref() else {
            report.skip("API", "There is no base URL on the Details tab, so there is nothing to call.");
            return Ok(report);
        };
        if self.test_connection(&mut report, ("API", &self.transport), url).await {
            self.call(&mut report, url, credential).await?;
        } else {
            report.shows(self.observation(url, (ApiOutcome::NotReached, false), report.last_words()));
        }
        Ok(report)
    }

    /// Where tokens are asked for, if the method asks for any.
    fn token_url(&self) -> Option<HttpUrl> {
        match (&self.checked.oauth, self.checked.method) {
            (Some(client), _) => client.token_url.0.clone(),
            (None, Method::Login) => self.checked.settings.options.0.login.host(),
            (None, Method::Bearer) if self.keeps_token() => self.stored.authorization().token_url().cloned(),
            _ => None,
        }
    }

    /// Whether the stored token would still be there if the form were saved.
    fn keeps_token(&self) -> bool {
        self.checked.token.keeps() && self.stored.token.is_some()
    }

    /// The secret that the form would have if it were saved: typed, or stored where it is kept.
    fn secret(&self, field: SecretField) -> Result<Option<ApprovedSecret>, Error> {
        match self.checked.change(field) {
            SecretChange::Keep => self.stored.sealed.secret(self.tools.vault, field),
            SecretChange::Replace(secret) => Ok(Some(ApprovedSecret::typed(secret.clone()))),
            SecretChange::Remove => Ok(None),
        }
    }

    /// The steps to a server; false if it was not reached.
    async fn test_connection(
        &self,
        report: &mut TestReport,
        (who, transport): (&'static str, &Transport),
        url: &HttpUrl,
    ) -> bool {
        let (outbound, now) = (self.tools.outbound, self.tools.clock.now());
        let test = outbound.test_connection(transport, url, self.limits, now).await;
        report.connection(who, url, &test)
    }

    /// The credential of calls; `None` where there is nothing yet.
    async fn credential(&self, report: &mut TestReport) -> Result<Option<TestCredential>, Error> {
        let method = self.checked.method;
        let Some(field) = method.call_secret() else {
            return match method {
                Method::NoAuth => {
                    let kept = self.checked.change(SecretField::ClientKey).keeps();
                    let key = self.stored.sealed.origins_of(SecretField::ClientKey)?.filter(|_| kept);
                    Ok(Some(TestCredential { approved: key, ..TestCredential::new(Credential::None) }))
                }
                _ => self.token(report).await,
            };
        };
        let Some(secret) = self.secret(field)? else {
            report.fail("Sign-in", "The secret is not set.", "Enter it on this page.");
            return Ok(None);
        };
        // Without a base URL nothing is called.
        let Some(url) = self.stored.connector.base_url.as_ref() else {
            return Ok(None);
        };
        let secret = report.keep("Sign-in", secret.for_url(url, &self.transport))?;
        let credential = secret.and_then(|secret| self.checked.settings.credential(method, secret));
        Ok(credential.map(TestCredential::new))
    }

    /// The access token: the pasted one, the stored one kept fresh, or one that the grant gives just for this test.
    async fn token(&self, report: &mut TestReport) -> Result<Option<TestCredential>, Error> {
        if let SecretChange::Replace(access) = &self.checked.token {
            report.good("Token", "The access token typed in the form is used.");
            return Ok(Some(TestCredential::new(self.token_credential("Bearer", access.clone()))));
        }
        let kept = self.keeps_token();
        match (&self.checked.oauth, self.checked.method) {
            (Some(client), Method::OAuth(grant)) if !kept || self.is_other_request(client, grant) => {
                let tried = self.try_grant(report, client, grant).await?;
                if kept && grant == Grant::AuthorizationCode {
                    return self.live_token(report, Need::default()).await;
                }
                Ok(tried)
            }
            (None, Method::Login) if !kept || !self.checked.change(SecretField::LoginPassword).keeps() => {
                self.try_login(report).await
            }
            _ if kept => self.live_token(report, Need::default()).await,
            _ => {
                report.fail("Token", "There is no access token yet.", "Paste one, or press Get Access Token.");
                Ok(None)
            }
        }
    }

    /// Whether the form would make another request to the token server than the one from which the stored token came:
    /// then that token proves nothing about the form.
    fn is_other_request(&self, client: &OAuthClient, grant: Grant) -> bool {
        let method = self.checked.method;
        let other_secret = self
            .checked
            .secrets
            .iter()
            .any(|(field, change)| field.goes_to_token_server() && field.belongs_to(method) && !change.keeps());
        let checked = self.checked;
        let fields = |client| Fields::of(method, checked.verify, &checked.settings, client).only_of(grant);
        grant != Grant::Implicit && (other_secret || fields(client) != fields(&self.stored.oauth))
    }

    /// Whether a stored secret is used: what is issued for it goes no further than it may go itself.
    fn keeps_secrets(&self) -> bool {
        let mut secrets = self.checked.secrets.iter().filter(|(field, _)| field.goes_to_token_server());
        secrets.any(|(field, change)| change.keeps() && self.stored.sealed.has(*field))
    }

    /// The token as calls carry it.
    fn token_credential(&self, token_type: &str, access: Secret) -> Credential {
        let (token_type, placement) = (token_type.to_owned(), self.checked.settings.token_placement());
        Credential::Token { token_type, access, placement }
    }

    async fn live_token(&self, report: &mut TestReport, need: Need) -> Result<Option<TestCredential>, Error> {
        let connector = self.stored.connector.id;
        match self.tools.keeper.token(connector, need).await {
            Ok(token) => {
                let is_second = need.refused.is_some();
                report.live(&token, is_second, self.tools.clock.now());
                Ok(Some(TestCredential {
                    version: Some(token.version),
                    credential: self.token_credential(&token.token_type, token.access),
                    approved: Some(token.origins),
                }))
            }
            Err(TokenProblem::Fault(fault)) => Err(fault.shared()),
            Err(problem) => {
                report.no_token(problem, self.tools.clock.now());
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
    ) -> Result<Option<TestCredential>, Error> {
        let grant = match grant {
            Grant::Implicit => {
                report.skip(
                    "Token",
                    "No person has given consent yet. The implicit grant asks nothing of a token server: save, and press Authorize.",
                );
                return Ok(None);
            }
            Grant::Device => {
                report.skip("Token", "No person has given consent yet. Save, and press Authorize.");
                return Ok(None);
            }
            Grant::AuthorizationCode => {
                self.check_client(report, client).await?;
                return Ok(None);
            }
            Grant::ClientCredentials => Ok(oauth::Grant::ClientCredentials),
            Grant::JwtBearer => self.endpoint(client).map(|endpoint| client.bearer_grant(&endpoint)),
            Grant::Password => self.password_grant(client),
        };
        let request = grant.and_then(|grant| Ok((grant, self.endpoint(client)?)));
        let Some((grant, endpoint)) = report.keep("Token", request)? else {
            return Ok(None);
        };
        let (outbound, now) = (self.tools.outbound, self.tools.clock.now());
        let token = endpoint.request(outbound, &self.token_transport, self.limits, &grant, now).await;
        Ok(self.tried(report, token))
    }

    /// Sends the login request of the form.
    async fn try_login(&self, report: &mut TestReport) -> Result<Option<TestCredential>, Error> {
        let password = self.secret(SecretField::LoginPassword)?;
        let further = self.stored.sealed.further_secrets(self.tools.vault, false)?;
        let request = self.checked.settings.options.0.login.request(password, &further, &self.token_transport);
        let Some(Some(request)) = report.keep("Token", request)? else { return Ok(None) };
        let (outbound, now) = (self.tools.outbound, self.tools.clock.now());
        let token = request.send(outbound, &self.token_transport, self.limits, now).await;
        Ok(self.tried(report, token))
    }

    /// The credential of a token that was asked for just for this test.
    fn tried(&self, report: &mut TestReport, token: Result<Token, TokenError>) -> Option<TestCredential> {
        match token {
            Ok(token) => {
                report.good("Token", "The server gave an access token. It was not stored.");
                let credential = self.token_credential(&token.token_type, token.access);
                let approved = self.keeps_secrets().then(|| self.stored.origins.approved.clone());
                Some(TestCredential { credential, approved, version: None })
            }
            Err(refusal) => {
                report.fail_with_words("Token", &refusal);
                None
            }
        }
    }

    fn password_grant(&self, client: &OAuthClient) -> Result<oauth::Grant, SecretError> {
        let (password, url) = (self.secret(SecretField::OAuthPassword)?, client.token_url.as_ref());
        let (password, url) = password.zip(url).ok_or(Error::NotFound)?;
        Ok(oauth::Grant::Password {
            user: client.user_name.clone(),
            password: password.for_url(url, &self.token_transport)?,
        })
    }

    fn endpoint(&self, client: &OAuthClient) -> Result<TokenEndpoint, SecretError> {
        client.endpoint(&self.client_secrets()?, TokenUse::Obtain, &self.token_transport)
    }

    fn client_secrets(&self) -> Result<ClientSecrets, Error> {
        Ok(ClientSecrets {
            secret: self.secret(SecretField::ClientSecret)?,
            key: self.secret(SecretField::SigningKey)?,
            further: self.stored.sealed.further_secrets(self.tools.vault, false)?,
            next: None,
        })
    }

    /// A made-up code tells a wrong client from a right one (RFC 6749 section 5.2).
    async fn check_client(&self, report: &mut TestReport, client: &OAuthClient) -> Result<(), Error> {
        let proof = client.proof(&self.client_secrets()?);
        let Some(endpoint) = report.keep("Client", self.endpoint(client))? else {
            return Ok(());
        };
        let redirect = client.redirect.url(self.tools.address, &self.stored.connector.key);
        let (outbound, now) = (self.tools.outbound, self.tools.clock.now());
        let check = endpoint.check_client(outbound, &self.token_transport, self.limits, &redirect, now).await;
        match check {
            // It need not have looked at the id of a client that proves nothing.
            ClientCheck::Accepted if proof.is_none() => report.good(
                "Client",
                "The server refused a made-up code and nothing else, so it has no objection to the Client ID. Save, and press Authorize.",
            ),
            ClientCheck::Accepted if proof == Some(SecretField::SigningKey) => report.good(
                "Client",
                "The server knows Client ID and private key: it refused a made-up code and nothing else. Save, and press Authorize.",
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

    /// What an answer to this credential may echo.
    fn mask(&self, credential: &TestCredential) -> Mask {
        Mask::new(credential.credential.echoes().into_iter().chain(self.transport.echoes()).collect())
    }
}
