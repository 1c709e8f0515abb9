//! How names of headers are written over HTTP/1.1: each word with a capital (`Content-Type`), or as a person wrote them
//! (`SOAPAction`), because some devices and gateways tell names apart by their case.
//!
//! A `HeaderName` is in lower case. hyper writes the first form by itself, and the second for a request that carries the
//! names in its extensions, in a type that only hyper makes: it makes one of the head of a response. So the names go
//! through hyper as such a head, in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future;
use http::{Extensions, HeaderMap};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::request::{Body, Request};

/// The most sets of names that are remembered.
const MAX_SETS: usize = 1_000;

/// The size of the pipe: as much as the names of an endpoint may have.
const PIPE: usize = 64 * 1024;

/// Names that are usually written in another form, with the same in lower case.
const KNOWN: [(&str, &str); 4] =
    [("soapaction", "SOAPAction"), ("dnt", "DNT"), ("content-md5", "Content-MD5"), ("mime-version", "MIME-Version")];

/// Names of headers as they are to be written; those that are written so anyway are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WrittenNames(Option<Arc<[String]>>);

/// What hyper makes of [`WrittenNames`], remembered.
#[derive(Default)]
pub(super) struct NameCache(Mutex<HashMap<WrittenNames, Extensions>>);

impl WrittenNames {
    /// The names that a person has written.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let unusual: Arc<[String]> = names.into_iter().filter(|name| !is_usual(name)).map(str::to_owned).collect();
        Self((!unusual.is_empty()).then_some(unusual))
    }

    /// The usual forms of names of which only the lower case is known.
    pub fn known(headers: &HeaderMap) -> Self {
        Self::of(KNOWN.into_iter().filter(|(lower, _)| headers.contains_key(*lower)).map(|(_, written)| written))
    }
}

/// Whether each word begins with a capital, and has no other.
fn is_usual(name: &str) -> bool {
    let mut is_first = true;
    name.bytes().all(|byte| {
        let is_usual = if is_first { !byte.is_ascii_lowercase() } else { !byte.is_ascii_uppercase() };
        is_first = byte == b'-';
        is_usual
    })
}

impl NameCache {
    /// Has the names written so, or as usual if that cannot be.
    pub async fn apply(&self, names: &WrittenNames, request: &mut Request) {
        let Some(list) = &names.0 else { return };
        let lock = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let remembered = lock().get(names).cloned();
        let extensions = match remembered {
            Some(extensions) => extensions,
            None => {
                let made = Box::pin(made_by_hyper(list)).await.unwrap_or_default();
                let mut sets = lock();
                if sets.len() >= MAX_SETS {
                    sets.clear();
                }
                sets.insert(names.clone(), made.clone());
                made
            }
        };
        request.extensions_mut().extend(extensions);
    }
}

#[expect(clippy::disallowed_methods, reason = "it connects to nothing: the other end of its pipe is in this file")]
async fn made_by_hyper(names: &[String]) -> Option<Extensions> {
    let (near, far) = duplex(PIPE);
    let (mut sender, connection) =
        http1::Builder::new().preserve_header_case(true).handshake(TokioIo::new(near)).await.ok()?;
    let asking = sender.send_request(Request::new(Body::Empty));
    let serving = future::join(connection, answer(far, names));
    match future::select(std::pin::pin!(asking), std::pin::pin!(serving)).await {
        future::Either::Left((response, _)) => Some(response.ok()?.into_parts().0.extensions),
        future::Either::Right(_) => None,
    }
}

async fn answer(mut pipe: DuplexStream, names: &[String]) -> Option<DuplexStream> {
    // Of the request there is nothing to know.
    let _some = pipe.read(&mut [0; 256]).await.ok()?;
    let lines: String = names.iter().map(|name| format!("{name}: x\r\n")).collect();
    pipe.write_all(format!("HTTP/1.1 204 No Content\r\n{lines}\r\n").as_bytes()).await.ok()?;
    Some(pipe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_names_need_nothing() {
        for (name, usual) in [
            ("Content-Type", true),
            ("X-1-A", true),
            ("Authorization", true),
            ("SOAPAction", false),
            ("apikey", false),
            ("X-API-Key", false),
            ("content-type", false),
        ] {
            assert_eq!(is_usual(name), usual, "{name}");
        }
        assert_eq!(WrittenNames::of(["Accept", "X-Trace"]), WrittenNames::default());
        let headers =
            HeaderMap::from_iter([("soapaction".parse().expect("a name"), http::HeaderValue::from_static("x"))]);
        assert_eq!(WrittenNames::known(&headers), WrittenNames::of(["SOAPAction"]));
        assert_eq!(WrittenNames::known(&HeaderMap::new()), WrittenNames::default());
    }
}
