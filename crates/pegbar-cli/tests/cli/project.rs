//! `project` and `tree`.

use std::fs;

use crate::support::{Bench, each};

both_engines! {
    fn a_project_is_created_shown_changed_and_deleted(bench) {
        let settings = r#"{"seed": 9007199254740993, "cfg": 7.5}"#;
        let created = bench.json(&[
            "project", "create", "Alley cats", "--tag", "game", "--tag", "cats",
            "--description", "two lines\nof text", "--settings", settings,
        ]);
        assert_eq!(created["name"], "Alley cats");
        assert_eq!(created["tags"].to_string(), r#"["game","cats"]"#);
        assert_eq!(created["settings"]["seed"], "9007199254740993");

        let front = bench.png("front.png", 1);
        bench.ok(&["character", "create", "Tabby", &front]);
        let asset = &bench.json(&["variation", "list", "Tabby"])[0]["id"];
        let thumbnail = asset.as_str().unwrap();
        bench.ok(&["project", "edit", "alley cats", "--thumbnail", thumbnail]);
        let shown = bench.json(&["project", "show"]);
        assert_eq!(shown["thumbnailId"], *asset);
        assert_eq!(shown["counts"]["characters"], 1);
        assert_eq!(shown["counts"]["variations"], 1);
        let text = bench.ok(&["project", "show", "Alley cats"]);
        assert!(text.contains("description  two lines\n               of text\n"), "{text}");
        assert!(text.contains("1 character and 1 variation"), "{text}");

        let edited = bench.json(&[
            "project", "edit", "Alley cats", "--name", "走る猫", "--clear-tags", "--clear-thumbnail",
        ]);
        assert_eq!(edited["name"], "走る猫");
        assert_eq!(edited["tags"].to_string(), "[]");
        assert!(edited["thumbnailId"].is_null());

        let folder = bench.root().join("public/assets").join(created["id"].as_str().unwrap());
        assert!(folder.exists());
        let gone = bench.ok(&["project", "delete", "走る猫", "--yes"]);
        assert!(gone.starts_with("moved the project \"走る猫\" into the trash: 1 character and 1 asset"), "{gone}");
        assert_eq!(bench.json(&["project", "list"]).to_string(), "[]");
        let left = fs::read_dir(&folder).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing is left in {}", folder.display());
    }

    fn projects_are_listed_by_tag_and_in_parts(bench) {
        for name in ["One", "Two", "Three"] {
            bench.ok(&["project", "create", name, "--tag", &name[..1]]);
        }
        let all = bench.json(&["project", "list"]);
        assert_eq!(each(&all, "name"), ["One", "Two", "Three"]);
        let t = bench.json(&["project", "list", "--tag", "T"]);
        assert_eq!(each(&t, "name"), ["Two", "Three"]);
        let first = bench.run(&["project", "list", "--limit", "1"]);
        let id = all[0]["id"].as_str().unwrap();
        assert_eq!(first.stderr, format!("more follow: --after {id}\n"));
        let rest = bench.json(&["project", "list", "--after", id, "--limit", "5"]);
        assert_eq!(each(&rest, "name"), ["Two", "Three"]);
        let wrong = bench.refused(2, &["project", "list", "--after", "nonsense"]);
        assert!(wrong.contains("is not a whole id"), "{wrong}");
    }

    fn a_tree_is_drawn_and_is_one_object_as_json(bench) {
        bench.with_walk(3);
        let text = bench.ok(&["tree"]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].starts_with("Cats  "), "{text}");
        assert!(lines[1].starts_with("└─ Tabby  "), "{text}");
        assert!(lines[2].ends_with("front.png, 8×6, 94 B, primary") || lines[2].contains("primary"), "{text}");
        assert!(lines[3].starts_with("   └─ Walk: 3 frames, 8×6, "), "{text}");
        let text = bench.ok(&["tree", "Cats", "--frames"]);
        assert_eq!(text.lines().count(), 7, "{text}");
        assert!(text.lines().last().unwrap().contains("└─ 2  "), "{text}");

        let tree = bench.json(&["tree", "Cats"]);
        assert_eq!(tree["characters"][0]["animations"][0]["frames"][2]["frame"]["frameIndex"], 2);
        assert_eq!(bench.json(&["tree"])[0], tree);
    }
}

#[test]
fn a_name_that_is_empty_or_too_long_is_refused() {
    let bench = Bench::new();
    let refused = bench.refused_json(1, &["project", "create", " "]);
    assert_eq!(refused["code"], "invalid");
    assert_eq!(refused["message"], "name: a name can't be empty");
    let long = "a".repeat(256);
    assert!(
        bench
            .refused(1, &["project", "create", &long])
            .contains("at most 255")
    );
    assert_eq!(bench.json(&["project", "list"]).to_string(), "[]");
}

#[test]
fn an_empty_project_goes_without_a_count() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let gone = bench.ok(&["project", "delete", "Cats", "--yes"]);
    assert!(
        gone.contains("\"Cats\" into the trash (deletion "),
        "{gone}"
    );
}
