//! What other programs wrote into files is read as they meant it.

mod fuzz;
mod hostile;
mod tool;

use std::fs::{self, File};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/metadata")
}

fn format_of(name: &str) -> ImageFormat {
    match name.rsplit('.').next() {
        Some("png") => ImageFormat::Png,
        Some("jpg") => ImageFormat::Jpeg,
        Some("webp") => ImageFormat::WebP,
        Some("gif") => ImageFormat::Gif,
        _ => panic!("{name} is no image"),
    }
}

/// Returns the names of all fixtures, in order.
fn names() -> Vec<String> {
    let files = fs::read_dir(folder()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name != "README.md").collect();
    names.sort();
    names
}

fn claims_of(name: &str) -> Vec<NewClaim> {
    let file = File::open(folder().join(name)).unwrap();
    read(file, format_of(name)).unwrap()
}

/// Returns the one claim of a fixture.
fn claim_of(name: &str) -> NewClaim {
    let mut claims = claims_of(name);
    assert_eq!(claims.len(), 1, "{name}: {claims:?}");
    claims.remove(0)
}

/// Compares the fields of a claim, without where it was found, with those expected.
fn assert_fields(name: &str, claim: &NewClaim, found_in: &str, expected: &Value) {
    let mut fields = claim.fields.as_value().clone();
    let members = fields.as_object_mut().unwrap();
    assert_eq!(members.remove("foundIn"), Some(found_in.into()), "{name}");
    assert_eq!(&fields, expected, "{name}");
}

/// Compares the only claim of a fixture.
fn assert_claim(name: &str, tool: &str, found_in: &str, expected: &Value) {
    let claim = claim_of(name);
    assert_eq!(claim.tool, tool, "{name}");
    assert_fields(name, &claim, found_in, expected);
}
