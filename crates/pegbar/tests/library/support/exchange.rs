//! Other programs that read what we give on: exiftool and Python's packages. Where one is not
//! there, its test says so and is skipped, except in CI.

use std::path::Path;
use std::process::Command;

use super::skipped;

/// The Python that has the packages `prov` and `jsonschema`.
const PYTHON: &str = "PEGBAR_TEST_PYTHON";

/// Runs a Python script with arguments; `None` where a package that it needs is not there.
pub(crate) fn python(package: &str, script: &str, arguments: &[&Path]) -> Option<String> {
    let python = std::env::var_os(PYTHON).unwrap_or_else(|| "python3".into());
    let import = format!("import {package}");
    let check = Command::new(&python).args(["-c", &import]).output();
    let is_there = check.is_ok_and(|check| check.status.success());
    if !is_there {
        missing(&format!("{package} of Python ({PYTHON} names another)"));
        return None;
    }
    let mut command = Command::new(&python);
    Some(run(command
        .args(["-W", "error", "-c", script])
        .args(arguments)))
}

/// Runs exiftool, which is to print JSON; `None` where it is not there.
pub(crate) fn exiftool(file: &Path) -> Option<serde_json::Value> {
    let is_there = Command::new("exiftool").arg("-ver").output().is_ok();
    if !is_there {
        missing("exiftool");
        return None;
    }
    let mut command = Command::new("exiftool");
    let text = run(command
        .args(["-j", "-G1", "-struct", "-a", "-b", "-all:all"])
        .arg(file));
    let mut found: serde_json::Value = serde_json::from_str(&text).unwrap();
    Some(found[0].take())
}

fn missing(what: &str) {
    assert!(std::env::var_os("CI").is_none(), "{what} is required in CI");
    skipped(&format!("{what} is not there"));
}

fn run(command: &mut Command) -> String {
    let ran = command.output().unwrap();
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{command:?}: {errors}");
    String::from_utf8(ran.stdout).unwrap()
}
