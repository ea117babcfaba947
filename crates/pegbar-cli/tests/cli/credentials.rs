//! `asset credentials`, and how `asset show` shows what they say.

use std::path::Path;

use crate::snapshot::Transcript;
use crate::support::{Bench, real_inputs};

fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pegbar/tests/fixtures/c2pa");
    folder.join(name).to_str().unwrap().to_owned()
}

both_engines! {
    fn the_signer_time_source_type_and_inputs_of_real_images_are_shown_as_claims(bench) {
        let Some(real) = real_inputs() else { return };
        bench.ok(&["project", "create", "Cats"]);
        for (name, time, inputs) in [
            ("char_1767250950182.png", "2026-01-01T07:02:29.000Z, by its time stamp", 3),
            ("sprite_1767251343859.png", "2026-01-01T07:09:02.000Z, by its time stamp", 1),
        ] {
            bench.ok(&["asset", "add", real.join("gemini").join(name).to_str().unwrap()]);
            let shown = bench.ok(&["asset", "show", name]);
            for part in [
                "Content Credentials (claimed by the file, not checked by Pegbar)",
                "signer       Google Media Processing Services (Google LLC)\n",
                time,
                "generator    Google C2PA Core Generator Library ",
                "source type  trained algorithmic media\n",
            ] {
                assert!(shown.contains(part), "{part}: {shown}");
            }
            assert_eq!(shown.matches("(sent as an input").count(), inputs, "{shown}");
            let claims = &bench.json(&["asset", "show", name])["claims"];
            let claim = claims.as_array().unwrap().iter().find(|claim| claim["tool"] == "c2pa");
            let fields = &claim.unwrap()["fields"];
            assert_eq!(fields["signer"]["organization"], "Google LLC");
            assert_eq!(fields["signedAtSource"], "timestamp");
            assert_eq!(fields["ingredients"].as_array().unwrap().len(), inputs);
        }
    }
}

#[test]
fn what_credentials_say_is_shown_as_it_was() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    for name in ["made.png", "sent.webp", "edited.jpg"] {
        bench.ok(&["asset", "add", &fixture(name)]);
    }
    bench.ok(&["asset", "add", &bench.png("plain.png", 1)]);
    let mut transcript = Transcript::new(&bench);
    for name in ["made.png", "sent.webp", "edited.jpg", "plain.png"] {
        transcript.run(&["asset", "credentials", name]);
    }
    let checked = if cfg!(feature = "c2pa") {
        "_checked"
    } else {
        ""
    };
    transcript.compare(&format!("credentials{checked}"));
}

#[cfg(not(feature = "c2pa"))]
#[test]
fn a_build_without_the_check_says_so_and_how_to_get_one_with_it() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    bench.ok(&["asset", "add", &fixture("made.png")]);
    let refused = bench.refused(
        1,
        &[
            "asset",
            "credentials",
            "made.png",
            "--trust-anchors",
            &fixture("anchor.pem"),
        ],
    );
    assert!(refused.contains("leaves out the check"), "{refused}");
    assert!(
        refused.contains(
            "hint: a build with `cargo install --path crates/pegbar-cli --features c2pa`"
        ),
        "{refused}"
    );
    let ran = bench.run(&["asset", "credentials", "made.png"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    assert!(ran.stdout.contains("not checked: this build"), "{ran:?}");
    let ran = bench.run(&["asset", "credentials", "made.png", "--json"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(1), ""));
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(report["checked"], false);
    assert_eq!(
        report["claimed"]["signer"]["commonName"],
        "Alley Cat Signer"
    );
    assert!(report["verdict"].is_null());
    assert!(
        report["problem"]
            .as_str()
            .unwrap()
            .starts_with("not checked")
    );
    // Where there is nothing to check, nothing is missing.
    bench.ok(&["asset", "add", &bench.png("plain.png", 1)]);
    let none = bench.json(&["asset", "credentials", "plain.png"]);
    assert_eq!(
        (&none["claimed"], &none["checked"]),
        (&none["verdict"], &false.into())
    );
}

#[cfg(feature = "c2pa")]
#[test]
fn each_question_has_its_own_answer_and_anchors_are_those_that_are_named() {
    let bench = Bench::new();
    bench.ok(&["project", "create", "Cats"]);
    bench.ok(&["asset", "add", &fixture("made.png")]);
    let anchors = ["--trust-anchors", &fixture("anchor.pem")];
    let report = bench.json(&[&["asset", "credentials", "made.png"][..], &anchors].concat());
    let verdict = &report["verdict"];
    assert_eq!(report["checked"], true);
    assert_eq!(verdict["bytes"], "unchanged");
    assert_eq!(verdict["signature"], "matches");
    assert_eq!(verdict["anchor"], "anchored");
    assert_eq!(
        bench.json(&["asset", "credentials", "made.png"])["verdict"]["anchor"],
        "noAnchors"
    );
    let missing = [
        "asset",
        "credentials",
        "made.png",
        "--trust-anchors",
        "nowhere.pem",
    ];
    let refused = bench.refused(1, &missing);
    assert!(refused.contains("nowhere.pem"), "{refused}");
    let wrong = bench.text_file("wrong.pem", "nothing");
    let refused = bench.refused(
        1,
        &[
            "asset",
            "credentials",
            "made.png",
            "--trust-anchors",
            &wrong,
        ],
    );
    assert!(refused.contains("no certificates in PEM"), "{refused}");
}
