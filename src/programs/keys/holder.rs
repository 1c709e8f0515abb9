//! The holder of keys.

use uuid::Uuid;

use crate::access::{HolderKind, Permission, RequestContext};
use crate::db::Conn;
use crate::programs::model::Program;
use crate::programs::queries;
use crate::web::{Error, segment};

/// A program, or the person who looks at their own keys.
#[derive(Clone)]
pub struct Holder {
    pub kind: HolderKind,
    pub id: Uuid,
    pub name: String,
    /// May call data connectors at present: an active program, or a person with the permission.
    pub may_call: bool,
    /// May be given the right to read access tokens: a person only who may edit data connectors.
    pub may_read_tokens: bool,
}

impl Holder {
    /// The holder that the address names. Keys under `/profile` are those of the signed-in person.
    pub async fn of(context: &RequestContext, conn: &mut Conn) -> Result<Holder, Error> {
        match context.req.match_info().get("program") {
            Some(_) => Ok(Holder::program(&queries::find(conn, segment(&context.req, "program")?).await?)),
            None => Holder::person(context),
        }
    }

    pub fn program(program: &Program) -> Holder {
        Holder {
            kind: HolderKind::Program,
            id: program.id,
            name: program.name.clone(),
            may_call: program.active,
            may_read_tokens: true,
        }
    }

    pub fn person(context: &RequestContext) -> Result<Holder, Error> {
        let may_call = context.may(Permission::CallConnectors);
        Ok(Holder {
            kind: HolderKind::User,
            id: context.user()?,
            name: context.actor.name.clone(),
            may_call,
            may_read_tokens: may_call && context.may(Permission::EditConnectors),
        })
    }

    pub fn is_program(&self) -> bool {
        self.kind == HolderKind::Program
    }

    /// May get new keys, and more for its keys to call: an inactive program can be prepared, a person without the
    /// permission cannot.
    pub fn may_have_keys(&self) -> bool {
        self.is_program() || self.may_call
    }

    /// Where the holder's page is; the addresses of its keys begin with it.
    pub fn address(&self) -> String {
        match self.kind {
            HolderKind::Program => format!("/programs/{}", self.id),
            HolderKind::User => "/profile".into(),
        }
    }

    /// Where the holder's keys are listed.
    pub fn list_address(&self) -> String {
        match self.kind {
            HolderKind::Program => self.address(),
            HolderKind::User => "/profile/keys".into(),
        }
    }

    /// Where the page of a key is.
    pub fn key_address(&self, key: Uuid) -> String {
        format!("{}/keys/{key}", self.address())
    }

    /// What audit entries call the kind.
    pub fn kind_word(&self) -> &'static str {
        match self.kind {
            HolderKind::Program => "Program",
            HolderKind::User => "Person",
        }
    }
}
