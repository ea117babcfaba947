//! `asset`.

use serde_json::Value;

use crate::support::{Bench, each, ending};

both_engines! {
    fn an_asset_shows_its_whole_record(bench) {
        bench.ok(&["project", "create", "Cats"]);
        let [palette, pose, image] = [1, 2, 3].map(|n| bench.png(&format!("i{n}.png"), n));
        let inputs = bench.json(&["asset", "add", &palette, &pose, "--tag", "input"]);
        let [style, other] = [0, 1].map(|n| ending(&inputs[n]["id"], 12));
        let settings = bench.text_file("settings.json", r#"{"seed": 12345678901234567890}"#);
        let made = bench.json(&[
            "asset", "add", &image, "--prompt", "a cat", "--system-prompt", "be brief",
            "--model", "sprite-1", "--settings", &format!("@{settings}"),
            "--made-from", &format!("{other}:pose"), "--made-from", &format!("{style}:style"),
            "--made-from", &other,
        ]);
        let asset = &made[0];
        assert_eq!(each(&asset["references"], "role"), ["pose", "style", "other"]);
        assert_eq!(each(&asset["references"], "sha256"), [
            &inputs[1]["sha256"], &inputs[0]["sha256"], &inputs[1]["sha256"],
        ]);
        assert_eq!(asset["generationSettings"]["seed"], "12345678901234567890");

        let id = asset["id"].as_str().unwrap();
        let mut shown = bench.json(&["asset", "show", &ending(&asset["id"], 12)]);
        let claims = shown.as_object_mut().unwrap().remove("claims");
        assert_eq!(claims, Some(Value::Array(vec![])));
        let annotations = shown.as_object_mut().unwrap().remove("annotations");
        assert_eq!((annotations, &shown), (Some(Value::Array(vec![])), asset));
        let text = bench.ok(&["asset", "show", id]);
        for field in ["recordHash", "sha256", "filePath", "generationPrompt", "generationSystemPrompt", "model"] {
            let value = asset[field].as_str().unwrap();
            assert!(text.contains(value), "{field}: {text}");
        }
        for reference in asset["references"].as_array().unwrap() {
            for field in ["assetId", "role", "sha256"] {
                assert!(text.contains(reference[field].as_str().unwrap()), "{field}: {text}");
            }
        }
    }

    fn what_a_file_says_is_shown_apart_as_its_claim(bench) {
        bench.ok(&["project", "create", "Cats"]);
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../pegbar/tests/fixtures/metadata");
        let [cat, odd] = ["a1111.png", "xmp-extended.jpg"].map(|name| format!("{fixtures}/{name}"));
        bench.ok(&["asset", "add", &cat, &odd]);
        let text = bench.ok(&["asset", "show", "a1111.png"]);
        let (recorded, claimed) = text.split_once("claims (what the file").unwrap();
        assert!(!recorded.contains("orange cat") && !recorded.contains("DPM++"), "{recorded}");
        let lines: Vec<&str> = claimed.lines().skip(1).map(str::trim_end).collect();
        assert_eq!(lines, [
            "  0  a1111",
            "     prompt               a small orange cat, (fluffy tail:1.2), <lora:pixel:0.8> on a wall at night",
            "     negativePrompt       blurry, extra legs, watermark",
            "     model                v1-5-pruned-emaonly",
            "     modelHash            6ce0161689",
            "     seed                 3141592653",
            "     steps                20",
            "     sampler              DPM++ 2M",
            "     cfgScale             7.5",
            "     width                512",
            "     height               768",
            "     software             AUTOMATIC1111 v1.10.1",
            "     foundIn              pngText",
            "     other.Lora hashes    pixel: aabbccddeeff, other: 001122334455",
            "     other.Schedule type  Karras",
        ]);
        let shown = bench.json(&["asset", "show", "a1111.png"]);
        assert_eq!(shown["claims"][0]["fields"]["seed"], 3_141_592_653_u32);
        assert!(shown["claims"][0]["raw"].as_str().unwrap().contains("\nNegative prompt: blurry"));
        assert_eq!(shown["generationPrompt"], Value::Null);
        let long = bench.run(&["asset", "show", "xmp-extended.jpg"]);
        assert!(long.stdout.contains("long long …") || long.stdout.contains("long…"), "{}", long.stdout);
        assert!(long.stdout.len() < 3000);
        assert!(long.stderr.contains("--json has all of them"), "{}", long.stderr);
    }

    fn claims_of_assets_from_before_are_read_once(bench) {
        bench.ok(&["project", "create", "Cats"]);
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../pegbar/tests/fixtures/metadata");
        bench.ok(&["asset", "add", &format!("{fixtures}/midjourney.png"), &bench.png("i.png", 1)]);
        let before = bench.json(&["asset", "show", "midjourney.png"]);
        bench.sql("DELETE FROM asset_claim");
        let read = bench.ok(&["asset", "read-claims"]);
        assert_eq!(read, "read 2 assets, of which 1 say something of themselves: 2 new claims\n");
        assert_eq!(bench.json(&["asset", "show", "midjourney.png"]), before);
        let again = bench.json(&["asset", "read-claims"]);
        assert_eq!(again, serde_json::json!({ "assets": 2, "speaking": 1, "added": 0 }));
    }

    fn assets_are_listed_by_what_they_are(bench) {
        bench.with_walk(3);
        let palette = bench.png("palette.png", 50);
        let added = bench.json(&["asset", "add", &palette, "--tag", "palette"]);
        let kinds = each(&bench.json(&["asset", "list"]), "kind").len();
        assert_eq!(kinds, 5);
        let count = |arguments: &[&str]| {
            let list = bench.json(&[&["asset", "list"], arguments].concat());
            list.as_array().unwrap().len()
        };
        assert_eq!(count(&["--kind", "frame"]), 3);
        assert_eq!(count(&["--character", "Tabby"]), 1);
        assert_eq!(count(&["--animation", "Tabby/Walk"]), 3);
        assert_eq!(count(&["--tag", "palette"]), 1);
        assert_eq!(count(&["--sha256", added[0]["sha256"].as_str().unwrap()]), 1);
        assert_eq!(count(&["--before", "2000-01-01T00:00:00Z"]), 0);
        assert_eq!(count(&["--from", "2000-01-01T00:00:00Z"]), 5);
        assert_eq!(count(&["--from", "2000-01-01"]), 5);
        let time = bench.refused(2, &["asset", "list", "--before", "yesterday"]);
        assert!(time.contains("not a time as in 2026-01-31"), "{time}");
        assert_eq!(count(&["--limit", "0"]), 0);
        bench.refused(2, &["asset", "list", "--kind", "sprite"]);
    }

    fn what_is_used_is_not_deleted_and_what_is_not_is(bench) {
        bench.with_walk(1);
        let primary = bench.json(&["variation", "list", "Tabby"])[0]["id"].clone();
        let take = bench.json(&["asset", "list", "--kind", "frame"])[0]["id"].clone();
        let refused = bench.refused(1, &["asset", "delete", take.as_str().unwrap(), "--yes"]);
        assert!(refused.contains("is still used: frame "), "{refused}");
        assert!(refused.contains("hint: "), "{refused}");
        let edited = bench.json(&[
            "asset", "edit", primary.as_str().unwrap(), "--tag", "a", "--original-name", "tabby.png",
        ]);
        assert_eq!(edited["tags"].to_string(), r#"["a"]"#);
        assert_eq!(edited["originalName"], "tabby.png");
        let gone = bench.json(&["asset", "delete", primary.as_str().unwrap(), "--yes"]);
        assert_eq!(gone["assets"], 1);
        assert!(!bench.view(&edited["filePath"]).exists());
    }
}

#[test]
fn a_list_of_many_pages_is_whole() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let image = bench.png("one.png", 1);
    let many = [&["asset", "add"][..], &[image.as_str(); 1003]].concat();
    let added = bench.json(&many);
    let listed = bench.json(&["asset", "list"]);
    assert_eq!(each(&listed, "id"), each(&added, "id"));
    let text = bench.ok(&["asset", "list"]);
    assert_eq!(text.lines().count(), 1004, "one header");
    let part = bench.json(&["asset", "list", "--limit", "1001"]);
    assert_eq!(
        part.as_array().unwrap()[..],
        listed.as_array().unwrap()[..1001]
    );
}

#[test]
fn settings_that_are_no_json_are_wrong_usage() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    let image = bench.png("one.png", 1);
    let add = |settings: &str| bench.refused(2, &["asset", "add", &image, "--settings", settings]);
    assert!(add("{seed}").contains("not JSON"));
    assert!(add(r#"{"a":1,"a":2}"#).contains("stands twice"));
    assert!(add("@/nowhere.json").contains("/nowhere.json"));
    let role = bench.refused(2, &["asset", "add", &image, "--made-from", "abcdef:colour"]);
    assert!(
        role.contains("expected one of character, previous_frame"),
        "{role}"
    );
}

#[test]
fn the_file_to_save_into_is_also_said_as_other_commands_have_it() {
    let bench = Bench::new();
    bench.with_walk(0);
    let copy = bench.path().join("copy.png");
    let copy = copy.to_str().unwrap();
    bench.ok(&["asset", "save", "front.png", "-o", copy]);
    let front = std::fs::read(bench.path().join("front.png")).unwrap();
    assert_eq!(std::fs::read(copy).unwrap(), front);
    bench.refused(2, &["asset", "save", "front.png", "a.png", "-o", "b.png"]);
}

#[test]
fn where_a_list_goes_on_is_said_by_a_whole_id() {
    let bench = Bench::new();
    bench.with_walk(0);
    let refused = bench.refused(2, &["search", "cat", "--after", "3f"]);
    for part in [
        "\"3f\" is not a whole id",
        "where a list stopped",
        "--from or --before",
    ] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
}
