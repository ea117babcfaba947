//! What the README says to type works as it is written.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::support::real_inputs;

/// The shell commands of a section of the README.
fn commands(section: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, text) = readme.split_once(&format!("\n## {section}\n")).unwrap();
    let text = text.split("\n## ").next().unwrap();
    let blocks = text.split("\n```sh\n").skip(1);
    let commands: Vec<&str> = blocks
        .map(|block| block.split("\n```").next().unwrap())
        .collect();
    commands.join("\n")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (from, to) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if from.is_dir() {
            copy(&from, &to);
        } else {
            // Without the permissions: what is copied is written to.
            fs::write(to, fs::read(from).unwrap()).unwrap();
        }
    }
}

#[test]
fn bring_your_own_work_is_walked_through_as_written() {
    let Some(real) = real_inputs() else { return };
    let folder = tempfile::tempdir().unwrap();
    copy(&real.join("pixellab-tabby"), &folder.path().join("tabby"));
    copy(&real.join("gemini"), &folder.path().join("gemini"));
    let script = [
        commands("Bring your own work"),
        commands("Where images come from"),
    ];
    let script = script.join("\n");
    assert!(script.lines().count() > 10, "{script}");
    let program = Path::new(env!("CARGO_BIN_EXE_pegbar")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = Command::new("bash")
        .args(["-e", "-c", &script])
        .current_dir(folder.path())
        .env_clear()
        .env("HOME", folder.path())
        .env("PATH", format!("{}:{path}", program.display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}\n{errors}");
    assert!(
        said.contains("nothing is new\nthere already and unchanged: 446 images"),
        "{said}"
    );
    assert!(said.contains("angry/south/frame_000.png (asset "), "{said}");
    assert!(said.contains("every file is as it should be"), "{said}");
    assert!(said.contains("Google Media Processing Services"), "{said}");
    assert!(said.contains("walking, side view"), "{said}");
    assert!(folder.path().join("cats.prov.json").exists());
    let sheets = fs::read_dir(folder.path().join("cats")).unwrap();
    let sheets = sheets.map(|entry| entry.unwrap().path());
    let sheet = sheets
        .into_iter()
        .find(|path| path.extension().is_some_and(|ending| ending == "png"));
    assert!(image::open(sheet.unwrap()).is_ok());
}
