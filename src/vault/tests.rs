//! What the vault promises about sealed values, from outside.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::*;

const MASTER: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
const OTHER_MASTER: &str = "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff";

const PLACE: AssociatedData<'static> =
    AssociatedData { table: "connectors", row: Uuid::from_u128(7), column: "client_secret", bound_to: None };

fn master() -> MasterKey {
    MasterKey::parse(MASTER).unwrap()
}

fn masters() -> MasterKeys {
    MasterKeys::only(master())
}

fn other_master() -> MasterKey {
    MasterKey::parse(OTHER_MASTER).unwrap()
}

fn vault(keys: &[WrappedKey]) -> Vault {
    Vault::unlock(&masters(), keys).unwrap()
}

fn new_vault() -> Vault {
    vault(&[Vault::create_key(&master(), 1).unwrap()])
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// The opened text, or why it does not open.
fn opened(vault: &Vault, place: AssociatedData<'_>, sealed: &[u8]) -> Result<String, OpenError> {
    vault.open(place, sealed).map(|secret| secret.expose().to_owned())
}

fn unlock_error(master: MasterKey, keys: &[WrappedKey]) -> UnlockError {
    let masters = MasterKeys::only(master);
    Vault::unlock(&masters, keys).err().unwrap()
}

#[test]
fn what_the_first_version_sealed_still_opens() {
    const WRAPPED: &str =
        "Nt7p1ur9oh/pzRTcEYThxDhAHKMet4YYjgEx8kbCpSKFy7i3DIOmbae6+CieXoIYqxe6uB/lLGOAhku2rDZqC4xaCtjfO/lc";
    const SEALED: &str = "AQAAAAFKLcaDfwSxn6j/9RpqbfCZflPYJiDFXZ6Inknc31C/4306k2Qv8mppJinKbu2wJg==";
    let vault = vault(&[WrappedKey {
        id: 1,
        master_key_id: master().id().to_owned(),
        wrapped: BASE64.decode(WRAPPED).unwrap(),
        is_active: true,
    }]);
    let sealed = BASE64.decode(SEALED).unwrap();
    assert_eq!(opened(&vault, PLACE, &sealed).as_deref(), Ok("hunter2"));
    // Without the key another one cannot be made to look so old.
    assert!(vault.predates_keyed_links());
    let rewrapped = vault.rewrap(&master()).unwrap();
    assert!(!Vault::unlock(&masters(), &rewrapped).unwrap().predates_keyed_links());
}

#[test]
fn any_text_comes_back_as_it_was() {
    let vault = new_vault();
    let long = "x".repeat(100_000);
    for text in ["***", "", " pä55 wörd\n", "秘密🔑", "a\0b", &long] {
        let sealed = vault.seal(PLACE, &secret(text)).unwrap();
        assert_eq!(sealed.len(), text.len() + 45);
        assert_eq!(opened(&vault, PLACE, &sealed).as_deref(), Ok(text));
    }
}

#[test]
fn the_same_secret_seals_differently_twice() {
    let vault = new_vault();
    let sealed = vault.seal(PLACE, &secret("hunter2")).unwrap();
    assert_ne!(sealed, vault.seal(PLACE, &secret("hunter2")).unwrap());
}

#[test]
fn a_sealed_value_shows_nothing_of_the_secret() {
    let text = "correct horse battery staple";
    let sealed = new_vault().seal(PLACE, &secret(text)).unwrap();
    for part in text.as_bytes().windows(4) {
        assert!(!sealed.windows(4).any(|bytes| bytes == part));
    }
}

#[test]
fn a_value_moved_elsewhere_does_not_open() {
    let vault = new_vault();
    let sealed = vault.seal(PLACE, &secret("hunter2")).unwrap();
    let elsewhere = [
        AssociatedData { table: "endpoints", ..PLACE },
        AssociatedData { row: Uuid::from_u128(8), ..PLACE },
        AssociatedData { column: "password", ..PLACE },
        AssociatedData { column: "", ..PLACE },
        AssociatedData { bound_to: Some(&[]), ..PLACE },
    ];
    for place in elsewhere {
        assert_eq!(opened(&vault, place, &sealed), Err(OpenError::Refused), "{place:?}");
    }
}

#[test]
fn a_value_with_any_bit_flipped_does_not_open() {
    let vault = new_vault();
    let sealed = vault.seal(PLACE, &secret("hunter2")).unwrap();
    for position in 0..sealed.len() * 8 {
        let mut altered = sealed.clone();
        altered[position / 8] ^= 1 << (position % 8);
        assert!(vault.open(PLACE, &altered).is_err(), "bit {position}");
    }
}

#[test]
fn a_value_cut_anywhere_is_an_error() {
    let vault = new_vault();
    let sealed = vault.seal(PLACE, &secret("hunter2")).unwrap();
    for length in 0..sealed.len() {
        let expected = if length < HEADER_LEN { OpenError::TooShort } else { OpenError::Refused };
        assert_eq!(opened(&vault, PLACE, &sealed[..length]), Err(expected), "{length} bytes");
    }
}

#[test]
fn an_unknown_format_or_data_key_is_an_error() {
    let vault = new_vault();
    let mut sealed = vault.seal(PLACE, &secret("hunter2")).unwrap();
    sealed[4] = 9;
    assert_eq!(opened(&vault, PLACE, &sealed), Err(OpenError::UnknownKey(9)));
    sealed[0] = 2;
    assert_eq!(opened(&vault, PLACE, &sealed), Err(OpenError::UnknownVersion(2)));
}

#[test]
fn a_value_of_another_installation_does_not_open() {
    let sealed = new_vault().seal(PLACE, &secret("hunter2")).unwrap();
    assert_eq!(opened(&new_vault(), PLACE, &sealed), Err(OpenError::Refused));
}

#[test]
fn the_newest_data_key_seals_and_older_ones_still_open() {
    let first = Vault::create_key(&master(), 1).unwrap();
    let second = Vault::create_key(&master(), 2).unwrap();
    let old = vault(std::slice::from_ref(&first)).seal(PLACE, &secret("old")).unwrap();
    for stored in [[first.clone(), second.clone()], [second, first]] {
        let vault = vault(&stored);
        let new = vault.seal(PLACE, &secret("new")).unwrap();
        assert_eq!((old[4], new[4]), (1, 2), "the number of the data key");
        assert_eq!(opened(&vault, PLACE, &old).as_deref(), Ok("old"));
        assert_eq!(opened(&vault, PLACE, &new).as_deref(), Ok("new"));
    }
}

#[test]
fn a_wrong_master_key_is_named_at_unlock() {
    let stored = [Vault::create_key(&master(), 1).unwrap()];
    let other = other_master();
    let id = other.id().to_owned();
    assert_eq!(
        unlock_error(other, &stored).to_string(),
        format!(
            "the master key does not fit this database: its data keys were made with master key {}, this one is {}",
            master().id(),
            id
        )
    );
}

#[test]
fn a_stored_data_key_that_was_altered_is_refused() {
    let stored = Vault::create_key(&master(), 1).unwrap();
    let mut flipped = stored.clone();
    flipped.wrapped[30] ^= 1;
    let mut cut = stored.clone();
    cut.wrapped.truncate(10);
    let renumbered = WrappedKey { id: 2, ..stored.clone() };
    for (key, id) in [(flipped, 1), (cut, 1), (renumbered, 2)] {
        assert_eq!(unlock_error(master(), &[key]), UnlockError::Damaged(id));
    }
    let relabelled = WrappedKey { master_key_id: other_master().id().to_owned(), ..stored };
    assert_eq!(unlock_error(other_master(), &[relabelled]), UnlockError::Damaged(1));
}

#[test]
fn a_database_without_data_keys_is_recognised() {
    assert_eq!(unlock_error(master(), &[]), UnlockError::NoKeys);
}

#[test]
fn a_new_master_key_opens_what_was_sealed_under_the_old_one() {
    let old = new_vault();
    let sealed = old.seal(PLACE, &secret("hunter2")).unwrap();
    let rewrapped = old.rewrap(&other_master()).unwrap();
    let new = Vault::unlock(&MasterKeys::only(other_master()), &rewrapped).unwrap();
    assert_eq!(opened(&new, PLACE, &sealed).as_deref(), Ok("hunter2"));
    assert!(Vault::unlock(&masters(), &rewrapped).is_err());
}

#[test]
fn both_master_keys_of_a_rotation_open_before_in_its_midst_and_after() {
    let stored = [1, 2].map(|id| Vault::create_key(&master(), id).unwrap());
    let sealed = vault(&stored).seal(PLACE, &secret("hunter2")).unwrap();
    let rewrapped = vault(&stored).rewrap(&other_master()).unwrap();
    let find = |keys: &[WrappedKey], id| keys.iter().find(|key| key.id == id).unwrap().clone();
    let half = vec![find(&rewrapped, 1), find(&stored, 2)];
    for keys in [stored.to_vec(), half.clone(), rewrapped] {
        for both in [MasterKeys::new(master(), vec![other_master()]), masters().succeeded_by(other_master())] {
            let vault = Vault::unlock(&both, &keys).unwrap();
            assert_eq!(opened(&vault, PLACE, &sealed).as_deref(), Ok("hunter2"));
        }
    }
    for one in [master(), other_master()] {
        assert!(matches!(unlock_error(one, &half), UnlockError::WrongMasterKey { .. }));
    }
}

#[test]
fn none_of_several_wrong_master_keys_opens_and_all_are_named() {
    let stored = [Vault::create_key(&master(), 1).unwrap()];
    let third = MasterKey::parse(&"ab".repeat(32)).unwrap();
    let ids = format!("this one is {} or {}", other_master().id(), third.id());
    let wrong = MasterKeys::new(other_master(), vec![third]);
    let error = Vault::unlock(&wrong, &stored).err().unwrap();
    assert!(error.to_string().ends_with(&ids), "{error}");
}

#[test]
fn a_data_key_that_is_not_active_opens_and_does_not_seal() {
    let first = Vault::create_key(&master(), 1).unwrap();
    let second = Vault::create_key(&master(), 2).unwrap();
    let by_second = vault(std::slice::from_ref(&second)).seal(PLACE, &secret("early")).unwrap();
    let waiting = WrappedKey { is_active: false, ..second };
    let vault = vault(&[first, waiting.clone()]);
    assert_eq!((vault.sealing_key(), vault.newest_key()), (1, 2));
    assert_eq!(vault.seal(PLACE, &secret("x")).unwrap()[4], 1);
    assert_eq!(opened(&vault, PLACE, &by_second).as_deref(), Ok("early"));
    assert_eq!(unlock_error(master(), &[waiting]), UnlockError::NoKeys);
}

#[test]
fn a_vault_that_learns_a_key_opens_and_seals_with_it_in_all_its_clones() {
    let first = Vault::create_key(&master(), 1).unwrap();
    let second = Vault::create_key(&master(), 2).unwrap();
    let old = vault(std::slice::from_ref(&first));
    let clone = old.clone();
    let new = vault(&[first, second]);
    let by_old = old.seal(PLACE, &secret("old")).unwrap();
    let by_new = new.seal(PLACE, &secret("new")).unwrap();
    assert_eq!(opened(&clone, PLACE, &by_new), Err(OpenError::UnknownKey(2)));
    old.learn(&new);
    assert_eq!(clone.sealing_key(), 2);
    assert_eq!(opened(&clone, PLACE, &by_new).as_deref(), Ok("new"));
    assert_eq!(opened(&clone, PLACE, &by_old).as_deref(), Ok("old"));
    assert_eq!(clone.seal(PLACE, &secret("x")).unwrap()[..5], Vault::header(2));
}

#[test]
fn a_key_of_another_length_is_none() {
    for length in [0, 15, 16, 24, 31, 33, 64] {
        assert!(MasterKey::parse(&"ab".repeat(length)).is_err(), "{length} bytes");
    }
}

#[test]
fn what_another_data_key_of_the_same_number_sealed_does_not_open() {
    let [one, other] = [1, 1].map(|id| Vault::create_key(&master(), id).unwrap());
    let sealed = vault(&[one]).seal(PLACE, &secret("hunter2")).unwrap();
    assert_eq!(opened(&vault(&[other]), PLACE, &sealed), Err(OpenError::Refused));
}

#[test]
fn a_value_opens_only_with_the_texts_that_it_is_bound_to() {
    let vault = new_vault();
    let text = |texts: &[&str]| texts.iter().map(|text| text.to_string()).collect::<Vec<_>>();
    let (own, none) = (text(&["https://a.example", "https://b.example"]), text(&[]));
    fn bound(texts: &[String]) -> AssociatedData<'_> {
        AssociatedData { bound_to: Some(texts), ..PLACE }
    }
    let sealed = vault.seal(bound(&own), &secret("hunter2")).unwrap();
    assert_eq!(opened(&vault, bound(&own), &sealed).as_deref(), Ok("hunter2"));
    let unbound = vault.seal(bound(&none), &secret("hunter2")).unwrap();
    for texts in [
        text(&["https://a.example"]),
        text(&["https://a.example", "https://b.example", "https://evil.example"]),
        text(&["https://b.example", "https://a.example"]),
        text(&["https://a.examplehttps://b.example"]),
        none.clone(),
    ] {
        let refused = opened(&vault, bound(&texts), &sealed);
        assert_eq!(refused, Err(OpenError::Refused), "{texts:?}");
    }
    assert_eq!(opened(&vault, PLACE, &sealed), Err(OpenError::Refused));
    assert_eq!(opened(&vault, PLACE, &unbound), Err(OpenError::Refused));
}
