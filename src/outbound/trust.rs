//! Whom a connector trusts, as a TLS configuration.
//!
//! Rule: requests and "Test connection" are configured here and nowhere else, so that a test says
//! what a request will meet.
//!
//! Danger: [`Anyone`] accepts every certificate. It is given out in one place, for connectors whose
//! certificate checks are off.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::pem;
use super::transport::{BuildProblem, Transport, TransportPart};

/// What judges a server's certificate by the connector's settings.
pub(super) fn verifier(transport: &Transport) -> Result<Arc<dyn ServerCertVerifier>, BuildProblem> {
    let provider = provider();
    if !transport.verify {
        return Ok(Arc::new(Anyone(provider)));
    }
    let Some(ca) = &transport.ca_pem else {
        let machine = rustls_platform_verifier::Verifier::new(provider)?;
        return Ok(Arc::new(machine));
    };
    let mut roots = RootCertStore::empty();
    for authority in pem::certificates(ca).map_err(TransportPart::Ca.problem())? {
        roots.add(authority)?;
    }
    let own = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build();
    Ok(own.map_err(|error| Error::General(error.to_string()))?)
}

/// The configuration of connections whose servers `verifier` judges: TLS 1.2 or 1.3, the connector's
/// client certificate, and HTTP/1.1 alone (RFC 7301). One exchange at a time has a connection to
/// itself here, every API speaks 1.1, and HTTP/2 would bring a second set of rules for framing,
/// cancelling and flow control, and nothing else.
pub(super) fn config(
    transport: &Transport,
    verifier: Arc<dyn ServerCertVerifier>,
) -> Result<ClientConfig, BuildProblem> {
    transport.check()?;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match &transport.identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let chain = pem::certificates(&identity.chain_pem).map_err(TransportPart::ClientCertificate.problem())?;
            let key = pem::key(identity.key_pem.expose()).map_err(TransportPart::ClientKey.problem())?;
            config.with_client_auth_cert(chain, key)?
        }
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Trusts whoever answers: what a person asked for by turning certificate checks off.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
