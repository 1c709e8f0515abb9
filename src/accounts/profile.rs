//! The profile page: who one is here, what one may do, and one's own API keys.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use crate::access::{Actor, Permission, Visit};
use crate::programs::{KeyTable, table_of_person};
use crate::web::{Error, Shell, page};

#[derive(Template)]
#[template(path = "accounts/profile.html")]
struct ProfilePage {
    shell: Shell,
    person: Actor,
    keys: KeyTable,
}

impl ProfilePage {
    /// What the person may do, in words.
    fn permissions(&self) -> Vec<&'static str> {
        let may = Permission::all().filter(|permission| self.person.may(*permission));
        may.map(Permission::label).collect()
    }
}

pub async fn show(visit: Visit) -> Result<HttpResponse, Error> {
    let conn = visit.conn().await?;
    let keys = table_of_person(&visit, &conn).await?;
    page(
        StatusCode::OK,
        &ProfilePage {
            shell: visit.shell,
            person: visit.actor,
            keys,
        },
    )
}
