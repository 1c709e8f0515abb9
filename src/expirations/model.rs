//! What ends.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::db::{Stored, StoredValueError, text_enum};
use crate::web::{Column, Row};

text_enum! {
    /// The kinds of things that end.
    pub enum Kind {
        AccessToken = "access_token", "Access token";
        RefreshToken = "refresh_token", "Refresh token";
        Secrets = "secrets", "Secrets";
        ClientCertificate = "client_certificate", "Client certificate";
        ProgramKey = "program_key", "API key of a program";
        PersonKey = "person_key", "API key of a person";
    }
}

text_enum! {
    /// The times that the list can be narrowed to.
    pub(super) enum Within {
        Expired = "expired", "Expired";
        Week = "7", "In the next 7 days";
        Month = "30", "In the next 30 days";
        Quarter = "90", "In the next 90 days";
    }
}

impl Within {
    /// From when on, and until when.
    pub fn span(self, now: DateTime<Utc>) -> (DateTime<Utc>, DateTime<Utc>) {
        match self {
            Within::Expired => (DateTime::UNIX_EPOCH, now),
            Within::Week => (now, now + TimeDelta::days(7)),
            Within::Month => (now, now + TimeDelta::days(30)),
            Within::Quarter => (now, now + TimeDelta::days(90)),
        }
    }
}

/// A thing that ends.
#[derive(QueryableByName)]
pub(super) struct Expiration {
    /// Of the kind and the subject: the same for as long as the thing is there, also when its end moves.
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Text)]
    pub kind_code: String,
    #[diesel(sql_type = Text)]
    kind: Stored<Kind>,
    /// The API key, or the data connector.
    #[diesel(sql_type = SqlUuid)]
    subject: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    connector_key: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    program_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
    /// Whose it is: the data connector, or the holder and the key.
    #[diesel(sql_type = Text)]
    pub label: String,
    #[diesel(sql_type = Timestamptz)]
    pub ends_at: DateTime<Utc>,
}

impl Row for Expiration {
    const NOUN: [&'static str; 2] = ["expiration", "expirations"];
    const COLUMNS: &'static [Column<Expiration>] = &[
        Column::<Expiration>::time("ends", "Ends", "ends_at", |row| row.ends_at)
            .called(["soonest first", "latest first"]),
        Column::text("of", "Of", "label", |row| &row.label),
        Column::text("what", "What", "kind_code", |row| &row.kind_code),
    ];

    fn id(&self) -> Uuid {
        self.id
    }
}

impl Expiration {
    /// What it is called.
    pub fn what(&self) -> Result<&'static str, StoredValueError> {
        Ok(self.kind.known("expirations.kind", self.id)?.label())
    }

    /// The page on which the reader can do something about it; `None` for the API key of another person.
    pub fn href(&self, reader: Option<Uuid>) -> Option<String> {
        match (&self.connector_key, self.program_id) {
            (Some(key), _) => Some(format!("/connectors/{key}/authorization")),
            (None, Some(program)) => Some(format!("/programs/{program}/keys/{}", self.subject)),
            (None, None) if self.user_id == reader => Some(format!("/profile/keys/{}", self.subject)),
            (None, None) => self.user_id.map(|user| format!("/users/{user}")),
        }
    }

    pub fn is_over(&self, now: &DateTime<Utc>) -> bool {
        self.ends_at <= *now
    }
}
