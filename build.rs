//! Turns `static/` into a table of ready-to-send files: named by their content, compressed once.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

#[expect(clippy::disallowed_methods, reason = "cargo speaks to build scripts through the environment")]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=static");
    let source = Path::new("static");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));

    let mut names: Vec<String> = fs::read_dir(source)
        .expect("static/ is readable")
        .map(|entry| entry.expect("static/ is readable").file_name())
        .map(|name| name.into_string().expect("file names are UTF-8"))
        .collect();
    names.sort();

    let mut code = String::new();
    let mut table = String::new();
    for name in &names {
        let raw = fs::read(source.join(name)).expect("static files are readable");
        let (stem, extension) = name.rsplit_once('.').expect("file names have an extension");
        let hash: String = Sha256::digest(&raw)[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let file = format!("{stem}.{hash}.{extension}");
        let constant = name.replace(['.', '-'], "_").to_uppercase();

        fs::write(out.join(name), &raw).expect("OUT_DIR is writable");
        let brotli = smaller(&out, &format!("{name}.br"), &raw, brotli(&raw));
        let gzip = smaller(&out, &format!("{name}.gz"), &raw, gzip(&raw));
        writeln!(code, "/// Address of `static/{name}`.\npub const {constant}: &str = \"/static/{file}\";")
            .expect("strings grow");
        writeln!(
            table,
            "    Asset {{ file: {file:?}, content_type: {:?}, etag: {hash:?}, raw: {}, brotli: {brotli}, gzip: {gzip} }},",
            content_type(extension),
            include(name),
        )
        .expect("strings grow");
    }
    writeln!(code, "static ASSETS: [Asset; {}] = [\n{table}];", names.len()).expect("strings grow");
    fs::write(out.join("assets.rs"), code).expect("OUT_DIR is writable");
}

/// The types that `static/` may hold; another one must be thought about first.
fn content_type(extension: &str) -> &'static str {
    match extension {
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml; charset=utf-8",
        other => panic!("static/ holds a .{other} file: give it a content type in build.rs"),
    }
}

/// Keeps a compressed form only where it saves something.
fn smaller(out: &Path, name: &str, raw: &[u8], packed: Vec<u8>) -> String {
    if packed.len() >= raw.len() {
        return "None".to_owned();
    }
    fs::write(out.join(name), packed).expect("OUT_DIR is writable");
    format!("Some({})", include(name))
}

fn include(name: &str) -> String {
    format!("include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{name}\"))")
}

fn brotli(raw: &[u8]) -> Vec<u8> {
    let params = brotli::enc::BrotliEncoderParams { quality: 11, size_hint: raw.len(), ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &raw[..], &mut packed, &params).expect("memory is writable");
    packed
}

fn gzip(raw: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(raw).expect("memory is writable");
    encoder.finish().expect("memory is writable")
}
