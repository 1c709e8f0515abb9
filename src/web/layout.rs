//! What stands around every page: navigation, the person, the outcome of the last action.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::{FromRequest, HttpMessage, HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;

use super::{Cookies, CsrfKey, Error, Flash, Zone};
use crate::db::text_enum;

/// One word of the main navigation, or a tab among the pages of data connectors.
#[derive(Clone)]
pub struct NavItem {
    pub href: &'static str,
    /// Empty for what is a tab only.
    pub label: &'static str,
    /// The word of the tab among the pages of data connectors, which names the page in full; empty for other pages.
    pub section: &'static str,
    /// Other addresses whose pages stand under this item.
    pub also: &'static [&'static str],
}

/// The version of this program, for people who have signed in.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The signed-in person as the header shows them.
#[derive(Clone)]
pub struct Person {
    pub name: String,
}

impl Person {
    /// Up to two initials for the round mark beside the name.
    pub fn initials(&self) -> String {
        let mut initials = self.name.split_whitespace().filter_map(|word| word.chars().next());
        let first = initials.next();
        first.into_iter().chain(initials.next_back()).flat_map(char::to_uppercase).collect()
    }
}

text_enum! {
    /// The colours a person wants.
    #[derive(Default, serde::Serialize, serde::Deserialize)]
    pub enum Theme {
        /// As the browser says.
        #[default]
        Auto = "auto", "Same as my device";
        Light = "light", "Light";
        Dark = "dark", "Dark";
    }
}

/// Everything around the page that depends on the request.
#[derive(Clone, Default)]
pub struct Layout {
    /// The path of the page, which decides the current item of the navigation.
    pub path: String,
    pub nav: Vec<NavItem>,
    /// The tabs of the pages under Activity: address and words.
    pub activity: Vec<(&'static str, &'static str)>,
    pub person: Option<Person>,
    pub theme: Theme,
    /// In which times are shown.
    pub zone: Zone,
    pub csrf: String,
    pub flash: Option<Flash>,
    pub request_id: String,
}

impl Layout {
    /// The `data-theme` of the page, for a person who chose one.
    pub fn theme_name(&self) -> Option<&'static str> {
        Some(self.theme.code()).filter(|_| self.theme != Theme::Auto)
    }

    /// What the browser paints before it has the style sheet: nothing must flash in other colours.
    pub fn color_scheme(&self) -> &'static str {
        self.theme_name().unwrap_or("light dark")
    }

    /// Whether a navigation item is the section that the page is in.
    pub fn is_current(&self, href: &str) -> bool {
        self.path.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether the page stands under this item of the navigation.
    pub fn is_under(&self, item: &NavItem) -> bool {
        self.is_current(item.href) || item.also.iter().any(|href| self.is_current(href))
    }

    /// The items of the navigation that are tabs of the data connector pages.
    pub fn sections(&self) -> Vec<&NavItem> {
        let has_tab = |item: &&NavItem| !item.section.is_empty();
        self.nav.iter().filter(has_tab).collect()
    }
}

impl FromRequest for Layout {
    type Error = Error;
    type Future = Ready<Result<Layout, Error>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(layout_of(req)))
    }
}

pub fn layout_of(req: &HttpRequest) -> Layout {
    req.extensions()
        .get::<Layout>()
        .cloned()
        .unwrap_or_else(|| Layout { path: req.path().to_string(), ..Layout::default() })
}

/// Answers with a page. The layers say `no-store` of every page.
pub fn page(status: StatusCode, page: &impl Template) -> Result<HttpResponse, Error> {
    Ok(html(&mut HttpResponse::build(status), page.render().map_err(Error::internal)?))
}

pub fn html(response: &mut HttpResponseBuilder, body: String) -> HttpResponse {
    response.insert_header((CONTENT_TYPE, "text/html; charset=utf-8")).body(body)
}

/// Sends the browser on after a successful POST, with the outcome for the next page.
pub fn see_other(req: &HttpRequest, location: &str, outcome: Option<Flash>) -> HttpResponse {
    let mut response = HttpResponse::SeeOther();
    response.insert_header((LOCATION, location));
    if let (Some(flash), Some(key), Some(cookies)) =
        (outcome, req.extensions().get::<CsrfKey>(), req.app_data::<actix_web::web::Data<Cookies>>())
    {
        response.cookie(flash.cookie(***cookies, key));
    }
    response.finish()
}
