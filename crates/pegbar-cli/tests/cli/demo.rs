//! `demo`.

use std::collections::HashSet;
use std::fs;

use serde_json::Value;

use crate::support::Bench;

fn assets(tree: &Value) -> Vec<&Value> {
    let character = &tree["characters"][0];
    let variations = character["variations"].as_array().unwrap().iter();
    let animations = character["animations"].as_array().unwrap().iter();
    let frames = animations.flat_map(|each| each["frames"].as_array().unwrap());
    variations
        .chain(frames.map(|frame| &frame["asset"]))
        .collect()
}

fn hashes(tree: &Value) -> Vec<&Value> {
    assets(tree)
        .into_iter()
        .map(|asset| &asset["sha256"])
        .collect()
}

both_engines! {
    fn a_seed_draws_one_character_with_an_honest_record(bench) {
        let drawn = bench.json(&["demo", ".", "--seed", "7"]);
        assert_eq!(drawn["isNew"], true);
        let tree = &drawn["tree"];
        let character = &tree["characters"][0];
        assert!(character["variations"].as_array().unwrap().len() >= 3);
        let walk = &character["animations"][0];
        assert_eq!(walk["animation"]["frameCount"], 8);
        assert!(walk["animation"]["frameDurationMs"].as_u64() > Some(0));
        assert_eq!(character["animations"].as_array().unwrap().len(), 2);
        assert!(character["character"]["primaryAssetId"].is_string());
        assert_eq!(tree["project"]["thumbnailId"], character["character"]["primaryAssetId"]);

        let mut earlier: HashSet<&str> = HashSet::new();
        for asset in assets(tree) {
            assert!(asset["model"].as_str().unwrap().starts_with("pegbar demo drawing "));
            assert_eq!(asset["generationSettings"]["seed"], 7);
            assert!(!asset["generationPrompt"].as_str().unwrap().is_empty());
            assert!(asset["recordHash"].is_string());
            let inputs = asset["referenceAssetIds"].as_array().unwrap();
            assert_eq!(inputs.is_empty(), earlier.is_empty(), "only the first has no input");
            assert!(inputs.iter().all(|input| earlier.contains(input.as_str().unwrap())));
            earlier.insert(asset["id"].as_str().unwrap());
            assert!(bench.view(&asset["filePath"]).exists());
        }
        let walk = walk["frames"].as_array().unwrap();
        for pair in walk.windows(2) {
            let references = pair[1]["asset"]["references"].as_array().unwrap();
            let before = references.iter().find(|each| each["role"] == "previous_frame");
            assert_eq!(before.unwrap()["assetId"], pair[0]["asset"]["id"]);
        }
    }

    fn the_same_seed_is_found_again_and_another_adds_another(bench) {
        let first = bench.json(&["demo", "."]);
        let again = bench.json(&["demo", "."]);
        assert_eq!(again["isNew"], false);
        assert_eq!(again["tree"], first["tree"]);
        let other = bench.json(&["demo", ".", "--seed", "18446744073709551615"]);
        assert_eq!(other["isNew"], true);
        let (first, other) = (hashes(&first["tree"]), hashes(&other["tree"]));
        assert!(first.iter().all(|hash| !other.contains(hash)));
        assert_eq!(bench.json(&["project", "list"]).as_array().unwrap().len(), 2);
        // The same seed gives the same pictures, in another studio too.
        let elsewhere = Bench::new().json(&["demo", "."]);
        assert_eq!(hashes(&elsewhere["tree"]), first);
    }
}

#[test]
fn it_needs_nothing_and_says_where_to_look() {
    let bench = Bench::new();
    let ran = bench.run(&["demo"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let text = &ran.stdout;
    assert!(text.contains("walk: 8 frames"), "{text}");
    let named = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("contact sheet  "));
    let mut sizes = Vec::new();
    for sheet in named {
        sizes.push(image::image_dimensions(bench.root().join(sheet)).unwrap());
    }
    assert_eq!(sizes.len(), 3, "{text}");
    assert!(
        sizes
            .iter()
            .all(|(width, height)| *width > 400 && *height > 300)
    );
    let files = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("files          "));
    let files = bench.root().join(files.unwrap());
    assert_eq!(fs::read_dir(files.join("frames")).unwrap().count(), 2);
}
