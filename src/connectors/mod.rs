//! Connectors: the list, creating, the Details tab, the trash, and what the other tabs share.
//!
//! Rules: a name is unique among live connectors without regard to case; a key is unique, the trash included, and stays from the first call on; a change of the
//! host to which a stored secret goes asks for the secret again. Danger: any query that forgets `deleted_at`.

mod api_path;
mod attention;
mod details;
mod evidence;
mod forms;
mod head;
mod health;
mod issues;
mod key;
mod list;
mod method;
mod model;
mod owner;
mod queries;
mod recent_calls;
mod trash;
mod usage;

pub use api_path::{call_path, connector_path, curl_get, curl_post, proxy_path};
pub use attention::{Attention, attention};
pub use details::{changes, create, edit, new, update, waiting_words};
pub use evidence::{ApiOutcome, Evidence, Observation};
pub use head::{ConnectorHead, Tab};
pub use health::{Facts, Health, HealthForecast, RenewalFacts, TokenTimes, is_idle};
pub use key::ConnectorKey;
pub use list::show as list;
pub use method::{Grant, LegacyGrants, Method, SecretField};
pub use model::{Connector, ConnectorId, Details, EVERYBODY, NewConnector, Referred, parse_name};
pub use owner::{Owner, OwnerChoice, Stewardship};
pub use queries::{
    CredentialChange, Listed, add_observations, all_evidence as read_all_evidence, copy, count_by_health,
    create as insert, evidence as read_evidence, find, find_visible, hold_authorization, keep_called, key_of,
    list_members, make_collection, move_collections, name, outdate_authorization, outdate_evidence, purge_trash,
    purged_before, refresh_due_health, refresh_health, review_health, save_access, save_method, save_purpose,
    unlist_all, waits_for_approval,
};
pub use trash::{confirm_delete, delete, list as trash, restore};
pub use usage::{UsageTable, usage_table};
