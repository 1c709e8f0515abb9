//! AWS Signature Version 4, by AWS's own crate. What differs from service to service is here: S3 and what speaks like it
//! encodes a path once, all others twice (“Create a canonical request”, AWS General Reference).

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4::SigningParams;
use chrono::{DateTime, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use super::unsignable;
use crate::outbound::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use crate::outbound::http::{HeaderMap, Uri};
use crate::outbound::{Body, HttpUrl, Request, SendError};
use crate::vault::Secret;

/// The headers that a signature brings with it.
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const BODY_HASH: HeaderName = HeaderName::from_static("x-amz-content-sha256");

/// The names under which S3 signs, each with its variants for access points and the like.
const S3: [&str; 4] = ["s3", "s3express", "s3-object-lambda", "s3-outposts"];

/// All but what a path of S3 keeps unencoded: slashes, and what RFC 3986 section 2.3 calls unreserved.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An access key and what it signs for.
#[derive(Clone)]
pub struct AwsSigner {
    key_id: String,
    secret: Secret,
    region: String,
    service: String,
}

impl AwsSigner {
    /// A signer for a service in a region, by the names that AWS has for them, such as `s3` and `eu-central-1`.
    pub fn new(key_id: &str, secret: Secret, region: &str, service: &str) -> AwsSigner {
        AwsSigner { key_id: key_id.into(), secret, region: region.into(), service: service.into() }
    }

    pub(super) fn secret(&self) -> &Secret {
        &self.secret
    }

    fn is_s3(&self) -> bool {
        S3.contains(&self.service.as_str())
    }

    /// Whether a body may go unsigned. Only S3 takes that, and only TLS protects it then.
    pub(super) fn may_stream(&self, url: &HttpUrl) -> bool {
        self.is_s3() && url.origin().is_https()
    }

    /// Signs host, media type and all headers of AWS. No other header: a proxy may change it on the way. A session token
    /// is one of them, as a further secret header.
    pub(super) fn sign(&self, request: &mut Request, now: DateTime<Utc>) -> Result<(), SendError> {
        self.sign_by(request, now, self.settings())
    }

    fn sign_by(&self, request: &mut Request, now: DateTime<Utc>, settings: SigningSettings) -> Result<(), SendError> {
        if self.is_s3() {
            encode_path(request)?;
        }
        for name in [AUTHORIZATION, DATE, BODY_HASH] {
            request.headers_mut().remove(name);
        }
        let body = match request.body() {
            Body::Empty => SignableBody::Bytes(&[]),
            Body::Whole(bytes) => SignableBody::Bytes(bytes),
            Body::Stream(_) if self.is_s3() && request.uri().scheme_str() == Some("https") => {
                SignableBody::UnsignedPayload
            }
            Body::Stream(_) => {
                return Err(unsignable(
                    "A body of unknown content cannot be signed.",
                    "Send a body of up to 10 MiB, or one to S3 over https.",
                ));
            }
        };
        let uri = request.uri().to_string();
        let headers = signed_headers(request.headers());
        let signable = SignableRequest::new(request.method().as_str(), uri.as_str(), headers, body);
        let identity = Credentials::new(&self.key_id, self.secret.expose(), None, None, "connectory").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(&self.service)
            .time(now.into())
            .settings(settings)
            .build()
            .map_err(|_| cannot_sign())?
            .into();
        let signed = sign(signable.map_err(|_| cannot_sign())?, &params).map_err(|_| cannot_sign())?;
        signed.into_parts().0.apply_to_request_http1x(request);
        Ok(())
    }

    fn settings(&self) -> SigningSettings {
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        if self.is_s3() {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        settings
    }
}

fn signed_headers(headers: &HeaderMap) -> impl Iterator<Item = (&str, &str)> {
    let is_signed = |name: &HeaderName| *name == CONTENT_TYPE || name.as_str().starts_with("x-amz-");
    let signed = headers.iter().filter(move |(name, _)| is_signed(name));
    signed.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
}

/// Writes the path as S3 does before it compares signatures: everything encoded but letters, digits and `-._~/`. It is the
/// same path: S3 decodes it first, slashes too.
fn encode_path(request: &mut Request) -> Result<(), SendError> {
    let path = request.uri().path();
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    let mut target = percent_encode(&decoded, ENCODED).to_string();
    if target == path {
        return Ok(());
    }
    if let Some(query) = request.uri().query() {
        target.push('?');
        target.push_str(query);
    }
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = Some(target.parse().map_err(|_| cannot_sign())?);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| cannot_sign())?;
    Ok(())
}

fn cannot_sign() -> SendError {
    unsignable(
        "The request cannot be signed.",
        "Check the names and values of its headers, and the access key, region and service on the Authorization tab.",
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::outbound::Bytes;
    use crate::outbound::http::HeaderValue;

    /// From the suite “aws-sig-v4-test-suite” that AWS publishes, as the crate aws-sigv4 has it: what has no headers but
    /// those of AWS. Path and query are such as requests carry.
    const VECTORS: &str = include_str!("vectors.json");

    #[derive(Deserialize)]
    struct Vector {
        name: String,
        method: String,
        target: String,
        token: String,
        signature: String,
    }

    fn request(method: &str, url: &str, body: Body) -> Request {
        let mut request = Request::new(body);
        *request.method_mut() = method.parse().expect("a method");
        *request.uri_mut() = url.parse().expect("an address");
        request
    }

    fn at(time: &str) -> DateTime<Utc> {
        time.parse().expect("a time")
    }

    fn header<'a>(request: &'a Request, name: &str) -> &'a str {
        request.headers().get(name).map_or("", |value| value.to_str().expect("text"))
    }

    #[test]
    fn the_published_vectors_have_the_published_signatures() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into());
        let signer = AwsSigner::new("AKIDEXAMPLE", secret, "us-east-1", "service");
        let vectors: Vec<Vector> = serde_json::from_str(VECTORS).expect("the vectors");
        assert_eq!(vectors.len(), 15);
        for vector in vectors {
            let url = format!("https://example.amazonaws.com{}", vector.target);
            let mut request = request(&vector.method, &url, Body::Empty);
            if !vector.token.is_empty() {
                let token = HeaderValue::from_str(&vector.token).expect("a token");
                request.headers_mut().insert("x-amz-security-token", token);
            }
            // They were made without the hash of the body among the headers.
            let mut settings = signer.settings();
            settings.payload_checksum_kind = PayloadChecksumKind::NoHeader;
            signer.sign_by(&mut request, at("2015-08-30T12:36:00Z"), settings).expect(&vector.name);
            let wanted = format!("Signature={}", vector.signature);
            assert!(header(&request, "authorization").ends_with(&wanted), "{}", vector.name);
        }
    }

    /// “Examples: Signature Calculations”, Amazon S3 API Reference.
    #[test]
    fn the_examples_of_s3_have_the_documented_signatures() {
        let secret = Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into());
        let signer = AwsSigner::new("AKIAIOSFODNN7EXAMPLE", secret, "us-east-1", "s3");
        for (query, signature) in [
            ("lifecycle", "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
            ("max-keys=2&prefix=J", "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"),
        ] {
            let mut request = request("GET", &format!("https://examplebucket.s3.amazonaws.com/?{query}"), Body::Empty);
            signer.sign(&mut request, at("2013-05-24T00:00:00Z")).expect(query);
            assert_eq!(
                header(&request, "authorization"),
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature={signature}"
                )
            );
        }
    }

    #[test]
    fn s3_gets_each_path_encoded_as_it_compares_it() {
        let signer = AwsSigner::new("AKIA", Secret::new("s3cret".into()), "eu-central-1", "s3");
        for (path, sent) in [
            ("/a/b-c_d.e~f", "/a/b-c_d.e~f"),
            ("/a(b)+c@d=e:f", "/a%28b%29%2Bc%40d%3De%3Af"),
            ("/a%20b%2Fc//d", "/a%20b/c//d"),
            ("/%e1%88%b4?x=(1)", "/%E1%88%B4?x=(1)"),
        ] {
            let mut request = request("GET", &format!("https://b.example{path}"), Body::Empty);
            signer.sign(&mut request, at("2026-11-30T00:00:00Z")).expect(path);
            assert_eq!(request.uri().to_string(), format!("https://b.example{sent}"));
        }
        let other = AwsSigner { service: "execute-api".into(), ..signer };
        let mut request = request("GET", "https://b.example/a(b)", Body::Empty);
        other.sign(&mut request, at("2026-11-30T00:00:00Z")).expect("a signature");
        assert_eq!(request.uri().path(), "/a(b)");
    }

    #[test]
    fn only_s3_over_https_takes_a_stream_unsigned() {
        let stream = || Body::stream(None, tokio::sync::mpsc::channel(1).1);
        for (service, url, hash) in [
            ("s3", "https://b.example/x", Some("UNSIGNED-PAYLOAD")),
            ("s3", "http://b.example/x", None),
            ("es", "https://b.example/x", None),
        ] {
            let signer = AwsSigner::new("AKIA", Secret::new("s3cret".into()), "eu-central-1", service);
            let mut request = request("PUT", url, stream());
            let signed = signer.sign(&mut request, at("2026-11-30T00:00:00Z"));
            assert_eq!(signed.is_ok(), hash.is_some(), "{service} {url}");
            assert_eq!(header(&request, "x-amz-content-sha256"), hash.unwrap_or_default());
        }
    }

    /// What each call pays: printed, and far below a millisecond.
    #[test]
    fn signing_takes_less_than_two_milliseconds() {
        const TIMES: u32 = 500;
        let signer = AwsSigner::new("AKIA", Secret::new("s3cret".into()), "eu-central-1", "s3");
        let now = at("2026-11-30T00:00:00Z");
        let body = Bytes::from(vec![b'x'; 1024]);
        let began = std::time::Instant::now();
        for _ in 0..TIMES {
            let mut request = request("PUT", "https://b.example/a/b?x=1", Body::Whole(body.clone()));
            signer.sign(&mut request, now).expect("a signature");
        }
        let each = began.elapsed() / TIMES;
        println!("AWS signature of a request with 1 KiB: {each:?}");
        assert!(each.as_millis() < 2, "{each:?}");
    }
}
