//! People come and go: the first run, signing in and out, the throttle, how long a session lasts.

mod first_run;
mod own_password;
mod own_sessions;
mod profile;
mod reading_times;
mod sessions;
mod signing_in;
mod throttle;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::support::{Browser, FormFill, PASSWORD, TestApp};

/// What the first-run page is filled in with when all is well.
fn founder(app: &TestApp, form: FormFill) -> FormFill {
    form.set("code", app.first_run.code()).set("username", "ana").set("full_name", "Ana Ruiz").set("password", PASSWORD)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The random bits of the browser's session key.
fn random_bits(session_key: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(session_key).expect("base64")
}

async fn is_signed_in(browser: &Browser) -> bool {
    browser.get("/").await.location() != Some("/sign-in?next=%2F")
}
