//! Where the crates come from, read in `Cargo.lock`.

use std::path::Path;

const REGISTRY: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";

#[test]
fn every_crate_comes_from_the_registry_with_its_checksum() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock");
    let text = std::fs::read_to_string(file).unwrap();
    let found = strangers(&text);
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn a_crate_of_another_source_is_found() {
    let lock = |source: &str| format!("version = 4\n\n[[package]]\nname = \"a\"\n{source}\n");
    let good = format!("{REGISTRY}\nchecksum = \"0a\"");
    assert!(strangers(&lock(&good)).is_empty());
    let git = "source = \"git+https://example.org/a\"\nchecksum = \"0a\"";
    assert_eq!(strangers(&lock(git)).len(), 1);
    assert_eq!(strangers(&lock(REGISTRY)).len(), 1, "no checksum");
    assert_eq!(strangers(&lock("")).len(), 1, "a folder");
}

/// The packages that are neither the program itself nor from the registry with a checksum.
fn strangers(lock: &str) -> Vec<&str> {
    let packages = lock.split("[[package]]").skip(1);
    packages
        .map(str::trim)
        .filter(|package| !package.starts_with("name = \"connectory\"\n"))
        .filter(|package| !package.contains(REGISTRY) || !package.contains("\nchecksum = \""))
        .collect()
}
