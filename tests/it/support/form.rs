//! A form as a browser fills it in and sends it.

use connectory::access::OWN_PASSWORD;
use scraper::{ElementRef, Selector};

use super::page::words;
use super::{Browser, PASSWORD, Page};

/// A form of a page, with what its controls hold.
pub struct FormFill {
    browser: Browser,
    action: String,
    post: bool,
    controls: Vec<Control>,
    buttons: Vec<Button>,
    /// Which button is pressed; the first one, as by the Enter key.
    pressed: usize,
}

struct Control {
    name: String,
    value: String,
    kind: Kind,
    /// Whether the control is sent: a box or a radio button only when it is on.
    on: bool,
}

enum Kind {
    /// What a person types, or a hidden value.
    Text,
    Box,
    Radio,
    /// The values to choose from.
    Select(Vec<String>),
}

struct Button {
    text: String,
    name: String,
    value: String,
    action: Option<String>,
}

impl FormFill {
    pub(super) fn read(browser: Browser, page: &str, form: ElementRef<'_>) -> FormFill {
        let elements = Selector::parse("input, select, textarea, button").expect("a selector");
        let enabled = form.select(&elements).filter(|element| element.attr("disabled").is_none());
        let (buttons, controls): (Vec<_>, Vec<_>) =
            enabled.partition(|element| is_submit(*element) || kind_of(*element) == "button");
        FormFill {
            browser,
            action: form.attr("action").unwrap_or(page).to_string(),
            post: form.attr("method").is_some_and(|method| method.eq_ignore_ascii_case("post")),
            controls: controls.into_iter().filter_map(control).collect(),
            buttons: buttons.into_iter().filter(|element| is_submit(*element)).map(button).collect(),
            pressed: 0,
        }
    }

    /// Enters the own password, if the form asks for it again.
    pub fn confirmed(self) -> FormFill {
        match self.value(OWN_PASSWORD) {
            Some(_) => self.set(OWN_PASSWORD, PASSWORD),
            None => self,
        }
    }

    /// Types into a field, or chooses an option or a radio button.
    #[track_caller]
    pub fn set(mut self, name: &str, value: &str) -> FormFill {
        let mut found = false;
        for control in self.controls.iter_mut().filter(|control| control.name == name) {
            found |= match &control.kind {
                Kind::Text => {
                    control.value = value.to_string();
                    true
                }
                Kind::Select(options) => {
                    assert!(
                        options.iter().any(|option| option == value),
                        "“{value}” is no option of {name}: {options:?}"
                    );
                    control.value = value.to_string();
                    true
                }
                Kind::Radio => {
                    control.on = control.value == value;
                    control.on
                }
                Kind::Box => panic!("{name} is a box: tick or untick it"),
            };
        }
        assert!(found, "the form {} has no {name} for “{value}”", self.action);
        self
    }

    #[track_caller]
    pub fn tick(self, name: &str, value: &str) -> FormFill {
        self.turn(name, value, true)
    }

    #[track_caller]
    pub fn untick(self, name: &str, value: &str) -> FormFill {
        self.turn(name, value, false)
    }

    #[track_caller]
    fn turn(mut self, name: &str, value: &str, on: bool) -> FormFill {
        let control = self
            .controls
            .iter_mut()
            .find(|control| control.name == name && control.value == value && matches!(control.kind, Kind::Box));
        control.unwrap_or_else(|| panic!("no box {name} of the value {value}")).on = on;
        self
    }

    /// Chooses another than the first button, by its words.
    #[track_caller]
    pub fn press(mut self, text: &str) -> FormFill {
        let position = self.buttons.iter().position(|button| button.text == text);
        self.pressed = position.unwrap_or_else(|| panic!("no button “{text}” in {}", self.action));
        self
    }

    /// Sends a value that the page does not offer, as only somebody with bad intentions would.
    pub fn forge(self, name: &str, value: &str) -> FormFill {
        let mut form = self.without(name);
        form.controls.push(Control { name: name.into(), value: value.into(), kind: Kind::Text, on: true });
        form
    }

    /// Leaves a field out, as only somebody with bad intentions would.
    pub fn without(mut self, name: &str) -> FormFill {
        self.controls.retain(|control| control.name != name);
        self
    }

    /// What the form holds for a name now.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.controls.iter().find(|control| control.name == name && control.on).map(|control| control.value.as_str())
    }

    /// The fields as they are sent.
    fn fields(&self) -> Vec<(&str, String)> {
        let controls = self
            .controls
            .iter()
            .filter(|control| control.on)
            .map(|control| (control.name.as_str(), line_ends(&control.value)));
        let button = self.buttons.get(self.pressed).filter(|button| !button.name.is_empty());
        controls.chain(button.map(|button| (button.name.as_str(), button.value.clone()))).collect()
    }

    /// Sends the form as the browser would, and does not follow where the answer sends. If the answer asks for the own
    /// password and the form did not, enters it there.
    pub async fn send(self) -> Page {
        let asked_before = self.value(OWN_PASSWORD).is_some();
        let page = self.send_once().await;
        if asked_before {
            return page;
        }
        page.with_own_password().await
    }

    /// Sends the form with a file in this field, as the browser does if the pressed button asks for it.
    pub async fn send_with_file(self, field: &str, file_name: &str, bytes: &[u8]) -> Page {
        const BOUNDARY: &str = "the-boundary-of-the-tests";
        let mut body = Vec::new();
        for (name, value) in self.fields().iter().filter(|(name, _)| *name != field) {
            let part = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{file_name}\"\r\n\
             Content-Type: text/plain\r\n\r\n"
        );
        let end = format!("\r\n--{BOUNDARY}--\r\n");
        body.extend([head.as_bytes(), bytes, end.as_bytes()].concat());
        let action = self.buttons.get(self.pressed).and_then(|button| button.action.as_deref()).unwrap_or(&self.action);
        let request = self.browser.request(reqwest::Method::POST, action);
        let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
        self.browser.send(request.header("content-type", media_type).body(body)).await
    }

    /// Sends the form and does nothing more, whatever the answer is.
    pub async fn send_once(self) -> Page {
        let fields = self.fields();
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let action = self.buttons.get(self.pressed).and_then(|button| button.action.as_deref()).unwrap_or(&self.action);
        if self.post {
            return self.browser.post_exactly(action, &fields).await;
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.browser.get(&format!("{action}?{query}")).await
    }
}

fn kind_of<'a>(element: ElementRef<'a>) -> &'a str {
    match (element.value().name(), element.attr("type")) {
        ("button", None) => "submit",
        (_, Some(kind)) => kind,
        (name, None) => name,
    }
}

fn is_submit(element: ElementRef<'_>) -> bool {
    matches!(element.value().name(), "button" | "input") && kind_of(element) == "submit"
}

fn button(element: ElementRef<'_>) -> Button {
    let attribute = |name| element.attr(name).unwrap_or_default().to_string();
    Button {
        text: match element.value().name() {
            "input" => attribute("value"),
            _ => words(element),
        },
        name: attribute("name"),
        value: attribute("value"),
        action: element.attr("formaction").map(str::to_string),
    }
}

fn control(element: ElementRef<'_>) -> Option<Control> {
    let name = element.attr("name").filter(|name| !name.is_empty())?.to_string();
    let value = element.attr("value");
    let checked = element.attr("checked").is_some();
    Some(match (element.value().name(), kind_of(element)) {
        ("textarea", _) => Control { name, value: element.text().collect(), kind: Kind::Text, on: true },
        ("select", _) => select(name, element),
        (_, "checkbox") => Control { name, value: value.unwrap_or("on").into(), kind: Kind::Box, on: checked },
        (_, "radio") => Control { name, value: value.unwrap_or("on").into(), kind: Kind::Radio, on: checked },
        _ => Control { name, value: value.unwrap_or_default().into(), kind: Kind::Text, on: true },
    })
}

fn select(name: String, element: ElementRef<'_>) -> Control {
    let options: Vec<ElementRef<'_>> = element.select(&Selector::parse("option").expect("a selector")).collect();
    let value = |option: &ElementRef<'_>| option.attr("value").map_or_else(|| words(*option), str::to_string);
    let chosen = options.iter().find(|option| option.attr("selected").is_some()).or(options.first());
    let chosen = chosen.map(value).unwrap_or_default();
    Control { name, value: chosen, kind: Kind::Select(options.iter().map(value).collect()), on: true }
}

/// Browsers send every line end as CR LF.
fn line_ends(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\n', "\r\n")
}
