//! The fields of each grant: what is needed, what is refused and in which words, and that what was typed stays.

use super::*;

fn errors(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = expected.iter();
    owned.map(|(field, message)| (field.to_string(), message.to_string())).collect()
}

async fn tab(method: Method) -> (TestApp, Browser, Page) {
    let app = TestApp::start().await;
    connector(&app, method, "https://api.example.org").await;
    let ana = app.person(&[EditConnectors, CreateConnectors]).await;
    let page = ana.get(TAB).await.expect(200);
    (app, ana, page)
}

#[tokio::test]
async fn each_grant_says_what_it_needs() {
    let authorize = ("authorize_url", "Enter the Authorize URL");
    let token = ("token_url", "Enter the AccessToken URL");
    let client = ("client_id", "Enter the Client ID");
    let secret = ("client_secret", "Enter the Client Secret, or choose the client authentication None");
    let user = ("oauth_user", "Enter the user");
    let password = ("oauth_password", "Enter the password");
    for (method, needed) in [
        (CODE, vec![authorize, token, client]),
        (CLIENT, vec![token, client, secret]),
        (PASSWORDS, vec![token, user, password]),
        (IMPLICIT, vec![authorize, client]),
    ] {
        let (app, _, page) = tab(method).await;
        let page = page.form(TAB).send().await.expect(422);
        assert_eq!(page.errors(), errors(&needed), "{method:?}");
        for (field, message) in needed {
            assert_eq!(page.field_error(field).as_deref(), Some(message));
        }
        assert_eq!(app.count("SELECT count(*) FROM oauth_clients").await, 0);
        assert_eq!(audited(&app, "authorization.saved").await, 0);

        // That is all that it needs.
        let form = page.form(TAB);
        let form = form
            .set("authorize_url", "https://id.example.org/authorize")
            .set("token_url", "https://id.example.org/token");
        let form = match method {
            PASSWORDS => form.set("oauth_user", "ana").set("oauth_password", "x"),
            CLIENT => form.set("client_id", "app").set("authentication", "none"),
            _ => form.set("client_id", "app"),
        };
        assert_eq!(saved(form).await.flash(), SAVED);
        let status = app.value("SELECT status FROM connectors").await;
        assert_eq!(status, "not_authorized");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_words_and_comes_back() {
    let (app, _, page) = tab(CODE).await;
    let lifetime = "Lifetime must be a whole number of seconds, from 1 to 31536000 (a year)";
    let concurrency = "Concurrent calls must be a whole number, from 1 to 1000";
    let stream_idle = "Idle limit of streams must be a whole number of seconds, from 1 to 3600";
    let time_out = "Time-out must be a whole number of seconds, from 1 to 3600";
    for (field, typed, message) in [
        ("issuer", "id.example.org", "Issuer must start with https:// or http://"),
        ("authorize_url", "javascript:alert(1)", "Authorize URL must start with https:// or http://"),
        ("token_url", "https://a:b@id.example.org", "AccessToken URL must not contain a user name or password"),
        ("refresh_url", "https://id.example.org/#x", "RefreshToken URL must not have a fragment (the part from #)"),
        ("revocation_url", "ftp://id.example.org", "Revocation URL must start with https:// or http://"),
        ("resources", "https://a.example\na\tb", "Resource must not contain control characters (line 2)"),
        ("authorize_parameters", "prompt", "Extra parameters for authorize must have = in line 1, as in name=value"),
        (
            "authorize_parameters",
            "state=x",
            "Extra parameters for authorize must not set state (line 1): Connectory sets it",
        ),
        (
            "token_parameters",
            "a=b\nclient_secret=x",
            "Extra parameters for token must not set client_secret (line 2): it would be stored and shown as it is",
        ),
        ("refresh_parameters", "=x", "Extra parameters for refresh must have a name before = in line 1"),
        ("lifetime", "0", lifetime),
        ("lifetime", "1.5", lifetime),
        ("lifetime", "31536001", lifetime),
        ("time_out", "0", time_out),
        ("time_out", "3601", time_out),
        ("time_out", "ten", time_out),
        ("concurrency", "0", concurrency),
        ("concurrency", "1001", concurrency),
        ("concurrency", "many", concurrency),
        ("stream_idle", "0", stream_idle),
        ("stream_idle", "3601", stream_idle),
        ("proxy_url", "socks4://proxy.example.org", "Proxy must start with http://, https:// or socks5://"),
        (
            "proxy_url",
            "http://a:b@proxy.example.org",
            "Proxy must not contain a user name or password: enter them in the fields for them",
        ),
        ("expired_statuses", "200", "Statuses must be numbers from 300 to 599, parted by commas"),
        ("expired_body", "/error/code", "Field of the response must have =, as in /error/code = token_expired"),
        ("client_id", &"x".repeat(2001), "Client ID must be 2,000 characters or fewer"),
    ] {
        let form = page.form(TAB);
        let form = form
            .set("authorize_url", "https://id.example.org/authorize")
            .set("token_url", "https://id.example.org/token")
            .set("client_id", "app")
            .set("client_secret", "canary-secret")
            .set(field, typed);
        let page = form.send().await.expect(422);
        assert_eq!(page.errors(), errors(&[(field, message)]));
        assert_eq!(page.field_error(field).as_deref(), Some(message));
        assert_eq!(page.field_value(field).trim_start(), typed);
        assert!(!page.html.contains("canary-secret"));
        let hidden = format!("details.more:not([open]) #{field}");
        assert_eq!(page.all(&hidden).count(), 0, "{field} can be seen");
    }
    for (field, message) in [
        ("authentication", "Choose a client authentication"),
        ("scope_separator", "Choose how scopes are separated"),
        ("body_format", "Choose a format"),
        ("refresh_scope", "Choose the scope on refresh"),
    ] {
        let form = page.form(TAB).forge(field, "made-up");
        let page = form.send().await.expect(422);
        assert!(page.errors().contains(&(field.into(), message.into())), "{field}");
    }
    assert_eq!(app.count("SELECT count(*) FROM oauth_clients").await, 0);
}

/// Every setting that is not the usual one.
const SETTINGS: [(&str, &str); 24] = [
    ("issuer", "https://id.example.org"),
    ("authorize_url", "https://id.example.org/authorize"),
    ("token_url", "https://id.example.org/token"),
    ("refresh_url", "https://id.example.org/refresh"),
    ("revocation_url", "https://id.example.org/revoke"),
    ("client_id", "app: <1> & \"2\""),
    ("scope", "read write"),
    ("audience", "the api"),
    ("authentication", "body"),
    ("scope_separator", "comma"),
    ("body_format", "json"),
    ("authorize_parameters", "prompt=consent"),
    ("token_parameters", "a=b"),
    ("refresh_parameters", "c=d"),
    ("lifetime", "3600"),
    ("token_pointer", "/data/token"),
    ("refresh_scope", "granted"),
    ("client_id_name", "appid"),
    ("client_secret_name", "secret"),
    ("time_out", "20"),
    ("concurrency", "3"),
    ("stream_idle", "120"),
    ("expired_statuses", "401, 419"),
    ("expired_body", "/error/code = token_expired"),
];

fn with_all(form: FormFill) -> FormFill {
    let form = SETTINGS.iter().fold(form, |form, (name, value)| form.set(name, value));
    form.set("resources", "https://a.example\nurn:b")
        .set("proxy_url", "http://proxy.example.org:3128")
        .tick("iss_required", "yes")
        .untick("pkce", "yes")
        .set("client_secret", "canary-secret")
}

fn has_all(page: &Page) {
    for (name, value) in SETTINGS {
        assert_eq!(page.field_value(name), value, "{name}");
    }
    let resources = page.field_value("resources");
    assert_eq!(resources.lines().collect::<Vec<_>>(), ["https://a.example", "urn:b"]);
    assert!(page.field_value("proxy_url").starts_with("http://proxy.example.org:3128"));
    assert_eq!(strs(&page.ticked("iss_required")), ["yes"]);
    assert!(page.ticked("pkce").is_empty());
    assert!(!page.html.contains("canary-secret"));
}

#[tokio::test]
async fn saved_settings_read_back_and_are_recorded() {
    let (app, ana, page) = tab(CODE).await;
    has_all(&saved(with_all(page.form(TAB))).await);
    let page = ana.get(TAB).await;
    has_all(&page);
    assert!(page.text().contains("Set on"), "the secret shows as set");
    let line = last_line(&app, "authorization.saved").await;
    for words in [
        "Issuer",
        "Answers must name the issuer",
        "Authorize URL",
        "AccessToken URL",
        "RefreshToken URL",
        "Revocation URL",
        "Client ID",
        "Client authentication",
        "Scope",
        "Scopes are separated by",
        "Resource",
        "Audience",
        "PKCE",
        "Token requests are sent as",
        "Extra parameters for authorize",
        "Extra parameters for token",
        "Extra parameters for refresh",
        "Lifetime of tokens in seconds",
        "Where the token is in the response",
        "Scope on refresh",
        "Name of the client ID parameter",
        "Name of the client secret parameter",
        "Proxy",
        "Time-out in seconds",
        "Statuses that mean the token has ended",
        "Field or text of the response that means it too",
        "Client Secret",
    ] {
        assert!(line.contains(&format!("\"{words}\"")), "{words}: {line}");
    }
    assert!(!line.contains("canary"), "{line}");
    // Saving it again changes nothing.
    saved(page.form(TAB)).await;
    assert_eq!(last_line(&app, "authorization.saved").await, "[]");
}

#[tokio::test]
async fn looking_at_other_methods_keeps_what_was_typed() {
    let (app, _, page) = tab(CODE).await;
    let mut page = page;
    let mut form = with_all(page.form(TAB));
    for method in ["oauth_client_credentials", "oauth_implicit", "basic", "no_auth", "oauth_authorization_code"] {
        let form_now = form.set("auth_method", method);
        page = form_now.press("Show fields for this method").send().await.expect(200);
        assert_eq!(page.field_value("auth_method"), method);
        form = page.form(TAB);
    }
    has_all(&page);
    assert_eq!(page.field_value("client_secret"), "", "a secret never comes back");
    assert_eq!(app.value("SELECT method FROM connectors").await, CODE.code());
    assert_eq!(audited(&app, "authorization.saved").await, 0);
}

#[tokio::test]
async fn a_duplicate_has_all_settings_and_no_secret() {
    let (app, ana, page) = tab(CODE).await;
    saved(with_all(page.form(TAB))).await;
    let id = app.value("SELECT id FROM connectors").await;
    app.store_token(id.parse().expect("an id"), "canary-token", None).await;
    let details = ana.get("/connectors/payroll/details").await;
    let form = details.form("/connectors/payroll/duplicates");
    form.send().await.expect(303);
    has_all(&ana.get("/connectors/payroll-copy/authorization").await);
    for rows in [
        "SELECT to_jsonb(o) - 'connector_id' FROM oauth_clients o",
        "SELECT to_jsonb(a) - '{connector_id,version,updated_at,updated_by}'::text[] FROM authorizations a",
    ] {
        let rows = app.rows(rows).await;
        assert_eq!((rows.len(), &rows[0]), (2, &rows[1]));
    }
    for table in ["secrets", "tokens", "renewals"] {
        let count = app.count(&format!("SELECT count(*) FROM {table}")).await;
        assert_eq!(count, 1, "{table}");
    }
}
