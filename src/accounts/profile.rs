//! The profile page: who one is here, what one may do, and one's own API keys.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

use super::SignInProvider;
use crate::access::{Actor, Permission, Visit};
use crate::programs::{KeyTable, table_of_person};
use crate::web::{Error, Shell, page};

#[derive(Template)]
#[template(path = "accounts/profile.html")]
struct ProfilePage {
    shell: Shell,
    person: Actor,
    keys: KeyTable,
    provider: SignInProvider,
}

impl ProfilePage {
    /// What the person may do, in words.
    fn permissions(&self) -> Vec<&'static str> {
        let may = Permission::all().filter(|permission| self.person.may(*permission));
        may.map(Permission::label).collect()
    }
}

pub async fn show(
    visit: Visit,
    provider: web::Data<SignInProvider>,
) -> Result<HttpResponse, Error> {
    let conn = visit.conn().await?;
    let keys = table_of_person(&visit, &conn).await?;
    page(
        StatusCode::OK,
        &ProfilePage {
            shell: visit.shell,
            person: visit.actor,
            keys,
            provider: SignInProvider::clone(&provider),
        },
    )
}
