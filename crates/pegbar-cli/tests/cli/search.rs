//! `search`.

use serde_json::Value;

use crate::support::{Bench, each, ending};

/// Cats of two projects, some of them generated.
fn with_cats(bench: &Bench) {
    bench.with_walk(1);
    for (n, name, prompt, model, settings) in [
        (50, "one.png", "Lift the PAW", "sprite-1", r#"{"steps":20}"#),
        (
            51,
            "two.png",
            "die Straße hinauf",
            "sprite-2",
            r#"{"sampler":{"steps":20}}"#,
        ),
        (
            52,
            "three.png",
            "lift the tail",
            "other",
            r#"{"steps":"20"}"#,
        ),
    ] {
        let image = bench.png(name, n);
        let made = ["--prompt", prompt, "--model", model, "--settings", settings];
        let from = [
            "--made-from",
            "front:character",
            "--created-at",
            "2026-01-31",
        ];
        bench.ok(&[&["asset", "add", &image][..], &made, &from].concat());
    }
    let four = bench.png("four.png", 53);
    bench.ok(&[
        "asset",
        "add",
        &four,
        "--prompt",
        "paw",
        "--made-from",
        "one.png",
    ]);
    bench.ok(&["project", "create", "Dogs"]);
    let dog = bench.png("dog.png", 60);
    bench.ok(&[
        "asset",
        "add",
        &dog,
        "--prompt",
        "a dog's paw",
        "-p",
        "Dogs",
    ]);
}

fn found(bench: &Bench, arguments: &[&str]) -> Vec<String> {
    let found = bench.json(&[&["search"][..], arguments].concat());
    let names = each(&found, "originalName").into_iter();
    names
        .map(|name| name.as_str().unwrap().to_owned())
        .collect()
}

both_engines! {
    fn images_are_found_by_what_made_them(bench) {
        with_cats(bench);
        for (arguments, expected) in [
            (&["paw"][..], &["one.png", "four.png", "dog.png"][..]),
            (&["paw", "-p", "Cats"], &["one.png", "four.png"]),
            (&["the paw"], &["one.png"]),
            (&["PAW", "lift"], &["one.png"]),
            (&["STRASSE"], &["two.png"]),
            (&["--model", "sprite-1"], &["one.png"]),
            (&["--model", "sprite*"], &["one.png", "two.png"]),
            (&["--setting", "steps=20"], &["one.png"]),
            (&["--setting", "sampler.steps=20.0"], &["two.png"]),
            (&["--setting", "/steps=\"20\""], &["three.png"]),
            (&["--made-from", "Tabby/front", "lift"], &["one.png", "three.png"]),
            (&["--made-from", "front", "--deep", "paw"], &["one.png", "four.png"]),
            (&["--made-from", "front", "paw"], &["one.png"]),
            (&["lift", "--from", "2026-02-01"], &[]),
            (&["lift", "--from", "2026-01-31", "--until", "2026-02-01"], &["one.png", "three.png"]),
            (&["lift", "--kind", "frame"], &[]),
            (&["--unused", "-p", "Dogs"], &["dog.png"]),
            (&["--unused", "paw", "--before", "2026-02-01"], &[]),
        ] {
            assert_eq!(found(bench, arguments), expected, "{arguments:?}");
        }
    }
}

#[test]
fn a_table_shows_where_the_text_stands() {
    let bench = Bench::new();
    with_cats(&bench);
    let text = bench.ok(&["search", "straße"]);
    assert!(text.lines().next().unwrap().ends_with("FOUND IN"), "{text}");
    assert!(text.contains("prompt: die Straße hinauf"), "{text}");
    let found = bench.json(&["search", "straße"]);
    let place = &found[0]["matches"][0];
    assert_eq!(
        (&place["field"], &place["found"]),
        (&Value::from("prompt"), &Value::from("Straße"))
    );
    let ran = bench.run(&["search", "paw", "--limit", "1"]);
    let last = bench.json(&["search", "paw"])[0]["id"].clone();
    assert_eq!(
        ran.stderr,
        format!("more follow: --after {}\n", last.as_str().unwrap())
    );
    assert!(ran.stdout.contains(&ending(&last, 12)), "{ran:?}");
}

#[test]
fn wrong_conditions_are_answered() {
    let bench = Bench::new();
    with_cats(&bench);
    let says = |code: i32, arguments: &[&str], part: &str| {
        let refused = bench.refused(code, &[&["search"][..], arguments].concat());
        assert!(refused.contains(part), "{arguments:?}: {refused}");
    };
    says(2, &[], "there is nothing to search for");
    says(
        2,
        &["--setting", "steps"],
        "expected PATH=VALUE, as in steps=20",
    );
    says(2, &["--setting", "=20"], "is not a path");
    says(2, &["--setting", "loras=[1"], "not JSON");
    says(2, &["--from", "yesterday"], "not a time as in 2026-01-31");
    says(2, &["--model", "a*b"], "only at the end");
    says(2, &["--deep", "paw"], "--made-from");
    says(1, &[" "], "there is nothing in it to search for");
    says(1, &["paw", "-p", "Nope"], "there is no project \"Nope\"");
    says(1, &["--made-from", "zebra"], "there is no asset \"zebra\"");
}
