//! `import`.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Bench, real_inputs};

/// A small export: one rotation and a walk of two frames.
fn export(bench: &Bench) -> String {
    let folder = bench.root().join("../export");
    fs::create_dir_all(&folder).unwrap();
    for (name, number) in [("south.png", 1), ("0.png", 2), ("1.png", 3)] {
        let image = bench.png(&format!("export-{name}"), number);
        fs::rename(image, folder.join(name)).unwrap();
    }
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    let metadata = json!({
        "character": { "id": "cat-1", "name": "Cat", "prompt": "a cat" },
        "frames": {
            "rotations": { "south": "south.png" },
            "animations": { "walk": { "east": ["0.png", "1.png"] } },
        },
    });
    fs::write(folder.join("metadata.json"), metadata.to_string()).unwrap();
    folder.to_str().unwrap().to_owned()
}

fn count(bench: &Bench, what: &[&str]) -> usize {
    let list = bench.json(what);
    list.as_array().unwrap().len()
}

both_engines! {
    fn a_real_export_is_imported_once(bench) {
        let Some(real) = real_inputs() else { return };
        let tabby = real.join("pixellab-tabby");
        let tabby = tabby.to_str().unwrap();
        let first = bench.json(&["import", "pixellab", "--project", "Alley cats", tabby]);
        assert_eq!(first["isNewProject"], true);
        assert_eq!(
            first["created"],
            json!({ "characters": 1, "variations": 8, "animations": 58, "frames": 446 })
        );
        let tree = bench.json(&["tree", "Alley cats"]);
        let character = &tree["characters"][0];
        for variation in character["variations"].as_array().unwrap() {
            let source = Path::new(tabby)
                .join("rotations")
                .join(variation["originalName"].as_str().unwrap());
            let file = bench.view(&variation["filePath"]);
            assert_eq!(fs::read(file).unwrap(), fs::read(source).unwrap());
        }
        let again = bench.json(&["import", "pixellab", "-p", "alley cats", tabby]);
        assert_eq!(again["isNewProject"], false);
        assert_eq!(again["unchanged"], 454);
        assert_eq!(bench.json(&["tree", "Alley cats"]), tree);
        let other = bench.json(&["import", "pixellab", "-p", "Roof cats", tabby]);
        assert_ne!(other["characterId"], first["characterId"]);
    }

    fn imports_at_once_into_a_new_project_make_one(bench) {
        let folders = ["a", "b", "c"].map(|name| {
            let folder = bench.path().join(name).join("Tabby/Walk");
            fs::create_dir_all(&folder).unwrap();
            let number = u32::from(name.as_bytes()[0]);
            fs::rename(bench.png("0.png", number), folder.join("0.png")).unwrap();
            bench.path().join(name)
        });
        let running = folders.map(|folder| {
            let folder = folder.to_str().unwrap().to_owned();
            let arguments = ["import", "folder", "-p", "Cats", &folder];
            bench.command(&arguments).stdout(std::process::Stdio::null()).spawn().unwrap()
        });
        for mut child in running {
            assert!(child.wait().unwrap().success());
        }
        assert_eq!(count(bench, &["project", "list"]), 1);
        assert_eq!(bench.json(&["frame", "list", "Walk"]).as_array().unwrap().len(), 3);
    }

    fn what_was_done_is_said(bench) {
        let export = export(bench);
        let ran = bench.run(&["import", "pixellab", "-p", "Cats", &export]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.contains("created the project \"Cats\""), "{}", ran.stdout);
        let created = "1 character, 1 variation, 1 animation and 2 frames";
        assert!(ran.stdout.contains(created), "{}", ran.stdout);
        assert!(ran.stderr.contains("not taken in: 1 file\n  notes.txt"), "{}", ran.stderr);
        // The only project need not be named.
        let image = bench.png("other.png", 9);
        fs::rename(image, Path::new(&export).join("1.png")).unwrap();
        let ran = bench.run(&["import", "pixellab", &export]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(ran.stdout.contains("nothing is new in \"Cat\""), "{}", ran.stdout);
        assert!(ran.stdout.contains("unchanged: 2 images"), "{}", ran.stdout);
        assert!(ran.stderr.contains("1 file has changed since the import"), "{}", ran.stderr);
        assert!(ran.stderr.contains("\n  1.png (asset "), "{}", ran.stderr);
        assert_eq!(bench.run(&["sync"]).stdout.trim(), "every file is as it should be");
    }
}

#[test]
fn what_is_no_export_creates_no_project() {
    let bench = Bench::new();
    let folder = bench.root();
    let folder = folder.to_str().unwrap();
    let refused = bench.refused(1, &["import", "pixellab", "-p", "Cats", folder]);
    assert!(refused.contains("has no metadata.json"), "{refused}");
    let refused = bench.refused(1, &["import", "pixellab", "-p", "Cats", "nowhere"]);
    assert!(refused.contains("there is no folder nowhere"), "{refused}");
    let unknown = "01a2061b-2e96-7f51-b4a5-000000000000";
    let refused = bench.refused_json(1, &["import", "pixellab", "-p", unknown, &export(&bench)]);
    assert_eq!(
        refused["code"], "not_found",
        "an id is no name for a new project"
    );
    assert_eq!(count(&bench, &["project", "list"]), 0);
}

#[test]
fn what_an_export_says_wrong_is_named() {
    let bench = Bench::new();
    let export = export(&bench);
    let metadata = Path::new(&export).join("metadata.json");
    let text = fs::read_to_string(&metadata).unwrap();
    fs::write(&metadata, text.replace("1.png", "../1.png")).unwrap();
    let refused = bench.run(&["import", "pixellab", "-p", "Cats", &export, "--json"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    let error: Value = serde_json::from_str(&refused.stderr).unwrap();
    let message = error["error"]["message"].as_str().unwrap();
    assert!(
        message.contains(r#"frames.animations["walk"]["east"][1]"#),
        "{message}"
    );
    assert!(message.contains("leads out of the folder"), "{message}");
}
