//! An answer, read as a person reads a page.

use std::cell::OnceCell;

use connectory::access::OWN_PASSWORD;
use reqwest::header::{HeaderMap, LOCATION, SET_COOKIE};
use scraper::{ElementRef, Html, Selector};

use super::{Browser, FormFill, PASSWORD};

/// An answer of the site.
pub struct Page {
    /// Path and query.
    pub path: String,
    pub status: u16,
    pub headers: HeaderMap,
    /// The body as it came.
    pub html: String,
    browser: Browser,
    /// Parsed when first asked for.
    document: OnceCell<Html>,
}

impl Page {
    pub(super) fn new(browser: Browser, path: String, status: u16, headers: HeaderMap, html: String) -> Page {
        Page { path, status, headers, html, browser, document: OnceCell::new() }
    }

    /// The page if it has this status, else what it says.
    #[track_caller]
    pub fn expect(self, status: u16) -> Page {
        assert_eq!(self.status, status, "{}: {}", self.path, self.text());
        self
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("a readable header"))
    }

    /// The header that sets the cookie of this name, which ends with `=`.
    pub fn cookie_header(&self, name: &str) -> &str {
        let mut cookies = self.headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies.find(|cookie| cookie.starts_with(name)).unwrap_or_else(|| panic!("{} sets no {name}", self.path))
    }

    /// Where the answer sends the browser.
    pub fn location(&self) -> Option<&str> {
        self.headers.get(LOCATION).map(|value| value.to_str().expect("a readable address"))
    }

    /// Goes where the answer sends.
    pub async fn follow(&self) -> Page {
        let location =
            self.location().unwrap_or_else(|| panic!("{} sends nowhere ({}): {}", self.path, self.status, self.text()));
        self.browser.get(location).await
    }

    pub fn title(&self) -> String {
        self.text_of("title")
    }

    pub fn h1(&self) -> String {
        self.text_of("h1")
    }

    /// All words of the page's main part.
    pub fn text(&self) -> String {
        self.all("main").next().or_else(|| self.all("body").next()).map(words).unwrap_or_default()
    }

    /// The outcome of the last action.
    pub fn flash(&self) -> String {
        self.text_of("main .note[role=status]")
    }

    /// The summary of what is wrong: the field that each message leads to, and the message.
    pub fn errors(&self) -> Vec<(String, String)> {
        let links = self.all(".note.bad[role=group] li a");
        links
            .map(|link| (link.attr("href").unwrap_or_default().trim_start_matches('#').to_string(), words(link)))
            .collect()
    }

    /// The message that stands beside a field.
    pub fn field_error(&self, id: &str) -> Option<String> {
        let error = self.all(&format!("#{id}-error")).next().map(words)?;
        Some(error.trim_start_matches("Error:").trim_start().to_string())
    }

    /// What a field holds: its text, or the value of the chosen option.
    pub fn field_value(&self, id: &str) -> String {
        let field = self.all(&format!("#{id}")).next().unwrap_or_else(|| panic!("no field {id} on {}", self.path));
        match field.value().name() {
            "textarea" => field.text().collect(),
            "select" => self.attribute(&format!("#{id} option[selected]"), "value").unwrap_or_default(),
            _ => field.attr("value").unwrap_or_default().to_string(),
        }
    }

    /// The values of the ticked boxes of this name.
    pub fn ticked(&self, name: &str) -> Vec<String> {
        self.attributes(&format!("input[name={name}][checked]"), "value")
    }

    /// The labels of a select's options, or of the boxes of a list.
    pub fn choices(&self, name: &str) -> Vec<String> {
        let options: Vec<String> = self.texts(&format!("select[name={name}] option"));
        if !options.is_empty() {
            return options;
        }
        let ids = self.attributes(&format!("input[name={name}]"), "id");
        ids.iter().map(|id| self.text_of(&format!("label[for='{id}']"))).collect()
    }

    /// Every link with its words and its address.
    pub fn links(&self) -> Vec<(String, String)> {
        self.all("a[href]").map(|link| (words(link), link.attr("href").unwrap_or_default().to_string())).collect()
    }

    pub fn has_link(&self, text: &str) -> bool {
        self.links().iter().any(|(words, _)| words == text)
    }

    /// Follows the link with these words.
    pub async fn click(&self, text: &str) -> Page {
        let links = self.links();
        let (_, href) = links
            .iter()
            .find(|(words, _)| words == text)
            .unwrap_or_else(|| panic!("no link “{text}” on {} among {links:?}", self.path));
        self.browser.get(href).await
    }

    pub fn buttons(&self) -> Vec<String> {
        self.texts("button:not([type=button])")
    }

    /// The cells of the first table's body, a row each.
    pub fn rows(&self) -> Vec<Vec<String>> {
        let cells = selector("th, td");
        let Some(body) = self.all("main table tbody").next() else {
            return Vec::new();
        };
        body.select(&selector("tr")).map(|row| row.select(&cells).map(words).collect()).collect()
    }

    /// The headings of the rows: what each is about.
    pub fn row_heads(&self) -> Vec<String> {
        self.texts("main table tbody th[scope=row]")
    }

    /// “11 – 20 of 23 data connectors”.
    pub fn table_foot(&self) -> String {
        self.text_of(".tablefoot p")
    }

    /// Whether this page stands between a form and what it does, and asks for the own password.
    pub fn asks_for_own_password(&self) -> bool {
        self.status == 422 && self.h1() == "Confirm it’s you"
    }

    /// Enters the own password if that is what the page asks for.
    pub async fn with_own_password(self) -> Page {
        if !self.asks_for_own_password() {
            return self;
        }
        let form = self.main_form().set(OWN_PASSWORD, PASSWORD);
        form.send_once().await
    }

    /// The first form of the page's main part.
    pub fn main_form(&self) -> FormFill {
        self.form_at("main form")
    }

    /// The first form of a page that is not ours and need not have a main part.
    pub fn first_form(&self) -> FormFill {
        self.form_at("form")
    }

    /// The form that is sent to this address.
    pub fn form(&self, action: &str) -> FormFill {
        self.form_at(&format!("form[action='{action}']"))
    }

    /// Every form that is sent to this address.
    pub fn all_forms(&self, action: &str) -> Vec<FormFill> {
        let read = |form| FormFill::read(self.browser.clone(), &self.path, form);
        self.all(&format!("form[action='{action}']")).map(read).collect()
    }

    pub fn has_form(&self, action: &str) -> bool {
        self.all(&format!("form[action='{action}']")).next().is_some()
    }

    /// Fills in the first form of the main part and presses its first button.
    pub async fn submit(&self, fill: impl FnOnce(FormFill) -> FormFill) -> Page {
        fill(self.main_form()).send().await
    }

    fn form_at(&self, css: &str) -> FormFill {
        let form = self
            .all(css)
            .next()
            .unwrap_or_else(|| panic!("no form {css} on {} ({}): {}", self.path, self.status, self.text()));
        FormFill::read(self.browser.clone(), &self.path, form)
    }

    /// An attribute of the first element that fits.
    pub fn attribute(&self, css: &str, name: &str) -> Option<String> {
        self.attributes(css, name).into_iter().next()
    }

    /// An attribute of every element that fits and has it.
    pub fn attributes(&self, css: &str, name: &str) -> Vec<String> {
        self.all(css).filter_map(|element| element.attr(name)).map(str::to_string).collect()
    }

    /// The words of every element that fits.
    pub fn texts(&self, css: &str) -> Vec<String> {
        self.all(css).map(words).collect()
    }

    fn text_of(&self, css: &str) -> String {
        self.all(css).next().map(words).unwrap_or_default()
    }

    /// Every element that fits.
    pub fn all<'a>(&'a self, css: &str) -> impl Iterator<Item = ElementRef<'a>> {
        let document = self.document.get_or_init(|| Html::parse_document(&self.html));
        let found: Vec<ElementRef<'a>> = document.select(&selector(css)).collect();
        found.into_iter()
    }
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap_or_else(|error| panic!("{css}: {error}"))
}

/// The words of an element with single spaces between them.
pub fn words(element: ElementRef<'_>) -> String {
    let text: String = element.text().collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
