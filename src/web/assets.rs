//! The style sheet, the script and the icon, compiled in under names made of their content,
//! so that browsers may keep them for ever.

use actix_web::http::header::{self, EntityTag, IfNoneMatch};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, body, web::Bytes};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// For addresses that carry the content's hash.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// For addresses that stay when the content changes.
const A_DAY: &str = "public, max-age=86400";

/// A file of `static/` and its compressed forms, each only where it is smaller.
#[derive(Debug)]
pub struct Asset {
    file: &'static str,
    content_type: &'static str,
    etag: &'static str,
    raw: &'static [u8],
    brotli: Option<&'static [u8]>,
    gzip: Option<&'static [u8]>,
}

/// The asset with this name, hash included, if there is one.
#[must_use]
pub fn find(file: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.file == file)
}

/// Answers a GET or HEAD request for an asset by its hashed name.
#[must_use]
pub fn respond(asset: &'static Asset, req: &HttpRequest) -> HttpResponse {
    send(asset, req, FOREVER)
}

/// Answers a request for `/favicon.ico`, which browsers make unasked, with the icon.
#[must_use]
pub fn favicon(req: &HttpRequest) -> Option<HttpResponse> {
    let icon = ICON_SVG.strip_prefix("/static/").and_then(find)?;
    Some(send(icon, req, A_DAY))
}

fn send(asset: &'static Asset, req: &HttpRequest, cache_control: &'static str) -> HttpResponse {
    // Weak, because every encoding of an asset answers to the same tag.
    let etag = EntityTag::new_weak(asset.etag.to_owned());
    let known = match req.get_header::<IfNoneMatch>() {
        Some(IfNoneMatch::Any) => true,
        Some(IfNoneMatch::Items(tags)) => tags.iter().any(|tag| tag.weak_eq(&etag)),
        None => false,
    };
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response
        .insert_header((header::CACHE_CONTROL, cache_control))
        .insert_header((header::VARY, "Accept-Encoding"))
        .insert_header(header::ETag(etag));
    if known {
        return response.body(body::None::new());
    }
    let (coding, body) = choose(asset, req);
    if let Some(coding) = coding {
        response.insert_header((header::CONTENT_ENCODING, coding));
    }
    response.content_type(asset.content_type).body(Bytes::from_static(body))
}

/// The smallest form that the client takes.
fn choose(asset: &'static Asset, req: &HttpRequest) -> (Option<&'static str>, &'static [u8]) {
    [("br", asset.brotli), ("gzip", asset.gzip)]
        .into_iter()
        .find_map(|(coding, body)| Some((Some(coding), body.filter(|_| accepts(req, coding))?)))
        .unwrap_or((None, asset.raw))
}

/// Whether `Accept-Encoding` names this coding, or `*`, with a quality above zero.
fn accepts(req: &HttpRequest, coding: &str) -> bool {
    let quality = |wanted: &str| {
        req.headers()
            .get_all(header::ACCEPT_ENCODING)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .find_map(|item| {
                let mut parts = item.split(';').map(str::trim);
                let named = parts.next()?.eq_ignore_ascii_case(wanted);
                named.then(|| match parts.find_map(weight) {
                    Some(weight) => weight.parse().unwrap_or(0.0),
                    None => 1.0_f32,
                })
            })
    };
    quality(coding).or_else(|| quality("*")).unwrap_or(0.0) > 0.0
}

/// The number in `q=0.5`.
fn weight(parameter: &str) -> Option<&str> {
    let (name, value) = parameter.split_once('=')?;
    name.trim().eq_ignore_ascii_case("q").then(|| value.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::{BodySize, MessageBody, to_bytes};
    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;

    fn css() -> &'static Asset {
        find(SITE_CSS.strip_prefix("/static/").unwrap()).unwrap()
    }

    fn get(accept: &str) -> HttpResponse {
        let req = TestRequest::get().insert_header((header::ACCEPT_ENCODING, accept));
        respond(css(), &req.to_http_request())
    }

    fn value(response: &HttpResponse, name: header::HeaderName) -> Option<&str> {
        response.headers().get(name).map(|v| v.to_str().unwrap())
    }

    #[test]
    fn names_carry_the_hash_of_the_content() {
        for (href, stem, extension) in [
            (SITE_CSS, "/static/site.", ".css"),
            (SITE_JS, "/static/site.", ".js"),
            (ICON_SVG, "/static/icon.", ".svg"),
        ] {
            let hash = href.strip_prefix(stem).unwrap().strip_suffix(extension).unwrap();
            assert_eq!(hash.len(), 16);
            assert!(hash.bytes().all(|b| b.is_ascii_hexdigit()));
            assert!(find(&href["/static/".len()..]).is_some());
        }
    }

    #[test]
    fn unknown_and_unhashed_names_are_not_found() {
        for file in ["", "site.css", "site.0000000000000000.css", "../Cargo.toml"] {
            assert!(find(file).is_none(), "{file}");
        }
    }

    #[test]
    fn the_smallest_accepted_form_is_sent() {
        for (accept, expected) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("GZIP", Some("gzip")),
            ("br;q=0, gzip;q=0.1", Some("gzip")),
            ("br; Q=0.000, *", Some("gzip")),
            ("*", Some("br")),
            ("*;q=0", None),
            ("gzip;q=0, br;q=nonsense", None),
            ("identity", None),
            ("", None),
        ] {
            assert_eq!(value(&get(accept), header::CONTENT_ENCODING), expected, "{accept}");
        }
    }

    #[test]
    fn several_header_lines_count_as_one_list() {
        let req = TestRequest::get()
            .append_header((header::ACCEPT_ENCODING, "br;q=0"))
            .append_header((header::ACCEPT_ENCODING, "gzip"))
            .to_http_request();
        assert_eq!(value(&respond(css(), &req), header::CONTENT_ENCODING), Some("gzip"));
    }

    #[actix_web::test]
    async fn a_plain_answer_is_the_file_itself() {
        let response = respond(css(), &TestRequest::get().to_http_request());
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(value(&response, header::CONTENT_TYPE), Some("text/css; charset=utf-8"));
        assert_eq!(value(&response, header::CACHE_CONTROL), Some(FOREVER));
        assert_eq!(value(&response, header::VARY), Some("Accept-Encoding"));
        let body = to_bytes(response.into_body()).await.unwrap();
        assert_eq!(&body[..], include_bytes!("../../static/site.css"));
    }

    #[test]
    fn a_known_tag_gets_304_without_a_body() {
        let etag = value(&get("br"), header::ETAG).unwrap().to_owned();
        for tag in [etag.as_str(), "*", &format!("\"other\", {etag}")] {
            let req = TestRequest::get().insert_header((header::IF_NONE_MATCH, tag));
            let response = respond(css(), &req.to_http_request());
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{tag}");
            assert_eq!(value(&response, header::ETAG), Some(etag.as_str()));
            assert_eq!(value(&response, header::CACHE_CONTROL), Some(FOREVER));
            assert_eq!(value(&response, header::VARY), Some("Accept-Encoding"));
            assert_eq!(value(&response, header::CONTENT_ENCODING), None);
            assert_eq!(response.into_body().size(), BodySize::None);
        }
        let req = TestRequest::get().insert_header((header::IF_NONE_MATCH, "W/\"other\""));
        assert_eq!(respond(css(), &req.to_http_request()).status(), StatusCode::OK);
    }

    #[test]
    fn compressed_forms_are_kept_only_where_smaller() {
        for asset in &ASSETS {
            for packed in [asset.brotli, asset.gzip].into_iter().flatten() {
                assert!(packed.len() < asset.raw.len(), "{}", asset.file);
            }
        }
        assert!(css().brotli.is_some() && css().gzip.is_some());
    }

    #[test]
    fn style_sheet_and_script_stay_within_their_budgets() {
        for (href, most) in [(SITE_CSS, 28 * 1024), (SITE_JS, 12 * 1024)] {
            let size = find(&href["/static/".len()..]).unwrap().raw.len();
            assert!(size <= most, "{href}: {size} bytes");
        }
    }

    #[test]
    fn the_icon_at_its_fixed_address_is_kept_for_a_day() {
        let response = favicon(&TestRequest::get().to_http_request()).unwrap();
        assert_eq!(value(&response, header::CONTENT_TYPE), Some("image/svg+xml; charset=utf-8"));
        assert_eq!(value(&response, header::CACHE_CONTROL), Some(A_DAY));
    }
}
