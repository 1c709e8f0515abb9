//! What went wrong in a TLS handshake, in words.

use rustls::{AlertDescription, CertificateError, Error};

use super::failure::{Layer, Problem};

/// Names the fault and its remedy. `target` is the host and port.
pub(super) fn problem(error: &Error, target: &str) -> Problem {
    let (message, remedy) = match error {
        Error::InvalidCertificate(fault) => certificate(fault, target),
        Error::AlertReceived(alert) => refused_by_server(*alert, target),
        Error::InvalidMessage(_) => (
            format!("{target} does not answer with TLS."),
            "Check the port, or enter the address with http:// if the server has no TLS.",
        ),
        Error::PeerIncompatible(_) => (
            format!("{target} and Connectory have no TLS version or cipher in common."),
            "Have TLS 1.2 or 1.3 turned on at the server.",
        ),
        _ => (format!("The TLS handshake with {target} failed."), "Check the server's TLS settings."),
    };
    Problem::new(Layer::Tls, message, remedy)
}

fn certificate(fault: &CertificateError, target: &str) -> (String, &'static str) {
    use CertificateError as C;
    match fault {
        C::Expired | C::ExpiredContext { .. } => {
            (format!("The certificate of {target} has expired."), "Have the server's certificate renewed.")
        }
        C::NotValidYet | C::NotValidYetContext { .. } => {
            (format!("The certificate of {target} is not valid yet."), "Check the clocks of both machines.")
        }
        C::NotValidForName | C::NotValidForNameContext { .. } => (
            format!("The certificate of {target} was issued for another host name."),
            "Enter the address with the name that the certificate was issued for.",
        ),
        C::Revoked => {
            (format!("The certificate of {target} has been revoked."), "Have the server's certificate replaced.")
        }
        // A self-signed certificate has no issuer that is known here, or, if it calls itself an
        // authority, may not stand for a server (which the verifier reports as `Other`). A bad
        // signature is that of an authority of the same name with another key.
        C::UnknownIssuer | C::BadSignature | C::Other(_) => (
            format!("The certificate of {target} is self-signed, or its issuer is not known here."),
            "If the server is the right one, add the certificate of its issuer to this connector \
             as CA certificate.",
        ),
        C::BadEncoding => {
            (format!("The certificate of {target} is damaged."), "Have the server's certificate replaced.")
        }
        _ => (format!("The certificate of {target} cannot be accepted."), "Have the server's certificate checked."),
    }
}

fn refused_by_server(alert: AlertDescription, target: &str) -> (String, &'static str) {
    use AlertDescription as A;
    match alert {
        A::CertificateRequired | A::NoCertificate => (
            format!("{target} asks for a client certificate."),
            "Add a client certificate and its key to this connector.",
        ),
        A::BadCertificate
        | A::UnsupportedCertificate
        | A::CertificateRevoked
        | A::CertificateExpired
        | A::CertificateUnknown
        | A::UnknownCA
        | A::AccessDenied => (
            format!("{target} does not accept this connector's client certificate."),
            "Check that the client certificate is valid and that the server trusts its issuer.",
        ),
        A::UnrecognisedName => {
            (format!("{target} does not know the host name that was asked for."), "Check the host name in the address.")
        }
        A::NoApplicationProtocol => (
            format!("{target} does not speak HTTP/1.1 there."),
            "Have HTTP/1.1 turned on at the server, beside HTTP/2.",
        ),
        A::ProtocolVersion | A::HandshakeFailure | A::InsufficientSecurity => (
            format!("{target} broke off the TLS handshake."),
            "Have TLS 1.2 or 1.3 turned on at the server. It may also ask for a client \
             certificate.",
        ),
        _ => (format!("{target} broke off the TLS connection."), "Check the server's TLS settings."),
    }
}
