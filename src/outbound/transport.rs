//! How a connector's requests travel: by which proxy, how encrypted, and whom they trust.

use std::fmt;

use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;

use super::pem::{self, PemProblem};
use super::proxy::Proxy;
use super::url::HttpUrl;
use crate::vault::Secret;

/// How the requests of one connector travel.
#[derive(Clone)]
pub struct Transport {
    /// Whether the server's certificate is checked. Off, anyone on the way can read and change
    /// everything, credentials included.
    pub verify: bool,
    /// The connector's own certificate authorities, and servers' certificates that are trusted as they are (PEM).
    pub ca_pem: Option<String>,
    /// Whether the machine's authorities are trusted besides those of `ca_pem`. Without those they always are.
    pub trusts_machine: bool,
    /// What this side shows to a server that asks for a client certificate (mutual TLS).
    pub identity: Option<Identity>,
    /// The proxy that requests go through, but to its exceptions.
    pub proxy: Option<Proxy>,
    /// Whether requests go to this program itself, for the connector of a collection: streamed ones connect to its own
    /// listener, whatever their URL, which must be below the public address and [`OWN_PATH`](super::policy::OWN_PATH).
    /// Only [`relay`](crate::relay) sets it.
    pub is_own: bool,
}

/// A client certificate with its key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, followed by those of its issuers (PEM).
    pub chain_pem: String,
    /// The private key of the first certificate (PEM, not encrypted).
    pub key_pem: Secret,
}

/// Which of the three PEM texts cannot be used, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{part} {problem}")]
pub struct TransportProblem {
    /// The text at fault.
    pub part: TransportPart,
    /// What is wrong with it, in words that complete its label.
    pub problem: PemProblem,
}

/// A PEM text of a [`Transport`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportPart {
    /// `ca_pem`.
    Ca,
    /// `identity.chain_pem`.
    ClientCertificate,
    /// `identity.key_pem`.
    ClientKey,
}

/// The certificates and the key of a [`Transport`].
pub(super) struct ParsedPem {
    pub(super) ca: Option<Vec<CertificateDer<'static>>>,
    pub(super) identity: Option<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)>,
}

/// Certificates are checked against the machine's authorities.
impl Default for Transport {
    fn default() -> Self {
        Self { verify: true, ca_pem: None, trusts_machine: false, identity: None, proxy: None, is_own: false }
    }
}

impl Transport {
    /// Finds what no request could use, so that a form can say it.
    pub fn check(&self) -> Result<(), TransportProblem> {
        self.parse().map(drop)
    }

    /// The same with its PEM texts in the form in which they are stored.
    pub fn normalized(self) -> Result<Self, TransportProblem> {
        let parsed = self.parse()?;
        Ok(Self {
            ca_pem: parsed.ca.map(|certificates| pem::certificates_text(&certificates)),
            identity: parsed.identity.map(|(chain, key)| Identity {
                chain_pem: pem::certificates_text(&chain),
                key_pem: pem::key_text(&key),
            }),
            ..self
        })
    }

    /// Its PEM texts as they are used.
    pub(super) fn parse(&self) -> Result<ParsedPem, TransportProblem> {
        let problem = |part| move |problem| TransportProblem { part, problem };
        let ca = self.ca_pem.as_deref().map(pem::certificates).transpose().map_err(problem(TransportPart::Ca))?;
        let Some(identity) = &self.identity else {
            return Ok(ParsedPem { ca, identity: None });
        };
        let chain = pem::certificates(&identity.chain_pem).map_err(problem(TransportPart::ClientCertificate))?;
        let key = pem::key(identity.key_pem.expose(), &chain).map_err(problem(TransportPart::ClientKey))?;
        Ok(ParsedPem { ca, identity: Some((chain, key)) })
    }

    /// The proxy of requests to this address.
    pub fn proxy_for(&self, target: &HttpUrl) -> Option<&Proxy> {
        self.proxy.as_ref().filter(|proxy| proxy.serves(target))
    }

    /// The secrets of the way that an answer may echo, for a [`Mask`](super::Mask).
    pub fn echoes(&self) -> Vec<Secret> {
        let sign_in = self.proxy.as_ref().and_then(|proxy| proxy.sign_in.as_ref());
        let pair = |(user, password): &(String, Secret)| {
            [password.clone(), Secret::new(format!("{user}:{}", password.expose()))]
        };
        sign_in.filter(|(_, password)| !password.is_empty()).map(pair).into_iter().flatten().collect()
    }

    /// Whether both connect in the same way: only then may they share a connection. Compared text by
    /// text, for that is cheaper than a hash of certificates and never mistaken.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let same_proxy = match (&self.proxy, &other.proxy) {
            (Some(proxy), Some(other)) => proxy.is_like(other),
            (None, None) => true,
            _ => false,
        };
        self.is_own == other.is_own && same_proxy && self.trusts_like(other)
    }

    /// Whether both encrypt in the same way, whatever their proxies.
    pub(super) fn trusts_like(&self, other: &Self) -> bool {
        let identities = [self, other].map(|transport| {
            let identity = transport.identity.as_ref();
            identity.map(|identity| (&identity.chain_pem, identity.key_pem.expose()))
        });
        let trusted = [self, other].map(|transport| (transport.verify, &transport.ca_pem, transport.trusts_machine));
        trusted[0] == trusted[1] && identities[0] == identities[1]
    }
}

impl fmt::Display for TransportPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ca => "CA certificate",
            Self::ClientCertificate => "Client certificate",
            Self::ClientKey => "Client key",
        })
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};

    use super::super::proxy::ProxyUrl;
    use super::super::url::UrlProblem;
    use super::*;

    fn pair() -> Result<(String, String), rcgen::Error> {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["api.example.org".to_owned()])?;
        Ok((cert.pem(), signing_key.serialize_pem()))
    }

    fn with(ca: Option<&str>, identity: Option<(&str, &str)>) -> Transport {
        Transport {
            ca_pem: ca.map(str::to_owned),
            identity: identity
                .map(|(chain, key)| Identity { chain_pem: chain.to_owned(), key_pem: Secret::new(key.to_owned()) }),
            ..Transport::default()
        }
    }

    #[test]
    fn the_pem_text_at_fault_is_named() -> Result<(), rcgen::Error> {
        use {PemProblem::*, TransportPart::*};
        let (cert, key) = pair()?;
        let (_, other_key) = pair()?;
        let garbled = cert.replacen("MII", "AAA", 1);
        let broken = "-----BEGIN CERTIFICATE-----\n%%%\n-----END CERTIFICATE-----\n";
        let no_key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let encrypted = key.replace(" PRIVATE", " ENCRYPTED PRIVATE");
        for (transport, part, problem) in [
            (with(Some(""), None), Ca, NoCertificate),
            (with(Some("hello"), None), Ca, NoCertificate),
            (with(Some(&garbled), None), Ca, BadCertificate),
            (with(Some(broken), None), Ca, NotBase64),
            (with(Some(&format!("{cert}{key}")), None), Ca, HoldsKey),
            (with(None, Some(("", &key))), ClientCertificate, NoCertificate),
            (with(None, Some((&key, &key))), ClientCertificate, HoldsKey),
            (with(None, Some((&cert, ""))), ClientKey, NoKey),
            (with(None, Some((&cert, &cert))), ClientKey, CertificateForKey),
            (with(None, Some((&cert, no_key))), ClientKey, BadKey),
            (with(None, Some((&cert, &encrypted))), ClientKey, EncryptedKey),
            (with(None, Some((&cert, &other_key))), ClientKey, OtherKey),
        ] {
            assert_eq!(transport.check(), Err(TransportProblem { part, problem }));
        }
        assert_eq!(with(Some(&cert), Some((&cert, &key))).check(), Ok(()));
        assert_eq!(Transport::default().check(), Ok(()));
        Ok(())
    }

    #[test]
    fn only_equal_settings_are_alike() -> Result<(), UrlProblem> {
        let through =
            |proxy| ProxyUrl::parse(proxy).map(|proxy| Transport { proxy: Some(proxy.into()), ..Transport::default() });
        let with_user = |user: &str| {
            let sign_in = Some((user.to_owned(), Secret::new("p".to_owned())));
            ProxyUrl::parse("http://a.example:3128")
                .map(|url| Transport { proxy: Some(Proxy { sign_in, ..url.into() }), ..Transport::default() })
        };
        let unverified = Transport { verify: false, ..Transport::default() };
        let all = [
            Transport::default(),
            unverified,
            with(Some(""), None),
            with(Some("ab"), None),
            with(None, Some(("ab", ""))),
            with(None, Some(("a", "b"))),
            with(None, Some(("", "ab"))),
            with(Some("a"), Some(("b", ""))),
            through("http://a.example:3128")?,
            through("https://a.example:3128")?,
            through("http://b.example:3128")?,
            through("socks5://a.example:3128")?,
            with_user("a")?,
            with_user("b")?,
            Transport { is_own: true, ..Transport::default() },
            Transport { trusts_machine: true, ..Transport::default() },
        ];
        for (at, one) in all.iter().enumerate() {
            for (other_at, other) in all.iter().enumerate() {
                assert_eq!(one.is_like(&other.clone()), at == other_at);
            }
        }
        assert!(all[0].trusts_like(&all[8]), "a proxy changes no certificate");
        assert!(!all[0].trusts_like(&all[1]));
        Ok(())
    }
}
