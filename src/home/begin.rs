//! How to begin: the steps from an empty site to the first call of a program, of which those that are done are ticked.
//!
//! Rule: it is for people who may create data connectors and see all of them, because the ticks say what there is. It is
//! gone once all is done; calls are not kept for ever, so the last use of a key counts for them as well.

use askama::Template;
use askama::filters::HtmlSafe;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel_async::RunQueryDsl;

use crate::access::{Permission, RequestContext};
use crate::db::Conn;
use crate::web::Error;

/// One step. `href` is empty for a person who may not take it.
struct Step {
    is_done: bool,
    href: String,
    words: &'static str,
    rest: &'static str,
}

/// The list of steps.
#[derive(Template)]
#[template(path = "home/begin.html")]
pub(super) struct Begin {
    steps: Vec<Step>,
}

impl HtmlSafe for Begin {}

impl Begin {
    /// The steps for this person; `None` once all are done, or if they are not for them.
    pub(super) async fn of(context: &RequestContext, conn: &mut Conn) -> Result<Option<Begin>, Error> {
        if !context.may(Permission::CreateConnectors) || context.actor.visibility.is_limited() {
            return Ok(None);
        }
        let steps = steps(conn, context.may(Permission::ManageUsers)).await?;
        Ok((!steps.iter().all(|step| step.is_done)).then_some(Begin { steps }))
    }

    fn done(&self) -> usize {
        self.steps.iter().filter(|step| step.is_done).count()
    }
}

/// What there is, of all people together.
#[derive(QueryableByName)]
struct Facts {
    /// The key of the newest connector.
    #[diesel(sql_type = Nullable<Text>)]
    newest: Option<String>,
    #[diesel(sql_type = Bool)]
    credential: bool,
    #[diesel(sql_type = Bool)]
    endpoint: bool,
    #[diesel(sql_type = Bool)]
    call: bool,
    #[diesel(sql_type = Bool)]
    key: bool,
    #[diesel(sql_type = Bool)]
    used_key: bool,
}

/// Each is found by the first row. A connector without authorization needs no credential.
const FACTS: &str = "SELECT
    (SELECT key FROM connectors WHERE deleted_at IS NULL ORDER BY created_at DESC, id LIMIT 1) AS newest,
    EXISTS (SELECT FROM secrets) OR EXISTS (SELECT FROM tokens)
        OR EXISTS (SELECT FROM connectors WHERE deleted_at IS NULL AND method = 'no_auth') AS credential,
    EXISTS (SELECT FROM endpoints) AS endpoint,
    EXISTS (SELECT FROM calls) AS call,
    EXISTS (SELECT FROM api_keys) AS key,
    EXISTS (SELECT FROM api_keys WHERE last_used_at IS NOT NULL) AS used_key";

async fn steps(conn: &mut Conn, may_manage: bool) -> Result<Vec<Step>, Error> {
    let Facts { newest, credential, endpoint, call, key, used_key } = sql_query(FACTS).get_result(conn).await?;
    let at_newest = |tab: &str| newest.as_ref().map_or(String::new(), |key| format!("/connectors/{key}/{tab}"));
    Ok(vec![
        Step {
            is_done: newest.is_some(),
            href: "/connectors/new".into(),
            words: "Create a data connector",
            rest: "with the base URL of an API.",
        },
        Step {
            is_done: credential,
            href: at_newest("authorization"),
            words: "Enter the credential, or get a token,",
            rest: "on its Authorization tab, and press Test connection.",
        },
        Step {
            is_done: endpoint && (call || used_key),
            href: at_newest("endpoints"),
            words: "Add an endpoint and press Run",
            rest: "on its Endpoints tab.",
        },
        Step {
            is_done: key,
            href: if may_manage { "/programs".into() } else { String::new() },
            words: "Create a program and an API key",
            rest: "that can call the data connector.",
        },
        Step {
            is_done: used_key,
            href: "/api/v1".into(),
            words: "Call the API with the key",
            rest: "as the API reference shows.",
        },
    ])
}
