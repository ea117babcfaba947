//! `reproduce`.

use std::fs;

use serde_json::Value;

use crate::support::Bench;

fn with_a_chain(bench: &Bench) {
    bench.with_walk(1);
    for (n, name) in [(50, "first.png"), (51, "second.png")] {
        let image = bench.png(name, n);
        let previous = if n == 50 { "front" } else { "first.png" };
        let previous = format!("{previous}:previous_frame");
        bench.ok(&[
            "asset",
            "add",
            &image,
            "--prompt",
            name,
            "--model",
            "sprite-1",
            "--settings",
            r#"{"seed":7}"#,
            "--made-from",
            &previous,
        ]);
    }
}

both_engines! {
    fn a_request_is_json_whatever_was_asked_for(bench) {
        with_a_chain(bench);
        let ran = bench.run(&["reproduce", "second.png"]);
        assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(found, bench.json(&["reproduce", "second.png"]));
        let request = &found["request"];
        assert_eq!(request["prompt"], "second.png");
        assert_eq!(request["settings"]["seed"], 7);
        let input = &request["inputs"][0];
        assert_eq!(input["role"], "previous_frame");
        let sent = fs::read(input["blob"].as_str().unwrap()).unwrap();
        assert_eq!(sent, fs::read(bench.path().join("first.png")).unwrap());
        assert_eq!(sent, fs::read(input["file"].as_str().unwrap()).unwrap());
        assert_eq!(found["missing"], serde_json::json!([]));
        let all = bench.json(&["reproduce", "second.png", "--deep"]);
        let prompts: Vec<_> = all.as_array().unwrap().iter()
            .map(|one| one["request"]["prompt"].as_str().unwrap()).collect();
        assert_eq!(prompts, ["first.png", "second.png"]);
    }

    fn what_is_missing_is_warned_of_and_stands_in_the_json(bench) {
        with_a_chain(bench);
        let ran = bench.run(&["reproduce", "Walk/0"]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        assert!(
            ran.stderr.starts_with("warning: it was uploaded, not generated: no prompt is recorded\n\
                                    warning: no model is recorded\n"),
            "{ran:?}"
        );
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(found["missing"][0]["reason"], "prompt");
        let input = bench.json(&["reproduce", "second.png"])["request"]["inputs"][0].clone();
        fs::remove_file(input["blob"].as_str().unwrap()).unwrap();
        let ran = bench.run(&["reproduce", "second.png", "--json"]);
        let warning: Value = serde_json::from_str(&ran.stderr).unwrap();
        let message = warning["warning"]["message"].as_str().unwrap();
        assert!(message.starts_with("input 0 (") && message.contains("missing in the store"));
        let found: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(found["missing"][0]["path"], input["blob"]);
    }
}

#[test]
fn what_is_not_one_image_is_answered() {
    let bench = Bench::new();
    bench.with_walk(1);
    let refused = bench.refused(1, &["reproduce", "Walk"]);
    assert!(
        refused.contains("\"Walk\" means a whole animation, not one image\nhint: say which frame"),
        "{refused}"
    );
    let refused = bench.refused(1, &["reproduce", "Tabby"]);
    assert!(refused.contains("CHARACTER/NAME"), "{refused}");
}
