//! `animation` and `frame`.

use serde_json::Value;

use crate::support::{Bench, each, ending, shown};

fn indices(tree: &Value) -> Vec<u64> {
    let frames = tree["frames"].as_array().unwrap().iter();
    frames
        .map(|frame| frame["frame"]["frameIndex"].as_u64().unwrap())
        .collect()
}

both_engines! {
    fn the_prompts_of_a_frame_and_of_its_image_are_both_listed(bench) {
        bench.with_walk(0);
        let [first, second] = [1, 2].map(|n| bench.png(&format!("f{n}.png"), n));
        let prompt = ["--prompt", "lift the paw", "--model", "sprite-1"];
        bench.ok(&[&["frame", "add", "Walk", &first][..], &prompt].concat());
        bench.ok(&["frame", "add", "Walk", &second, "--frame-prompt", "the paw is highest"]);
        for columns in [None, Some("100")] {
            for list in [["frame", "list", "Walk"], ["animation", "show", "Walk"]] {
                let mut command = bench.command(&list);
                columns.map(|columns| command.env("COLUMNS", columns));
                let text = crate::support::ran(&command.output().unwrap()).stdout;
                let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
                for said in ["FRAME PROMPT", "lift the paw", "the paw is highest"] {
                    assert!(words.contains(said), "{said}: {text}");
                }
            }
        }
        let shown = bench.ok(&["frame", "show", "Walk", "0"]);
        assert!(shown.contains("  prompt   lift the paw\n") && shown.contains("sprite-1"), "{shown}");
        let shown = bench.ok(&["frame", "show", "Walk", "1"]);
        assert!(shown.contains("frame prompt  the paw is highest\n"), "{shown}");
    }

    fn frames_are_added_moved_replaced_ordered_and_removed(bench) {
        bench.with_walk(3);
        let walk = "Tabby/Walk";
        let tree = bench.json(&["animation", "show", walk]);
        assert_eq!(shown(&tree), ["walk_0.png", "walk_1.png", "walk_2.png"]);

        let extra = bench.png("extra.png", 77);
        let tree = bench.json(&["frame", "add", walk, &extra, "--at", "1", "--frame-prompt", "leap"]);
        assert_eq!(shown(&tree), ["walk_0.png", "extra.png", "walk_1.png", "walk_2.png"]);
        assert_eq!(tree["frames"][1]["frame"]["framePrompt"], "leap");

        let tree = bench.json(&["frame", "move", walk, "3", "--to", "0"]);
        assert_eq!(shown(&tree), ["walk_2.png", "walk_0.png", "extra.png", "walk_1.png"]);

        let better = bench.png("better.png", 78);
        let frame = tree["frames"][2]["frame"]["id"].clone();
        let replaced = bench.json(&[
            "frame", "replace", &ending(&frame, 12), "--with", &better, "--prompt", "higher",
        ]);
        assert_eq!(shown(&replaced), ["walk_2.png", "walk_0.png", "better.png", "walk_1.png"]);
        assert_eq!(replaced["frames"][2]["frame"]["id"], frame, "the frame stays");
        assert_eq!(replaced["frames"][2]["asset"]["generationPrompt"], "higher");
        assert_eq!(each(&replaced["takes"], "originalName"), ["extra.png"], "the old image stays");

        let earlier = ending(&replaced["takes"][0]["id"], 12);
        let back = bench.json(&["frame", "replace", walk, "2", "--showing", &earlier]);
        assert_eq!(shown(&back)[2], "extra.png");

        let ordered = bench.json(&["frame", "order", walk, "1", "3", "0", &ending(&frame, 12)]);
        assert_eq!(shown(&ordered), ["walk_0.png", "walk_1.png", "walk_2.png", "extra.png"]);

        let prompted = bench.json(&["frame", "prompt", walk, "0", "--set", "contact"]);
        assert_eq!(prompted["frames"][0]["frame"]["framePrompt"], "contact");
        let cleared = bench.json(&["frame", "prompt", walk, "0", "--clear"]);
        assert!(cleared["frames"][0]["frame"]["framePrompt"].is_null());

        let removed = bench.json(&["frame", "remove", walk, "1"]);
        assert_eq!(shown(&removed), ["walk_0.png", "walk_2.png", "extra.png"]);
        assert_eq!(indices(&removed), [0, 1, 2]);
        for frame in removed["frames"].as_array().unwrap() {
            assert!(bench.view(&frame["asset"]["filePath"]).exists());
        }
        assert!(bench.ok(&["frame", "move", walk, "0", "--to", "2"]).starts_with("\"Walk\" has 3 frames now, version "));
    }

    fn a_change_of_frames_that_others_have_changed_is_refused(bench) {
        bench.with_walk(3);
        let version = bench.json(&["animation", "show", "Walk"])["animation"]["version"].to_string();
        bench.ok(&["frame", "move", "Walk", "0", "--to", "1", "--expect-version", &version]);
        let extra = bench.png("extra.png", 77);
        let changes: [&[&str]; 6] = [
            &["frame", "add", "Walk", &extra],
            &["frame", "move", "Walk", "0", "--to", "1"],
            &["frame", "replace", "Walk", "0", "--with", &extra],
            &["frame", "remove", "Walk", "0"],
            &["frame", "order", "Walk", "2", "1", "0"],
            &["frame", "prompt", "Walk", "0", "--set", "x"],
        ];
        for change in changes {
            let refused = bench.refused_json(1, &[change, &["--expect-version", &version]].concat());
            assert_eq!(refused["code"], "stale", "{change:?}");
        }
        let tree = bench.json(&["animation", "show", "Walk"]);
        assert_eq!(shown(&tree), ["walk_1.png", "walk_0.png", "walk_2.png"]);
    }

    fn an_animation_is_renamed_listed_and_deleted(bench) {
        bench.with_walk(2);
        bench.ok(&["animation", "create", "Tabby", "Run", "--user-prompt", "fast"]);
        let edited = bench.json(&["animation", "edit", "Walk", "--name", "Stroll", "--description", "slow"]);
        assert_eq!(edited["description"], "slow");
        let slower = bench.json(&["animation", "edit", "Stroll", "--frame-duration", "120"]);
        assert_eq!(slower["frameDurationMs"], 120);
        assert!(bench.ok(&["animation", "show", "Stroll"]).contains("frame duration  120 ms"));
        let cleared = bench.json(&["animation", "edit", "Stroll", "--clear-frame-duration"]);
        assert!(cleared["frameDurationMs"].is_null());
        let listed = bench.json(&["animation", "list", "Tabby"]);
        assert_eq!(each(&listed, "name"), ["Stroll", "Run"]);
        assert_eq!(each(&listed, "frameCount"), [2, 0]);
        let path = bench.json(&["animation", "show", "stroll"])["frames"][0]["asset"]["filePath"].clone();
        assert!(path.as_str().unwrap().ends_with("/frames/Stroll/Tabby_Stroll_0.png"));
        let gone = bench.ok(&["animation", "delete", "Tabby/Stroll", "-y"]);
        assert!(gone.contains("1 animation, 2 frames and 2 assets"), "{gone}");
        assert!(!bench.view(&path).exists());
    }
}

#[test]
fn frames_come_in_the_order_given_or_in_that_of_their_numbers() {
    let bench = Bench::new();
    bench.with_walk(0);
    let [one, two, ten] = [1, 2, 10].map(|n| bench.png(&format!("f_{n}.png"), n));
    let as_a_shell_gives = [one.as_str(), &ten, &two];
    let ran = bench.run(&[&["frame", "add", "Walk"], &as_a_shell_gives[..]].concat());
    assert_eq!(ran.code, Some(0));
    assert!(
        ran.stderr.starts_with("warning: ") && ran.stderr.contains("--sort"),
        "{ran:?}"
    );
    let sorted = [&["frame", "add", "Walk", "--sort"], &as_a_shell_gives[..]].concat();
    let tree = bench.json(&sorted);
    let expected = [
        "f_1.png", "f_10.png", "f_2.png", "f_1.png", "f_2.png", "f_10.png",
    ];
    assert_eq!(shown(&tree), expected);
}

#[test]
fn places_from_the_end_are_answered() {
    let bench = Bench::new();
    bench.with_walk(2);
    let image = bench.png("more.png", 9);
    for arguments in [
        &["frame", "move", "Walk", "0", "--to", "-1"][..],
        &["frame", "move", "Walk", "0", "--to=-1"],
        &["frame", "add", "Walk", &image, "--at", "-1"],
        &["take", "use", "Walk", "walk_1.png", "--at", "-1"],
    ] {
        let refused = bench.refused(2, arguments);
        assert!(
            refused.contains("frames are counted from 0, and not from the end"),
            "{refused}"
        );
    }
    let refused = bench.refused(2, &["frame", "move", "Walk", "0", "--to", "first"]);
    assert!(
        refused.contains("not a place as in 0 for the first frame"),
        "{refused}"
    );
}

#[test]
fn a_frame_that_is_not_there_is_named_with_those_that_are() {
    let bench = Bench::new();
    bench.with_walk(2);
    let refused = bench.refused(1, &["frame", "remove", "Walk", "2"]);
    assert_eq!(
        refused,
        "error: \"Walk\" has no frame 2\nhint: its frames are 0 to 1\n"
    );
    let beyond = bench.refused(1, &["frame", "move", "Walk", "0", "--to", "5"]);
    assert!(
        beyond.contains("beyond the end; 0 to 1 are possible"),
        "{beyond}"
    );
    let which = bench.refused(1, &["frame", "remove", "Walk"]);
    assert!(which.contains("ANIMATION/INDEX"), "{which}");
    let missing = bench.refused(1, &["frame", "order", "Walk", "1"]);
    assert!(
        missing.contains("1 of 2 frames are missing: 0\n"),
        "{missing}"
    );
    let twice = bench.refused(1, &["frame", "order", "Walk", "0", "1", "1"]);
    assert!(twice.contains("the frame 1 stands twice"), "{twice}");
    let stale = ["frame", "order", "Walk", "1", "--expect-version", "1"];
    assert_eq!(bench.refused_json(1, &stale)["code"], "stale");
}

#[test]
fn an_asset_shown_as_it_is_gets_no_other_record() {
    let bench = Bench::new();
    bench.with_walk(1);
    let tree = bench.json(&["animation", "show", "Walk"]);
    let take = tree["frames"][0]["asset"]["id"].as_str().unwrap();
    let twice = bench.json(&["frame", "add", "Walk", "--showing", take]);
    assert_eq!(shown(&twice), ["walk_0.png"; 2]);
    bench.refused(
        2,
        &["frame", "add", "Walk", "--showing", take, "--prompt", "x"],
    );
    bench.refused(
        2,
        &[
            "frame",
            "replace",
            "Walk",
            "0",
            "--showing",
            take,
            "--model",
            "x",
        ],
    );
}
