//! `character` and `variation`.

use std::fs;

use crate::support::{Bench, each, ending};

both_engines! {
    fn a_character_is_created_shown_changed_and_deleted(bench) {
        bench.ok(&["project", "create", "Cats"]);
        let [front, side, back] = ["front.png", "side.png", "back.png"].map(|name| {
            bench.png(name, u32::try_from(name.len()).unwrap())
        });
        let created = bench.json(&[
            "character", "create", "Tabby", &front, "--user-prompt", "a small orange cat",
            "--tag", "hero",
        ]);
        let first = created["primaryAssetId"].clone();
        assert!(first.is_string(), "the first variation is primary: {created}");

        let added = bench.json(&[
            "variation", "add", "Tabby", &side, &back, "--prompt", "another view",
            "--system-prompt", "pixel art", "--model", "sprite-1", "--tag", "view",
            "--made-from", &format!("{}:character", ending(&first, 12)),
        ]);
        assert_eq!(each(&added, "generationPrompt"), ["another view"; 2]);
        assert_eq!(each(&added, "originalName"), ["side.png", "back.png"]);
        assert_eq!(added[1]["references"][0]["assetId"], first);
        assert_eq!(added[1]["references"][0]["role"], "character");
        let listed = bench.json(&["variation", "list", "Tabby"]);
        assert_eq!(listed.as_array().unwrap().len(), 3);
        assert_eq!(listed[2]["id"], added[1]["id"]);

        let back_id = added[1]["id"].as_str().unwrap();
        let changed = bench.json(&["variation", "primary", "Tabby", back_id]);
        assert_eq!(changed["primaryAssetId"], *back_id);
        assert!(bench.json(&["variation", "primary", "Tabby", "--clear"])["primaryAssetId"].is_null());
        bench.ok(&["variation", "primary", "Tabby", back_id]);

        let before = bench.view(&added[0]["filePath"]);
        assert!(before.to_str().unwrap().contains("characters/Tabby_"));
        bench.ok(&["character", "edit", "Tabby", "--name", "Tiger", "--clear-tags"]);
        assert!(!before.exists());
        let tree = bench.json(&["character", "show", "Tiger"]);
        let after = bench.view(&tree["variations"][1]["filePath"]);
        assert!(after.to_str().unwrap().contains("characters/Tiger_"));
        assert_eq!(fs::read(after).unwrap(), fs::read(&side).unwrap());
        let text = bench.ok(&["character", "show", "Tiger"]);
        let primary = text.lines().find(|line| line.contains("primary ")).unwrap();
        assert!(primary.starts_with(back_id), "{text}");

        let gone = bench.json(&["character", "delete", "Tiger", "--yes"]);
        assert_eq!(gone["characters"], 1);
        assert_eq!(gone["assets"], 3);
        assert_eq!(bench.json(&["character", "list"]).to_string(), "[]");
    }

    fn what_is_no_image_adds_nothing(bench) {
        bench.ok(&["project", "create", "Cats"]);
        bench.ok(&["character", "create", "Tabby"]);
        let good = bench.png("good.png", 1);
        let bad = bench.text_file("bad.png", "not an image");
        let refused = bench.refused(1, &["variation", "add", "Tabby", &good, &bad]);
        assert!(refused.contains("bad.png"), "{refused}");
        assert!(refused.contains("hint: Pegbar takes in PNG, JPEG, WebP and GIF"), "{refused}");
        let missing = bench.refused_json(1, &["variation", "add", "Tabby", "/nowhere/x.png"]);
        assert_eq!(missing["code"], "not_found");
        assert!(missing["message"].as_str().unwrap().contains("there is no folder /nowhere"), "{missing}");
        assert_eq!(bench.json(&["variation", "list", "Tabby"]).to_string(), "[]");
    }
}

#[test]
fn only_an_own_variation_becomes_primary() {
    let bench = Bench::new();
    bench.with_walk(1);
    let tree = bench.json(&["animation", "show", "Walk"]);
    let take = tree["frames"][0]["asset"]["id"].as_str().unwrap();
    let refused = bench.refused_json(1, &["variation", "primary", "Tabby", take]);
    assert_eq!(refused["code"], "not_found");
    assert!(
        refused["hint"]
            .as_str()
            .unwrap()
            .contains("`pegbar variation list"),
        "{refused}"
    );
}
