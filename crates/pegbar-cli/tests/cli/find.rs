//! What is meant by a name, an id, or the end of an id.

use serde_json::Value;

use crate::support::{Bench, each, ending};

both_engines! {
    fn a_thing_is_meant_by_its_name_its_id_or_the_end_of_it(bench) {
        bench.with_walk(1);
        let project = bench.json(&["project", "list"])[0]["id"].clone();
        let character = bench.json(&["character", "list"])[0]["id"].clone();
        let animation = bench.json(&["animation", "list"])[0]["id"].clone();
        let asset = bench.json(&["asset", "list"])[0]["id"].clone();
        let things = [("project", project, "cats"), ("character", character, "Cats/Tabby"),
            ("animation", animation, "tabby/walk")];
        for (group, id, name) in things {
            let whole = id.as_str().unwrap();
            let shown = bench.ok(&[group, "show", whole]);
            assert!(shown.contains(whole));
            for wanted in [ending(&id, 12), ending(&id, 8).to_uppercase(), name.to_owned()] {
                assert_eq!(bench.ok(&[group, "show", &wanted]), shown, "{group} {wanted}");
            }
            let unknown = "01a2061b-2e96-7f51-b4a5-000000000000";
            assert_eq!(bench.refused_json(1, &[group, "show", unknown])["code"], "not_found");
        }
        assert_eq!(bench.json(&["asset", "show", &ending(&asset, 10)])["id"], asset);
    }
}

/// Two ids that end with the same four digits.
fn same_ending(ids: &[Value]) -> Option<String> {
    let endings: Vec<String> = ids.iter().map(|id| ending(id, 4)).collect();
    let twice = endings
        .iter()
        .enumerate()
        .find(|(n, end)| endings[..*n].contains(end));
    twice.map(|(_, end)| end.clone())
}

#[test]
fn the_end_of_several_ids_is_refused_with_a_list_of_them() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let image = bench.png("one.png", 1);
    let add = [&["asset", "add"][..], &[image.as_str(); 700]].concat();
    let mut ids: Vec<Value> = Vec::new();
    // 700 ids nearly always have two with the same last four digits; else there will be more.
    let twice = loop {
        let added = bench.json(&add);
        ids.extend(
            added
                .as_array()
                .unwrap()
                .iter()
                .map(|asset| asset["id"].clone()),
        );
        if let Some(twice) = same_ending(&ids) {
            break twice;
        }
    };
    let refused = bench.refused_json(1, &["asset", "show", &twice]);
    assert_eq!(refused["code"], "ambiguous");
    let candidates = refused["candidates"].as_array().unwrap();
    assert!(candidates.len() >= 2);
    assert!(
        candidates
            .iter()
            .all(|candidate| ids.contains(&candidate["id"]))
    );
    let text = bench.refused(1, &["asset", "show", &twice]);
    assert!(
        text.contains(candidates[0]["id"].as_str().unwrap()),
        "{text}"
    );
    assert!(
        text.contains("hint: give more of the end of the id"),
        "{text}"
    );
}

#[test]
fn a_variation_or_reference_is_meant_by_the_name_it_came_with() {
    let bench = Bench::new();
    bench.with_walk(1);
    let [front, palette, better] = ["front.png", "palette.png", "better.png"]
        .map(|name| bench.png(name, u32::try_from(name.len()).unwrap()));
    bench.ok(&["asset", "add", &palette]);
    let made_from = [
        "--made-from",
        "front:character",
        "--made-from",
        "PALETTE.png:style",
    ];
    let replace = ["frame", "replace", "Walk", "0", "--with", &better];
    let tree = bench.json(&[&replace[..], &made_from].concat());
    let inputs = each(&tree["frames"][0]["asset"]["references"], "assetId");
    let named = |name: &str| bench.json(&["asset", "show", name])["id"].clone();
    assert_eq!(inputs, [&named("Tabby/front"), &named("palette")]);

    bench.ok(&["character", "create", "Luna", &front]);
    let refused = bench.refused(1, &["asset", "show", "front"]);
    assert!(
        refused.contains("Tabby/front.png") && refused.contains("Luna/front.png"),
        "{refused}"
    );
    assert!(refused.contains("hint: say CHARACTER/NAME"), "{refused}");
    assert_ne!(named("Luna/front.png"), named("Tabby/front.png"));
    let primary = bench.json(&["variation", "primary", "Luna", "front"]);
    assert_eq!(primary["primaryAssetId"], named("Luna/front"));
    let other = named("Tabby/front");
    bench.refused(
        1,
        &["variation", "primary", "Luna", other.as_str().unwrap()],
    );
}

#[test]
fn an_asset_is_also_meant_by_the_frame_that_shows_it() {
    let bench = Bench::new();
    bench.with_walk(3);
    let frames = bench.json(&["animation", "show", "Walk"])["frames"].clone();
    let (frame, asset) = (&frames[1]["frame"]["id"], &frames[1]["asset"]["id"]);
    let id = |words: &[&str]| bench.json(&[&["asset", "show"], words].concat())["id"].clone();
    for name in [
        "Tabby/Walk/1",
        "Walk/1",
        "Cats/Tabby/Walk/1",
        frame.as_str().unwrap(),
        &ending(frame, 12),
    ] {
        assert_eq!(id(&[name]), *asset, "{name}");
    }
    bench.ok(&["asset", "annotate", "Tabby/Walk/1", "the tail is wrong"]);
    let copy = bench.path().join("copy.png");
    let copy = copy.to_str().unwrap();
    bench.ok(&["asset", "save", "Tabby/Walk/1", copy]);
    let original = std::fs::read(bench.path().join("walk_1.png")).unwrap();
    assert_eq!(std::fs::read(copy).unwrap(), original);
    let shown = bench.refused(1, &["asset", "drop-bytes", "Walk/1", "--yes"]);
    assert!(shown.contains("Tabby/Walk/1"), "{shown}");
    let image = bench.png("next.png", 77);
    let input = "previous_frame=Tabby/Walk/1";
    let record = ["generation", "record", &image, "--take-of", "Walk"];
    let recorded = bench.json(&[&record[..], &["--input", input]].concat());
    let take = &recorded["outputs"][0];
    assert_eq!(each(&take["references"], "assetId"), [asset]);
    let found = bench.json(&["search", "--made-from", "Tabby/Walk/1"]);
    assert_eq!(each(&found, "id"), [&take["id"]]);
    let third = bench.png("third.png", 78);
    let made = bench.json(&["asset", "add", &third, "--made-from", "Walk/1:pose"]);
    assert_eq!(each(&made[0]["references"], "assetId"), [asset]);

    let beyond = bench.refused(1, &["asset", "show", "Tabby/Walk/7"]);
    assert!(beyond.contains("\"Walk\" has no frame 7"), "{beyond}");
    let wrong = bench.refused(1, &["asset", "show", "Tabby/Wlak/1"]);
    assert!(wrong.contains("did you mean \"Tabby/Walk\""), "{wrong}");
    let unnamed = bench.refused(1, &["asset", "show", "walk_1.png"]);
    assert!(unnamed.contains("CHARACTER/ANIMATION/INDEX"), "{unnamed}");
}

#[test]
fn a_frame_and_a_variation_of_one_name_are_refused_with_both() {
    let bench = Bench::new();
    bench.with_walk(1);
    let zero = bench.png("0.png", 5);
    let walker = bench.json(&["character", "create", "Walk", &zero]);
    bench.ok(&["animation", "create", "Walk", "Run"]);
    let refused = bench.refused_json(1, &["asset", "show", "Walk/0"]);
    assert_eq!(refused["code"], "ambiguous");
    let shown = bench.json(&["frame", "show", "Tabby/Walk", "0"])["asset"]["id"].clone();
    let variations = bench.json(&["variation", "list", "Walk"]);
    let mut expected = [&variations[0]["id"], &shown];
    let mut candidates = each(&refused["candidates"], "id");
    expected.sort_by_key(ToString::to_string);
    candidates.sort_by_key(ToString::to_string);
    assert_eq!(candidates, expected, "{walker}");
    bench.ok(&["asset", "show", "Walk/0.png"]);
    bench.ok(&["asset", "show", "Tabby/Walk/0"]);

    bench.ok(&["character", "create", "Luna"]);
    bench.ok(&["animation", "create", "Luna", "Walk"]);
    let several = bench.refused_json(1, &["search", "--made-from", "Walk/0", "-p", "Cats"]);
    assert_eq!(several["code"], "ambiguous", "{several}");
}

#[test]
fn what_cannot_be_told_apart_by_name_is_by_id() {
    let bench = Bench::new();
    bench.with_walk(0);
    bench.ok(&["animation", "create", "Tabby", "Walk"]);
    let refused = bench.refused(1, &["animation", "show", "Tabby/Walk"]);
    assert!(
        refused.ends_with("hint: give the end of an id\n"),
        "{refused}"
    );
}

#[test]
fn names_that_several_have_are_told_apart() {
    let bench = Bench::new();
    for project in ["One", "Two"] {
        bench.ok(&["project", "create", project]);
        bench.ok(&["character", "create", "Tabby", "-p", project]);
        bench.ok(&["animation", "create", "Tabby", "Walk", "-p", project]);
    }
    bench.ok(&["character", "create", "Luna", "-p", "One"]);
    bench.ok(&["animation", "create", "Luna", "Walk"]);

    let refused = bench.refused(1, &["character", "show", "Tabby"]);
    assert!(
        refused.contains("One/Tabby") && refused.contains("Two/Tabby"),
        "{refused}"
    );
    assert!(refused.contains("-p"), "{refused}");
    assert!(
        bench
            .ok(&["character", "show", "Two/Tabby"])
            .contains("Two")
    );
    assert!(
        bench.ok(&["character", "show", "Luna"]).contains("One"),
        "only one has it"
    );

    let refused = bench.refused(1, &["animation", "show", "Walk", "-p", "One"]);
    assert!(
        refused.contains("One/Tabby/Walk") && refused.contains("One/Luna/Walk"),
        "{refused}"
    );
    assert!(
        bench
            .ok(&["animation", "show", "Luna/Walk"])
            .starts_with("Luna/Walk\n")
    );
    assert!(
        bench
            .ok(&["animation", "show", "Two/Tabby/Walk"])
            .starts_with("Tabby/Walk\n")
    );

    let which = bench.refused_json(1, &["character", "create", "Mia"]);
    assert_eq!(which["code"], "ambiguous");
    assert!(
        which["hint"]
            .as_str()
            .unwrap()
            .starts_with("say which one: -p PROJECT"),
        "{which}"
    );
    let which = bench.refused_json(1, &["project", "show"]);
    assert_eq!(
        which["hint"],
        "say which one: `pegbar project show PROJECT`"
    );
    let mut command = bench.command(&["character", "create", "Mia"]);
    let output = command.env("PEGBAR_PROJECT", "One").output().unwrap();
    assert!(output.status.success());
}

#[test]
fn a_name_that_nothing_has_brings_similar_ones() {
    let bench = Bench::new();
    bench.with_walk(0);
    let refused = bench.refused(1, &["character", "show", "Taby"]);
    assert_eq!(
        refused,
        "error: there is no character \"Taby\"\nhint: did you mean \"Tabby\"?\n"
    );
    let refused = bench.refused(1, &["animation", "show", "Tabby/Wlak"]);
    assert!(refused.contains("did you mean \"Tabby/Walk\""), "{refused}");
    let refused = bench.refused(1, &["project", "show", "Zebra"]);
    assert!(refused.contains("`pegbar project list`"), "{refused}");
    let refused = bench.refused(1, &["asset", "show", "zebra.png"]);
    assert!(refused.contains("`pegbar asset list`"), "{refused}");
    let refused = bench.refused(1, &["asset", "show", "fromt.png"]);
    assert!(refused.contains("did you mean \"front.png\""), "{refused}");
    let refused = bench.refused(1, &["asset", "show", "9ab"]);
    assert!(refused.contains("from 4 characters on"), "{refused}");
    let refused = bench.refused(1, &["variation", "primary", "Tabby", "side"]);
    assert_eq!(
        refused,
        "error: \"Tabby\" has no variation \"side\"\n\
         hint: list what it has: `pegbar variation list \"Tabby\"`\n"
    );
}
