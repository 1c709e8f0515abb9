//! nginx, as the API and as the reverse proxy in front of it.

use std::fs;

use super::WORKERS;
use super::folder::Folder;
use super::web_server::Nginx;

/// The size of the answer.
const KIBIBYTE: usize = 1024;

/// The API: JSON at `/json` and a gibibyte at `/big`, for whoever has the token.
pub fn api(folder: &Folder, token: &str) -> std::io::Result<Nginx> {
    let filler = "x".repeat(KIBIBYTE - "{\"filler\":\"\"}".len());
    let big = folder.file("big");
    fs::File::create(&big)?.set_len(1 << 30)?;
    let root = folder.path().display();
    let locations = format!(
        "if ($http_authorization != \"Bearer {token}\") {{ return 401; }}
         location = /json {{ default_type application/json; return 200 '{{\"filler\":\"{filler}\"}}'; }}
         location = /big {{ default_type application/octet-stream; root {root}; }}"
    );
    Nginx::start(&folder.file("api"), WORKERS, "", &locations)
}

/// A reverse proxy that adds the token.
pub fn proxy(folder: &Folder, api: u16, token: &str) -> std::io::Result<Nginx> {
    let upstream = format!("upstream api {{ server 127.0.0.1:{api}; keepalive 64; keepalive_requests 1000000; }}");
    let locations = format!(
        "location / {{ proxy_pass http://api; proxy_http_version 1.1; proxy_set_header Connection \"\"; proxy_set_header Authorization \"Bearer {token}\"; }}"
    );
    Nginx::start(&folder.file("proxy"), WORKERS, &upstream, &locations)
}

/// The master and its workers.
pub fn processes(nginx: &Nginx) -> Vec<u32> {
    let master = nginx.id();
    let children = fs::read_to_string(format!("/proc/{master}/task/{master}/children"));
    let children = children.unwrap_or_default();
    let workers = children.split_whitespace().filter_map(|id| id.parse().ok());
    std::iter::once(master).chain(workers).collect()
}
