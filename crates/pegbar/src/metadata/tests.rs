//! What other programs wrote into files is read as they meant it.

use std::fs::{self, File};
use std::path::PathBuf;

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metadata")
}

fn format_of(name: &str) -> ImageFormat {
    match name.rsplit('.').next() {
        Some("png") => ImageFormat::Png,
        Some("jpg") => ImageFormat::Jpeg,
        Some("webp") => ImageFormat::WebP,
        _ => ImageFormat::Gif,
    }
}

fn claims_of(name: &str) -> Vec<NewClaim> {
    let file = File::open(folder().join(name)).unwrap();
    read(file, format_of(name)).unwrap()
}

#[test]
fn dump() {
    let mut names: Vec<String> = fs::read_dir(folder()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    for name in names {
        if name.ends_with(".md") { continue }
        println!("== {name}");
        for claim in claims_of(&name) {
            println!("  {} {}\n     raw {:.100?}", claim.tool, { let t = claim.fields.to_string(); t.chars().take(900).collect::<String>() }, claim.raw);
        }
    }
}
