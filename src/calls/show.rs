//! The page of a call.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::queries;
use super::row::{self, CallPlace, CallRow};
use crate::access::{Permission, RequestContext};
use crate::web::{Error, Layout, Segment, page, with_zone};

/// The width of the bar that shows where the time went, in user units of the SVG.
const WIDTH: i64 = 1_000;

#[derive(Template)]
#[template(path = "calls/show.html")]
struct CallPage {
    layout: Layout,
    call: CallRow,
    may_view_connectors: bool,
}

/// A part of the time of a call.
struct Part {
    name: &'static str,
    what: &'static str,
    took: String,
    /// Where it begins in the bar, and how much of it it is.
    x: i64,
    width: i64,
    colour: &'static str,
}

pub async fn show(context: RequestContext, Segment(place): Segment) -> Result<HttpResponse, Error> {
    let place = CallPlace::parse(&place).ok_or(Error::NotFound)?;
    let call = queries::find(&*context.conn().await?, context.actor.visibility, place).await?;
    let may_view_connectors = context.may(Permission::ViewConnectors);
    page(StatusCode::OK, &CallPage { layout: context.layout, call, may_view_connectors })
}

impl CallPage {
    fn stamp_millis(&self) -> String {
        with_zone(&self.call.at, "%-d %B %Y, %H:%M:%S%.3f")
    }

    fn parts(&self) -> Vec<Part> {
        let call = &self.call;
        let wait = (call.first_byte_us - call.connect_us).max(0);
        let rest = (call.total_us - call.queue_us - call.connect_us - wait).max(0);
        let whole = (call.queue_us + call.connect_us + wait + rest).max(1);
        let mut begins = 0;
        let parts = [
            ("Queue", "waiting for a permit and for a token", call.queue_us, "var(--muted)"),
            ("Connect", "opening a connection; nothing if one was open", call.connect_us, "var(--warn)"),
            ("First byte", "from then until the API began to respond", wait, "var(--accent)"),
            ("Rest", "until the last byte, with earlier attempts", rest, "var(--ok)"),
        ];
        parts
            .into_iter()
            .map(|(name, what, micros, colour)| {
                let x = begins * WIDTH / whole;
                begins += micros;
                let width = (begins * WIDTH / whole - x).max(0);
                Part { name, what, took: row::took(micros), x, width, colour }
            })
            .collect()
    }

    /// “40 ms in total: queue 2 ms, …”
    fn parts_in_words(&self) -> String {
        let parts: Vec<String> =
            self.parts().iter().map(|part| format!("{} {}", part.name.to_lowercase(), part.took)).collect();
        format!("{} in total: {}.", self.call.took(), parts.join(", "))
    }
}
