//! The profile page, and a person's own keys.

use connectory::access::Permission::{CallConnectors, ManageUsers, ViewConnectors};
use connectory::access::{HolderKind, Wants};

use super::{key, key_to_all, presented, program, recorded, told};
use crate::support::{TestApp, strs};

#[tokio::test]
async fn the_own_name_leads_to_the_profile() {
    let app = TestApp::start().await;
    let ben = app.person(&[CallConnectors]).await;
    let page = ben.get("/connectors").await;
    let page = page.click(&page.texts("header .me a")[0]).await.expect(200);
    assert_eq!((page.path.as_str(), page.h1().as_str()), ("/profile", "Your profile: Details"));
    let text = page.text();
    assert!(text.contains(&ben.user().name) && text.contains(&ben.user().username), "{text}");
    assert!(text.contains("Call Data Connectors"), "{text}");
    let keys = page.click("API keys").await.expect(200);
    assert_eq!(keys.path, "/profile/keys");
    assert!(keys.text().contains("You have no API key yet."));
    assert!(!text.contains("Manage Users"));
    let ana = app.super_admin().await;
    assert!(ana.get("/profile").await.text().contains("Super Admin: everything"));
}

#[tokio::test]
async fn an_own_key_acts_in_the_persons_name() {
    let app = TestApp::start().await;
    let payroll = app.connector("Payroll").await;
    let ben = app.person(&[CallConnectors]).await;
    let (text, page) = key(&ben, "/profile").await;
    ben.get(&format!("{page}/connectors/payroll")).await.submit(|form| form.tick("proxy", "yes")).await.expect(303);
    let holder = presented(&app, &text).await.expect("the key works");
    assert_eq!((holder.kind, holder.id), (HolderKind::User, ben.user().id));
    assert_eq!(&*holder.name, ben.user().name);
    assert_eq!(told(&app, &text, payroll, Wants::Proxy { method: "GET" }).await, "");
    let page = ben.get("/profile/keys").await;
    assert_eq!(strs(&page.rows()[0][..4]), ["Nightly export", &text[..12], "1 data connector", "All"]);
    assert!(!page.html.contains(&text[13..]));
    let lines = recorded(&app, "api_key.created").await;
    assert_eq!(lines[0][1], ben.user().name);
    assert!(lines[0][3].contains(r#""field": "Person""#), "{}", lines[0][3]);
}

#[tokio::test]
async fn who_may_not_call_can_look_at_keys_and_revoke_them_and_nothing_else() {
    let app = TestApp::start().await;
    let ben = app.person(&[CallConnectors]).await;
    let (text, page) = key_to_all(&ben, "/profile").await;
    app.sql("DELETE FROM user_permissions WHERE permission = 'call-data-connectors'").await;
    assert_eq!(presented(&app, &text).await.err(), Some("key_holder_not_permitted"));
    let profile = ben.get("/profile/keys").await.expect(200);
    assert!(profile.text().contains("Your keys are refused at present.") && !profile.has_link("Add API key"));
    let shown = ben.get(&page).await.expect(200);
    assert!(shown.text().contains("refused at present"));
    assert!(!shown.has_link("Add a data connector") && !shown.has_link("Edit name, expiry and methods"));
    for path in [
        "/profile/keys/new",
        &format!("{page}/edit"),
        &format!("{page}/connectors/new"),
        &format!("{page}/connectors/_all"),
    ] {
        let refused = ben.get(path).await.expect(403);
        assert!(refused.text().contains("“Call Data Connectors”"), "{path}");
    }
    ben.post("/profile/keys", &[("key_name", "x")]).await.expect(403);
    ben.get(&format!("{page}/connectors/_all/removal")).await.submit(|form| form).await.expect(303);
    shown.click("Revoke").await.submit(|form| form).await.expect(303);
    assert_eq!(presented(&app, &text).await.err(), Some("key_revoked"));
    let newcomer = app.person(&[ViewConnectors]).await;
    assert!(
        newcomer.get("/profile/keys").await.text().contains("For that you need the permission “Call Data Connectors”")
    );
}

#[tokio::test]
async fn nobody_sees_or_revokes_another_persons_keys() {
    let app = TestApp::start().await;
    let (ben, eve) = (app.person(&[CallConnectors]).await, app.super_admin().await);
    let (text, page) = key_to_all(&ben, "/profile").await;
    for rest in ["", "/edit", "/revocation", "/connectors/new", "/connectors/_all"] {
        eve.get(&format!("{page}{rest}")).await.expect(404);
    }
    eve.post(&format!("{page}/revocation"), &[]).await.expect(404);
    assert!(eve.get("/profile").await.rows().is_empty());
    assert!(presented(&app, &text).await.is_ok());
    // Nor is a program's key one's own.
    let address = program(&eve, "Billing").await;
    let (_, page) = key(&eve, &address).await;
    let id = page.rsplit('/').next().expect("an id");
    eve.get(&format!("/profile/keys/{id}")).await.expect(404);
    let ana = app.person(&[ManageUsers]).await;
    ana.get(&page).await.expect(200);
}
