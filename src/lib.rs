//! Connectory: a self-hosted web application in which an organisation keeps its data connectors.
//!
//! The module list is the map; docs/architecture.md says who may know whom.

pub mod access;
pub mod accounts;
pub mod api;
pub mod app;
pub mod audit;
pub mod authorization;
pub mod calls;
pub mod categories;
pub mod checks;
pub mod cli;
pub mod clock;
pub mod collections;
pub mod config;
pub mod connectors;
pub mod db;
pub mod drafts;
pub mod endpoints;
pub mod expirations;
pub mod home;
pub mod keyring;
pub mod name;
pub mod notices;
pub mod oauth;
pub mod openid;
pub mod outbound;
pub mod overview;
pub mod people;
pub mod programs;
pub mod providers;
pub mod relay;
pub mod rights;
pub mod routes;
pub mod status;
pub mod system;
pub mod template;
pub mod vault;
pub mod web;
