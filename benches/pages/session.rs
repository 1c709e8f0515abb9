//! A signed-in person: the requests that their browser would send.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use actix_web::web::Bytes;
use anyhow::{Context, ensure};

use super::cases::{Case, List};
use super::data::Editable;
use super::http::{Answer, Client};
use super::load::Ask;

pub const USER: &str = "bench";
pub const PASSWORD: &str = "correct horse battery staple";

pub struct Session {
    pub address: SocketAddr,
    cookie: String,
    csrf: String,
}

/// What is sent for a page and its files, in bytes.
pub struct Weight {
    pub name: String,
    pub bytes: usize,
    /// The Content-Encoding.
    pub coding: String,
}

impl Session {
    pub async fn begin(address: SocketAddr) -> anyhow::Result<Session> {
        let mut client = Client::connect(address).await?;
        let mut session = Session { address, cookie: String::new(), csrf: String::new() };
        let page = client.ask(&session.request("/sign-in")).await?;
        session.cookie = cookie(&page)?;
        session.csrf = csrf(&page.text())?;
        let fields = [("csrf", session.csrf.as_str()), ("username", USER), ("password", PASSWORD), ("next", "/")];
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let answer = client.ask(&session.post("/sign-in", &form)).await?;
        ensure!(answer.status == 303, "signing in was answered {}", answer.status);
        session.cookie = cookie(&answer)?;
        session.csrf = csrf(&session.get("/connectors").await?)?;
        Ok(session)
    }

    /// The page at a path.
    pub async fn get(&self, path: &str) -> anyhow::Result<String> {
        let mut client = Client::connect(self.address).await?;
        let page = client.ask(&self.request(path)).await?;
        ensure!(page.status == 200, "{path} was answered {}", page.status);
        Ok(page.text())
    }

    fn request(&self, path: &str) -> Bytes {
        Bytes::from(format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers()))
    }

    pub fn post(&self, path: &str, form: &str) -> Bytes {
        self.post_as(path, "application/x-www-form-urlencoded", form)
    }

    /// A form in another media type.
    pub fn post_as(&self, path: &str, media_type: &str, form: &str) -> Bytes {
        Bytes::from(format!(
            "POST {path} HTTP/1.1\r\n{}Origin: http://{}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n{form}",
            self.headers(),
            self.address,
            form.len()
        ))
    }

    pub fn csrf(&self) -> &str {
        &self.csrf
    }

    fn headers(&self) -> String {
        format!(
            "Host: {}\r\nUser-Agent: bench\r\nAccept: text/html\r\nAccept-Encoding: gzip, deflate, br, zstd\r\nCookie: {}\r\n",
            self.address, self.cookie
        )
    }

    /// Opening a list, whose first row's key is `first`.
    pub fn list(&self, list: &List, first: Option<&str>) -> Case {
        let text = first.map_or("<h2>No results</h2>".into(), |key| {
            format!("<tbody>\n<tr><th scope=\"row\"><a href=\"/connectors/{key}\">")
        });
        self.page(&list.name, &list.address(), &text)
    }

    /// Opening the page at a path, which has this text.
    pub fn page(&self, name: &str, path: &str, text: &str) -> Case {
        let (request, text) = (self.request(path), text.to_owned());
        Case {
            name: name.to_owned(),
            ask: Box::new(move |_| {
                let request = request.clone();
                Ask { request: Box::new(move || request.clone()), status: 200, text: text.clone() }
            }),
        }
    }

    /// Saving the Details: each connection has a connector of its own, and goes on from the version it has saved.
    pub fn save(&self, connectors: Vec<Editable>) -> Case {
        let connectors: Vec<(Editable, Rc<Cell<i32>>)> = connectors
            .into_iter()
            .map(|connector| {
                let version = Rc::new(Cell::new(connector.version));
                (connector, version)
            })
            .collect();
        let session = Rc::new(Session { address: self.address, cookie: self.cookie.clone(), csrf: self.csrf.clone() });
        Case {
            name: "save Details".into(),
            ask: Box::new(move |number| {
                let (connector, version) = connectors[number].clone();
                let session = Rc::clone(&session);
                let path = format!("/connectors/{}/details", connector.key);
                Ask {
                    status: 303,
                    text: format!("location: {path}\r\n"),
                    request: Box::new(move || {
                        let current = version.replace(version.get() + 1);
                        session.post(&path, &connector.form(&session.csrf, current))
                    }),
                }
            }),
        }
    }

    /// The weight of the list and of the files it refers to.
    pub async fn weights(&self) -> anyhow::Result<Vec<Weight>> {
        let mut client = Client::connect(self.address).await?;
        let page = self.get("/connectors").await?;
        let mut files: Vec<(String, String)> = super::cases::SIZES
            .iter()
            .map(|size| (format!("list, {size} rows"), super::cases::first_page(*size)))
            .collect();
        for (name, ending) in [("style sheet", ".css"), ("script", ".js")] {
            let file = page
                .split('"')
                .find(|text| text.starts_with("/static/") && text.ends_with(ending))
                .with_context(|| format!("the page has no {name}"))?;
            files.push((name.into(), file.to_string()));
        }
        let mut weights = Vec::new();
        for (name, path) in files {
            let answer = client.ask(&self.request(&path)).await?;
            weights.push(Weight {
                name,
                bytes: answer.body().len(),
                coding: answer.header("content-encoding").unwrap_or("none").to_string(),
            });
        }
        Ok(weights)
    }
}

fn cookie(answer: &Answer<'_>) -> anyhow::Result<String> {
    let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next());
    Ok(cookie.context("no cookie was set")?.to_string())
}

fn csrf(page: &str) -> anyhow::Result<String> {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").context("the page has no form")?;
    Ok(rest.split('"').next().unwrap_or_default().to_string())
}
