//! What a key is made of, and the whole table of what it opens.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use proptest::prelude::*;

use super::holder::{Endpoints, HolderRights, Scope};
use super::*;
use crate::access::{PermissionSet, Right, Rights};

#[test]
fn a_new_key_has_its_form_and_reads_back() {
    let (one, other) = (ApiKey::random(), ApiKey::random());
    assert_ne!(one.expose(), other.expose());
    let text = one.expose();
    assert_eq!(text.len(), 56);
    assert_eq!(one.prefix(), &text[..12]);
    assert!(text.starts_with("cty_") && &text[12..13] == "_");
    let read = ApiKey::parse(text).unwrap();
    assert_eq!((read.hash(), read.prefix()), (one.hash(), one.prefix()));
    assert_ne!(one.hash(), other.hash());
}

#[test]
fn a_text_that_cannot_be_a_key_is_none() {
    let key = ApiKey::random();
    let text = key.expose();
    let wrong_case = text.replacen("cty_", "CTY_", 1);
    let no_space = format!("{}ü", &text[..54]);
    for rubbish in [
        "",
        "cty_",
        &text[..55],
        &format!("{text}x"),
        &format!(" {text}"),
        &wrong_case,
        &no_space,
        &text.replacen('_', "-", 1),
        &format!("{}\0", &text[..55]),
        &"cty_".repeat(1_000_000),
    ] {
        assert!(ApiKey::parse(rubbish).is_none());
    }
}

proptest! {
    #[test]
    fn whatever_is_presented_is_read_or_refused(presented in any::<String>()) {
        prop_assert!(ApiKey::parse(&presented).is_none());
    }
}

const NOW: i64 = 1_795_000_000;

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(NOW, 0).unwrap()
}

fn key(rights: HolderRights, scopes: Vec<Scope>) -> KeyHolder {
    KeyHolder {
        key_id: Uuid::from_u128(1),
        prefix: "cty_a1b2c3d4".into(),
        kind: HolderKind::Program,
        id: Uuid::from_u128(2),
        name: "Billing".into(),
        is_collection: false,
        rights,
        revoked: false,
        expires_at: None,
        methods: None,
        scopes,
    }
}

fn scope(connector: Option<Uuid>, endpoints: Endpoints, proxy: bool, token: bool) -> Scope {
    Scope { connector, endpoints, proxy, token }
}

/// A connector that is open to everybody.
fn open(connector: Uuid) -> Subject {
    Subject { connector, open: Rights::ALL }
}

/// The code of the refusal, or nothing.
fn answer(key: &KeyHolder, connector: Uuid, wants: Wants<'_>) -> &'static str {
    key.check(open(connector), wants, now()).map_or_else(|refusal| refusal.code(), |()| "")
}

#[test]
fn every_scope_opens_what_it_names_and_nothing_else() {
    let (mine, other) = (Uuid::from_u128(10), Uuid::from_u128(11));
    let (listed, unlisted) = (Uuid::from_u128(20), Uuid::from_u128(21));
    for connector in [None, Some(mine)] {
        for (proxy, token) in [(false, false), (false, true), (true, false), (true, true)] {
            for all in [false, true] {
                let endpoints = match all {
                    true => Endpoints::All,
                    false => Endpoints::Only(HashSet::from([listed])),
                };
                let rights = HolderRights::of_program(true);
                let key = key(rights, vec![scope(connector, endpoints, proxy, token)]);
                let refused = |open: bool, code| if open { "" } else { code };
                let ask = |wants| answer(&key, mine, wants);
                let endpoint = |id| Wants::Endpoint { id, method: "GET" };
                assert_eq!(ask(endpoint(listed)), "");
                assert_eq!(ask(endpoint(unlisted)), refused(all, "endpoint_not_allowed"));
                let through = Wants::Proxy { method: "POST" };
                assert_eq!(ask(through), refused(proxy, "proxy_not_allowed"));
                assert_eq!(ask(Wants::Token), refused(token, "token_not_allowed"));
                assert!(key.may_see(open(mine)));
                assert_eq!(key.may_see(open(other)), connector.is_none());
                let elsewhere = answer(&key, other, endpoint(listed));
                assert_eq!(elsewhere, refused(connector.is_none(), "connector_not_allowed"));
            }
        }
    }
}

#[test]
fn a_key_without_scopes_leads_nowhere() {
    let key = key(HolderRights::of_program(true), Vec::new());
    assert!(!key.may_see(open(Uuid::nil())));
    assert_eq!(answer(&key, Uuid::nil(), Wants::Token), "connector_not_allowed");
}

#[test]
fn scopes_add_up() {
    let (mine, listed) = (Uuid::from_u128(10), Uuid::from_u128(20));
    let all = scope(None, Endpoints::Only(HashSet::from([listed])), false, false);
    let one = scope(Some(mine), Endpoints::Only(HashSet::new()), true, false);
    let key = key(HolderRights::of_program(true), vec![all, one]);
    let endpoint = Wants::Endpoint { id: listed, method: "GET" };
    assert_eq!(answer(&key, mine, endpoint), "");
    assert_eq!(answer(&key, mine, Wants::Proxy { method: "GET" }), "");
    assert_eq!(answer(&key, mine, Wants::Token), "token_not_allowed");
}

#[test]
fn methods_limit_calls_and_not_the_token() {
    let mine = Uuid::from_u128(10);
    let mut key = key(HolderRights::of_program(true), vec![scope(None, Endpoints::All, true, true)]);
    key.methods = Some(vec!["GET".into(), "HEAD".into()]);
    for (method, code) in [
        ("GET", ""),
        ("HEAD", ""),
        ("POST", "method_not_allowed"),
        ("get", "method_not_allowed"),
        ("", "method_not_allowed"),
    ] {
        assert_eq!(answer(&key, mine, Wants::Proxy { method }), code);
        let endpoint = Wants::Endpoint { id: mine, method };
        assert_eq!(answer(&key, mine, endpoint), code);
    }
    assert_eq!(answer(&key, mine, Wants::Token), "");
    key.methods = Some(Vec::new());
    assert_eq!(answer(&key, mine, Wants::Proxy { method: "GET" }), "method_not_allowed");
}

#[test]
fn a_key_ends_at_its_moment_and_revoking_comes_first() {
    let everything = || vec![scope(None, Endpoints::All, true, true)];
    let mut key = key(HolderRights::of_program(true), everything());
    for (expires_in, code) in [(1, ""), (0, "key_expired"), (-1, "key_expired")] {
        key.expires_at = Some(now() + TimeDelta::seconds(expires_in));
        assert_eq!(answer(&key, Uuid::nil(), Wants::Token), code);
    }
    key.revoked = true;
    assert_eq!(answer(&key, Uuid::nil(), Wants::Token), "key_revoked");
}

#[test]
fn a_holder_that_may_not_call_opens_nothing() {
    let user = |active, super_admin, granted: &[&str]| {
        let granted = PermissionSet::effective_by_codes(granted.iter().copied());
        HolderRights::of_user(active, super_admin, granted, HashMap::new())
    };
    let call = &["view-data-connectors", "call-data-connectors"];
    let edit = &["view-data-connectors", "call-data-connectors", "edit-data-connectors"];
    let proxy = Wants::Proxy { method: "GET" };
    for (rights, through, token) in [
        (HolderRights::of_program(true), "", ""),
        (HolderRights::of_program(false), "key_holder_inactive", "key_holder_inactive"),
        (user(true, false, &[]), "key_holder_not_permitted", "key_holder_not_permitted"),
        // Without View, Call does not count.
        (user(true, false, &call[1..]), "key_holder_not_permitted", "key_holder_not_permitted"),
        (user(true, false, call), "", "token_not_allowed"),
        (user(true, false, edit), "", ""),
        (user(true, true, &[]), "", ""),
        (user(false, true, edit), "key_holder_inactive", "key_holder_inactive"),
    ] {
        let key = key(rights, vec![scope(None, Endpoints::All, true, true)]);
        assert_eq!(answer(&key, Uuid::nil(), proxy), through);
        assert_eq!(answer(&key, Uuid::nil(), Wants::Token), token);
    }
}

#[test]
fn a_connector_that_is_kept_to_people_asks_who_they_are() {
    let (mine, other) = (Uuid::from_u128(10), Uuid::from_u128(11));
    let subject = |connector, open: &[Right]| Subject { connector, open: Rights::exactly(open.iter().copied()) };
    let granted =
        PermissionSet::effective_by_codes(["view-data-connectors", "call-data-connectors", "edit-data-connectors"]);
    let listed = |rights: &[Right]| HashMap::from([(mine, Rights::exactly(rights.iter().copied()))]);
    let person = |rights: &[Right]| HolderRights::of_user(true, false, granted, listed(rights));
    let everything = |connector| vec![scope(connector, Endpoints::All, true, true)];
    let ask = |key: &KeyHolder, subject, wants| {
        key.check(subject, wants, now()).map_or_else(|refusal| refusal.code(), |()| "")
    };
    let proxy = Wants::Proxy { method: "GET" };
    let all = [Right::View, Right::Call, Right::Edit, Right::Authorize];
    for (rights, scopes, open, through, token) in [
        (person(&[Right::View]), None, &[][..], "connector_not_allowed", "connector_not_allowed"),
        (person(&[Right::View, Right::Call]), None, &[], "", "token_not_allowed"),
        (person(&all), Some(mine), &[], "", ""),
        (person(&[]), Some(mine), &[], "connector_not_allowed", "connector_not_allowed"),
        (person(&[]), None, &[Right::View, Right::Call], "", "token_not_allowed"),
        (HolderRights::of_program(true), None, &[], "connector_not_allowed", "connector_not_allowed"),
        (HolderRights::of_program(true), None, &[Right::View, Right::Call], "", "token_not_allowed"),
        (HolderRights::of_program(true), Some(mine), &[], "", ""),
    ] {
        let key = key(rights, everything(scopes));
        assert_eq!(ask(&key, subject(mine, open), proxy), through);
        assert_eq!(ask(&key, subject(mine, open), Wants::Token), token);
        assert!(!key.may_see(subject(other, &[])));
    }
}

#[test]
fn uses_are_due_once_a_minute_and_survive_a_failed_writing() {
    let uses = Uses::default();
    let (key, later) = (Uuid::from_u128(1), now() + TimeDelta::seconds(5));
    uses.note(key, later, "192.0.2.2");
    uses.note(key, now(), "192.0.2.1");
    assert!(uses.are_due(now()));
    assert!(!uses.are_due(now() + TimeDelta::seconds(59)));
    let taken = uses.take();
    assert_eq!((taken.len(), taken[&key].at), (1, later));
    assert!(uses.take().is_empty());
    uses.put_back(taken);
    assert!(uses.are_due(later), "a failure is tried again at once");
    assert_eq!(uses.take()[&key].address, "192.0.2.2");
    assert!(!uses.are_due(now() + TimeDelta::seconds(60)));
    assert!(uses.are_due(now() + TimeDelta::seconds(65)));
}
