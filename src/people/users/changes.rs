//! What is done to a user besides editing: deactivating, ending sessions, disconnecting from the sign-in provider, super
//! admin, deleting. Each but the harmless ones asks first, and says why where it is not possible.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use uuid::Uuid;

use super::model::{User, guard};
use super::queries;
use crate::access::{RequestContext, SignInGuard};
use crate::accounts::SessionTable;
use crate::audit::Change;
use crate::db::{Conn, Connection};
use crate::people::groups::{self, Member};
use crate::people::listings::listings;
use crate::people::refusal::{ChangeError, Refusal, answer};
use crate::web::{Confirmation, Error, FormData, Layout, Segment, Segments, counted, page, plural};

/// The user of an address, for a person who may change them.
pub(super) async fn load(context: &RequestContext, id: Uuid) -> Result<(Connection, User), Error> {
    let mut conn = context.conn().await?;
    let user = queries::find(&mut conn, id).await?;
    guard(&context.actor, &user)?;
    Ok((conn, user))
}

/// Asks, or says why it is not possible.
pub(super) fn ask_first(
    context: RequestContext,
    user: &User,
    question: Confirmation,
    refusal: Option<Refusal>,
) -> Result<HttpResponse, Error> {
    let question = match refusal {
        Some(refusal) => refusal.put_into(question, &user.name),
        None => question,
    };
    question.respond(context.layout, StatusCode::OK)
}

/// Why the user cannot lose what makes them an active super admin, or their account, by this person.
async fn needed(context: &RequestContext, conn: &mut Conn, user: &User) -> Result<Option<Refusal>, Error> {
    if user.is(&context.actor) { Ok(Some(Refusal::Yourself)) } else { queries::last_of_super_admins(conn, user).await }
}

pub async fn confirm_deactivation(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let (sessions, _) = queries::sessions_of(&mut conn, user.id, context.now()).await?;
    let refusal = needed(&context, &mut conn, &user).await?;
    ask_first(context, &user, deactivation(&user, sessions), refusal)
}

pub async fn deactivate(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let changed = queries::set_active(&mut Change::new(&mut conn, &context), user.id, false).await;
    let done = (&*user.address(), "The user was deactivated");
    answer(context, changed, done, (deactivation(&user, 0), &user.name))
}

fn deactivation(user: &User, sessions: i64) -> Confirmation {
    let name = &user.name;
    let sessions = match sessions {
        0 => "No session is open.".into(),
        _ => format!("{} at once.", plural(sessions, "session ends", "sessions end")),
    };
    Confirmation {
        question: format!("Deactivate “{name}”?"),
        sentences: vec![
            format!("{name} cannot sign in any more. {sessions} Links to set a password stop working.").into(),
            "Permissions and groups are kept, for when the user is reactivated.".into(),
        ],
        action: format!("{}/deactivations", user.address()),
        button: format!("Deactivate “{name}”"),
        ..user.confirmation("Deactivate")
    }
}

/// Needs no question: it is undone as easily.
pub async fn reactivate(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let changed = queries::set_active(&mut Change::new(&mut conn, &context), user.id, true).await;
    answer_on_page(&context, changed, &user, "The user was reactivated")
}

pub async fn confirm_sign_out(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let (number, _) = queries::sessions_of(&mut conn, user.id, context.now()).await?;
    let name = &user.name;
    let question = Confirmation {
        question: format!("End all sessions of “{name}”?"),
        sentences: vec![
            format!(
                "{} at once. What is typed into an open form there and not saved is lost.",
                plural(number, "session ends", "sessions end")
            )
            .into(),
            "The password stays as it is: the user can sign in again. To prevent that, deactivate the user or make a new link to set a password.".into(),
        ],
        action: format!("{}/sign-outs", user.address()),
        button: format!("End all sessions of “{name}”"),
        ..user.confirmation("End sessions")
    };
    ask_first(context, &user, question, None)
}

pub async fn sign_out(context: RequestContext, Segment(id): Segment<Uuid>, _: FormData) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let changed = queries::sign_out(&mut Change::new(&mut conn, &context), user.id).await;
    answer_on_page(&context, changed, &user, "All sessions of the user were ended")
}

/// Answers a change that needs no question: with its outcome on the user's page, or with why it cannot be done.
fn answer_on_page(
    context: &RequestContext,
    changed: Result<(), ChangeError>,
    user: &User,
    outcome: &str,
) -> Result<HttpResponse, Error> {
    match changed {
        Ok(()) => Ok(context.see_other(&user.address(), outcome)),
        Err(ChangeError::Refused(refusal)) => Ok(context.see_other_undone(&user.address(), refusal.to_string())),
        Err(ChangeError::Fault(fault)) => Err(fault),
    }
}

/// Where a user is signed in.
#[derive(Template)]
#[template(path = "people/sessions.html")]
struct SessionsPage {
    layout: Layout,
    user: User,
    table: SessionTable,
}

pub async fn sessions(
    context: RequestContext,
    sign_in: web::Data<SignInGuard>,
    Segment(id): Segment<Uuid>,
) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let table = SessionTable::of(&context, &sign_in, &mut conn, user.id, user.address()).await?;
    page(StatusCode::OK, &SessionsPage { layout: context.layout, user, table })
}

pub async fn end_session(
    context: RequestContext,
    Segments([id, session]): Segments<2, Uuid>,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let ended = queries::end_session(&mut Change::new(&mut conn, &context), user.id, session).await?;
    Ok(context.see_other(&format!("{}/sessions", user.address()), SessionTable::outcome(ended)))
}

pub async fn confirm_disconnection(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (_, user) = load(&context, id).await?;
    let refusal = user.is(&context.actor).then_some(Refusal::Yourself);
    ask_first(context, &user, disconnection(&user), refusal)
}

pub async fn disconnect(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    _: FormData,
) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let changed = queries::disconnect(&mut Change::new(&mut conn, &context), user.id).await;
    let done = (&*user.address(), "The user is not connected with the sign-in provider any more");
    answer(context, changed, done, (disconnection(&user), &user.name))
}

fn disconnection(user: &User) -> Confirmation {
    let name = &user.name;
    let then = if user.has_password {
        format!("{name} signs in with the password from now on.")
    } else {
        format!(
            "{name} has no password, and cannot sign in until you make a set-password link. With a password, {name} can connect the account again."
        )
    };
    Confirmation {
        question: format!("Disconnect “{name}” from the sign-in provider?"),
        sentences: vec![
            "This person can no longer sign in to this account with the provider. All sessions end.".into(),
            then.into(),
        ],
        action: format!("{}/disconnections", user.address()),
        button: format!("Disconnect “{name}”"),
        ..user.confirmation("Disconnect")
    }
}

pub async fn confirm_super_admin(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let makes = !user.super_admin;
    let refusal = match makes && !user.active {
        true => Some(Refusal::Deactivated),
        false => queries::last_of_super_admins(&mut conn, &user).await?,
    };
    let question = super_admin_question(&context, &user, makes);
    ask_first(context, &user, question, refusal)
}

/// The form says what is wanted, so that two who press at once do not undo each other.
pub async fn set_super_admin(
    context: RequestContext,
    Segment(id): Segment<Uuid>,
    data: FormData,
) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let makes = match data.get("super_admin") {
        Some("yes") => true,
        Some("no") => false,
        _ => return Err(Error::BadRequest("The form does not say what is wanted.")),
    };
    let outcome = if makes { "The user is a super admin now" } else { "The user is no super admin any more" };
    let changed = queries::set_super_admin(&mut Change::new(&mut conn, &context), user.id, makes).await;
    // A person who was a super admin and nothing else may see no page about people from now on.
    let to = if user.is(&context.actor) { "/".into() } else { user.address() };
    let question = super_admin_question(&context, &user, makes);
    answer(context, changed, (&to, outcome), (question, &user.name))
}

fn super_admin_question(context: &RequestContext, user: &User, makes: bool) -> Confirmation {
    let name = &user.name;
    let (question, sentences, button) = if makes {
        (
            format!("Make “{name}” a super admin?"),
            vec![
                "A super admin passes every check: may do everything with every data connector, every user and every group, and make other super admins.".into(),
                "Links to set a password that others have made for this user stop working.".into(),
            ],
            format!("Make “{name}” a super admin"),
        )
    } else {
        let first = match user.is(&context.actor) {
            true => "This is your own account: only another super admin can give these rights back to you.",
            false => "It counts on the user’s next request.",
        };
        let remains = "What remains are the user’s own permissions and those of the user’s groups.";
        (
            format!("Take the rights of a super admin from “{name}”?"),
            vec![format!("{first} {remains}").into()],
            format!("Take super admin from “{name}”"),
        )
    };
    Confirmation {
        question,
        sentences,
        action: format!("{}/super-admin", user.address()),
        fields: vec![("super_admin", if makes { "yes" } else { "no" }.into())],
        button,
        ..user.confirmation("Super admin")
    }
}

pub async fn confirm_delete(context: RequestContext, Segment(id): Segment<Uuid>) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let (id, now) = (user.id, context.now());
    let groups = groups::joined(&mut conn, id).await?.len();
    let (sessions, _) = queries::sessions_of(&mut conn, id, now).await?;
    let keys = queries::api_keys_of(&mut conn, id, now).await?;
    let listing = listings(&mut conn, &context.actor, Member::User(id)).await?;
    let listed = listing.words("the user").map(|words| format!("{words}. That is deleted, too."));
    let owned = listing.owned_words("the user");
    let lost = format!(
        "Deleted with the user: {}, {}, {}, and the user’s own permissions.",
        counted(groups, "membership in a group", "memberships in groups"),
        plural(sessions, "session", "sessions"),
        plural(keys, "API key", "API keys"),
    );
    let refusal = needed(&context, &mut conn, &user).await?;
    ask_first(context, &user, deletion(&user, &lost, listed.into_iter().chain(owned)), refusal)
}

pub async fn delete(context: RequestContext, Segment(id): Segment<Uuid>, _: FormData) -> Result<HttpResponse, Error> {
    let (mut conn, user) = load(&context, id).await?;
    let changed = queries::delete(&mut Change::new(&mut conn, &context), user.id).await;
    answer(context, changed, ("/users", "The user was deleted"), (deletion(&user, "", None.into_iter()), &user.name))
}

fn deletion(user: &User, lost: &str, connectors: impl Iterator<Item = String>) -> Confirmation {
    let name = &user.name;
    let sentences = std::iter::once(format!("This cannot be undone. {lost}")).chain(connectors).chain([
        "The name stays in the audit log, and beside what the user has created or changed.".into(),
        "To only prevent the user from signing in, deactivate the user instead.".into(),
    ]);
    Confirmation {
        question: format!("Are you sure you want to delete “{name}”?"),
        sentences: sentences.map(Into::into).collect(),
        action: format!("{}/delete", user.address()),
        button: format!("Delete “{name}”"),
        ..user.confirmation("Delete")
    }
}
