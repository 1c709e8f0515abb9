//! Whether the stored settings of a connector's authorization can be read: asked where they are loaded, so that nothing
//! works with a part of them.

use std::str::FromStr;

use super::model::{ApiKeyPlace, Authorization};
use super::oauth_client::OAuthClient;
use crate::connectors::ConnectorId;
use crate::db::{StoredValueError, all_known};
use crate::oauth::{
    BodyFormat, ClientAuthentication, ExpiredSignals, Parameters, RequestStyle, ScopeSeparator, TokenLocation,
    parse_resources,
};
use crate::outbound::HttpUrl;

impl Authorization {
    /// The settings, if all of them can be read.
    pub fn readable(self, connector: ConnectorId) -> Result<Authorization, StoredValueError> {
        let signals = ExpiredSignals::parse(&self.expired_statuses, &self.expired_body);
        all_known(
            connector,
            &[
                ("authorizations.api_key_place", ApiKeyPlace::parse(&self.api_key_place).is_some()),
                ("authorizations.token_url", is_url(&self.token_url)),
                ("authorizations.token_request_style", reads::<RequestStyle>(&self.token_request_style)),
                ("authorizations.token_pointer", reads::<TokenLocation>(&self.token_pointer)),
                ("authorizations.proxy_url", is_url(&self.proxy_url)),
                ("authorizations.time_out", is_positive(self.time_out)),
                ("authorizations.concurrency", is_positive(self.concurrency)),
                ("authorizations.expired_statuses or expired_body", signals.is_ok()),
            ],
        )?;
        Ok(self)
    }
}

impl OAuthClient {
    /// The settings, if all of them can be read.
    pub fn readable(self, connector: ConnectorId) -> Result<OAuthClient, StoredValueError> {
        all_known(
            connector,
            &[
                ("oauth_clients.authorize_url", is_url(&self.authorize_url)),
                ("oauth_clients.token_url", is_url(&self.token_url)),
                ("oauth_clients.refresh_url", is_url(&self.refresh_url)),
                ("oauth_clients.revocation_url", is_url(&self.revocation_url)),
                ("oauth_clients.authentication", reads::<ClientAuthentication>(&self.authentication)),
                ("oauth_clients.scope_separator", reads::<ScopeSeparator>(&self.scope_separator)),
                ("oauth_clients.body_format", reads::<BodyFormat>(&self.body_format)),
                ("oauth_clients.resources", parse_resources(&self.resources).is_ok()),
                ("oauth_clients.authorize_parameters", reads::<Parameters>(&self.authorize_parameters)),
                ("oauth_clients.token_parameters", reads::<Parameters>(&self.token_parameters)),
                ("oauth_clients.refresh_parameters", reads::<Parameters>(&self.refresh_parameters)),
                ("oauth_clients.lifetime", is_positive(self.lifetime)),
            ],
        )?;
        Ok(self)
    }
}

fn reads<T: FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}

/// An address, or none.
fn is_url(text: &str) -> bool {
    text.is_empty() || HttpUrl::parse(text).is_ok()
}

/// A number of at least 1, or none.
fn is_positive(number: Option<i32>) -> bool {
    number.is_none_or(|number| number > 0)
}
