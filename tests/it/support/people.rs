//! People with permissions, signed in.

use std::sync::atomic::Ordering;

use connectory::access::{Actor, Permission, PermissionSet};
use connectory::accounts::{self, NewUser, Username};
use connectory::audit::Change;
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{Browser, Page, TestApp};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// Its hash, made once: that is slow on purpose.
static PASSWORD_HASH: OnceCell<String> = OnceCell::const_new();

/// A user of a test.
#[derive(Clone)]
pub struct User {
    pub id: Uuid,
    pub username: String,
    /// What pages and audit lines call them.
    pub name: String,
}

impl User {
    /// What pages and columns call them where they say who did something.
    pub fn attribution(&self) -> String {
        format!("{} ({})", self.name, self.username)
    }
}

impl TestApp {
    /// A super admin, signed in.
    pub async fn super_admin(&self) -> Browser {
        let user = self.create_user(true, PermissionSet::default()).await;
        self.signed_in(user).await
    }

    /// Somebody with these permissions, and those that they require, signed in.
    pub async fn person(&self, permissions: &[Permission]) -> Browser {
        let user = self.user(permissions).await;
        self.signed_in(user).await
    }

    /// The same, not signed in.
    pub async fn user(&self, permissions: &[Permission]) -> User {
        self.founded().await;
        self.create_user(false, PermissionSet::with_required(permissions.iter().copied())).await
    }

    /// Leaves the first run behind: somebody is super admin, who does nothing more.
    pub async fn founded(&self) {
        let found = async || {
            self.create_user(true, PermissionSet::default()).await;
        };
        self.founder.get_or_init(found).await;
    }

    /// Somebody of this user name and name, not signed in.
    pub async fn user_named(&self, username: &str, name: &str, permissions: &[Permission]) -> User {
        self.founded().await;
        let permissions = PermissionSet::with_required(permissions.iter().copied());
        self.store_user((username.into(), name.into()), false, permissions).await
    }

    async fn create_user(&self, super_admin: bool, permissions: PermissionSet) -> User {
        let number = self.people.fetch_add(1, Ordering::Relaxed) + 1;
        let names = (format!("person{number}"), format!("Person {number}"));
        self.store_user(names, super_admin, permissions).await
    }

    async fn store_user(
        &self,
        (username, name): (String, String),
        super_admin: bool,
        permissions: PermissionSet,
    ) -> User {
        let hash = PASSWORD_HASH.get_or_init(|| async { self.hasher.hash(PASSWORD.into()).await.expect("a hash") });
        let new = NewUser {
            id: Uuid::now_v7(),
            username: Username::parse(&username).expect("a user name"),
            name: name.clone(),
            password_hash: Some(hash.await.clone()),
            super_admin,
            permissions,
        };
        let mut conn = self.conn().await;
        let change = &mut Change { conn: &mut conn, by: &Actor::command_line(), now: self.clock.now() };
        accounts::insert(change, &new).await.expect("a new user");
        User { id: new.id, username, name }
    }

    /// Takes this person's own password as entered, for as long as the test takes.
    pub async fn confirm(&self, person: &Browser) {
        self.sql(&format!("UPDATE sessions SET confirmed_at = '2200-01-01' WHERE user_id = '{}'", person.user().id))
            .await;
    }

    /// Signs a user in, in a browser of their own.
    pub async fn signed_in(&self, user: User) -> Browser {
        let browser = self.browser().of(user.clone());
        let answer = browser.sign_in(&user.username, PASSWORD).await;
        assert_eq!(answer.status, 303, "signing in: {}", answer.text());
        browser
    }
}

impl Browser {
    /// Fills in the sign-in page and sends it.
    pub async fn sign_in(&self, username: &str, password: &str) -> Page {
        self.get("/sign-in").await.form("/sign-in").set("username", username).set("password", password).send().await
    }
}
