//! Why a TLS handshake failed, in sentences with a remedy.
//!
//! Rule: what the TLS library cannot do is said as such, and not as a fault of the server or its certificate.

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use super::chain_problem::{ChainProblem, SHORTEST_RSA, Unsupported};
use super::error::{SendError, Stage};

/// A message and its remedy.
type Words = (String, String);

const REPLACED: &str = "Have the server's certificate replaced.";
const SETTINGS: &str = "Check the server's TLS settings.";
const VERSION: &str = "Have TLS 1.2 or 1.3 turned on at the server.";
const CIPHERS: &str = "Have cipher suites with ECDHE turned on at the server, such as \
     ECDHE-RSA-AES128-GCM-SHA256. Connectory has no older ones: no key exchange by RSA or DHE, no CBC.";

/// DER of the object identifiers of signatures that are not safe any more, and their names.
const OLD_SIGNATURES: [(&[u8], &str); 3] = [
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x05], "SHA-1"),
    (&[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01], "SHA-1"),
    (&[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x04], "MD5"),
];

/// Names the fault and its remedy. `target` is the host and port; `is_early` whether the server had not shown its
/// certificate yet.
pub(super) fn tls_problem(error: &Error, target: &str, is_early: bool) -> SendError {
    let (message, remedy) = match error {
        Error::InvalidCertificate(fault) => certificate(fault, target),
        Error::AlertReceived(alert) => refused_by_server(*alert, target, is_early),
        Error::InvalidMessage(_) => words(
            format!("{target} does not answer with TLS."),
            "Check the port, or enter the address with http:// if the server has no TLS.",
        ),
        Error::PeerIncompatible(problem) => incompatible(problem, target),
        Error::PeerMisbehaved(_) | Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            words(format!("{target} does not keep to the rules of TLS."), "Have the server's TLS software updated.")
        }
        Error::NoCertificatesPresented => words(format!("{target} shows no certificate."), SETTINGS),
        Error::DecryptError | Error::PeerSentOversizedRecord => words(
            format!("What {target} sent was damaged on the way."),
            "Check whether a firewall or proxy between changes encrypted connections.",
        ),
        _ => words(format!("The TLS handshake with {target} failed."), SETTINGS),
    };
    SendError::new(Stage::Tls, message, remedy)
}

fn words(message: String, remedy: &str) -> Words {
    (message, remedy.to_owned())
}

fn incompatible(problem: &PeerIncompatible, target: &str) -> Words {
    use PeerIncompatible as P;
    match problem {
        P::ServerDoesNotSupportTls12Or13
        | P::ServerTlsVersionIsDisabledByOurConfig
        | P::Tls12NotOffered
        | P::Tls12NotOfferedOrEnabled
        | P::SupportedVersionsExtensionRequired => {
            words(format!("{target} offers no TLS 1.2 or 1.3, only older versions."), VERSION)
        }
        P::NoCipherSuitesInCommon
        | P::NoKxGroupsInCommon
        | P::NamedGroupsExtensionRequired
        | P::KeyShareExtensionRequired => no_cipher(target),
        P::NoSignatureSchemesInCommon | P::NoCertificateRequestSignatureSchemesInCommon => words(
            format!("{target} takes no signature of the kind of key that the client certificate has."),
            "Use a client certificate with an RSA key of 2,048 bits or more, or an ECDSA key of P-256.",
        ),
        _ => words(format!("{target} and Connectory have no way of TLS in common ({problem:?})."), SETTINGS),
    }
}

fn no_cipher(target: &str) -> Words {
    words(format!("{target} and Connectory have no cipher suite in common."), CIPHERS)
}

fn certificate(fault: &CertificateError, target: &str) -> Words {
    use CertificateError as C;
    match fault {
        C::Expired | C::ExpiredContext { .. } => {
            words(format!("The certificate of {target} has expired."), "Have the server's certificate renewed.")
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            words(format!("The certificate of {target} is not valid yet."), "Check the clocks of both machines.")
        }
        C::NotValidForNameContext { presented, .. } if presented.is_empty() => words(
            format!("The certificate of {target} names no host (it has no subject alternative name)."),
            "Have it issued again with the host name, or, if the server is the right one and its common name is \
             the host, add this certificate itself to this connector as CA certificate.",
        ),
        C::NotValidForName | C::NotValidForNameContext { .. } => words(
            format!("The certificate of {target} was issued for another host name."),
            "Enter the address with the name that the certificate was issued for.",
        ),
        C::Revoked => words(format!("The certificate of {target} has been revoked."), REPLACED),
        // A bad signature is that of an authority of the same name with another key.
        C::UnknownIssuer | C::BadSignature => words(
            format!("The certificate of {target} is self-signed, or its issuer is not known here."),
            "If the server is the right one, add the certificate of its issuer, or the server's own, to this \
             connector as CA certificate.",
        ),
        C::BadEncoding => words(format!("The certificate of {target} is damaged."), REPLACED),
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => words(
            format!("The certificate of {target}, or of one of its issuers, was not issued for servers."),
            "Have it issued with the extended key usage serverAuth.",
        ),
        C::UnsupportedSignatureAlgorithmContext { signature_algorithm_id, .. }
        | C::UnsupportedSignatureAlgorithmForPublicKeyContext { signature_algorithm_id, .. } => {
            old_signature(signature_algorithm_id, target)
        }
        C::Other(other) => match (other.0.downcast_ref::<ChainProblem>(), other.0.downcast_ref::<webpki::Error>()) {
            (Some(problem), _) => unsupported(problem, target),
            (_, Some(error)) => by_webpki(error, target),
            _ => not_accepted(target),
        },
        _ => not_accepted(target),
    }
}

fn not_accepted(target: &str) -> Words {
    words(format!("The certificate of {target} cannot be accepted."), "Have the server's certificate checked.")
}

fn old_signature(algorithm: &[u8], target: &str) -> Words {
    let has = |oid: &[u8]| algorithm.windows(oid.len()).any(|part| part == oid);
    match OLD_SIGNATURES.into_iter().find(|(oid, _)| has(oid)) {
        Some((_, name)) => words(
            format!("The certificate of {target}, or of one of its issuers, is signed with {name}, which is not safe."),
            "Have it issued again with SHA-256. If the server is the right one, its own certificate can also be \
             added to this connector as CA certificate.",
        ),
        None => words(
            format!(
                "The certificate of {target}, or of one of its issuers, has a kind of signature that Connectory cannot check."
            ),
            "Have it issued with an RSA, ECDSA (P-256, P-384, P-521) or Ed25519 key, and SHA-256 or better.",
        ),
    }
}

fn unsupported(problem: &ChainProblem, target: &str) -> Words {
    let whose = match &problem.issuer {
        None => format!("The certificate of {target}"),
        Some(name) => format!("The certificate of “{name}”, an issuer of {target},"),
    };
    match (&problem.what, &problem.issuer) {
        (Unsupported::Extension(name), issuer) => (
            format!("{whose} has the extension “{name}” marked as critical, which Connectory cannot evaluate."),
            match issuer {
                None => "Have it issued again without marking this extension as critical.",
                Some(_) => {
                    "If this issuer is the right one, add its certificate to this connector as CA certificate: \
                     then nothing above it is needed."
                }
            }
            .to_owned(),
        ),
        (Unsupported::ShortKey(bits), _) => (
            format!("{whose} has an RSA key of {bits} bits, which is not safe."),
            format!("Have it replaced by one with {SHORTEST_RSA} bits or more."),
        ),
    }
}

/// What rustls passes on without words of its own.
fn by_webpki(error: &webpki::Error, target: &str) -> Words {
    use webpki::Error as W;
    match error {
        W::CaUsedAsEndEntity => words(
            format!("The certificate of {target} calls itself the certificate of an authority."),
            "If the server is the right one, add this certificate itself to this connector as CA certificate: \
             then it is accepted as it is.",
        ),
        W::EndEntityUsedAsCa => words(
            format!("The issuer of the certificate of {target} is no authority."),
            "If the server is the right one, add the server's own certificate to this connector as CA certificate.",
        ),
        W::UnsupportedCertVersion => words(
            format!(
                "The certificate of {target}, or of one of its issuers, is of version 1 of X.509, which Connectory cannot check."
            ),
            "Have it replaced by one of version 3.",
        ),
        W::UnsupportedCriticalExtension => words(
            format!("The certificate of {target} has a critical extension that Connectory cannot evaluate."),
            "Have it issued again without it.",
        ),
        W::NameConstraintViolation => words(
            format!("An issuer of the certificate of {target} may not issue certificates for this host."),
            "Have it issued by another authority, or check the name constraints of this one.",
        ),
        W::PathLenConstraintViolated | W::MaximumPathDepthExceeded => words(
            format!("There are more issuers between {target} and the authority than are allowed."),
            "Add the certificate of the nearest issuer to this connector as CA certificate.",
        ),
        W::MaximumSignatureChecksExceeded
        | W::MaximumPathBuildCallsExceeded
        | W::MaximumNameConstraintComparisonsExceeded => words(
            format!("The chain of certificates of {target} is too complex to be checked."),
            "Have the server send its own certificate and those of its issuers only.",
        ),
        W::EmptyEkuExtension | W::SignatureAlgorithmMismatch | W::InvalidCertValidity | W::InvalidSerialNumber => {
            words(format!("The certificate of {target} contradicts itself."), REPLACED)
        }
        W::MalformedExtensions | W::MalformedDnsIdentifier | W::MalformedNameConstraint | W::ExtensionValueInvalid => {
            words(format!("The certificate of {target} is damaged."), REPLACED)
        }
        _ => not_accepted(target),
    }
}

fn refused_by_server(alert: AlertDescription, target: &str, is_early: bool) -> Words {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired | A::NoCertificate => words(
            format!("{target} asks for a client certificate."),
            "Add a client certificate and its key to this connector.",
        ),
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied => words(
            format!("{target} does not accept this connector's client certificate."),
            "Check that the client certificate is valid and that the server trusts its issuer.",
        ),
        A::UnrecognisedName => words(
            format!("{target} does not know the host name that was asked for."),
            "Check the host name in the address.",
        ),
        A::NoApplicationProtocol => words(
            format!("{target} speaks neither HTTP/1.1 nor HTTP/2 there."),
            "Have HTTP/1.1 or HTTP/2 turned on at the server.",
        ),
        A::ProtocolVersion => words(format!("{target} offers no TLS 1.2 or 1.3, only older versions."), VERSION),
        A::InsufficientSecurity => no_cipher(target),
        // The server has read nothing but what this side offers.
        A::HandshakeFailure if is_early => no_cipher(target),
        A::HandshakeFailure => words(
            format!("{target} broke off the TLS handshake after it had shown its certificate."),
            "It may ask for a client certificate, or not accept the one of this connector.",
        ),
        A::InternalError => words(
            format!("{target} broke off the TLS connection with an error of its own."),
            "Look at the server's log; it may have no certificate for this host name.",
        ),
        _ => words(format!("{target} broke off the TLS connection."), SETTINGS),
    }
}
