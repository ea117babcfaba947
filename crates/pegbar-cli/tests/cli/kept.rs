//! `kept`, and `asset save`.

use std::fs;

use crate::support::{Bench, each, shown};

both_engines! {
    fn a_file_that_was_moved_aside_is_listed_and_becomes_a_take(bench) {
        bench.with_walk(2);
        assert_eq!(bench.json(&["kept", "list"]).to_string(), "[]");
        let tree = bench.json(&["animation", "show", "Walk"]);
        let path = tree["frames"][1]["asset"]["filePath"].clone();
        let edited = bench.png("edited.png", 321);
        fs::copy(&edited, bench.view(&path)).unwrap();
        bench.ok(&["sync"]);
        let kept = bench.json(&["kept", "list"]);
        assert_eq!(each(&kept, "path"), [&path]);
        assert_eq!(kept[0]["assetIds"].to_string(), "[]");
        assert_eq!(kept[0]["fileSize"], fs::metadata(&edited).unwrap().len());

        let added = bench.json(&["kept", "add", "Tabby_Walk_1.png", "--prompt", "by hand"]);
        assert_eq!(added[0]["originalName"], "Tabby_Walk_1.png");
        assert_eq!(added[0]["animationId"], tree["animation"]["id"]);
        assert_eq!(added[0]["generationPrompt"], "by hand");
        assert_eq!(bench.json(&["kept", "list"])[0]["assetIds"][0], added[0]["id"]);
        let back = bench.json(&["take", "use", "Walk", "Tabby_Walk_1.png", "--frame", "1"]);
        assert_eq!(shown(&back), ["walk_0.png", "Tabby_Walk_1.png"]);
        assert_eq!(fs::read(bench.view(&path)).unwrap(), fs::read(&edited).unwrap());
        let name = format!("{}  ", path.as_str().unwrap());
        assert!(bench.ok(&["kept", "list"]).contains(&name));
    }

    fn an_image_is_saved_as_it_came_whatever_became_of_its_file(bench) {
        bench.with_walk(1);
        let original = fs::read(bench.png("front.png", 1000)).unwrap();
        let home = bench.json(&["asset", "show", "front.png"])["filePath"].clone();
        fs::write(bench.view(&home), "edited").unwrap();
        let saved = bench.json(&["asset", "save", "front.png"]);
        assert_eq!(saved["path"], "front.png");
        assert_eq!(fs::read(bench.root().join("front.png")).unwrap(), original);
        let output = bench.command(&["asset", "save", "front", "-"]).output().unwrap();
        assert_eq!(output.stdout, original);
        let refused = bench.refused(1, &["asset", "save", "front", "front.png"]);
        assert!(refused.contains("is there already\nhint: name another file, or say --force"), "{refused}");
        bench.ok(&["asset", "save", "front", "front.png", "--force"]);
        fs::create_dir(bench.root().join("out")).unwrap();
        bench.ok(&["asset", "save", "front", "out"]);
        assert_eq!(fs::read(bench.root().join("out/front.png")).unwrap(), original);
    }
}

#[test]
fn a_kept_file_that_is_not_there_or_not_the_only_one_is_refused() {
    let bench = Bench::new();
    bench.with_walk(1);
    let refused = bench.refused(1, &["kept", "add", "x.png"]);
    assert!(refused.contains("`pegbar kept list`"), "{refused}");
    let path = bench.json(&["animation", "show", "Walk"])["frames"][0]["asset"]["filePath"].clone();
    for number in [900, 901] {
        fs::copy(bench.png("edited.png", number), bench.view(&path)).unwrap();
        bench.ok(&["sync"]);
    }
    let kept = bench.json(&["kept", "list"]);
    assert_eq!(each(&kept, "path"), [&path, &path]);
    let second = kept[1]["keptAs"].as_str().unwrap();
    assert!(second.ends_with("~2"), "{kept}");
    bench.ok(&["kept", "add", second]);
    bench.ok(&["animation", "delete", "Walk", "--yes"]);
    let refused = bench.refused(1, &["kept", "add", second]);
    assert!(
        refused.contains("--animation CHARACTER/ANIMATION"),
        "{refused}"
    );
}
