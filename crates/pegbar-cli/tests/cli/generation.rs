//! `generation`.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::snapshot::Transcript;
use crate::support::{Bench, each, ending, ran};

/// Records the request that is given on standard input.
fn record(bench: &Bench, request: &str) -> crate::support::Ran {
    let mut command = bench.command(&["generation", "record", "--request", "-", "--json"]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(request.as_bytes())
        .unwrap();
    ran(&child.wait_with_output().unwrap())
}

both_engines! {
    fn a_generation_is_recorded_with_what_was_sent_and_shown(bench) {
        bench.with_walk(2);
        let [first, second, pose] = [70, 71, 72].map(|n| bench.png(&format!("g{n}.png"), n));
        let prompt = bench.text_file("prompt.txt", "side view\n");
        let front = bench.json(&["variation", "list", "Tabby"])[0].clone();
        let input = format!("character={}", ending(&front["id"], 12));
        let recorded = bench.json(&[
            "generation", "record", &first, &second, "--as-variation", "Tabby",
            "--prompt-file", &prompt, "--system-prompt", "Draw.", "--model", "banana-2",
            "--settings", r#"{"seed": 7}"#, "--input", &input, "--input", &format!("pose={pose}"),
            "--duration-ms", "4200", "--input-tokens", "12", "--output-tokens", "34",
            "--price", "0.039 USD", "--sent-at", "2026-01-31T12:00:00Z", "--tag", "side",
        ]);
        let generation = &recorded["generation"];
        assert_eq!(generation["status"], "succeeded");
        assert_eq!(generation["request"]["prompt"], "side view\n", "as it is in the file");
        assert_eq!(generation["createdAt"], "2026-01-31T12:00:00.000Z");
        assert_eq!(generation["outputAssetIds"].as_array().unwrap().len(), 2);
        let cost = ["durationMs", "inputTokens", "outputTokens"].map(|name| &generation[name]);
        assert_eq!(cost, [&json!(4200), &json!(12), &json!(34)]);
        assert_eq!(generation["price"], "0.039 USD");
        let reference = &recorded["newReferences"][0];
        assert_eq!((&reference["kind"], &reference["originalName"]), (&json!("reference"), &json!("g72.png")));
        let inputs = json!([
            { "assetId": front["id"], "role": "character", "sha256": front["sha256"] },
            { "assetId": reference["id"], "role": "pose", "sha256": reference["sha256"] },
        ]);
        assert_eq!(generation["request"]["inputs"], inputs);
        for output in recorded["outputs"].as_array().unwrap() {
            assert_eq!(output["kind"], "character");
            assert_eq!(output["tags"], json!(["side"]));
            assert_eq!(output["generationId"], generation["id"]);
            assert_eq!(output["references"], inputs);
            assert!(bench.view(&output["filePath"]).exists());
            let shown = bench.ok(&["asset", "show", output["id"].as_str().unwrap()]);
            assert!(shown.contains(generation["id"].as_str().unwrap()), "{shown}");
        }
        let end = ending(&generation["id"], 12);
        assert_eq!(bench.json(&["generation", "show", &end]), *generation);
        let text = bench.ok(&["generation", "show", &end]);
        for word in [
            "succeeded generation ", "banana-2", "side view", "Draw.", r#"{"seed":7}"#, "4.2 s", "12",
            "34", "0.039 USD", "2026-01-31T12:00:00.000Z", front["sha256"].as_str().unwrap(),
            reference["id"].as_str().unwrap(), "Tabby_",
        ] {
            assert!(text.contains(word), "{word}: {text}");
        }
        let list = bench.json(&["generation", "list", "--output", &ending(&recorded["outputs"][1]["id"], 12)]);
        assert_eq!(list, json!([generation]));
    }

    fn a_failed_attempt_is_recorded_and_leaves_no_asset(bench) {
        bench.with_walk(1);
        let before = bench.json(&["asset", "list"]);
        let broken = bench.text_file("broken.png", "no image");
        let recorded = bench.json(&[
            "generation", "record", "--failed", "429: overloaded", "--model", "banana-2",
            "--prompt", "side view", "--input", &broken, "--duration-ms", "900",
        ]);
        assert_eq!((&recorded["outputs"], &recorded["newReferences"]), (&json!([]), &json!([])));
        let generation = &recorded["generation"];
        assert_eq!((&generation["status"], &generation["error"]), (&json!("failed"), &json!("429: overloaded")));
        let input = &generation["request"]["inputs"][0];
        assert_eq!(input.get("assetId"), None);
        assert_eq!(input["role"], "other");
        assert_eq!(bench.json(&["asset", "list"]), before);
        let text = bench.ok(&["generation", "show", generation["id"].as_str().unwrap()]);
        assert!(text.contains("bytes that were not kept") && text.contains("429: overloaded"), "{text}");
        let text = bench.ok(&["generation", "record", "--failed", "again"]);
        assert!(text.starts_with("recorded the failed attempt ("), "{text}");
        let count = |arguments: &[&str]| {
            let list = bench.json(&[&["generation", "list"], arguments].concat());
            list.as_array().unwrap().len()
        };
        assert_eq!(count(&[]), 2);
        assert_eq!(count(&["--status", "failed", "--model", "banana-2"]), 1);
        assert_eq!(count(&["--status", "succeeded"]), 0);
        assert_eq!(count(&["--before", "2000-01-01"]), 0);
        assert_eq!(count(&["--limit", "1"]), 1);
    }

    fn a_whole_request_is_read_as_json_with_a_place_for_each_image(bench) {
        bench.with_walk(3);
        let names: Vec<String> = (80..85).map(|n| bench.png(&format!("r{n}.png"), n)).collect();
        let request = json!({
            "model": "banana-2", "prompt": "passing pose", "settings": { "seed": u64::MAX },
            "inputs": [{ "asset": "front", "role": "character" }, { "file": names[4], "role": "pose" }],
            "outputs": [
                { "file": names[0], "frameOf": "Tabby/Walk", "at": 1, "framePrompt": "passing" },
                { "file": names[1], "replaceFrame": "Tabby/Walk/0" },
                { "file": names[2], "takeOf": "Walk", "tags": ["spare"], "originalName": "spare.png" },
                { "file": names[3] },
            ],
            "durationMs": 10, "price": "1 EUR", "createdAt": "2026-01-31T12:00:00Z",
        });
        let ran = record(bench, &request.to_string());
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let recorded: Value = serde_json::from_str(&ran.stdout).unwrap();
        let outputs = &recorded["outputs"];
        assert_eq!(each(outputs, "kind"), ["frame", "frame", "frame", "reference"]);
        assert_eq!(outputs[2]["originalName"], "spare.png");
        assert_eq!(recorded["generation"]["request"]["settings"]["seed"], u64::MAX.to_string());
        let walk = bench.json(&["animation", "show", "Walk"]);
        let frames = &walk["frames"];
        assert_eq!(frames.as_array().unwrap().len(), 4);
        assert_eq!(frames[0]["asset"]["id"], outputs[1]["id"]);
        assert_eq!(frames[1]["asset"]["id"], outputs[0]["id"]);
        assert_eq!(frames[1]["frame"]["framePrompt"], "passing");
        assert!(frames[1]["asset"]["filePath"].as_str().unwrap().ends_with("Walk_1.png"));
        assert_eq!(outputs[0]["filePath"], frames[1]["asset"]["filePath"]);
    }

    fn a_request_that_does_not_fit_is_refused_and_leaves_nothing(bench) {
        bench.with_walk(1);
        let image = bench.png("x.png", 90);
        let before = bench.json(&["asset", "list"]);
        for (request, says) in [
            (r#"{"prompt": "a""#.to_owned(), "not JSON"),
            (r#"{"prompt": "a", "prompt": "b"}"#.to_owned(), "stands twice"),
            (r#"{"promt": "a"}"#.to_owned(), "unknown field `promt`"),
            (r#"["system", "prompt"]"#.to_owned(), "the request has to be an object, and is an array"),
            (r#"{"inputs": [["pose", "front"]]}"#.to_owned(), "inputs[0] has to be an object"),
            (json!({ "outputs": [{ "file": image }, [image]] }).to_string(), "outputs[1] has to be an object"),
            (json!({ "outputs": [{ "file": image }], "settings": [7] }).to_string(), "\"settings\" has to be an object"),
            (json!({ "outputs": [{ "file": image }], "settings": "seed" }).to_string(), "\"settings\" has to be an object, and is a string"),
            (r#"{"price": "cheap"}"#.to_owned(), "write an amount and a currency"),
            (r#"{"inputs": [{"role": "colour", "asset": "x"}]}"#.to_owned(), "unknown variant `colour`"),
            (json!({ "outputs": [{ "file": image }], "error": "x" }).to_string(), "has no outputs"),
            (json!({}).to_string(), "record it with its error"),
            (json!({ "outputs": [{ "file": image, "takeOf": "Walk", "variationOf": "Tabby" }] }).to_string(), "one place"),
            (json!({ "outputs": [{ "file": image, "at": 1 }] }).to_string(), "go with \"frameOf\""),
            (json!({ "outputs": [{ "file": image }], "inputs": [{ "role": "style" }] }).to_string(), "either \"asset\" or \"file\""),
            (json!({ "outputs": [{ "file": image }], "inputs": [{ "asset": "nowhere" }] }).to_string(), "there is no asset"),
            (json!({ "outputs": [{ "file": "nowhere.png" }] }).to_string(), "there is no file"),
            (json!({ "outputs": [{ "file": image, "frameOf": "Walk", "at": 7 }] }).to_string(), "beyond the end"),
        ] {
            let ran = record(bench, &request);
            assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{request}: {ran:?}");
            assert!(ran.stderr.replace("\\\"", "\"").contains(says), "{says}: {}", ran.stderr);
        }
        for arguments in [
            &["--prompt", "a"][..],
            &[&image, "--failed", "x"],
            &["--failed", "x", "--as-variation", "Tabby"],
            &[&image, "--as-variation", "Tabby", "--take-of", "Walk"],
            &[&image, "--at", "1"],
            &[&image, &image, "--replace-frame", "Walk/0"],
            &[&image, "--request", "-"],
            &["--request", "-", "--prompt", "a"],
            &[&image, "--price", "cheap"],
            &[&image, "--settings", "[7]"],
            &[&image, "--prompt", "a", "--prompt-file", "b"],
        ] {
            bench.refused(2, &[&["generation", "record"], arguments].concat());
        }
        assert_eq!(bench.json(&["asset", "list"]), before);
        assert_eq!(bench.json(&["generation", "list"]), json!([]));
        let unknown = bench.refused(1, &["generation", "show", "abcdef"]);
        assert!(unknown.contains("pegbar generation list"), "{unknown}");
    }

    fn a_generation_that_says_nothing_of_how_it_was_made_is_warned_of(bench) {
        bench.with_walk(1);
        let warned = |number: u32, more: &[&str]| {
            let image = bench.png(&format!("w{number}.png"), number);
            let ran = bench.run(&[&["generation", "record", &image, "--model", "m"], more].concat());
            assert_eq!(ran.code, Some(0), "{ran:?}");
            ran.stderr.contains("neither a prompt nor inputs nor settings")
        };
        assert!(warned(60, &[]));
        assert!(!warned(61, &["--prompt", "a cat"]));
        assert!(!warned(62, &["--input", "front"]));
        assert!(!warned(63, &["--settings", "{}"]));
    }

    fn a_role_that_there_is_not_is_refused_with_those_that_there_are(bench) {
        bench.with_walk(1);
        let image = bench.png("role.png", 64);
        let refused = bench.refused(2, &["generation", "record", &image, "--input", "blah=front"]);
        assert!(refused.contains("unknown role \"blah\""), "{refused}");
        assert!(refused.contains("the roles are character, previous_frame, style, pose, other"), "{refused}");
        // The name of a file may have anything in it.
        let odd = bench.png("blah=odd.png", 65);
        bench.ok(&["generation", "record", &image, "--input", &odd]);
    }

    fn what_reproduce_prints_can_be_recorded_again_and_is_checked(bench) {
        bench.with_walk(2);
        let [first, again] = [66, 67].map(|n| bench.png(&format!("again{n}.png"), n));
        bench.ok(&[
            "generation", "record", &first, "--take-of", "Walk", "--prompt", "side view", "--model", "m",
            "--settings", r#"{"seed": 7}"#, "--input", "character=front", "--input", "previous_frame=Tabby/Walk/0",
        ]);
        let made = bench.json(&["search", "side view"])[0].clone();
        let mut request = bench.json(&["reproduce", made["id"].as_str().unwrap()])["request"].clone();
        request["outputs"] = json!([{ "file": again }]);
        let ran = record(bench, &request.to_string());
        assert_eq!(ran.code, Some(0), "{request}: {ran:?}");
        let recorded: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(recorded["outputs"][0]["references"], made["references"]);
        assert_eq!(recorded["outputs"][0]["generationPrompt"], "side view");
        assert_eq!(recorded["newReferences"], json!([]));

        let before = bench.json(&["generation", "list"]);
        let refused = |field: &str, value: Value, says: &str| {
            let mut wrong = request.clone();
            wrong["inputs"][1][field] = value;
            let ran = record(bench, &wrong.to_string());
            assert_eq!(ran.code, Some(1), "{wrong}: {ran:?}");
            assert!(ran.stderr.replace("\\\"", "\"").contains(says), "{says}: {}", ran.stderr);
        };
        refused("position", json!(0), "inputs[1]: its \"position\" is 0, and it stands at 1");
        refused("sha256", request["inputs"][0]["sha256"].clone(), "inputs[1]: its \"sha256\" is ");
        refused("asset", json!("front"), "either \"asset\" or \"file\"");
        let of_file = json!({
            "inputs": [{ "file": first, "sha256": request["inputs"][0]["sha256"] }], "error": "x",
        });
        let ran = record(bench, &of_file.to_string());
        assert!(ran.code == Some(1) && ran.stderr.contains("again66.png is "), "{ran:?}");
        assert_eq!(bench.json(&["generation", "list"]), before);
    }

    fn what_is_recorded_can_not_be_edited_but_annotated(bench) {
        bench.ok(&["project", "create", "Cats"]);
        let image = bench.png("cat.png", 1);
        let made = bench.json(&["asset", "add", &image, "--prompt", "a cat"])[0].clone();
        let refused = bench.refused(2, &["asset", "edit", "cat", "--prompt", "a dog"]);
        assert!(refused.contains("never changes") && refused.contains("pegbar asset annotate"), "{refused}");
        let first = bench.json(&["asset", "annotate", "cat", "it is a dog", "--author", "Ada"]);
        assert_eq!((&first["text"], &first["author"]), (&json!("it is a dog"), &json!("Ada")));
        bench.ok(&["asset", "annotate", "cat.png", "two\nlines"]);
        let shown = bench.json(&["asset", "show", "cat"]);
        assert_eq!(each(&shown["annotations"], "text"), ["it is a dog", "two\nlines"]);
        assert_eq!(shown["annotations"][0], first);
        assert_eq!(shown["recordHash"], made["recordHash"]);
        let text = bench.ok(&["asset", "show", "cat"]);
        let (_, annotations) = text.split_once("annotations (added later, not part of the record)\n").unwrap();
        assert!(annotations.contains("it is a dog\n     Ada, 2"), "{annotations}");
        bench.refused(2, &["asset", "annotate", "cat"]);
        bench.refused(1, &["asset", "annotate", "cat", ""]);
        let end = ending(&first["id"], 12);
        assert_eq!(bench.json(&["asset", "annotate", "cat", "--delete", &end]), first);
        let gone = bench.refused(1, &["asset", "annotate", "cat", "--delete", &end]);
        assert!(gone.contains("there is no annotation"), "{gone}");
        let shown = bench.json(&["asset", "show", "cat"]);
        assert_eq!(each(&shown["annotations"], "text"), ["two\nlines"]);
    }
}

#[test]
fn generations_look_so() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    bench.ok(&["character", "create", "Tabby"]);
    let [first, second, pose] = [1, 2, 3].map(|n| bench.png(&format!("i{n}.png"), n));
    let mut transcript = Transcript::new(&bench);
    transcript.run(&[
        "generation",
        "record",
        &first,
        &second,
        "--as-variation",
        "Tabby",
        "--prompt",
        "side view",
        "--model",
        "banana-2",
        "--input",
        &format!("pose={pose}"),
        "--duration-ms",
        "4210",
        "--price",
        "0.039 USD",
        "--sent-at",
        "2026-01-31T12:00:00Z",
    ]);
    transcript.run(&[
        "generation",
        "record",
        "--failed",
        "429: overloaded",
        "--prompt",
        "front view",
        "--model",
        "banana-2",
        "--sent-at",
        "2026-01-31T12:01:00Z",
    ]);
    transcript.run(&["generation", "list"]);
    let list = bench.json(&["generation", "list"]);
    transcript.run(&["generation", "show", &ending(&list[0]["id"], 12)]);
    transcript.run(&["generation", "show", &ending(&list[1]["id"], 12)]);
    transcript.run(&[
        "asset",
        "annotate",
        "i1",
        "the tail is wrong",
        "--author",
        "Ada",
    ]);
    transcript.run(&["asset", "show", "i1"]);
    transcript.run(&["asset", "edit", "i1", "--prompt", "another view"]);
    transcript.run(&["generation", "record", &first, "--input", "pose=nowhere"]);
    transcript.run(&["generation", "show", "cafe01"]);
    transcript.compare("generations");
}
