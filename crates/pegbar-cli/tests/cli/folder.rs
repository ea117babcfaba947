//! `import folder`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{Bench, real_inputs};

/// A folder `art` beside the studio, with images at these paths.
fn art(bench: &Bench, paths: &[&str]) -> PathBuf {
    let root = bench.root().join("../art");
    for (number, path) in (1..).zip(paths) {
        let file = root.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::rename(bench.png("image.png", number), file).unwrap();
    }
    root.canonicalize().unwrap()
}

const CATS: &[&str] = &[
    "mood.png",
    "Tabby/front.png",
    "Tabby/walk/0.png",
    "Tabby/walk/1.png",
    "Whiskers/idle/frame_01.png",
    "Whiskers/idle/frame_03.png",
];

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

both_engines! {
    fn a_folder_is_planned_then_imported_once(bench) {
        let art = art(bench, CATS);
        fs::write(art.join("notes.txt"), "mine").unwrap();
        let plan = bench.ok(&["import", "folder", "-p", "Cats", text(&art), "--dry-run"]);
        assert!(plan.contains("2 characters, 1 variation, 2 animations, 4 frames and 1 reference"), "{plan}");
        assert!(plan.contains("  walk: 2 frames: Tabby/walk/0.png, Tabby/walk/1.png\n"), "{plan}");
        assert!(plan.contains("the names leave out 2: the frames follow without a gap"), "{plan}");
        assert!(plan.contains("notes.txt: not an image"), "{plan}");
        assert_eq!(bench.json(&["project", "list"]), json!([]), "a dry run does nothing");

        let first = bench.json(&["import", "folder", "-p", "Cats", text(&art)]);
        assert_eq!(first["isNewProject"], true);
        assert_eq!(first["created"], json!({
            "characters": 2, "variations": 1, "animations": 2, "frames": 4, "takes": 4,
            "references": 1,
        }));
        assert_eq!(first["skipped"][0]["path"], "notes.txt");
        if cfg!(target_os = "linux") {
            assert!(first["peakMemory"].as_u64().unwrap() > 1 << 20);
        }
        let tree = bench.json(&["tree", "Cats"]);
        // The only project need not be named.
        let again = bench.json(&["import", "folder", text(&art)]);
        assert_eq!((&again["unchanged"], &again["isNewProject"]), (&json!(6), &json!(false)));
        assert_eq!(bench.json(&["tree", "Cats"]), tree);
        let plan = bench.json(&["import", "folder", text(&art), "--dry-run"]);
        assert_eq!((&plan["images"], &plan["importedBefore"]), (&json!(6), &json!(6)));
        assert_eq!(bench.run(&["sync"]).stdout.trim(), "every file is as it should be");
    }

    fn a_changed_file_is_said_and_its_frame_shows_it(bench) {
        let art = art(bench, CATS);
        bench.ok(&["import", "folder", "-p", "Cats", text(&art)]);
        fs::rename(bench.png("new.png", 77), art.join("Tabby/walk/1.png")).unwrap();
        let said = bench.ok(&["import", "folder", text(&art)]);
        assert!(said.contains("changed since the last import"), "{said}");
        assert!(said.contains("Tabby/walk/1.png (asset "), "{said}");
        assert!(said.contains("its frame shows it now"), "{said}");
        let takes = bench.json(&["take", "list", "Tabby/walk"]);
        assert_eq!(takes.as_array().unwrap().len(), 3);
        fs::rename(bench.png("newer.png", 78), art.join("Tabby/walk/1.png")).unwrap();
        let said = bench.ok(&["import", "folder", text(&art), "--keep-shown"]);
        assert!(said.contains("no frame shows it"), "{said}");
    }

    fn what_names_do_not_say_is_asked_for(bench) {
        let art = art(bench, &["walk_0.png", "walk_1.png", "x.png"]);
        let refused = bench.refused(1, &["import", "folder", "-p", "Cats", text(&art)]);
        assert!(refused.contains("nothing says what 2 images should be"), "{refused}");
        assert!(refused.contains("walk_0.png: numbered like a frame"), "{refused}");
        assert!(refused.contains("hint: say it with --character NAME"), "{refused}");
        assert_eq!(bench.json(&["project", "list"]), json!([]));
        let done = bench.json(&["import", "folder", "-p", "Cats", text(&art), "--skip-unplaced"]);
        assert_eq!(done["created"]["references"], 1);
        let done = bench.json(&["import", "folder", text(&art), "--character", "Tabby"]);
        assert_eq!((&done["created"]["frames"], &done["created"]["variations"]), (&json!(2), &json!(1)));
        let map = bench.text_file("map.toml", "[[rule]]\npath = 'walk_*'\nas = 'reference'\ntags = ['old']\n");
        let plan = bench.json(&["import", "folder", text(&art), "--map", &map, "--dry-run"]);
        assert_eq!(plan["references"].as_array().unwrap().len(), 3);
        let wrong = bench.text_file("wrong.toml", "[[rule]]\npath = 'a'\nas = 'film'\n");
        let refused = bench.refused(1, &["import", "folder", text(&art), "--map", &wrong]);
        assert!(refused.contains("wrong.toml") && refused.contains("unknown variant `film`"), "{refused}");
    }

    fn a_broken_file_is_named_and_everything_else_comes_in(bench) {
        let art = art(bench, CATS);
        fs::write(art.join("Tabby/walk/2.png"), "<html>404</html>").unwrap();
        let ran = bench.run(&["import", "folder", "-p", "Cats", text(&art)]);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(ran.stdout.contains("imported 2 characters"), "{}", ran.stdout);
        assert!(ran.stderr.contains("Tabby/walk/2.png: "), "{}", ran.stderr);
        assert!(ran.stderr.contains("error: 1 file could not be taken in; everything else was"), "{}", ran.stderr);
        let walk = bench.json(&["animation", "show", "Tabby/walk"]);
        assert_eq!(walk["frames"].as_array().unwrap().len(), 2);
        fs::remove_file(art.join("Tabby/walk/2.png")).unwrap();
        bench.ok(&["import", "folder", text(&art)]);
    }
}

#[test]
fn what_is_no_folder_of_images_is_answered() {
    let bench = Bench::new();
    let refused = bench.refused(1, &["import", "folder", "-p", "Cats", "nowhere"]);
    assert!(refused.contains("there is no folder nowhere"), "{refused}");
    let image = bench.png("one.png", 1);
    let refused = bench.refused(1, &["import", "folder", "-p", "Cats", &image]);
    assert!(refused.contains("is a file, not a folder"), "{refused}");
    let empty = tempfile::tempdir().unwrap();
    let empty = text(empty.path());
    let refused = bench.refused(1, &["import", "folder", "-p", "Cats", empty]);
    assert!(refused.contains("there are no images in"), "{refused}");
    bench.ok(&["project", "create", "Cats"]);
    bench.ok(&["asset", "add", &image]);
    let own = bench.root().join("public/assets");
    let refused = bench.refused(1, &["import", "folder", text(&own)]);
    assert!(
        refused.contains("belongs to the studio itself"),
        "{refused}"
    );
    assert!(refused.contains("pegbar adopt"), "{refused}");
    bench.refused(2, &["import", "folder", empty, "--animation", "Walk"]);
    assert_eq!(bench.json(&["project", "show"])["counts"]["references"], 1);
}

#[test]
fn the_real_folders_come_in_as_the_readme_says() {
    let Some(real) = real_inputs() else { return };
    let bench = Bench::new();
    let tabby = real.join("pixellab-tabby/animations");
    let done = bench.json(&[
        "import",
        "folder",
        "-p",
        "Cats",
        text(&tabby),
        "--character",
        "Tabby",
    ]);
    assert_eq!(
        (&done["created"]["animations"], &done["created"]["frames"]),
        (&json!(58), &json!(446))
    );
    let rotations = real.join("pixellab-tabby/rotations");
    let done = bench.json(&["import", "folder", text(&rotations), "--character", "Tabby"]);
    assert_eq!(
        (
            &done["created"]["characters"],
            &done["created"]["variations"]
        ),
        (&json!(0), &json!(8))
    );
    let done = bench.json(&["import", "folder", text(&real.join("gemini"))]);
    assert_eq!(done["created"]["references"], 2);
    let tree = bench.json(&["tree", "Cats"]);
    assert_eq!(tree["characters"].as_array().unwrap().len(), 1);
    assert_eq!(tree["references"][0]["mimeType"], "image/jpeg");
}

#[test]
fn an_export_of_pixellab_is_said_to_be_one_wherever_it_lies() {
    let bench = Bench::new();
    let art = art(&bench, &["tabby/animations/walk/0.png", "luna/front.png"]);
    let metadata = json!({
        "character": { "id": "344dfb7c-d46a-400f-8b35-275c143876e3", "name": "Tabby" },
        "frames": { "rotations": {}, "animations": {} },
    });
    fs::write(art.join("tabby/metadata.json"), metadata.to_string()).unwrap();
    // Other programs write files of that name, too.
    fs::write(
        art.join("luna/metadata.json"),
        r#"{"frames": [], "meta": {}}"#,
    )
    .unwrap();
    let export = art.join("tabby");
    let hint = format!("`pegbar import pixellab {}` also takes in", text(&export));
    for folder in [
        art.clone(),
        export.clone(),
        export.join("animations"),
        export.join("animations/walk"),
    ] {
        let arguments = [
            "import",
            "folder",
            text(&folder),
            "--character",
            "Tabby",
            "--dry-run",
        ];
        let ran = bench.run(&arguments);
        assert_eq!(ran.stderr.matches(&hint).count(), 1, "{folder:?}: {ran:?}");
        let plan = bench.json(&arguments);
        assert_eq!(
            plan["pixellabExports"],
            json!([text(&export)]),
            "{folder:?}"
        );
    }
    let arguments = [
        "import",
        "folder",
        "-p",
        "Cats",
        text(&export),
        "--character",
        "Tabby",
    ];
    assert_eq!(
        bench.json(&arguments)["pixellabExports"],
        json!([text(&export)])
    );
    let luna = art.join("luna");
    let ran = bench.run(&[
        "import",
        "folder",
        text(&luna),
        "--character",
        "Luna",
        "--dry-run",
    ]);
    assert!(!ran.stderr.contains("pixellab"), "{ran:?}");
}
