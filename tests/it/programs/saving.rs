//! Creating and editing a program.

use connectory::access::Permission::ManageUsers;
use futures_util::future::join_all;

use super::{error, program, recorded};
use crate::support::TestApp;

#[tokio::test]
async fn a_program_is_created_and_recorded() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let page = ana.get("/programs/new").await.expect(200);
    let form = page
        .main_form()
        .set("program_name", "  Billing  job ")
        .set("description", "Sends <b>bills</b> & \"reminders\"");
    let page = form.send().await.expect(303).follow().await.expect(200);
    assert_eq!(page.h1(), "Billing job: Program");
    assert!(page.flash().starts_with("The program was created"));
    assert!(page.text().contains("Sends <b>bills</b> & \"reminders\""));
    assert!(!page.html.contains("<b>bills"), "it is escaped");
    let lines = recorded(&app, "program.").await;
    assert_eq!(lines.len(), 1);
    assert_eq!(lines[0][..3], ["program.created", ana.user().name.as_str(), "Billing job"]);
}

#[tokio::test]
async fn what_is_wrong_is_kept_with_what_to_do() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    program(&ana, "Straße").await;
    let page = ana.get("/programs/new").await;
    let long = "é".repeat(101);
    for (typed, message) in [
        ("", "Enter a name"),
        (
            "<script>alert(1)</script>",
            "A name can have letters, numbers, spaces, apostrophes, hyphens, underscores and full stops. Remove “<”.",
        ),
        ("STRASSE", "A program named “STRASSE” already exists"),
        (&long, "Name must be 100 characters or fewer"),
    ] {
        let form = page.main_form().set("program_name", typed);
        let page = form.set("description", "kept").set("status", "inactive").send().await.expect(422);
        assert_eq!(page.errors(), error("program_name", message));
        assert_eq!(page.title(), "Error: Create program – Connectory");
        let kept = [page.field_value("program_name"), page.field_value("description"), page.field_value("status")];
        assert_eq!(
            kept,
            [typed.to_string(), "\nkept".into(), "inactive".into()]
                .map(|text| text.trim_start_matches('\n').to_string())
        );
        assert!(!page.html.contains("<script>alert"));
    }
    let form = page.main_form().set("program_name", "Fine");
    let answer = form.set("description", &"x".repeat(4001)).send().await.expect(422);
    assert_eq!(answer.errors(), error("description", "Description must be 4,000 characters or fewer"));
    let form = page.main_form().set("program_name", "Fine");
    let answer = form.forge("status", "deleted").send().await.expect(422);
    assert_eq!(answer.errors(), error("status", "Choose Active or Inactive"));
    assert_eq!(app.count("SELECT count(*) FROM programs").await, 1);
}

#[tokio::test]
async fn twenty_programs_of_one_name_at_once_make_one() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    app.confirm(&ana).await;
    let mut forms = Vec::new();
    for number in 0..20 {
        let page = ana.get("/programs/new").await;
        let name = ["Billing", "BILLING", " billing "][number % 3];
        forms.push(page.main_form().set("program_name", name));
    }
    let answers = join_all(forms.into_iter().map(|form| form.send())).await;
    let made = answers.iter().filter(|answer| answer.status == 303).count();
    let refused = answers.iter().filter(|answer| answer.status == 422).count();
    assert_eq!((made, refused), (1, 19));
    assert_eq!(app.count("SELECT count(*) FROM programs").await, 1);
    assert_eq!(recorded(&app, "program.").await.len(), 1);
}

#[tokio::test]
async fn pressing_twice_creates_one() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let page = ana.get("/programs/new").await;
    let send = || page.main_form().set("program_name", "Billing").send();
    let (one, other) = (send().await.expect(303), send().await.expect(303));
    assert_eq!(one.location(), other.location());
    assert_eq!(app.count("SELECT count(*) FROM programs").await, 1);
}

#[tokio::test]
async fn a_change_is_saved_and_recorded_field_by_field() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    let address = program(&ana, "Billing").await;
    let page = ana.get(&address).await.click("Edit program").await.expect(200);
    let form = page.main_form().set("program_name", "Bills").set("status", "inactive");
    let page = form.send().await.expect(303).follow().await;
    assert_eq!((page.path.as_str(), page.flash().as_str()), (address.as_str(), "The program was saved"));
    assert!(page.text().contains("This program is inactive."));
    let lines = recorded(&app, "program.saved").await;
    let changes = r#"[{"to": "Bills", "from": "Billing", "field": "Name"}, {"to": "Inactive", "from": "Active", "field": "Status"}]"#;
    assert_eq!(lines[0][2..], ["Bills", changes]);
}

#[tokio::test]
async fn the_second_of_two_who_edit_sees_both_versions() {
    let app = TestApp::start().await;
    let (ana, ben) = (app.person(&[ManageUsers]).await, app.person(&[ManageUsers]).await);
    let address = program(&ana, "Billing").await;
    let edit = format!("{address}/edit");
    let (mine, theirs) = (ana.get(&edit).await, ben.get(&edit).await);
    theirs.submit(|form| form.set("description", "Theirs")).await.expect(303);
    let page = mine.submit(|form| form.set("description", "Mine <i>")).await.expect(409);
    assert_eq!(page.h1(), "Someone else saved this first");
    let rows = page.rows();
    assert_eq!(rows, [["Description", "Theirs", "Mine <i>"]]);
    page.submit(|form| form).await.expect(303);
    assert_eq!(app.value("SELECT description FROM programs").await, "Mine <i>");
}

#[tokio::test]
async fn an_address_of_nothing_is_not_found() {
    let app = TestApp::start().await;
    let ana = app.person(&[ManageUsers]).await;
    for id in ["x", "00000000-0000-7000-8000-000000000009", "%00", "..%2f"] {
        for rest in ["", "/edit", "/delete", "/keys/new", "/keys/00000000-0000-7000-8000-000000000009"] {
            ana.get(&format!("/programs/{id}{rest}")).await.expect(404);
        }
    }
}
