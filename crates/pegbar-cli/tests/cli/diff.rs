//! `diff`.

use serde_json::json;

use crate::snapshot::Transcript;
use crate::support::{Bench, ending};

/// A walk whose frame 1 shows a newer take, made from other things.
fn with_two_takes(bench: &Bench) -> [String; 2] {
    bench.with_walk(2);
    let earlier = bench.png("earlier.png", 70);
    let replace = ["frame", "replace", "Walk", "1", "--with", &earlier];
    let made = [
        "--prompt",
        "lift the left paw",
        "--model",
        "sprite-1",
        "--settings",
        r#"{"steps":20,"seed":7}"#,
        "--made-from",
        "front:character",
    ];
    bench.ok(&[&replace[..], &made].concat());
    let earlier = bench.json(&["frame", "show", "Walk", "1"])["frame"]["assetId"].clone();
    let better = bench.png("better.png", 71);
    let replace = ["frame", "replace", "Walk", "1", "--with", &better];
    let made = [
        "--prompt",
        "lift the right paw higher",
        "--model",
        "sprite-2",
        "--settings",
        r#"{"steps":30,"seed":7}"#,
    ];
    bench.ok(&[&replace[..], &made].concat());
    let better = bench.json(&["frame", "show", "Walk", "1"])["frame"]["assetId"].clone();
    [ending(&earlier, 12), ending(&better, 12)]
}

both_engines! {
    fn two_takes_are_compared_word_by_word_and_key_by_key(bench) {
        let [earlier, better] = with_two_takes(bench);
        let text = bench.ok(&["diff", &earlier, "Walk/1"]);
        for line in [
            "  lift the [-left-]{+right+} paw{+ higher+}\n",
            "model  [-sprite-1-] {+sprite-2+}\n",
            "  /steps  [-20-] {+30+}\n",
            "  [-character ",
            " at 0-]  removed\n",
        ] {
            assert!(text.contains(line), "{line:?} in {text}");
        }
        assert!(!text.contains("seed"), "{text}");
        let found = bench.json(&["diff", &earlier, &better]);
        assert_eq!((&found["compared"], &found["isSame"]), (&json!("assets"), &json!(false)));
        assert_eq!(found["settings"], json!([{"path": "/steps", "before": 20, "after": 30}]));
        assert_eq!(found["prompt"]["spans"][1], json!({"kind": "removed", "text": "left"}));
        assert_eq!(found["inputs"][0]["kinds"], json!(["removed"]));
        assert_eq!(found["mimeType"], json!(null), "what is alike is null");
    }

    fn heads_and_inputs_have_names(bench) {
        let [earlier, better] = with_two_takes(bench);
        let text = bench.ok(&["diff", &earlier, "Walk/1"]);
        let heads: Vec<&str> = text.lines().take(2).collect();
        assert!(heads[0].starts_with("--- Tabby/Walk/earlier.png  ") && heads[0].ends_with(&earlier), "{text}");
        assert!(heads[1].starts_with("+++ Tabby/Walk/1  ") && heads[1].ends_with(&better), "{text}");
        assert!(text.contains("  [-character Tabby/front.png at 0-]  removed\n"), "{text}");
        bench.ok(&["animation", "create", "Tabby", "Run"]);
        let text = bench.ok(&["diff", "Walk", "Run"]);
        assert!(text.starts_with("--- Tabby/Walk  "), "{text}");
        assert!(text.contains("\n+++ Tabby/Run  "), "{text}");
        assert!(text.contains("  removed, showed Tabby/Walk/1  "), "{text}");
    }

    fn the_exit_code_says_whether_they_differ_only_on_demand(bench) {
        let [earlier, _] = with_two_takes(bench);
        assert_eq!(bench.run(&["diff", &earlier, "Walk/1"]).code, Some(0));
        let ran = bench.run(&["diff", &earlier, "Walk/1", "--exit-code"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
        assert!(ran.stdout.contains("sprite-2"), "{ran:?}");
        let same = bench.run(&["diff", "Walk/1", "Walk/1", "--exit-code"]);
        assert_eq!(same.code, Some(0));
        assert!(same.stdout.ends_with("nothing sets them apart\n"), "{same:?}");
    }

    fn animations_are_compared_frame_by_frame(bench) {
        bench.with_walk(3);
        bench.ok(&["animation", "create", "Tabby", "Run"]);
        let files = [0, 9, 1, 2].map(|n| bench.png(&format!("run_{n}.png"), n));
        let files = files.each_ref().map(String::as_str);
        bench.ok(&[&["frame", "add", "Run"][..], &files].concat());
        let text = bench.ok(&["diff", "Tabby/Walk", "Tabby/Run"]);
        assert!(text.contains("name  [-Walk-] {+Run+}\n"), "{text}");
        assert!(text.contains("frames  [-3-] {+4+}\n"), "{text}");
        assert!(text.contains("frame {+1+}  added, shows "), "{text}");
        assert!(text.ends_with("3 frames alike\n"), "{text}");
        let found = bench.json(&["diff", "Walk", "Run"]);
        assert_eq!(found["compared"], "animations");
        assert_eq!(found["frames"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn colours_stand_in_the_place_of_signs() {
    let bench = Bench::new();
    let [earlier, better] = with_two_takes(&bench);
    let text = bench.ok(&["diff", &earlier, &better, "--color", "always"]);
    assert!(
        text.contains("lift the \u{1b}[31mleft\u{1b}[0m\u{1b}[32mright\u{1b}[0m paw"),
        "{text:?}"
    );
    assert!(!text.contains("[-") && !text.contains("{+"), "{text:?}");
}

#[test]
fn things_that_cannot_be_compared_are_answered() {
    let bench = Bench::new();
    bench.with_walk(1);
    let refused = bench.refused(1, &["diff", "Tabby", "Walk"]);
    assert!(
        refused.contains("a character can't be compared") && refused.contains("\"Tabby/NAME\""),
        "{refused}"
    );
    let refused = bench.refused(1, &["diff", "Walk", "Walk/0"]);
    assert!(
        refused.contains("\"Walk\" is an animation, and \"Walk/0\" is an image"),
        "{refused}"
    );
    let refused = bench.refused(1, &["diff", "Walk/0", "zebra"]);
    assert!(refused.contains("nothing called \"zebra\""), "{refused}");
    bench.refused(2, &["diff", "Walk/0"]);
}

#[test]
fn differences_searches_and_requests_look_as_they_did() {
    let bench = Bench::new();
    let [earlier, _] = with_two_takes(&bench);
    bench.ok(&["variation", "add", "Tabby", &bench.png("side.png", 5)]);
    bench.ok(&["animation", "create", "Tabby", "Run"]);
    bench.ok(&["frame", "add", "Run", &bench.png("run_0.png", 0)]);
    let mut transcript = Transcript::new(&bench);
    transcript.run(&["diff", &earlier, "Walk/1"]);
    transcript.run(&["diff", "Tabby/front", "Tabby/side"]);
    transcript.run(&["diff", "Walk", "Run"]);
    transcript.run(&["reproduce", "Tabby/Walk/1"]);
    transcript.run(&["search", "LIFT THE"]);
    transcript.run(&["search", "--model", "sprite*"]);
    transcript.run(&["search", "--unused"]);
    transcript.run(&["search", "zebra"]);
    transcript.run(&["search"]);
    transcript.run(&["search", "--setting", "steps"]);
    transcript.run(&["search", "--from", "yesterday"]);
    transcript.run(&["search", "--model", "*-1"]);
    transcript.run(&["search", "lift", "--deep"]);
    transcript.run(&["search", " "]);
    transcript.compare("asking");
}
