//! Two programs on one database.

use super::*;
use crate::support::PASSWORD;
use crate::support::program::{Installation, Program};

/// The words of a test that has called the API.
const CALLED: &str = "The API answered 200";

/// Programs on the site's database.
fn start(app: &TestApp) -> Vec<(Installation, Program)> {
    let mut programs = Vec::new();
    for _ in 0..2 {
        let installation = app.another_program();
        let program = installation.serve();
        programs.push((installation, program));
    }
    programs
}

/// Somebody signed in at this program, with so many forms to press “Test connection” in.
async fn tester(program: &Program, username: &str, forms: usize) -> Vec<crate::support::FormFill> {
    let browser = program.browser();
    browser.sign_in(username, PASSWORD).await.expect(303);
    let tab = browser.get(TAB).await.expect(200);
    let form = || tab.form(TAB).press("Test connection");
    (0..forms).map(|_| form()).collect()
}

/// The stored token ends, by the clock of the machine.
async fn end_token(app: &TestApp) {
    app.sql(
        "UPDATE tokens SET obtained_at = obtained_at - interval '2 hours',
                           expires_at = expires_at - interval '2 hours';
         UPDATE renewals SET due_at = NULL",
    )
    .await;
}

#[tokio::test]
async fn fifty_calls_of_each_cause_one_request() {
    let site = authorized().await;
    let programs = start(&site.app);
    // Each program lets a person ask other servers thirty times at once.
    let colleague = site.app.super_admin().await;
    let mut forms = Vec::new();
    for (_, program) in &programs {
        for person in [&site.admin, &colleague] {
            forms.extend(tester(program, &person.user().username, 25).await);
        }
    }
    end_token(&site.app).await;
    site.server.delay(Duration::from_millis(500)).await;
    let pages = join_all(forms.into_iter().map(|form| form.send())).await;
    for page in pages {
        let text = page.expect(200).text();
        assert!(text.contains(CALLED), "{text}");
    }
    let seen = site.server.seen().await;
    let refused = seen.token.iter().filter(|request| request.status != 200);
    assert_eq!((seen.arrived, refused.count()), (1, 0));
    assert_eq!((seen.api.ok, seen.api.refused), (100, 0));
}

#[tokio::test]
async fn one_is_killed_while_it_asks_and_the_other_goes_on() {
    let site = authorized_with(|setup| setup.rotate = false).await;
    site.app.sql("UPDATE authorizations SET time_out = 2").await;
    let mut programs = start(&site.app);
    let username = &site.admin.user().username;
    let survivor = tester(&programs[1].1, username, 1).await.remove(0);
    let victim = tester(&programs[0].1, username, 1).await.remove(0);
    end_token(&site.app).await;
    site.server.delay(Duration::from_millis(1500)).await;
    {
        let asking = std::pin::pin!(victim.send());
        let arrived = std::pin::pin!(site.server.seen_when_arrived(1));
        futures_util::future::select(asking, arrived).await;
    }
    // SIGKILL.
    drop(programs.remove(0));
    site.server.delay(Duration::ZERO).await;
    let text = survivor.send().await.expect(200).text();
    assert!(text.contains(CALLED), "{text}");
    assert_eq!(site.server.seen().await.arrived, 2);
}
