//! The call of a test: to the base URL, with the credential that calls have.

use std::time::Instant;

use super::{Test, TestCredential, TestReport};
use crate::authorization::credential::{Credential, signed_get};
use crate::authorization::keeper::Need;
use crate::authorization::signing::SignerMemory;
use crate::outbound::{HttpUrl, SendError, http};
use crate::web::Error;

impl Test<'_> {
    /// Calls the base URL as an endpoint would; a stored token that it refuses is replaced once.
    pub(super) async fn call(
        &self,
        report: &mut TestReport,
        url: &HttpUrl,
        credential: Option<TestCredential>,
    ) -> Result<(), Error> {
        let Some(credential) = credential else {
            report.skip("Base URL", "Not called, because there is nothing to sign in with.");
            return Ok(());
        };
        let signals = self.checked.settings.signals();
        let (mut version, mut mask) = (credential.version, self.mask(&credential));
        if report.keep("Base URL", credential.check(url, &self.transport))?.is_none() {
            return Ok(());
        }
        let Some(further) = self.further(report, url)? else { return Ok(()) };
        let started = Instant::now();
        let mut response = self.get(url, &credential, &further).await;
        let mut elapsed = started.elapsed();
        let is_refused =
            |response: &http::Response<Vec<u8>>| signals.matches(response.status().as_u16(), response.body());
        let ended = response.as_ref().is_ok_and(is_refused);
        if let Some(refused) = credential.version.filter(|_| ended) {
            let need = Need { refused: Some(refused), ..Need::default() };
            // A newer token may belong to settings that were saved meanwhile: it goes to its own origins only.
            if let Some(fresh) = self.live_token(report, need).await?
                && fresh.check(url, &self.transport).is_ok()
            {
                (version, mask) = (fresh.version, self.mask(&fresh));
                let started = Instant::now();
                response = self.get(url, &fresh, &further).await;
                elapsed = started.elapsed();
            }
        }
        report.answer(&response, elapsed, &signals, self.checked.method);
        // What was issued for this test alone says nothing of a token that is stored.
        if credential.version.is_some() || !self.checked.method.has_tokens() {
            self.observe(report, url, &response, (version != credential.version, &mask));
        }
        Ok(())
    }

    /// The further credentials that calls carry; `None` if one may not be sent there.
    fn further(&self, report: &mut TestReport, url: &HttpUrl) -> Result<Option<Vec<Credential>>, Error> {
        let mut credentials = Vec::new();
        for (name, secret) in self.stored.sealed.further_secrets(self.tools.vault, true)? {
            let Some(secret) = report.keep("Base URL", secret.for_url(url, &self.transport))? else { return Ok(None) };
            credentials.extend(name.credential(secret));
        }
        Ok(Some(credentials))
    }

    async fn get(
        &self,
        url: &HttpUrl,
        credential: &TestCredential,
        further: &[Credential],
    ) -> Result<http::Response<Vec<u8>>, SendError> {
        let credentials: Vec<&Credential> = further.iter().chain([&credential.credential]).collect();
        let (memory, mut answered) = (SignerMemory::default(), 0);
        loop {
            let request = signed_get(url, &credentials, (&memory, self.tools.clock.now()))?;
            let response = self.tools.outbound.fetch(&self.transport, request, self.limits).await?;
            let signer = credential.credential.signer();
            let head = (response.status(), response.headers());
            if !signer.is_some_and(|signer| signer.is_challenged(url, head, &memory, answered)) {
                return Ok(response);
            }
            answered += 1;
        }
    }
}
